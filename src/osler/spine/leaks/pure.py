"""Codes whose cases all have one outcome, and whether that can be chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from osler.spine.leaks.alone import Question
from osler.spine.leaks.binned import Binned, Cells

LEAST = 50  # cases
CHANCE = 1e-6  # that any code of the study is so by accident, at most
RISK = 0.05
ODDS = 10.0  # by which a code must raise the odds of an outcome that is common anyway
JUMP = 0.5  # between a value that may be a code and its neighbours; the values of a real score change step by step
COMMON = 0.9  # a number that so many cases share says nothing where a code shares it too


@dataclass(frozen=True, slots=True)
class Pure:
    """One code all whose cases have one outcome.

    `column` is its place in the table of codes, `cases` have it, in `groups` groups. `outcome` is the number of the class, -1
    for one value of a number; `share` of all cases have that outcome. `missing` where the code stands for an empty cell.
    """

    column: int
    code: int
    cases: int
    groups: int
    outcome: int
    share: float
    missing: bool

    def severity(self, codes: int) -> Literal["stop", "warn", ""]:
        """Return what a code of `codes` that were looked at deserves: "" where it may be chance."""
        if self.groups < LEAST or codes * self.share**self.groups > CHANCE:
            return ""
        least = (RISK / codes) ** (1 / self.groups)  # the share in such cases, at least (Clopper & Pearson 1934, none of n)
        odds = least / (1 - least) / (self.share / (1 - self.share))
        return "stop" if self.share <= 0.5 or odds >= ODDS else "warn"


def pure_codes(table: Binned, cells: list[Cells], asked: Question, *, groups: np.ndarray) -> tuple[list[Pure], int]:
    """Return the pure codes of `table` and how many were looked at. Cases of one group (`groups`, (m,)) count once."""
    found = []
    counts = cells[0].counts.sum(axis=2)
    large = table.single & (counts >= LEAST)
    for place, (part, values) in enumerate(zip(cells, asked.values, strict=True)):
        sums = part.sums.sum(axis=2)
        for outcome, same, share in _sides(part, values, asked.classes, place):
            for column, code in np.argwhere(large & same & ~_steps(table, counts, sums)).tolist():
                own = table.codes[column] == code
                found.append(Pure(column, code, int(own.sum()), len(np.unique(groups[own])), outcome, share,
                                  bool(table.missing[column] == code)))  # fmt: skip
    return found, int(large.sum()) * max(1, asked.classes)


def _sides(part: Cells, values: np.ndarray, classes: int, place: int) -> list[tuple[int, np.ndarray, float]]:
    """Return (outcome, where all cases have it, its share of all cases)."""
    counts, sums = part.counts.sum(axis=2), part.sums.sum(axis=2)
    if classes:
        share = float(values.mean())
        sides = [(place if classes > 2 else 1, sums == counts, share)]
        return sides if classes > 2 else [*sides, (0, sums == 0, 1 - share)]
    spread = part.squares.sum(axis=2) - sums**2 / np.maximum(counts, 1)
    _, often = np.unique(values, return_counts=True)
    share = float(often.max() / len(values))
    return [] if share > COMMON else [(-1, spread < 1e-9 * np.maximum(counts, 1), share)]


def _steps(table: Binned, counts: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Return (c, size) whether the value of a number has a neighbour that is much like it."""
    rates = sums / np.maximum(counts, 1)
    known = table.ordered & (counts > 0)
    near = np.zeros(rates.shape, bool)
    alike = np.abs(np.diff(rates, axis=1)) < JUMP
    pairs = known[:, 1:] & known[:, :-1]
    near[:, 1:] |= pairs & alike
    near[:, :-1] |= pairs & alike
    return near
