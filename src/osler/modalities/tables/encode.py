"""From rows to fields: numbers side by side, categories as hashes of their words.

A shard is parsed many columns at a time, never row by row; one row goes through the same code, so that both agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.columns import Columns, Field, Words
from osler.core.errors import Refusal
from osler.core.hashing import row_fingerprints, word_hash
from osler.modalities.tables.case import CATEGORIES, MISSING, NUMBERS, NUMERIC, UNREADABLE, TableRow, TableRows
from osler.modalities.tables.read import own, rows_of
from osler.modalities.tables.read.cells import POINT, days, flat, numbers, truths, words
from osler.modalities.tables.read.survey import bundles

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1 << 16  # parsed at once


def fields(*, reading: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return `numbers` (p,) and `categories` (q,), labelled with their columns in the order of `reading["kinds"]`."""
    numeric, categories = _columns(reading)
    return (
        Field(NUMBERS, "float32", (len(numeric),), labels=numeric),
        Field(CATEGORIES, "int64", (len(categories),), labels=categories),
    )


def _columns(reading: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kinds = reading["kinds"]
    return tuple(c for c, k in kinds.items() if k in NUMERIC), tuple(c for c, k in kinds.items() if k == "category")


def encode(case: TableRow, *, reading: Mapping[str, Any], roles: frozenset[str]) -> dict[str, np.ndarray]:
    """Return one row's `numbers` (p,) float32 and `categories` (q,) int64."""
    if "input" not in roles:
        return {}
    numeric, categories = _columns(reading)
    values = np.array([np.nan if case.cells[c] is None else case.cells[c] for c in numeric], np.float32)
    _mark(values, np.array([c in case.unreadable for c in numeric], bool))
    texts = (case.cells[c] for c in categories)
    return {NUMBERS: values, CATEGORIES: np.array([0 if t is None else word_hash(str(t)) for t in texts], np.int64)}


def fingerprint(case: TableRow) -> tuple[int, int]:
    """Return a 128-bit hash of what the kept cells say, by column name; left-out columns (identifiers) do not count."""
    numeric = [c for c, cell in case.cells.items() if isinstance(cell, float)]
    texts = [c for c, cell in case.cells.items() if isinstance(cell, str)]
    empty = [c for c, cell in case.cells.items() if cell is None]
    values = np.array([[case.cells[c] for c in numeric]], np.float32)
    hashed = np.array([[word_hash(str(case.cells[c])) for c in texts] + [0] * len(empty)], np.int64)
    prints = row_fingerprints([values, hashed], names=[*numeric, *texts, *empty])
    return int(prints[0, 0]), int(prints[0, 1])


def parsed(locator: TableRows, *, reading: Mapping[str, Any]) -> TableRow:
    """Return the first row of `locator` with its cells read."""
    numeric, categories = _columns(reading)
    values, hashed, vocabulary = _arrays(locator[:1], reading=reading)
    unreadable = values[0].view(np.uint32) == UNREADABLE
    cells: dict[str, float | str | None] = dict.fromkeys(c for c in reading["kinds"] if c in {*numeric, *categories})
    cells |= {c: None if np.isnan(v) else float(v) for c, v in zip(numeric, values[0], strict=True)}
    cells |= {c: vocabulary.text(int(h)) if h else None for c, h in zip(categories, hashed[0], strict=True)}
    return TableRow(cells, frozenset(c for c, bad in zip(numeric, unreadable, strict=True) if bad))


def shard(locators: Sequence[Any], *, reading: Mapping[str, Any], roles: frozenset[str]) -> Columns:
    """Return the columns of many rows; rows that the file garbled are absent and have their refusal, rows without any cell are
    absent."""
    locators = own(locators)
    wanted = tuple(f for f in fields(reading=reading) if f.role in roles)
    numeric, categories = _columns(reading)
    values, hashed, vocabulary = _arrays(locators, reading=reading)
    prints = row_fingerprints([values, hashed], names=[*numeric, *categories])
    present = ~((values.view(np.uint32) == MISSING).all(axis=1) & (hashed == 0).all(axis=1))
    refusals: dict[int, Refusal] = {
        row - locators.start: refusal for row, refusal in locators.refusals.items() if locators.start <= row < locators.stop
    }
    present[list(refusals)] = False
    prints[~present], values[~present], hashed[~present] = 0, np.nan, 0
    arrays = {f.name: {NUMBERS: values, CATEGORIES: hashed}[f.name] for f in wanted}
    return Columns(wanted, arrays, present, prints, refusals, vocabulary)


def _arrays(locators: TableRows, *, reading: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, Words]:
    """Return numbers (n, p) float32, categories (n, q) int64 and the words of these rows."""
    numeric, categories = _columns(reading)
    table = rows_of(locators)
    values = np.empty((len(locators), len(numeric)), np.float32)
    hashed = np.empty((len(locators), len(categories)), np.int64)
    seen: dict[str, int] = {}
    numeric_groups, category_groups = _groups(table, numeric, reading=reading), _groups(table, categories, reading=reading)
    for start in range(0, len(locators), ROWS):
        block = table.slice(start, ROWS)
        here = slice(start, start + block.num_rows)
        for how, part, array in _parts(block, numeric_groups):
            _put(values[here], part, _numbers(array, how=how).reshape(len(part), -1))
        for _, part, array in _parts(block, category_groups):
            codes, texts = words(array)
            keys = np.append([seen.get(t) or seen.setdefault(t, word_hash(t)) for t in texts], 0).astype(np.int64)
            _put(hashed[here], part, keys[codes].reshape(len(part), -1))
    keys = np.fromiter(seen.values(), np.int64, len(seen))
    order = np.argsort(keys)
    return values, hashed, Words(keys[order], np.array([*seen, None], object)[:-1][order])


_How = tuple[str, str]  # kind of a column, and its comma or its order of day and month
_Groups = list[tuple[_How, list[int], dict[int, int]]]


def _groups(table: pa.Table, names: tuple[str, ...], *, reading: Mapping[str, Any]) -> _Groups:
    """Return columns that are parsed alike: how, where they stand in the table, and from there where in the field."""
    at = {name: j for j, name in enumerate(table.column_names)}
    types = table.schema.types
    kinds, commas, orders = reading["kinds"], reading.get("commas", {}), reading.get("dates", {})
    grouped: dict[Any, tuple[_How, list[int], dict[int, int]]] = {}
    for to, name in enumerate(names):
        kind = kinds[name]
        how = (kind, commas.get(name, POINT) if kind == "number" else orders.get(name, "ymd"))
        group = grouped.setdefault((how, types[at[name]]), (how, [], {}))
        group[1].append(at[name])
        group[2][at[name]] = to
    return list(grouped.values())


def _parts(block: pa.Table, groups: _Groups) -> Iterator[tuple[_How, np.ndarray, pa.Array]]:
    for how, members, to in groups:
        for part in bundles(block, members):
            yield how, np.array([to[j] for j in part]), flat([block.column(j) for j in part])


def _put(field: np.ndarray, part: np.ndarray, parsed: np.ndarray) -> None:
    """Write parsed columns (c, rows) into their places of the field (rows, p)."""
    first, last = part[0], part[-1]
    if last - first == len(part) - 1:
        field[:, first : last + 1] = parsed.T
    else:
        field[:, part] = parsed.T


def _numbers(array: pa.Array, *, how: _How) -> np.ndarray:
    kind, manner = how
    if kind == "number":
        values, unreadable = numbers(array, comma=manner)
    elif kind == "boolean":
        values, unreadable = truths(array)
    else:
        values, unreadable = days(array, order=manner)
    with np.errstate(over="ignore"):
        short = values.astype(np.float32)
    _mark(short, unreadable | np.isinf(short))
    return short


def _mark(values: np.ndarray, unreadable: np.ndarray) -> None:
    """Give missing numbers the one NaN, and unreadable ones theirs, in place."""
    bits = values.view(np.uint32)
    bits[np.isnan(values)] = MISSING
    bits[unreadable] = UNREADABLE
