"""Whether there is anything to learn in cases: copies of one case, or pictures of one grey, teach nothing."""

from __future__ import annotations

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.core.errors import StudyError

LOOKED = 256  # cases whose places are looked at
FEWEST = 5  # different cases from which something may be learned


def check_variety(columns: Columns, rows: np.ndarray, *, name: str) -> None:
    """Raise StudyError where the cases `rows` of input `name` are too few different ones, or each is of one value throughout."""
    here = rows[columns.present[rows]]
    if not len(here):
        raise StudyError(f"input '{name}' is missing in every training case; mend its column, or name another input")
    different = len(np.unique(columns.fingerprints[here], axis=0))
    if different < min(FEWEST, len(here)):
        told = "are all the same" if different == 1 else f"hold {different} different ones"
        raise StudyError(f"input '{name}': the {len(here):,} training cases {told}; at least {FEWEST} different ones are needed")
    values = columns[columns.names("input")[0]]
    if isinstance(values, Ragged) or values.ndim < 4:
        return
    some = np.asarray(values[np.sort(here[:: max(1, len(here) // LOOKED)])])
    flat = some.reshape(len(some), some.shape[1], -1)
    if (flat.max(axis=2) == flat.min(axis=2)).all():
        raise StudyError(f"input '{name}': every image is of one grey throughout; look at how they are read (window, range)")
