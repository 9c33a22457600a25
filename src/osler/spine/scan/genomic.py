"""Files of genomes as tables: places (.bed), or sequences with their names (.fa, .fasta). Nothing of genetics is read here.

A line of BED (GA4GH BEDv1) gives contig, start, end, name, score and strand as they stand, and what follows as `column_7` and so on. A
record of FASTA gives its letters, on whatever lines, its name (to the first white space) and what stands behind it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from osler.core.errors import Refusal
from osler.spine.scan.lines import RECORDS, batches, lines_of, piece_of
from osler.spine.scan.piece import Piece
from osler.spine.scan.source import Source

PLACES = ("chrom", "start", "end", "name", "score", "strand")  # columns of BED
SEQUENCE, NAME, DESCRIPTION = "sequence", "name", "description"  # columns of FASTA
LETTERS = 1 << 20  # of a record at most; a case is no chromosome: that is what 'source' of an input is for
HEADER = 1 << 16  # bytes of a header at most
HELD = 1 << 26  # letters of a piece
LONG = Refusal("too-long", f"the record has more than {LETTERS:,} letters; cut it, or name places in it")
_HEADS = (b"#", b"track", b"browser")


def bed_pieces(source: Source) -> Iterator[Piece]:
    """Yield the places of a BED file, all its columns as text; comments, `track` and `browser` lines are left out. Raises TableError."""
    rows = (_cells(line) for line in lines_of(source) if not line.startswith(_HEADS))
    first = list(islice(rows, 1))
    more = tuple(f"column_{number}" for number in range(7, (len(first[0]) if first else 0) + 1))
    for batch in batches(chain(first, rows)):
        names = (*PLACES, *more)
        yield piece_of({name: [row[at] if at < len(row) else None for row in batch] for at, name in enumerate(names)})


def _cells(line: bytes) -> list[bytes | None]:
    cells = line.split(b"\t") if b"\t" in line else line.split()
    return [cell.strip() or None for cell in cells]


def fasta_pieces(source: Source) -> Iterator[Piece]:
    """Yield the records of a FASTA file, one of more than `LETTERS` refused; raises TableError where it is none."""
    held: list[_Record] = []
    letters = 0
    for record in _records(source):
        held.append(record)
        letters += record.size
        if len(held) == RECORDS or letters > HELD:
            yield _piece(held)
            held, letters = [], 0
    if held:
        yield _piece(held)


@dataclass(slots=True)
class _Record:
    """A record while it is read; of one that is too long nothing is kept but its `size`."""

    header: bytes
    letters: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, letters: bytes) -> None:
        self.size += len(letters)
        self.letters.append(letters)
        if self.size > LETTERS:
            self.letters.clear()


def _records(source: Source) -> Iterator[_Record]:
    record: _Record | None = None
    in_header = False
    for part, starts, ends in _fragments(source):
        if starts and part.startswith(b">"):
            if record is not None:
                yield record
            record, in_header = _Record(part[1:]), not ends
        elif in_header and record is not None:
            record.header += part
            in_header = not ends
        elif record is not None:
            record.add(part.strip())
        elif part.strip() and not part.startswith(b";"):
            raise source.damaged(
                "is no FASTA: a record begins with '>', and something else comes first", "look at the file's ending"
            )
        if record is not None and len(record.header) > HEADER:
            raise source.damaged(f"is no FASTA: a header has more than {HEADER:,} bytes", "look at the file's ending")
    if record is not None:
        yield record


def _fragments(source: Source) -> Iterator[tuple[bytes, bool, bool]]:
    """Yield lines, of long ones parts, and whether each begins its line and ends it: a chromosome may stand on one."""
    starts = True
    for part in source.unpacked():
        for line in io.BytesIO(part):
            ends = line.endswith(b"\n")
            yield line.rstrip(b"\r\n"), starts, ends
            starts = ends


def _piece(records: list[_Record]) -> Piece:
    words = [record.header.split(None, 1) for record in records]
    piece = piece_of({
        SEQUENCE: [b"".join(record.letters) or None for record in records],
        NAME: [one[0] if one else None for one in words],
        DESCRIPTION: [one[1].strip() if len(one) > 1 else None for one in words],
    })  # fmt: skip
    long = {row: LONG for row, record in enumerate(records) if record.size > LETTERS}
    return Piece(piece.rows, {**piece.refusals, **long})


def cases_column(source: Source) -> str | None:
    """Return the column in which a FASTA file holds its sequences; None of any other table."""
    return SEQUENCE if source.kind == "fasta" else None
