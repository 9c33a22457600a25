"""From a study's rows to where their events lie, and one case at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.errors import Refused, StudyError, did_you_mean
from osler.core.hashing import word_hash
from osler.core.table import MISSING_CELLS, Table
from osler.modalities.timelines.case import ALWAYS, CODES, TIMES, VALUES, CaseRows, Timeline
from osler.modalities.timelines.read.long import word_column
from osler.modalities.timelines.read.store import Store, opened, prepared
from osler.modalities.timelines.read.times import Times, order_of, read_times

if TYPE_CHECKING:
    import pyarrow as pa

MOMENT = "moment"  # the code of a refusal for an index time that is missing or cannot be read


def locate(
    table: Table, *, columns: Sequence[str], options: Mapping[str, Any], cache: Path | None = None
) -> CaseRows:  # fmt: skip
    """Return the rows of `table` as locators: `columns` are its subjects and, where there is one, its index times.

    The source that `options` name is read into a store first, where that was not done yet. Raises StudyError with all faults.
    """
    faults = [f"the table has no column '{c}'{did_you_mean(c, table.columns)}" for c in columns if c not in table.columns]
    if len(columns) > 2:
        faults.append(f"a timelines input has the column of its subjects and at most one index time; {len(columns)} columns came")
    if faults:
        raise StudyError(faults)
    store = prepared(options, folder=table.folder, cache=cache, key=columns[0])
    if len(columns) == 1 and not store.relative:
        raise StudyError(
            f"the events have dates, so a case needs an index time: columns: [{columns[0]}, COLUMN WITH THE TIME]; "
            f"the table has {', '.join(repr(c) for c in table.columns[:12])}"
        )
    keys = _keys(table.rows.column(columns[0]))
    if len(columns) == 1:
        return CaseRows(keys, None, store.folder, 0, len(table))
    moments, refused = _moments(table.rows.column(columns[1]), options=options, store=store)
    return CaseRows(keys, moments, store.folder, 0, len(table), refused, columns[1])


def own(locators: Sequence[Any]) -> CaseRows:
    """Return locators as what they are: those of `locate`, or a slice of them."""
    assert isinstance(locators, CaseRows)
    return locators


def store_of(locators: CaseRows) -> Store:
    """Return the events of `locators`; raises StudyError where the cache was emptied meanwhile."""
    store = opened(locators.store)
    if store is None:
        raise StudyError("the prepared events are gone from the cache; run again, and they are read anew")
    return store


def _keys(column: pa.ChunkedArray) -> np.ndarray:
    """Return the hash of each row's subject, 0 where the cell is empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = pc.utf8_trim_whitespace(word_column(column)).combine_chunks().dictionary_encode()
    encoded = pa.concat_arrays(encoded.chunks) if isinstance(encoded, pa.ChunkedArray) else encoded
    texts = encoded.dictionary.to_pylist()
    hashes = np.array([0 if t in MISSING_CELLS else word_hash(t) for t in texts] + [0], np.int64)
    return hashes[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


def _moments(column: pa.ChunkedArray, *, options: Mapping[str, Any], store: Store) -> tuple[np.ndarray, dict[int, str]]:
    times = _read(column, options=options)
    other = (times.at != ALWAYS) & (times.relative != store.relative)
    refused = {int(row): "the index time is missing" for row in np.flatnonzero(times.at == ALWAYS)}
    refused |= {
        int(row): "the index time cannot be read; give dates such as 2024-01-31 10:00" for row in np.flatnonzero(times.bad)
    }
    counts = "counts from the case's start" if store.relative else "has a date"
    refused |= {
        int(row): f"the index time must be of the kind of the events' time, which {counts}" for row in np.flatnonzero(other)
    }
    return np.where(times.bad | other, ALWAYS, times.at), dict(sorted(refused.items()))


def _read(column: pa.ChunkedArray, *, options: Mapping[str, Any]) -> Times:
    import pyarrow as pa

    whole = column.combine_chunks()
    whole = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
    text = pa.types.is_string(whole.type) or pa.types.is_large_string(whole.type)
    order = options.get("order") or (order_of(whole) if text else "")
    return read_times(whole, clock=options.get("clock"), zone=options.get("zone") or "UTC", order=order)


def added(
    table: Table, *, columns: Sequence[str], options: Mapping[str, Any], cache: Path | None = None
) -> Mapping[str, Sequence[Any]]:
    """Return under "split" the official part of each row's subject, None where there is none; nothing where the source tells none,
    or where the input itself is wrong, which `locate` tells."""
    if not columns or columns[0] not in table.columns or "split" in table.columns:
        return {}
    store = prepared(options, folder=table.folder, cache=cache, key=columns[0])
    if store.splits is None:
        return {}
    at, there = places(store, _keys(table.rows.column(columns[0])))
    parts = np.full(len(at), None, object)
    parts[there] = store.splits[at[there]]
    return {"split": parts.tolist()}


def places(store: Store, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each subject lies in the store, and whether it does."""
    if not len(store.subjects):
        return np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
    at = np.minimum(np.searchsorted(store.subjects, keys), len(store.subjects) - 1)
    return at, (store.subjects[at] == keys) & (keys != 0)


def public(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options that may travel: no absolute path and no address of a database."""
    source = options.get("source")
    private = isinstance(source, str) and ("://" in source or _absolute(source))
    return {name: value for name, value in options.items() if not (name == "source" and private)}


def _absolute(path: str) -> bool:
    return Path(path).is_absolute() or path.startswith(("~", "\\")) or path[1:3] in {":\\", ":/"}


def digest(locators: Sequence[Any]) -> str:
    """Return a hash of the rows' keys, moments and refusals and of the prepared events, which are named by their content."""
    rows = own(locators)
    content = hashlib.blake2b(rows.store.name.encode(), digest_size=32)
    here = slice(rows.start, rows.stop)
    content.update(np.ascontiguousarray(rows.keys[here]).tobytes())
    content.update(b"last" if rows.moments is None else np.ascontiguousarray(rows.moments[here]).tobytes())
    content.update(repr([(r - rows.start, why) for r, why in rows.refused.items() if rows.start <= r < rows.stop]).encode())
    return content.hexdigest()


def read(locator: CaseRows, *, reading: Mapping[str, Any]) -> Timeline | None:
    """Return the one case of `locator`, None where nothing is known of it; raises Refused where its index time is wrong."""
    from osler.modalities.timelines.encode import shard

    columns = shard(locator[:1], reading=reading, roles=frozenset({"input"}))
    if 0 in columns.refusals:
        raise Refused(columns.refusals[0])
    if not columns.present[0]:
        return None
    words = dict(zip(columns.words.keys.tolist(), columns.words.texts.tolist(), strict=True))
    times, codes, values = (columns[name][0] for name in (TIMES, CODES, VALUES))
    return Timeline(times, tuple(words[c] for c in codes.tolist()), values)
