"""Some cases of a table that is read block by block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from osler.core.columns import NO_WORDS, Columns, columns_cells

NUMBERS, FEWEST = 100_000_000, 64  # held at once: of large pictures the sample is smaller


class Sample:
    """A random sample of cases from blocks of which none is kept: each case draws a number, the lowest stay."""

    def __init__(self, most: int, *, seed: int) -> None:
        self.most, self.seen = most, 0
        self.generator = np.random.default_rng([seed, 0xE8])
        self.drawn, self.places = np.empty(0), np.empty(0, np.int64)
        self.columns: dict[str, Columns] = {}

    def offer(self, columns: Mapping[str, Columns], rows: np.ndarray) -> None:
        """Look at the cases `rows` of a block."""
        if not self.columns:
            self.most = min(self.most, max(FEWEST, NUMBERS // max(1, sum(columns_cells(c) for c in columns.values()))))
        drawn = np.concatenate([self.drawn, self.generator.random(len(rows))])
        places = np.concatenate([self.places, self.seen + np.arange(len(rows))])
        kept = np.sort(np.argsort(drawn)[: self.most])
        old, new = kept[kept < len(self.drawn)], kept[kept >= len(self.drawn)] - len(self.drawn)
        # words would add up over blocks; the ones that are told come from the bundle
        fresh = {name: replace(c.take(rows[new]), words=NO_WORDS) for name, c in columns.items()}
        before = {name: c.take(old) for name, c in self.columns.items()}
        self.columns = {n: Columns.joined([before[n], c]) if n in before else c for n, c in fresh.items()}
        self.drawn, self.places, self.seen = drawn[kept], places[kept], self.seen + len(rows)

    def taken(self) -> tuple[dict[str, Columns], np.ndarray]:
        """Return the inputs of the sample, and which cases it holds (m,) among those that were looked at."""
        return self.columns, self.places


class Lot:
    """Which cases of a table of about `about` rows (None: unknown) are drawn, each by itself, as they come by.

    About `most` in the end, and all of up to twice as many: where there are more than was thought, the share is halved and what
    was drawn already is drawn from again.
    """

    def __init__(self, most: int, *, about: int | None, seed: int) -> None:
        self.most, self.seen = most, 0
        self.share = 1.0 if about is None or about <= 2 * most else most / about
        self.generator = np.random.default_rng([seed, 0xC0])
        self.drawn, self.places = np.empty(0), np.empty(0, np.int64)

    def draw(self, cases: int) -> np.ndarray:
        """Return which (m,) of the next `cases` are drawn."""
        drawn = self.generator.random(cases)
        here = np.flatnonzero(drawn < self.share)
        self.drawn = np.concatenate([self.drawn, drawn[here]])
        self.places = np.concatenate([self.places, self.seen + here])
        self.seen += cases
        while (self.drawn < self.share).sum() > 2 * self.most:
            self.share /= 2
        return here

    def kept(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which (m,) of all that `draw` gave stay in the end, and which cases these are."""
        kept = np.flatnonzero(self.drawn < self.share)
        return kept, self.places[kept]
