"""PNG, JPEG, BMP and TIFF as volumes: a single picture as the reader of pictures has it, the pages of a TIFF as slices."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.modalities.images.read import raster
from osler.modalities.images.read.content import Unusable, check_size
from osler.modalities.images.read.quiet import quiet, speechless
from osler.modalities.images.read.volume import bounds
from osler.modalities.images.read.volume.record import RawVolume, VolumeHeader

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_PLAIN = {"alpha": "black", "orientation": "exif"}
_MODES = {"L": "uint8", "I;16": "uint16", "I;16B": "uint16", "I": "int32", "F": "float32", "RGB": "uint8"}
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_PAGES = 1 << 14


def header(data: bytes) -> VolumeHeader:
    """Return what the headers of a file with bytes `data` say; raises Unusable, or whatever Pillow raises."""
    with quiet():
        if _pages(data) > 1:
            shape, dtype, channels = _stack_form(data)
        else:
            shape, dtype, channels = _picture_form(data)
    return VolumeHeader(shape, channels, np.eye(4), dtype, "", geometry=False, identifying=())


def load(data: bytes) -> RawVolume:
    """Return the values: (channels, i, j) of a picture, (channels, i, j, k) of a TIFF with several pages; raises as `header`."""
    with quiet():
        values = _stack(data) if _pages(data) > 1 else raster.raw(io.BytesIO(data), reading=_PLAIN, size=None).values
    bounds.check_finite(values)
    return RawVolume(values, np.eye(4), "", geometry=False)


def _picture_form(data: bytes) -> tuple[tuple[int, ...], str, int]:
    found = raster.header(io.BytesIO(data), reading=_PLAIN)
    with raster._opened(io.BytesIO(data)) as image:  # noqa: SLF001
        mode = image.mode
    dtype = {8: "uint8", 16: "uint16"}.get(found.depth) or ("int32" if mode == "I" else "float32")
    return found.size, dtype, 3 if found.colour else 1


def _pages(data: bytes) -> int:
    """Return the number of pages of a TIFF, 1 for all else."""
    if not data.startswith(TIFF):
        return 1
    with _tiff(data) as image:
        count = int(getattr(image, "n_frames", 1))
    if count > MOST_PAGES:
        raise Unusable("large", f"the TIFF has more than {MOST_PAGES:,} pages")
    return count


def _tiff(data: bytes) -> ImageFile:
    import PIL.Image

    image = PIL.Image.open(io.BytesIO(data), formats=("TIFF",))
    check_size(image.height, image.width)
    return image


def _stack_form(data: bytes) -> tuple[tuple[int, ...], str, int]:
    """Return (columns, rows, pages), the type and the channels of a TIFF whose pages are alike; raises Unusable."""
    with _tiff(data) as image:
        forms = [_form(image, page) for page in range(int(getattr(image, "n_frames", 1)))]
    mode, size = forms[0]
    if len(set(forms)) > 1:
        raise Unusable("mixed", "the pages of the TIFF differ in size or kind; save those that belong together")
    if mode not in _MODES:
        raise Unusable("colours", "the TIFF has pages of a kind that is not read; save them as grey or RGB")
    channels = 3 if mode == "RGB" else 1
    shape = (*size, len(forms))
    bounds.check_size(shape, channels=channels, itemsize=np.dtype(_MODES[mode]).itemsize)
    return shape, _MODES[mode], channels


def _form(image: ImageFile, page: int) -> tuple[str, tuple[int, int]]:
    image.seek(page)
    tags: Any = getattr(image, "tag_v2", {})
    if tags.get(raster.PHOTOMETRIC) == 0 or tags.get(raster.SAMPLES) in {2, (2,)}:
        raise Unusable("values", "the pages of the TIFF are signed, or have white as zero; save them unsigned with black as zero")
    return image.mode, image.size


def _stack(data: bytes) -> np.ndarray:
    shape, dtype, channels = _stack_form(data)
    planes = np.empty((shape[2], shape[1], shape[0], *((3,) if channels == 3 else ())), dtype)
    with _tiff(data) as image, speechless():
        for page in range(shape[2]):
            image.seek(page)
            planes[page] = np.asarray(image)
    return planes.transpose(3, 2, 1, 0) if channels == 3 else planes.transpose(2, 1, 0)[None]
