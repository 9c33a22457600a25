"""JPEG Lossless (ITU-T T.81, annex H), for which pydicom knows no reader with a permissive licence but GDCM.

Huffman codes follow one another, so that where one begins is known only when the one before is read. Here the length of the code
that would begin at each bit is looked up for all bits at once, and the walk along them is one addition a sample; all else, the
differences and their prediction, is done on whole rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osler.modalities.images.read.content import Unusable

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SYNTAXES = frozenset(("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"))
_NO_CODE = 255  # where no code begins
_HUFFMAN, _FRAME, _SCAN, _RESTART, _START, _END = 0xC4, 0xC3, 0xDA, 0xDD, 0xD8, 0xD9
_MARKS = re.compile(rb"\xff[\xd0-\xd7]")
_WIDEST = 16  # bits of a difference: 32768, which has no further bits


@dataclass(frozen=True, slots=True)
class _Table:
    """For each 16 bits: the length of the code that they begin with and its further bits together, and how many those are."""

    totals: np.ndarray
    extras: np.ndarray


@dataclass(frozen=True, slots=True)
class _Stream:
    """One frame: precision, size, the table of each component, predictor, point transform, samples between restarts, and codes."""

    precision: int
    rows: int
    columns: int
    tables: tuple[_Table, ...]
    predictor: int
    shift: int
    interval: int
    codes: bytes


def frames_of(dataset: Dataset, *, frames: int) -> np.ndarray:
    """Return (frames, rows, columns[, 3]) of a data set compressed as JPEG Lossless, as stored; raises Unusable."""
    from pydicom.encaps import generate_frames

    found = np.stack([decoded(frame) for frame in generate_frames(dataset.PixelData, number_of_frames=frames)])
    allocated = int(dataset.BitsAllocated)
    if allocated not in {8, 16}:
        raise Unusable("depth", "the DICOM header contradicts itself about the bits of a pixel")
    values = found.astype(f"u{allocated // 8}")
    if int(dataset.get("PixelRepresentation") or 0):
        unused = allocated - int(dataset.get("BitsStored") or allocated)
        values = values.view(f"i{allocated // 8}")
        values = (values << unused) >> unused
    if dataset.PhotometricInterpretation == "YBR_FULL" and values.ndim == 4:
        from pydicom.pixels import convert_color_space

        values = np.asarray(convert_color_space(values, "YBR_FULL", "RGB"))
    return values


def decoded(data: bytes) -> np.ndarray:
    """Return (rows, columns), or (rows, columns, components), uint16 of one JPEG Lossless stream; raises Unusable."""
    try:
        stream = _stream(data)
    except (IndexError, ValueError, KeyError):
        raise _damaged() from None
    differences = _differences(stream)
    rows = stream.interval // stream.columns if stream.interval else stream.rows
    parts = [_predicted(differences[:, at : at + rows], stream) for at in range(0, stream.rows, rows)]
    found = np.concatenate(parts, axis=1) << np.uint16(stream.shift)
    return found[0] if len(found) == 1 else found.transpose(1, 2, 0)


# headers --------------------------------------------------------------------------------------------------------------


def _stream(data: bytes) -> _Stream:
    tables: dict[int, _Table] = {}
    frame, interval, at = b"", 0, 2
    while True:
        if data[at] != 0xFF:
            raise _damaged()
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = data[at + 2] << 8 | data[at + 3]
        part = data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == _HUFFMAN:
            tables |= _tables(part)
        elif marker == _RESTART:
            interval = part[0] << 8 | part[1]
        elif marker == _FRAME:
            frame = part
        elif marker == _SCAN:
            return _scan(part, frame, tables=tables, interval=interval, codes=data[at:])
        elif marker in {_START, _END} or 0xC0 <= marker <= 0xCF:
            raise _damaged()


def _scan(part: bytes, frame: bytes, *, tables: Mapping[int, _Table], interval: int, codes: bytes) -> _Stream:
    count = part[0]
    rows, columns = frame[1] << 8 | frame[2], frame[3] << 8 | frame[4]
    sampled = {frame[7 + 3 * n] for n in range(frame[5])}
    if count != frame[5] or count not in {1, 3} or (count > 1 and sampled != {0x11}):
        raise Unusable(
            "compression", "the JPEG Lossless picture has its colours in a way that is not read; write the file uncompressed"
        )
    used = tuple(tables[part[2 + 2 * n] >> 4] for n in range(count))
    predictor, shift = part[1 + 2 * count], part[3 + 2 * count] & 15
    precision = frame[0]
    if not 1 <= predictor <= 7 or not 2 <= precision <= 16 or shift >= precision or rows * columns == 0:
        raise _damaged()
    if interval % columns:
        raise Unusable("compression", "the JPEG Lossless picture restarts within its rows; write the file uncompressed")
    return _Stream(precision, rows, columns, used, predictor, shift, interval, codes)


def _tables(part: bytes) -> dict[int, _Table]:
    """Return the Huffman tables of a segment by their number (T.81, B.2.4.2 and annex C)."""
    found = {}
    at = 0
    while at < len(part):
        number, counts = part[at] & 15, part[at + 1 : at + 17]
        symbols = part[at + 17 : at + 17 + sum(counts)]
        at += 17 + sum(counts)
        found[number] = _table(counts, symbols)
    return found


def _table(counts: bytes, symbols: bytes) -> _Table:
    totals, extras = np.full(1 << 16, _NO_CODE, np.uint8), np.zeros(1 << 16, np.uint8)
    first, taken = 0, 0
    for length, count in enumerate(counts, start=1):
        for symbol in symbols[taken : taken + count]:
            if symbol > _WIDEST:
                raise _damaged()
            last = first + (1 << 16 - length)
            totals[first:last] = length + symbol % _WIDEST
            extras[first:last] = symbol
            first = last
        taken += count
    if first > 1 << 16 or taken != len(symbols):
        raise _damaged()
    return _Table(totals, extras)


# codes ----------------------------------------------------------------------------------------------------------------


def _differences(stream: _Stream) -> np.ndarray:
    """Return what each sample differs from its prediction, (components, rows, columns) uint16, modulo 2^16."""
    found = np.empty((len(stream.tables), stream.rows, stream.columns), np.uint16)
    if found.size > 8 * len(stream.codes):  # a sample takes a bit at least
        raise _damaged()
    parts = _MARKS.split(stream.codes[: _ending(stream.codes)]) if stream.interval else [stream.codes[: _ending(stream.codes)]]
    rows = stream.interval // stream.columns or stream.rows
    if len(parts) < -(-stream.rows // rows):
        raise _damaged()
    for number, at in enumerate(range(0, stream.rows, rows)):
        _fill(found[:, at : at + rows], parts[number].replace(b"\xff\0", b"\xff"), stream.tables)
    return found


def _ending(codes: bytes) -> int:
    """Return where the codes end: at the first marker that is no restart."""
    found = re.search(rb"\xff[^\0\xd0-\xd7\xff]", codes)
    return found.start() if found else len(codes)


def _fill(target: np.ndarray, codes: bytes, tables: Sequence[_Table]) -> None:
    """Write the differences that `codes` hold into `target` (components, rows, columns), row by row."""
    windows = _windows(codes)
    totals = [table.totals[windows].tobytes() for table in tables]
    alone = all(table is tables[0] for table in tables)
    at = 0
    for row in range(target.shape[1]):
        count = target.shape[2] * len(tables)
        starts = _walk(totals[0], at, count) if alone else _walk_in_turn(totals, at, count)
        at = int(starts[-1])
        if at > 8 * len(codes):
            raise _damaged()
        _write(target[:, row], windows, starts[:-1], tables)


def _windows(codes: bytes) -> np.ndarray:
    """Return the sixteen bits that begin at each bit, and zeros behind the end."""
    octets = np.frombuffer(codes + bytes(8), np.uint8).astype(np.uint32)
    words = octets[:-2] << 16 | octets[1:-1] << 8 | octets[2:]
    return (words[:, None] >> np.arange(8, 0, -1, dtype=np.uint32)).astype(np.uint16).ravel()


def _walk(totals: bytes, at: int, count: int) -> np.ndarray:
    """Return where each of `count` codes begins, and where the last ends."""
    try:
        return np.array([at, *[at := at + totals[at] for _ in range(count)]])
    except IndexError:
        raise _damaged() from None


def _walk_in_turn(totals: Sequence[bytes], at: int, count: int) -> np.ndarray:
    try:
        return np.array([at, *[at := at + totals[n % len(totals)][at] for n in range(count)]])
    except IndexError:
        raise _damaged() from None


def _write(target: np.ndarray, windows: np.ndarray, starts: np.ndarray, tables: Sequence[_Table]) -> None:
    """Write the differences whose codes begin at `starts`, components side by side, into one row (components, columns)."""
    for component, table in enumerate(tables):
        begin = starts[component :: len(tables)]
        window = windows[begin]
        total, extra = table.totals[window].astype(np.int64), table.extras[window].astype(np.int64)
        if (total == _NO_CODE).any():
            raise _damaged()
        bits = extra % _WIDEST
        value = windows[begin + total - bits].astype(np.int64) >> (16 - bits)
        value -= np.where(value < (1 << bits >> 1), (1 << bits) - 1, 0)  # T.81, F.2.2.1: the first bit is 0 of negative ones
        target[component] = np.where(extra == _WIDEST, 1 << 15, value).astype(np.uint16)


# prediction -----------------------------------------------------------------------------------------------------------


def _predicted(differences: np.ndarray, stream: _Stream) -> np.ndarray:
    """Return the samples (components, rows, columns) uint16 between two restarts (T.81, H.1.2.1, table H.1)."""
    found = differences.copy()
    found[:, 0, 0] += np.uint16(1 << (stream.precision - stream.shift - 1))
    if stream.predictor in {2, 4}:
        across = np.cumsum(found, axis=2, dtype=np.uint16) if stream.predictor == 4 else found
        if stream.predictor == 2:
            across[:, 0] = np.cumsum(found[:, 0], axis=1, dtype=np.uint16)
        return np.cumsum(across, axis=1, dtype=np.uint16)
    found[:, :, 0] = np.cumsum(found[:, :, 0], axis=1, dtype=np.uint16)
    if stream.predictor == 1:
        return np.cumsum(found, axis=2, dtype=np.uint16)
    found[:, 0] = np.cumsum(found[:, 0], axis=1, dtype=np.uint16)
    for row in range(1, found.shape[1]):
        _predict_row(found[:, row], found[:, row - 1], stream.predictor)
    return found


def _predict_row(row: np.ndarray, above: np.ndarray, predictor: int) -> None:
    """Turn the differences of a row (components, columns), but its first sample, into samples, by the row above."""
    if predictor == 3:
        row[:, 1:] += above[:, :-1]
    elif predictor == 5:
        wide = above.astype(np.int32)
        row[:, 1:] += (np.diff(wide, axis=1) >> 1).astype(np.uint16)
        row[:] = np.cumsum(row, axis=1, dtype=np.uint16)
    else:
        for line, over in zip(row, above, strict=True):
            line[1:] = _one_by_one(line.tolist(), over.tolist(), halved=predictor == 7)


def _one_by_one(line: list[int], over: list[int], *, halved: bool) -> list[int]:
    """Return the samples but the first of a row whose predictions rest on the sample before in a way that no sum expresses."""
    left = line[0]
    found = []
    for column in range(1, len(line)):
        guess = (left + over[column]) >> 1 if halved else over[column] + ((left - over[column - 1]) >> 1)
        left = (line[column] + guess) & 0xFFFF
        found.append(left)
    return found


def _damaged() -> Unusable:
    return Unusable("damaged", "the compressed picture is damaged or cut off; fetch or export the file again")
