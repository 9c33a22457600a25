"""All events of a source, sorted by subject and time, memory-mapped."""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from osler.core.disk import private_folder, telling
from osler.core.errors import TableError
from osler.core.hashing import word_hashes
from osler.modalities.timelines.case import ALWAYS, BIRTH, Piece
from osler.modalities.timelines.read.find import content_key, found
from osler.modalities.timelines.read.options import Options
from osler.modalities.timelines.read.source import Source, reader
from osler.modalities.timelines.read.spool import Spool

FORMAT = 3  # of a store; a change of what is stored raises it, and sources are read anew
MOST_BYTES = 50 << 30  # of all stores of a cache; the longest unused go first
UNFINISHED = 86_400.0  # seconds after which nobody writes a store any more
FRESH = 600.0  # seconds for which what was read of a database serves again: the blocks of one prediction
ARRAYS = ("subjects", "offsets", "times", "codes", "values", "units", "births", "hashes")


@dataclass(frozen=True, slots=True)
class Store:
    """Events of many subjects, those of one behind one another and ascending in time.

    `subjects` (s,) int64 hashes, ascending, `offsets` (s + 1,) where each one's events begin; `times` (e,) int64 microseconds
    (ALWAYS: known at any time; such events come first), `codes` (e,) int32 places in `names`, `values` (e,) float32 NaN where there is none, `units` (e,)
    int16 places in `unit_names`, of which the first is "" (none). `relative` whether times count from each subject's own start.
    `subject_names` (s,) object by the same order. `refused` counts, by reason, events that could not be used.
    `splits` (s,) object or None: the official part of each subject, where the source tells one.
    `births` (s,) int64 the first time of BIRTH, ALWAYS where it is not known; `hashes` (c,) int64 of `names`; `about` what
    else is told of the source: "kind", "names" of a long table's columns, "told" counts of values that were read with doubt.
    """

    folder: Path
    subjects: np.ndarray
    offsets: np.ndarray
    times: np.ndarray
    codes: np.ndarray
    values: np.ndarray
    units: np.ndarray
    names: tuple[str, ...]
    unit_names: tuple[str, ...]
    subject_names: np.ndarray
    relative: bool
    refused: Mapping[str, int]
    splits: np.ndarray | None = None
    births: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    hashes: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    about: Mapping[str, Any] = field(default_factory=dict)


def prepared(options: Mapping[str, Any], *, folder: Path, cache: Path | None, key: str | None = None) -> Store:
    """Return the events of the source that `options` name, read once and kept in `cache` (None: while this process lives).

    `folder` is the study table's, `key` its column of subjects. Raises StudyError for options and sources that cannot be,
    TableError for a source that is damaged.
    """
    asked, source = found(options, folder=folder, key=key)
    place = private_folder((cache or _passing()) / "timelines")
    if isinstance(source.place, str):
        return _of_database(asked, source, place=place)
    home = place / content_key(source, version=FORMAT, place=place)
    store = opened(home)
    if store is None:
        write(source, home)
        store = opened(home)
        assert store is not None
    _trim(place, keep=home)
    return store


@functools.cache
def _passing() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="osler-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


_read_of_database: dict[tuple[str, ...], tuple[float, Path]] = {}


def _of_database(asked: Options, source: Source, *, place: Path) -> Store:
    """Return the events of a database: read anew, and kept under a digest of what came."""
    known = (str(place), str(source.place), repr(asked))
    read, home = _read_of_database.get(known, (-FRESH, place))
    if time.monotonic() - read < FRESH and (store := opened(home)) is not None:
        return store
    fresh = place / f".{uuid.uuid4().hex}"
    write(source, fresh)
    home = place / _digest(fresh)
    with telling(home):
        if home.exists():
            shutil.rmtree(fresh)
        else:
            fresh.rename(home)
    _read_of_database[known] = (time.monotonic(), home)
    store = opened(home)
    assert store is not None
    _trim(place, keep=home)
    return store


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode())
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:40]


def write(source: Source, home: Path) -> None:
    """Read `source` and write its store to `home`, whole or not at all."""
    fresh = home.with_name(f".{home.name.lstrip('.')}.{uuid.uuid4().hex[:8]}")
    kind = reader(source.kind)
    spool = None
    try:
        with telling(home):
            fresh.mkdir(mode=0o700)
            spool = Spool(fresh)
            for piece in _pieces(source):
                spool.take(piece)
            _put_down(spool, fresh, source=source, relative=bool(kind.relative(source)), splits=kind.splits(source))
            spool.close()
            _into_place(fresh, home)
    finally:
        if spool is not None:
            spool.close()
        shutil.rmtree(fresh, ignore_errors=True)


def _pieces(source: Source) -> Iterator[Piece]:
    """Yield the events; a disk that fails to read is told apart from one that cannot be written."""
    try:
        yield from reader(source.kind).pieces(source)
    except OSError as error:
        what = "the database" if isinstance(source.place, str) else f"'{source.place.name}'"  # an address may hold a password
        reason = error.strerror or type(error).__name__
        raise TableError(f"{what} could not be read to its end ({reason}); see that it is whole, and run again") from None


def _into_place(fresh: Path, home: Path) -> None:
    try:
        fresh.rename(home)
    except OSError:  # another process was first: its store holds the same
        if not home.exists():
            raise


def _put_down(spool: Spool, folder: Path, *, source: Source, relative: bool, splits: Mapping[str, str]) -> None:
    files = {name: _Growing(folder / f"{name}.npy", dtype) for name, dtype in _GROWING.items()}
    subjects, counts, births = [], [], []
    names = spool.names()
    birth = names.index(BIRTH) if BIRTH in names else -1
    for records in spool.sorted():
        for name, column in (("times", "time"), ("codes", "code"), ("values", "value"), ("units", "unit")):
            files[name].append(records[column])
        starts = np.flatnonzero(np.diff(records["subject"], prepend=~records["subject"][:1]))
        subjects.append(records["subject"][starts])
        counts.append(np.diff(starts, append=len(records)))
        births.append(_births(records, starts, birth=birth))
    for file in files.values():
        file.close()
    hashes = _joined(subjects)
    np.save(folder / "subjects.npy", hashes)
    np.save(folder / "offsets.npy", np.concatenate([[0], np.cumsum(_joined(counts))]).astype(np.int64))
    np.save(folder / "births.npy", _joined(births))
    np.save(folder / "hashes.npy", word_hashes(names))
    by_hash = {own: text for text, own in spool.subjects.items()}
    texts = [by_hash[h] for h in hashes.tolist()]
    _save_words(folder, {"names": names, "units": list(spool.units), "subjects": texts})
    if splits:
        _save_words(folder, {"splits": [splits.get(t) for t in texts]})
    about = {
        "format": FORMAT, "kind": source.kind, "relative": relative, "names": dict(source.options.get("names") or {}),
        "refused": _counted(spool.refused), "told": _counted(spool.told),
    }  # fmt: skip
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _counted(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts above 0, the largest first: readers meet reasons in an order that is not always the same."""
    return dict(sorted(((why, n) for why, n in counts.items() if n), key=lambda pair: (-pair[1], pair[0])))


_GROWING = {"times": "<i8", "codes": "<i4", "values": "<f4", "units": "<i2"}


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, np.int64)


def _births(records: np.ndarray, starts: np.ndarray, *, birth: int) -> np.ndarray:
    """Return the first time of birth of each subject, ALWAYS where there is none."""
    found = np.full(len(starts), ALWAYS)
    at = np.flatnonzero(records["code"] == birth)[::-1]  # the first overwrites the later
    found[np.searchsorted(starts, at, side="right") - 1] = records["time"][at]
    return found


class _Growing:
    """A .npy file of one axis that is written piece by piece."""

    def __init__(self, path: Path, dtype: str) -> None:
        self._file: IO[bytes] = path.open("wb")
        self._dtype = np.dtype(dtype)
        self._length = 0
        self._header()

    def _header(self) -> None:
        # numpy leaves room in the header for the first axis to grow, so that it can be written over
        about = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._length,)}
        np.lib.format.write_array_header_1_0(self._file, about)

    def append(self, values: np.ndarray) -> None:
        np.ascontiguousarray(values, self._dtype).tofile(self._file)
        self._length += len(values)

    def close(self) -> None:
        self._file.seek(0)
        self._header()
        self._file.close()


def _save_words(folder: Path, words: Mapping[str, list[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, texts in words.items():
        pq.write_table(pa.table({name: pa.array(texts, pa.large_string())}), folder / f"{name}.parquet")


def _words(folder: Path, name: str) -> np.ndarray:
    import pyarrow.parquet as pq

    column = pq.read_table(folder / f"{name}.parquet").column(0)
    out = np.empty(len(column), object)
    out[:] = column.to_pylist()
    return out


def opened(home: Path) -> Store | None:
    """Return the store in `home`, its arrays memory-mapped; None where there is none, or a torn one, which is removed."""
    try:
        return _opened(home, (home / "about.json").stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        shutil.rmtree(home, ignore_errors=True)
        return None


@functools.lru_cache(maxsize=4)
def _opened(home: Path, stamp: int) -> Store:  # noqa: ARG001  a store that was written again is another
    about = json.loads((home / "about.json").read_text(encoding="utf-8"))
    arrays = {name: _map(home / f"{name}.npy") for name in ARRAYS}
    names, units = (tuple(_words(home, n).tolist()) for n in ("names", "units"))
    splits = _words(home, "splits") if (home / "splits.parquet").exists() else None
    return Store(
        folder=home, names=names, unit_names=units, subject_names=_words(home, "subjects"), relative=about["relative"],
        refused=about["refused"], splits=splits, about=about, **arrays,
    )  # fmt: skip


def _map(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:  # an array without elements cannot be mapped
        return np.load(path, allow_pickle=False)


def _trim(place: Path, *, keep: Path, most: int = MOST_BYTES) -> None:
    """Remove what killed runs left, then the longest unused stores until all hold at most `most` bytes."""
    now, found_stores = time.time(), []
    for one in place.iterdir():
        try:
            used = one.stat().st_mtime
            size = sum(p.stat().st_size for p in one.iterdir()) if one.is_dir() else 0
        except OSError:
            continue
        if one.name.startswith(".") and now - used > UNFINISHED:
            shutil.rmtree(one, ignore_errors=True)
        elif one.is_dir():
            found_stores.append((one != keep, -used, size, one))
    total = 0
    for _, _, size, one in sorted(found_stores):
        total += size
        if total > most and one != keep:
            shutil.rmtree(one, ignore_errors=True)
