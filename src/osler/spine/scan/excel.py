"""Excel and OpenDocument sheets, in pieces: every cell the string that CSV would hold.

Types in a sheet belong to cells, not to columns, so they are written out: whole numbers without a point, others in the shortest
form that reads back equal, dates as ISO 8601, booleans as TRUE and FALSE; a cell whose formula failed is empty. The sheet
is held in memory by its reader (a sheet has at most 1,048,576 rows).
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import python_calamine as calamine

from osler.core.errors import TableError, did_you_mean
from osler.spine.scan.names import checked
from osler.spine.scan.piece import Piece
from osler.spine.scan.source import Source

ROWS = 8192  # of a piece


def excel_pieces(source: Source) -> Iterator[Piece]:
    """Yield the rows of the sheet that was asked for, else of the only one that is not empty; raises TableError.

    Refuses merged cells: which rows and columns their content belongs to is a guess.
    """
    sheet = _sheet(source)
    if sheet.merged_cell_ranges:
        shown = ", ".join(f"{_place(*first)}:{_place(*last)}" for first, last in sheet.merged_cell_ranges[:8])
        raise TableError(f"'{source.name}', sheet '{sheet.name}': merged cells at {shown}; unmerge them and fill each cell")
    lines = _lines(sheet, source)
    names = checked([_text(cell) or "" for cell in next(lines)], file=source.name)
    while some := list(itertools.islice(lines, ROWS)):
        columns = zip(*([_text(cell) for cell in line] for line in some), strict=True)
        yield Piece(pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}))


def _lines(sheet: Any, source: Source) -> Iterator[list[Any]]:
    """Yield the rows that hold anything."""
    try:
        yield from (line for line in sheet.iter_rows() if any(cell != "" for cell in line))
    except BaseException as error:  # noqa: BLE001
        raise _told(error, source) from None


def _sheet(source: Source) -> Any:
    """Return the sheet to read, not empty."""
    book = _book(source)
    if source.sheet is not None:
        if source.sheet not in book.sheet_names:
            raise TableError(f"'{source.name}' has no sheet '{source.sheet}'{did_you_mean(source.sheet, book.sheet_names)}")
        sheets = [_opened(source, book, source.sheet)]
    else:
        sheets = [_opened(source, book, name) for name in book.sheet_names]
    filled = [sheet for sheet in sheets if sheet.height and sheet.width]
    if not filled:
        raise source.damaged("has no cell that holds anything", "wanted a line of column names and rows")
    if len(filled) > 1:
        names = ", ".join(f"'{sheet.name}'" for sheet in filled)
        raise TableError(
            f"'{source.name}' has several sheets: {names}; say which, as in '{source.name}#{filled[0].name}', or keep only one"
        )
    return filled[0]


def _book(source: Source) -> Any:
    try:
        with source.path.open("rb") as file:
            return calamine.CalamineWorkbook.from_filelike(file)
    except calamine.PasswordError:
        raise source.damaged("is protected by a password", "save it without one") from None
    except OSError as error:
        raise TableError(f"'{source.path}' cannot be read: {error.strerror or type(error).__name__}") from None
    except BaseException as error:  # noqa: BLE001 - a panic of the reader is no Exception
        raise _told(error, source) from None


def _opened(source: Source, book: Any, name: str) -> Any:
    try:
        return book.get_sheet_by_name(name)
    except BaseException as error:  # noqa: BLE001 - a panic of the reader is no Exception
        raise _told(error, source) from None


def _told(error: BaseException, source: Source) -> BaseException:
    """Return what to raise: a panic of the reader on damaged content is no Exception, and must not pass as Ctrl-C does."""
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError)):
        return error
    return source.damaged("is no Excel or OpenDocument workbook that can be read", "open it in a spreadsheet and save it again")


def _text(cell: Any) -> str | None:
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:  # what a sheet shows without an exponent
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return str(cell)


def _place(row: int, column: int) -> str:
    """Return a cell's name as spreadsheets write it: (0, 0) is A1."""
    letters = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return f"{letters}{row + 1}"
