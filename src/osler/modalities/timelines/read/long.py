"""A long table of events: one row each, with a subject, a time, a code and, where there is one, a value and its unit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.errors import StudyError, TableError, did_you_mean
from osler.core.names import plain
from osler.modalities.timelines.case import ADMISSION, ALWAYS, BIRTH, Piece
from osler.modalities.timelines.read.lines import NO_ROW, text_blocks, text_header
from osler.modalities.timelines.read.options import PARTS
from osler.modalities.timelines.read.source import Source
from osler.modalities.timelines.read.times import Times, order_of, read_times
from osler.modalities.timelines.read.zone import at_midnight

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
TYPED = (".parquet", ".arrow", ".feather")
OPTIONS = ("order", "midnight")
ROWS = 1 << 18  # of a typed file at once
NO_TIME = "time that cannot be read"
OTHER_CLOCK = "time of the other kind (with a date among times since the start, or the reverse)"

# The usual names, the surest first, as `plain` writes them.
USUAL: Mapping[str, tuple[str, ...]] = {
    "subject": ("subject_id", "subject", "person_id", "patient_id", "patient", "icustay_id", "stay_id", "stay", "hadm_id",
                "admission_id", "encounter_id", "patientunitstayid", "record_id", "recordid", "case", "case_id", "pid", "mrn", "id"),
    "time": ("time", "charttime", "timestamp", "datetime", "date_time", "event_time", "effective_time", "measured_at",
             "observation_time", "starttime", "start_time", "chartdate", "date", "hours", "hour", "offset", "minutes", "days"),
    "code": ("code", "parameter", "variable", "itemid", "item_id", "item", "concept", "concept_id", "concept_code", "label", "test",
             "test_name", "analyte", "feature", "name", "event", "type"),
    "value": ("numeric_value", "valuenum", "value_num", "value_as_number", "value", "val", "result", "measurement", "amount"),
    "unit": ("unit", "units", "valueuom", "uom", "unit_of_measure", "value_unit", "unitname", "unit_source_value", "amountuom"),
    "text": ("text_value", "value_text", "valuetext", "text", "value_as_string", "value"),
}  # fmt: skip
NEEDED = ("subject", "time", "code")


def recognises(path: Path) -> bool:
    """Whether `path` is a file, or a folder of files, whose endings a long table has."""
    return bool(_parts(path))


def _parts(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.is_file() and p.name.lower().endswith((*TEXT, *TYPED)))
    return [path] if path.is_file() and path.name.lower().endswith((*TEXT, *TYPED)) else []


def files(source: Source) -> list[Path]:
    """Return the files of the table; raises StudyError where there is none."""
    found = _parts(Path(source.place))
    if not found:
        endings = ", ".join((*TEXT, *TYPED))
        raise StudyError(
            f"source: '{Path(source.place).name}' is no table of events; wanted a file, or a folder of files, with {endings}"
        )
    return found


def splits(source: Source) -> Mapping[str, str]:
    """A long table tells no official split."""
    del source
    return {}


def named(source: Source, *, key: str | None = None) -> dict[str, str]:
    """Return the columns that hold each part of an event: those that the user named, else those of usual names.

    `key` is the study table's column of subjects, the surest name for the events' too. Raises StudyError with all faults.
    """
    path = files(source)[0]
    there = header(path)
    given: Mapping[str, str] = source.options.get("names") or {}
    faults = [f"names: '{path.name}' has no column '{c}'{did_you_mean(c, there)}" for c in given.values() if c not in there]
    folded = {plain(name): name for name in reversed(there)}
    found = dict(given)
    for part in PARTS:
        if part in found:
            continue
        usual = (plain(key), *USUAL[part]) if part == "subject" and key else USUAL[part]
        free = (folded[name] for name in usual if name in folded and folded[name] not in found.values())
        if name := next(free, None):
            found[part] = name
    if any(part not in found for part in NEEDED) and any(_is_value(name) for name in there):
        # what is told of names would quote the first patient's values
        raise TableError(f"'{path.name}' has no header: its first line holds values; write the names of the columns above it")
    faults += [
        f"'{path.name}' has no column that is named like the {part} of an event; say which with names: {{{part}: COLUMN}}"
        f"{did_you_mean(part, there)}"
        for part in NEEDED
        if part not in found
    ]
    if faults:
        raise StudyError(faults)
    return found


def _is_value(name: str) -> bool:
    """Whether what stands in a header is no name of a column: a number, a date, or bytes of something else."""
    return (
        re.fullmatch(r"\s*[-+]?[\d.,:/ T-]*\d[\d.,:/ TZ+-]*\s*", name) is not None or not name.isprintable() or "\ufffd" in name
    )


def relative(source: Source) -> bool:
    """Whether the first readable times count from each subject's own start. Raises TableError where none can be read."""
    for path in files(source):
        for rows, _ in _tables(path, [_names(source)["time"]]):
            column = rows.column(0).combine_chunks()
            found = read_times(column, clock=_clock(source), order=_order(source, column))
            known = ~found.bad & (found.at != ALWAYS)
            if known.any():
                return bool(found.relative[known].mean() > 0.5)
            if found.bad.any():
                clock = "; where it counts from the case's start, say with clock: hours (or days, minutes, seconds)"
                raise StudyError(f"'{path.name}': no time in column '{rows.column_names[0]}' can be read{clock}")
    return False


def pieces(source: Source) -> Iterator[Piece]:
    """Yield the events, block by block. A date without a clock is its day's last moment, of birth and admission its first."""
    names = _names(source)
    midnight = at_midnight(source.options)
    columns = list(dict.fromkeys(names[p] for p in PARTS if p in names))
    clock, since = _clock(source), relative(source)
    for path in files(source):
        order = None
        for rows, lost in _tables(path, columns):
            times = rows.column(names["time"]).combine_chunks()
            order = _order(source, times) if order is None else order
            found = read_times(times, clock=clock, zone=source.options.get("zone", "UTC"), order=order, midnight=midnight)
            yield _piece(rows, names, found, since=since, lost=lost)


def _names(source: Source) -> Mapping[str, str]:
    given: Mapping[str, str] = source.options.get("names") or {}
    return given if all(part in given for part in NEEDED) else named(source)


def _clock(source: Source) -> str | None:
    """Return how numbers count: as the user said, else by the name of the column ("hours")."""
    column = plain(_names(source)["time"])
    guessed = next(
        (c for c in ("days", "hours", "minutes", "seconds") if column in {c, c[:-1]} or column.endswith(f"_{c}")), None
    )
    return source.options.get("clock") or guessed


def _order(source: Source, column: pa.Array) -> str:
    import pyarrow as pa

    told = source.options.get("order")
    return (
        str(told)
        if told
        else order_of(column)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        else ""
    )


def _piece(rows: pa.Table, names: Mapping[str, str], times: Times, *, since: bool, lost: int) -> Piece:
    import pyarrow as pa

    other = ~times.bad & (times.at != ALWAYS) & (times.relative != since)
    kept = ~(times.bad | other)
    refused = {NO_TIME: int(times.bad.sum()), OTHER_CLOCK: int(other.sum()), NO_ROW: lost}
    values, texts = _values(rows, names)
    codes = word_column(rows.column(names["code"]))
    at = _known(times, codes)
    parts = {
        "subject": word_column(rows.column(names["subject"])),
        "time": pa.array(at, mask=at == ALWAYS),
        "code": codes,
        "value": values,
        "text": texts,
        "unit": word_column(rows.column(names["unit"])) if "unit" in names else pa.nulls(len(rows), pa.string()),
    }
    table = pa.table(parts)
    return Piece(table if kept.all() else table.filter(pa.array(kept)), {why: n for why, n in refused.items() if n})


def _known(times: Times, codes: pa.ChunkedArray) -> np.ndarray:
    """Return (n,) from when each event is known: what happened on a day is surely known when the day is over, not before."""
    if np.array_equal(times.at, times.until):
        return times.at
    import pyarrow.compute as pc

    begins = pc.fill_null(pc.match_substring_regex(codes, rf"^\s*({BIRTH}\s*$|{ADMISSION}\s*($|//))"), fill_value=False)
    return np.where(begins.to_numpy().astype(bool), times.at, times.until)


def _values(rows: pa.Table, names: Mapping[str, str]) -> tuple[Any, Any]:
    """Return values and texts; a text column of values is text, of which the store takes the numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.nulls(len(rows), pa.string())
    value = rows.column(names["value"]) if "value" in names else None
    texts = word_column(rows.column(names["text"])) if "text" in names else none
    if value is None:
        return pa.nulls(len(rows), pa.float64()), texts
    if pa.types.is_integer(value.type) or pa.types.is_floating(value.type) or pa.types.is_decimal(value.type):
        return value.cast(pa.float64(), safe=False), texts
    if pa.types.is_boolean(value.type):
        return value.cast(pa.uint8()).cast(pa.float64()), texts
    if "text" not in names:
        return pa.nulls(len(rows), pa.float64()), word_column(value)
    # two columns of text: the first holds the numbers, the second says what is no number
    written = pc.utf8_trim_whitespace(word_column(value))
    return pa.nulls(len(rows), pa.float64()), pc.if_else(
        pc.fill_null(pc.not_equal(written, ""), fill_value=False), written, texts
    )


def word_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return cells as text: whole numbers without a point, so that 12 and 12.0 are one subject."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_nested(kind) or pa.types.is_null(kind):
        return pa.chunked_array([pa.nulls(len(column), pa.large_string())])
    if pa.types.is_floating(kind):
        finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
        whole = pc.equal(pc.floor(finite), finite)
        if (
            pc.all(pc.fill_null(whole, fill_value=True)).as_py()
            and pc.all(pc.less(pc.abs(pc.fill_null(finite, 0)), 2**53)).as_py()
        ):
            column = finite.cast(pa.int64())
    return column.cast(pa.large_string())


# files ----------------------------------------------------------------------------------------------------------------


def header(path: Path) -> list[str]:
    """Return the names of the columns; raises TableError where there are none."""
    try:
        return text_header(path)[0] if not path.name.lower().endswith(TYPED) else _typed_header(path)
    except (ValueError, OSError, EOFError) as error:  # Arrow's own errors are of the first two kinds
        raise _damaged(path, error) from None


def _typed_header(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.ipc
    import pyarrow.parquet as pq

    if path.name.lower().endswith(".parquet"):
        return list(pq.read_schema(path).names)
    with pa.memory_map(str(path)) as mapped:
        return list(pa.ipc.open_file(mapped).schema.names)


def _damaged(path: Path, error: Exception) -> TableError:
    if isinstance(error, FileNotFoundError):
        return TableError(f"'{path.name}' is not there any more; give the events' file again")
    kind = "damaged or cut off" if path.name.lower().endswith((*TYPED, ".gz")) else "no table of text that can be read"
    return TableError(f"'{path.name}' is {kind} ({type(error).__name__}); get it again, or export it anew")


def _tables(path: Path, columns: Sequence[str]) -> Iterator[tuple[pa.Table, int]]:
    """Yield blocks of `columns` with the number of lines that no row could be made of.

    Raises StudyError for a column that is not there, TableError for a file that is damaged.
    """
    there = header(path)
    missing = [c for c in columns if c not in there]
    if missing:
        raise StudyError([f"'{path.name}' has no column '{c}'{did_you_mean(c, there)}" for c in missing])
    try:
        yield from (_typed if path.name.lower().endswith(TYPED) else text_blocks)(path, columns)
    except (ValueError, OSError, EOFError) as error:
        raise _damaged(path, error) from None


def _typed(path: Path, columns: Sequence[str]) -> Iterator[tuple[pa.Table, int]]:
    import pyarrow as pa
    import pyarrow.ipc
    import pyarrow.parquet as pq

    if path.name.lower().endswith(".parquet"):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS, columns=list(columns)):
                yield pa.Table.from_batches([batch]), 0
        return
    with pa.memory_map(str(path)) as mapped:
        rows = pa.ipc.open_file(mapped).read_all().select(list(columns))
        for start in range(0, len(rows), ROWS):
            yield rows.slice(start, ROWS), 0
