"""Which file has which content, so that an unchanged file is not hashed twice."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
from collections.abc import Mapping
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

    def known(self, path: Path) -> str | None:
        """Return the sha256 of the file's content where it is known, "" for a file that cannot be read, None where it is to be found."""
        key = mark(path)
        if key is None:
            return ""
        found = None if self.verify else self.base.execute("select sha256 from files where key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def learn(self, found: Mapping[str, str]) -> None:
        """Keep what was found: sha256 by mark."""
        self.base.executemany("insert or replace into files values (?, ?)", found.items())

    def digest(self, path: Path) -> str:
        """Return the sha256 of the file's content, hashed where it is not known; "" for a file that cannot be read."""
        known = self.known(path)
        if known is not None:
            return known
        found: dict[str, str] = {}
        digest = hashed(path, found)
        self.learn(found)
        return digest


def mark(path: Path) -> str | None:
    """Return what changes when the file does; None where there is no ordinary file: a pipe would be waited for."""
    try:
        about = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    return f"{os.path.abspath(path)}|{about.st_size}|{about.st_mtime_ns}|{about.st_ino}"  # noqa: PTH100  Path takes five times as long


def hashed(path: Path, found: dict[str, str]) -> str:
    """Return the file's sha256 and put it into `found` under its mark; "" for a file that cannot be read (its reader refuses it)."""
    key = mark(path)
    if key is None:
        return ""
    try:
        found[key] = file_sha256(path)
    except OSError:
        return ""
    return found[key]


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
