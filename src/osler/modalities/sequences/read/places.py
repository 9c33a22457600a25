"""Sequences that a table only names: a record of a FASTA file, or a place on a genome."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from osler.core.errors import Refusal, RequestError, StudyError, did_you_mean
from osler.core.table import MISSING_CELLS
from osler.modalities.sequences.case import Places
from osler.modalities.sequences.read.alphabet import decode
from osler.modalities.sequences.read.bedgraph import names_file
from osler.modalities.sequences.read.bedgraph import opened as bedgraph
from osler.modalities.sequences.read.intervals import from_fasta, from_intervals, interval
from osler.modalities.sequences.read.reference import Reference

SOURCE, ASSEMBLY = "source", "assembly"
OPTIONS = (SOURCE, ASSEMBLY)
WANTED = "source: an input with a FASTA file has one column, the record's name, or three or four: contig, start, end, strand"


def places_of(options: Mapping[str, Any], *, columns: Sequence[str], folder: Path, cache: Path | None) -> Places | None:
    """Return where the letters lie that `columns` name, None where they are in the column itself; the FASTA file is opened once, and
    its index made where there is none. A path is meant from `folder`.

    Raises StudyError, with all faults, where the options or the file cannot be used.
    """
    if SOURCE not in options:
        if ASSEMBLY in options:
            raise StudyError("assembly: it is that of the FASTA file; name the file as 'source'")
        return None
    given = options[SOURCE]
    faults = [] if len(columns) in {1, 3, 4} else [f"{WANTED}; {len(columns)} came"]
    if not isinstance(given, str) or not given.strip():
        faults.append("source: the path of a FASTA file is wanted")
    if faults:
        raise StudyError(faults)
    said = options.get(ASSEMBLY)
    places = Places(_file(str(given), folder), tuple(columns), cache or _passing(), None if said is None else str(said), folder)
    try:
        opened(places)
    except RequestError as error:
        raise StudyError(f"source: {error}") from None
    return places


def public(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a bundle may hold: of an absolute path only the file's name."""
    return {name: _public_path(str(value)) if name == SOURCE else value for name, value in options.items()}


def _public_path(path: str) -> str:
    posix, windows = PurePosixPath(path), PureWindowsPath(path)
    return posix.name if posix.is_absolute() else windows.name if windows.is_absolute() else path


def _file(given: str, folder: Path) -> Path:
    path = (folder / given).resolve()
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
        raise StudyError(f"source: there is no file '{path.name}' where the study says{did_you_mean(path.name, beside)}")
    return path


@functools.cache
def _passing() -> Path:
    """Return a folder that lives as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="osler-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def opened(places: Places) -> Reference:
    """Return the FASTA file, opened once in a process; raises RequestError."""
    about = places.path.stat()
    return _opened(places, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _opened(places: Places, size: int, changed: int) -> Reference:  # noqa: ARG001  a rewritten file is another
    return Reference(places.path, cache=places.cache, assembly=places.assembly)


def signals(places: Places, rows: Sequence[Sequence[Any]], names: Sequence[Any], *, column: str) -> Iterator[Any]:
    """Yield for each of `rows`, cells of `places.columns`, what its cell of `names` tells: itself, or where it names a bedGraph file the
    values of the place (length,), None where there are none, or why."""
    for row, cell in zip(rows, names, strict=True):
        if not names_file(cell):
            yield cell
            continue
        told = ["" if one is None else str(one).strip() for one in row]
        one = interval(told[0], told[1], told[2], strand="".join(told[3:]))
        signal = bedgraph(places.folder or Path(), cell, column=column)
        yield None if isinstance(one, Refusal) else signal if isinstance(signal, Refusal) else signal.values(one)


def texts(places: Places, rows: Sequence[Sequence[Any]]) -> Iterator[str | Refusal | None]:
    """Yield the letters that each of `rows`, cells of `places.columns`, names; None where a cell is empty but that of the strand."""
    reference = opened(places)
    for row in rows:
        cells = ["" if cell is None else str(cell).strip() for cell in row]
        if any(cell in MISSING_CELLS for cell in cells[:3]):
            yield None
        elif len(cells) == 1:
            yield from from_fasta(cells, reference)
        else:
            one = interval(cells[0], cells[1], cells[2], strand="".join(cells[3:]))
            [codes] = from_intervals([one], reference)
            yield codes if isinstance(codes, Refusal) else decode(codes, "dna")
