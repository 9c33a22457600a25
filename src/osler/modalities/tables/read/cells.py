"""What a cell says: from Arrow cells, text or typed, to numbers, truths, days and words.

All functions take one flat Arrow array, which may hold many columns one behind the other, and never loop over cells. The
same content gives the same values whether it came as text or typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

# What people write where there is nothing. Not "none" and not "-": both are findings in medicine.
BLANKS = ("", "na", "n/a", "nan", "null", "<na>", "nat", "#n/a", ".", "?")
TRUE = ("yes", "true", "y", "t")
FALSE = ("no", "false", "n", "f")

POINT, DECIMAL, THOUSANDS = "point", "decimal", "thousands"  # what a comma in a number means; with "point" there is none

_GROUPED = {
    DECIMAL: (r"^[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?$", ".", r"^[+-]?(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?$"),
    THOUSANDS: (r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$", ",", r"^[^,]*$"),
}


def flat(columns: Sequence[pa.ChunkedArray | pa.Array]) -> pa.Array:
    """Return the cells of columns of one type as one array, texts as large_string, dictionaries decoded."""
    import pyarrow as pa

    chunks = [c for column in columns for c in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])]
    kind = columns[0].type
    if pa.types.is_dictionary(kind):
        chunks, kind = [c.dictionary_decode() for c in chunks], kind.value_type
    if is_text(kind) and not pa.types.is_large_string(kind):
        chunks, kind = [c.cast(pa.large_string()) for c in chunks], pa.large_string()
    return pa.concat_arrays(chunks) if chunks else pa.array([], kind)


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are strings (bytes are not)."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def trimmed(array: pa.Array) -> pl.Series:
    """Return texts without space around them."""
    import polars as pl
    import pyarrow.compute as pc

    return pl.Series(pl.from_arrow(pc.utf8_trim_whitespace(array)))


def blank(texts: pl.Series) -> np.ndarray:
    """Return (n,) bool: null, or one of BLANKS in any case."""
    return (texts.is_null() | texts.str.to_lowercase().is_in(BLANKS).fill_null(value=True)).to_numpy()


def numbers(array: pa.Array, *, comma: str = POINT) -> tuple[np.ndarray, np.ndarray]:
    """Return float64 values, NaN where there is none, and (n,) bool where a cell holds something that is no finite number."""
    if is_text(array.type):
        return text_numbers(trimmed(array), comma=comma)
    values = _typed_numbers(array)
    endless = np.isinf(values)
    return np.where(endless, np.nan, values), endless


def text_numbers(texts: pl.Series, *, comma: str = POINT) -> tuple[np.ndarray, np.ndarray]:
    """Return the same as `numbers` for trimmed texts."""
    import polars as pl

    plain = texts if comma == POINT else _without_commas(texts, comma=comma)
    values = plain.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy(writable=True)
    none = ~np.isfinite(values)
    values[none] = np.nan
    unreadable = np.zeros(len(values), bool)
    unreadable[none] = ~blank(texts.filter(pl.Series(none)))
    return values, unreadable


def _without_commas(texts: pl.Series, *, comma: str) -> pl.Series:
    """Return numbers with a point and no grouping; null where the text is not written in that manner."""
    import polars as pl

    grouped, separator, plain = _GROUPED[comma]
    text = pl.col("text")
    chosen = (
        pl.when(text.str.contains(grouped)).then(text.str.replace_all(separator, "", literal=True)).when(text.str.contains(plain))
    )
    frame = pl.DataFrame({"text": texts}).select(chosen.then(text).str.replace(",", ".", literal=True))
    return frame.to_series()


def _typed_numbers(array: pa.Array) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_temporal(kind):
        return days(array)[0]
    if pa.types.is_boolean(kind):
        array = array.cast(pa.uint8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return np.full(len(array), np.nan)
    values = pc.cast(array, pa.float64(), safe=False)
    return np.array(values.to_numpy(zero_copy_only=False), np.float64)


def truths(array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Return 1.0, 0.0 or NaN, and where a cell is neither true, false nor blank."""
    import polars as pl

    if not is_text(array.type):
        values, unreadable = numbers(array)
    else:
        texts = trimmed(array)
        values, unreadable = text_numbers(texts)
        words = texts.filter(pl.Series(unreadable)).str.to_lowercase()
        said = np.where(words.is_in(TRUE).to_numpy(), 1.0, np.where(words.is_in(FALSE).to_numpy(), 0.0, np.nan))
        values[unreadable] = said
        unreadable[unreadable] = np.isnan(said)
    other = ~np.isnan(values) & (values != 0) & (values != 1)
    return np.where(other, np.nan, values), unreadable | other


def days(array: pa.Array, *, order: str = "ymd") -> tuple[np.ndarray, np.ndarray]:
    """Return days since 1970-01-01 as float64, and where a cell is neither a date nor blank.

    `order` is read where day and month could be either: "dmy" or "mdy"; with "ymd" such cells are unreadable. Times of day
    are fractions; a zone is brought to UTC, as typed files store it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if is_text(kind):
        return _text_days(array, order=order)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        stamps = pc.cast(array, pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False)
        return _scaled(stamps, per_day=86_400e6)
    if pa.types.is_duration(kind):
        return _scaled(pc.cast(array, pa.duration("us"), safe=False), per_day=86_400e6)
    if pa.types.is_time(kind):
        return _scaled(pc.cast(array, pa.time64("us"), safe=False), per_day=86_400e6)
    return np.full(len(array), np.nan), ~np.asarray(array.is_null(nan_is_null=True).to_numpy(zero_copy_only=False), bool)


def _scaled(stamps: pa.Array, *, per_day: float) -> tuple[np.ndarray, np.ndarray]:
    import pyarrow as pa

    whole = stamps.view(pa.int64()).to_numpy(zero_copy_only=False).astype(np.float64)  # nulls become NaN
    return whole / per_day, np.zeros(len(whole), bool)


def _text_days(array: pa.Array, *, order: str) -> tuple[np.ndarray, np.ndarray]:
    from osler.modalities.tables.read.dates import read_dates

    codes, texts = distinct(array)
    values = read_dates(texts).days(order=order)
    nothing = blank(texts)
    values, wrong = np.append(values, np.nan), np.append(np.isnan(values) & ~nothing, False)
    return values[codes], wrong[codes]


def distinct(array: pa.Array) -> tuple[np.ndarray, pl.Series]:
    """Return (n,) codes into the distinct trimmed texts, −1 where null (the last of what follows, by Python's indexing)."""
    import polars as pl
    import pyarrow.compute as pc

    encoded = pc.utf8_trim_whitespace(array).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, pl.Series(pl.from_arrow(encoded.dictionary), dtype=pl.String)


def words(array: pa.Array) -> tuple[np.ndarray, list[str]]:
    """Return (n,) codes into a list of distinct canonical texts, −1 where missing.

    Numbers are written in the shortest way (1 for 1.0), truths as "true" and "false", dates as ISO; else the text stays as
    it is, without space around it.
    """
    codes, texts = distinct(_as_text(array))
    nothing = blank(texts)
    names = [_canonical(t) for t in texts.to_list()] if len(texts) else []
    index: dict[str, int] = {}
    to = np.array([-1 if gone else index.setdefault(t, len(index)) for t, gone in zip(names, nothing, strict=True)] + [-1], int)
    return to[codes], list(index)


def _as_text(array: pa.Array) -> pa.Array:
    """Return typed cells as the text that a file of text would hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if is_text(kind):
        return array
    if pa.types.is_floating(kind):
        array = pc.if_else(pc.is_finite(array), array, pa.scalar(None, kind))
        return pc.cast(pc.fill_null(array, float("nan")), pa.large_string())
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_null(kind):
        return pa.nulls(len(array), pa.large_string())
    return pc.cast(array, pa.large_string())


def _canonical(text: str) -> str:
    """Return numbers without needless zeros and signs, truths in lower case, all else unchanged.

    1, 1.0 and "1" are one word; "01" is another, since codes keep their zeros.
    """
    if len(text) <= 5 and text.lower() in {"true", "false"}:
        return text.lower()
    digits = text[1:] if text[:1] in {"+", "-"} else text
    if not digits[:1].isdigit() or not digits.replace(".", "", 1).isdecimal() or not digits.isascii():
        return text
    whole, _, fraction = digits.partition(".")
    if len(whole) > 1 and whole[0] == "0":
        return text
    fraction = fraction.rstrip("0")
    short = f"{whole}.{fraction}" if fraction else whole
    return f"-{short}" if text[0] == "-" and short.strip("0.") else short
