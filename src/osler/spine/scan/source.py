"""Which file, of which kind, packed how."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

from osler.core.errors import TableError, did_you_mean

Kind = Literal["text", "excel", "parquet", "arrow", "smiles", "sdf", "bed", "fasta"]
KNOWN = (
    "CSV, TSV or other delimited text (also .gz, .bz2, .zst), Excel (.xlsx, .xls, .ods), Parquet, Arrow IPC, molecules in .smi "
    "or .sdf, places in .bed, or sequences in .fa or .fasta (all also packed)"
)
READ_SIZE = 4 << 20  # bytes

_ENDINGS: dict[str, Kind] = {
    ".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
    ".xlsx": "excel", ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel",
}  # fmt: skip
_CHEMICAL: dict[str, Kind] = {".smi": "smiles", ".smiles": "smiles", ".ism": "smiles", ".sdf": "sdf", ".sd": "sdf"}
_GENOMIC: dict[str, Kind] = {".bed": "bed", ".fa": "fasta", ".fasta": "fasta", ".fna": "fasta", ".faa": "fasta"}
_PACKINGS = (".gz", ".bgz", ".bz2", ".zst")
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # a zip archive; an OLE2 file
_ARROW = (b"ARROW1\0\0", b"\xff\xff\xff\xff")  # the file and the stream format


@dataclass(frozen=True, slots=True)
class Source:
    """A file that may hold a table. `sheet` is the one asked for by "book.xlsx#sheet"; `packing` "" where not packed."""

    path: Path
    kind: Kind
    packing: str = ""
    sheet: str | None = None

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.path.name

    def damaged(self, what: str, cure: str = "fetch or export the file again") -> TableError:
        """Return the error for content that does not hold together; never quotes the content."""
        return TableError(f"'{self.name}' {what}; {cure}")

    def unpacked(self) -> Iterator[bytes]:
        """Yield the unpacked content; raises TableError where the packing is damaged or the file cannot be read."""
        try:
            with _unpacked(self.path, self.packing) as stream:
                while part := stream.read(READ_SIZE):
                    yield part
        except EOFError:
            raise self.damaged(f"ends in the middle: its {self.packing} packing is cut off") from None
        except zlib.error:
            raise self.damaged(f"has damaged {self.packing} packing") from None
        except OSError as error:
            if self.packing:
                raise self.damaged(f"has damaged {self.packing} packing, or is cut off") from None
            raise TableError(f"'{self.path}' cannot be read: {error.strerror or type(error).__name__}") from None


def source(path: Path) -> Source:
    """Return what `path` is, from its first bytes and its ending; raises TableError where there is nothing to open."""
    path, sheet = _with_sheet(path)
    _there(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
            file.seek(-min(4, file.seek(0, 2)), 2)
            end = file.read(4)
    except OSError as error:
        raise TableError(f"'{path}' cannot be read: {error.strerror}") from None
    if not start:
        raise TableError(f"'{path.name}' is empty (0 bytes); wanted a header line and rows")
    wanted = _ENDINGS.get(path.suffix.lower())
    packing = next((name for magic, name in _PACKED.items() if start.startswith(magic) and not wanted), "")
    wanted = wanted or _named(path)
    return Source(path, wanted or ("text" if packing else _kind(start, end)), packing, sheet)


def _named(path: Path) -> Kind | None:
    """Return the kind of a file of molecules, places or sequences, which its name alone tells, packed or not."""
    inner = path.with_suffix("") if path.suffix.lower() in _PACKINGS else path
    return {**_CHEMICAL, **_GENOMIC}.get(inner.suffix.lower())


def _kind(start: bytes, end: bytes) -> Kind:
    if start.startswith(b"PAR1") and end == b"PAR1":
        return "parquet"
    if start.startswith(_ARROW):
        return "arrow"
    return "excel" if start.startswith(_EXCEL) else "text"


def _with_sheet(path: Path) -> tuple[Path, str | None]:
    name, mark, sheet = path.name.partition("#")
    if mark and name and not _exists(path):
        return path.with_name(name), sheet
    return path, None


def _there(path: Path) -> None:
    if not _exists(path):
        beside = [p.name for p in path.parent.iterdir() if p.is_file()] if _exists(path.parent) and path.parent.is_dir() else None
        if beside is None:
            raise TableError(f"no file '{path}': there is no folder '{path.parent}'")
        raise TableError(f"no file '{path.name}' in '{path.parent}'{did_you_mean(path.name, sorted(beside))}")
    if path.is_dir():
        raise TableError(f"'{path}' is a folder; wanted a file: {KNOWN}")
    if not path.is_file():
        raise TableError(f"'{path}' is no ordinary file; wanted {KNOWN}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _unpacked(path: Path, packing: str) -> IO[bytes]:
    if packing == "gzip":
        return cast("IO[bytes]", gzip.open(path))
    if packing == "bz2":
        return cast("IO[bytes]", bz2.open(path))
    if packing == "zstd":
        import pyarrow as pa

        return cast("IO[bytes]", pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
    return path.open("rb")
