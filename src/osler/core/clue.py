"""What a single named fact of a case could tell of the outcome, and the outcome it could tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Clues:
    """Facts of m cases that stand by themselves: columns of a table, the size of a file, the number of events.

    `names` (c,); `values` (c, m): floats are numbers in which NaN is missing, int64 are categories (any code of a word) in
    which 0 is missing.
    """

    names: tuple[str, ...]
    values: np.ndarray

    @property
    def categorical(self) -> bool:
        """Whether the values are categories."""
        return self.values.dtype.kind in "iu"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of n cases, as the leak check looks at it.

    `values` (n,) float64: the number of the class where there are `classes` of them, else (`classes` 0) a number.
    `observed` (n,) bool. `name` is the target's.
    """

    name: str
    values: np.ndarray
    observed: np.ndarray
    classes: int = 0
