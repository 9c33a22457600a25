"""A DICOM file written anew without the person, or not at all.

Preamble and file meta information (PS3.10, 7.1) are made afresh; the pixels' bytes are those of the source.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.interop.deidentify.dataset import STANDARD, Cleaner
from osler.interop.deidentify.options import Options
from osler.interop.deidentify.outcome import Account, Uncleanable
from osler.interop.deidentify.profile import profile_of
from osler.interop.deidentify.pseudonym import Key
from osler.interop.deidentify.risks import risks

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IMPLEMENTATION = "2.25.249120263917712386421178913508135713921"  # Osler's own, drawn once
METHOD = ("Osler: DICOM PS3.15 Annex E", "Table E.1-1, options as coded")  # LO: 64 characters each
_STORAGE = "1.2.840.10008.5.1.4.1.1"
_DIRECTORY, _DEFLATED = "1.2.840.10008.1.3.10", b"1.2.840.10008.1.2.1.99"
_UNCLEANABLE = {
    f"{_STORAGE}.88.": "report", f"{_STORAGE}.104.": "document", f"{_STORAGE}.9.4.": "voice", f"{_STORAGE}.66": "raw",
}  # fmt: skip
_SEGMENTS = f"{_STORAGE}.66."  # 66 is raw data; 66.1 to 66.8 are registrations and segmentations


def clean_dicom(source: Path, target: Path, *, key: Key, options: Options) -> Account:
    """Write `source` without the person to `target`.

    Raises Uncleanable for what cannot be read whole, and for what the profile cannot clean: structured reports, documents,
    voices, labels of slides, raw data of private form. Nothing that the file says is quoted.
    """
    with quiet():
        try:
            dataset = _read(source)
            _check_kind(dataset)
            account = Account(warnings=risks(dataset))
            Cleaner(dataset, key=key, profile=profile_of(options), account=account).clean(dataset)
            _tell(dataset, options)
            _write(dataset, target)
        except (Uncleanable, MemoryError):
            raise
        except Exception as error:  # whatever a damaged file makes of pydicom; its words may quote the file
            if isinstance(error, OSError) and error.errno:  # the disk's, and not pydicom's own
                raise
            raise Uncleanable("damaged") from None
    return account


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep back what pydicom says: its warnings quote values of the header."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


class _Bounded(io.BufferedReader):
    """A file of which nobody can ask more than it has: room would be taken for whatever length an element claims."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__(raw)
        self._end = os.fstat(raw.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, or as many as there are."""
        left = max(self._end - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left))


def _read(source: Path) -> Dataset:
    import pydicom

    with _Bounded(io.FileIO(source)) as stream:
        if _DEFLATED in stream.read(4096):  # a header of kilobytes may unpack to gigabytes
            raise Uncleanable("deflated")
        stream.seek(0)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*(EOF|[Ee]nd of file|Expected sequence item|[Uu]nexpected).*")
            try:
                dataset = pydicom.dcmread(stream, force=True)
            except UserWarning:
                raise Uncleanable("truncated") from None
            except EOFError:
                raise Uncleanable("truncated") from None
    _check_whole(dataset)
    return dataset


def _check_whole(dataset: Dataset) -> None:
    if not len(dataset):
        raise Uncleanable("damaged")
    for tag in dataset.keys():  # noqa: SIM118  iterating converts every element
        element = dataset.get_item(tag)
        length = getattr(element, "length", None)
        if length not in {None, 0xFFFFFFFF} and isinstance(element.value, bytes) and len(element.value) < length:
            raise Uncleanable("truncated")


def _check_kind(dataset: Dataset) -> None:
    meta_class = str(getattr(dataset.file_meta, "MediaStorageSOPClassUID", ""))
    sop_class = str(dataset.get("SOPClassUID") or "").strip()
    if meta_class == _DIRECTORY or "DirectoryRecordSequence" in dataset:
        raise Uncleanable("directory")
    if not sop_class:
        raise Uncleanable("no_class")
    if not sop_class.startswith(STANDARD):
        raise Uncleanable("private")
    for start, code in _UNCLEANABLE.items():
        if f"{sop_class}.".startswith(f"{start.rstrip('.')}.") and not sop_class.startswith(_SEGMENTS):
            raise Uncleanable(code)
    if "EncapsulatedDocument" in dataset:
        raise Uncleanable("document")
    if str(dataset.get("Modality") or "").strip() in {"SR", "KO", "DOC"} or "ContentSequence" in dataset:
        raise Uncleanable("report")
    kinds = dataset.get("ImageType") or []
    if "LABEL" in {str(kind).strip().upper() for kind in ([kinds] if isinstance(kinds, str) else kinds)}:
        raise Uncleanable("label")


def _tell(dataset: Dataset, options: Options) -> None:
    """Write what was done where readers look for it (PS3.15, E.1.1; PS3.3, C.7.1.1 and C.12.1)."""
    from pydicom.dataset import Dataset as Item

    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = list(METHOD)
    items = []
    for code, meaning in options.codes:
        item = Item()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
        items.append(item)
    dataset.DeidentificationMethodCodeSequence = items
    dataset.LongitudinalTemporalInformationModified = options.times


def _write(dataset: Dataset, target: Path) -> None:
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    syntax = _syntax(dataset)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID, meta.ImplementationVersionName = UID(IMPLEMENTATION), "OSLER"
    unsaid = any(dataset.get_item(tag).VR is None for tag in dataset.keys())  # noqa: SIM118  iterating converts every element
    if unsaid and not syntax.is_implicit_VR:  # the file is written in another way than it says
        for _ in dataset.iterall():
            pass
    dataset.file_meta = meta
    dataset.preamble = bytes(128)
    pydicom.dcmwrite(target, dataset, enforce_file_format=True)


def _syntax(dataset: Dataset) -> Any:
    from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    named = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    if named:
        if not UID(named).is_transfer_syntax or UID(named).is_private:
            raise Uncleanable("syntax")
        return UID(named)
    implicit, little = dataset.original_encoding  # a file without meta information says it by its form
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
