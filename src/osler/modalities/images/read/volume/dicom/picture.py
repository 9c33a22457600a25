"""One DICOM file of a volume: how its pixels are written, and where each of its frames lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from osler.core.hashing import word_hash
from osler.modalities.images.read.content import Unusable

_SCANNER = ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "StationName")  # as the reader of pictures
FLAT = 1e-2  # how far from 1 and from a right angle the directions of rows and columns may be


@dataclass(frozen=True, slots=True)
class Place:
    """Where one frame lies, LPS millimetres, and how its values are scaled.

    `orientation` (6,) the directions of its rows and columns, `position` (3,) its first pixel's centre, `spacing` between rows and
    between columns, `depth` to the next frame as the header says (0 where it does not); None where the header says nothing.
    """

    orientation: tuple[float, ...] | None
    position: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    depth: float
    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Picture:
    """One file: its pixels' form and its places, one for each frame.

    `offset` and `length` say where plain pixels lie in the file; `offset` is 0 where pydicom decodes them. `low` and `high` are the
    values that can be stored. `palette` is the number of bits of a palette's colours, 0 without one; `floating` bytes of a
    floating-point pixel, 0 for whole numbers; `table` whether a look-up table gives the values.
    """

    path: str
    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    top: int
    signed: bool
    inverted: bool
    syntax: str
    modality: str
    series: str
    number: str
    description: str
    localizer: bool
    instance: str
    patient: int
    scanner: int
    identifying: tuple[str, ...]
    places: tuple[Place, ...]
    offset: int = 0
    length: int = 0
    palette: int = 0
    floating: int = 0
    table: int = 0

    @property
    def span(self) -> tuple[int, int]:
        """Lowest and highest value that can be stored."""
        low = -(1 << (self.stored - 1)) if self.signed else 0
        return low, low + (1 << self.stored) - 1

    @property
    def form(self) -> tuple[object, ...]:
        """What must be alike in all files of a volume."""
        return (self.rows, self.columns, self.samples, self.inverted, self.palette, self.floating > 0, self.table > 0)


def picture_of(texts: Mapping[str, str], *, path: str, identifying: tuple[str, ...] = ()) -> Picture:
    """Return a file of one frame from its header's values by keyword; raises Unusable."""
    if not texts.get("Rows") or not texts.get("Columns"):
        raise Unusable("no_pixels", "the DICOM file holds no picture (a report, a plan, or a header alone)")
    allocated = _count(texts, "BitsAllocated", 16)
    stored = _count(texts, "BitsStored", allocated)
    photometric = texts.get("PhotometricInterpretation", "")
    samples = _count(texts, "SamplesPerPixel", 1)
    if samples not in {1, 3}:
        raise Unusable("colours", "the DICOM file has colours of a kind that is not read; save it as RGB or grey")
    if not (allocated in {1, 8, 16, 32, 64} and 1 <= stored <= allocated):
        raise Unusable("depth", "the DICOM header contradicts itself about the bits of a pixel")
    return Picture(
        path=path,
        rows=_count(texts, "Rows", 0),
        columns=_count(texts, "Columns", 0),
        samples=samples,
        allocated=allocated,
        stored=stored,
        top=_count(texts, "HighBit", stored - 1),
        signed=_count(texts, "PixelRepresentation", 0) == 1,
        inverted=photometric == "MONOCHROME1",
        syntax=texts.get("TransferSyntaxUID", ""),
        modality=texts.get("Modality", ""),
        series=texts.get("SeriesInstanceUID", ""),
        number=texts.get("SeriesNumber", ""),
        description=texts.get("SeriesDescription", ""),
        localizer="LOCALIZER" in texts.get("ImageType", "").upper().split("\\"),
        instance=texts.get("SOPInstanceUID", ""),
        patient=word_hash(f"patient {texts['PatientID']}") if texts.get("PatientID") else 0,
        scanner=_scanner(texts),
        identifying=identifying,
        places=(place_of(texts),),
    )


def place_of(texts: Mapping[str, str]) -> Place:
    """Return a frame's place from its header's values by keyword; raises Unusable for one that cannot be."""
    orientation = _floats(texts, "ImageOrientationPatient", 6)
    if orientation is not None:
        _check_flat(orientation)
    spacing = next((found for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
                    if (found := _floats(texts, name, 2)) is not None), None)  # fmt: skip
    if spacing is not None and min(spacing) <= 0:
        raise Unusable("geometry", "the DICOM header names a spacing of zero; correct it where the file comes from")
    depth = _floats(texts, "SpacingBetweenSlices", 1) or _floats(texts, "SliceThickness", 1) or (0.0,)
    slope = _floats(texts, "RescaleSlope", 1) or _floats(texts, "DoseGridScaling", 1) or (1.0,)
    intercept = _floats(texts, "RescaleIntercept", 1) or (0.0,)
    if slope[0] == 0:
        raise Unusable("units", "the DICOM file names a slope of 0, or one that is no number")
    position = _floats(texts, "ImagePositionPatient", 3)
    return Place(orientation, position, spacing, abs(depth[0]), slope[0], intercept[0])


def _check_flat(orientation: tuple[float, ...]) -> None:
    rows, columns = orientation[:3], orientation[3:]
    sides = math.dist(rows, (0, 0, 0)), math.dist(columns, (0, 0, 0))
    across = sum(a * b for a, b in zip(rows, columns, strict=True))
    if abs(across) > FLAT or any(abs(side - 1) > FLAT for side in sides):
        raise Unusable(
            "geometry", "the DICOM header's directions of rows and columns are not at right angles, or not of length 1"
        )


def _scanner(texts: Mapping[str, str]) -> int:
    parts = [texts.get(name, "") for name in _SCANNER]
    return word_hash("scanner " + "\n".join(parts)) if any(parts) else 0


def _count(texts: Mapping[str, str], name: str, default: int) -> int:
    text = texts.get(name, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise _nonsense(name) from None


def _floats(texts: Mapping[str, str], name: str, length: int) -> tuple[float, ...] | None:
    """Return the numbers of a field, None where it is missing or empty; raises Unusable for nonsense."""
    text = texts.get(name)
    if not text:
        return None
    try:
        found = tuple(map(float, text.split("\\")))
    except ValueError:
        raise _nonsense(name) from None
    if len(found) < length or not all(map(math.isfinite, found)):
        raise _nonsense(name)
    return found[:length]


def _nonsense(name: str) -> Unusable:
    return Unusable("geometry" if name.startswith(("Image", "Pixel", "Sp", "Sl")) else "damaged",
                    f"the DICOM header's field {name} does not hold the numbers that belong there")  # fmt: skip
