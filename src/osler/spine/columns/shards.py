"""Cut the cases into shards, read each once, in parallel processes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from osler.contract import Modality
from osler.core.columns import Columns
from osler.core.errors import OutputError, RunError
from osler.core.watch import SILENT, Watch
from osler.spine.columns.ledger import Ledger
from osler.spine.columns.store import join, load, opened, save

FORMAT = 1  # of cached columns; a change of what is stored raises it, and old shards are read anew
UNFINISHED = 86_400  # seconds after which nobody writes a shard any more
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
    size = modality.shard_cases
    pieces = [locators[start : start + size] for start in range(0, len(locators), size)] or [locators]
    with Ledger(cache) as ledger:
        keys = [_key(modality, p, reading=reading, roles=roles, ledger=ledger) for p in pieces]
    folders = [cache / "columns" / key for key in keys]
    joined = cache / "columns" / f"joined-{hashlib.sha256(''.join(keys).encode()).hexdigest()[:40]}"
    whole = folders[0] if len(folders) == 1 else joined
    columns = opened(whole)
    if columns is None:
        missing = {f: p for p, f in zip(pieces, folders, strict=True) if opened(f) is None}
        watch.stage("reading", total=len(missing))
        _make(modality, missing, reading=reading, roles=roles, workers=workers, watch=watch)
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


def _key(modality: Modality, piece: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str], ledger: Ledger) -> str:
    content = modality.digest(piece, file_digest=ledger.digest)
    about = json.dumps([FORMAT, modality.name, dict(reading), sorted(roles), len(piece), content], sort_keys=True, default=str)
    return hashlib.sha256(about.encode()).hexdigest()[:40]


def _make(
    modality: Modality,
    missing: Mapping[Path, Sequence[Any]],
    *,
    reading: Mapping[str, Any],
    roles: frozenset[str],
    workers: int,
    watch: Watch,
) -> None:
    plain = dict(reading)
    if workers <= 1 or len(missing) <= 1:
        for folder, piece in missing.items():
            save(folder, modality.shard(piece, reading=plain, roles=roles))
            watch.advance()
        return
    # loky: its workers neither fork a process with threads nor import the user's script
    from concurrent.futures.process import BrokenProcessPool

    from joblib import Parallel, delayed

    jobs = (delayed(_one)(modality, piece, reading=plain, roles=roles, folder=folder) for folder, piece in missing.items())
    try:
        for _ in Parallel(n_jobs=workers, return_as="generator_unordered")(jobs):
            watch.advance()
    except BrokenProcessPool:
        raise RunError(
            "a worker process died while reading, often for lack of memory; finished shards are kept, run again"
        ) from None


def _one(modality: Modality, piece: Sequence[Any], *, reading: dict[str, Any], roles: frozenset[str], folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    save(folder, modality.shard(piece, reading=reading, roles=roles))
