"""Ranked lists are scored as scikit-learn 1.9.1 scores them, to 1e-9, ties and all."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn import datasets, linear_model, metrics, multiclass, preprocessing

from osler.core.state import State
from osler.core.target import Target
from osler.tasks import ranking
from osler.tasks.classification import Classification

CLOSE = {"rel": 0, "abs": 1e-9}


@pytest.fixture(scope="module", params=["as they are", "with many ties"])
def digits(request):
    """Digits as labels that go together: the digit, whether it is even, whether it is above four; some cases with none."""
    loaded = datasets.load_digits()
    x, y = preprocessing.scale(loaded.data), loaded.target
    values = np.column_stack([*(y == n for n in range(8)), y % 2 == 0, y > 4]).astype(float)
    values[y == 9] = 0
    values[y == 8] = 1
    model = multiclass.OneVsRestClassifier(linear_model.LogisticRegression(C=0.01)).fit(x[::2, :12], values[::2])
    raw = model.decision_function(x[1::2, :12])
    return (np.round(raw) if "ties" in request.param else raw), values[1::2]


def test_whole_lists(digits):
    raw, values = digits
    width = raw.shape[1]
    info = {
        "kind": "multilabel",
        "names": [str(n) for n in range(width)],
        "classes": [["0", "1"]] * width,
        "positive": ["1"] * width,
    }
    statistics = Classification().statistics(raw, Target(values, np.ones(values.shape, bool), info), state=State(), plan={})
    counts = np.ones((1, len(raw)), np.uint8)
    found = {v.label: {k: float(x[0]) for k, x in v.measures(statistics, counts).items()} for v in ranking.views(info)}
    chance = expit(raw)
    assert found["whole lists"] == {
        "ranking_precision": pytest.approx(metrics.label_ranking_average_precision_score(values, raw), **CLOSE),
        "coverage_error": pytest.approx(metrics.coverage_error(values, raw), **CLOSE),
        "micro_auroc": pytest.approx(metrics.roc_auc_score(values, chance, average="micro"), **CLOSE),
        "micro_auprc": pytest.approx(metrics.average_precision_score(values, raw, average="micro"), **CLOSE),
    }
    macro = Classification().measures(statistics, counts, info=info)
    assert macro["auroc"][0] == pytest.approx(metrics.roc_auc_score(values, raw, average="macro"), **CLOSE)
    assert macro["auprc"][0] == pytest.approx(metrics.average_precision_score(values, raw, average="macro"), **CLOSE)
