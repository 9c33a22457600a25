"""Cut the cases into shards, read each once, in parallel processes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.errors import OutputError, RunError
from osler.core.watch import SILENT, Watch
from osler.spine.columns.ledger import Ledger, hashed
from osler.spine.columns.store import join, load, opened, save

FORMAT = 3  # of cached columns; a change of what is stored raises it, and old shards are read anew
UNFINISHED = 86_400  # seconds after which nobody writes a shard any more
PAYS = 2.0  # seconds of work from which on processes pay, whose start takes one (measured: 0.5 s of each of two); 0 starts them at once
MOST_BYTES = 50 << 30  # of the cache; the longest unused go first


def read_columns(
    modality: Modality,
    locators: Sequence[Any],
    *,
    reading: Mapping[str, Any],
    roles: frozenset[str],
    cache: Path,
    workers: int = 1,
    watch: Watch = SILENT,
) -> Columns:
    """Return the columns of `locators`, memory-mapped from `cache`.

    A shard is keyed by the content of its cases and by the reading decisions: a new row at the end redoes one shard.
    """
    private(cache)
    size = modality.cases_at_once(reading)
    pieces = [locators[start : start + size] for start in range(0, len(locators), size)] or [locators]
    job = _Job(modality, dict(reading), roles, cache / "columns")
    with Ledger(cache) as ledger:
        keys = [_key(job, piece, digest_of=ledger.known) for piece in pieces]
        hashes = [at for at, key in enumerate(keys) if key is None]
        for at, (key, found) in zip(hashes, _done(job, [(pieces[at], None) for at in hashes], workers, watch), strict=True):
            keys[at] = key
            ledger.learn(found)
    known = [key for key in keys if key is not None]
    folders = [job.place / key for key in known]
    joined = job.place / f"joined-{hashlib.sha256(''.join(known).encode()).hexdigest()[:40]}"
    whole = folders[0] if len(folders) == 1 else joined
    columns = opened(whole)
    if columns is None:
        missing = {k: p for p, k, f in zip(pieces, known, folders, strict=True) if opened(f) is None}
        for _ in _done(job, [(piece, key) for key, piece in missing.items()], workers, watch):
            pass
        if whole is joined:
            join(whole, folders)
        columns = load(whole)
    for folder in {whole, *folders}:
        if folder.exists():
            os.utime(folder)
    trim(cache, keep={whole, *folders})
    return columns


def private(cache: Path) -> None:
    """Make the cache for this user alone; raises OutputError where that cannot be."""
    try:
        (cache / "columns").mkdir(parents=True, exist_ok=True)
        cache.chmod(0o700)
    except OSError as error:
        raise OutputError(f"the cache {cache.name} cannot be made: {error.strerror}; choose another with --cache") from None


def trim(cache: Path, *, keep: set[Path], most: int = MOST_BYTES) -> None:
    """Remove what killed runs left unfinished, then the longest unused columns until the cache holds at most `most` bytes."""
    for torn in (cache / "columns").glob(".*"):
        if (measured := _used_and_size(torn)) and measured[0] < time.time() - UNFINISHED:
            shutil.rmtree(torn, ignore_errors=True)
    found = sorted((*measured, folder) for folder in (cache / "columns").iterdir() if (measured := _used_and_size(folder)))
    total = sum(size for _, size, _ in found)
    for _, size, folder in found:
        if total <= most:
            return
        if folder not in keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size


def _used_and_size(folder: Path) -> tuple[float, int] | None:
    """Return when `folder` was used and its bytes; None where it is none, or where another process just moved it."""
    try:
        return folder.stat().st_mtime, sum(p.stat().st_size for p in folder.iterdir())
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class _Job:
    """How each shard is made, and where it is put."""

    modality: Modality
    reading: Mapping[str, Any]
    roles: frozenset[str]
    place: Path

    def __call__(self, piece: Sequence[Any], key: str | None) -> tuple[str, dict[str, str]]:
        """Make the shard where it is not there yet; return its key, and the sha256 of the files that were hashed for it, by mark.

        Files are hashed right before they are read, so that the disk is read once.
        """
        found: dict[str, str] = {}
        if key is None:
            key = _key(self, piece, digest_of=lambda path: hashed(path, found))
            assert key is not None
        if opened(self.place / key) is None:
            save(self.place / key, self.modality.shard(piece, reading=dict(self.reading), roles=self.roles))
        return key, found


class _Unknown(Exception):
    """A file whose content is not known yet."""


def _key(job: _Job, piece: Sequence[Any], *, digest_of: Callable[[Path], str | None]) -> str | None:
    """Return the name of the shard; None where a file's digest is not known."""

    def digest(path: Path) -> str:
        found = digest_of(path)
        if found is None:
            raise _Unknown
        return found

    try:
        content = job.modality.digest(piece, file_digest=digest)
    except _Unknown:
        return None
    parts = [FORMAT, job.modality.name, dict(job.reading), sorted(job.roles), len(piece), content]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:40]


def _done(
    job: _Job, asked: Sequence[tuple[Sequence[Any], str | None]], workers: int, watch: Watch
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what the job gives for each of `asked`, in their order; processes are started where they shorten the work."""
    if not asked:
        return
    watch.stage("reading", total=len(asked))
    first = 0
    if workers <= 1 or len(asked) == 1 or PAYS:
        began = time.monotonic()
        yield job(*asked[0])
        watch.advance()
        first, seconds = 1, (time.monotonic() - began) * (len(asked) - 1)
        if workers <= 1 or seconds < PAYS:
            workers = 1
    rest = asked[first:]
    if workers <= 1 or not rest:
        for one in rest:
            yield job(*one)
            watch.advance()
        return
    yield from _in_processes(job, rest, workers, watch)


def _in_processes(
    job: _Job, asked: Sequence[tuple[Sequence[Any], str | None]], workers: int, watch: Watch
) -> Iterator[tuple[str, dict[str, str]]]:
    # loky: its workers neither fork a process with threads nor import the user's script
    from concurrent.futures.process import BrokenProcessPool

    from joblib import Parallel, delayed

    try:
        for found in Parallel(n_jobs=workers, return_as="generator")(delayed(_one)(job, *one) for one in asked):
            yield found
            watch.advance()
    except BrokenProcessPool:
        raise RunError(
            "a worker process died while reading, often for lack of memory; finished shards are kept, run again"
        ) from None


def _one(job: _Job, piece: Sequence[Any], key: str | None) -> tuple[str, dict[str, str]]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    return job(piece, key)
