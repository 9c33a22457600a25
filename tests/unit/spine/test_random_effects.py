"""The random-effects summary beside other software, and the table of sites made of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from osler.core.measure import Measure
from osler.core.scores import Value
from osler.spine.evaluate.interval import wilson
from osler.spine.evaluate.random_effects import summarise
from osler.spine.evaluate.sites import MEAN, NEW, Site, sites_panel

# dat.bcg of metafor (Colditz 1994): vaccinated ill and well, others ill and well
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
], float)  # fmt: skip


def log_risk_ratios():
    a, b, c, d = BCG.T
    return np.log(a / (a + b)) - np.log(c / (c + d)), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def test_the_bcg_trials_are_summarised_as_by_metafor():
    # res <- rma(measure="RR", ai=tpos, bi=tneg, ci=cpos, di=cneg, data=dat.bcg): the example of its manual page
    found = summarise(*log_risk_ratios())
    assert found.mean == pytest.approx(-0.7145, abs=5e-5)
    assert found.tau2 == pytest.approx(0.3132, abs=5e-5)
    assert 100 * found.i2 == pytest.approx(92.22, abs=5e-3)
    assert found.predicted[0] < found.low < found.mean < found.high < found.predicted[1]


def test_tau2_is_where_the_restricted_likelihood_is_greatest():
    values, errors = log_risk_ratios()

    def lost(tau2):
        weights = 1 / (errors**2 + tau2)
        mean = weights @ values / weights.sum()
        return -np.log(weights).sum() + np.log(weights.sum()) + weights @ (values - mean) ** 2

    best = minimize_scalar(lost, bounds=(0, 3), method="bounded", options={"xatol": 1e-10}).x
    assert summarise(values, errors).tau2 == pytest.approx(best, abs=1e-6)


def test_equal_sites_have_no_variance_between_them():
    found = summarise(np.full(6, 0.4), np.linspace(0.1, 0.3, 6))
    assert (found.mean, found.tau2, found.i2) == (pytest.approx(0.4), 0.0, 0.0)


def test_two_sites_say_nothing_of_a_third():
    assert summarise(np.array([0.0, 1.0]), np.array([0.1, 0.1])).predicted is None


AUROC = Measure("auroc", "higher", "logit")


def site(name, value, low=None, high=None, note=""):
    return Site(name, 50, {"auroc": Value(value, low, high, note)})


def test_the_table_of_sites_ends_with_their_mean_and_a_new_site():
    panel = sites_panel("hospital", [site("a", 0.8, 0.7, 0.87), site("b", 0.7, 0.6, 0.8), site("c", 0.9, 0.8, 0.95)], [AUROC])
    assert panel.name == "site.hospital"
    rows = {row.label: row for row in panel.rows}
    assert list(rows) == ["a", "b", "c", MEAN, NEW]
    mean, new = rows[MEAN].values["auroc"], rows[NEW].values["auroc"]
    assert 0 < new.low < mean.low < 0.7 < mean.value < 0.9 < mean.high < new.high < 1
    assert rows[MEAN].cases == 150
    assert rows[MEAN].about["sites"] == {"auroc": 3}


def test_a_site_without_an_interval_stands_in_the_table_and_not_in_the_mean():
    lone = site("one class", float("nan"), note="has no value on these cases (one class only, or nothing to compare)")
    rows = {r.label: r for r in sites_panel("h", [site("a", 0.8, 0.7, 0.87), lone], [AUROC]).rows}
    assert rows["one class"].values["auroc"].note
    assert "no mean over sites" in rows[MEAN].values["auroc"].note
    assert "nothing is said of a new site" in rows[NEW].values["auroc"].note


def test_a_perfect_site_enters_the_mean_unless_most_are_perfect():
    plain = [site(name, 0.9, 0.8, 0.953) for name in "abcd"]
    perfect = site("perfect", 1.0, *wilson(1.0, 30))
    means = [
        {r.label: r for r in sites_panel("h", sites, [AUROC]).rows}[MEAN].values["auroc"]
        for sites in (plain, [*plain, perfect], [*plain[:1], perfect, perfect])
    ]
    assert means[0].value < means[1].value < 1.0
    assert "most are perfect" in means[2].note


def test_values_far_from_zero_come_back_as_they_were():
    cost = Measure("calibration_intercept", "higher")
    sites = [
        Site(name, 50, {cost.name: Value(v, v - 200.0, v + 200.0)}) for name, v in (("a", 1500.0), ("b", 1600.0), ("c", 1400.0))
    ]
    rows = {r.label: r for r in sites_panel("h", sites, [cost]).rows}
    assert rows[MEAN].values[cost.name].value == pytest.approx(1500.0)
