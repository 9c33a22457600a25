"""What is judged: the vectors of all cases, and what is known of the cases."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from osler.core.split import Split
from osler.core.target import Target
from osler.generation.embedding.questions import class_names


@dataclass(frozen=True, slots=True)
class Embedded:
    """`vectors` (n, d) of the cases, `raw` (n, f) the input that they were made of, as one line of numbers a case.

    `target` are the labels, None where the study names none; they had no part in training. `split` has row numbers of the n cases, and
    only of those that have a vector. `groups` (n,) int64 are the patients, `grouped` says whether they are known. `holdout` is the class that training never saw,
    as the target's `info` names it; "" where none was kept out. `errors` (n,) tell how badly each case was restored, where the method restores.
    """

    vectors: np.ndarray
    raw: np.ndarray
    split: Split
    groups: np.ndarray
    target: Target | None = None
    grouped: bool = False
    holdout: str = ""
    errors: np.ndarray | None = None
    seed: int = 0

    def without(self, rows: np.ndarray) -> Embedded:
        """Return the same with `rows` (n,) bool left out of every part of the split."""
        parts = {
            name: part[~rows[part]]
            for name in ("training", "tune", "calibrate", "test")
            if len(part := getattr(self.split, name))
        }
        return replace(self, split=replace(self.split, **parts, folds=()))

    @property
    def held(self) -> np.ndarray:
        """Which cases (n,) bool are of the class that training never saw."""
        if not self.holdout or self.target is None:
            return np.zeros(len(self.vectors), bool)
        code = class_names(self.target).index(self.holdout)
        return self.target.observed[:, 0] & (self.target.values[:, 0] == code)
