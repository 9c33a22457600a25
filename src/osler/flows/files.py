"""A folder, or one file, in place of a table: each file that the bundle's modality opens is a case."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osler.contract import Modality
from osler.core.errors import TableError
from osler.core.table import Table


@dataclass(frozen=True, slots=True)
class Files:
    """The cases of a folder: `names` relative to it, in their order, which stand in for the table's column `column`."""

    folder: Path
    names: tuple[str, ...]
    column: str

    def blocks(self, *, size: int) -> Iterator[Table]:
        """Yield the names as a table of one column, in blocks."""
        import pyarrow as pa

        for start in range(0, len(self.names), size):
            yield Table(pa.table({self.column: self.names[start : start + size]}), self.folder, first=start)

    def stamp(self) -> str:
        """Return what changes when a file is added, removed or changed."""
        known = []
        for name in self.names:
            try:
                about = (self.folder / name).stat()
                known.append(f"{name}|{about.st_size}|{about.st_mtime_ns}")
            except OSError:
                known.append(name)
        return "\n".join(known)


def files_of(
    path: Path, *, inputs: Sequence[Mapping[str, Any]], modalities: Mapping[str, Modality],
    readings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Files | None:  # fmt: skip
    """Return the files that `path` stands for, None where it is a table. A folder is looked through with all folders in it, hidden
    ones left out; links to folders are not followed. A folder may be a case itself, as the `readings` of the bundle tell.

    Raises TableError where a folder holds nothing that the bundle opens, or where the bundle needs more than one file per case.
    """
    opens = {ending for modality in modalities.values() for ending in modality.opens}
    if not path.is_dir() and not path.name.lower().endswith(tuple(opens)):
        return None
    if len(inputs) != 1 or len(inputs[0]["columns"]) != 1 or not opens:
        raise TableError(
            f"'{path.name}' is no table, and this bundle needs one: each case has several columns; give a table that names the files"
        )
    column = str(inputs[0]["columns"][0])
    if not path.is_dir():
        return Files(path.parent, (path.name,), column)
    (name, modality), path = next(iter(modalities.items())), path.absolute()
    names = sorted(_within(path, modality, reading=(readings or {}).get(name, {})))
    if not names:
        raise TableError(f"the folder '{path.name}' holds no file that ends in {', '.join(sorted(opens))}")
    if "" in names:  # the folder itself is a case, and is named by its own name
        return Files(path.parent, tuple(f"{path.name}/{one}" if one else path.name for one in names), column)
    return Files(path, tuple(names), column)


def _within(folder: Path, modality: Modality, *, reading: Mapping[str, Any]) -> Iterator[str]:
    for place, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]
        here = Path(place).relative_to(folder).as_posix()
        shown = [name for name in names if not name.startswith(".")]
        for name in modality.cases_in(Path(place), shown, reading=reading):
            yield name if here == "." else f"{here}/{name}".rstrip("/")
