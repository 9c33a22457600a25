"""MNI152: the average brain of nilearn with its maps of grey and white matter, cut into slabs (Fonov and others 2011).

nilearn's wheel ships the three files; nothing of nilearn is imported, and it may be installed without its own dependencies.
One brain, so neighbouring slabs are alike: a study that shows how segmentation works, and supports no claim about accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from osler.datasets.nifti import nifti, read_nifti
from osler.datasets.registry import Picture, Pictured

FILES = {kind: f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz" for kind in ("t1", "gm", "wm")}
HEADER = ("image", "mask", "case", "split")
LABELS = {"grey": 1, "white": 2}
FULL = 255  # of a map: the whole voxel is of this tissue
FACTOR = 2  # 1 mm to 2 mm: a study of a minute
SLABS, EVERY = 20, 3  # the third, sixth, … is test: six, as figures of fewer than five cases are withheld
MARGIN = 2  # voxels around the brain
STUDY = {
    "task": "segmentation",
    "target": "mask",
    "id": "case",
    "split": "split",
    "inputs": {"image": {"modality": "images", "columns": ["image"]}},
    "set": {"target.labels": LABELS},
}


def slabs(files: Mapping[str, Path]) -> Pictured:
    """Return twenty slabs at 2 mm along k, each with grey matter as 1 and white as 2 where more than half of a voxel is of it."""
    volume, affine = _halved(files[FILES["t1"]])
    marks = _marks(*(_halved(files[FILES[kind]])[0] / FULL for kind in ("gm", "wm")))
    corner, volume, marks = _trimmed(volume, marks)
    affine = affine @ _moved(corner)
    return Pictured(HEADER, SLABS, _pictures(np.rint(volume).astype(np.uint8), marks, affine), STUDY)


def _halved(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return means over blocks of 2 × 2 × 2 voxels, a last odd plane left out, and the affine to the blocks' centres."""
    values, affine = read_nifti(path)
    kept = [length // FACTOR for length in values.shape]
    whole = values[tuple(slice(FACTOR * n) for n in kept)].astype(np.float32)
    blocks = whole.reshape([size for n in kept for size in (n, FACTOR)]).mean(axis=(1, 3, 5))
    return blocks, affine @ _moved(np.full(3, (FACTOR - 1) / 2)) @ np.diag([FACTOR, FACTOR, FACTOR, 1.0])


def _marks(grey: np.ndarray, white: np.ndarray) -> np.ndarray:
    return np.where(grey > 0.5, LABELS["grey"], np.where(white > 0.5, LABELS["white"], 0)).astype(np.uint8)


def _trimmed(volume: np.ndarray, marks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first index kept (3,), and both arrays around what is marked."""
    places = np.nonzero(marks)
    first = np.array([max(int(p.min()) - MARGIN, 0) for p in places])
    last = [int(p.max()) + MARGIN + 1 for p in places]
    box = tuple(slice(start, stop) for start, stop in zip(first, last, strict=True))
    return first, volume[box], marks[box]


def _moved(by: np.ndarray) -> np.ndarray:
    """Return the transform (4, 4) that moves an index by `by` (3,)."""
    matrix = np.eye(4)
    matrix[:3, 3] = by
    return matrix


def _pictures(volume: np.ndarray, marks: np.ndarray, affine: np.ndarray) -> Iterator[Picture]:
    edges = np.linspace(0, volume.shape[2], SLABS + 1).astype(int)
    for number, (start, stop) in enumerate(pairwise(edges)):
        case = f"slab_{number + 1:02d}"
        here = affine @ _moved(np.array([0, 0, start]))
        image, mask = (nifti(whole[..., start:stop], affine=here) for whole in (volume, marks))
        cells = (f"images/masks/{case}.nii.gz", case, "test" if number % EVERY == EVERY - 1 else "train")
        yield Picture(f"{case}.nii.gz", image, cells, ((f"masks/{case}.nii.gz", mask),))
