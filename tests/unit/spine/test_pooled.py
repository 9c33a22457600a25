"""Several trainings scored as one."""

from __future__ import annotations

import numpy as np
import pytest

from osler.core.measure import Measure
from osler.core.state import State
from osler.core.view import View
from osler.spine.evaluate import score_statistics
from osler.spine.evaluate.pooled import Outside, Pooled, pooled_views, repeats_panel
from osler.tasks.classification import Classification

INFO = {"kind": "binary", "names": ["y"], "classes": [["a", "b"]], "positive": "b"}


def statistics(seed=0, cases=300, noise=1.0):
    generator = np.random.default_rng(seed)
    truth = (np.random.default_rng(9).random(cases) < 0.4).astype(float)
    logit = truth * 1.5 - 0.7 + noise * generator.normal(size=cases)
    return np.stack([truth, logit, logit > 0], axis=1).astype(float)


def scored(task, lines, **more):
    return score_statistics(task, {"test": lines}, info=INFO, groups=None, seed=1, resamples=200, **more)


def values(scores):
    return {name: (v.value, v.low, v.high) for name, v in scores.test.items()}


def test_one_repeat_is_scored_as_the_task_itself():
    pooled = Pooled(Classification(), repeats=1, outside=[])
    assert values(scored(pooled, statistics())) == values(scored(Classification(), statistics()))


def test_equal_repeats_are_scored_as_one_of_them():
    pooled = Pooled(Classification(), repeats=3, outside=[])
    alone, three = scored(Classification(), statistics()), scored(pooled, np.concatenate([statistics()] * 3, axis=1))
    for name, ends in values(alone).items():
        assert values(three)[name] == pytest.approx(ends, rel=1e-6, nan_ok=True), name


def test_repeats_are_averaged_and_their_spread_is_told():
    blocks = [statistics(seed) for seed in range(3)]
    task = Pooled(Classification(), repeats=3, outside=[])
    whole = np.concatenate(blocks, axis=1)
    each = [scored(Classification(), block).test["auroc"].value for block in blocks]
    assert scored(task, whole).test["auroc"].value == pytest.approx(np.mean(each))
    panel = repeats_panel(task, whole, info=INFO)
    assert [row.values["auroc"].value for row in panel.rows[:3]] == pytest.approx(each)
    assert panel.rows[-1].values["auroc"].value == pytest.approx(np.std(each, ddof=1))


def test_repeats_of_one_case_do_not_make_intervals_narrower():
    blocks = [statistics(seed) for seed in range(4)]
    one = scored(Classification(), blocks[0]).test["accuracy"]
    four = scored(Pooled(Classification(), repeats=4, outside=[]), np.concatenate(blocks, axis=1)).test["accuracy"]
    assert four.high - four.low > 0.9 * (one.high - one.low)


def share_above(above, label="share", /, **about):
    def measures(lines, counts):
        return {"share": counts @ (lines[:, 1] > above) / counts.sum(axis=1)}

    return View("points", label, (Measure("share", "higher"),), measures, lambda lines: {"share": float(len(lines))}, about)


def test_pooled_views_are_exact_for_shares_of_cases_each_by_its_own_threshold():
    lines = statistics()
    first, second = np.arange(100), np.arange(100, 300)
    outside = [
        Outside(first, 0, [share_above(0.0, threshold=0.1, how="same"), share_above(0, "only here")]),
        Outside(second, 0, [share_above(0.5, threshold=0.3, how="same")]),
    ]
    views = pooled_views(outside, repeats=1)
    assert [v.label for v in views] == ["share"]
    wanted = np.r_[lines[first, 1] > 0.0, lines[second, 1] > 0.5].mean()
    assert views[0].measures(lines, np.ones((1, 300)))["share"][0] == pytest.approx(wanted)
    assert views[0].support(lines) == {"share": 300.0}
    assert views[0].about == {"threshold": 0.2, "threshold_range": [0.1, 0.3], "how": "same"}
    panel = scored(Pooled(Classification(), repeats=1, outside=outside), lines, views=views).panels[0]
    assert panel.rows[0].values["share"].low < wanted < panel.rows[0].values["share"].high


def test_a_view_without_a_value_in_one_training_is_the_mean_of_the_others():
    def measures(lines, counts):
        return {"share": np.full(len(counts), np.nan)}

    nothing = View("points", "share", (Measure("share", "higher"),), measures, lambda _: {"share": 0.0}, {})
    outside = [Outside(np.arange(10), 0, [nothing]), Outside(np.arange(10, 300), 0, [share_above(0.0)])]
    found = pooled_views(outside, repeats=1)[0].measures(statistics(), np.ones((1, 300)))["share"][0]
    assert found == pytest.approx((statistics()[10:, 1] > 0).mean())


def test_the_task_itself_knows_no_state_for_pooled_views():
    assert Pooled(Classification(), repeats=1, outside=[Outside(np.arange(3), 0, [])]).views(state=State(), info=INFO) == ()
