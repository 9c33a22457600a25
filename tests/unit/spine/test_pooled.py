"""Several trainings scored as one."""

from __future__ import annotations

import numpy as np
import pytest

from osler.core.measure import Measure
from osler.core.state import State
from osler.core.target import Target
from osler.core.view import View
from osler.spine.evaluate import score_statistics
from osler.spine.evaluate.pooled import Outside, Pooled, repeats_panel
from osler.tasks.classification import Classification

INFO = {"kind": "binary", "names": ["y"], "classes": [["a", "b"]], "positive": "b"}


def statistics(seed=0, cases=300):
    """A case's line as the task lays it out; its second column is the calibrated logit."""
    generator = np.random.default_rng(seed)
    truth = (np.random.default_rng(9).random(cases) < 0.4).astype(float)
    logit = truth * 1.5 - 0.7 + generator.normal(size=cases)
    target = Target(truth[:, None], np.ones((cases, 1), bool), INFO)
    return Classification().statistics(logit[:, None], target, state=State(), plan={})


def repeated(*blocks):
    """The pooled task of trainings that were each tested on all cases, a repeat each."""
    return Pooled(Classification(), [Outside(np.arange(len(b)), n, {"test": b}, []) for n, b in enumerate(blocks)])


def scored(task, lines, **more):
    return score_statistics(task, {"test": lines}, info=INFO, groups=None, seed=1, resamples=200, **more)


def pooled_scores(task):
    return scored(task, task.statistics_of("test"), views=task.views(state=State(), info=INFO))


def values(scores):
    return {name: (v.value, v.low, v.high) for name, v in scores.test.items()}


def test_one_repeat_is_scored_as_the_task_itself():
    assert values(pooled_scores(repeated(statistics()))) == values(scored(Classification(), statistics()))


def test_equal_repeats_are_scored_as_one_of_them():
    alone, three = scored(Classification(), statistics()), pooled_scores(repeated(*[statistics()] * 3))
    for name, ends in values(alone).items():
        assert values(three)[name] == pytest.approx(ends, rel=1e-6, nan_ok=True), name


def test_repeats_are_averaged_and_their_spread_is_told():
    blocks = [statistics(seed) for seed in range(3)]
    task = repeated(*blocks)
    each = [scored(Classification(), block).test["auroc"].value for block in blocks]
    assert pooled_scores(task).test["auroc"].value == pytest.approx(np.mean(each))
    panel = repeats_panel(task, task.statistics_of("test"), info=INFO)
    assert [row.values["auroc"].value for row in panel.rows[:3]] == pytest.approx(each)
    assert panel.rows[-1].values["auroc"].value == pytest.approx(np.std(each, ddof=1))


def test_repeats_of_one_case_do_not_make_intervals_narrower():
    blocks = [statistics(seed) for seed in range(4)]
    one, four = (pooled_scores(repeated(*b)).test["accuracy"] for b in (blocks[:1], blocks))
    assert four.high - four.low > 0.9 * (one.high - one.low)


def share_above(above, label="share", /, **about):
    def measures(lines, counts):
        return {"share": counts @ (lines[:, 1] > above) / counts.sum(axis=1)}

    return View("points", label, (Measure("share", "higher"),), measures, lambda lines: {"share": float(len(lines))}, about)


def two_folds(*views, cut=100):
    lines = statistics()
    first, second = np.arange(cut), np.arange(cut, 300)
    outside = [Outside(rows, 0, {"test": lines[rows]}, v) for rows, v in zip((first, second), views, strict=True)]
    return lines, Pooled(Classification(), outside)


def test_pooled_views_are_exact_for_shares_of_cases_each_by_its_own_threshold():
    own = [share_above(0.0, threshold=0.1, how="same"), share_above(0, "only here")]
    lines, task = two_folds(own, [share_above(0.5, threshold=0.3, how="same")])
    (view,) = task.views(state=State(), info=INFO)
    wanted = np.r_[lines[:100, 1] > 0.0, lines[100:, 1] > 0.5].mean()
    whole = task.statistics_of("test")
    assert view.measures(whole, np.ones((1, 300)))["share"][0] == pytest.approx(wanted)
    assert view.support(whole) == {"share": 300.0}
    assert view.about == {"threshold": 0.2, "threshold_range": [0.1, 0.3], "how": "same"}
    row = pooled_scores(task).panels[0].rows[0].values["share"]
    assert row.low < wanted < row.high


def test_the_order_of_cases_does_not_matter():
    _, task = two_folds([share_above(0.0)], [share_above(0.5)])
    (view,) = task.views(state=State(), info=INFO)
    whole, mixed = task.statistics_of("test"), np.random.default_rng(0).permutation(300)
    one = np.ones((1, 300))
    assert view.measures(whole[mixed], one)["share"] == pytest.approx(view.measures(whole, one)["share"])
    some = mixed[:50]
    lines = whole[some, 1]
    wanted = np.where(some < 100, lines > 0.0, lines > 0.5).mean()
    assert view.measures(whole[some], np.ones((1, 50)))["share"][0] == pytest.approx(wanted)


def test_a_view_without_a_value_in_one_training_is_the_mean_of_the_others():
    def measures(lines, counts):
        return {"share": np.full(len(counts), np.nan)}

    nothing = View("points", "share", (Measure("share", "higher"),), measures, lambda _: {"share": 0.0}, {})
    lines, task = two_folds([nothing], [share_above(0.0)], cut=10)
    found = task.views(state=State(), info=INFO)[0].measures(task.statistics_of("test"), np.ones((1, 300)))["share"][0]
    assert found == pytest.approx((lines[10:, 1] > 0).mean())


def test_trainings_without_views_have_none():
    assert repeated(statistics()).views(state=State(), info=INFO) == ()
