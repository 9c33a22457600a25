"""MedMNIST: arrays of small pictures with their official split (Yang and others 2023, doi:10.1038/s41597-022-01721-8)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from osler.core.errors import MissingExtra, RequestError
from osler.datasets.registry import Picture, Pictured

PARTS = ("train", "val", "test")


def pneumonia(source: Path) -> Pictured:
    """Return 28 × 28 radiographs and `label`, normal or pneumonia."""
    arrays = _arrays(source)
    study = {
        "task": "classification",
        "target": "label",
        "split": "split",
        "inputs": {"image": {"modality": "images", "columns": ["image"]}},
    }
    total = sum(len(arrays[f"{part}_images"]) for part in PARTS)
    return Pictured(("image", "label", "split"), total, _pictures(arrays, names=("normal", "pneumonia")), study)


def _arrays(source: Path) -> Mapping[str, np.ndarray]:
    try:
        with np.load(source, allow_pickle=False) as file:
            return {f"{part}_{kind}": file[f"{part}_{kind}"] for part in PARTS for kind in ("images", "labels")}
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise RequestError(
            f"'{source.name}' does not hold the arrays of MedMNIST ({type(error).__name__}); fetch it again"
        ) from None


def _pictures(arrays: Mapping[str, np.ndarray], *, names: tuple[str, ...]) -> Iterator[Picture]:
    try:
        import PIL.Image
    except ImportError:
        raise MissingExtra(package="Pillow", extra="images") from None
    for part in PARTS:
        pairs = zip(arrays[f"{part}_images"], arrays[f"{part}_labels"].reshape(-1), strict=True)
        for number, (pixels, label) in enumerate(pairs):
            stream = io.BytesIO()
            PIL.Image.fromarray(pixels).save(stream, "PNG")
            yield Picture(f"{part}/{number:05d}.png", stream.getvalue(), (names[int(label)], part))
