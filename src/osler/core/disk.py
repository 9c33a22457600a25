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

    A killed process leaves the old file or none, and its temporary one, which `sweep` removes. Raises as `said` does.
    """
    with telling(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        temporary, mark = _claimed(path)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(mark)


def sweep(path: Path) -> None:
    """Remove what killed processes left beside `path` when they were in the midst of `whole`; a file that is being written stays."""
    left = re.compile(re.escape(f".{path.name[:100]}.") + r"[0-9a-f]{12}\.part")
    for old in path.parent.glob(".*.part"):
        with contextlib.suppress(OSError):
            if left.fullmatch(old.name) and not old.is_symlink():
                _remove_if_forsaken(old)


def _remove_if_forsaken(old: Path) -> None:
    mark = os.open(old, os.O_RDWR)
    try:
        if _locked(mark, wait=False):
            old.unlink()
    finally:
        os.close(mark)


def _claimed(path: Path) -> tuple[Path, int]:
    """Return a new temporary file beside `path`, and the open mark by which others see that it is being written."""
    while True:
        temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")
        mark = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        _locked(mark, wait=True)
        if temporary.exists():
            return temporary, mark
        os.close(mark)  # swept between the two lines above


def _locked(mark: int, *, wait: bool) -> bool:
    """Return whether an open file is now this process's alone; it is nobody's on a disk, or a system, without such locks."""
    try:
        import fcntl

        fcntl.flock(mark, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except (ImportError, OSError):
        return False
    return True


def private_folder(path: Path) -> Path:
    """Make the folder `path` readable by its user alone, where it is not there yet; raises as `said` does."""
    with telling(path / "file"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _number(error: OSError) -> int | None:
    """Return the error's number; polars tells it in its text only."""
    found = re.search(r"os error (\d+)", str(error))
    return error.errno if error.errno is not None else int(found.group(1)) if found else None
