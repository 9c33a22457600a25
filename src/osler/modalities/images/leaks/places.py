"""Text or markers that were burned into a corner and go with a class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split
from osler.core.target import Target
from osler.modalities.images.case import THUMB, THUMBNAIL
from osler.modalities.images.leaks.probe import Told, probed, questions

SIDE = 8  # pixels of a thumbnail: a quarter of its side
CASES = 4_000
LEAST = 0.03  # by which a corner must tell more than any other part, and
SURE = 3.0  # standard errors of the difference
CORNERS = {(0, 0): "top left", (0, 1): "top right", (1, 0): "bottom left", (1, 1): "bottom right"}
NOBODY = np.empty(0, np.int64)


def telling_corners(columns: Columns, split: Split, *, target: Target) -> Iterator[Leak]:
    """Yield a warning for each class of which a corner of the picture tells more than any part of the same size does that is no
    corner. A class that is brighter throughout is told by all parts alike, and nothing is said of it."""
    rows = split.development[columns.present[split.development]]
    if len(rows) > CASES:
        rows = np.sort(np.random.default_rng(0xC1).choice(rows, CASES, replace=False))
    asked = list(questions(target, rows))
    if not asked:
        return
    thumbnails = _levelled(np.asarray(columns[THUMBNAIL])[rows].astype(np.float64))
    for question in asked:
        found = {at: probed(part[question.cases], question.truth) for at, part in _parts(thumbnails).items()}
        yield from _judged(found, question.name)


def _levelled(thumbnails: np.ndarray) -> np.ndarray:
    """Return thumbnails (m, i, j) about their medians, in units of their quartiles: a marker that changes how a picture is
    stretched must not show in all other places."""
    low, middle, high = np.quantile(thumbnails, [0.25, 0.5, 0.75], axis=(1, 2))
    return np.asarray((thumbnails - middle[:, None, None]) / np.maximum(high - low, 1.0)[:, None, None])


def _parts(thumbnails: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Return by place each part (m, SIDE²) of thumbnails (m, THUMB, THUMB)."""
    places = range(THUMB // SIDE)
    return {
        (i, j): thumbnails[:, SIDE * i : SIDE * (i + 1), SIDE * j : SIDE * (j + 1)].reshape(len(thumbnails), -1)
        for i in places
        for j in places
    }


def _judged(found: dict[tuple[int, int], Told], name: str) -> Iterator[Leak]:
    last = THUMB // SIDE - 1
    corners = {at: told for at, told in found.items() if set(at) <= {0, last}}
    best = max((told for at, told in found.items() if at not in corners), key=lambda told: told.auroc)
    for (i, j), told in corners.items():
        more = told.auroc - best.auroc
        if more >= LEAST and more > SURE * np.hypot(told.error, best.error):
            sentence = (
                f"the {CORNERS[i // last, j // last]} corner of the pictures alone tells '{name}' with an AUROC of {told.auroc:.2f}"
                f" (95% interval from {max(0.0, told.auroc - 1.96 * told.error):.2f}), other parts of its size with"
                f" {best.auroc:.2f} at most: look there for text or a marker that goes with the class"
            )
            yield Leak("marker", "warn", sentence, NOBODY, NOBODY)
