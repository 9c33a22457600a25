"""Which rows train, which choose, which calibrate, which test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Fold:
    """One member's rows: weights come from `training`, stopping and choice from `tune`; `held` is predicted, never seen."""

    training: np.ndarray
    tune: np.ndarray
    held: np.ndarray


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of each part; a group lies in one part only.

    With `folds` (small data) members are cross-fitted: `training` holds all development rows, `tune` and `calibrate` are
    empty, and every development row is held out in one fold. Otherwise `folds` has one entry whose `held` is calibrate.
    `how` tells in a sentence where the split came from.
    """

    training: np.ndarray
    tune: np.ndarray
    calibrate: np.ndarray
    test: np.ndarray
    folds: tuple[Fold, ...]
    how: str

    @property
    def development(self) -> np.ndarray:
        """All rows that are not test, ascending."""
        return np.sort(np.concatenate([self.training, self.tune, self.calibrate]))

    @property
    def crossfitted(self) -> bool:
        """Whether choice and calibration use out-of-fold predictions."""
        return len(self.folds) > 1
