"""The PhysioNet/CinC Challenge 2012 (Silva and others 2012, "Predicting in-hospital mortality of ICU patients"): 48 hours of 8,000 stays.

Each set is a packed folder of one text file a stay: lines of time (HH:MM since admission), parameter, value. All texts of a set
are parsed at once. What the files have wrong (a temperature of 0, a pH of 700) is left in: reading masks it.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from osler.core.errors import RequestError
from osler.datasets.registry import Recorded

if TYPE_CHECKING:
    import polars as pl

PARTS = {"a": "train", "b": "test"}
HEADER = b"Time,Parameter,Value"
MOST_BYTES = 1 << 20  # of one stay; the longest has 40 kB
MOST_UNPACKED = 1 << 29  # of one set, which has 35 MB
DESCRIPTORS = ("Age", "Gender", "Height", "ICUType", "Weight")
# of the five, weight alone is measured again, and is a series too
SERIES = ("Weight",)
GENDERS = {"0": "female", "1": "male"}
UNITS_OF_CARE = {"1": "coronary care", "2": "cardiac surgery recovery", "3": "medical", "4": "surgical"}
# As the challenge's page states them, but one: it gives magnesium in mmol/L, and the values (median 2.0) are those of mg/dL, where
# 1.7 to 2.2 is normal. That series is left without a unit.
UNITS = {
    **dict.fromkeys(("Albumin",), "g/dL"),
    **dict.fromkeys(("ALP", "ALT", "AST"), "IU/L"),
    **dict.fromkeys(("Bilirubin", "BUN", "Cholesterol", "Creatinine", "Glucose"), "mg/dL"),
    **dict.fromkeys(("DiasABP", "SysABP", "MAP", "NIDiasABP", "NISysABP", "NIMAP", "PaCO2", "PaO2"), "mmHg"),
    **dict.fromkeys(("HCO3", "Lactate"), "mmol/L"),
    **dict.fromkeys(("K", "Na"), "mEq/L"),
    **dict.fromkeys(("HCT", "SaO2"), "%"),
    **dict.fromkeys(("HR", "RespRate"), "bpm"),
    **dict.fromkeys(("Platelets", "WBC"), "cells/nL"),
    **dict.fromkeys(("TroponinI", "TroponinT"), "ug/L"),
    "Temp": "°C",
    "Urine": "mL",
    "Weight": "kg",
}
REMARKS = (
    "Train on set a, test once on set b, as the challenge did. Times are minutes since admission to intensive care.",
    "SAPS-I, SOFA, length of stay and survival stand beside the outcome at the source and are left out: they are answers, or another model's.",
    "-1 is missing. What else cannot be (a temperature of 0, a height of 13 cm) is left as it came.",
)


def stays(files: Mapping[str, Path]) -> Recorded:
    """Return 8,000 stays with `died`, their descriptors and their series.

    Raises RequestError for a set that cannot be unpacked or holds something else.
    """
    import polars as pl

    tables, events, counts = [], [], {}
    for name, part in PARTS.items():
        lines = _lines(files[f"set-{name}.tar.gz"])
        tables.append(_table(lines, _outcomes(files[f"Outcomes-{name}.txt"]), part=part))
        series, counts[f"set-{name}"] = _series(lines)
        events.append(series)
    study = {
        "task": "classification",
        "target": "died",
        "id": "stay",
        "split": "split",
        "inputs": {
            "stay": {"modality": "tables", "columns": list(DESCRIPTORS)},
            "events": {
                "modality": "timelines",
                "columns": ["stay"],
                "source": "events.parquet",
                "clock": "minutes",
                "after": "48h",
            },
        },
        "subgroups": ["Gender", "ICUType"],
    }
    return Recorded(pl.concat(tables), pl.concat(events), {"study.yaml": study}, REMARKS, counts)


def _lines(source: Path) -> pl.DataFrame:
    """Return `stay`, `time` (minutes), `code` and `value` of each line of a packed set, in the order of stays and lines."""
    import numpy as np
    import polars as pl

    texts = sorted(_texts(source))
    if not texts:
        raise RequestError(f"'{source.name}' holds no stays")
    schema = {"clock": pl.String, "code": pl.String, "value": pl.String}
    try:
        lines = pl.read_csv(b"".join(text for _, text in texts), has_header=False, schema=schema)
    except pl.exceptions.PolarsError:
        raise RequestError(f"'{source.name}' has lines that are not time, parameter and value") from None
    names = pl.Series("stay", [name for name, _ in texts])
    counted = np.array([text.count(b"\n") for _, text in texts])
    if lines.height != counted.sum():
        raise RequestError(f"'{source.name}' has lines that are not time, parameter and value")
    lines = lines.with_columns(names.gather(np.repeat(np.arange(len(texts)), counted)))
    hours, minutes = (pl.col("clock").str.extract(r"^(\d+):([0-5]\d)$", group).cast(pl.Int64) for group in (1, 2))
    return lines.select("stay", (hours * 60 + minutes).alias("time"), "code", "value")


def _texts(source: Path) -> list[tuple[str, bytes]]:
    """Return the name and the lines of each stay, without the header."""
    found = []
    try:
        with tarfile.open(fileobj=_unpacked(source), mode="r:") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                stream = archive.extractfile(member) if member.isfile() and name.suffix == ".txt" else None
                if stream is not None and member.size <= MOST_BYTES and not name.name.startswith("."):
                    header, _, lines = stream.read().replace(b"\r\n", b"\n").partition(b"\n")
                    if header != HEADER:
                        raise RequestError(f"'{source.name}' holds a file that does not begin with '{HEADER.decode()}'")
                    found.append((name.stem, lines if lines.endswith(b"\n") or not lines else lines + b"\n"))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise RequestError(f"'{source.name}' cannot be unpacked ({type(error).__name__})") from None
    return found


def _unpacked(source: Path) -> io.BytesIO:
    """Return the archive with its own sum checked: read member by member, one that is cut off may look like a shorter one."""
    with gzip.open(source) as stream:
        content = stream.read(MOST_UNPACKED + 1)
    if len(content) > MOST_UNPACKED:
        raise RequestError(f"'{source.name}' holds more than {MOST_UNPACKED:,} bytes")
    return io.BytesIO(content)


def _outcomes(source: Path) -> pl.DataFrame:
    import polars as pl

    try:
        found = pl.read_csv(source, infer_schema=False, columns=["RecordID", "In-hospital_death"])
    except (pl.exceptions.PolarsError, OSError):
        raise RequestError(f"'{source.name}' lacks the columns 'RecordID' and 'In-hospital_death'") from None
    return found.select(pl.col("RecordID").alias("stay"), pl.col("In-hospital_death").alias("died"))


def _table(lines: pl.DataFrame, outcomes: pl.DataFrame, *, part: str) -> pl.DataFrame:
    """Return one row per stay; a descriptor is the first value at admission that is not missing, in the source's own text."""
    import polars as pl

    admission = lines.filter(pl.col("time") == 0, pl.col("value") != "-1")
    first = [pl.col("value").filter(pl.col("code") == name).first().alias(name) for name in DESCRIPTORS]
    described = admission.group_by("stay").agg(first)
    words = [pl.col(n).replace_strict(w, default=None) for n, w in (("Gender", GENDERS), ("ICUType", UNITS_OF_CARE))]
    stays = lines.select("stay").unique(maintain_order=True)
    return (
        stays.join(described, on="stay", how="left", maintain_order="left")
        .join(outcomes, on="stay", how="left", maintain_order="left")
        .with_columns(*words, pl.lit(part).alias("split"))
        .select("stay", "split", *DESCRIPTORS, "died")
    )


def _series(lines: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the events of a set, and what became of its lines."""
    import polars as pl

    number = pl.col("value").cast(pl.Float64, strict=False)
    described = ("RecordID", *(name for name in DESCRIPTORS if name not in SERIES))
    left = (
        pl.when(pl.col("code").is_in(described)).then(pl.lit("descriptor of the stay"))
        .when(pl.col("time").is_null()).then(pl.lit("no time HH:MM"))
        .when(pl.col("code").is_null()).then(pl.lit("no parameter"))
        .when(number.is_null()).then(pl.lit("no number"))
        .when(number == -1).then(pl.lit("missing (-1)"))
    )  # fmt: skip
    marked = lines.with_columns(left.alias("left"), number=number)
    reasons = marked["left"].drop_nulls().value_counts().sort("count", "left", descending=[True, False])
    events = marked.filter(pl.col("left").is_null()).select(
        pl.col("stay").alias("subject"),
        "time",
        "code",
        pl.col("number").alias("value"),
        pl.col("code").replace_strict(UNITS, default=None).alias("unit"),
        pl.lit(None, pl.String).alias("text"),
    )
    counts = {
        "stays": lines["stay"].n_unique(),
        "lines": lines.height,
        "events": events.height,
        "left out": dict(reasons.iter_rows()),
    }
    return events, counts
