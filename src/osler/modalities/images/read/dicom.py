"""Single-frame DICOM by pydicom: values in the units that the file names, and as it says that they are shown.

Sections are those of DICOM PS3.3 (2024): C.7.6.3 image pixel, C.11.1 modality LUT, C.11.2 VOI LUT.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from osler.core.errors import MissingExtra
from osler.core.hashing import word_hash
from osler.core.provenance import MARK
from osler.modalities.images.read.content import Unusable, check_size
from osler.modalities.images.read.raw import Header, Raw
from osler.modalities.images.read.volume.dicom import lossless
from osler.modalities.images.read.volume.dicom.compressed import frame_size

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_TAGS = (
    "Modality", "NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored",
    "PixelRepresentation", "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "WindowCenter", "WindowWidth", "VOILUTSequence",
)  # fmt: skip
_SCANNER = ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "StationName")
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_RLE = "1.2.840.10008.1.2.5"  # by pydicom itself: another reader that may be installed ends in a panic on damaged files
_SEEN = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"}  # by Pillow too

_LOOKED_AT = {"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", *lossless.SYNTAXES}  # JPEG-LS too, which Pillow does not know


def header(stream: BinaryIO) -> Header:
    """Return what the header says; raises Unusable, or whatever pydicom raises."""
    _check_packing(stream.read(4096))
    stream.seek(0)
    dataset = _pydicom().dcmread(stream, force=True, stop_before_pixels=True, specific_tags=[*_TAGS])
    _check_frame(dataset)
    low, high, whole = _span(dataset)
    depth = 32 if not whole or high - low >= 1 << 16 else 16 if low < 0 or high > 255 else 8
    return Header(
        size=(int(dataset.Rows), int(dataset.Columns)),
        colour=_colour(dataset),
        depth=8 if _colour(dataset) else depth,
        signed=low < 0,
        window=_windowed(dataset),
        modality=str(dataset.get("Modality") or "OT"),
    )


def raw(data: bytes, *, reading: Mapping[str, Any]) -> Raw:
    """Return the picture; raises Unusable, or whatever pydicom raises."""
    _check_packing(data[:4096])
    dataset = _pydicom().dcmread(io.BytesIO(data), force=True)
    _check_frame(dataset)
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise Unusable("no_pixels", "the DICOM file holds no pixels (a report, a plan, or a header alone)")
    _check_inner(dataset)
    values = _decoded(dataset)
    patient, scanner = _patient(dataset), _scanner(dataset)
    if _colour(dataset):
        return Raw(_coloured(values, dataset), 8, patient=patient, scanner=scanner)
    if values.ndim != 2:
        raise Unusable("axes", "the pixels have other axes than the header says")
    measured, shown = _measured(values, dataset, window=reading["window"])
    if measured.dtype.kind == "f" and not np.isfinite(measured).all():
        raise Unusable("not_finite", "the picture holds values that are no numbers (NaN or infinity)")
    low, high, whole = _span(dataset)
    depth = 32 if not whole or high - low >= 1 << 16 else 16 if low < 0 or high > 255 else 8
    made = str(dataset.get("DerivationDescription") or "").startswith(MARK)
    return Raw(measured[None], depth, shown=shown, patient=patient, scanner=scanner, synthetic=made)


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError:
        raise MissingExtra(package="pydicom", extra="images") from None
    return pydicom


def _check_packing(start: bytes) -> None:
    if _DEFLATED in start:  # a header of kilobytes may unpack to gigabytes
        raise Unusable("packing", "the DICOM file is deflated as a whole; write it in another transfer syntax")


def _check_frame(dataset: Dataset) -> None:
    if "Rows" not in dataset or "Columns" not in dataset:
        raise Unusable("no_pixels", "the DICOM file holds no picture (a report, a plan, or a header alone)")
    check_size(int(dataset.Rows), int(dataset.Columns))
    if int(dataset.get("NumberOfFrames") or 1) != 1:
        raise Unusable("several", "the DICOM file holds several frames; write the one that is meant as a file of its own")
    if int(dataset.get("SamplesPerPixel") or 1) not in {1, 3}:
        raise Unusable("colours", "the DICOM file has colours of a kind that is not read; save it as RGB or grey")


def _check_inner(dataset: Dataset) -> None:
    """Refuse a compressed frame that claims another size than the header, before memory is taken for it."""
    syntax = str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", ""))
    if syntax not in _SEEN | _LOOKED_AT:
        return
    import PIL.Image
    from pydicom.encaps import get_frame

    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    if syntax in _LOOKED_AT:
        if frame_size(frame) != (int(dataset.Rows), int(dataset.Columns)):
            raise Unusable("axes", "the compressed picture has another size than the header says")
        return
    try:
        with PIL.Image.open(io.BytesIO(frame), formats=("JPEG", "JPEG2000")) as image:
            inner = image.size
    except Exception:  # noqa: BLE001  12 bits, a damaged header, a size beyond all bounds
        raise Unusable("compression", _compression(dataset)) from None
    if inner != (int(dataset.Columns), int(dataset.Rows)):
        raise Unusable("axes", "the compressed picture has another size than the header says")


def _decoded(dataset: Dataset) -> np.ndarray:
    """Return (i, j) or (i, j, 3) as stored, colours as RGB; tells what to do about a compression that nobody here can read."""
    from pydicom.pixels import pixel_array

    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None:  # PS3.10, 7.1: every file names it; implicit little endian is the default of the standard
        raise Unusable("syntax", "the DICOM file does not say how its pixels are written (no transfer syntax)")
    if syntax in lossless.SYNTAXES:
        return np.asarray(lossless.frames_of(dataset, frames=1)[0])
    try:
        return np.asarray(pixel_array(dataset, decoding_plugin="pydicom" if syntax == _RLE else ""))
    except (RuntimeError, NotImplementedError):
        if syntax.is_compressed:
            raise Unusable("compression", _compression(dataset)) from None
        raise


def _compression(dataset: Dataset) -> str:
    syntax = dataset.file_meta.TransferSyntaxUID
    how = f"as {syntax.name}" if syntax.is_transfer_syntax and not syntax.is_private else "in a private way"
    return f"the pixels are compressed {how}, damaged or of a kind for which no reader is installed; write the file uncompressed"


def _colour(dataset: Dataset) -> bool:
    return int(dataset.get("SamplesPerPixel") or 1) == 3 or dataset.get("PhotometricInterpretation") == "PALETTE COLOR"


def _coloured(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Return (3, i, j) uint8."""
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        values = apply_color_lut(values, dataset)[..., :3]
    bits = 8 * values.dtype.itemsize
    if values.ndim != 3 or values.dtype.kind != "u":
        raise Unusable("colours", "the DICOM file has colours of a kind that is not read; save it as RGB or grey")
    return (values >> (bits - 8)).astype(np.uint8).transpose(2, 0, 1)


def _rescale(dataset: Dataset) -> tuple[float, float]:
    """Return slope and intercept, 1 and 0 where the file names none."""
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    found = (1.0 if slope is None else float(slope)), (0.0 if intercept is None else float(intercept))
    if not np.isfinite(found).all() or found[0] == 0:
        raise Unusable("units", "the DICOM file names a slope of 0, or one that is no number")
    return found


def _span(dataset: Dataset) -> tuple[float, float, bool]:
    """Return the lowest and highest value that the picture can have, and whether its values are whole numbers."""
    if dataset.get("ModalityLUTSequence"):  # C.11.1.1.1: unsigned
        return 0.0, float((1 << int(dataset.ModalityLUTSequence[0].LUTDescriptor[2])) - 1), True
    slope, intercept = _rescale(dataset)
    bits = int(dataset.get("BitsStored") or dataset.get("BitsAllocated") or 16)
    first = -(1 << (bits - 1)) if int(dataset.get("PixelRepresentation") or 0) else 0
    ends = [first * slope + intercept, (first + (1 << bits) - 1) * slope + intercept]
    floating = "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset
    return min(ends), max(ends), slope == int(slope) and intercept == int(intercept) and not floating


def _measured(values: np.ndarray, dataset: Dataset, *, window: Any) -> tuple[np.ndarray, bool]:
    """Return float32 values (i, j) after modality LUT and window, MONOCHROME1 inverted, and whether they are 0 to 1."""
    from pydicom.pixels import apply_modality_lut

    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    found = np.asarray(apply_modality_lut(values, dataset))
    if window is not None:
        shown = _windowed_values(found, dataset, window=window)
        return (1 - shown if inverted else shown), True
    if inverted:
        low, high, _ = _span(dataset)
        found = low + high - found.astype(np.float64)
    return found.astype(np.float32), False


def _windowed_values(values: np.ndarray, dataset: Dataset, *, window: Any) -> np.ndarray:
    """Return (i, j) from 0 to 1: the window given, [centre, width], or the file's own LUT or first window."""
    if window == "file":
        from pydicom.pixels import apply_voi_lut

        if not _windowed(dataset):
            raise Unusable("window", "the DICOM file names no window, and the others do")
        low, high, _ = _span(dataset)
        found = np.asarray(apply_voi_lut(values, dataset, index=0), np.float64)
        if dataset.get("VOILUTSequence"):
            low, high = 0.0, float((1 << int(dataset.VOILUTSequence[0].LUTDescriptor[2])) - 1)
        return np.clip((found - low) / max(high - low, 1e-9), 0, 1).astype(np.float32)
    centre, width = map(float, window)  # C.11.2.1.3: linear exact
    return np.clip((values.astype(np.float32) - centre) / width + 0.5, 0, 1)


def _windowed(dataset: Dataset) -> bool:
    return (dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None) or bool(
        dataset.get("VOILUTSequence")
    )


def _patient(dataset: Dataset) -> int:
    text = str(dataset.get("PatientID") or "").strip()
    return word_hash(f"patient {text}") if text else 0


def _scanner(dataset: Dataset) -> int:
    parts = [str(dataset.get(name) or "").strip() for name in _SCANNER]
    return word_hash("scanner " + "\n".join(parts)) if any(parts) else 0
