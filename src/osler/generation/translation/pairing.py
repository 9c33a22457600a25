"""Which rows can be used: pairs of one patient on one grid, or, unpaired, images of either side."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.errors import Refusal, StudyError
from osler.core.grid import Grid
from osler.generation.translation.slices import TARGET, Side, sides

PAIRED, UNPAIRED = "paired", "unpaired"
NAME = "translation.pairing"
APART = 0.1  # of a place: grids whose corners lie nearer are one
MOSTLY = 0.5  # share of rows with both sides on one grid from which the table is taken for pairs
LEAST = 20  # images of each side in training

COPY = Refusal(
    "copy",
    "source and target are the same image, as where a missing sequence was filled with another: nothing is to be learned from it",
    TARGET,
)
ALONE = Refusal("unpaired", "the other image of the pair is missing; give both, or set translation.pairing=unpaired", TARGET)
ELSEWHERE = Refusal(
    "grid", "source and target lie on different grids; resample one to the other, or set translation.pairing=unpaired", TARGET
)
STRANGER = Refusal("patient", "source and target name different patients", TARGET)
FLAT = Refusal("constant", "the image holds one value everywhere", None)


def pairing(
    modalities: Mapping[str, Modality], columns: Mapping[str, Columns], *, settings: Mapping[str, Any]
) -> tuple[str, str]:
    """Return how the rows are paired and why: as the user says, else as most rows are."""
    if NAME in settings:
        return str(settings[NAME]), "set by the user"
    source, target = sides(columns)
    any_, both = source.present | target.present, source.present & target.present
    faults = dict(_apart(modalities, columns, np.flatnonzero(both)))
    good = int(both.sum()) - sum(why is ELSEWHERE for why in faults.values())
    share = good / max(1, int(any_.sum()))
    if share >= MOSTLY:
        return PAIRED, f"{good} of {int(any_.sum())} rows hold both images on one grid"
    return UNPAIRED, f"only {good} of {int(any_.sum())} rows hold both images on one grid"


def refused(modalities: Mapping[str, Modality], columns: Mapping[str, Columns], *, how: str) -> dict[int, Refusal]:
    """Return why rows cannot be used, by row: constant images, copies of the source, and in pairs what does not pair.

    Of unpaired rows the images that are there count, each by itself.
    """
    source, target = sides(columns)
    both = np.flatnonzero(source.present & target.present)
    found = {int(row): COPY for row in both if _equal(source, target, int(row))}
    if how == PAIRED:
        found |= {int(row): ALONE for row in np.flatnonzero(source.present != target.present)}
        found |= {row: why for row, why in _apart(modalities, columns, both) if row not in found}
    for side in (source, target):
        found |= {
            int(row): FLAT for row in np.flatnonzero(side.present) if int(row) not in found and is_flat(side.image(int(row)))
        }
    return found


def is_flat(image: np.ndarray) -> bool:
    """Return whether every channel of an image holds one value.

    >>> is_flat(np.ones((1, 2, 2))), is_flat(np.eye(2)[None])
    (True, False)
    """
    return all(bool(channel.min() == channel.max()) for channel in image)


def check(columns: Mapping[str, Columns], rows: np.ndarray) -> None:
    """Raise StudyError for fewer than LEAST training images of a side: pictures, or slices of volumes."""
    faults = []
    for name, side in zip(("source", "target"), sides(columns), strict=True):
        own = rows[side.present[rows]]
        many = sum(side.depth(int(row)) for row in own[:LEAST])
        if many < LEAST:
            what = "pictures" if side.axes == 2 else f"slices of {len(own)} volumes"
            faults.append(f"training holds {many} {what} of the {name}, and translation needs at least {LEAST}; give more")
    first, second = sides(columns)
    if first.axes != second.axes:
        names = {2: "pictures", 3: "volumes"}
        faults.append(f"the source holds {names[first.axes]} and the target {names[second.axes]}; give both in one form")
    if faults:
        raise StudyError(faults)


def _equal(source: Side, target: Side, row: int) -> bool:
    return bool((np.asarray(source.columns.fingerprints[row]) == np.asarray(target.columns.fingerprints[row])).all())


def _apart(modalities: Mapping[str, Modality], columns: Mapping[str, Columns], rows: np.ndarray) -> Iterator[tuple[int, Refusal]]:
    """Yield the rows whose sides name different patients, or lie on different grids."""
    source, target = sides(columns)
    first = next(name for name in columns if name != TARGET)
    named = [modalities[name].persons(columns[name]) for name in (first, TARGET)]
    for row in map(int, rows):
        persons = {int(one[row]) for one in named if one is not None} - {0}
        if len(persons) > 1:
            yield row, STRANGER
        elif source.shape(row) != target.shape(row) or not _one_grid(
            modalities[first].grid(columns[first], row), modalities[TARGET].grid(columns[TARGET], row)
        ):
            yield row, ELSEWHERE


def _one_grid(first: Grid, second: Grid) -> bool:
    """Whether the corners of both grids lie together, in whatever order their axes are stored."""
    one, other = _corners(first), _corners(second)
    away = np.linalg.norm(one[:, None] - other[None], axis=2).min(axis=1).max()
    return bool(away <= APART * float(first.spacing.min()))


def _corners(grid: Grid) -> np.ndarray:
    ends = [*([0, side - 1] for side in grid.shape), *([[0]] * (3 - len(grid.shape)))]
    return np.array([[*corner, 1.0] for corner in itertools.product(*ends)]) @ grid.affine[:3].T
