"""PNG, JPEG, TIFF and BMP by Pillow."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from osler.core.provenance import said_synthetic
from osler.modalities.images.read.content import Unusable, check_size, too_large
from osler.modalities.images.read.quiet import speechless
from osler.modalities.images.read.raw import Header, Raw

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
ORIENTATION = 274  # the EXIF tag
SAMPLES = 339  # the TIFF tag; 2 means signed
PHOTOMETRIC = 262  # the TIFF tag; 0 means that white is 0
_SIDEWAYS = range(5, 9)  # orientations that swap the axes
_WIDE = {"I;16": 16, "I;16L": 16, "I;16B": 16, "I;16N": 16, "I": 32, "F": 32}
_COLOUR = {"RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "YCbCr"}
_GREY = {"1", "L", "LA", "La"}


def header(stream: BinaryIO, *, reading: Mapping[str, Any]) -> Header:
    """Return what the header says; raises Unusable, or whatever Pillow raises."""
    image = _opened(stream)
    height, width = image.height, image.width
    if _orientation(image, reading=reading) in _SIDEWAYS:
        height, width = width, height
    depth = _WIDE.get(image.mode, 8)
    return Header((height, width), image.mode in _COLOUR, depth, signed=_signed(image), alpha=_transparent(image))


def raw(stream: BinaryIO, *, reading: Mapping[str, Any], size: tuple[int, int] | None) -> Raw:
    """Return the picture; a JPEG much larger than `size` (i, j) is decoded at a half, a quarter or an eighth of its scale."""
    image = _opened(stream)
    orientation = _orientation(image, reading=reading)
    if size is not None:
        image.draft(None, size if orientation in _SIDEWAYS else size[::-1])  # None keeps the mode
    depth = _WIDE.get(image.mode, 8)
    inverted = depth == 16 and _tag(image, PHOTOMETRIC) == 0  # Pillow inverts 8 bits by itself
    with speechless() if any(tile.codec_name == "libtiff" for tile in image.tile) else contextlib.nullcontext():
        image.load()
    values = np.asarray(_plain(_upright(image) if orientation != 1 else image, alpha=reading["alpha"]))
    if inverted:
        values = np.iinfo(values.dtype).max - values
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise Unusable("not_finite", "the picture holds values that are no numbers (NaN or infinity)")
    planes = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    return Raw(planes, depth, synthetic=said_synthetic(image.info))


def _opened(stream: BinaryIO) -> ImageFile:
    import PIL.Image
    from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin  # noqa: F401  make FORMATS known

    try:
        image = PIL.Image.open(stream, formats=FORMATS)
    except PIL.Image.DecompressionBombError:
        raise too_large() from None
    check_size(image.height, image.width)
    if image.mode not in _COLOUR | _GREY | set(_WIDE):
        what = "print colours (CMYK)" if image.mode == "CMYK" else "colours of a kind that is not read"
        raise Unusable("colours", f"the picture has {what}; save it as RGB or grey")
    if image.format != "MPO" and getattr(image, "is_animated", False):  # MPO: a camera's picture with previews behind it
        raise Unusable("several", "the file holds several pictures (animated, or pages); save the one that is meant")
    if _signed(image) and image.mode not in _WIDE:
        raise Unusable("depth", "the picture has signed 8 bits; save it with 16 bits, or unsigned")
    if _tag(image, PHOTOMETRIC) == 0 and _WIDE.get(image.mode) == 32:
        raise Unusable("colours", "white is zero in a picture of 32 bits; save it with black as zero")
    if image.mode in {"LA", "La"} and any("16" in str(tile) for tile in image.tile):
        raise Unusable("depth", "the picture has 16 bits and transparency; save it without the alpha channel")
    return image


def _upright(image: Image) -> Image:
    import PIL.ImageOps

    return PIL.ImageOps.exif_transpose(image)


def _plain(image: Image, *, alpha: str) -> Image:
    """Return the decoded picture as grey or RGB without transparency."""
    import PIL.Image

    if image.mode in _WIDE:
        return image
    if _transparent(image) and alpha != "drop":
        over = image.convert("RGBA")
        ground = PIL.Image.new("RGBA", over.size, alpha)
        flat = PIL.Image.alpha_composite(ground, over)
        return flat.convert("L" if image.mode in _GREY else "RGB")
    return image if image.mode in {"L", "RGB"} else image.convert("L" if image.mode in _GREY else "RGB")


def _transparent(image: Image) -> bool:
    return image.mode in {"LA", "La", "RGBA", "RGBa", "PA"} or "transparency" in image.info


def _orientation(image: Image, *, reading: Mapping[str, Any]) -> int:
    """Return how EXIF says that the picture lies, 1 (upright) to 8; nonsense there says nothing. Pillow turns TIFFs by itself."""
    if image.format == "TIFF" or reading["orientation"] != "exif":
        return 1
    try:
        found = int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001  EXIF is written by anyone, and its parser raises anything
        return 1
    return found if 1 <= found <= 8 else 1


def _tag(image: Image, number: int) -> Any:
    tags = getattr(image, "tag_v2", None)
    return None if tags is None else tags.get(number)


def _signed(image: Image) -> bool:
    return _tag(image, SAMPLES) in {2, (2,)}
