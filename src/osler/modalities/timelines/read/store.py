"""All events of a source, sorted by subject and time, memory-mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Store:
    """Events of many subjects, those of one behind one another and ascending in time.

    `subjects` (s,) int64 hashes, ascending, `offsets` (s + 1,) where each one's events begin; `times` (e,) int64 microseconds
    (ALWAYS: known at any time; such events come first), `codes` (e,) int32 places in `names`, `values` (e,) float32 NaN where there is none, `units` (e,)
    int16 places in `unit_names`, of which the first is "" (none). `relative` whether times count from each subject's own start.
    `subject_names` (s,) object by the same order. `refused` counts, by reason, events that could not be used.
    `splits` (s,) object or None: the official part of each subject, where the source tells one.
    """

    folder: Path
    subjects: np.ndarray
    offsets: np.ndarray
    times: np.ndarray
    codes: np.ndarray
    values: np.ndarray
    units: np.ndarray
    names: tuple[str, ...]
    unit_names: tuple[str, ...]
    subject_names: np.ndarray
    relative: bool
    refused: Mapping[str, int]
    splits: np.ndarray | None = None
