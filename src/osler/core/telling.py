"""What a list of single cases shows of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Telling:
    """Per case (n,) the `loss` of the prediction (the larger the worse, NaN without a truth), and its `doubt` (the larger the less
    sure), None where the task cannot tell one case from another by it. `texts` gives of the cases at (m,) places what was observed
    and what was predicted."""

    loss: np.ndarray
    doubt: np.ndarray | None
    texts: Callable[[np.ndarray], tuple[Sequence[str], Sequence[str]]]

    def worst(self, most: int) -> np.ndarray:
        """Return the places of at most `most` cases of the largest loss, the worst first."""
        return _largest(self.loss, most)

    def best(self, most: int) -> np.ndarray:
        """Return the places of at most `most` cases of the smallest loss, the best first."""
        return _largest(-self.loss, most)

    def doubtful(self, most: int) -> np.ndarray:
        """Return the places of at most `most` cases of the largest doubt, the least sure first."""
        return np.empty(0, np.int64) if self.doubt is None else _largest(self.doubt, most)


def _largest(values: np.ndarray, most: int) -> np.ndarray:
    known = np.flatnonzero(np.isfinite(values))
    return known[np.argsort(-values[known], kind="stable")[:most]]
