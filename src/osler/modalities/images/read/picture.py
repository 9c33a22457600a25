"""One case: its files read, one channel behind another, in the size and type that were decided."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.errors import OslerError, Refusal, Refused
from osler.modalities.images.case import Image, ImageFiles
from osler.modalities.images.read import dicom, raster
from osler.modalities.images.read.content import Unusable, content, is_dicom
from osler.modalities.images.read.raw import Raw
from osler.modalities.images.read.shape import shaped


def read(locator: ImageFiles | None, *, reading: Mapping[str, Any]) -> Image | None:
    """Return one picture (channels, i, j), None where there is no file; raises Refused with the reason, whatever a file holds."""
    if locator is None:
        return None
    channels = int(reading["channels"]) // len(locator.paths)
    found = [_one(p, column=c, channels=channels, reading=reading) for p, c in zip(locator.paths, locator.columns, strict=True)]
    pixels, raws = [pixels for pixels, _ in found], [raw for _, raw in found]
    shapes = {raw.values.shape[1:] for raw in raws}
    if len(shapes) > 1:
        sentence = "the channels of this picture differ in size; bring them to one grid, or make each an input of its own"
        raise Refused(Refusal("channel", sentence, locator.columns[-1]))
    patients, scanners = {raw.patient for raw in raws} - {0}, {raw.scanner for raw in raws} - {0}
    if len(patients) > 1:
        raise Refused(Refusal("patient", "the channels of this picture name different patients", locator.columns[-1]))
    whole = pixels[0] if len(pixels) == 1 else np.concatenate(pixels)
    made = any(raw.synthetic for raw in raws)
    return Image(whole, patient=min(patients, default=0), scanner=min(scanners, default=0), synthetic=made)


def raw_of(path: str, *, reading: Mapping[str, Any], size: tuple[int, int] | None = None) -> Raw:
    """Return the picture in `path` as it is stored; raises Unusable, or whatever a reader raises."""
    data = content(path)
    if is_dicom(data[:132]):
        return dicom.raw(data, reading=reading)
    return raster.raw(io.BytesIO(data), reading=reading, size=size)


def _one(path: str, *, column: str, channels: int, reading: Mapping[str, Any]) -> tuple[np.ndarray, Raw]:
    try:
        size = (int(reading["size"][0]), int(reading["size"][1]))
        raw = raw_of(path, reading=reading, size=None if reading["interpolation"] == "nearest" else size)
        return shaped(raw, channels=channels, reading=reading), raw
    except Unusable as fault:
        raise Refused(Refusal(fault.code, fault.sentence, column)) from None
    except OslerError:
        raise
    except MemoryError:
        raise Refused(Refusal("large", "the picture needs more memory than there is; scale it down", column)) from None
    except Exception as error:  # noqa: BLE001  parsers of foreign bytes raise anything: SyntaxError, struct.error, OverflowError
        raise Refused(Refusal("damaged", _sentence(error), column)) from None


def _sentence(error: Exception) -> str:
    if "truncated" in str(error).lower() or isinstance(error, EOFError) or "less than expected" in str(error):
        return "the picture is cut off: bytes are missing at its end; fetch or export the file again"
    return f"the picture is damaged and cannot be decoded ({type(error).__name__}); fetch or export the file again"
