"""One pass over the cells of a table, which counts what decides how each column is read.

Columns of one Arrow type are taken many at a time as one flat array, so that 10⁵ columns of 100 rows cost what 1 column of
10⁷ rows costs. No labels are seen, and no more than one block of rows is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osler.core.hashing import number_bits
from osler.core.names import names_identifier
from osler.modalities.tables.read.cells import FALSE, TRUE, distinct, flat, is_text, numbers, text_numbers, trimmed
from osler.modalities.tables.read.dates import CLEAR, EITHER, read_dates

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

ROWS = 1 << 16  # of a block
CELLS = 1 << 20  # of a flat array: 2 MB of codes, 8 MB of numbers
BYTES = 1 << 26  # of its text
MOST = 100_000  # different values that are followed in a column
ENOUGH = 1000  # of a column that has held nothing but numbers

# Where a comma can only be a decimal mark, only a mark of thousands, or either.
_DECIMAL = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+,\d+|\d*,(?:\d{1,2}|\d{4,})|0+,\d+|\d{4,},\d+)$"
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})$"
_UNCLEAR = r"^[+-]?[1-9]\d{0,2},\d{3}$"

COUNTS = (
    "cells",  # that hold something
    "numbers",  # of them, written with a point or typed
    "fractions",  # of them, not whole
    "zeros",  # of them, written with a needless zero in front (007)
    "decimal",
    "thousands",
    "unclear",  # with a comma, see above
    "truths",
    "dates",  # clear ones
    "either",  # day and month may change places
    "day_first",
    "month_first",  # of these, where only one order is possible
    "letters",  # bytes of cells that are no number
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What was counted of C columns over `rows` rows.

    `counts` by the names in COUNTS, (C,) int64 each. `low` and `high` (C,) of the numbers. `known` the different values by
    column, uint64 keys, None where there are more than MOST, or where nobody needs them; `different` (C,) their number and
    `followed` (C,) the cells in which they were seen.
    """

    names: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    rows: int
    counts: dict[str, np.ndarray]
    low: np.ndarray
    high: np.ndarray
    different: np.ndarray
    followed: np.ndarray
    known: dict[int, np.ndarray | None] = field(default_factory=dict)


def survey(table: pa.Table) -> Survey:
    """Return what one pass over `table` counts."""
    size = table.num_columns
    seen = Survey(
        names=tuple(table.column_names),
        types=tuple(_value_type(t) for t in table.schema.types),
        rows=table.num_rows,
        counts={name: np.zeros(size, np.int64) for name in COUNTS},
        low=np.full(size, np.inf),
        high=np.full(size, -np.inf),
        different=np.zeros(size, np.int64),
        followed=np.zeros(size, np.int64),
    )
    kinds: dict[pa.DataType, list[int]] = {}
    for j, kind in enumerate(table.schema.types):
        kinds.setdefault(kind, []).append(j)
    for start in range(0, table.num_rows, ROWS):
        block = table.slice(start, ROWS)
        for members in kinds.values():
            for part in bundles(block, members):
                _look(seen, block, part)
    return seen


def _value_type(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def bundles(block: pa.Table, members: Sequence[int]) -> Iterator[list[int]]:
    """Yield the columns `members` of one type in parts small enough to be taken as one flat array."""
    part: list[int] = []
    size, rows = 0, max(1, block.num_rows)
    most = max(1, CELLS // rows)
    weigh = not _fixed(block.schema.field(members[0]).type)
    for j in members:
        here = block.column(j).nbytes if weigh else 0
        if part and (len(part) >= most or size + here > BYTES):
            yield part
            part, size = [], 0
        part.append(j)
        size += here
    if part:
        yield part


def _fixed(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_primitive(kind))


def _look(seen: Survey, block: pa.Table, part: list[int]) -> None:
    import pyarrow as pa

    array = flat([block.column(j) for j in part])
    js = np.array(part)
    shape = (len(part), block.num_rows)
    if is_text(array.type):
        _look_at_text(seen, array, js, shape=shape)
    elif pa.types.is_primitive(array.type) or pa.types.is_decimal(array.type):
        values = numbers(array)[0].reshape(shape)
        _count(seen, js, cells=~np.isnan(values), numbers=~np.isnan(values))
        _span(seen, js, values)
        named = [names_identifier(seen.names[j]) for j in part]
        if any(named) and pa.types.is_integer(array.type):
            _follow(seen, js[named], np.where(np.isnan(values), 0, number_bits(values) + np.uint64(1))[named])
    else:
        valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), bool)
        _count(seen, js, cells=valid.reshape(shape))


def _count(seen: Survey, js: np.ndarray, **masks: np.ndarray) -> None:
    for name, mask in masks.items():
        seen.counts[name][js] += mask.sum(axis=1)


def _span(seen: Survey, js: np.ndarray, values: np.ndarray) -> None:
    seen.low[js] = np.fmin(seen.low[js], np.fmin.reduce(values, axis=1))
    seen.high[js] = np.fmax(seen.high[js], np.fmax.reduce(values, axis=1))
    seen.counts["fractions"][js] += (np.floor(values) < values).sum(axis=1)


def _look_at_text(seen: Survey, array: pa.Array, js: np.ndarray, *, shape: tuple[int, int]) -> None:
    import polars as pl

    texts = trimmed(array)
    values, other = text_numbers(texts)
    number = ~np.isnan(values)
    zeros = texts.str.starts_with("0").fill_null(value=False).to_numpy() & number
    if zeros.any():
        zeros = zeros.copy()
        zeros[zeros] = texts.filter(pl.Series(zeros)).str.contains(r"^0\d").to_numpy()
    grid = values.reshape(shape)
    _count(seen, js, cells=(number | other).reshape(shape), numbers=number.reshape(shape), zeros=zeros.reshape(shape))
    _span(seen, js, grid)
    keys = np.where(number, number_bits(values) + np.uint64(1), np.uint64(0))
    if other.any():
        codes, words = distinct(texts.filter(pl.Series(other)).to_arrow())
        keys[other] = (words.hash(0).to_numpy() | np.uint64(1))[codes]
        owner = np.flatnonzero(other) // shape[1]
        for name, flag in _flags(words).items():
            seen.counts[name][js] += np.bincount(owner, weights=flag[codes], minlength=shape[0]).astype(np.int64)
    _follow(seen, js, keys.reshape(shape))


def _flags(words: pl.Series) -> dict[str, np.ndarray]:
    """Return what each word could be, (m,) each, by the name of its count."""
    lower = words.str.to_lowercase()
    dates = read_dates(words)
    either = dates.form == EITHER
    flags = {
        "truths": lower.is_in([*TRUE, *FALSE]).to_numpy(),
        "dates": dates.form == CLEAR,
        "either": either,
        "day_first": either & (dates.first > 12),
        "month_first": either & (dates.second > 12),
        "letters": words.str.len_bytes().to_numpy(),
    }
    commas = words.str.contains(",", literal=True).to_numpy()
    none = np.zeros(len(words), bool)
    for name, pattern in (("decimal", _DECIMAL), ("thousands", _THOUSANDS), ("unclear", _UNCLEAR)):
        flags[name] = words.str.contains(pattern).to_numpy() if commas.any() else none
    return flags


def _follow(seen: Survey, js: np.ndarray, keys: np.ndarray) -> None:
    """Add `keys` (c, rows) uint64, 0 for nothing, to the different values of columns `js`."""
    still = np.array([_open(seen, int(j)) for j in js], bool)
    js, keys = js[still], np.sort(keys[still], axis=1)
    if not len(js):
        return
    fresh = np.concatenate([keys[:, :1] != 0, (keys[:, 1:] != keys[:, :-1])], axis=1)
    seen.followed[js] += (keys != 0).sum(axis=1)
    if seen.rows <= ROWS:  # the only block: numbers are enough
        seen.different[js] = fresh.sum(axis=1)
        return
    for j, row, new in zip(js.tolist(), keys, fresh, strict=True):
        known = _joined(seen.known.get(j), row[new])
        seen.different[j] = len(known)
        seen.known[j] = known if len(known) <= MOST else None


def _open(seen: Survey, j: int) -> bool:
    """Whether the different values of column `j` still tell something: not once there are too many, nor of measurements."""
    if seen.known.get(j, seen.followed) is None:
        return False
    measured = seen.different[j] > ENOUGH and seen.counts["numbers"][j] == seen.counts["cells"][j]
    return not (measured and not names_identifier(seen.names[j]))


def _joined(known: np.ndarray | None, row: np.ndarray) -> np.ndarray:
    """Return the ascending keys `known` with those of `row` (ascending, different) that are new among them."""
    if known is None or not len(known):
        return row
    at = np.minimum(np.searchsorted(known, row), len(known) - 1)
    new = row[known[at] != row]
    return np.sort(np.concatenate([known, new])) if len(new) else known
