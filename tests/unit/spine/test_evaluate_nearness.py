"""How like the test cases are to training, and what intervals hold by it: counted by hand."""

import numpy as np
from sklearn.datasets import load_diabetes

from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate.nearness import figures
from osler.tasks.regression import Regression

INFO = {"kind": "regression", "names": ["y"]}
LEVELS = np.array([80, 90])


def scored(radius):
    """Return statistics of 442 patients whose progression is predicted by their mean, and the views of intervals of `radius`."""
    values = load_diabetes().target[:, None]
    task = Regression()
    arrays = {"radius": np.array([[r] for r in radius]), "conformal_levels": LEVELS, "spread": np.ones((1, 2)),
              "spread_at": np.zeros((1, 2))}  # fmt: skip
    state = State(arrays)
    target = Target(values, np.ones(values.shape, bool), INFO)
    statistics = task.statistics(np.zeros(values.shape), target, state=state, plan={"target.mean": [150.0]})
    return statistics, task.views(state=state, info=INFO)


def test_bars_count_the_cases_and_coverage_is_the_share_that_intervals_hold_in_each_band():
    statistics, views = scored([60.0, 100.0])
    likeness = load_diabetes().data[:, 2]
    likeness = (likeness - likeness.min()) / np.ptp(likeness)
    likeness[:3] = np.nan
    histogram, coverage = figures({"likeness": likeness}, views, statistics)
    bars = histogram.series[0]
    counts = np.histogram(likeness[3:], np.linspace(0, 1, 21))[0]
    assert bars.y == [float(n) if n >= 5 else 0.0 for n in counts]
    assert [s.label for s in coverage.series] == ["80%", "level", "90%", "level"]
    assert coverage.series[3].y == [0.9, 0.9]
    edges = np.quantile(likeness[3:], np.linspace(0, 1, 7)[1:-1])
    first = np.flatnonzero(likeness <= edges[0])
    held = np.abs(load_diabetes().target[first] - 150.0) <= 60.0
    assert coverage.series[0].y[0] == float(f"{held.mean():.4g}")
    low, high = coverage.series[0].low[0], coverage.series[0].high[0]
    # statsmodels.stats.proportion.proportion_confint(k, n, method="wilson") is the same formula; here its law: p lies inside, and
    # squared distance of an end is z² times the variance there
    for end in (low, high):
        assert np.isclose((held.mean() - end) ** 2, 1.96**2 * end * (1 - end) / len(first), rtol=0.01)
    assert low < held.mean() < high


def test_few_cases_have_no_figure_and_alike_ones_no_bands():
    statistics, views = scored([60.0, 100.0])
    assert list(figures({"likeness": np.r_[np.full(438, np.nan), [0.1, 0.2, 0.3, 0.4]]}, views, statistics)) == []
    alone = list(figures({"likeness": np.full(442, 0.5)}, views, statistics))
    assert [f.name for f in alone] == ["nearness"]
    assert [f.name for f in figures({"a": np.linspace(0, 1, 442), "b": np.full(442, 0.5)}, (), statistics)] == [
        "nearness_1",
        "nearness_2",
    ]
