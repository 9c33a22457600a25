"""Laws of the measures: what resampling counts mean, and what happens where a value does not exist."""

import numpy as np
import pytest

from osler.core.ranks import Ranking, Runs, Tally, areas
from osler.core.state import State
from osler.core.target import Target
from osler.tasks import binary as measures_of_two
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

BINARY = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
MANY = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]]}
LABELS = {"kind": "multilabel", "names": ["x", "y"], "classes": [["0", "1"]] * 2, "positive": ["1", "1"]}
NUMBERS = {"kind": "regression", "names": ["u", "v"]}
KINDS = {"binary": BINARY, "multiclass": MANY, "multilabel": LABELS, "regression": NUMBERS}


def made(kind, n=400, seed=0):
    """Return a task and the statistics of cases with ties, and with unobserved values where the task knows them."""
    generator = np.random.default_rng(seed)
    info = KINDS[kind]
    task = Regression() if kind == "regression" else Classification()
    width = task.width(info)
    raw = np.round(generator.normal(size=(n, width)), 1)
    if kind == "regression":
        values = raw + generator.normal(size=raw.shape)
    elif kind == "multiclass":
        values = (raw + generator.normal(size=raw.shape)).argmax(axis=1)[:, None].astype(float)
    else:
        values = (generator.random(raw.shape) < 1 / (1 + np.exp(-1.5 * raw))).astype(float)
    observed = np.ones(values.shape, bool)
    if kind in {"multilabel", "regression"}:
        observed[generator.random(n) < 0.2, 0] = False
    target = Target(np.where(observed, values, np.nan), observed, info)
    return task, task.statistics(raw, target, state=State(), plan={}), info


def ones(n):
    return np.ones((1, n), np.uint8)


def same(one, other, rtol=1e-9, atol=1e-12):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=rtol, atol=atol, err_msg=name)


every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_the_order_of_cases_does_not_matter(kind):
    task, statistics, info = made(kind)
    order = np.random.default_rng(1).permutation(len(statistics))
    counts = np.random.default_rng(2).integers(0, 4, size=(3, len(statistics))).astype(np.uint8)
    same(task.measures(statistics, counts, info=info), task.measures(statistics[order], counts[:, order], info=info))


@every_kind
def test_counts_are_repeated_rows(kind):
    task, statistics, info = made(kind)
    counts = np.random.default_rng(2).integers(0, 4, size=(3, len(statistics))).astype(np.uint8)
    resampled = task.measures(statistics, counts, info=info)
    for row in range(len(counts)):
        repeated = statistics[np.repeat(np.arange(len(statistics)), counts[row])]
        single = task.measures(repeated, ones(len(repeated)), info=info)
        same({name: values[row : row + 1] for name, values in resampled.items()}, single, rtol=1e-7)


@every_kind
def test_every_case_twice_changes_nothing(kind):
    task, statistics, info = made(kind)
    single = task.measures(statistics, ones(len(statistics)), info=info)
    same(single, task.measures(statistics, 2 * ones(len(statistics)), info=info), rtol=1e-7)
    double = np.concatenate([statistics, statistics])
    same(single, task.measures(double, ones(len(double)), info=info), rtol=1e-7)


@every_kind
def test_measures_and_support_are_those_that_are_declared(kind):
    task, statistics, info = made(kind)
    declared = [m.name for m in task.measured(info)]
    assert list(task.measures(statistics, ones(len(statistics)), info=info)) == declared
    support = task.support(statistics, info=info)
    assert set(support) == set(declared)
    assert all(0 <= v <= len(statistics) for v in support.values())


@every_kind
def test_statistics_and_counts_are_left_as_they_were(kind):
    task, statistics, info = made(kind)
    counts = ones(len(statistics))
    before = statistics.copy(), counts.copy()
    task.measures(statistics, counts, info=info)
    task.figures(statistics, info=info)
    np.testing.assert_array_equal(statistics, before[0])
    np.testing.assert_array_equal(counts, before[1])


def binary(logit, truth, **state):
    target = Target(np.asarray(truth, float)[:, None], np.ones((len(truth), 1), bool), BINARY)
    statistics = Classification().statistics(np.asarray(logit, float)[:, None], target, state=State(**state), plan={})
    found = Classification().measures(statistics, ones(len(truth)), info=BINARY)
    return {name: float(values[0]) for name, values in found.items()}


def test_one_class_only_has_no_ranking_and_no_crash():
    values = binary([0.3, -1.0, 2.0], [1, 1, 1])
    gone = ["auroc", "auprc", "balanced_accuracy", "specificity", "calibration_slope", "calibration_intercept"]
    assert all(np.isnan(values[name]) for name in gone)
    assert values["accuracy"] == pytest.approx(2 / 3)
    assert values["sensitivity"] == pytest.approx(2 / 3)


def test_equal_predictions_rank_like_a_coin():
    values = binary(np.zeros(100), np.arange(100) < 20)
    assert values["auroc"] == 0.5
    assert values["auprc"] == pytest.approx(0.2)
    assert np.isnan(values["calibration_slope"])
    assert values["mcc"] == 0
    assert values["oe_ratio"] == pytest.approx(0.4)


def test_perfect_separation_has_no_slope():
    values = binary([-2.0, -1.0, 1.0, 2.0] * 10, [0, 0, 1, 1] * 10)
    assert values["auroc"] == 1.0
    assert np.isnan(values["calibration_slope"])
    assert values["f1"] == 1.0


def test_nobody_predicted_positive_has_no_predictive_value():
    values = binary([-3.0, -2.0, -1.0], [0, 1, 0])
    assert np.isnan(values["ppv"])
    assert values["npv"] == pytest.approx(2 / 3)


def test_one_in_ten_thousand():
    generator = np.random.default_rng(3)
    truth = np.arange(100_000) < 10
    logit = generator.normal(size=len(truth)) + 2 * truth - 9.2
    values = binary(logit, truth)
    assert all(np.isfinite(v) for name, v in values.items() if name != "ppv")
    pairs = logit[truth][:, None] > logit[~truth]
    assert values["auroc"] == pytest.approx(pairs.mean(), abs=1e-12)


def test_logits_beyond_all_bounds_stay_numbers():
    values = binary([1e9, -1e9, 1e300, -np.inf], [1, 0, 0, 1])
    assert all(np.isfinite(v) for name, v in values.items() if "slope" not in name), values


def test_a_large_resample_is_fitted_on_runs_within_a_hundredth_of_its_error():
    generator = np.random.default_rng(4)
    logit = generator.normal(size=8_000) * 1.5 - 1
    truth = generator.random(len(logit)) < 1 / (1 + np.exp(-0.8 * logit))
    target = Target(truth.astype(float)[:, None], np.ones((len(truth), 1), bool), BINARY)
    task = Classification()
    statistics = task.statistics(logit[:, None], target, state=State(), plan={})
    counts = generator.multinomial(len(logit), np.full(len(logit), 1 / len(logit)), size=40).astype(np.uint8)
    together = task.measures(statistics, counts, info=BINARY)
    alone = [task.measures(statistics, counts[row : row + 1], info=BINARY) for row in range(5)]
    for name in ("calibration_slope", "calibration_intercept"):
        apart = np.abs([one[name][0] - together[name][row] for row, one in enumerate(alone)])
        assert apart.max() < 0.02 * together[name].std()


def test_a_class_that_a_resample_lacks_leaves_the_mean_of_the_others():
    task, statistics, _ = made("multiclass")
    without = (statistics[:, 0] != 2).astype(np.uint8)[None]
    found = task.measures(statistics, without, info=MANY)
    assert np.isfinite(found["auroc"][0])
    kept = statistics[statistics[:, 0] != 2]
    same(found, task.measures(kept, ones(len(kept)), info=MANY))


def test_a_label_with_one_class_is_left_out_of_the_mean():
    task, statistics, _ = made("multilabel")
    second = measures_of_two.WIDTH + measures_of_two.TRUTH
    statistics[:, second] = np.where(np.isnan(statistics[:, second]), np.nan, 0.0)
    found = task.measures(statistics, ones(len(statistics)), info=LABELS)
    assert np.isnan(found["auroc_y"][0])
    assert found["auroc"][0] == found["auroc_x"][0]


def test_several_numbers_have_their_mean_and_each_its_own():
    task, statistics, _ = made("regression")
    found = task.measures(statistics, ones(len(statistics)), info=NUMBERS)
    assert found["scaled_rmse"][0] == pytest.approx(
        (found["rmse_u"][0] + found["rmse_v"][0]) / 2
    )  # without a plan the scale is one
    known = ~np.isnan(statistics[:, 0])
    assert found["mae_u"][0] == pytest.approx(np.abs(statistics[known, 0] - statistics[known, 1]).mean())


def test_no_unit_enters_the_mean_over_targets():
    """Disease progression and the same in thousandths (real values): no target outweighs the other, whatever its unit."""
    from sklearn.datasets import load_diabetes

    one = load_diabetes().target[:, None]
    values = np.hstack([one, 1000 * one])
    target = Target(values, np.ones(values.shape, bool), NUMBERS)
    plan = {"target.mean": values.mean(0).tolist(), "target.scale": values.std(0).tolist()}
    statistics = Regression().statistics(np.zeros(values.shape), target, state=State(), plan=plan)
    found = Regression().measures(statistics, ones(len(statistics)), info=NUMBERS)
    assert found["scaled_rmse"][0] == pytest.approx(1.0)
    assert found["rmse_v"][0] == pytest.approx(1000 * found["rmse_u"][0])
    assert "rmse" not in found
    assert "mae" not in found
    assert Regression().measured(NUMBERS)[0].name == "scaled_rmse"


def test_constant_predictions_have_no_rank_correlation():
    target = Target(np.arange(20.0)[:, None], np.ones((20, 1), bool), {"kind": "regression", "names": ["y"]})
    statistics = Regression().statistics(np.zeros((20, 1)), target, state=State(), plan={})
    found = Regression().measures(statistics, ones(20), info=target.info)
    assert np.isnan(found["spearman"][0])
    assert np.isnan(found["calibration_slope"][0])


def test_a_value_far_from_zero_keeps_its_digits():
    generator = np.random.default_rng(5)
    truth = 1e8 + generator.normal(size=300)
    guess = truth + generator.normal(size=300) * 0.5
    target = Target(truth[:, None], np.ones((300, 1), bool), {"kind": "regression", "names": ["y"]})
    plan = {"target.mean": [1e8], "target.scale": [1.0]}
    statistics = Regression().statistics((guess - 1e8)[:, None], target, state=State(), plan=plan)
    found = Regression().measures(statistics, ones(300), info=target.info)
    wanted = 1 - ((truth - guess) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    assert found["r2"][0] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("cases", "shift", "digits"), [(6_000, -1.0, 9), (20_000, -6.0, 9), (20_000, 2.0, 1)])
def test_over_runs_resamples_spread_as_over_single_cases(cases, shift, digits, monkeypatch):
    generator = np.random.default_rng(5)
    logit = np.round(generator.normal(size=cases) * 1.3 + shift, digits)
    truth = generator.random(cases) < 1 / (1 + np.exp(-logit))
    lines = np.stack([truth, logit, logit > 0, logit], axis=1).astype(float)
    counts = generator.multinomial(cases, np.full(cases, 1 / cases), size=150).astype(np.uint8)
    over_runs = measures_of_two.measures(lines, counts)
    monkeypatch.setattr(measures_of_two, "SINGLY", cases)
    monkeypatch.setattr(measures_of_two, "_SLOPES_SINGLY", cases)
    singly = measures_of_two.measures(lines, counts)
    for name in ("auroc", "auprc", "calibration_slope", "calibration_intercept", "brier", "oe_ratio"):
        assert np.nanstd(over_runs[name]) == pytest.approx(np.nanstd(singly[name]), rel=0.02), name
        assert np.nanmax(np.abs(over_runs[name] - singly[name])) < 0.3 * np.nanstd(singly[name]), name


def test_runs_never_part_equal_scores_and_hold_every_case():
    generator = np.random.default_rng(6)
    score = np.round(generator.normal(size=7_000), 2)
    truth = generator.random(7_000) < 0.02
    runs = Runs.of(score, truth)
    total, hits = runs.tally(np.ones((1, 7_000), np.uint8))
    assert (total.sum(), hits.sum()) == (7_000, truth.sum())
    ranking = Ranking.of(score, truth)
    exact = Tally.of(np.ones((1, 7_000), np.uint8), ranking).areas(ranking)
    assert areas(total, hits)[0][0] == pytest.approx(exact[0][0], abs=5e-4)
    ends = np.cumsum(total[0]).astype(int)[:-1]
    falling = np.sort(score)[::-1]
    assert (falling[ends - 1] > falling[ends]).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_many_cases_of_one_class_have_no_area(value):
    lines = np.stack([np.full(6_000, value), np.linspace(-1, 1, 6_000), np.zeros(6_000), np.zeros(6_000)], axis=1)
    found = measures_of_two.measures(lines, np.ones((3, 6_000), np.uint8))
    assert np.isnan(found["auroc"]).all()
    assert np.isnan(found["scaled_brier"]).all()
    assert np.isfinite(found["brier"]).all()
