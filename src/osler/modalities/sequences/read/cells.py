"""Where the cells of a column of sequences lie."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.contract import NO_OPTIONS
from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.table import MISSING_CELLS, Table
from osler.modalities.sequences.case import SequenceRows
from osler.modalities.sequences.read.bedgraph import names_file
from osler.modalities.sequences.read.places import places_of, signals, texts

if TYPE_CHECKING:
    import pyarrow as pa

NO_PLACE = Refusal(
    "bedgraph", "a bedGraph file tells of places: the input needs contig, start and end, and a FASTA file as its source"
)


def locate(
    table: Table, *, columns: Sequence[str], aligned: Sequence[str] = (), options: Mapping[str, Any] = NO_OPTIONS,
    cache: Path | None = None,
) -> SequenceRows:  # fmt: skip
    """Return all rows of `table` as locators, made of nothing but numbers where the table lies in a file. With a "source" among the
    `options`, a FASTA file, the columns name records or places of it. `aligned` is the column of a target with a value for each letter.

    Raises StudyError where the table lacks a column, the input has more than one without a source, or the source cannot be used.
    """
    if len(aligned) > 1:
        raise StudyError(f"a target of each letter is one column, and {len(aligned)} are given; train a bundle for each")
    missing = [c for c in (*columns, *aligned) if c not in set(table.columns)]
    if missing:
        raise StudyError([f"the table has no column '{c}'{did_you_mean(c, table.columns)}" for c in missing])
    places = places_of(options, columns=columns, folder=table.folder, cache=cache)
    if len(columns) != 1 and places is None:
        raise StudyError(
            f"an input of sequences is one column, and {len(columns)} are given ({', '.join(columns)}); make each an input of its own, or name the FASTA file in which they are places as 'source'"
        )
    rows = None if table.file else table.rows.select([*columns, *aligned])
    return SequenceRows(columns[0], 0, len(table), table.file, rows, table.refusals, places, next(iter(aligned), None))


def own(locators: Sequence[Any]) -> SequenceRows:
    """Return locators as what they are: those of `locate`, or a slice of them."""
    assert isinstance(locators, SequenceRows)
    return locators


def cells(locators: SequenceRows) -> Iterator[str | Refusal | None]:
    """Yield the text of each cell, None where it is missing, a refusal where the file garbled its row."""
    for row, cell in enumerate(_texts(locators), locators.start):
        refusal = locators.refusals.get(row)
        yield refusal or (replace(cell, column=locators.column) if isinstance(cell, Refusal) else cell)


def _texts(locators: SequenceRows) -> Iterator[str | Refusal | None]:
    """Yield what each cell holds or names, whether or not its row is garbled."""
    if locators.places is not None:
        columns = [_column(locators, name).to_pylist() for name in locators.places.columns]
        yield from texts(locators.places, list(zip(*columns, strict=True)))
        return
    for cell in _column(locators, locators.column).to_pylist():
        text = None if cell is None else str(cell)
        yield None if text is None or text.strip() in MISSING_CELLS else text


def track_cells(locators: SequenceRows) -> Iterator[Any]:
    """Yield what the column of the track holds of each row: text, a list of numbers, None where it is missing. A cell that names a bedGraph
    file is the values of the row's place, or why there are none."""
    assert locators.track is not None
    held, places = _column(locators, locators.track).to_pylist(), locators.places
    if not any(map(names_file, held)):
        yield from held
    elif places is None or len(places.columns) < 3:
        yield from (NO_PLACE if names_file(cell) else cell for cell in held)
    else:
        rows = list(zip(*(_column(locators, name).to_pylist() for name in places.columns), strict=True))
        yield from signals(places, rows, held, column=locators.track)


def _files(locators: SequenceRows) -> Iterator[str]:
    """Yield how the bedGraph files that cells name lie now."""
    held = _column(locators, str(locators.track)).to_pylist() if locators.track else ()
    for cell in sorted({cell for cell in held if names_file(cell)}):
        path = (locators.places.folder or Path() if locators.places else Path()) / cell.strip()
        about = path.stat() if path.is_file() else None
        yield f"{about.st_size}|{about.st_mtime_ns}" if about else "missing"


def digest(locators: Sequence[Any]) -> str:
    """Return a hash of the cells and of the refusals: what a shard depends on."""
    rows = own(locators)
    content = hashlib.blake2b(digest_size=32)
    for cell in cells(rows):
        told = f"{cell.code}|{cell.column}" if isinstance(cell, Refusal) else "" if cell is None else cell
        content.update(f"{type(cell).__name__}{len(told)}:{told}".encode("utf-8", "surrogatepass"))
    for cell in _column(rows, rows.track).to_pylist() if rows.track else ():
        told = str(cell)
        content.update(f"{type(cell).__name__}{len(told)}:{told}".encode("utf-8", "surrogatepass"))
    content.update("|".join([rows.column, str(rows.track), *_files(rows)]).encode())
    if rows.places is not None:
        about = rows.places.path.stat()
        content.update(f"{about.st_size}|{about.st_mtime_ns}".encode())
    return content.hexdigest()


def _column(locators: SequenceRows, name: str) -> pa.ChunkedArray:
    if locators.file is None:
        assert locators.rows is not None
        return locators.rows.column(name).slice(locators.start, len(locators))
    stamp = locators.file.stat().st_mtime_ns
    return _opened(locators.file, stamp, name).slice(locators.start, len(locators))


@functools.lru_cache(maxsize=4)
def _opened(file: Path, stamp: int, column: str) -> pa.ChunkedArray:  # noqa: ARG001  a rewritten file is another
    import pyarrow as pa

    return pa.ipc.open_file(pa.memory_map(str(file))).read_all().column(column)
