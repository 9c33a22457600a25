"""Files that appear whole or not at all, and the words for a disk that says no."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from osler.core.errors import OslerError, OutputError, RequestError, RunError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR, errno.EEXIST}


def said(error: OSError, *, path: Path) -> OslerError:
    """Return the machine's refusal to write `path` in the user's words.

    OutputError for a full disk, RequestError for a place that cannot be written to at all, RunError for a failing machine.
    """
    number = _number(error)
    if number in _FULL:
        return OutputError(f"no room left while writing '{path}': free some space, or write to another disk, and run again")
    if number in _FORBIDDEN:
        return RequestError(f"'{path.parent}' may not be written to (read-only, or another user's); choose another folder")
    if number in _NO_FOLDER:
        return RequestError(f"'{path.parent}' is no folder that exists; create it, or choose another")
    if number == errno.EISDIR:
        return RequestError(f"'{path}' is a folder; wanted the name of a file")
    reason = os.strerror(number) if number else type(error).__name__
    return RunError(f"'{path}' could not be written: {reason}")


@contextlib.contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn every OSError raised inside into the sentence of `said` about `path`."""
    try:
        yield
    except OSError as error:
        raise said(error, path=path) from None


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; what was written there becomes `path` at the end, or vanishes on an error.

    A killed process leaves the old file or none. Raises as `said` does.
    """
    with telling(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")
        temporary.touch(exist_ok=False)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def private_folder(path: Path) -> Path:
    """Make the folder `path` readable by its user alone, where it is not there yet; raises as `said` does."""
    with telling(path / "file"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _number(error: OSError) -> int | None:
    """Return the error's number; polars tells it in its text only."""
    found = re.search(r"os error (\d+)", str(error))
    return error.errno if error.errno is not None else int(found.group(1)) if found else None
