"""Which files a folder of records holds, and how they are opened: nothing outside the folder, nothing twice."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from osler.core.errors import TableError


def listed(folder: Path, *, endings: Sequence[str]) -> list[Path]:
    """Return the files under `folder` whose names end in one of `endings`, sorted; raises TableError where a link leads out."""
    found: list[Path] = []
    home = folder.resolve()
    for here, folders, names in os.walk(folder, onerror=_cannot_list):
        wanted = [name for name in names if name.lower().endswith(tuple(endings)) and not name.startswith((".", "_"))]
        for name in (*folders, *wanted):
            path = Path(here, name)
            if path.is_symlink():
                _check_link(path, home)  # what it shows lies in the folder too, and is listed there
            elif name in wanted:
                found.append(path)
    return sorted(found)


def _cannot_list(error: OSError) -> NoReturn:
    raise unreadable(Path(str(error.filename)), error) from None


def _check_link(path: Path, home: Path) -> None:
    if not path.resolve().is_relative_to(home):
        raise TableError(
            f"'{path.name}' in '{home.name}' is a link that leads out of the folder; put what it shows into the folder, or leave it out"
        )


def unreadable(path: Path, error: OSError) -> TableError:
    """Return the error for a file or folder that the system does not give."""
    why = os.strerror(error.errno) if error.errno else type(error).__name__  # Arrow puts the path into its own
    return TableError(f"'{path}' cannot be read: {why}; check that it exists and may be read")


def damaged(path: Path) -> TableError:
    """Return the error for a file that does not hold together; what an inner library says may quote it, so it is left out."""
    return TableError(f"'{path.name}' is damaged or cut off; fetch or export it again")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what can go wrong while `path` is read into a TableError that does not quote it."""
    import pyarrow as pa

    try:
        yield
    except (EOFError, pa.ArrowException, gzip.BadGzipFile):
        raise damaged(path) from None
    except OSError as error:
        raise (unreadable(path, error) if error.errno else damaged(path)) from None


def opened(path: Path) -> IO[bytes]:
    """Return the content of `path`, unpacked where it ends in .gz; the caller closes it."""
    return cast("IO[bytes]", gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def once(paths: Sequence[Path]) -> tuple[list[Path], int]:
    """Return `paths` without files that have the content of one before, and how many those are."""
    sizes: dict[int, list[Path]] = {}
    for path in paths:
        sizes.setdefault(path.stat().st_size, []).append(path)
    again = {p for same in sizes.values() if len(same) > 1 for p in _repeated(same)}
    return [p for p in paths if p not in again], len(again)


def _repeated(paths: Sequence[Path]) -> Iterator[Path]:
    seen: set[bytes] = set()
    for path in paths:
        with reading(path), path.open("rb") as file:
            content = hashlib.file_digest(cast("Any", file), "sha256").digest()
        if content in seen:
            yield path
        seen.add(content)
