"""How sure an answer is, and whether it was wrong: one answer per case, whatever the kind of target.

Of two classes the answer is the surer, the farther its log-odds lie from the threshold of the decision; of several classes, the
more probable the class that is answered; of several labels, the more probable the label that heads the ranked list. There the
answer is wrong where the case does not have that label: a case with none of the labels makes any list wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_softmax, logit

from osler.core.state import State
from osler.tasks import binary, multiclass
from osler.tasks.calibration import LARGEST_LOGIT


@dataclass(frozen=True, slots=True)
class Sureness:
    """Per case `sure` (n,), log-odds within ±50, and `wrong` (n,): 1 where the answer was wrong, 0 where right, NaN unknown."""

    sure: np.ndarray
    wrong: np.ndarray

    @property
    def judged(self) -> np.ndarray:
        """Which cases (n,) have a truth to judge the answer by."""
        return ~np.isnan(self.wrong)


def how_sure(logits: np.ndarray, chosen: np.ndarray, state: State, *, info: Mapping[str, Any]) -> np.ndarray:
    """Return (n,) how sure the answers are, from calibrated logits (n, k) and what is `chosen` (n, outputs) of them."""
    if info["kind"] == "multiclass":
        logs = np.take_along_axis(log_softmax(logits, axis=1), chosen.astype(np.int64), axis=1)[:, 0]
        with np.errstate(divide="ignore"):
            odds = logs - np.log(-np.expm1(np.minimum(logs, 0.0)))
        return np.clip(odds, -LARGEST_LOGIT, LARGEST_LOGIT)
    if info["kind"] == "multilabel":
        return np.clip(logits.max(axis=1), -LARGEST_LOGIT, LARGEST_LOGIT)
    with np.errstate(divide="ignore"):
        edge = np.clip(logit(state.arrays.get("threshold", np.full(1, 0.5))[0]), -LARGEST_LOGIT, LARGEST_LOGIT)
    return np.clip(np.abs(logits[:, 0] - edge), 0.0, LARGEST_LOGIT)


def judged(logits: np.ndarray, chosen: np.ndarray, truth: np.ndarray, *, state: State, info: Mapping[str, Any]) -> Sureness:
    """Return how sure the answers are and which were wrong; `truth` (n, outputs) is NaN where unobserved."""
    own = truth[:, 0]
    if info["kind"] == "multilabel":
        own = np.take_along_axis(truth, logits.argmax(axis=1)[:, None], axis=1)[:, 0]
        wrong = own < 1
    else:
        wrong = own != chosen[:, 0]
    return Sureness(how_sure(logits, chosen, state, info=info), np.where(np.isnan(own), np.nan, wrong))


def of_statistics(statistics: np.ndarray, *, state: State, info: Mapping[str, Any]) -> Sureness:
    """Return the same from the statistics that measures keep of each case."""
    if info["kind"] == "multiclass":
        truth, chosen, logits = (statistics[:, at] for at in (slice(0, 1), slice(1, 2), slice(multiclass.FIRST, None)))
    else:
        truth, logits, chosen = (statistics[:, at :: binary.WIDTH] for at in (binary.TRUTH, binary.LOGIT, binary.CHOSEN))
    return judged(logits, chosen, truth, state=state, info=info)
