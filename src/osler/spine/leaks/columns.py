"""Columns that give the outcome away, looked for among the development rows only.

Three steps: every column is looked at alone; the few that seem perfect, and the codes whose cases all have one outcome, are
suspects; a suspect is a leak only where the columns that are no suspects do not reach the same together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from osler.contract import Modality
from osler.core.clue import Outcome
from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split
from osler.spine.leaks.alone import Question, by_order, first_look, question
from osler.spine.leaks.binned import FOLDS, binned
from osler.spine.leaks.court import Court, Key, Study
from osler.spine.leaks.identity import telling_apart
from osler.spine.leaks.pure import LEAST, Pure, pure_codes

ROWS = 100_000  # looked at, at most
CELLS = 200_000_000  # and as many cells
LEAST_WRONG = 10  # cases of the rarer classes, below which nothing can be said
OTHERS = 300  # columns, at most, that are compared with: those that tell most alone


@dataclass(slots=True)
class _Seen:
    """What the first look at every column gave: the share that each leaves, codes with one outcome, how many were looked at."""

    left: dict[Key, float] = field(default_factory=dict)
    pure: dict[Key, list[Pure]] = field(default_factory=dict)
    codes: int = 0


def columns_that_tell(
    *, modalities: Mapping[str, Modality], columns: Mapping[str, Columns], split: Split, outcomes: Sequence[Outcome],
    groups: np.ndarray | None,
) -> list[Leak]:  # fmt: skip
    """Return a finding per column that gives an outcome away ("stop", or "warn" where only one code of it is suspicious), or
    that only tells cases apart ("warn")."""
    crowd = np.arange(len(next(iter(columns.values())))) if groups is None else groups
    found: dict[Key, Leak] = {}
    for outcome in outcomes:
        rows = _looked_at(split, outcome, columns)
        if not len(rows):
            continue
        study = Study(modalities, columns, rows, crowd[rows])
        asked = question(outcome, rows, fold=_folds(study.groups))
        for key, leak in _told(study, asked, outcome.name).items():
            if key not in found or (found[key].severity, leak.severity) == ("warn", "stop"):
                found[key] = leak
    return list(found.values())


def _looked_at(split: Split, outcome: Outcome, columns: Mapping[str, Columns]) -> np.ndarray:
    rows = split.development[outcome.observed[split.development]]
    width = sum(sum(f.shape[0] or 0 for f in c.fields if f.shape) for c in columns.values())
    most = min(ROWS, max(1000, CELLS // max(1, width)))
    return rows if len(rows) <= most else rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def _folds(groups: np.ndarray) -> np.ndarray:
    _, number = np.unique(groups, return_inverse=True)
    return np.random.default_rng(0).permutation(int(number.max()) + 1)[number] % FOLDS


def _told(study: Study, asked: Question, outcome: str) -> dict[Key, Leak]:
    names = {
        (where, leak.column or ""): leak for where, clues in study.clues() for leak in telling_apart(clues, study.rows, asked)
    }
    if asked.blind < LEAST_WRONG if asked.classes else len(study.rows) < LEAST:
        return names
    seen = _first_look(study, asked)
    pure = {key: kept for key, codes in seen.pure.items() if (kept := [c for c in codes if c.severity(seen.codes)])}
    suspects = {key for key, left in seen.left.items() if left <= asked.perfect} | set(pure)
    if not suspects:
        return names
    others = sorted((left, key) for key, left in seen.left.items() if key not in suspects)
    court = Court.gathered(study, asked, suspects=suspects, others=[key for _, key in others[:OTHERS]], codes=seen.codes)
    told = {key: leak for key in sorted(suspects) if (leak := court.judged(key, pure.get(key, []), outcome=outcome))}
    return {**names, **told}


def _first_look(study: Study, asked: Question) -> _Seen:
    seen = _Seen()
    for where, clues in study.clues():
        for table in binned(clues):
            left, cells = first_look(table, asked)
            if not clues.categorical:
                left = np.fmin(left, by_order(clues.values, asked))
            seen.left |= {(where, name): share for name, share in zip(table.names, left.tolist(), strict=True)}
            found, looked = pure_codes(table, cells, asked, groups=study.groups)
            seen.codes += looked
            for one in found:
                seen.pure.setdefault((where, table.names[one.column]), []).append(one)
    return seen
