"""What is behind a path, by its content: one block of values, a DICOM stack, or a picture; and each of them read."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from osler.core.errors import OslerError
from osler.modalities.images.read.content import ADVICE, Unusable, is_dicom, opened
from osler.modalities.images.read.volume import block, dicom, metaimage, nifti, nrrd, raster
from osler.modalities.images.read.volume.bounds import MOST_BYTES
from osler.modalities.images.read.volume.packing import GZIP, Unpacker
from osler.modalities.images.read.volume.record import RawVolume, VolumeHeader

_Found = TypeVar("_Found")
_START = 1 << 16  # bytes of a file that hold every header of text


def header_of(path: str, *, series: str | None = None) -> VolumeHeader:
    """Return what the headers of a file, or of a folder with one DICOM series, say; voxels are not read.

    `series` picks one of a folder's series by its SeriesInstanceUID, SeriesNumber or SeriesDescription. Raises Unusable.
    """
    return guarded(lambda: _header(path, series))


def load_volume(path: str, *, series: str | None = None) -> RawVolume:
    """Return the volume of a file, or of a folder with one DICOM series, in the file's unit.

    `series` as for `header_of`. Raises Unusable: also where the file is damaged, or would take more than 4 GiB.
    """
    return guarded(lambda: _load(path, series))


def guarded(work: Callable[[], _Found]) -> _Found:
    """Return what `work` gives; whatever a reader of foreign bytes raises becomes Unusable."""
    try:
        return work()
    except (Unusable, OslerError):
        raise
    except MemoryError:
        raise Unusable("large", "the volume needs more memory than there is; cut it, or resample it") from None
    except Exception as error:  # noqa: BLE001  parsers of foreign bytes raise anything: SyntaxError, struct.error, OverflowError
        raise Unusable("damaged", _sentence(error)) from None


def layout_of(start: bytes, *, path: str) -> tuple[block.Layout, Unpacker | None] | None:
    """Return the layout of a NIfTI, NRRD or MetaImage that begins with `start`, with what unpacks it; None of all else."""
    if start.startswith(GZIP):
        unpacker = Unpacker(start)
        inner = bytes(unpacker.take(nifti.NEEDED))
        if not nifti.is_nifti(inner):
            raise Unusable("format", "the file is packed with gzip, and no NIfTI is inside; unpack it")
        return nifti.layout_of(inner, file=path, packed=True), unpacker
    if nifti.is_nifti(start):
        return nifti.layout_of(start[: nifti.NEEDED], file=path, packed=False), None
    if nrrd.is_nrrd(start):
        return nrrd.layout_of(start, file=path), None
    if metaimage.is_metaimage(start):
        return metaimage.layout_of(start, file=path), None
    return None


def start_of(path: str) -> bytes:
    """Return a file's first bytes, enough for every header of text; raises Unusable."""
    with opened(path, most=MOST_BYTES) as stream:
        return stream.read(_START)


def _header(path: str, series: str | None) -> VolumeHeader:
    if os.path.isdir(path):  # noqa: PTH112
        return dicom.header(dicom.stacked(dicom.pictures_of(path, series=series)))
    start = start_of(path)
    found = layout_of(start, path=path)
    if found is not None:
        return block.header(found[0])
    if _is_dicom(start):
        return dicom.header(dicom.stacked(dicom.pictures_of(path, series=None)))
    with opened(path, most=MOST_BYTES) as stream:
        return raster.header(stream)


def _load(path: str, series: str | None) -> RawVolume:
    if os.path.isdir(path):  # noqa: PTH112
        return _dicom(path, series)
    data = block.taken(path)
    found = layout_of(data, path=path)
    if found is not None:
        layout, unpacker = found
        return block.load(layout, data=data if layout.file == path else None, unpacker=_behind(layout, data, unpacker))
    if _is_dicom(data):
        del data
        return _dicom(path, None)
    return raster.load(data)


def _behind(layout: block.Layout, data: bytes, unpacker: Unpacker | None) -> Unpacker | None:
    """Return the unpacker, which has given the first bytes of the file, at the place where the values begin."""
    if unpacker is None:
        return None
    if layout.offset >= nifti.NEEDED:
        unpacker.take(layout.offset - nifti.NEEDED)
        return unpacker
    fresh = Unpacker(data)
    fresh.take(layout.offset)
    return fresh


def _is_dicom(start: bytes) -> bool:
    """Return whether a file is DICOM, other than a raster picture; raises Unusable for neither, with what volumes may be saved as."""
    try:
        return is_dicom(start[:132])
    except Unusable as fault:
        raise Unusable(fault.code, fault.sentence.replace(ADVICE, "save it as NIfTI (.nii.gz), DICOM, NRRD or PNG")) from None


def _dicom(path: str, series: str | None) -> RawVolume:
    stack = dicom.stacked(dicom.pictures_of(path, series=series))
    values = dicom.values_of(stack)
    pictures = [frame.picture for frame in stack.frames]
    patient = max((picture.patient for picture in pictures), key=bool)
    return RawVolume(values, stack.affine, pictures[0].modality, stack.geometry, patient, pictures[0].scanner)


def _sentence(error: Exception) -> str:
    if "truncated" in str(error).lower() or isinstance(error, EOFError) or "less than expected" in str(error):
        return "the file is cut off: bytes are missing at its end; fetch or export it again"
    return f"the file is damaged and cannot be decoded ({type(error).__name__}); fetch or export it again"
