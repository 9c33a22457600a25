"""Values beside statsmodels 0.15.0, dcurves 1.1.7 and confidenceinterval 1.0.5 (Python 3.11, NumPy 2.4.6).

Cases: Wisconsin breast cancer, `datasets.load_breast_cancer()` of scikit-learn 1.9.1, malignant as the outcome, and the logit

    x = preprocessing.scale(data)[:, :2];  logit = np.round(0.8 * x[:, 0] + 0.5 * x[:, 1] - 0.3, 6)
"""

import numpy as np
import pytest
from sklearn import datasets, preprocessing

from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate import evaluate
from osler.spine.evaluate.interval import wilson
from osler.tasks import curves
from osler.tasks.classification import Classification

BINARY = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
CLOSE = {"rel": 0, "abs": 1e-6}


@pytest.fixture(scope="module")
def cancer():
    loaded = datasets.load_breast_cancer()
    x = preprocessing.scale(loaded.data)[:, :2]
    return np.round(0.8 * x[:, 0] + 0.5 * x[:, 1] - 0.3, 6), 1 - loaded.target


def scored(logit, truth, *, state, resamples=2000):
    target = Target(truth.astype(float)[:, None], np.ones((len(truth), 1), bool), BINARY)
    return evaluate(
        Classification(), {"test": logit[:, None]}, target, states={"test": state}, groups=None, plan={}, seed=0, resamples=resamples
    )  # fmt: skip


def test_calibration_slope_and_intercept_of_statsmodels(cancer):
    """sm.GLM(y, sm.add_constant(logit), family=Binomial()).fit(tol=1e-14).params[1], and of the constant alone with
    offset=logit: calibration in the large, slope fixed to one."""
    found = scored(*cancer, state=State(), resamples=60).test
    assert found["calibration_slope"].value == pytest.approx(3.0835991874360498, **CLOSE)
    assert found["calibration_intercept"].value == pytest.approx(-0.3001593024013639, **CLOSE)


def test_areas_and_brier_score_of_scikit_learn(cancer):
    """roc_auc_score(y, logit), average_precision_score(y, logit), brier_score_loss(y, expit(logit))."""
    found = scored(*cancer, state=State(), resamples=60).test
    wanted = {"auroc": 0.9411368320913271, "auprc": 0.9162850761680175, "brier": 0.12306507748175075}
    assert {name: found[name].value for name in wanted} == {name: pytest.approx(v, **CLOSE) for name, v in wanted.items()}


@pytest.mark.parametrize(
    ("hits", "cases", "wanted"),
    [
        (205, 212, (0.933424640152416, 0.9839153420818796)),
        (0, 20, (0.0, 0.1611251580528194)),
        (20, 20, (0.8388748419471804, 1.0)),
        (81, 263, (0.2552885198782742, 0.36620957698280004)),
    ],
)
def test_intervals_of_shares_of_statsmodels(hits, cases, wanted):
    """proportion_confint(hits, cases, method="wilson")."""
    assert wilson(hits / cases, cases) == pytest.approx(wanted, **CLOSE)


def test_operating_points_have_the_intervals_of_statsmodels(cancer):
    """At a threshold of 0.3, 205 of 212 malignant masses are flagged: proportion_confint(205, 212, method="wilson")."""
    state = State({"threshold": np.array([0.3])}, {"threshold": ["given"]})
    panel = "operating_points"
    found = {p.name: p for p in scored(*cancer, state=state, resamples=60).panels}[panel].rows[0].values["sensitivity"]
    assert (found.value, found.low, found.high) == pytest.approx((205 / 212, 0.933424640152416, 0.9839153420818796), **CLOSE)


def test_net_benefit_of_dcurves(cancer):
    """dca(data=DataFrame({"y": y, "model": expit(logit)}), outcome="y", modelnames=["model"], thresholds=[...])."""
    thresholds = [0.05, 0.1, 0.2, 0.3, 0.5, 0.8]
    wanted = {
        "model": [0.3395615577, 0.3034563562, 0.2508787346, 0.2457946272, 0.2530755712, 0.0896309315],
        "treat all": [0.3395615577, 0.3028705331, 0.2157293497, 0.1036906854],
    }
    series = {s.label: dict(zip(s.x, s.y, strict=True)) for s in curves.decision(cancer[0], cancer[1] > 0).series}
    for label, values in wanted.items():
        assert [series[label][t] for t in thresholds[: len(values)]] == pytest.approx(values, **CLOSE)
    assert set(series["treat none"].values()) == {0.0}


def test_the_interval_of_the_area_lies_beside_delongs():
    """Hanley and McNeil (1982), table I: ratings of 109 CT images. `roc_auc_score` of confidenceinterval (DeLong 1988) gives
    0.893171 with 0.832952 to 0.953390, symmetric; ours is formed on the logit scale, so its ends lie lower, its width is
    the same."""
    ratings = {0: [33, 6, 6, 11, 2], 1: [3, 2, 2, 11, 33]}
    truth = np.repeat([0, 1], [sum(n) for n in ratings.values()])
    score = np.concatenate([np.repeat(np.arange(1.0, 6.0), counts) for counts in ratings.values()])
    found = scored(score, truth, state=State()).test["auroc"]
    assert found.value == pytest.approx(0.8931711316108704, **CLOSE)
    assert found.high - found.low == pytest.approx(0.9533898670879539 - 0.8329523961337868, rel=0.08)
    assert found.low < 0.8329523961337868
    assert 0.93 < found.high < 0.9533898670879539
