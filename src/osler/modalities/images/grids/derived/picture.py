"""A picture as PNG, with texts that say what it is."""

from __future__ import annotations

import io

import numpy as np

from osler.core.provenance import Provenance
from osler.modalities.images.read.content import Unusable


def png(values: np.ndarray, *, provenance: Provenance) -> bytes:
    """Return `values` (channels, i, j) as a PNG of bytes, or of 16 bits where they need them; three channels are colours.

    The texts of the file (tEXt: PNG specification, third edition, 11.3.3.2) say that the image is synthetic, and what made it.
    """
    import PIL.Image
    from PIL.PngImagePlugin import PngInfo

    if len(values) not in {1, 3}:
        raise Unusable(
            "channel", f"a PNG holds one channel or three, and the image has {len(values)}; translate volumes, or one at a time"
        )
    wide = np.dtype(values.dtype).itemsize > 1
    if wide and len(values) == 3:
        raise Unusable("channel", "a PNG of colours holds bytes alone, and the image holds more; translate one channel at a time")
    limits = np.iinfo(np.uint16 if wide else np.uint8)
    pixels = np.clip(np.rint(values), limits.min, limits.max).astype(limits.dtype)
    info = PngInfo()
    for keyword, text in provenance.texts().items():
        info.add_text(keyword, text)
    stream = io.BytesIO()
    shown = pixels[0] if len(pixels) == 1 else np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
    PIL.Image.fromarray(shown).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()
