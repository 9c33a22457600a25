"""Tables from files: prepared once for training, streamed for prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from osler.core.errors import Refusal, TableError
from osler.core.table import Table
from osler.spine.scan import store
from osler.spine.scan.piece import Piece
from osler.spine.scan.source import Source, source

BLOCK_BYTES = 64 << 20  # a block of a wide table has fewer rows than asked for, so that memory stays bounded


def open_table(path: Path, *, cache: Path) -> Table:
    """Return the table in `path`, prepared on disk in `cache` and memory-mapped; a prepared table is used again.

    Text: every cell a string, null where empty; the first line names the columns; the delimiter (comma, tab, semicolon, bar)
    and the encoding are found out; gzip, bz2 and zstd are unpacked. Excel as `excel` says; "book.xlsx#sheet" names a sheet.
    Parquet and Arrow keep their types. Memory stays bounded whatever the number of rows, save for Excel. Raises TableError
    for what cannot be opened, RequestError where `cache` cannot be written.
    """
    found = source(path)
    digest = store.digest_of(found)
    file = store.place(found, cache=cache, digest=digest)
    prepared = store.read(file)
    if prepared is None:
        store.write(_pieces(found), path=file, file=found.name)
        prepared = store.read(file)
    if prepared is None:
        raise TableError(f"the prepared table in '{cache}' cannot be read back; is something else writing there?")
    rows, refusals = prepared
    return Table(rows, found.path.parent, file=file, refusals=refusals, digest=digest)


def blocks(path: Path, *, size: int = 65536) -> Iterator[Table]:
    """Yield the table in `path` in blocks of at most `size` rows, in bounded memory, read as `open_table` reads it.

    `Table.first` is the number of a block's first row. The same file always gives the same blocks. Raises TableError, some faults
    only when their place in the file is reached.
    """
    found = source(path)
    held: list[Piece] = []
    first, bytes_held = 0, 0
    for piece in _pieces(found):
        held.append(piece)
        bytes_held += piece.rows.nbytes
        if bytes_held < BLOCK_BYTES and sum(len(p.rows) for p in held) < size:
            continue
        block = _joined(held, folder=found.path.parent, first=first)
        whole = len(block) - len(block) % size if bytes_held < BLOCK_BYTES else len(block)
        for start in range(0, whole, size):
            yield block.slice(start, min(start + size, whole))
        rest = block.slice(whole, len(block))
        first += whole
        held = [Piece(rest.rows, dict(rest.refusals))] if len(rest) else []
        bytes_held = rest.rows.nbytes
    if held:
        yield _joined(held, folder=found.path.parent, first=first)
    elif not first:
        raise TableError(f"'{found.name}' has a header but no rows")


def cases_column(path: Path) -> str | None:
    """Return the column in which a file of molecules (.smi, .sdf) or sequences (.fa) holds them, None where `path` is another table; raises
    TableError."""
    from osler.spine.scan import chemical, genomic

    found = source(path)
    return chemical.cases_column(found) or genomic.cases_column(found)


def rows_about(path: Path) -> int | None:
    """Return about how many rows the table in `path` has, from its size and its first lines, or exactly where the file tells; None
    where only reading all of it would tell."""
    found = source(path)
    if found.kind == "parquet":
        from osler.spine.scan.typed import parquet_rows

        return parquet_rows(found)
    if found.kind != "text" or found.packing:
        return None
    first = next(found.unpacked(), b"")
    return round(found.path.stat().st_size / len(first) * max(1, first.count(b"\n"))) if first else None


def _joined(held: list[Piece], *, folder: Path, first: int) -> Table:
    import pyarrow as pa

    refusals: dict[int, Refusal] = {}
    start = 0
    for piece in held:
        refusals |= {row + start: refusal for row, refusal in piece.refusals.items()}
        start += len(piece.rows)
    rows = pa.concat_tables([piece.rows for piece in held]).combine_chunks()
    return Table(rows, folder, first=first, refusals=refusals)


def _pieces(found: Source) -> Iterator[Piece]:
    """Yield the rows of `found`; the reader of each kind is imported when it is needed."""
    return _reader(found)(found)


def _reader(found: Source) -> Callable[[Source], Iterator[Piece]]:
    if found.kind == "excel":
        from osler.spine.scan.excel import excel_pieces

        return excel_pieces
    if found.kind == "text":
        from osler.spine.scan.text import text_pieces

        return text_pieces
    if found.kind in {"smiles", "sdf"}:
        from osler.spine.scan.chemical import sdf_pieces, smiles_pieces

        return smiles_pieces if found.kind == "smiles" else sdf_pieces
    if found.kind in {"bed", "fasta"}:
        from osler.spine.scan.genomic import bed_pieces, fasta_pieces

        return bed_pieces if found.kind == "bed" else fasta_pieces
    from osler.spine.scan.typed import arrow_pieces, parquet_pieces

    return parquet_pieces if found.kind == "parquet" else arrow_pieces
