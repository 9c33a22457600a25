"""The map of vectors that `osler embed` wrote: a drawing or a page with a point for each row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from osler.core.disk import whole
from osler.core.errors import OutputError, RequestError, did_you_mean
from osler.core.judgement import Section
from osler.core.table import Table
from osler.flows.opening import in_memory

Asked: TypeAlias = "Drawn | Path | str | tuple[Path | str, str | None] | None"
OWN = ("anomaly", "anomaly_place", "restoring_error")  # columns beside the vectors that may colour them
ENDINGS = {".html": ("pca", "umap"), ".svg": ("umap",)}
SHOWN = "One point for each of {n} rows that have a vector."
VECTOR = re.compile(r"v\d{3,}")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A map to be drawn: the file `to`, .html with both ways or .svg with UMAP, coloured by the `column` of the table or of the vectors' file,
    "" by none."""

    to: Path
    column: str = ""

    @classmethod
    def of(cls, asked: Asked) -> Drawn | None:
        """Return what `asked` names: a file, a file and a column, or nothing."""
        if asked is None or isinstance(asked, Drawn):
            return asked
        if not isinstance(asked, tuple):
            return cls(Path(asked))
        to, column = asked
        return cls(Path(to), column or "")

    def check(self, *, vectors: Path, table: Path) -> None:
        """Raise RequestError where the ending is none of ours, that of the file `vectors` none that is read again, or neither it nor the `table` will
        have the column."""
        if self.to.suffix.lower() not in ENDINGS:
            raise RequestError(
                f"a map is written as .html or .svg, not as '{self.to.suffix or self.to.name}'; change the ending of --map"
            )
        if ".jsonl" in vectors.suffixes:
            raise RequestError(
                "a map is drawn of vectors in .parquet, .arrow, .csv or .tsv, not of .jsonl; change the ending of --out"
            )
        if self.to.resolve() in {vectors.resolve(), table.resolve()}:
            raise OutputError(f"'{self.to.name}' is the table or the vectors themselves; choose another --map")
        if self.column and table.is_file():
            known = [*next(iter(in_memory(table, size=1))).columns, *OWN]
            if self.column not in known:
                raise RequestError(
                    f"the map cannot be coloured by '{self.column}': no such column{did_you_mean(self.column, known)}"
                )


def draw_map(drawn: Drawn, *, vectors: Path, table: Path | None, language: str = "en", title: str = "", seed: int = 0) -> Path:
    """Write the map of the rows of the file `vectors` that have a vector, at most 5,000 of them drawn by `seed`; returns its path.

    The column that colours it is looked for in `vectors`, then in `table`.
    """
    from osler.generation.embedding.coloured import of_column
    from osler.generation.embedding.drawn import points
    from osler.generation.embedding.maps import LEAST, MOST, NAMES, mapped
    from osler.generation.embedding.pictured import UNFIT

    rows, found = _vectors(vectors, most=MOST, seed=seed)
    if len(rows) < LEAST:
        raise RequestError(f"a map wants at least {LEAST} rows with a vector, and there are {len(rows)}")
    colours = of_column(_cells(drawn.column, rows, (vectors, table) if table else (vectors,))) if drawn.column else None
    ways = ENDINGS[drawn.to.suffix.lower()]
    maps = [mapped(found, np.arange(len(rows)), way=way, seed=seed) for way in ways]
    drawings = tuple(points(one, colours, title=NAMES[one.way]) for one in maps)
    section = Section("map", "section.map", (SHOWN.format(n=len(rows)), UNFIT), drawings=drawings)
    with whole(drawn.to) as temporary:
        temporary.write_text(_content(section, single=len(ways) == 1, language=language, title=title), encoding="utf-8")
    return drawn.to


def _content(section: Section, *, single: bool, language: str, title: str) -> str:
    from osler.spine.report.alone import alone
    from osler.spine.report.made import write_cases

    return alone(section.drawings[0]) if single else write_cases((section,), title=title, language=language)


def _vectors(path: Path, *, most: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (m,) numbers of rows that have a vector, ascending, and the vectors (m, d): `most` of them, each as likely as another."""
    usable = np.concatenate([np.empty(0, np.int64), *(block.first + np.flatnonzero(_has(block)) for block in in_memory(path))])
    kept = np.sort(np.random.default_rng([seed, 0x3A9]).permutation(usable)[:most])
    parts = [_matrix(block, rows) for block, rows in _taken(path, kept)]
    return kept, np.concatenate(parts) if parts else np.empty((0, 0))


def _has(block: Table) -> np.ndarray:
    first = next((name for name in block.columns if VECTOR.fullmatch(name)), None)
    if first is None:
        raise RequestError("the file holds no vectors (columns v001, v002, …); give one that 'osler embed' wrote")
    cells = block.rows.column(first).to_pylist()
    return np.array([cell not in (None, "") for cell in cells], bool)


def _matrix(block: Table, rows: np.ndarray) -> np.ndarray:
    names = [name for name in block.columns if VECTOR.fullmatch(name)]
    taken = block.rows.select(names).take(rows)
    return np.stack([np.array([float(cell) for cell in taken.column(name).to_pylist()]) for name in names], axis=1)


def _cells(column: str, rows: np.ndarray, files: Sequence[Path]) -> list[Any]:
    for one in files:
        first = next(iter(in_memory(one, size=1)), None)
        if first is not None and column in first.columns:
            return [cell for block, within in _taken(one, rows) for cell in block.rows.column(column).take(within).to_pylist()]
    known = sorted(
        {name for one in files for block in [next(iter(in_memory(one, size=1)), None)] if block for name in block.columns}
    )
    raise RequestError(f"the map cannot be coloured by '{column}': no such column{did_you_mean(column, known)}")


def _taken(table: Path, rows: np.ndarray) -> Iterator[tuple[Table, np.ndarray]]:
    """Yield the blocks of `table` with those of `rows` that lie in them, numbered within the block."""
    for block in in_memory(table):
        within = rows[(rows >= block.first) & (rows < block.first + len(block))] - block.first
        yield block, within
