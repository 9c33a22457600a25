"""Files of molecules as tables: a SMILES a line (.smi), or molfiles behind one another (.sdf). Nothing of chemistry is read here.

A line of .smi is a SMILES and, after white space, a name; a first line whose first word is "smiles" is a heading. A record of an SDF
(CTfile Formats, BIOVIA 2020) gives its molfile as it stands, its title, and each data item under the name of its tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from osler.core.errors import Refusal
from osler.spine.scan.lines import batches, lines_of, piece_of, whole_lines
from osler.spine.scan.piece import Piece
from osler.spine.scan.source import Source

SMILES, MOLFILE, NAME = "smiles", "molfile", "name"  # columns
RECORD_LIMIT = 16 << 20  # bytes: a molfile of 999 atoms has 70 kB
LONG = Refusal("ragged", f"the record is longer than {RECORD_LIMIT >> 20} MB: most likely the line that ends it is missing")
_END = b"$$$$"
_TAG = re.compile(rb"^>.*?<([^>\r\n]+)>", re.MULTILINE)


def smiles_pieces(source: Source) -> Iterator[Piece]:
    """Yield the lines of a .smi as columns SMILES and NAME; raises TableError."""
    first = True
    for lines in batches(lines_of(source)):
        rows = [line.split(None, 1) for line in lines]
        if first and rows[0][0].lower() == b"smiles":
            rows = rows[1:]
        first = False
        names = [row[1].strip() if len(row) > 1 else None for row in rows]
        yield piece_of({SMILES: [row[0] for row in rows], NAME: names})


def sdf_pieces(source: Source) -> Iterator[Piece]:
    """Yield the records of an SDF as columns MOLFILE, NAME, and one per tag in the order in which tags first occur.

    The file is gone through twice, as a tag may occur first in its last record. A record that is cut off, and one that
    is too long, are rows too: what cannot be read of them is refused with the others. Raises TableError.
    """
    tags = _tags(source)
    for records in batches(_records(source)):
        columns: dict[str, list[bytes | None]] = {name: [] for name in (MOLFILE, NAME, *tags)}
        long = {}
        for row, record in enumerate(records):
            if len(record) > RECORD_LIMIT:
                long[row] = LONG
            cells = {} if row in long else _cells(record)
            for name, column in columns.items():
                column.append(cells.get(name))
        piece = piece_of(columns)
        yield Piece(piece.rows, {**piece.refusals, **long})


def cases_column(source: Source) -> str | None:
    """Return the column in which a file of molecules holds them; None of any other table."""
    return {"smiles": SMILES, "sdf": MOLFILE}.get(source.kind)


def _cells(record: bytes) -> dict[str, bytes | None]:
    """Return the cells of one record by column."""
    molfile, end, rest = record.partition(b"M  END")
    found: dict[str, bytes | None] = {MOLFILE: molfile + end, NAME: molfile.partition(b"\n")[0].strip() or None}
    tag, held = None, list[bytes]()
    for line in [*rest.splitlines()[1:], b">"]:
        opened = _TAG.match(line) if line.startswith(b">") else None
        if line.startswith(b">"):
            if tag is not None:
                found.setdefault(tag, b"\n".join(held).strip() or None)
            tag, held = (_named(opened.group(1)) if opened else None), []
        elif tag is not None:
            held.append(line)
    return found


def _tags(source: Source) -> list[str]:
    """Return the names of all data items; those called as a column of ours is are left to that."""
    found: dict[str, None] = {}
    for block in whole_lines(source):
        found |= dict.fromkeys(_named(tag) for tag in _TAG.findall(block))
    return [name for name in found if name not in (MOLFILE, NAME, "")]


def _named(tag: bytes) -> str:
    return tag.decode("utf-8", "replace").strip()


def _records(source: Source) -> Iterator[bytes]:
    """Yield the records without the lines that end them; what stands behind the last end is a record unless it is blank."""
    held: list[bytes] = []
    size = 0
    for block in whole_lines(source):
        parts = re.split(rb"^\$\$\$\$[^\n]*\n?", block, flags=re.MULTILINE)
        for part in parts[:-1]:
            yield b"".join([*held, part])
            held, size = [], 0
        if size <= RECORD_LIMIT:  # the rest of a record that is too long is not kept
            held.append(parts[-1])
        size += len(parts[-1])
    last = b"".join(held)
    if last.strip():
        yield last
