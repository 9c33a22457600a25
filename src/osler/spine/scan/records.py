r"""Cutting delimited text into records, with quoting as RFC 4180 has it.

A cell is quoted where a quotation mark is its first character; inside, delimiters and line ends are text, and two marks are
one. What follows the closing mark is text again. A mark elsewhere is a mark. `\\n`, `\\r` and `\\r\\n` end records. These are
the rules of Arrow's parser too, which reads what is cut here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import numpy as np

from osler.core.errors import TableError

RECORD_LIMIT = 64 << 20  # bytes; 100,000 columns of 640 characters
_END = rb"(?:\r\n|\r|\n)"


@functools.cache
def _cell(delimiter: bytes) -> bytes:
    plain = rb"[^%b\r\n]*+" % re.escape(delimiter)
    return rb'(?:"(?:[^"]++|"")*+"%b|(?!")%b)' % (plain, plain)


@functools.cache
def _record(delimiter: bytes) -> bytes:
    # Possessive throughout: a long record neither backtracks nor fills the stack.
    return rb"%b(?:%b%b)*+" % (_cell(delimiter), re.escape(delimiter), _cell(delimiter))


@functools.cache
def _whole_records(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?:%b%b)*+" % (_record(delimiter), _END))


@functools.cache
def _one_record(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?=.)(%b)(?:%b|\Z)" % (_record(delimiter), _END), re.DOTALL)


@functools.cache
def _one_cell(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(%b)(?:%b|\Z)" % (_cell(delimiter), re.escape(delimiter)))


def records(text: bytes, *, delimiter: bytes) -> Iterator[bytes]:
    """Yield the records of `text` without their ends, blank lines left out; stops at a cell that is never closed."""
    at = 0
    pattern = _one_record(delimiter)
    while found := pattern.match(text, at):
        at = found.end()
        if found.group(1):
            yield found.group(1)


def cells(record: bytes, *, delimiter: bytes) -> list[bytes]:
    """Return the cells of one record, unquoted."""
    out, at = [], 0
    pattern = _one_cell(delimiter)
    while found := pattern.match(record, at):
        cell = found.group(1)
        if cell.startswith(b'"'):
            close = _closing(cell)
            cell = cell[1:close].replace(b'""', b'"') + cell[close + 1 :]
        out.append(cell)
        at = found.end()
        if at == found.end(1):  # no delimiter behind it: the last
            break
    return out


def _closing(cell: bytes) -> int:
    """Return where the mark stands that closes a quoted cell."""
    at = cell.index(b'"', 1)
    while cell[at + 1 : at + 2] == b'"':
        at = cell.index(b'"', at + 2)
    return at


def chunks(stream: Iterator[bytes], *, delimiter: bytes, size: int, file: str) -> Iterator[bytes]:
    """Yield the text in chunks of about `size` bytes that end where a record ends.

    Raises TableError where a quotation mark is never closed, or a record is longer than 64 MB.
    """
    held: list[bytes] = []
    waiting, lines = 0, 1
    wanted, most = size, max(RECORD_LIMIT, size)
    for part in stream:
        held.append(part)
        waiting += len(part)
        if waiting < wanted:
            continue
        text = b"".join(held)
        cut, _ = _last_end(text, delimiter=delimiter)
        if cut:
            yield text[:cut]
            lines += _line_ends(text[:cut])
        elif waiting > most:
            raise TableError(
                f"'{file}': the record that begins in line {lines} is longer than {RECORD_LIMIT >> 20} MB: most likely its "
                "quotation mark is never closed; close it, or double a mark that is text"
            )
        held, waiting = [text[cut:]], len(text) - cut
        # A long record is not scanned again for every few bytes.
        wanted = size if cut else min(2 * waiting, most + 1)
    rest = b"".join(held)
    if rest:
        yield from _last(rest, delimiter=delimiter, file=file, lines=lines)


def _last(text: bytes, *, delimiter: bytes, file: str, lines: int) -> Iterator[bytes]:
    cut, closed = _last_end(text, delimiter=delimiter)
    if closed:
        yield text
        return
    line = lines + _line_ends(text[:cut])
    raise TableError(
        f"'{file}': a quotation mark that is opened in the record of line {line} is never closed; "
        'close it, or write the cell as "…" with each mark inside doubled'
    )


def _last_end(text: bytes, *, delimiter: bytes) -> tuple[int, bool]:
    """Return the length of the whole records at the start of `text`, and whether every quoted cell in `text` is closed."""
    if b'"' not in text:
        return _line_end(text, 0, len(text)), True
    letters = np.frombuffer(text, np.uint8)
    marks = np.flatnonzero(letters == ord('"'))
    if _paired(letters, marks, delimiter=delimiter):
        return _last_outside(text, marks), len(marks) % 2 == 0
    found = _whole_records(delimiter).match(text)
    cut = found.end() if found else 0
    return cut, cut == len(text) or _one_record(delimiter).fullmatch(text, cut) is not None


def _paired(letters: np.ndarray, marks: np.ndarray, *, delimiter: bytes) -> bool:
    """Whether marks open and close cells by turns, which then tells inside from outside ten times as fast as the pattern.

    It holds where each mark at an even place begins a cell, and each at an odd place ends one, or both stand in a doubled
    mark. A mark in the middle of plain text breaks it.
    """
    border = np.zeros(256, bool)
    border[list(b'\r\n"' + delimiter)] = True
    opening, closing = marks[::2], marks[1::2]
    if len(opening) and opening[0] == 0:
        opening = opening[1:]
    if len(closing) and closing[-1] == len(letters) - 1:
        closing = closing[:-1]
    return bool(border[letters[opening - 1]].all() and border[letters[closing + 1]].all())


def _last_outside(text: bytes, marks: np.ndarray) -> int:
    """Return where the last record ends, from paired marks: after an even number of marks a line end is one of a record."""
    end = len(text)
    for count in range(len(marks), -1, -1):
        start = int(marks[count - 1]) + 1 if count else 0
        if count % 2 == 0 and (cut := _line_end(text, start, end)) > start:
            return cut
        end = start - 1
    return 0


def _line_end(text: bytes, start: int, end: int) -> int:
    """Return where the last line in text[start:end] ends, or 0."""
    return max(text.rfind(b"\n", start, end), text.rfind(b"\r", start, end)) + 1


def _line_ends(text: bytes) -> int:
    return text.count(b"\n") or text.count(b"\r")
