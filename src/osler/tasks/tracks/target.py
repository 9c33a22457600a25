"""From the values of letters to what is kept of each case, or to the reason why a case has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.core.errors import Refusal, StudyError
from osler.core.target import Target

KINDS = ("labels", "numbers")
# What is kept of a case, over the letters whose value is known: how many there are, the sums of their values, of squares and of cubes, of log(1 +
# value) and of its squares, the least and the largest value, and how many are neither 0 nor 1.
COUNT, SUM, SQUARES, CUBES, LOGS, LOG_SQUARES, LEAST, MOST, OTHERS = range(9)
WIDTH = 9


def read(
    columns: Columns, *, names: Sequence[str], settings: Mapping[str, Any], info: Mapping[str, Any] | None
) -> tuple[Target, dict[int, Refusal]]:
    """Return the target, `values` (n, 9) as above, and the refused rows (see Task.marked). Raises StudyError."""
    field = _field(columns)
    values = columns[field]
    assert isinstance(values, Ragged)
    kept = np.stack([_kept(values[row]) for row in range(len(values))]) if len(values) else np.zeros((0, WIDTH))
    present = columns.present & (kept[:, COUNT] > 0)
    known = info or {"kind": _kind(kept[present], settings), "names": list(names), "field": field}
    missing = Refusal("no_target", "no letter of the sequence has a value", names[0])
    refusals = {int(row): missing for row in np.flatnonzero(columns.present & ~present)}
    if known["kind"] == "labels":
        odd = present & (kept[:, OTHERS] > 0)
        told = Refusal("track_label", "the track holds a value that is neither 0 nor 1", names[0])
        refusals |= {int(row): told for row in np.flatnonzero(odd)}
        present = present & ~odd
    if info is None:
        _check(kept[present], known)
    observed = np.repeat(present[:, None], WIDTH, axis=1)
    return Target(np.where(observed, kept, np.nan), observed, known), refusals


def _field(columns: Columns) -> str:
    """Return the field that holds the values; raises StudyError where the input has none."""
    found = columns.names("target")
    if len(found) != 1 or np.dtype(columns.field(found[0]).dtype).kind != "f":
        raise StudyError(
            "the task 'tracks' needs a value for each letter: name an input of sequences first, and the column of its values as target"
        )
    return found[0]


def _kept(values: np.ndarray) -> np.ndarray:
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return np.zeros(WIDTH)
    logs = np.log1p(np.maximum(known, 0.0))
    sums = [known.sum(), (known**2).sum(), (known**3).sum(), logs.sum(), (logs**2).sum()]
    return np.array([len(known), *sums, known.min(), known.max(), ((known != 0) & (known != 1)).sum()])


def _kind(kept: np.ndarray, settings: Mapping[str, Any]) -> str:
    asked = settings.get("kind")
    if asked not in (None, *KINDS):
        raise StudyError(f"'target.kind' cannot be {asked!r}; it is {' or '.join(KINDS)}")
    return str(asked or ("numbers" if kept[:, OTHERS].any() else "labels"))


def _check(kept: np.ndarray, info: Mapping[str, Any]) -> None:
    """Raise StudyError where all letters have the same value."""
    if not len(kept):
        return  # every row is refused, which tells more
    if kept[:, LEAST].min() == kept[:, MOST].max():
        raise StudyError(f"every letter has the same value in '{info['names'][0]}': there is nothing to learn")
