"""MEDS, the Medical Event Data Standard 0.4 (Arnrich et al. 2024): events as Parquet, one row each, in `data/`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from osler.core.errors import TableError, did_you_mean
from osler.modalities.timelines.case import BIRTH, DAY, DEATH, Piece
from osler.modalities.timelines.read.billing import CODELESS, SUBJECTLESS, TWICE
from osler.modalities.timelines.read.folder import listed, once, reading
from osler.modalities.timelines.read.zone import UTC, zone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import pyarrow as pa

    from osler.modalities.timelines.read.source import Source

ROWS = 1 << 17  # of one piece; about 10 MB
NEEDED = ("subject_id", "time", "code")
OPTIONAL = ("numeric_value", "text_value", "unit")  # the last is no part of MEDS, but its commonest code modifier
NAMES = {"MEDS_BIRTH": BIRTH, "MEDS_DEATH": DEATH}
PARTS = {"train": "train", "tuning": "tune", "held_out": "test"}
SPLITS = Path("metadata", "subject_splits.parquet")


def recognises(path: Path | str) -> bool:
    """Whether `path` is a folder with MEDS events in `data/`, or one Parquet file of them."""
    import pyarrow.parquet as pq

    path = Path(path)
    try:
        first = next(iter(_events(path)), None)
        schema = pq.read_schema(first) if first else None
    except (OSError, ValueError, TableError):
        return False
    return schema is not None and set(NEEDED) <= set(schema.names) and not _faults(schema)


def files(source: Source) -> list[Path]:
    """Return the files of events, and that of the official split where there is one."""
    place = Path(source.place)
    splits = place / SPLITS
    return [*_events(place), *([splits] if splits.is_file() else [])]


def relative(source: Source) -> bool:  # noqa: ARG001 - the protocol's
    """Return False: MEDS counts by the calendar."""
    return False


def pieces(source: Source) -> Iterator[Piece]:
    """Yield the events file by file; `text_value` becomes `text`; units mostly stand in the codes.

    Raises TableError for a folder without events, a damaged file, or a column that is missing or of the wrong type.
    """
    place = Path(source.place)
    paths = _events(place)
    if not paths:
        raise TableError(
            f"'{place}' has no Parquet file in 'data'; wanted a MEDS data set: data/**/*.parquet with {_told(NEEDED)}"
        )
    paths, again = once(paths)
    for path in paths:
        refused = {TWICE: again} if again and path == paths[0] else {}
        for piece in _of_file(path, zone=zone(source.options)):
            yield Piece(piece.rows, Counter(piece.refused) + Counter(refused))
            refused = {}


def splits(source: Source) -> Mapping[str, str]:
    """Return "train", "tune" or "test" by subject, from `metadata/subject_splits.parquet`; {} where there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(source.place) / SPLITS
    if not path.is_file():
        return {}
    with reading(path):
        table = pq.read_table(path)
        missing = [name for name in ("subject_id", "split") if name not in table.column_names]
        if missing:
            raise TableError(f"'{path.name}' has no column {_told(missing)}{did_you_mean(missing[0], table.column_names)}")
        subjects = table["subject_id"].cast(pa.string()).to_pylist()
        parts = table["split"].cast(pa.string()).to_pylist()
    return {s: PARTS.get(p, p) for s, p in zip(subjects, parts, strict=True) if s is not None and p is not None}


def _events(place: Path) -> list[Path]:
    if place.is_dir():
        return listed(place / "data", endings=(".parquet",)) if (place / "data").is_dir() else []
    return [place] if place.suffix.lower() == ".parquet" else []


def _of_file(path: Path, *, zone: ZoneInfo) -> Iterator[Piece]:
    import pyarrow.parquet as pq

    with reading(path), pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        _check(path, schema)
        columns = [name for name in (*NEEDED, *OPTIONAL) if name in schema.names]
        # whole row groups of wide files may be hundreds of MB: batches bound what is held
        for batch in file.iter_batches(batch_size=ROWS, columns=columns):
            yield _piece(batch, zone=zone)


def _check(path: Path, schema: pa.Schema) -> None:
    missing = [name for name in NEEDED if name not in schema.names]
    if missing:
        raise TableError(
            f"'{path.name}' has no column {_told(missing)}{did_you_mean(missing[0], schema.names)}; MEDS wants {_told(NEEDED)} in "
            "every file of 'data'"
        )
    if faults := _faults(schema):
        raise TableError(f"'{path.name}': " + "; ".join(faults))


def _faults(schema: pa.Schema) -> list[str]:
    import pyarrow.types as kind

    def plain(of: pa.DataType) -> pa.DataType:
        return of.value_type if kind.is_dictionary(of) else of

    def is_text(of: pa.DataType) -> bool:
        return kind.is_string(of) or kind.is_large_string(of) or kind.is_string_view(of)

    def is_number(of: pa.DataType) -> bool:
        return kind.is_floating(of) or kind.is_integer(of) or kind.is_decimal(of) or kind.is_null(of)

    wanted = {
        "subject_id": (lambda t: kind.is_integer(t) or is_text(t), "whole numbers"),
        "time": (lambda t: kind.is_timestamp(t) or kind.is_date(t) or kind.is_null(t), "a timestamp"),
        "code": (is_text, "text"),
        "numeric_value": (is_number, "numbers"),
        "text_value": (lambda t: is_text(t) or kind.is_null(t), "text"),
        "unit": (lambda t: is_text(t) or kind.is_null(t), "text"),
    }
    return [
        f"column '{name}' is {schema.field(name).type}, wanted {word}"
        for name, (fits, word) in wanted.items()
        if name in schema.names and not fits(plain(schema.field(name).type))
    ]


def _piece(batch: pa.RecordBatch, *, zone: ZoneInfo) -> Piece:
    """Return one batch as a piece; no Python object per event: words are encoded first, then renamed in their dictionary."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = pa.table(batch)
    subject, code = (pc.is_valid(table[name]) for name in ("subject_id", "code"))
    refused = {
        SUBJECTLESS: len(table) - (pc.sum(subject).as_py() or 0),
        CODELESS: pc.sum(pc.and_not(subject, code)).as_py() or 0,
    }
    kept = table.filter(pc.and_(subject, code))
    named = getattr(kept["time"].type, "tz", None)
    time = kept["time"].cast(pa.timestamp("us", tz=named), safe=False)
    if pa.types.is_date(kept["time"].type):  # a day, known when it is over; a birth at its begin
        begins = pc.equal(kept["code"].cast(pa.string()), "MEDS_BIRTH")
        time = pc.if_else(begins, time, pc.add(time, pa.scalar(DAY - 1, pa.duration("us"))))
    if named is None and zone != UTC:
        time = pc.assume_timezone(time, zone.key, ambiguous="earliest", nonexistent="latest")
    rows = {
        "subject": _words(kept["subject_id"]),
        "time": time.cast(pa.int64()),
        "code": _words(kept["code"], names=NAMES),
        "value": kept["numeric_value"].cast(pa.float64(), safe=False) if "numeric_value" in kept.column_names else None,
        "text": _words(kept["text_value"]) if "text_value" in kept.column_names else None,
        "unit": _words(kept["unit"]) if "unit" in kept.column_names else None,
    }
    empty = {"value": pa.float64(), "text": pa.string(), "unit": pa.string()}
    filled = {name: pa.nulls(len(kept), empty[name]) if column is None else column for name, column in rows.items()}
    return Piece(pa.table(filled), {why: count for why, count in refused.items() if count})


def _words(column: pa.ChunkedArray, names: Mapping[str, str] = {}) -> pa.DictionaryArray:
    import pyarrow as pa
    import pyarrow.types as kind

    one = column.combine_chunks()
    encoded = one if kind.is_dictionary(one.type) else one.dictionary_encode()
    words = encoded.dictionary.cast(pa.string())
    if names:
        words = pa.array([names.get(word, word) for word in words.to_pylist()], pa.string())
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(pa.int32()), words)


def _told(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
