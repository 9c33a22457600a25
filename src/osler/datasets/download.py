"""One file from its home: asked for by the user, checked, of bounded size, taken up where it was broken off."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from osler.core.errors import OutputError, RunError
from osler.core.watch import SILENT, Watch
from osler.datasets.registry import Archive

CHUNK = 1 << 18
SECONDS = 30.0  # without a byte
_CURE = "run the same command again, or name a --mirror folder that holds the file"


def fetch(archive: Archive, partial: Path, *, watch: Watch = SILENT) -> None:
    """Fetch the archive into the file `partial`, which may hold its first part already.

    Raises RunError where the home cannot be reached, the file is larger than it may be, or its sum is not the official one (what
    was fetched is then removed); OutputError where the disk says no.
    """
    try:
        have = partial.stat().st_size if partial.exists() else 0
        if have == 0 or not is_whole(archive, partial):
            _continue(archive, partial, have, watch)
        whole = is_whole(archive, partial)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise RunError(f"'{archive.name}' could not be fetched from {archive.url}: {_reason(error)}; {_CURE}") from None
    except OSError as error:
        raise OutputError(f"'{partial.parent}' cannot be written: {error.strerror}; choose another folder with --to") from None
    if not whole:
        kind, wanted = _wanted(archive)
        found = file_sum(partial, kind)
        partial.unlink(missing_ok=True)
        raise RunError(
            f"what {archive.url} gave is not the official '{archive.name}' ({kind} {found[:12]}…, wanted {wanted[:12]}…); {_CURE}"
        )


def fetch_text(url: str, *, most_bytes: int = 1 << 20) -> str:
    """Return a small text from the home of a data set; raises RunError where it cannot be had."""
    request = urllib.request.Request(url, headers={"User-Agent": "osler"})  # noqa: S310  the registry's own address
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            content: bytes = answer.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise RunError(f"{url} gives more than {most_bytes:,} bytes; it is not the file that was meant")
        return content.decode()
    except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
        raise RunError(f"{url} could not be fetched: {_reason(error)}; {_CURE}") from None


def is_whole(archive: Archive, path: Path) -> bool:
    """Return whether a file is the official one."""
    kind, wanted = _wanted(archive)
    return file_sum(path, kind) == wanted


def _wanted(archive: Archive) -> tuple[str, str]:
    return ("sha256", archive.sha256) if archive.sha256 else ("md5", archive.md5)


def file_sum(path: Path, kind: str) -> str:
    """Return the md5 or the sha256 of a file; the homes of pictures tell no stronger sum than md5."""
    digest = hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _continue(archive: Archive, partial: Path, have: int, watch: Watch) -> None:
    headers = {"User-Agent": "osler", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(archive.url, headers=headers)  # noqa: S310  the registry's own address
    try:
        answer: Any = urllib.request.urlopen(request, timeout=SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        partial.unlink()  # it is whole, and another file
        answer = urllib.request.urlopen(archive.url, timeout=SECONDS)  # noqa: S310
    with answer:
        appended = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        have = have if appended else 0
        length = answer.headers.get("Content-Length")
        watch.stage("fetching", total=have + int(length) if length and length.isdigit() else 0)
        watch.advance(have)
        with partial.open("ab" if appended else "wb") as stream:
            while chunk := answer.read(CHUNK):
                have += len(chunk)
                if have > archive.most_bytes:
                    stream.close()
                    partial.unlink()
                    raise RunError(
                        f"{archive.url} gives more than {archive.most_bytes:,} bytes; it is not the file that was meant"
                    )
                stream.write(chunk)
                watch.advance(len(chunk))
        if length and length.isdigit() and answer.length not in {0, None}:
            raise http.client.IncompleteRead(b"")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code}"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection was broken off; what arrived is kept"
    return str(getattr(error, "reason", "") or error or type(error).__name__)
