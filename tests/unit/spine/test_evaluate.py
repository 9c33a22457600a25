"""Scores: intervals that know their limits, paired verdicts, and values that do not exist."""

import json
import time

import numpy as np
import pytest
from scipy.special import expit

from osler.core.measure import Measure
from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate import evaluate
from osler.spine.evaluate.compare import verdict
from osler.spine.evaluate.interval import Spread, interval, wilson
from osler.spine.evaluate.resampling import Units, bootstrap, leave_one_out, side_by_side
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

BINARY = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
PARTS = ("test", "network", "baseline")


def study(n=600, *, prevalence=0.3, noise=(0.0, 0.0, 1.0), seed=0):
    generator = np.random.default_rng(seed)
    logit = generator.normal(size=n) * 1.3 + np.log(prevalence / (1 - prevalence))
    truth = (generator.random(n) < expit(logit)).astype(float)
    raws = {part: (logit + s * generator.normal(size=n))[:, None] for part, s in zip(PARTS, noise, strict=True)}
    return raws, Target(truth[:, None], np.ones((n, 1), bool), BINARY)


def scored(raws, target, *, groups=None, seed=0, resamples=300, task=None, plan=None):
    states = dict.fromkeys(raws, State())
    task = task or Classification()
    found = evaluate(task, raws, target, states=states, groups=groups, plan=plan or {}, seed=seed, resamples=resamples)
    json.dumps(found.to_dict(), allow_nan=False)
    return found


def test_every_measure_lies_inside_its_interval():
    found = scored(*study())
    for part in (found.test, found.network, found.baseline):
        assert list(part) == [m.name for m in Classification().measured(BINARY)]
        assert all(v.low < v.value < v.high for v in part.values())
    assert found.counts == {"cases": 600, "groups": 600, "resamples": 300}
    assert {"roc", "calibration", "decision"} <= set(found.curves)


def test_the_same_seed_gives_the_same_scores_and_another_nearly():
    raws, target = study()
    first, again, other = scored(raws, target), scored(raws, target), scored(raws, target, seed=1)
    assert first.to_dict() == again.to_dict()
    assert first.test["auroc"] != other.test["auroc"]
    assert first.test["auroc"].low == pytest.approx(other.test["auroc"].low, abs=0.02)


def test_shares_of_single_cases_have_wilsons_interval():
    found = scored(*study())
    value = found.test["accuracy"]
    assert (value.low, value.high) == wilson(value.value, 600)


def test_copies_of_cases_in_groups_narrow_nothing():
    raws, target = study(n=200)
    often = np.repeat(np.arange(200), 10)
    many = {part: raw[often] for part, raw in raws.items()}
    alone = scored(raws, target, resamples=600).test
    grouped = scored(many, target.take(often), groups=often, resamples=600).test
    pretended = scored(many, target.take(often), resamples=600).test
    for name in ("auroc", "brier", "accuracy"):
        widths = [values[name].high - values[name].low for values in (alone, grouped, pretended)]
        assert widths[1] == pytest.approx(widths[0], rel=0.15)
        assert widths[2] < 0.5 * widths[0]


def test_names_of_groups_do_not_matter():
    raws, target = study()
    numbers = np.arange(600) // 6
    texts = np.array([f"{900 - n} patient" for n in numbers])
    sizes = [scored(raws, target, groups=g).test["auroc"] for g in (numbers, texts)]
    assert sizes[0].low == pytest.approx(sizes[1].low, abs=0.01)
    assert scored(raws, target, groups=texts).counts["groups"] == 100


def test_few_groups_are_left_out_in_turn():
    raws, target = study()
    found = scored(raws, target, groups=np.arange(600) % 20)
    assert found.counts["resamples"] == 20
    assert found.test["auroc"].low is not None
    assert any("leaving out each group" in note for note in found.notes)


@pytest.mark.parametrize("groups", [1, 2, 9])
def test_under_ten_groups_there_are_values_without_intervals(groups):
    raws, target = study()
    found = scored(raws, target, groups=np.arange(600) % groups)
    assert all(v.low is None and v.high is None for v in found.test.values())
    assert np.isfinite(found.test["auroc"].value)
    assert found.verdict.word == "no difference shown"
    assert "too few for an interval" in found.verdict.sentence
    assert any("too few for intervals" in note for note in found.notes)


def test_notes_say_what_the_intervals_hold_for():
    raws, target = study()
    assert any("this trained model" in note for note in scored(raws, target).notes)
    assert any("too narrow" in note for note in scored(raws, target).notes)
    assert not any("too narrow" in note for note in scored(raws, target, groups=np.arange(600)).notes)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_one_class_in_test_leaves_out_what_does_not_exist(value):
    raws, target = study()
    one = Target(np.full((600, 1), value), target.observed, BINARY)
    found = scored(raws, one)
    assert np.isnan(found.test["auroc"].value)
    assert "one class only" in found.test["auroc"].note
    assert np.isfinite(found.test["accuracy"].value)
    assert found.to_dict()["test"]["auroc"]["value"] is None
    assert "cannot be compared" in found.verdict.sentence


def test_no_case_at_all_is_told_in_values_that_are_missing():
    raws, _ = study()
    nobody = Target(np.full((600, 1), np.nan), np.zeros((600, 1), bool), BINARY)
    found = scored(raws, nobody)
    assert found.counts["cases"] == 0
    assert all(np.isnan(v.value) for v in found.test.values())


def test_equal_predictions_have_a_value_and_no_invented_interval():
    raws, target = study()
    found = scored({part: np.zeros_like(raw) for part, raw in raws.items()}, target)
    assert found.test["auroc"].value == 0.5
    assert found.test["auroc"].low is None
    assert found.verdict.word == "no difference shown"


def test_perfect_separation_in_a_few_cases_is_not_certainty():
    truth = (np.arange(60) >= 40).astype(float)
    raw = (truth * 6 - 3)[:, None] + np.linspace(0, 1, 60)[:, None]
    found = scored(dict.fromkeys(PARTS, raw), Target(truth[:, None], np.ones((60, 1), bool), BINARY))
    assert found.test["auroc"].value == 1.0
    assert 0.8 < found.test["auroc"].low < 0.97
    assert found.test["auroc"].high == 1.0


def test_three_positives_carry_no_interval_of_their_own():
    raws, _ = study()
    target = Target((np.arange(600) < 3).astype(float)[:, None], np.ones((600, 1), bool), BINARY)
    found = scored(raws, target)
    assert found.test["auroc"].low is None
    assert "fewer than 5 cases" in found.test["auroc"].note
    assert found.test["specificity"].low is not None


def test_one_in_ten_thousand():
    raws, target = study(n=100_000, prevalence=0.00005)
    found = scored(raws, target, resamples=100)
    assert 5 < target.values.sum() < 60
    assert found.test["auroc"].low < found.test["auroc"].value < found.test["auroc"].high
    assert found.counts["resamples"] == 100


def test_many_cases_take_fewer_resamples_and_say_so():
    raws, target = study(n=250_000)
    raws.pop("baseline"), raws.pop("network")
    found = scored(raws, target, resamples=2_000)
    assert found.counts["resamples"] == 400
    assert any("400 resamples" in note for note in found.notes)
    assert found.verdict is None
    few = scored({"test": raws["test"][:50_000]}, target.take(np.arange(50_000)), resamples=200)
    shrunk = (few.test["auroc"].high - few.test["auroc"].low) / np.sqrt(5)
    assert found.test["auroc"].high - found.test["auroc"].low == pytest.approx(shrunk, rel=0.2)


# verdict --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("noise", "word"), [((0, 0, 2.0), "better"), ((0, 2.0, 0), "worse"), ((0, 0.5, 0.5), "no difference shown")]
)
def test_the_verdict_favours_what_ranks_better(noise, word):
    found = scored(*study(n=1_500, noise=noise), resamples=500)
    assert found.verdict.word == word
    assert found.verdict.measure == "auroc"
    difference = found.network["auroc"].value - found.baseline["auroc"].value
    assert found.verdict.difference.value == pytest.approx(difference)


def test_an_error_is_better_when_smaller():
    generator = np.random.default_rng(0)
    truth = generator.normal(size=500)
    info = {"kind": "regression", "names": ["y"]}
    raws = {part: (truth + s * generator.normal(size=500))[:, None] for part, s in zip(PARTS, (0.3, 0.3, 0.6), strict=True)}
    found = scored(raws, Target(truth[:, None], np.ones((500, 1), bool), info), task=Regression())
    assert found.verdict.word == "better"
    assert found.verdict.difference.value == pytest.approx(found.baseline["rmse"].value - found.network["rmse"].value)
    assert found.verdict.sentence.startswith("The network is better than the baseline: rmse differs by +0.")


def test_pairing_sees_what_single_intervals_hide():
    raws, target = study(n=4_000, noise=(0.0, 0.0, 0.0))
    raws["baseline"] = raws["network"] + 0.5 * np.random.default_rng(9).normal(size=raws["network"].shape)
    found = scored(raws, target, resamples=1_000)
    assert found.network["auroc"].low < found.baseline["auroc"].value
    assert found.verdict.word == "better"


def test_the_same_member_twice_does_not_differ():
    raws, target = study(noise=(0, 0, 0))
    found = scored(raws, target)
    assert found.verdict.difference.value == 0
    assert found.verdict.word == "no difference shown"


def test_two_bundles_are_compared_by_their_names():
    spread = Spread(np.random.default_rng(0).normal(0.8, 0.01, 100), "bootstrap", 100, True, 100.0)
    other = Spread(spread.values - 0.1 + np.random.default_rng(1).normal(0, 0.01, 100), "bootstrap", 100, True, 100.0)
    found = verdict(Measure("auroc", "higher", "logit"), (0.8, 0.7), (spread, other), names=("model A", "model B"))
    assert found.sentence.startswith("Model A is better than model B: auroc differs by +0.1 (95% interval +0.0")


# intervals ------------------------------------------------------------------------------------------------------------


def spread(values, how="bootstrap", carried=100.0, single=False):
    return Spread(np.asarray(values, float), how, len(values), single, carried)


def test_intervals_stay_where_their_measure_lives():
    values = np.random.default_rng(0).normal(0, 0.2, 500)
    logit = interval(Measure("auroc", "higher", "logit"), 0.97, spread(0.97 + values))
    log = interval(Measure("rmse", "lower", "log"), 0.1, spread(0.1 + values))
    most = interval(Measure("r2", "higher", most=1.0), 0.95, spread(0.95 + values))
    assert 0 < logit.low < logit.high < 1
    assert 0 < log.low < log.high
    assert most.high == 1.0


def test_small_samples_have_wider_intervals():
    values = np.random.default_rng(0).normal(0.8, 0.02, 1000)
    wide, narrow = (interval(Measure("mcc", "higher"), 0.8, spread(values, carried=c)) for c in (8.0, 1000.0))
    assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 * 0.02, rel=0.1)


def test_resamples_without_a_value_are_left_out_until_they_are_too_many():
    values = np.random.default_rng(0).normal(0.8, 0.02, 100)
    some, most = values.copy(), values.copy()
    some[:30], most[:60] = np.nan, np.nan
    measure = Measure("mcc", "higher")
    assert interval(measure, 0.8, spread(some)).low is not None
    assert interval(measure, 0.8, spread(most)).note == "too many resamples have no value: no interval"
    assert interval(measure, 0.8, spread(some, how="jackknife")).low is None


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=20)
    left = (values.sum() - values) / 19
    wanted = values.std(ddof=1) / np.sqrt(20)
    assert spread(left, how="jackknife").error() == pytest.approx(wanted)


def test_wilson_as_published():
    """Newcombe 1998 (doi 10.1002/(SICI)1097-0258(19980430)17:8<857), table I: 81/263, 15/148, 0/20, 1/29, method 3."""
    published = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611), (1, 29): (0.0061, 0.1718)}
    for (hits, cases), (low, high) in published.items():
        assert wilson(hits / cases, cases) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


# resampling -----------------------------------------------------------------------------------------------------------


def test_groups_are_drawn_whole_and_as_many_as_there_are():
    code = np.random.default_rng(0).integers(0, 60, size=500)
    units = Units.of(code, 500)
    counts = np.concatenate(list(bootstrap(units, resamples=50, seed=0)))
    assert counts.shape == (50, 500)
    for group in range(units.size):
        members = counts[:, units.code == group]
        assert (members == members[:, :1]).all()
    firsts = counts[:, np.unique(units.code, return_index=True)[1]]
    assert (firsts.sum(axis=1) == units.size).all()
    assert firsts.var() == pytest.approx(1 - 1 / units.size, rel=0.15)


def test_chunks_do_not_change_the_draw(monkeypatch):
    units = Units.of(None, 300)
    whole = np.concatenate(list(bootstrap(units, resamples=40, seed=3)))
    monkeypatch.setattr("osler.spine.evaluate.resampling._CHUNK", 900)
    monkeypatch.setattr("osler.spine.evaluate.resampling._DRAWN", 500)
    pieces = list(bootstrap(units, resamples=40, seed=3))
    assert len(pieces) > 10
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_each_group_is_left_out_once():
    units = Units.of(np.array(["b", "a", "b", "c"]), 4)
    counts = np.concatenate(list(leave_one_out(units)))
    assert counts.tolist() == [[1, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 0]]


def test_very_many_groups_are_each_drawn_by_themselves_as_often_as_with_replacement():
    """Poisson's distribution with mean one: 0, 1, 2, 3 times with chances 1/e, 1/e, 1/2e, 1/6e."""
    units = Units.of(None, 200_000)
    counts = np.concatenate(list(bootstrap(units, resamples=5, seed=3)))
    shares = np.bincount(counts.ravel(), minlength=4)[:4] / counts.size
    np.testing.assert_allclose(shares, np.exp(-1) / np.array([1, 1, 2, 6]), atol=4 * 0.5 / 1e6**0.5)
    assert abs(np.corrcoef(counts[:2])[0, 1]) < 0.01
    few = np.concatenate(list(bootstrap(Units.of(None, 20_000), resamples=5, seed=3)))
    assert (few.sum(axis=1) == 20_000).all()


@pytest.mark.parametrize("cases", [20_000, 150_000])
def test_pieces_do_not_change_what_is_drawn(cases, monkeypatch):
    monkeypatch.setattr("osler.spine.evaluate.resampling._CHUNK", 2 * cases)
    whole, parts = (list(bootstrap(Units.of(None, cases), resamples=3, seed=1, parts=p)) for p in (1, 3))
    assert len(parts) == 3
    np.testing.assert_array_equal(np.concatenate(whole), np.concatenate(parts))


def test_pieces_of_the_resamples_come_in_their_order(monkeypatch):
    monkeypatch.setattr("osler.spine.evaluate.resampling.WORKERS", 3)

    def measured(number):
        time.sleep(0.02 * (number % 3 == 0))
        return number

    assert list(side_by_side(measured, range(10))) == list(range(10))


def test_scores_are_the_same_side_by_side_and_one_after_another(monkeypatch):
    raws, target = study(800)
    asked = {"states": dict.fromkeys(PARTS, State()), "groups": None, "plan": {}, "seed": 0, "resamples": 60}
    alone = evaluate(Classification(), raws, target, **asked)
    monkeypatch.setattr("osler.spine.evaluate.resampling._CHUNK", 10_000)
    beside = evaluate(Classification(), raws, target, **asked)
    for one, other in zip(alone.test.values(), beside.test.values(), strict=True):
        # the slopes of a piece are found from that of all its resamples together, to a ten-thousandth of a step
        assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high), rel=1e-5)


def test_a_few_large_errors_leave_the_interval_of_an_rmse_few_degrees_of_freedom():
    """Of normal errors, squares have kurtosis 15, so that n of them tell their spread as n / 7 normal values do."""
    generator = np.random.default_rng(0)
    truth = generator.normal(size=(20_000, 1))
    lines = np.column_stack([truth, truth + generator.normal(size=truth.shape), np.ones_like(truth)])
    info = {"kind": "regression", "names": ["y"]}
    found = Regression().support(lines, info=info)
    assert found["rmse"] == pytest.approx(20_000 / 7, rel=0.2)
    assert found["calibration_intercept"] == pytest.approx(20_000, rel=0.1)
    lines[0, 1] += 1e4
    assert Regression().support(lines, info=info)["rmse"] == 10


def test_what_was_chosen_is_a_point_on_its_curve_with_its_interval():
    raws, target = study(3_000)
    plan = {"target.abstain": "coverage=0.5"}
    task = Classification()
    state = task.settle(raws["test"], target, np.arange(3_000), plan=plan)
    found = evaluate(task, {"test": raws["test"]}, target, states={"test": state}, groups=None, plan=plan, seed=0, resamples=200)
    row = next(p for p in found.panels if p.name == "abstention").rows[0].values
    curve, _, point = found.curves["selective"]["series"]
    assert (point["label"], point["style"]) == ("in use", "points")
    assert point["x"] == [pytest.approx(row["kept"].value, abs=1e-6)]
    assert (point["low"][0], point["high"][0]) == pytest.approx((row["error_rate"].low, row["error_rate"].high), abs=1e-6)
    assert point["y"][0] == pytest.approx(np.interp(point["x"][0], curve["x"], curve["y"]), abs=0.01)
    assert [s["label"] for s in scored(raws, target).curves["selective"]["series"]] == ["model", "all cases"]
