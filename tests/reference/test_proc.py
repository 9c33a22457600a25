"""Areas under the curve beside those of pROC 1.18.0 (R 4.2.2, Debian's r-cran-proc 1.18.0-1+b1): DeLong, DeLong and Clarke-Pearson 1988.

Cases: Wisconsin breast cancer, `datasets.load_breast_cancer()` of scikit-learn 1.9.1, malignant as the outcome `y`; with
`x = preprocessing.scale(data)` the logits of two models are

    one = np.round(0.8 * x[:, 0] + 0.5 * x[:, 1] - 0.3, 6);  two = np.round(0.8 * x[:, 4] + 0.5 * x[:, 5] - 0.3, 6)

and in R

    a <- roc(y, one, levels=c(0, 1), direction="<");  b <- roc(y, two, levels=c(0, 1), direction="<")
    auc(a); auc(b); var(a, method="delong"); var(b, method="delong"); cov(a, b, method="delong")
    ci.auc(a, method="delong"); ci.auc(b, method="delong"); roc.test(a, b, method="delong", paired=TRUE)
"""

import numpy as np
import pytest
from scipy.special import ndtr
from sklearn import datasets, preprocessing

from osler.core.ranks import Order
from osler.core.state import State
from osler.core.target import Target
from osler.spine.evaluate import evaluate
from osler.tasks.classification import Classification

BINARY = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
CLOSE = {"rel": 0, "abs": 1e-6}
AUC = (0.9411368320912999, 0.7959938692458)
VAR = (9.314093584141407e-05, 0.0003589894912650755, -3.206645613440707e-05)  # of a, of b, their covariance
ENDS = ((0.9222213075267, 0.960052356656), (0.7588583963424, 0.8331293421492))
DIFFERENCE, Z, P = (0.1006097801741158, 0.1896761455169154), 6.387932833943664, 1.681431560397985e-10


@pytest.fixture(scope="module")
def cases():
    loaded = datasets.load_breast_cancer()
    x = preprocessing.scale(loaded.data)
    logits = [np.round(0.8 * x[:, at] + 0.5 * x[:, at + 1] - 0.3, 6) for at in (0, 4)]
    return logits, 1 - loaded.target


@pytest.fixture(scope="module")
def scores(cases):
    (one, two), truth = cases
    raws = {"test": one[:, None], "network": one[:, None], "baseline": two[:, None]}
    target = Target(truth.astype(float)[:, None], np.ones((len(truth), 1), bool), BINARY)
    return evaluate(Classification(), raws, target, states=dict.fromkeys(raws, State()), groups=None, plan={}, seed=0)


def delong(score, truth):
    """Return what each positive and each negative adds to the area, from Osler's mid-ranks (Sun and Xu 2014)."""

    def ranks(values):
        return (Order.of(values).midranks(np.ones((1, len(values)), np.int64))[0] + 1) / 2

    positive, negative = score[truth == 1], score[truth == 0]
    among = ranks(np.concatenate([positive, negative]))
    m, n = len(positive), len(negative)
    return (among[:m] - ranks(positive)) / n, 1 - (among[m:] - ranks(negative)) / m


def test_mid_ranks_give_the_variances_of_pROC(cases):
    parts = [delong(score, cases[1]) for score in cases[0]]
    covariance = sum(np.cov(np.stack([p[at] for p in parts])) / len(parts[0][at]) for at in range(2))
    assert [float(p[0].mean()) for p in parts] == pytest.approx(AUC, **CLOSE)
    assert (covariance[0, 0], covariance[1, 1], covariance[0, 1]) == pytest.approx(VAR, rel=1e-6)


def test_areas_are_those_of_pROC(scores):
    assert (scores.network["auroc"].value, scores.baseline["auroc"].value) == pytest.approx(AUC, **CLOSE)


@pytest.mark.parametrize("part", [0, 1])
def test_intervals_lie_beside_those_of_pROC(scores, part):
    """Ours are formed on the logit scale, so they are not symmetric; on it, half the width is that of DeLong's standard error."""
    found, area = (scores.network, scores.baseline)[part]["auroc"], AUC[part]
    assert (found.low, found.high) == pytest.approx(ENDS[part], abs=0.008)
    width = np.log(found.high / (1 - found.high)) - np.log(found.low / (1 - found.low))
    assert width * area * (1 - area) / (2 * 1.96) == pytest.approx(VAR[part] ** 0.5, rel=0.05)  # 2,000 resamples


def test_the_paired_comparison_is_that_of_pROC(scores):
    found = scores.verdict.difference
    assert found.value == pytest.approx(AUC[0] - AUC[1], **CLOSE)
    assert (found.low, found.high) == pytest.approx(DIFFERENCE, abs=0.003)
    error = (found.high - found.low) / (2 * 1.96)
    assert found.value / error == pytest.approx(Z, rel=0.05)
    assert 2 * ndtr(-Z) == pytest.approx(P, rel=1e-6)
    assert scores.verdict.word == "better"
