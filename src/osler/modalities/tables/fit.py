"""What is learned from the training rows besides weights: scales, bins, vocabularies; nothing of one patient's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns, Words
from osler.core.state import State
from osler.modalities.tables.case import CATEGORIES, NUMBERS
from osler.modalities.tables.facts import column_blocks, different, grid, quantiles, sampled

FEWEST = 5  # groups that must share a word, or a value of a column with few values, before it is kept
BINS = 16
VOCABULARY = 1000  # words of a column at most
UNKNOWN, ABSENT, FIRST = 0, 1, 2  # codes of words that are not in the vocabulary, of missing cells, and of the first word
_ROWS = 1 << 18  # of a block
_OUTERMOST = 0.01  # the outer edges lie here and at 0.99, not at the extremes
_NORMAL = 1.349  # interquartile range of a normal distribution with sd 1


def fit(columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
    """Return scales, bins and vocabularies learned from `rows`.

    Arrays: `center`, `scale` (p,) float32, median and robust sd (1 where constant); `bins` (p, b + 1) float32, ascending
    edges for piecewise-linear encoding, NaN behind the last, all NaN where there are fewer than two; `vocabulary.<j>`
    (words,) int64 ascending hashes, `shares.<j>` (words + 2,) float32 the share of `rows` with an unknown word, none, and each word. Values: `labels` and `categories`, the columns of both fields; `words.<j>` the words.

    All numbers lie on a grid of three digits of the column's 5–95 % range; values themselves are kept only where at least 5
    groups share them. `plan` may set `bins` and `vocabulary`. `groups` (n,) is by row of `columns`.
    """
    bins = plan["bins"] if "bins" in plan else BINS  # noqa: SIM401  a Plan's miss is a PlanError, which `get` lets through
    most = plan["vocabulary"] if "vocabulary" in plan else VOCABULARY  # noqa: SIM401
    some = sampled(rows)
    numbers, categories = columns[NUMBERS], columns[CATEGORIES]
    assert isinstance(numbers, np.ndarray)
    assert isinstance(categories, np.ndarray)
    parts = [_scales(v, groups=groups[some], bins=bins) for _, v in column_blocks(numbers, some)]
    arrays = {
        "center": _joined([p[0] for p in parts], (0,)),
        "scale": _joined([p[1] for p in parts], (0,)),
        "bins": _joined([p[2] for p in parts], (0, bins + 1)),
    }
    values: dict[str, Any] = {
        "labels": list(columns.field(NUMBERS).labels),
        "categories": list(columns.field(CATEGORIES).labels),
    }
    for j in range(categories.shape[1]):
        keys = _shared(categories[:, j], rows, groups=groups, most=most)
        arrays[f"vocabulary.{j}"] = keys
        arrays[f"shares.{j}"] = _shares(categories[:, j], rows, keys)
        values[f"words.{j}"] = _texts(keys, columns.words)
    return State(arrays, values)


def codes(categories: np.ndarray, state: State) -> np.ndarray:
    """Return (n, q) int64 codes of hashed words (n, q): 0 unknown, 1 missing, from 2 the words of the vocabulary."""
    found = np.zeros(categories.shape, np.int64)
    for j in range(categories.shape[1]):
        found[:, j] = coded(np.asarray(categories[:, j]), state.arrays[f"vocabulary.{j}"])
    return found


def coded(words: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return (n,) int64 codes of hashed `words` (n,) by the ascending hashes `keys` of a vocabulary."""
    found = np.zeros(len(words), np.int64)
    if len(keys):
        at = np.minimum(np.searchsorted(keys, words), len(keys) - 1)
        found = np.where(keys[at] == words, at + FIRST, UNKNOWN)
    found[words == 0] = ABSENT
    return found


def _joined(parts: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(shape, np.float32)


def _scales(values: np.ndarray, *, groups: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return centre (c,), scale (c,) and bins (c, bins + 1) of values (c, n)."""
    crowd = _Crowd(groups)
    there = ~np.isnan(values)
    counts = there.sum(axis=1)
    ordered = np.sort(values, axis=1)
    points = quantiles(ordered, counts, levels=np.array([0.05, 0.25, 0.5, 0.75, 0.95]))
    spread = _spread(values, there, centre=np.nan_to_num(points[:, 2]))
    step = grid(points[:, 4] - points[:, 0], fallback=np.where(spread > 0, spread, np.nan_to_num(points[:, 2])))
    enough = counts >= FEWEST * crowd.largest
    robust = (points[:, 3] - points[:, 1]) / _NORMAL
    scale = np.where(robust > 0, robust, spread)
    scale = np.where(enough & (scale > 0), np.maximum(np.round(scale / step), 1) * step, 1.0)
    center = np.where(enough, np.round(points[:, 2] / step) * step, 0.0)
    edges = _edges(ordered, counts, step=step, bins=bins, outermost=crowd.outermost(counts))
    edges[~enough] = np.nan
    for j in np.flatnonzero(enough & (different(ordered, counts) <= bins + 1)):
        edges[j] = _padded(crowd.shared(values[j][there[j]], there[j]), bins + 1)
    edges[np.isfinite(edges).sum(axis=1) < 2] = np.nan
    return center, scale, edges


def _spread(values: np.ndarray, there: np.ndarray, *, centre: np.ndarray) -> np.ndarray:
    """Return the standard deviation (c,) of what is there."""
    away = np.where(there, values - centre[:, None].astype(np.float32), 0).astype(np.float64)
    count = np.maximum(there.sum(axis=1), 1)
    first = away.sum(axis=1) / count
    spread = np.sqrt(np.maximum((away * away).sum(axis=1) / count - first**2, 0))
    return np.where(spread > 1e-7 * np.abs(centre), spread, 0)  # less is the rounding of float32


class _Crowd:
    """How rows share groups."""

    def __init__(self, groups: np.ndarray) -> None:
        _, self.member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        self.largest = int(sizes.max()) if len(sizes) else 1

    def outermost(self, counts: np.ndarray) -> np.ndarray:
        """Return (c,) the level beyond which at least FEWEST groups lie on either side, at most 0.25."""
        return np.clip(FEWEST * self.largest / np.maximum(counts, 1), _OUTERMOST, 0.25)

    def shared(self, values: np.ndarray, there: np.ndarray) -> np.ndarray:
        """Return the different `values` (of the rows `there`), ascending, that at least FEWEST groups share."""
        keys, index = np.unique(values, return_inverse=True)
        return keys[_sharers(index, self.member[there], keys=len(keys), alone=self.largest == 1) >= FEWEST]


def _sharers(index: np.ndarray, member: np.ndarray, *, keys: int, alone: bool) -> np.ndarray:
    """Return (keys,) how many groups have each key; `alone` where each row is its own group."""
    if alone:
        return np.bincount(index, minlength=keys)
    pairs = np.unique(index.astype(np.int64) * (int(member.max(initial=0)) + 1) + member)
    return np.bincount(pairs // (int(member.max(initial=0)) + 1), minlength=keys)


def _edges(ordered: np.ndarray, counts: np.ndarray, *, step: np.ndarray, bins: int, outermost: np.ndarray) -> np.ndarray:
    """Return (c, bins + 1) quantiles on the grid, each once, ascending, NaN behind the last."""
    share = np.linspace(0, 1, bins + 1)
    levels = outermost[:, None] + (1 - 2 * outermost[:, None]) * share
    edges = np.round(quantiles(ordered, counts, levels=levels) / step[:, None]) * step[:, None]
    edges = edges.astype(np.float32)
    edges[:, 1:][edges[:, 1:] <= edges[:, :-1]] = np.nan
    return np.sort(edges, axis=1)


def _padded(edges: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([edges, np.full(length - len(edges), np.nan, edges.dtype)])


def _shared(column: np.ndarray, rows: np.ndarray, *, groups: np.ndarray, most: int) -> np.ndarray:
    """Return the hashes (ascending) of the words that at least FEWEST groups share, the `most` frequent of them.

    Block by block: a word is settled once FEWEST groups were seen with it, so that only the pairs of word and group of rare
    words are kept, and 10⁷ rows take no more memory than a block.
    """
    keys, totals, settled = (np.empty(0, np.int64) for _ in range(3))
    pairs = np.empty((2, 0), np.int64)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        words, crowd = np.asarray(column[part]), groups[part]
        here, counts = np.unique(words[words != 0], return_counts=True)
        keys, totals = _added(keys, totals, here, counts)
        open_ = np.isin(words, np.setdiff1d(here, settled))
        pairs = _different(np.concatenate([pairs, np.stack([words[open_], crowd[open_].astype(np.int64)])], axis=1))
        known, sharers = np.unique(pairs[0], return_counts=True)
        done = known[sharers >= FEWEST]
        settled = np.union1d(settled, done)
        pairs = pairs[:, ~np.isin(pairs[0], done)]
    frequent = totals[np.searchsorted(keys, settled)]
    return np.sort(settled[np.argsort(-frequent, kind="stable")[:most]])


def _shares(column: np.ndarray, rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    counts = np.zeros(len(keys) + FIRST)
    for start in range(0, len(rows), _ROWS):
        words = np.asarray(column[rows[start : start + _ROWS]])
        counts += np.bincount(coded(words, keys), minlength=len(counts))
    return np.round(counts / max(1, len(rows)), 4).astype(np.float32)


def _added(keys: np.ndarray, totals: np.ndarray, here: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return keys and their totals with the counts of one more block."""
    both, index = np.unique(np.concatenate([keys, here]), return_inverse=True)
    return both, np.bincount(index, weights=np.concatenate([totals, counts]), minlength=len(both)).astype(np.int64)


def _different(pairs: np.ndarray) -> np.ndarray:
    """Return the different columns of `pairs` (2, n)."""
    ordered = pairs[:, np.lexsort(pairs[::-1])]
    fresh = np.ones(ordered.shape[1], bool)
    fresh[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    return ordered[:, fresh]


def _texts(keys: np.ndarray, words: Words) -> list[str]:
    return [text if (text := words.text(int(k))) is not None else "" for k in keys]
