"""Tables prepared once: an Arrow IPC file in the cache, memory-mapped afterwards.

The refusals lie in the metadata of a last batch without rows, so that one file, which appears whole or not at all, holds
everything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from osler.core.disk import private_folder, whole
from osler.core.errors import Refusal, TableError
from osler.spine.scan.piece import Piece
from osler.spine.scan.source import Source

VERSION = 1  # of what reading makes of a file: raised when the same bytes come out otherwise
_BUFFER = 1 << 20  # bytes
_KEY = b"osler.refusals"
_CURE = "a line above the header, row names without a column name (in R: row.names = FALSE) and delimiters at the ends of lines do this"


def digest_of(source: Source) -> str:
    """Return the sha256 of the file; raises TableError where it cannot be read."""
    try:
        with source.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TableError(f"'{source.path}' cannot be read: {error.strerror}") from None


def place(source: Source, *, cache: Path, digest: str) -> Path:
    """Return where the prepared table lies: named by content, and by what else the reading depends on.

    Absolute: a worker may have another working directory."""
    asked = json.dumps([VERSION, source.kind, source.packing, source.sheet, source.path.suffixes[-2:]])
    return cache.absolute() / f"{digest}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}.arrow"


def write(pieces: Iterable[Piece], *, path: Path, file: str) -> None:
    """Write the prepared table; raises TableError where no row came or none can be used."""
    rows = 0
    refusals: dict[int, Refusal] = {}
    private_folder(path.parent)
    # Buffered: each column of a batch is several small writes.
    with whole(path) as temporary, pa.BufferedOutputStream(pa.OSFile(str(temporary), "wb"), _BUFFER) as sink:
        writer: pa.RecordBatchFileWriter | None = None
        for piece in pieces:
            writer = writer or pa.ipc.new_file(sink, piece.rows.schema)
            writer.write_table(piece.rows)
            refusals |= {row + rows: refusal for row, refusal in piece.refusals.items()}
            rows += len(piece.rows)
            nothing = piece.rows.to_batches()[-1].slice(0, 0)
        if writer is None:
            raise TableError(f"'{file}' has a header but no rows")
        if len(refusals) == rows:
            raise TableError(f"'{file}': none of its {rows:,} rows can be used; the first: {refusals[0]}; {_CURE}")
        writer.write_batch(nothing, custom_metadata={_KEY: _packed(refusals)})
        writer.close()


def read(path: Path) -> tuple[pa.Table, dict[int, Refusal]] | None:
    """Return the prepared table, memory-mapped, and its refusals; None where there is none that can be read."""
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        last = reader.get_batch_with_custom_metadata(reader.num_record_batches - 1)
        return reader.read_all(), _unpacked(last.custom_metadata[_KEY])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


def _packed(refusals: dict[int, Refusal]) -> bytes:
    """Return JSON in which each sentence stands once."""
    rows: dict[Refusal, list[int]] = {}
    for row, refusal in refusals.items():
        rows.setdefault(refusal, []).append(row)
    return json.dumps([[refusal.code, refusal.sentence, refusal.column, at] for refusal, at in rows.items()]).encode()


def _unpacked(text: bytes) -> dict[int, Refusal]:
    known = {row: Refusal(code, sentence, column) for code, sentence, column, at in json.loads(text) for row in at}
    return dict(sorted(known.items()))
