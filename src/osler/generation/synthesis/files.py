"""Made pictures as files that say of themselves that they were made."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osler.core.provenance import MARK, Provenance

if TYPE_CHECKING:
    from pydicom.uid import UID


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a picture comes from: the bundle that `made` it, the `seed`, the picture's `number` and its `label`."""

    made: Provenance
    seed: int
    number: int
    label: str = ""

    def texts(self) -> Mapping[str, str]:
        """Return what stands in the file, by keyword."""
        found = {**self.made.texts(), "Seed": str(self.seed), "Number": str(self.number)}
        return {**found, "Class": self.label} if self.label else found


def ending(dtype: str) -> str:
    """Return the file name's end: DICOM for values that may be negative, which a PNG cannot hold."""
    return ".dcm" if np.dtype(dtype).kind == "i" else ".png"


def encoded(picture: np.ndarray, *, origin: Origin) -> bytes:
    """Return the file of one grey picture (1, i, j) or one in colours (3, i, j): PNG of 8 or 16 bits, DICOM of signed 16 bits."""
    return _dicom(picture[0], origin) if picture.dtype.kind == "i" else _png(picture, origin)


def _png(picture: np.ndarray, origin: Origin) -> bytes:
    import PIL.Image
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    for key, value in origin.texts().items():
        texts.add_itxt(key, value)
    stream = io.BytesIO()
    values = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
    PIL.Image.fromarray(np.ascontiguousarray(values)).save(stream, "PNG", pnginfo=texts)
    return stream.getvalue()


def _dicom(values: np.ndarray, origin: Origin) -> bytes:
    """Return a secondary capture (PS3.3, A.8.1) of a person who does not exist; its UIDs follow from its origin (PS3.5, B.2)."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    series, image = _uid(origin, "series"), _uid(origin, f"image {origin.number}")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, image
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, _uid(origin, "implementation")
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = SecondaryCaptureImageStorage, image
    data.StudyInstanceUID, data.SeriesInstanceUID = _uid(origin, "study"), series
    data.PatientName, data.PatientID, data.Modality, data.ConversionType = MARK, "", "OT", "SYN"
    data.SyntheticData = "YES"  # PS3.3, C.12.1.1
    data.PatientBirthDate = data.PatientSex = data.StudyDate = data.StudyTime = data.AccessionNumber = ""
    data.ReferringPhysicianName = data.StudyID = ""
    data.SeriesNumber, data.InstanceNumber = 1, origin.number
    data.ImageType, data.BurnedInAnnotation = ["DERIVED", "SECONDARY"], "NO"
    data.DerivationDescription = origin.made.sentence[:1024]
    data.ImageComments = "; ".join(f"{key}: {value}" for key, value in origin.texts().items())
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = values.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "US"
    data.PixelData = values.astype("<i2").tobytes()
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _uid(origin: Origin, part: str) -> UID:
    text = f"{origin.made.bundle} {origin.seed} {part}"
    from pydicom.uid import UID

    return UID(f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}")
