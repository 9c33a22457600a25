"""Which codes are known: those that enough groups share, the most frequent of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from osler.core.columns import Columns
from osler.modalities.timelines.fit.runs import Block, blocks

FEWEST = 5  # groups that must share a code before it is kept


@dataclass(frozen=True, slots=True)
class Census:
    """All different codes of some cases: `codes` (c,) int64 ascending; how many `cases` (c,) and `groups` (c,) have each, how many
    `events` (c,) there are, `valued` (c,) of them with a number, from `donors` (c,) groups."""

    codes: np.ndarray
    cases: np.ndarray
    groups: np.ndarray
    events: np.ndarray
    valued: np.ndarray
    donors: np.ndarray


def census(columns: Columns, rows: np.ndarray, *, groups: np.ndarray) -> Census:
    """Return who has which code; `groups` (m,) by place in `rows`."""
    codes = np.unique(np.concatenate([np.empty(0, np.int64), *(np.unique(b.codes) for b in blocks(columns, rows))]))
    width = max(1, len(codes))
    counts = np.zeros((3, len(codes)), np.int64)
    crowd = np.unique(groups, return_inverse=True)[1]
    shared: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for block, place in _placed(columns, rows, codes):
        there = ~np.isnan(block.values)
        pairs = _unique(block.case * width + place)
        donated = _unique(block.case[there] * width + place[there])
        found = (pairs % width, place, place[there])
        counts += np.stack([np.bincount(p, minlength=len(codes)) for p in found])
        for kept, own in zip(shared, (pairs, donated), strict=True):
            kept.append(_unique(crowd[own // width] * width + own % width))
    sharers, donors = (_counted(kept, width=width)[: len(codes)] for kept in shared)
    return Census(codes, counts[0], sharers, counts[1], counts[2], donors)


def chosen(found: Census, *, most: int) -> np.ndarray:
    """Return the places (v,) in `found`, ascending, of the codes that at least five groups have, the `most` frequent by cases."""
    known = np.flatnonzero(found.groups >= FEWEST)
    return np.sort(known[np.argsort(-found.cases[known], kind="stable")[:most]])


def placed(codes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return (e,) int64 where each of `codes` (e,) stands among the ascending `known` (v,); v for one that is not there."""
    if not len(known):
        return np.zeros(len(codes), np.int64)
    at = np.searchsorted(known, codes)
    at[at == len(known)] = 0
    return np.where(known[at] == codes, at, len(known))


def _placed(columns: Columns, rows: np.ndarray, codes: np.ndarray) -> Iterator[tuple[Block, np.ndarray]]:
    for block in blocks(columns, rows):
        yield block, np.searchsorted(codes, block.codes)


def _unique(keys: np.ndarray) -> np.ndarray:
    """Return the different keys, ascending; by sorting, which is faster than a table of hashes where most differ."""
    ordered = np.sort(keys)
    fresh = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    return ordered[fresh]


def _counted(kept: list[np.ndarray], *, width: int) -> np.ndarray:
    pairs = _unique(np.concatenate([np.empty(0, np.int64), *kept]))
    return np.bincount(pairs % width, minlength=width)
