"""Studies of two inputs: every pair of modalities, also one with itself, some cases lacking one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from osler.core.table import Table
from osler.spine.study import Request
from tests.contract.strips import write_strips
from tests.contract.studies import drug, gene, write_events

# by modality the columns of a first and of a second input of its kind; a modality that is registered has its line here
KINDS = {
    "tables": (("age", "dose", "sex"), ("height", "site")),
    "images": (("picture",), ("picture2",)),
    "strips": (("image",), ("image2",)),
    "molecules": (("drug",), ("drug2",)),
    "sequences": (("gene",), ("gene2",)),
    "timelines": (("stay",), ("stay2",)),  # whose events: those of both lie in one file beside the table
}
BROKEN_FILES = {"images": "broken.png", "strips": "broken.npy"}  # kinds whose cells are paths
# networks that take most of the time, and need not be as wide to prove a promise
NARROW = ("images", "timelines", "molecules", "sequences")
TARGETS = {"classification": "bright", "regression": "level"}
CASES = 64
LACKS = {1: "second", 3: "first"}  # by the number of the case modulo 4
NEITHER, BROKEN = 6, 10  # cases without any input, and with a second input that cannot be read


@dataclass(frozen=True)
class Pair:
    """The modalities of `first` and `second` input, and a task."""

    first: str
    second: str
    task: str

    def __str__(self) -> str:
        return f"{self.first}+{self.second}-{self.task}"

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The columns by input."""
        return {"first": KINDS[self.first][0], "second": KINDS[self.second][self.first == self.second]}

    @property
    def of_files(self) -> str | None:
        """The last input whose cells are paths."""
        return next((name for name, kind in (("second", self.second), ("first", self.first)) if kind in BROKEN_FILES), None)

    def broken(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row with files that cannot be read in that input."""
        name = self.of_files
        kind = self.second if name == "second" else self.first
        return row if name is None else {**row, **dict.fromkeys(self.columns[name], BROKEN_FILES[kind])}

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs as flags write them."""
        kinds = {"first": self.first, "second": self.second}
        return tuple(f"{name}={kinds[name]}:{','.join(columns)}" for name, columns in self.columns.items())


PAIRS = [Pair(*kinds, task) for kinds in combinations_with_replacement(KINDS, 2) for task in TARGETS]
# of every two kinds one task, in turn, so that each kind meets both; the other half is trained where there is time for it
OFTEN = {pair for number, pair in enumerate(PAIRS) if number % 4 in {0, 3}}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Write the files of CASES cases; return the rows of their table, none of which lacks anything."""
    import PIL.Image

    for name in BROKEN_FILES.values():
        (folder / name).write_bytes(b"nothing that is drawn")
    generator = np.random.default_rng(5)
    (folder / "again").mkdir()
    rows = write_strips(folder, cases=CASES)
    others = write_strips(folder / "again", cases=CASES, seed=1)
    for number, (row, other) in enumerate(zip(rows, others, strict=True)):
        row |= {"dose": row["level"] * 10 + number % 3, "sex": "fm"[number % 2], "image2": f"again/{other['image']}"}
        for column, file in (("picture", row["image"]), ("picture2", row["image2"])):
            grey = np.clip(np.load(folder / file) * 60 + 80, 0, 255).astype(np.uint8)
            row[column] = file.replace(".npy", ".png")
            PIL.Image.fromarray(grey).save(folder / row[column])
        row |= {"drug": drug(row["level"], number), "drug2": drug(row["level"], number, tail="CCCO")}
        row |= {"gene": gene(row["level"], number), "gene2": gene(row["level"], number, first="ACCA")}
        row |= {"stay": f"a{number}", "stay2": f"b{number}"}
        row |= {"height": row["level"] * 20 + float(generator.normal(170, 4)), "site": "abc"[number % 3]}
    write_events(folder, rows, keys=KINDS["timelines"][0] + KINDS["timelines"][1])
    return rows


def without(rows: list[dict[str, Any]], pair: Pair, lacking: Mapping[int, tuple[str, ...]]) -> list[dict[str, Any]]:
    """Return the rows with no cell in the inputs that `lacking` names by row."""
    gone = {row: {c for name in names for c in pair.columns[name]} for row, names in lacking.items()}
    return [{k: None if k in gone.get(at, ()) else v for k, v in row.items()} for at, row in enumerate(rows)]


def gaps() -> dict[int, tuple[str, ...]]:
    """Return which inputs each case lacks in training."""
    found = {number: (LACKS[number % 4],) for number in range(CASES) if number % 4 in LACKS}
    return {**found, NEITHER: ("first", "second")}


def table_of(rows: list[dict[str, Any]], folder: Path) -> Table:
    """Return the rows as a table in memory."""
    return Table(pa.Table.from_pylist(rows, schema=_schema()), folder, digest="test")


def request_of(rows: list[dict[str, Any]], folder: Path, pair: Pair) -> Request:
    """Write the table; return what is asked."""
    path = folder / f"{pair}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=_schema()), path)
    small = ("fit.epochs=2", "fit.members=1", "fit.threads=1", "baseline.effort=1", "split.folds=1", "explain.seconds=1")
    kinds = {"first": pair.first, "second": pair.second}
    narrow = tuple(f"inputs.{name}.width=8" for name, kind in kinds.items() if kind in NARROW)
    return Request(
        path, target=(TARGETS[pair.task],), task=pair.task, inputs=pair.inputs, group="patient", budget="30s",
        settings=(*small, *narrow),
    )  # fmt: skip


def _schema() -> pa.Schema:
    numbers = ("level", "age", "dose", "height")
    texts = ("bright", "drug", "drug2", "gene", "gene2", "patient", "image", "image2", "picture", "picture2")
    texts = (*texts, "sex", "site", "stay", "stay2")
    return pa.schema([*((n, pa.float64()) for n in numbers), *((t, pa.string()) for t in texts)])
