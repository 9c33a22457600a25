"""Conformal prediction beside MAPIE and crepes on real data, and in simulated studies whose truth is known.

The numbers are those of MAPIE 1.6.0 and crepes 0.9.1 (scikit-learn 1.9.1, numpy 2.4.6), with the scores below as a prefit model
in place of a trained one, so that they depend on nothing else:

    SplitConformalClassifier(model, confidence_level=[.8, .9, .95], conformity_score="lac", prefit=True)
        .conformalize(X[fit], y[fit]).predict_set(X[new])
    ConformalClassifier().fit(1 - p_true, bins=y[fit]).predict_set(1 - p_j, bins=[j] * n, confidence=.9, smoothing=False)
    SplitConformalRegressor(model, confidence_level=[.8, .9, .95], prefit=True).conformalize(X[fit], y[fit]).predict_interval(X[new])
    ConformalRegressor().fit(abs(y[fit] - guess), sigmas=sigma).predict_int(guess_new, sigmas=sigma_new, confidence=.9)
"""

import numpy as np
import pytest
from benchmarks import coverage
from scipy.special import expit, log_softmax, softmax
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from osler.tasks import conformal, label_sets

LEVELS = (80, 90, 95)


def cancer():
    bunch = load_breast_cancer()
    benign = expit(0.9 * (14.5 - bunch.data[:, 0]))
    return np.stack([1 - benign, benign], axis=1), bunch.target, slice(0, 300), slice(300, 569)


def wine():
    bunch = load_wine()
    x = bunch.data
    chance = softmax(np.stack([(x[:, 0] - 13) * 1.5, (12.8 - x[:, 0]) * 1.5, (x[:, 9] - 5) * 0.6], axis=1), axis=1)
    return chance, bunch.target, slice(0, 176, 2), slice(1, 178, 2)


def counted(members, truth):
    """Return classes in all sets, cases held, empty sets, sets of one class."""
    size = members.sum(axis=1)
    return int(size.sum()), int(members[np.arange(len(truth)), truth].sum()), int((size == 0).sum()), int((size == 1).sum())


MARGINAL = {
    cancer: ((0.4197012277, 0.640146488, 0.7679906703), ((252, 236, 17, 252), (307, 259, 0, 231), (339, 263, 0, 199))),
    wine: ((0.6071402655, 0.7882956591, 0.8179561821), ((95, 74, 2, 79), (149, 87, 0, 40), (155, 88, 0, 37))),
}
BY_CLASS = {
    cancer: ((247, 218, 22, 247), (308, 242, 0, 230), (360, 259, 0, 178)),
    wine: ((101, 72, 4, 69), (138, 84, 0, 47), (163, 88, 0, 36)),
}


@pytest.mark.parametrize("read", [cancer, wine])
def test_sets_equal_those_of_mapie_and_crepes(read):
    chance, truth, fit, new = read()
    doubt = 1 - chance[fit][np.arange(len(truth[fit])), truth[fit]]
    for level, quantile, sets in zip(LEVELS, *MARGINAL[read], strict=True):
        found = conformal.quantile(doubt, level)
        assert found == pytest.approx(quantile, abs=1e-9)
        assert counted(1 - chance[new] <= found, truth[new]) == sets


@pytest.mark.parametrize("read", [cancer, wine])
def test_sets_by_class_equal_those_of_crepes(read):
    chance, truth, fit, new = read()
    doubt = 1 - chance[fit][np.arange(len(truth[fit])), truth[fit]]
    for level, sets in zip(LEVELS, BY_CLASS[read], strict=True):
        reach = [conformal.quantile(doubt[truth[fit] == c], level) for c in range(chance.shape[1])]
        assert counted(1 - chance[new] <= np.array(reach), truth[new]) == sets


@pytest.mark.parametrize("read", [cancer, wine])
@pytest.mark.parametrize("how", ["marginal", "class-conditional"])
def test_what_is_stored_holds_no_less_than_what_was_found(read, how):
    chance, truth, fit, new = read()
    logs = log_softmax(np.log(chance), axis=1)
    state = label_sets.learned([logs[fit]], [truth[fit]], [None], plan={conformal.HOW: how, conformal.AT: list(LEVELS)})
    expected = BY_CLASS[read] if how == "class-conditional" else MARGINAL[read][1]
    for least, sets in zip(state.arrays["conformal"], expected, strict=True):
        found = counted(logs[new] >= least[0], truth[new])
        assert sets[0] <= found[0] <= sets[0] + 3
        assert found[1] >= sets[1]
    odds = state.arrays["conformal"] - np.log(-np.expm1(state.arrays["conformal"]))
    np.testing.assert_allclose(odds, np.rint(odds * 100) / 100, atol=1e-9)


def test_intervals_equal_those_of_mapie_and_crepes():
    bunch = load_diabetes(scaled=False)
    guess = 152 + 6.0 * (bunch.data[:, 2] - 26.4) + 30 * (bunch.data[:, 8] - 4.64)
    error = np.abs(bunch.target - guess)
    for level, half, held in zip(LEVELS, (76.16, 95.032, 114.918), (154, 178, 186), strict=True):
        found = conformal.quantile(error[:250], level)
        assert found == pytest.approx(half, abs=1e-6)
        assert (error[250:] <= found).sum() == held
    usual = 0.5 + np.abs(guess - 152) / 100
    told = ((106.1445543480, 156), (134.6758333071, 176), (173.2708089097, 189))
    for level, (reach, held) in zip(LEVELS, told, strict=True):
        found = conformal.quantile(error[:250] / usual[:250], level)
        assert found == pytest.approx(reach, abs=1e-6)
        assert (error[250:] <= found * usual[250:]).sum() == held


# simulated studies; all of them: python benchmarks/coverage.py --------------------------------------------------------


@pytest.mark.parametrize("kind", ["prevalence .3", "four classes", "number, uneven errors"])
def test_a_few_studies_keep_their_word(kind, monkeypatch):
    monkeypatch.setattr(coverage, "TRUTH", 20_000)
    generator = np.random.default_rng(3)
    found = [coverage.study(kind, 500, generator, seed=n, resamples=100)[0] for n in range(16)]
    names = [name for name in found[0] if np.isfinite(coverage.held(found, name))]
    assert 0.88 <= np.mean([coverage.held(found, name) for name in names]) <= 1
    for level in LEVELS:
        assert coverage.truth(found, f"conformal {level}% coverage").mean() == pytest.approx(level / 100, abs=0.02)
    if kind != "four classes":
        assert 0.9 <= coverage.truth(found, "calibration_slope").mean() <= 1.1


@pytest.mark.parametrize("count", [20, 40])
def test_few_groups_that_calibrate_hold_no_less_than_promised(count):
    generator = np.random.default_rng(count)
    known, alone = [], []
    for _ in range(400):
        group = np.repeat(np.arange(count), generator.integers(1, 40, size=count))
        scores = np.abs(generator.normal(size=count)[group] + generator.normal(size=len(group)))
        new = np.abs(generator.normal(size=500) + generator.normal(size=500))
        known.append((new <= conformal.quantile(scores, 90, groups=group)).mean())
        alone.append((new <= conformal.quantile(scores, 90)).mean())
    assert 0.895 <= np.mean(known) <= 0.955
    assert np.mean(alone) < np.mean(known) - 0.01
