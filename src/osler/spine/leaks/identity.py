"""Columns that tell cases apart rather than describe them: running numbers, identifiers that are taken for a number or a category.

A network learns such a column by heart, and where the table is in the order of the outcome it answers by it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osler.core.clue import Clues
from osler.core.leak import Leak
from osler.core.names import names_identifier, names_patient
from osler.core.ranks import ranked
from osler.spine.leaks.alone import Question

LEAST = 50  # cases
MANY = 20  # different values under which a column named like an identifier names sites or kinds
PART = 0.05  # and this share of the cases
SURE = 5.0  # standard errors of a rank correlation
NOBODY = np.empty(0, np.int64)


def telling_apart(clues: Clues, rows: np.ndarray, asked: Question) -> Iterator[Leak]:
    """Yield a warning for each column that numbers the rows (the cases lie in `rows`, ascending) or is named like an identifier."""
    if len(rows) < LEAST:
        return
    running = np.zeros(len(clues.names), bool) if clues.categorical else _running(clues.values, rows)
    for name, values, numbers in zip(clues.names, clues.values, running.tolist(), strict=True):
        if numbers:
            yield _warning(name, "its values number the rows" + _order(values, asked))
        elif names_identifier(name) or names_patient(name):
            different = len(np.unique(values))
            if different > max(MANY, PART * len(rows)):
                yield _warning(name, f"it is named like an identifier and has {different:,} different values")


def _running(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return (c,) whether whole numbers rise (or fall) with the rows: by the same step each, or all different at least."""
    steps = np.diff(values.astype(np.float64), axis=1)
    same = (steps == np.sign(steps[:, :1]) * np.diff(rows)).all(axis=1)
    rising = ((steps > 0).all(axis=1) | (steps < 0).all(axis=1)) & (values == np.floor(values)).all(axis=1)
    return np.asarray((same & (steps[:, 0] != 0)) | rising)


def _order(values: np.ndarray, asked: Question) -> str:
    ranks = ranked(values)
    found = [abs(float(np.corrcoef(ranks, truth)[0, 1])) for truth in asked.values if np.ptp(truth) > 0]
    strongest = max(found, default=0.0)
    return f", and the outcome follows the order of the rows (rank correlation {strongest:.2f})" if (
        strongest * np.sqrt(len(values)) > SURE
    ) else ""  # fmt: skip


def _warning(name: str, why: str) -> Leak:
    sentence = f"column '{name}' tells cases apart and nothing of a new case: {why}; leave it out with --exclude '{name}'"
    return Leak("identifier", "warn", sentence, NOBODY, NOBODY, column=name)
