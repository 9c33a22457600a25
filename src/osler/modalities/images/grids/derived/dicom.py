"""A derived DICOM series, one file a slice, in the study, frame of reference and places of the series that it was made of (PS3.3).

Nothing that describes how the source was acquired is carried on, as it does not describe what was made: patient, study and
geometry are, by name (KEPT). Each file says that it is derived (C.7.6.1.1.2: DERIVED, SECONDARY; C.12.4), of which instance, how, and that
its content is synthetic (C.12.1: Synthetic Data, 0008,001C).
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.provenance import MARK, Provenance
from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.quiet import quiet
from osler.modalities.images.read.volume import dicom
from osler.modalities.images.read.volume.dicom.general import pydicom
from osler.modalities.images.read.volume.dicom.stack import Frame
from osler.modalities.images.read.volume.form import guarded

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# of the patient, the study, the frame of reference and the body: all else of the source described its acquisition
KEPT = (
    "SpecificCharacterSet", "TimezoneOffsetFromUTC", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyDescription",
    "StudyInstanceUID", "StudyID", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "OtherPatientIDs",
    "PatientAge", "PatientSize", "PatientWeight", "EthnicGroup", "PatientComments", "PatientIdentityRemoved", "DeidentificationMethod",
    "DeidentificationMethodCodeSequence", "BodyPartExamined", "Laterality", "PatientPosition", "FrameOfReferenceUID",
    "PositionReferenceIndicator", "PatientOrientation", "SliceThickness", "SpacingBetweenSlices", "SliceLocation", "LossyImageCompression", "LossyImageCompressionRatio",
    "LossyImageCompressionMethod", "BurnedInAnnotation",
)  # fmt: skip
CLASSES = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"  # Secondary Capture, for kinds of image whose own objects ask for more than is known
EXPLICIT = "1.2.840.10008.1.2.1"
SERIES_FROM = 9_000  # series numbers of what was made: beyond those that scanners give
SOURCE_IMAGE = ("121322", "Source image for image processing operation")  # CID 7202
PROCESSING = ("109102", "Processing Equipment")  # CID 7005


@dataclass(frozen=True, slots=True)
class Stored:
    """How a series' values are written: `planes` (k, rows, columns) of 16 bits, meaning stored × slope + intercept."""

    planes: np.ndarray
    slope: float
    intercept: float
    window: tuple[float, float]

    @property
    def plain(self) -> bool:
        """Whether values are as stored."""
        return self.slope == 1 and self.intercept == 0


def write_series(
    values: np.ndarray, path: str, *, folder: Path, provenance: Provenance, series: str | None = None
) -> Path:  # fmt: skip
    """Write `values` (1, i, j[, k]) on the grid of the DICOM file or series at `path` into the new `folder`, and return it.

    Equal sources, bundles and values get equal UIDs, so that a repeated translation is no second series. Raises Unusable.
    """
    if len(values) != 1:
        raise Unusable("channel", f"a DICOM series holds one channel, and the image has {len(values)}; translate one at a time")
    stack = guarded(lambda: dicom.stacked(dicom.pictures_of(path, series=series)))
    planes = values if stack.flat else values[0].transpose(2, 1, 0)
    stored = stored_as(planes)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with quiet():
            for number, dataset in enumerate(_datasets(stack.frames, stored, provenance=provenance), start=1):
                dataset.save_as(partial / f"{number:06d}.dcm", enforce_file_format=True)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def stored_as(planes: np.ndarray) -> Stored:
    """Return how values are stored: whole numbers of 16 bits as they are, all else on 65,536 steps between their ends."""
    low, high = float(planes.min()), float(planes.max())
    ends = [float(np.percentile(planes, p)) for p in (0.5, 99.5)]
    window = ((ends[0] + ends[1]) / 2, max(ends[1] - ends[0], 1.0))
    if planes.dtype.kind in "iu" or bool((planes == np.rint(planes)).all()):
        if low >= -(1 << 15) and high < 1 << 15:
            return Stored(planes.astype("<i2"), 1.0, 0.0, window)
        if low >= 0 and high < 1 << 16:
            return Stored(planes.astype("<u2"), 1.0, 0.0, window)
    slope = max((high - low) / 65_535, 1e-12)
    slope, intercept = float(f"{slope:.9e}"), float(f"{low:.9e}")  # as many digits as a decimal string of DICOM holds
    return Stored(np.clip(np.rint((planes - intercept) / slope), 0, 65_535).astype("<u2"), slope, intercept, window)


def _datasets(frames: tuple[Frame, ...], stored: Stored, *, provenance: Provenance) -> Iterator[Dataset]:
    read: tuple[str, Any] = ("", None)
    unique = uid("series", frames[0].picture.series, provenance.sentence)
    for number, frame in enumerate(frames):
        if read[0] != frame.picture.path:
            read = (frame.picture.path, pydicom().dcmread(frame.picture.path, force=True, stop_before_pixels=True))
        dataset = _begun(read[1], provenance=provenance, kind=provenance.kind or frame.picture.modality)
        dataset.SeriesInstanceUID = unique
        dataset.SOPInstanceUID = uid("instance", frame.picture.instance, str(frame.index), provenance.sentence)
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = number + 1
        dataset.SeriesNumber = SERIES_FROM + (int(frame.picture.number) % 1_000 if frame.picture.number.isdigit() else 0)
        _derived(dataset, read[1], frame, provenance=provenance)
        _placed(dataset, frame)
        _pixels(dataset, stored, number)
        yield dataset


def uid(*parts: str) -> str:
    """Return a UID (PS3.5, B.2: from a number of 128 bits) that is always the same for `parts`."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()
    return f"2.25.{int.from_bytes(digest, 'big')}"


def _begun(source: Dataset, *, provenance: Provenance, kind: str) -> Dataset:
    """Return a dataset with what is kept of the source, and with the class and the modules of what is made."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID

    dataset = Dataset()
    for name in KEPT:
        if name in source:
            dataset[name] = source[name]
    dataset.SOPClassUID = CLASSES.get(kind, CAPTURE)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(EXPLICIT)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.Modality = kind or "OT"
    dataset.Manufacturer, dataset.ManufacturerModelName = "Osler", "Osler translate"
    dataset.SoftwareVersions = provenance.software
    dataset.SeriesDescription = f"{MARK} {dataset.Modality} ({provenance.what})"[:64]
    if kind == "CT":
        dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        dataset.KVP = dataset.AcquisitionNumber = None  # type 2: nothing was acquired
    elif kind == "MR":
        dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
        dataset.ScanningSequence, dataset.SequenceVariant = "RM", "NONE"
        dataset.ScanOptions = dataset.MRAcquisitionType = ""
        dataset.EchoTime = dataset.EchoTrainLength = dataset.RepetitionTime = None
    else:
        dataset.ImageType, dataset.ConversionType = ["DERIVED", "SECONDARY"], "SYN"
    return dataset


def _derived(dataset: Dataset, source: Dataset, frame: Frame, *, provenance: Provenance) -> None:
    from pydicom.dataset import Dataset

    dataset.SyntheticData = "YES"
    dataset.ContentQualification = "RESEARCH"
    dataset.DerivationDescription = provenance.sentence[:1024]
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.get("SOPClassUID", "")
    reference.ReferencedSOPInstanceUID = frame.picture.instance
    if len(frame.picture.places) > 1:
        reference.ReferencedFrameNumber = frame.index + 1
    reference.SpatialLocationsPreserved = "YES"
    reference.PurposeOfReferenceCodeSequence = [_code(*SOURCE_IMAGE)]
    dataset.SourceImageSequence = [reference]
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = [_code(*PROCESSING)]
    equipment.Manufacturer, equipment.SoftwareVersions = "Osler", provenance.software
    equipment.ContributionDescription = provenance.sentence[:1024]
    dataset.ContributingEquipmentSequence = [equipment]


def _code(value: str, meaning: str) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _placed(dataset: Dataset, frame: Frame) -> None:
    """Give the image the plane of its source (C.7.6.2)."""
    from pydicom.valuerep import DSfloat

    place = frame.place
    if place.spacing is not None:
        dataset.PixelSpacing = [DSfloat(v, auto_format=True) for v in place.spacing]
    if place.orientation is not None and place.position is not None:
        dataset.ImageOrientationPatient = [DSfloat(v, auto_format=True) for v in place.orientation]
        dataset.ImagePositionPatient = [DSfloat(v, auto_format=True) for v in place.position]
    if "SliceThickness" not in dataset:  # of type 2; of several frames in one file it stands elsewhere
        dataset.SliceThickness = DSfloat(place.depth, auto_format=True) if place.depth else None


def _pixels(dataset: Dataset, stored: Stored, number: int) -> None:
    from pydicom.valuerep import DSfloat

    plane = stored.planes[number]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = plane.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1 if plane.dtype.kind == "i" else 0
    if dataset.Modality == "CT" or not stored.plain:
        dataset.RescaleIntercept = DSfloat(stored.intercept, auto_format=True)
        dataset.RescaleSlope = DSfloat(stored.slope, auto_format=True)
        dataset.RescaleType = "HU" if dataset.Modality == "CT" else "US"
    dataset.WindowCenter, dataset.WindowWidth = (DSfloat(v, auto_format=True) for v in stored.window)
    dataset.PixelData = np.ascontiguousarray(plane).tobytes()
    dataset["PixelData"].VR = "OW"
