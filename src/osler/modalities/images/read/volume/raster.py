"""PNG, JPEG, BMP and TIFF as volumes: a single picture as the reader of pictures has it, the pages of a TIFF as slices."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

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
_TEXTS = {270: "ImageDescription", 315: "Artist", 316: "HostComputer", 33432: "Copyright"}  # tags of TIFF 6.0, which EXIF has too


def header(stream: BinaryIO) -> VolumeHeader:
    """Return what the headers of a file say; raises Unusable, or whatever Pillow raises."""
    with quiet():
        shape, dtype, channels = _stack_form(stream) if _pages(stream) > 1 else _picture_form(stream)
        names = _identifying(stream)
    return VolumeHeader(shape, channels, np.eye(4), dtype, "", geometry=False, identifying=names)


def load(data: bytes) -> RawVolume:
    """Return the values: (channels, i, j) of a picture, (channels, i, j, k) of a TIFF with several pages; raises as `header`."""
    stream = io.BytesIO(data)
    with quiet():
        values = _stack(stream) if _pages(stream) > 1 else raster.raw(_rewound(stream), reading=_PLAIN, size=None).values
    values = np.array(values, values.dtype.newbyteorder("="))
    bounds.check_finite(values)
    return RawVolume(values, np.eye(4), "", geometry=False)


def _rewound(stream: BinaryIO) -> BinaryIO:
    stream.seek(0)
    return stream


def _picture_form(stream: BinaryIO) -> tuple[tuple[int, ...], str, int]:
    import PIL.Image

    found = raster.header(_rewound(stream), reading=_PLAIN)
    whole = PIL.Image.open(_rewound(stream), formats=raster.FORMATS).mode == "I"
    dtype = {8: "uint8", 16: "uint16"}.get(found.depth) or ("int32" if whole else "float32")
    return found.size, dtype, 3 if found.colour else 1


def _identifying(stream: BinaryIO) -> tuple[str, ...]:
    """Return the names of the texts beside the picture: tags of EXIF and TIFF, and a PNG's own."""
    import PIL.Image
    from PIL.PngImagePlugin import PngImageFile

    image = PIL.Image.open(_rewound(stream), formats=raster.FORMATS)
    tags = image.getexif()
    named = [name for tag, name in _TEXTS.items() if str(tags.get(tag) or "").strip()]
    return (*named, *sorted(image.text)) if isinstance(image, PngImageFile) else tuple(named)


def _pages(stream: BinaryIO) -> int:
    """Return the number of pages of a TIFF, 1 for all else."""
    if not _rewound(stream).read(4).startswith(TIFF):
        return 1
    count = int(getattr(_tiff(stream), "n_frames", 1))
    if count > MOST_PAGES:
        raise Unusable("large", f"the TIFF has more than {MOST_PAGES:,} pages")
    return count


def _tiff(stream: BinaryIO) -> ImageFile:
    import PIL.Image

    image = PIL.Image.open(_rewound(stream), formats=("TIFF",))
    check_size(image.height, image.width)
    return image


def _stack_form(stream: BinaryIO) -> tuple[tuple[int, ...], str, int]:
    """Return (columns, rows, pages), the type and the channels of a TIFF whose pages are alike; raises Unusable."""
    image = _tiff(stream)
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


def _stack(stream: BinaryIO) -> np.ndarray:
    shape, dtype, channels = _stack_form(stream)
    planes = np.empty((shape[2], shape[1], shape[0], *((3,) if channels == 3 else ())), dtype)
    image = _tiff(stream)
    with speechless():
        for page in range(shape[2]):
            image.seek(page)
            planes[page] = np.asarray(image)
    return planes.transpose(3, 2, 1, 0) if channels == 3 else planes.transpose(2, 1, 0)[None]
