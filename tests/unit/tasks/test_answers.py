"""The scores that explanations add up to are the predictions that a user reads, on their linear scale."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from osler.core.plan import Decision, Plan
from osler.core.state import State
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

RAW = np.random.default_rng(0).normal(size=(40, 3))
PLAN = Plan([Decision("target.mean", [1.0, -5.0, 2.0], ""), Decision("target.scale", [2.0, 10.0, 1.0], "")])
INFO = {
    "binary": {"kind": "binary", "names": ["kind"], "classes": [["case", "control"]], "positive": "case"},
    "multiclass": {"kind": "multiclass", "names": ["grade"], "classes": [["I", "II", "III"]]},
    "multilabel": {
        "kind": "multilabel", "names": ["a b", "c", "d"], "classes": [["0", "1"], ["no", "yes"], ["0", "1"]],
        "positive": ["1", "yes", "1"],
    },
}  # fmt: skip


def state_of(width, slopes):
    return State({"slope": np.linspace(0.5, 1.5, slopes), "intercept": np.linspace(-1, 1, width)})


def scores(answers, raw):
    return np.stack([raw @ a.weights + a.intercept for a in answers], axis=1)


@pytest.mark.parametrize(("kind", "width", "slopes"), [("binary", 1, 1), ("multilabel", 3, 3)])
def test_log_odds_are_those_of_the_probability(kind, width, slopes):
    task, state, raw = Classification(), state_of(width, slopes), RAW[:, :width]
    answers = task.answers(state, info=INFO[kind], plan=PLAN)
    decoded = task.decode(raw, state, info=INFO[kind], plan=PLAN)
    for answer, score in zip(answers, scores(answers, raw).T, strict=True):
        if answer.column:
            np.testing.assert_allclose(expit(score), decoded[answer.column], rtol=1e-9)
    assert [a.level for a in answers if a.main] == (["case"] if kind == "binary" else ["1", "yes", "1"])
    pairs = {a.target for a in answers}
    assert all(sum(a.target == t for a in answers) == 2 for t in pairs)


def test_relative_log_odds_are_those_of_the_probabilities_and_a_shift_changes_nothing():
    task, state = Classification(), state_of(3, 1)
    answers = task.answers(state, info=INFO["multiclass"], plan=PLAN)
    decoded = task.decode(RAW, state, info=INFO["multiclass"], plan=PLAN)
    found = scores(answers, RAW)
    np.testing.assert_allclose(softmax(found, axis=1), np.stack([decoded[a.column] for a in answers], axis=1), rtol=1e-9)
    np.testing.assert_allclose(found.sum(1), 0, atol=1e-12)
    np.testing.assert_allclose(scores(answers, RAW + 7.0), found, atol=1e-12)
    assert not any(a.main for a in answers)


def test_numbers_are_in_their_units():
    task, state, info = Regression(), state_of(3, 3), {"kind": "regression", "names": ["x", "y z", "w"]}
    answers = task.answers(state, info=info, plan=PLAN)
    decoded = task.decode(RAW, state, info=info, plan=PLAN)
    np.testing.assert_allclose(scores(answers, RAW), np.stack([decoded[a.column] for a in answers], axis=1), rtol=1e-12)
