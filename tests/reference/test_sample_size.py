"""Sample sizes beside published ones and other software.

Development: `pmsampsize(type="b", csrsquared=.288, parameters=24, prevalence=.174)` and the other calls below, with pmsampsize 0.1.0
for Python, whose figures are those of the R package's examples (1.1.3) and of Riley et al., BMJ 2020;368:m441 (5,249 for pre-eclampsia,
254 for fat-free mass). Validation: pmvalsampsize 0.2.1 for Python, `pmvalsampsize(type="b", prevalence=.018, cstatistic=.8,
lpnormal=(-5, 2.5), oeciwidth=1)` and the other calls; it integrates by simulation and rounds standard errors, so that its figures are
met within 1%.
"""

from __future__ import annotations

import numpy as np
import pytest

from osler.spine.sample_size import develop, validate


@pytest.mark.parametrize(
    ("parameters", "explained", "share", "shrinkage", "optimism", "risk"),
    [(24, 0.288, 0.174, 623, 662, 221), (30, 0.05, 0.05, 5249, 1770, 73)],
)
def test_development_of_a_two_valued_outcome(parameters, explained, share, shrinkage, optimism, risk):
    assert develop.for_shrinkage(parameters, explained) == shrinkage
    assert develop.for_optimism(parameters, explained, share=share) == optimism
    assert develop.for_risk(share) == risk


@pytest.mark.parametrize(
    ("parameters", "explained", "shrinkage", "optimism", "residuals"), [(25, 0.2, 918, 401, 259), (20, 0.9, 68, 41, 254)]
)
def test_development_of_a_number(parameters, explained, shrinkage, optimism, residuals):
    assert develop.number_for_shrinkage(parameters, explained) == shrinkage
    assert develop.number_for_optimism(parameters, explained) == optimism
    assert develop.number_for_residuals(parameters) == residuals


def test_expected_shrinkage():
    assert develop.expected_shrinkage(662, 24, 0.288) == pytest.approx(0.905, abs=5e-4)
    assert develop.expected_shrinkage(1770, 30, 0.05) == pytest.approx(0.753, abs=5e-4)
    assert develop.shrinkage_of_number(401, 25, 0.2) == pytest.approx(0.801, abs=5e-4)
    assert develop.shrinkage_of_number(254, 20, 0.9) == pytest.approx(0.970, abs=5e-4)


def test_explained_by_an_auroc():
    # pmsampsize(type="b", cstatistic=.89, parameters=30, prevalence=.01): 0.0284, from a simulation of 1,000,000
    assert validate.explained_by(0.89, share=0.01) == pytest.approx(0.0284, rel=0.01)


@pytest.mark.parametrize(
    ("predictor", "slope"), [(validate.normal_predictor(-5, 2.5), 4544), (validate.normal_predictor(-1.5, 0.9), 4074),
                             (validate.predictor_of(0.8, share=0.018), 17080)],
)  # fmt: skip
def test_validation_of_a_calibration_slope(predictor, slope):
    assert validate.for_slope(predictor) == pytest.approx(slope, rel=0.01)


def test_validation_of_auroc_and_of_observed_over_expected():
    assert validate.for_area(0.8, share=0.018) == 4252
    assert validate.for_area(0.75, share=0.2) == 568
    assert validate.for_ratio(0.018, width=1.0) == pytest.approx(905, rel=0.01)
    assert validate.for_ratio(0.2) == pytest.approx(1538, rel=0.01)


# laws -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5])
@pytest.mark.parametrize("area", [0.6, 0.8, 0.95])
def test_the_predictor_has_the_share_and_the_auroc_that_were_asked_for(area, share):
    values, weights = validate.predictor_of(area, share=share)
    risk = 1 / (1 + np.exp(-values))
    assert (weights * risk).sum() == pytest.approx(share, rel=1e-9)
    order = np.argsort(values)
    positive, negative = (weights * risk)[order], (weights * (1 - risk))[order]
    won = (positive * (negative.cumsum() - negative / 2)).sum() / (positive.sum() * negative.sum())
    assert won == pytest.approx(area, abs=0.01)  # of 198 points


def test_a_wider_interval_and_fewer_parameters_ask_for_fewer_cases():
    assert validate.for_area(0.8, share=0.1, width=0.2) < validate.for_area(0.8, share=0.1)
    assert develop.for_shrinkage(10, 0.1) < develop.for_shrinkage(20, 0.1)
    for cases in (200, 2000):
        assert develop.for_shrinkage(20, 0.1, shrinkage=develop.expected_shrinkage(cases, 20, 0.1)) == pytest.approx(cases, abs=1)


def test_r_squared_of_a_simulation_spreads_as_the_formula_says():
    generator, explained, errors = np.random.default_rng(0), 0.4, []
    cases = validate.number_for_explained(explained)
    for _ in range(400):
        guess = generator.normal(size=cases) * np.sqrt(explained)
        truth = guess + generator.normal(size=cases) * np.sqrt(1 - explained)
        errors.append(np.corrcoef(guess, truth)[0, 1] ** 2)
    assert 2 * validate.Z * np.std(errors) == pytest.approx(validate.AREA_WIDTH, rel=0.1)


@pytest.mark.parametrize("explained", [0.0, -0.2, 1.0])
def test_nothing_is_said_where_nothing_follows(explained):
    assert develop.for_shrinkage(10, explained) is None
    assert develop.expected_shrinkage(100, 10, explained) is None
    assert develop.shrinkage_of_number(100, 10, explained) is None
    assert validate.number_for_slope(explained) is None
    assert develop.number_for_mean(3, 0.5, mean=0.0, sd=1.0) is None
    assert develop.shrinkage_of_number(10, 10, 0.5) is None
    assert validate.for_area(1.0, share=0.2) is None
