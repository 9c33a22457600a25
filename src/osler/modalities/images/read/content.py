"""A file's bytes, taken without trusting it: what it is, how large, and whether it may be opened at all."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

MOST_BYTES = 1 << 29  # of a file: a picture of MOST_PIXELS with 3 × 16 bits fits uncompressed
MOST_PIXELS = 1 << 26  # 67 million: a mammogram has 14 million, a whole-slide image is for another input
SMALLEST = 4  # pixels on a side
LONGEST = 1 << 16

_RASTER = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM")
_OTHERS = (
    (b"GIF8", "a GIF"), (b"RIFF", "a WebP or a film"), (b"%PDF", "a PDF"), (b"PK\3\4", "a ZIP archive"),
    (b"\x1f\x8b", "packed with gzip"), (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"), (b"\x93NUMPY", "an array of numpy"),
    (b"8BPS", "a Photoshop file"), (b"<?xml", "XML"), (b"<svg", "an SVG drawing"),
    (b"version https://git-lfs", "a pointer of Git LFS, whose content was not fetched"),
)  # fmt: skip
ADVICE = "save it as PNG, JPEG, TIFF or DICOM"


class Unusable(Exception):
    """A file that cannot be used: `code` and `sentence` of the refusal, which never quotes the content."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence
        super().__init__(sentence)


def opened(path: str, *, most: int = MOST_BYTES) -> BinaryIO:
    """Open an ordinary file of at most `most` bytes; a pipe or a device is never waited for. Raises Unusable."""
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise Unusable("no_file", "no file is there") from None
    except PermissionError:
        raise Unusable("forbidden", "the file may not be read: another user's, or without the right to read") from None
    except (OSError, ValueError) as error:
        raise Unusable("unreadable", f"the file cannot be opened: {os.strerror(getattr(error, 'errno', 0) or 22)}") from None
    about = os.fstat(number)
    fault = _fault(about, most)
    if fault is None:
        return os.fdopen(number, "rb")
    os.close(number)
    raise fault


def content(path: str) -> bytes:
    """Return the file's bytes; raises Unusable."""
    try:
        with opened(path) as stream:
            return stream.read()
    except OSError as error:  # a failing disk
        raise Unusable("unreadable", f"the file cannot be read: {os.strerror(error.errno or 5)}") from None


def is_dicom(start: bytes) -> bool:
    """Return whether a file that begins with `start` (132 bytes) is DICOM, other than a raster picture; raises Unusable for neither.

    A DICOM file has "DICM" after a preamble of 128 bytes (PS3.10, 7.1); some old ones begin with group 0008 at once.
    """
    if start[128:132] == b"DICM":
        return True
    if start.startswith(_RASTER):
        return False
    if start[:2] in {b"\x08\0", b"\x02\0"} and start[3:4] == b"\0":
        return True
    known = next((name for magic, name in _OTHERS if start.startswith(magic)), None)
    raise Unusable("format", f"the file is {known}; {ADVICE}" if known else f"the file is no picture that is known; {ADVICE}")


def too_large() -> Unusable:
    """Return the fault of a picture that would take too much memory."""
    most = f"more than {MOST_PIXELS >> 20} million pixels, or a side over {LONGEST}"
    return Unusable("large", f"the picture says that it has {most}; cut it, or scale it down")


def check_size(height: int, width: int) -> None:
    """Raise Unusable for a picture too large, before memory is taken for it, and for one too small to show anything."""
    if height * width > MOST_PIXELS or max(height, width) > LONGEST:
        raise too_large()
    if min(height, width) < SMALLEST:
        raise Unusable("small", f"the picture has a side of fewer than {SMALLEST} pixels")


def _fault(about: os.stat_result, most: int) -> Unusable | None:
    if stat.S_ISDIR(about.st_mode):
        return Unusable("folder", "the path is a folder; give the file's own")
    if not stat.S_ISREG(about.st_mode):
        return Unusable("special", "the path is a pipe or a device, no file")
    if about.st_size == 0:
        return Unusable("empty", "the file has no content (0 bytes)")
    if about.st_size > most:
        return Unusable("large", f"the file is larger than {most >> 20} MiB; scale the picture down")
    return None
