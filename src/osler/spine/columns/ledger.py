"""Which file has which content, so that an unchanged file is not hashed twice."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from osler.core.errors import OutputError

CHUNK = 1 << 22


class Ledger:
    """Maps (path, size, mtime, inode) to sha256 in a small database of the cache; `verify` hashes each file again."""

    def __init__(self, cache: Path, *, verify: bool = False) -> None:
        self.verify = verify
        path = cache / "ledger.sqlite"
        try:
            self.base = _opened(path)
        except sqlite3.OperationalError as error:
            raise OutputError(f"the cache cannot be written: {error}; choose another with --cache") from None
        except sqlite3.DatabaseError:  # torn by a crash: what it knew is found again by hashing
            path.unlink()
            self.base = _opened(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.base.commit()
        self.base.close()

    def digest(self, path: Path) -> str:
        """Return the sha256 of the file's content, "" for a file that cannot be read (the reader then refuses it)."""
        try:
            about = path.stat()
            key = f"{path.absolute()}|{about.st_size}|{about.st_mtime_ns}|{about.st_ino}"
            known = self.base.execute("select sha256 from files where key = ?", (key,)).fetchone()
            if known and not self.verify:
                return str(known[0])
            found = file_sha256(path)
        except OSError:
            return ""
        self.base.execute("insert or replace into files values (?, ?)", (key, found))
        return found


def _opened(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=30)
    base.execute("create table if not exists files (key text primary key, sha256 text)")
    return base


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
