"""The single facts of a timeline that could give the outcome away: an event of the code, or its last value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osler.core.clue import Clues
from osler.core.columns import Columns
from osler.core.hashing import word_hash
from osler.modalities.timelines.case import AGE
from osler.modalities.timelines.fit import FEWEST, blocks, placed, runs

MOST = 1000  # codes that are looked at, the most frequent
_CELLS = 1 << 21  # in memory at once
_WHOLE = ("events", "days since the last event")


def clues(columns: Columns, rows: np.ndarray) -> Iterator[Clues]:
    """Yield facts of the cases `rows` (m,): how many events there are and how long ago the last one was, then of the codes that most
    cases have the last value, or, where fewer than half of its events carry one, whether it occurred at all (1, else 0).

    The code of a death, of a discharge, or of a diagnosis that was written down afterwards is found as a column of a table would be.
    """
    if not len(rows):
        return
    yield Clues(_WHOLE, _whole(columns, rows))
    codes = _frequent(columns, rows)
    case, code, last, numeric = _runs(columns, rows, codes)
    names = [columns.words.text(int(key)) or "" for key in codes]
    order = np.argsort(code, kind="stable")
    ends = np.searchsorted(code[order], np.arange(len(codes) + 1))
    step = max(1, _CELLS // len(rows))
    for kind in (True, False):
        asked = np.flatnonzero(numeric == kind)
        for start in range(0, len(asked), step):
            part = asked[start : start + step]
            values = np.full((len(part), len(rows)), np.nan, np.float32) if kind else np.zeros((len(part), len(rows)), np.int64)
            for line, at in enumerate(part):
                own = order[ends[at] : ends[at + 1]]
                values[line, case[own]] = last[own] if kind else 1
            yield Clues(tuple(names[at] for at in part), values)


def _whole(columns: Columns, rows: np.ndarray) -> np.ndarray:
    out = np.zeros((2, len(rows)), np.float32)
    out[1] = np.nan
    for block in blocks(columns, rows):
        happened = np.flatnonzero(block.codes != word_hash(AGE))  # an age is told at every prediction time
        case, times = block.case[happened], block.times[happened]
        out[0, block.start : block.stop] = np.bincount(case - block.start, minlength=block.stop - block.start)
        ends = np.flatnonzero(np.diff(case, append=-1))
        out[1, case[ends]] = np.where(np.isfinite(times[ends]), -times[ends], np.nan)
    return out


def _frequent(columns: Columns, rows: np.ndarray) -> np.ndarray:
    """Return the hashes (c,), ascending, of the codes with most cases, at least five."""
    keys: np.ndarray = np.empty(0, np.int64)
    counts: np.ndarray = np.empty(0)
    for block in blocks(columns, rows):
        known, place = np.unique(block.codes, return_inverse=True)
        found = runs(block.case, place, width=max(1, len(known)))
        both, at = np.unique(np.concatenate([keys, known]), return_inverse=True)
        counts = np.bincount(at, weights=np.append(counts, np.bincount(found.code, minlength=len(known))), minlength=len(both))
        keys = both
    kept = np.flatnonzero(counts >= FEWEST)
    return np.sort(keys[kept[np.argsort(-counts[kept], kind="stable")[:MOST]]])


def _runs(columns: Columns, rows: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return of each case and code that it has (r,): case, code, last value; and which codes are numeric (c,) bool."""
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    events, valued = np.zeros(len(codes)), np.zeros(len(codes))
    for block in blocks(columns, rows):
        place = placed(block.codes, codes)
        at = np.flatnonzero(place < len(codes))
        found = runs(block.case[at], place[at], width=len(codes) + 1)
        values = block.values[at][found.order]
        there = np.isfinite(values)
        events += np.bincount(place[at], minlength=len(codes))
        valued += np.bincount(place[at], weights=np.isfinite(block.values[at]), minlength=len(codes))
        known = np.maximum.accumulate(np.where(there, np.arange(len(values)), -1))
        last = known[found.starts + found.counts - 1]
        mine = last >= found.starts
        parts.append((found.case, found.code, np.where(mine, values[last], np.nan) if len(values) else np.empty(0)))
    case, code, last_value = (np.concatenate([p[turn] for p in parts]) for turn in range(3))
    return case, code, last_value, valued >= 0.5 * np.maximum(events, 1)
