"""From the raw map of a case, slab by slab, to its marks and its line of statistics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from osler.core.errors import OslerError
from osler.core.grid import Grid
from osler.core.marks import UNMARKED, MarkedCase, Painted
from osler.core.state import State
from osler.tasks.labels import safe_names
from osler.tasks.segmentation import lines, pieces
from osler.tasks.segmentation.calibrate import chances
from osler.tasks.segmentation.lookup import Box, Canvas, Truth, joined
from osler.tasks.segmentation.surface import apart
from osler.tasks.segmentation.tolerance import tolerance_of

PIECE = 1 << 21  # places treated at once: a few arrays of 8 MB for each label
RARE = 0.01  # probability from which a place counts in the calibration bins: the empty rest would drown what matters
ML = 1000.0  # mm³


@dataclass(slots=True)
class Sweep:
    """What one pass over a case's slabs gathers: the `canvas`; per label the sums of its probability over all places and over the
    places that somebody looked at, `chance` (2, labels), and over the marked ones among them, `chance_marked` (2, labels); `bins`
    (labels, 3, 15); and where pieces are to be left out afterwards, `sure`, the probability of each mark in 255ths."""

    canvas: Canvas
    info: Mapping[str, Any]
    truth: Truth | None
    chance: np.ndarray
    chance_marked: np.ndarray
    bins: np.ndarray
    sure: np.ndarray | None = None
    at: int = field(default=0)

    @classmethod
    def over(cls, case: MarkedCase, *, state: State, info: Mapping[str, Any], sure: bool = False) -> Sweep:
        """Go over the slabs of `case` once. Raises OslerError where a raw output is not a number."""
        labels, canvas = len(info["names"]), Canvas.blank(case.grid.shape, info)
        truth = None if case.truth is None else Truth.of(case.truth, info)
        sums = [np.zeros((2, labels)) for _ in range(2)]
        kept = np.zeros_like(canvas.array) if sure else None
        sweep = cls(canvas, info, truth, sums[0], sums[1], np.zeros((labels, 3, lines.BINS)), kept)
        for slab in case.slabs():
            for part in _cut(slab):
                sweep.take(part, state)
        if sweep.at != case.grid.shape[0]:
            raise OslerError(f"a raw map ended after {sweep.at} of {case.grid.shape[0]} slices of its case")
        return sweep

    def take(self, raw: np.ndarray, state: State) -> None:
        """Take the next piece (k, a, …) of the raw map."""
        if np.isnan(raw).any():
            raise OslerError(
                "a case has raw outputs that are not numbers: training has diverged; lower 'fit.learning_rate', or look for "
                "extreme values in the inputs"
            )
        box = (slice(self.at, self.at + raw.shape[1]),)
        marked, each = chances(raw, state, info=self.info)
        self.canvas.array[:, box[0]] = marked
        for label, chance in enumerate(each):
            self._add(label, chance, box)
        self.at += raw.shape[1]

    def _add(self, label: int, chance: np.ndarray, box: Box) -> None:
        mark = self.canvas.mask(label, box)
        own = chance[mark]
        if self.sure is not None:
            self.sure[0 if self.canvas.exclusive else label][box][mark] = np.rint(own * 255)
        whole = np.array([chance.sum(dtype=np.float64), own.sum(dtype=np.float64)])
        self._sum(label, whole, seen=whole)
        if self.truth is None:
            return
        seen, true = self.truth.seen(label, box), self.truth.mask(label, box)
        if not seen.all():
            looked = np.array([chance[where].sum(dtype=np.float64) for where in (seen, mark & seen)])
            self._sum(label, np.zeros(2), seen=looked - whole)
        told = seen & (true | (chance >= RARE))
        self.bins[label] += _binned(chance[told], true[told])

    def _sum(self, label: int, whole: np.ndarray, *, seen: np.ndarray) -> None:
        self.chance[:, label] += whole[0], seen[0]
        self.chance_marked[:, label] += whole[1], seen[1]

    def erase(self, label: int, box: Box, where: np.ndarray) -> None:
        """Take the label's marks away `where` (box) is true, and their probability out of the sums over marks."""
        assert self.sure is not None
        sure = self.sure[0 if self.canvas.exclusive else label][box]
        seen = np.ones(where.shape, bool) if self.truth is None else self.truth.seen(label, box)
        self.chance_marked[:, label] -= [sure[where].sum(dtype=np.int64) / 255, sure[where & seen].sum(dtype=np.int64) / 255]
        self.canvas.erase(label, box, where)


def painted(case: MarkedCase, *, state: State, info: Mapping[str, Any], plan: Mapping[str, Any]) -> Painted:
    """Return the marks of a case, its line of statistics and what the table of predictions says of it (see Task.paint)."""
    rules = pieces.rules_of(state, info)
    sweep = Sweep.over(case, state=state, info=info, sure=pieces.any_of(rules))
    pieces.leave_out(sweep, rules, voxel=voxel(case.grid))
    unit = voxel(case.grid) / (ML if info["axes"] == 3 else 1.0)
    near = tolerance_of(state, case.grid, plan=plan)
    own, true = sweep.canvas.boxes(len(info["names"])), None if sweep.truth is None else sweep.truth.boxes()
    line = np.full((len(info["names"]), lines.WIDTH), np.nan)
    marked = np.zeros(len(info["names"]))
    for label, box in enumerate(own):
        marked[label] = 0 if box is None else np.count_nonzero(sweep.canvas.mask(label, box))
        around = joined([b for b in (box, None if true is None else true[label]) if b is not None])
        line[label] = _line(sweep, label, around, marked=marked[label], unit=unit)
        if sweep.truth is not None and around is not None and min(line[label, lines.TRUE], line[label, lines.MARKED]) >= 0:
            line[label, lines.DISTANCES] = _distances(sweep, label, around, spacing=case.grid.spacing, tolerance=near)
    cells = _cells(sweep, marked, unit=unit)
    return Painted(sweep.canvas.values(info), line.reshape(-1), cells)


def voxel(grid: Grid) -> float:
    """Return the volume of a place in mm³, of a picture its area in mm²."""
    axes = len(grid.shape)
    if axes == 3:
        return float(abs(np.linalg.det(grid.affine[:3, :3])))
    first, second = grid.affine[:3, 0], grid.affine[:3, 1]
    return float(np.linalg.norm(np.cross(first, second)))


def _line(sweep: Sweep, label: int, box: Box | None, *, marked: float, unit: float) -> np.ndarray:
    """Return the label's fields but for the distances."""
    line = np.full(lines.WIDTH, np.nan)
    line[[lines.MARKED, lines.VOLUME_MARKED]] = marked, marked * unit
    line[[lines.CHANCE, lines.CHANCE_MARKED]] = sweep.chance[1, label], sweep.chance_marked[1, label]
    if sweep.truth is None or not _looked(sweep.truth, label):
        return line
    counts = np.zeros(3)
    if box is not None:
        mark, truth = sweep.canvas.mask(label, box) & sweep.truth.seen(label, box), sweep.truth.mask(label, box)
        counts[:] = [np.count_nonzero(m) for m in (truth, mark, truth & mark)]
    line[[lines.TRUE, lines.MARKED, lines.BOTH]] = counts
    line[[lines.VOLUME, lines.VOLUME_MARKED]] = counts[:2] * unit
    line[lines.FIRST_BIN :] = sweep.bins[label].reshape(-1)
    return line


def _looked(truth: Truth, label: int) -> bool:
    channel = truth.values[truth.info["channel"][label]]
    return any(bool((part != UNMARKED).any()) for part in channel)


def _distances(sweep: Sweep, label: int, box: Box, *, spacing: np.ndarray, tolerance: float) -> tuple[float, float, float]:
    """Return the normalised surface distance, HD95 and average distance; where places beside the label were not looked at the
    surface is not known, and where one of truth and prediction lacks the label there are no distances."""
    assert sweep.truth is not None
    shape = sweep.canvas.array.shape[1:]
    rim = tuple(slice(max(0, s.start - 1), min(n, s.stop + 1)) for s, n in zip(box, shape, strict=True))
    if not sweep.truth.seen(label, rim).all():
        return np.nan, np.nan, np.nan
    truth, mark = sweep.truth.mask(label, box), sweep.canvas.mask(label, box)
    if not truth.any() or not mark.any():
        return 0.0, np.nan, np.nan
    found = apart(truth, mark, spacing.tolist())
    return found.within(tolerance), found.robust(), found.average()


def _cells(sweep: Sweep, marked: np.ndarray, *, unit: float) -> dict[str, float]:
    """Return the volume of each label in ml (of pictures its area in mm²) and the Dice expected of its marks, and their mean."""
    with np.errstate(invalid="ignore", divide="ignore"):
        quality = np.where(marked > 0, 2 * sweep.chance_marked[0] / (sweep.chance[0] + marked), np.nan)
    known = quality[~np.isnan(quality)]
    size = "volume" if sweep.info["axes"] == 3 else "area"
    names = safe_names(sweep.info["names"])
    cells = {f"{size}_{name}": float(count * unit) for name, count in zip(names, marked, strict=True)}
    cells |= {f"quality_{name}": float(value) for name, value in zip(names, quality, strict=True)} if len(names) > 1 else {}
    return {**cells, "quality": float(known.mean()) if len(known) else float("nan")}


def _binned(chance: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return (3, 15): how many places lie in each bin of probability, the sum of their probability, and how many are true."""
    place = np.minimum((chance * lines.BINS).astype(np.int64), lines.BINS - 1)
    return np.stack([np.bincount(place, weight, minlength=lines.BINS) for weight in (None, chance, true)])


def _cut(slab: np.ndarray) -> Iterator[np.ndarray]:
    step = max(1, PIECE // max(1, slab[0, 0].size))
    for start in range(0, slab.shape[1], step):
        yield slab[:, start : start + step]
