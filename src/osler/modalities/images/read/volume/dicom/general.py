"""Any DICOM header, by pydicom: compressed, big endian, of several frames, with functional groups or look-up tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from osler.core.errors import MissingExtra
from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume.dicom.picture import Picture, Place, picture_of, place_of
from osler.modalities.images.read.volume.dicom.scan import PLAIN, UNDEFINED
from osler.modalities.images.read.volume.dicom.tags import IDENTIFYING, SLOWLY, WANTED

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MOST_FRAMES = 1 << 14
_DEFLATED = b"1.2.840.10008.1.2.1.99"
# functional groups that place a frame or scale its values (PS3.3, C.7.6.16.2): sequence to the fields taken from its item
_GROUPS = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SpacingBetweenSlices", "SliceThickness"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
}


def pydicom() -> Any:
    """Return the library; raises MissingExtra."""
    try:
        import pydicom as library
    except ImportError:
        raise MissingExtra(package="pydicom", extra="images") from None
    return library


def picture(stream: BinaryIO, *, path: str) -> Picture:
    """Return what the header says; raises Unusable, or whatever pydicom raises."""
    if _DEFLATED in stream.read(4096):  # a header of kilobytes may unpack to gigabytes
        raise Unusable("packing", "the DICOM file is deflated as a whole; write it in another transfer syntax")
    stream.seek(0)
    wanted = [*WANTED.values(), *SLOWLY.values(), *IDENTIFYING.values()]
    dataset = pydicom().dcmread(stream, force=True, stop_before_pixels=True, specific_tags=wanted)
    offset, length = _pixels(stream)
    texts = texts_of(dataset)
    names = tuple(name for name in IDENTIFYING.values() if str(dataset.get(name) or "").strip())
    plain = picture_of(texts, path=path, identifying=names)
    found = dataclasses.replace(
        plain,
        places=_places(dataset, texts),
        palette=_palette(dataset),
        floating=0
        if texts.get("BitsStored") or plain.allocated < 32
        else plain.allocated // 8,  # PS3.3, C.7.6.24: float has none
        table=_table(dataset),
    )
    if found.palette or found.floating or found.table or not is_plain(texts):
        return found
    return dataclasses.replace(found, offset=offset, length=length)


def is_plain(texts: Mapping[str, str]) -> bool:
    """Return whether the pixels are whole grey values in whole bytes, uncompressed and little endian."""
    grey = texts.get("PhotometricInterpretation") in {"MONOCHROME1", "MONOCHROME2"} and texts.get("SamplesPerPixel", "1") == "1"
    return grey and texts.get("BitsAllocated") in {"8", "16", "32"} and texts.get("TransferSyntaxUID") in PLAIN


def _pixels(stream: BinaryIO) -> tuple[int, int]:
    """Return where the pixels begin in a stream that stands before them, and how long they are; 0 and 0 where it does not."""
    start = stream.read(12)
    at = stream.tell()
    if start[:4] != b"\xe0\x7f\x10\0" or len(start) < 12:
        return 0, 0
    explicit = start[4:6] in {b"OW", b"OB"}
    length = int.from_bytes(start[8:12] if explicit else start[4:8], "little")
    return (0, 0) if length == UNDEFINED else (at if explicit else at - 4, length)


def texts_of(dataset: Dataset) -> dict[str, str]:
    """Return the values of a data set by keyword, as text."""
    meta = getattr(dataset, "file_meta", None)
    texts = {} if meta is None else {"TransferSyntaxUID": str(meta.get("TransferSyntaxUID") or "")}
    for name in WANTED.values():
        value = dataset.get(name)
        if value is not None:
            several = isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue"
            texts[name] = "\\".join(map(str, value)) if several else str(value).strip(" \0")
    return texts


def _places(dataset: Dataset, texts: Mapping[str, str]) -> tuple[Place, ...]:
    count = int(texts.get("NumberOfFrames") or 1)
    if not 1 <= count <= MOST_FRAMES:
        raise Unusable("large", f"the DICOM header says that the file holds no frame, or more than {MOST_FRAMES:,}")
    each = dataset.get("PerFrameFunctionalGroupsSequence")
    if each:
        if len(each) != count:
            raise Unusable("damaged", "the DICOM header describes another number of frames than it says there are")
        shared = dict(texts) | _grouped(next(iter(dataset.get("SharedFunctionalGroupsSequence") or []), None))
        return tuple(place_of(shared | _grouped(item)) for item in each)
    if count > 1:
        return tuple(_stacked(dataset, texts, count))
    return (place_of(dict(texts) | _grouped(next(iter(dataset.get("SharedFunctionalGroupsSequence") or []), None))),)


def _grouped(item: Dataset | None) -> dict[str, str]:
    """Return the values that one item of functional groups gives."""
    found: dict[str, str] = {}
    if item is None:
        return found
    for group, names in _GROUPS.items():
        inner = next(iter(item.get(group) or []), None)
        if inner is not None:
            texts = texts_of(inner)
            found |= {name: texts[name] for name in names if name in texts}
    return found


def _stacked(dataset: Dataset, texts: Mapping[str, str], count: int) -> Iterator[Place]:
    """Yield the places of frames without functional groups: doses by their offsets, detectors by the distance between slices."""
    detector = next(iter(dataset.get("DetectorInformationSequence") or []), None)
    first = place_of(dict(texts) | ({} if detector is None else _positioned(detector)))
    steps = _offsets(texts, count)
    if steps is None and "RECON TOMO" in texts.get("ImageType", "").upper() and texts.get("SpacingBetweenSlices"):
        steps = [n * float(texts["SpacingBetweenSlices"]) for n in range(count)]  # PS3.3, C.8.4.15: signed
    if steps is None or first.position is None or first.orientation is None:
        bare = dataclasses.replace(first, position=None, orientation=None, depth=0.0)
        yield from (bare for _ in range(count))
        return
    (a, b, c), (d, e, f) = first.orientation[:3], first.orientation[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    for step in steps:
        moved = tuple(start + step * way for start, way in zip(first.position, normal, strict=True))
        yield dataclasses.replace(first, position=moved)


def _positioned(detector: Dataset) -> dict[str, str]:
    texts = texts_of(detector)
    return {name: texts[name] for name in ("ImagePositionPatient", "ImageOrientationPatient") if name in texts}


def _offsets(texts: Mapping[str, str], count: int) -> list[float] | None:
    """Return the distances of a dose's frames from its first (PS3.3, C.8.8.3.2)."""
    words = texts.get("GridFrameOffsetVector", "").split("\\")
    if len(words) != count:
        return None
    found = [float(word) for word in words]
    return [step - found[0] for step in found]


def _palette(dataset: Dataset) -> int:
    named = dataset.get("RedPaletteColorLookupTableDescriptor")
    if dataset.get("PhotometricInterpretation") != "PALETTE COLOR":
        return 0
    if not named or len(named) != 3 or int(named[2]) not in {8, 16}:
        raise Unusable("colours", "the DICOM file names a palette and does not describe it")
    return int(named[2])


def _table(dataset: Dataset) -> int:
    """Return the bits of the values that a modality look-up table gives, 0 without one."""
    found = dataset.get("ModalityLUTSequence")
    return int(found[0].LUTDescriptor[2]) if found else 0
