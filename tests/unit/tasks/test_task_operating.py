"""Operating points: thresholds from calibration cases, measures on test cases, and what cannot be found."""

import json

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats.mstats import hdquantiles

from osler.core.errors import PlanError
from osler.core.plan import Brief, Plan
from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate import evaluate
from osler.tasks import operating
from osler.tasks.classification import Classification
from osler.tasks.operating import Point, asked, quantile, thresholds

BINARY = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
LABELS = {"kind": "multilabel", "names": ["a", "b"], "classes": [["0", "1"]] * 2, "positive": ["1", "1"]}
PLAN = {"target.points": list(operating.POINTS)}


def cases(n, *, seed=0, labels=1, shift=-1.0):
    generator = np.random.default_rng(seed)
    logit = generator.normal(size=(n, labels)) * 1.3 + shift
    return logit, (generator.random((n, labels)) < expit(logit)).astype(float)


def target_of(values, info):
    return Target(values, ~np.isnan(values), info)


def panels_of(raw, values, info, *, state, groups=None, resamples=100):
    target = target_of(values, info)
    found = evaluate(
        Classification(), {"test": raw}, target, states={"test": state}, groups=groups, plan={}, seed=0, resamples=resamples
    )
    json.dumps(found.to_dict(), allow_nan=False)
    return {p.name: {row.label: row for row in p.rows} for p in found.panels}


def test_points_are_reached_on_new_cases():
    task = Classification()
    raw, values = cases(20_000)
    state = task.settle(raw, target_of(values, BINARY), np.arange(20_000), plan=PLAN)
    rows = panels_of(*cases(20_000, seed=1), BINARY, state=state)["operating_points"]
    assert list(rows) == ["in use", *(point.label for point in asked(operating.POINTS))]
    for share in (0.9, 0.95):
        for kind in ("sensitivity", "specificity"):
            row = rows[f"{kind} = {share:g}"]
            assert row.values[kind].value == pytest.approx(share, abs=0.012)
            assert row.values[kind].low < row.values[kind].value < row.values[kind].high


def test_on_average_few_calibration_cases_reach_the_share_too():
    reached = []
    for seed in range(300):
        raw, values = cases(120, seed=seed)
        found, _ = thresholds(raw[:, 0], values[:, 0], asked(["sensitivity=0.9"]))
        fresh, truth = cases(4_000, seed=1000 + seed)
        reached.append((expit(fresh[truth == 1]) >= found[0]).mean())
    assert np.mean(reached) == pytest.approx(0.9, abs=0.015)


def test_the_smoothed_quantile_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=57)
    for share in (0.05, 0.1, 0.5, 0.95):
        assert quantile(values, share) == pytest.approx(float(hdquantiles(values, [share])[0]), abs=1e-12)


def test_no_threshold_is_a_patients_score():
    raw, values = cases(60, seed=3)
    found, _ = thresholds(raw[:, 0], values[:, 0], asked(["sensitivity=0.9", "specificity=0.95"]))
    assert np.abs(expit(raw[:, 0])[:, None] - found).min() > 1e-6
    steps = np.log(found / (1 - found)) / 0.01
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)


def test_equal_scores_keep_the_share_that_is_asked_for():
    score, truth = np.full(60, 0.4321), np.arange(60) % 2
    found, _ = thresholds(score, truth, asked(["sensitivity=0.9", "specificity=0.9"]))
    assert (expit(score) >= found[0]).all()
    assert not (expit(score) >= found[1]).any()


def test_too_few_cases_have_no_threshold_and_say_so():
    score, truth = np.linspace(-2, 2, 100), np.arange(100) >= 91
    found, hows = thresholds(score, truth, asked(["sensitivity=0.9", "specificity=0.9", "threshold=0.2"]))
    assert np.isnan(found[0])
    assert hows[0] == "not found: 9 calibration cases with the outcome are fewer than 10"
    assert np.isfinite(found[1:]).all()
    raw, values = cases(100)
    state = Classification().settle(raw, target_of((np.arange(100)[:, None] >= 91) * 1.0, BINARY), np.arange(100), plan=PLAN)
    row = panels_of(raw, values, BINARY, state=state)["operating_points"]["sensitivity = 0.9"]
    assert row.about["threshold"] is None
    assert all(np.isnan(v.value) for v in row.values.values())


def test_measures_are_those_of_the_table_of_four():
    raw, values = cases(500)
    state = State({"threshold": np.array([0.5]), "points": np.array([[0.2]])}, {"points": ["p"], "points_how": [[""]]})
    row = panels_of(raw, values, BINARY, state=state)["operating_points"]["p"]
    flagged, true = expit(raw[:, 0]) >= 0.2, values[:, 0] == 1
    a, b, c, d = (flagged & true).sum(), (flagged & ~true).sum(), (~flagged & true).sum(), (~flagged & ~true).sum()
    wanted = {
        "sensitivity": a / (a + c), "specificity": d / (b + d), "ppv": a / (a + b), "npv": d / (c + d),
        "lr_positive": (a / (a + c)) / (b / (b + d)), "lr_negative": (c / (a + c)) / (d / (b + d)), "flagged": (a + b) / 500,
    }  # fmt: skip
    assert {name: value.value for name, value in row.values.items()} == pytest.approx(wanted)
    # Simel 1991: the standard error of log LR+ is sqrt(1/a - 1/(a+c) + 1/b - 1/(b+d))
    error = np.sqrt(1 / a - 1 / (a + c) + 1 / b - 1 / (b + d))
    found = row.values["lr_positive"]
    assert np.log(found.high / found.low) / 2 == pytest.approx(1.98 * error, rel=0.25)
    assert np.log(found.high / found.value) == pytest.approx(np.log(found.value / found.low))


def test_a_ratio_over_nothing_is_left_out():
    raw = np.linspace(-3, 3, 200)[:, None]
    state = State({"threshold": np.array([0.5])})
    row = panels_of(raw, (raw > 0).astype(float), BINARY, state=state)["operating_points"]["in use"]
    for name in ("lr_positive", "lr_negative"):
        assert np.isnan(row.values[name].value)
        assert row.values[name].note
    assert row.values["specificity"].value == 1.0


def test_groups_widen_the_intervals():
    raw, values = cases(100)
    often = np.repeat(np.arange(100), 8)
    state = State({"threshold": np.array([0.4])})
    grouped = panels_of(raw[often], values[often], BINARY, state=state, groups=often)["operating_points"]["in use"].values
    alone = panels_of(raw[often], values[often], BINARY, state=state)["operating_points"]["in use"].values
    for name in ("sensitivity", "lr_positive"):
        assert grouped[name].high - grouped[name].low > 1.8 * (alone[name].high - alone[name].low)


def test_each_label_has_its_points_and_missing_labels_count_nothing():
    task = Classification()
    raw, values = cases(900, labels=2)
    values[::3, 1] = np.nan
    state = task.settle(raw, target_of(values, LABELS), np.arange(900), plan=PLAN)
    assert state.arrays["points"].shape == (2, 4)
    found = panels_of(raw, values, LABELS, state=state)
    assert {"operating_points.a", "operating_points.b"} <= set(found)
    known = ~np.isnan(values[:, 1])
    alone = task.settle(raw[known, 1:], target_of(values[known, 1:], BINARY), np.arange(known.sum()), plan=PLAN)
    single = panels_of(raw[known, 1:], values[known, 1:], BINARY, state=alone)["operating_points"]
    for label, row in found["operating_points.b"].items():
        assert row.about == single[label].about
        assert {k: v.value for k, v in row.values.items()} == pytest.approx({k: v.value for k, v in single[label].values.items()})


def test_a_bundle_without_points_has_the_threshold_in_use():
    rows = panels_of(*cases(200), BINARY, state=State({"threshold": np.array([0.3])}))["operating_points"]
    assert list(rows) == ["in use"]


def brief(settings, kind="binary"):
    classes = [["0", "1"]] if kind == "binary" else [["0", "1", "2"]]
    facts = {"kind": kind, "classes": classes, "rarest": 0.3, "counts": [[70, 30]], "prior": [0.0]}
    return Brief({}, facts, "classification", "vector", "cpu", 1.0, 100, 100, settings=settings)


def test_the_points_are_a_decision():
    plan = Plan(Classification().rules(brief({})))
    assert plan["target.points"] == list(operating.POINTS)
    assert plan.set_by_user({"target.points": ["threshold=0.2"]})["target.points"] == ["threshold=0.2"]
    assert "target.points" not in Plan(Classification().rules(brief({}, kind="multiclass")))
    with pytest.raises(PlanError, match=r"'target.points' cannot be 'sensitivity=0.8'; wanted a value like \["):
        plan.set_by_user({"target.points": "sensitivity=0.8"})


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (["sensitivty=0.9"], r"no kind of point 'sensitivty'; did you mean 'sensitivity'\?"),
        (["sensitivity=90"], r"'sensitivity=90'; write a share between 0 and 1, as in sensitivity=0.9"),
        (["specificity"], "write a share between 0 and 1"),
        ([0.3], "no kind of point '0.3'"),
    ],
)
def test_points_that_cannot_be_are_refused_before_training(points, message):
    with pytest.raises(PlanError, match=message):
        Classification().rules(brief({"target.points": points}))


def test_equal_points_are_told_once():
    assert asked(["sensitivity=0.9", "sensitivity = 0.90"]) == (Point("sensitivity", 0.9),)


def test_a_share_of_all_cases_is_flagged_and_at_the_outcomes_own_share_sensitivity_and_ppv_are_alike():
    generator = np.random.default_rng(0)
    truth = (generator.random(4_000) < 0.15).astype(float)
    score = generator.normal(size=4_000) + 1.5 * truth
    found, hows = thresholds(score, truth, asked(["flagged=0.15", "flagged=0.001"]))
    chosen = score >= np.log(found[0] / (1 - found[0]))
    assert chosen.mean() == pytest.approx(0.15, abs=0.005)
    assert truth[chosen].mean() == pytest.approx(chosen[truth > 0].mean(), abs=0.03)
    assert hows[0] == "a smoothed quantile of 4000 calibration cases"
    assert np.isnan(found[1])
    assert hows[1] == "not found: a share of 0.001 of 4000 calibration cases is fewer than 10"
