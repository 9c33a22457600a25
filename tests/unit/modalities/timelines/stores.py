"""Prepared stores made of a few events."""

from pathlib import Path

import numpy as np

from osler.core.duration import UNITS
from osler.modalities.timelines.case import ALWAYS
from osler.modalities.timelines.read.store import Store

HOUR, DAY = UNITS["h"], UNITS["d"]
EPOCH = 40 * UNITS["y"]  # time zero of the tests, far from 1970


def store(events, *, splits=None, relative=False, folder="events"):
    """Return the store of `events`: (subject, hours since time zero or None for always, code[, value])."""
    rows = [(str(who), ALWAYS if hours is None else EPOCH + round(hours * HOUR), code, *(more or [np.nan]))
            for who, hours, code, *more in events]  # fmt: skip
    subjects = sorted({row[0] for row in rows})
    names = sorted({row[2] for row in rows})
    rows.sort(key=lambda row: (row[0], row[1]))
    offsets = [sum(row[0] < subject for row in rows) for subject in subjects] + [len(rows)]
    return Store(
        folder=Path(folder),
        subjects=np.arange(len(subjects), dtype=np.int64),
        offsets=np.array(offsets, np.int64),
        times=np.array([row[1] for row in rows], np.int64),
        codes=np.array([names.index(row[2]) for row in rows], np.int32),
        values=np.array([row[3] for row in rows], np.float32),
        units=np.zeros(len(rows), np.int16),
        names=tuple(names),
        unit_names=("",),
        subject_names=np.array(subjects, object),
        relative=relative,
        refused={},
        splits=None if splits is None else np.array([splits.get(s) for s in subjects], object),
    )
