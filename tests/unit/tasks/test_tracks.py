"""The task of telling something of each letter: what is read, decided, trained on, calibrated and measured."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.special import expit
from scipy.stats import pearsonr
from sklearn.metrics import average_precision_score, log_loss, r2_score, roc_auc_score

from osler.contract import TargetBatch
from osler.core.columns import Columns, Field, Ragged
from osler.core.errors import BundleError, OslerError, StudyError
from osler.core.features import Features
from osler.core.grid import Grid
from osler.core.marks import MarkedCase
from osler.core.plan import Brief, Plan
from osler.core.state import State
from osler.core.target import Target
from osler.tasks.tracks import Tracks, lines
from osler.tasks.tracks.scale import original, standardised
from osler.tasks.tracks.target import COUNT, SUM

TASK = Tracks()
LABELS = {"kind": "labels", "names": ["site"], "field": "track"}
NUMBERS = {**LABELS, "kind": "numbers"}
PLAN = {"target.kind": "labels", "target.share": 0.1, "target.calibration": "fitted", "baseline.places": 5_000}
LINEAR = {**PLAN, "target.kind": "numbers", "target.transform": "none", "target.mean": 2.0, "target.scale": 3.0}
LOGS = {**LINEAR, "target.transform": "log1p", "target.mean": 1.0, "target.scale": 0.5}
NAN = math.nan


def columns_of(*tracks, present=None):
    values = np.concatenate([np.asarray(t, np.float32) for t in tracks])
    offsets = np.cumsum([0, *map(len, tracks)])
    there = np.ones(len(tracks), bool) if present is None else np.array(present)
    field = Field("track", "float32", (None,), role="target", warp="nearest")
    return Columns((field,), {"track": Ragged(values, offsets)}, there, np.zeros((len(tracks), 2), np.int64))


def read(*tracks, info=None, present=None, **settings):
    return TASK.marked(columns_of(*tracks, present=present), names=["site"], settings=settings, info=info)


def brief(facts, **settings):
    return Brief(facts, facts, "tracks", "map", "cpu", 1.0, 10, 10, settings={f"target.{k}": v for k, v in settings.items()})


def decided(*tracks, **settings):
    target, _ = read(*tracks, **{k: v for k, v in settings.items() if k == "kind"})
    facts = json.loads(json.dumps(TASK.facts(target, np.arange(len(target)))))
    return Plan(TASK.rules(brief(facts, **settings))).set_by_user({f"target.{k}": v for k, v in settings.items()})


def test_values_of_0_and_1_are_labels_and_others_are_numbers():
    target, refused = read([0, 1, NAN], [1, 1, 0])
    assert target.info == LABELS
    assert refused == {}
    assert target.values[:, [COUNT, SUM]].tolist() == [[2, 1], [3, 2]]
    assert read([0, 1], [0, 0.5])[0].info == NUMBERS
    assert read([0, 1], [1, 0], kind="numbers")[0].info == NUMBERS
    with pytest.raises(StudyError, match=r"'target\.kind' cannot be 'words'; it is labels or numbers"):
        read([0, 1], kind="words")


def test_a_case_without_a_known_letter_and_one_with_another_label_are_refused():
    target, refused = read([0, 1], [NAN, NAN], [0, 2], [1, 0], [0, 0], kind="labels", present=[True] * 4 + [False])
    assert {row: why.code for row, why in refused.items()} == {1: "no_target", 2: "track_label"}
    assert target.observed[:, 0].tolist() == [True, False, False, True, False]
    _, refused = read([0, 3], [0, 1], info=LABELS)  # new data of a bundle of labels
    assert {row: why.code for row, why in refused.items()} == {0: "track_label"}
    assert read([0, 3], [0, 1], info=NUMBERS)[1] == {}


def test_nothing_can_be_learned_of_one_value_and_nothing_told_of_an_input_without_letters():
    with pytest.raises(StudyError, match="every letter has the same value in 'site'"):
        read([1, 1], [1, NAN])
    masks = Columns((Field("mask", "uint8", (None,), role="target"),), {"mask": Ragged(np.zeros(2, np.uint8), np.array([0, 2]))},
                    np.ones(1, bool), np.zeros((1, 2), np.int64))  # fmt: skip
    with pytest.raises(StudyError, match="'tracks' needs a value for each letter: name an input of sequences first"):
        TASK.marked(masks, names=["mask"], settings={})


def test_facts_are_aggregates_of_the_rows_that_are_asked():
    generator = np.random.default_rng(0)
    tracks = [generator.gamma(0.5, 4.0, 40) for _ in range(30)]
    target, _ = read(*tracks)
    facts = TASK.facts(target, np.arange(20))
    known = np.concatenate(tracks[:20]).astype(np.float32).astype(float)
    wanted = {
        "mean": known.mean(), "sd": known.std(), "skewness": ((known - known.mean()) ** 3).mean() / known.std() ** 3,
        "log_mean": np.log1p(known).mean(), "log_sd": np.log1p(known).std(),
    }  # fmt: skip
    assert {name: facts[name] for name in wanted} == pytest.approx(wanted, rel=1e-3)
    assert (facts["cases"], facts["letters"], facts["negative"]) == (20, 800, False)
    assert not any(np.isin(np.round([known.min(), known.max()], 4), [v for v in facts.values() if isinstance(v, float)]))


def test_skewed_numbers_of_at_least_0_are_learned_as_logarithms():
    generator = np.random.default_rng(1)
    counts = [generator.negative_binomial(0.3, 0.05, 50) for _ in range(20)]
    plan = decided(*counts)
    assert plan["target.transform"] == "log1p"
    assert plan["target.mean"] == pytest.approx(np.log1p(np.concatenate(counts)).mean(), rel=1e-3)
    reason = next(d.reason for d in plan.decisions if d.name == "target.transform")
    assert reason.startswith("no value of the training letters is below 0")
    assert decided(*[c - 1 for c in counts])["target.transform"] == "none"  # some are below 0
    even = decided(*(generator.normal(5, 1, 50) for _ in range(20)))
    assert even["target.transform"] == "none"
    asked = decided(*counts, transform="none")
    assert asked["target.mean"] == pytest.approx(np.concatenate(counts).mean(), rel=1e-3)
    labels = decided([0, 0, 0, 1], [0, 0, 0, 0])
    assert labels["target.share"] == pytest.approx((1 + 0.5) / 9, rel=1e-3)
    assert "target.mean" not in labels


def test_the_split_keeps_cases_of_many_and_few_labels_in_equal_shares():
    target, _ = read(*[[1.0] * ones + [0.0] * (20 - ones) for ones in range(20)], [NAN] * 20)
    stratum = TASK.stratum(target)
    assert len(stratum) == 21
    assert (np.diff(stratum[:20]) >= 0).all()
    assert len(np.unique(stratum)) == 10


@pytest.mark.parametrize("plan", [LINEAR, LOGS], ids=["numbers", "logarithms"])
def test_values_come_back_from_their_scale(plan):
    values = np.array([0.0, 0.5, 3.0, 200.0])
    np.testing.assert_allclose(original(standardised(values, plan), State(), plan), values, rtol=1e-9, atol=1e-9)
    assert original(np.array([-1e9, 1e9]), State(), LOGS)[0] == 0
    assert np.isfinite(original(np.array([1e9]), State(), LOGS)).all()


@pytest.mark.parametrize("plan", [PLAN, LINEAR, LOGS], ids=["labels", "numbers", "logarithms"])
def test_loss_is_the_mean_over_known_letters_and_nothing_else_counts(plan):
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(3, 1, 8, generator=generator)
    values = (torch.rand(3, 1, 8, generator=generator) < 0.4).float() * (1 if plan is PLAN else 7)
    observed = torch.rand(3, 1, 8, generator=generator) < 0.6
    observed[2] = False
    found = TASK.loss(raw, TargetBatch(values, observed), plan=plan)
    for row in range(2):
        seen = observed[row, 0].numpy()
        own, true = raw[row, 0].numpy()[seen].astype(float), values[row, 0].numpy()[seen].astype(float)
        each = np.logaddexp(0, np.where(true > 0, -own, own)) if plan is PLAN else (own - standardised(true, plan)) ** 2
        assert float(found[row]) == pytest.approx(each.mean(), rel=1e-5)
    assert float(found[2]) == 0
    other = torch.where(observed, values, torch.full_like(values, torch.nan))
    wild = torch.where(observed, raw, raw + 5)
    assert torch.equal(TASK.loss(wild, TargetBatch(other, observed), plan=plan), found)
    single = TASK.loss(
        raw[:2, 0].reshape(-1, 1), TargetBatch(values[:2, 0].reshape(-1, 1), observed[:2, 0].reshape(-1, 1)), plan=plan
    )
    assert single.shape == (16,)
    sums, counts = single.reshape(2, 8).sum(1), observed[:2, 0].sum(1)
    torch.testing.assert_close(sums / counts, found[:2])


def test_the_first_answer_of_the_network_is_the_share_of_the_label():
    head = TASK.head(info=LABELS, width=4, channels=(4,), plan=PLAN)
    raw = head((torch.zeros(2, 4, 5),))
    assert raw.shape == (2, 1, 5)
    assert expit(raw.detach().numpy()) == pytest.approx(0.1)
    assert TASK.head(info=NUMBERS, width=4, channels=(4,), plan=LINEAR).out.bias.item() == 0


def case_of(raw, truth):
    raw = np.asarray(raw, np.float32)[None]
    known = None if truth is None else np.asarray(truth, np.float32)[None]
    return MarkedCase(lambda: iter([raw]), Grid(raw.shape[1:], np.eye(4)), known)


def painted(raw, truth, info=LABELS, plan=PLAN, state=None):
    return TASK.paint(case_of(raw, truth), state=state or State(), info=info, plan=plan)


@pytest.fixture(scope="module")
def labelled():
    """Raw outputs and labels of 40 cases of differing length, some letters not known, one case without a label."""
    generator = np.random.default_rng(5)
    cases = []
    for number in range(40):
        truth = (generator.random(30 + number) < 0.15).astype(float)
        truth = truth * 0 if number == 7 else truth
        raw = 2.0 * truth + generator.normal(-1.5, 1.2, len(truth))
        cases.append((raw.astype(np.float32), np.where(generator.random(len(truth)) < 0.1, NAN, truth)))
    return cases


def test_areas_of_all_letters_are_those_of_scikit_learn_but_for_their_bins(labelled):
    """scikit-learn 1.9.1, on the same letters; bins of the logit are .05 wide."""
    statistics = np.stack([painted(*one).line for one in labelled])
    found = {k: float(v[0]) for k, v in TASK.measures(statistics, np.ones((1, 40), int), info=LABELS).items()}
    raw, truth = (np.concatenate([one[part] for one in labelled]) for part in range(2))
    score, label = raw[~np.isnan(truth)], truth[~np.isnan(truth)]
    assert found["letter_auroc"] == pytest.approx(roc_auc_score(label, score), abs=1e-3)
    assert found["letter_auprc"] == pytest.approx(average_precision_score(label, score), abs=5e-3)
    assert found["letter_log_loss"] == pytest.approx(log_loss(label, expit(score.astype(float))), rel=1e-6)
    alone = [(r[~np.isnan(t)], t[~np.isnan(t)]) for r, t in labelled]
    both = [(r, t) for r, t in alone if 0 < t.sum() < len(t)]
    assert len(both) == 39
    assert found["case_auroc"] == pytest.approx(np.mean([roc_auc_score(t, r) for r, t in both]), rel=1e-9)
    assert found["case_auprc"] == pytest.approx(np.mean([average_precision_score(t, r) for r, t in both]), rel=1e-9)
    assert TASK.support(statistics, info=LABELS)["case_auroc"] == 39
    assert set(found) == {m.name for m in TASK.measured(LABELS)}


def test_resamples_are_of_whole_cases(labelled):
    statistics = np.stack([painted(*one).line for one in labelled])
    counts = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40), 5)
    found = TASK.measures(statistics, counts, info=LABELS)
    for row, count in enumerate(counts):
        again = TASK.measures(np.repeat(statistics, count, axis=0), np.ones((1, 40), int), info=LABELS)
        assert {k: v[row] for k, v in found.items()} == pytest.approx({k: v[0] for k, v in again.items()})
    nothing = TASK.measures(statistics[[7]], np.ones((1, 1), int), info=LABELS)
    assert np.isnan(nothing["letter_auroc"][0])
    assert np.isnan(nothing["case_auroc"][0])


@pytest.mark.parametrize("plan", [LINEAR, LOGS], ids=["numbers", "logarithms"])
def test_measures_of_numbers_are_those_of_other_software(plan):
    """scipy 1.17.1 and scikit-learn 1.9.1, in the values' own unit, whatever the scale on which they are learned."""
    generator = np.random.default_rng(2)
    truths = [generator.gamma(2, 2, 25 + n) for n in range(30)]
    raws = [(standardised(t, plan) + generator.normal(0, 0.4, len(t))).astype(np.float32) for t in truths]
    truths[3][:5] = NAN
    truths[4][:] = 2.5
    found = [painted(r, t, info=NUMBERS, plan=plan) for r, t in zip(raws, truths, strict=True)]
    statistics = np.stack([one.line for one in found])
    values = {k: float(v[0]) for k, v in TASK.measures(statistics, np.ones((1, 30), int), info=NUMBERS).items()}
    known = [~np.isnan(t) for t in truths]
    guess = [one.marks[0][k].astype(float) for one, k in zip(found, known, strict=True)]
    true = [t[k].astype(np.float32).astype(float) for t, k in zip(truths, known, strict=True)]
    g, y = np.concatenate(guess), np.concatenate(true)
    varying = [n for n in range(30) if n != 4]
    wanted = {
        "letter_pearson": pearsonr(g, y)[0], "letter_rmse": np.sqrt(((g - y) ** 2).mean()), "letter_mae": np.abs(g - y).mean(),
        "letter_r2": r2_score(y, g), "case_pearson": np.mean([pearsonr(guess[n], true[n])[0] for n in varying]),
    }  # fmt: skip
    assert values == pytest.approx(wanted, rel=1e-5)
    assert set(values) == {m.name for m in TASK.measured(NUMBERS)}
    assert TASK.support(statistics, info=NUMBERS)["case_pearson"] == 29
    observed, predicted = TASK.telling(statistics, info=NUMBERS).texts(np.array([4, 0]))
    assert observed[0] == "2.5 × 29"
    assert "r " not in predicted[0]
    assert predicted[1].endswith(f"(r {pearsonr(guess[0], true[0])[0]:.3f})")
    drawn = {figure.name: figure for figure in TASK.figures(statistics, info=NUMBERS)}
    assert set(drawn) == {"observed", "cases"}
    at, up = drawn["observed"].series[1].x, drawn["observed"].series[1].y
    assert np.corrcoef(at, up)[0, 1] > 0.95
    assert TASK.figures(statistics[:3], info=NUMBERS) == ()


def test_unknown_letters_change_no_statistic_and_no_prediction(labelled):
    raw, truth = labelled[0]
    known = ~np.isnan(truth)
    whole, less = painted(raw, truth), painted(raw[known], truth[known])
    np.testing.assert_allclose(whole.line, less.line)
    blind = painted(raw, None)
    np.testing.assert_array_equal(blind.marks, whole.marks)
    assert np.isnan(blind.line).all()
    assert blind.cells == whole.cells
    assert blind.lists["predicted_site"].dtype == np.float32
    at = int(whole.cells["highest_letter_site"]) - 1
    assert whole.lists["predicted_site"][at] == pytest.approx(whole.cells["highest_site"])
    with pytest.raises(OslerError, match="training has diverged"):
        painted([0.0, NAN], None)


def lines_of(raw, values, info=LABELS):
    values = np.asarray(values, float)[:, None]
    return np.asarray(raw, float)[:, None], Target(np.nan_to_num(values), ~np.isnan(values), info)


def settle(raw, values, plan, info=LABELS):
    raws, target = lines_of(raw, values, info)
    return TASK.settle(raws, target, np.arange(len(target)), plan=plan)


def test_too_sure_probabilities_are_softened_and_unknown_letters_do_not_count():
    generator = np.random.default_rng(0)
    logit = generator.normal(-1, 1.5, 4_000)
    truth = (generator.random(4_000) < expit(logit)).astype(float)
    state = settle(np.append(3 * logit, [50.0] * 9), np.append(truth, [NAN] * 9), PLAN)
    assert float(state.arrays["slope"][0]) == pytest.approx(1 / 3, abs=0.03)
    assert "4000 in all" in state.values["calibration"][0]
    assert "letters" in state.values["calibration"][0]
    assert settle(logit, truth, {**PLAN, "target.calibration": "none"}).arrays == {}


def test_numbers_lose_their_stretch_and_logarithms_mean_what_they_say():
    generator = np.random.default_rng(0)
    wanted = generator.normal(0, 1, 3_000)
    raw = 2 * wanted + 0.5 + generator.normal(0, 0.1, 3_000)
    state = settle(raw, wanted * 3 + 2, LINEAR, NUMBERS)
    assert original(raw, state, LINEAR).mean() == pytest.approx((wanted * 3 + 2).mean(), abs=0.02)
    assert float(state.arrays["slope"][0]) == pytest.approx(0.5, abs=0.02)
    # the mean of what is lognormal lies above its median
    values = np.expm1(1.0 + 0.5 * wanted + generator.normal(0, 0.6, 3_000)).clip(0)
    plain = original(wanted, State(), LOGS).mean()
    state = settle(wanted, values, LOGS, NUMBERS)
    assert plain < 0.9 * values.mean()
    assert original(wanted, state, LOGS).mean() == pytest.approx(values.mean(), rel=0.03)
    assert settle(wanted[:50], values[:50], LOGS, NUMBERS).values["calibration"][0].startswith("none: 50 letters")


@pytest.fixture(scope="module")
def places():
    """Codes of two neighbours, of which C before G has the label, and what is far from telling anything."""
    generator = np.random.default_rng(3)
    codes = generator.integers(0, 4, (3_000, 2)).astype(np.float32)
    matrix = np.column_stack([codes, generator.normal(0, 1, 3_000)]).astype(np.float32)
    groups = np.repeat(np.arange(60), 50)
    features = Features(matrix, groups, ("letter", "letter +1", "noise"), np.array([True, True, False]), places=np.arange(3_000))
    return features, ((codes[:, 0] == 1) & (codes[:, 1] == 2)).astype(float), groups


@pytest.mark.parametrize("kind", ["labels", "numbers"])
def test_trees_find_what_stands_about_a_letter_and_come_back_from_their_files(places, kind):
    features, values, groups = places
    observed = np.ones((3_000, 1), bool)
    observed[:100] = False
    info, plan = (LABELS, PLAN) if kind == "labels" else (NUMBERS, {**LINEAR, "target.mean": 0.0, "target.scale": 1.0})
    wrong = np.where(observed[:, 0], values, 1 - values)[:, None]  # what is not known is not learned
    model = TASK.baseline(features, Target(wrong, observed, info), groups=groups, plan=plan, seed=0)
    raw = model.raw(features.matrix)
    assert raw.shape == (3_000, 1)
    assert roc_auc_score(values, raw[:, 0]) > 0.999
    assert "2900 places" in model.sentence()
    assert ("squared error" if kind == "numbers" else "log loss") in model.sentence()
    again = TASK.restore(model.files())
    np.testing.assert_array_equal(again.raw(features.matrix), raw)
    with pytest.raises(BundleError):
        TASK.restore({})


def test_single_cases_are_told_by_the_loss_of_a_letter(labelled):
    statistics = np.stack([painted(*one).line for one in labelled])
    told = TASK.telling(statistics, info=LABELS)
    np.testing.assert_allclose(told.loss, statistics[:, lines.LOSS] / statistics[:, lines.COUNT])
    observed, predicted = told.texts(np.array([7, 0]))
    size = int((~np.isnan(labelled[7][1])).sum())
    assert observed[0] == f"0 / {size}"
    assert "AUROC" not in predicted[0]
    assert "AUROC" in predicted[1]


def test_figures_are_aggregates_and_few_cases_give_none(labelled):
    statistics = np.stack([painted(*one).line for one in labelled])
    drawn = {figure.name: figure for figure in TASK.figures(statistics, info=LABELS)}
    assert set(drawn) == {"roc", "pr", "calibration", "cases"}
    area = np.trapezoid(drawn["roc"].series[0].y, drawn["roc"].series[0].x)
    assert area == pytest.approx(
        float(TASK.measures(statistics, np.ones((1, 40), int), info=LABELS)["letter_auroc"][0]), abs=0.01
    )
    assert all(count == 0 or count >= 5 for count in drawn["cases"].series[0].y)
    few = TASK.figures(statistics[:3], info=LABELS)
    assert {figure.name for figure in few} <= {
        "roc",
        "pr",
    }  # over letters: no curve of three cases' calibration, no count of them
