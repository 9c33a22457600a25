"""Lower-grade glioma: brain slices of TCGA patients with outlined tumour (Buda and others 2019, doi:10.1016/j.compbiomed.2019.05.002).

Channels are before contrast, FLAIR, after contrast. Where a sequence was missing the curators put FLAIR in its place: such
slices, known by equal channels, are left out, and with them patients of whom nothing remains; where the sequences are files of their own,
the cell of the missing one is empty instead, and a column tells which they are.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.errors import MissingExtra, RequestError
from osler.datasets.registry import Picture, Pictured

HEADER = ("image", "mask", "case", "patient", "slice")
FLAIR = 1
STUDY = {
    "task": "segmentation",
    "target": "mask",
    "id": "case",
    "group": "patient",
    "inputs": {"image": {"modality": "images", "columns": ["image"]}},
    "set": {"target.labels": {"tumour": 1}},
}
SEQUENCES = ("flair", "before", "after", "mask", "case", "patient", "slice", "copied")
PLACES = {"before": 0, "after": 2}
TRANSLATION = {
    "task": "translation",
    "target": "flair",
    "id": "case",
    "group": "patient",
    "inputs": {"source": {"modality": "images", "columns": ["before"]}},
    "set": {"split.test": 0.3},  # a fifth of the patients would be fewer than an interval rests on
}
_SLICE = re.compile(r"(?P<patient>TCGA_\w+)_(?P<slice>\d+)\.tif")


@dataclass(frozen=True, slots=True)
class _Slice:
    """One slice: `pixels` (i, j, 3) uint8, `mask` (i, j) of 0 and 1."""

    patient: str
    number: int
    pixels: np.ndarray
    mask: np.ndarray

    @property
    def is_whole(self) -> bool:
        """Whether each of the three sequences was taken."""
        return not self.copied

    @property
    def copied(self) -> tuple[str, ...]:
        """The names of the sequences in whose place FLAIR stands."""
        flair = self.pixels[..., FLAIR]
        return tuple(name for name, channel in PLACES.items() if np.array_equal(self.pixels[..., channel], flair))


def slices(source: Path) -> Pictured:
    """Return the whole slices of the packed arrays, or of the folder that Kaggle gives, with tumour as 1.

    Raises RequestError where the file or folder holds no such slices.
    """
    whole = [one for one in (_folder(source) if source.is_dir() else _packed(source)) if one.is_whole]
    if not whole:
        raise RequestError(f"'{source.name}' holds no slices with three sequences; fetch it again")
    whole.sort(key=lambda one: (one.patient, one.number))
    return Pictured(HEADER, len(whole), _pictures(whole), STUDY)


def sequences(source: Path) -> Pictured:
    """Return the slices with each sequence as a picture of its own, for translation; the cell of a missing one is empty.

    Raises RequestError where the file or folder holds no slices.
    """
    every = list(_folder(source) if source.is_dir() else _packed(source))
    if not every:
        raise RequestError(f"'{source.name}' holds no slices; fetch it again")
    every.sort(key=lambda one: (one.patient, one.number))
    return Pictured(SEQUENCES, len(every), _parted(every), TRANSLATION)


def _parted(every: Iterable[_Slice]) -> Iterator[Picture]:
    for one in every:
        case = f"{one.patient}_{one.number:03d}"
        paths = {name: f"{name}/{one.patient}/{case}.png" for name in ("flair", *PLACES, "mask")}
        held = {name: _png(one.pixels[..., channel]) for name, channel in PLACES.items() if name not in one.copied}
        held["mask"] = _png(one.mask)
        cells = tuple(f"images/{paths[name]}" if name in held else "" for name in (*PLACES, "mask"))
        beside = tuple((paths[name], content) for name, content in held.items())
        told = (case, one.patient, str(one.number), " ".join(one.copied))
        yield Picture(paths["flair"], _png(one.pixels[..., FLAIR]), (*cells, *told), beside)


def _pictures(whole: Iterable[_Slice]) -> Iterator[Picture]:
    for one in whole:
        case = f"{one.patient}_{one.number:03d}"
        mask = f"masks/{one.patient}/{case}.png"
        cells = (f"images/{mask}", case, one.patient, str(one.number))
        yield Picture(f"{one.patient}/{case}.png", _png(one.pixels), cells, ((mask, _png(one.mask)),))


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    _pillow().fromarray(np.ascontiguousarray(pixels)).save(
        stream, "PNG", compress_level=3
    )  # half the time of the default, a tenth more bytes
    return stream.getvalue()


def _packed(source: Path) -> Iterator[_Slice]:
    try:
        with np.load(source, allow_pickle=False) as file:
            arrays = [file[name] for name in ("patient", "slice", "images", "masks")]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise RequestError(f"'{source.name}' does not hold slices and masks ({type(error).__name__}); fetch it again") from None
    for patient, number, pixels, mask in zip(*arrays, strict=True):
        yield _Slice(str(patient), int(number), pixels, (mask > 0).astype(np.uint8))


def _folder(source: Path) -> Iterator[_Slice]:
    for path in sorted(source.glob("*/*.tif")):
        named = _SLICE.fullmatch(path.name)
        if named is None:
            continue
        mask = path.with_name(f"{path.stem}_mask.tif")
        if not mask.is_file():
            raise RequestError(f"'{source.name}' holds no mask for '{path.name}'; fetch it again")
        yield _Slice(named["patient"], int(named["slice"]), _read(path), (_read(mask) > 0).astype(np.uint8))


def _read(path: Path) -> np.ndarray:
    try:
        with _pillow().open(path) as picture:
            return np.asarray(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise RequestError(f"'{path.name}' cannot be read ({type(error).__name__}); fetch it again") from None


def _pillow() -> Any:
    try:
        import PIL.Image
    except ImportError:
        raise MissingExtra(package="Pillow", extra="images") from None
    return PIL.Image
