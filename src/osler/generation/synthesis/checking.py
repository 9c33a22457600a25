"""What a generator needs to know of the training pictures, and what cannot be learned of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.errors import StudyError
from osler.core.target import Target

LOOKED = 1_000  # pictures that are looked at for their range
LEAST_OF_CLASS = 5  # training pictures of a class: from fewer its pictures would be copies
NUMBERS = (
    "pictures are made by class, and the target holds numbers; leave --target out, or give a column of classes, such as ranges of"
    " the number"
)
RARE = (
    f"{{few}} of the classes have fewer than {LEAST_OF_CLASS} training pictures, and what is made of so few would be copies of them;"
    " give more, join such a class with another, or leave its rows out"
)


def check(columns: Mapping[str, Columns], target: Target | None, rows: np.ndarray) -> None:
    """Raise StudyError with all that stands against making pictures of the training `rows`."""
    (name,) = columns
    held = columns[name]
    shape = tuple(held.field(held.names("input")[0]).shape)
    if len(shape) != 3 or None in shape:
        raise StudyError(
            "synthesis makes pictures of two axes and one size, and these images are volumes or lie on grids of their own; cut"
            " slices of them, one file each"
        )
    faults = []
    pixels = np.asarray(held[held.names("input")[0]])
    some = pixels[_some(rows)]
    flat = some.reshape(len(some), -1)
    if (flat.min(1) == flat.max(1)).all():
        faults.append("every training picture is of one grey throughout, so there is nothing to learn; check the files")
    elif len(some) > 1 and (flat == flat[0]).all():
        faults.append("all training pictures are the same picture, so there is nothing to learn; check the table's paths")
    faults += _of_classes(target, rows)
    if faults:
        raise StudyError(faults)


def _of_classes(target: Target | None, rows: np.ndarray) -> list[str]:
    if target is None:
        return []
    if "classes" not in target.info:
        return [NUMBERS]
    few = int((_counts(target, rows) < LEAST_OF_CLASS).sum())
    return [RARE.format(few=few)] if few else []


def info(columns: Mapping[str, Columns], target: Target | None, rows: np.ndarray) -> dict[str, Any]:
    """Return type and range of the pixels, the classes and their shares of the training `rows`: aggregates.

    Whole numbers of one byte keep their own range. Of others it is what all but a thousandth at each end lie in, of many pictures, so
    that no single one's brightest pixel is in a bundle.
    """
    (name,) = columns
    held = columns[name]
    field = held.field(held.names("input")[0])
    if field.dtype == "uint8":
        low, high = 0.0, 255.0
    else:
        values = np.asarray(held[field.name])[_some(rows)]
        low, high = (float(np.rint(v)) for v in np.percentile(values, (0.1, 99.9)))
    names = [] if target is None else labels(target)
    counts = np.zeros(0) if target is None else _counts(target, rows)
    shares = [round(float(c), 4) for c in counts / max(1, counts.sum())]
    return {"dtype": field.dtype, "range": [low, max(high, low + 1)], "classes": names, "shares": shares}


def labels(target: Target) -> list[str]:
    """Return the names of classes in the order of the target's values."""
    names = [str(label) for label in target.info["classes"][0]]
    if target.info["kind"] != "binary":
        return names
    positive = str(target.info["positive"])
    return [*(name for name in names if name != positive), positive]


def _counts(target: Target, rows: np.ndarray) -> np.ndarray:
    observed = rows[target.observed[rows, 0]]
    return np.bincount(target.values[observed, 0].astype(np.int64), minlength=len(labels(target)))


def _some(rows: np.ndarray) -> np.ndarray:
    return rows if len(rows) <= LOOKED else rows[np.linspace(0, len(rows) - 1, LOOKED).astype(np.int64)]
