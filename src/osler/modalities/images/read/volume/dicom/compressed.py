"""Compressed frames looked at before a decoder sees them: one that claims another size than the header is never decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume.dicom.picture import Picture

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# JPEG and JPEG-LS markers that begin a frame's header (ITU-T T.81, table B.1; T.87, table C.1): all of C0 … CF but DHT, JPG and DAC
_STARTS = frozenset((*range(0xC0, 0xD0), 0xF7)) - {0xC4, 0xC8, 0xCC}
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
_JPEG, _CODESTREAM, _JP2 = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
_RLE = "1.2.840.10008.1.2.5"


def check_frames(dataset: Dataset, picture: Picture) -> None:
    """Raise Unusable for a compressed frame whose own header has another size than the data set's, or none."""
    from pydicom.encaps import generate_frames

    if str(dataset.file_meta.TransferSyntaxUID) == _RLE:
        return  # it holds rows × columns of the header, or fails
    for frame in generate_frames(dataset.PixelData, number_of_frames=len(picture.places)):
        found = frame_size(frame)
        if found is None:
            raise Unusable(
                "compression", "a compressed frame has no header that is known; fetch the file again, or write it uncompressed"
            )
        if found != (picture.rows, picture.columns):
            raise Unusable("axes", "the compressed picture has another size than the header says")


def frame_size(frame: bytes) -> tuple[int, int] | None:
    """Return rows and columns that a JPEG, JPEG-LS or JPEG 2000 stream says of itself, None where it says none."""
    if frame.startswith(_JPEG):
        return _jpeg(frame)
    at = frame.find(_CODESTREAM, 0, 4096) if frame.startswith(_JP2) else 0
    if at < 0 or not frame.startswith(_CODESTREAM, at) or len(frame) < at + 24:
        return None
    width, height, left, top = (int.from_bytes(frame[at + n : at + n + 4], "big") for n in (8, 12, 16, 20))  # T.800, A.5.1
    return height - top, width - left


def _jpeg(frame: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _STARTS:
            return int.from_bytes(frame[at + 5 : at + 7], "big"), int.from_bytes(frame[at + 7 : at + 9], "big")
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None
