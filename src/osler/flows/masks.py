"""`osler predict` of a target on a grid: a folder with a mask for each case, and a table of what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from osler.core.columns import Columns
from osler.core.disk import telling
from osler.core.errors import OutputError, RequestError
from osler.core.table import Table
from osler.flows.cases import plain_text
from osler.flows.files import Files
from osler.flows.painting import cells_of, painted_block
from osler.flows.predictor import Predictor, ending
from osler.spine.bundle import check_report_place
from osler.spine.rows import is_table_name
from osler.spine.scan import column_values

MASKS, TABLE = "masks", "cases.csv"
LONGEST = 100  # letters of a mask's name: file systems take 255 bytes
MASK = "mask"  # column of the table that names the file


def check_folder(out: Path, *, what: str = "this bundle paints masks") -> None:
    """Raise before the work where `out` is no folder for files, and `what` makes them: RequestError for the name of a table, OutputError for a place that
    cannot be written to or lies in a bundle."""
    if is_table_name(out):
        raise RequestError(f"{what}, and '{out.name}' is the name of a table: give --out a folder; {TABLE} is written into it")
    if out.exists() and not out.is_dir():
        raise OutputError(f"'{out.name}' is a file; {what}: give --out a folder")
    check_report_place(out)


class Names:
    """The names of masks, each once: the id of the case, else the file that it came from, else its row.

    Rows are named in their order, those that a killed run has finished too, so that it goes on with the same names.
    """

    def __init__(self, identity: str | None, files: Files | None, *, endings: Sequence[str]) -> None:
        self.identity, self.files = identity, files
        self.endings = sorted(endings, key=len, reverse=True)
        self.taken: set[str] = set()
        self.held: dict[int, list[str]] = {}  # by a block's first row, until it is written

    @classmethod
    def of_bundle(cls, predictor: Predictor, files: Files | None) -> Names:
        """Return the names of a bundle's cases, none given yet."""
        endings = [ending for modality in predictor.modalities.values() for ending in modality.opens]
        return cls(predictor.contents.about["roles"]["id"], files, endings=endings)

    def of(self, block: Table) -> list[str]:
        """Return the names of a block's cases."""
        return [self._free(safe(name) or f"row{block.first + 1 + row}") for row, name in enumerate(self._wanted(block))]

    def _wanted(self, block: Table) -> Iterator[str]:
        if self.identity in block.columns:
            yield from (plain_text(value) for value in column_values(block, str(self.identity)))
        elif self.files is not None:
            yield from (self._stem(str(name)) for name in block.rows.column(self.files.column).to_pylist())
        else:
            yield from ("" for _ in range(len(block)))

    def _stem(self, name: str) -> str:
        ending = next((e for e in self.endings if name.lower().endswith(e)), "")
        return name[: len(name) - len(ending)]

    def _free(self, name: str) -> str:
        found, turn = name, 1
        while found.casefold() in self.taken:  # some file systems do not tell A from a
            turn += 1
            found = f"{name}-{turn}"
        self.taken.add(found.casefold())
        return found


def safe(name: str) -> str:
    """Return `name` as every file system takes it, and in no other folder: letters, digits, and the signs - _ and . within."""
    return re.sub(r"[^\w.-]+", "_", name).strip("._- ")[:LONGEST].rstrip("._- ")


def named(blocks: Iterable[Table], names: Names, *, done: int) -> Iterator[Table]:
    """Yield the blocks after the first `done`, whose names then lie in `names.held`; those before are named too."""
    for number, block in enumerate(blocks):
        own = names.of(block)
        if number >= done:
            names.held[block.first] = own
            yield block


def write_block(
    predictor: Predictor, block: Table, columns: Mapping[str, Columns], *, folder: Path, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Write a mask of every case of a block that can be used into `folder`, each as soon as it is painted; return the lines of the
    table."""
    assert predictor.anchor is not None
    modality, own = predictor.modalities[predictor.anchor], columns[predictor.anchor]
    cases, refusals = painted_block(predictor, block, columns)
    cells: dict[int, Mapping[str, float]] = {}
    files = np.full(len(block), None, object)
    for row, painted in cases:
        with telling(folder / names[row]):
            path = modality.write_marks(painted.marks, own, row, folder=folder, name=names[row])
        cells[row], files[row] = painted.cells, f"{folder.name}/{path.name}"
    return {**predictor.heading(block), MASK: files, **cells_of(cells, cases=len(block)), **ending(columns, refusals)}
