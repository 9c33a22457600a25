"""What a file is, told by its content, and who cleans it."""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from osler.interop.deidentify.options import Options
from osler.interop.deidentify.outcome import Account, Uncleanable
from osler.interop.deidentify.pseudonym import Key

MOST_BYTES = 1 << 32  # of a file: as many as a DICOM element may have; files are held in memory one at a time
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its `name`, the ending that it gets, and what writes it anew.

    `clean(source, target, key=…, options=…)` returns an Account or raises Uncleanable; what it left in `target` is then void.
    """

    name: str
    ending: str
    clean: Callable[..., Account]


def kind_of(source: Path) -> Kind:
    """Return the kind of `source`; raises Uncleanable for folders, links, pipes, and content that is not known."""
    about = source.lstat()
    if stat.S_ISLNK(about.st_mode):
        raise Uncleanable("link")
    if not stat.S_ISREG(about.st_mode):
        raise Uncleanable("special")
    if about.st_size == 0:
        raise Uncleanable("empty")
    if about.st_size > MOST_BYTES:
        raise Uncleanable("large")
    try:
        with source.open("rb") as stream:
            start = stream.read(540)
    except PermissionError:
        raise Uncleanable("forbidden") from None
    return _by_content(source, start)


def _by_content(source: Path, start: bytes) -> Kind:
    if start[128:132] == b"DICM":
        return _dicom()
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        from osler.interop.deidentify.png import clean_png

        return Kind("PNG", ".png", _plain(clean_png))
    if start.startswith(b"\xff\xd8\xff"):
        from osler.interop.deidentify.jpeg import clean_jpeg

        return Kind("JPEG", ".jpg", _plain(clean_jpeg))
    if start.startswith(_TIFF):
        from osler.interop.deidentify.tiff import clean_tiff

        return Kind("TIFF", ".tif", _plain(clean_tiff))
    if start[:2] in {b"\x08\0", b"\x02\0"} and start[3:4] == b"\0":  # an old DICOM file without preamble
        return _dicom()
    return _volume(source, start)


def _dicom() -> Kind:
    from osler.interop.deidentify.dicom import clean_dicom

    return Kind("DICOM", ".dcm", clean_dicom)


def _volume(source: Path, start: bytes) -> Kind:
    from osler.interop.deidentify import mha, nifti, nrrd

    packed = start.startswith(b"\x1f\x8b")
    head = _unpacked(source) if packed else start
    if nifti.is_nifti(head):
        return Kind("NIfTI", ".nii.gz" if packed else ".nii", _plain(nifti.clean_nifti))
    if not packed and start.startswith(b"NRRD000"):
        return Kind("NRRD", ".nrrd", _plain(nrrd.clean_nrrd))
    if not packed and mha.is_mha(start):
        return Kind("MHA", ".mha", _plain(mha.clean_mha))
    raise Uncleanable("format")


def _unpacked(source: Path) -> bytes:
    try:
        with gzip.open(source, "rb") as stream:
            return stream.read(540)
    except (OSError, EOFError, zlib.error):
        return b""


def _plain(clean: Callable[[Path, Path], Account]) -> Callable[..., Account]:
    """Return `clean` for a kind that no option touches."""

    def cleaned(source: Path, target: Path, *, key: Key, options: Options) -> Account:  # noqa: ARG001
        return clean(source, target)

    return cleaned
