"""From cells to the files that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.paths import Home
from osler.core.table import Table
from osler.modalities.images.case import ImageFiles
from osler.modalities.images.read.volume.files import ENDINGS as VOLUMES
from osler.modalities.images.read.volume.files import is_volume_name

FOLDERS = 5  # cells at least that may be folders: words with a slash in them repeat sooner or later
ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom")


def recognises(cells: Sequence[str]) -> float:
    """Return the share of cells that end like an image file, or, where no two are alike, look like folders."""
    ended = sum(cell.lower().endswith((*ENDINGS, *VOLUMES)) for cell in cells)
    if ended or len(cells) < FOLDERS or len(set(cells)) < len(cells):
        return ended / max(1, len(cells))
    return sum(map(is_volume_name, cells)) / len(cells)


def locate(table: Table, *, columns: Sequence[str], aligned: Sequence[str] = ()) -> list[ImageFiles | Refusal | None]:
    """Return the files of each row, one per column, and those of its masks, one per `aligned` column; None where no cell holds a path.

    A row in which some columns hold a path and others none is refused: channels of one picture are not made up. Raises
    StudyError for columns that the table lacks.
    """
    missing = [c for c in (*columns, *aligned) if c not in set(table.columns)]
    if missing:
        raise StudyError([f"the table has no column '{c}'{did_you_mean(c, table.columns)}" for c in missing])
    home, names = Home(table.folder), tuple(columns)
    found = [_located(home, row, columns=names) for row in _cells(table, names)]
    if not aligned:
        return found
    masks = _cells(table, tuple(aligned))
    return [_with_masks(home, one, row, columns=tuple(aligned)) for one, row in zip(found, masks, strict=True)]


def _cells(table: Table, names: Sequence[str]) -> list[list[str]]:
    rows = zip(*[table.rows.column(c).to_pylist() for c in names], strict=True)
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


def _with_masks(
    home: Home, files: ImageFiles | Refusal | None, cells: Sequence[str], *, columns: tuple[str, ...]
) -> ImageFiles | Refusal | None:
    if not isinstance(files, ImageFiles):
        return files
    paths = [home.inside(cell, column=column) if cell.strip() else None for cell, column in zip(cells, columns, strict=True)]
    bad = next((path for path in paths if isinstance(path, Refusal)), None)
    return bad or replace(files, masks=tuple(None if path is None else str(path) for path in paths), mask_columns=columns)


def _located(home: Home, cells: Sequence[str], *, columns: tuple[str, ...]) -> ImageFiles | Refusal | None:
    filled = [bool(cell.strip()) for cell in cells]
    if not any(filled):
        return None
    if not all(filled):
        sentence = (
            "the other channels of this picture are there, this one is missing; give all of them, or make it an input of its own"
        )
        return Refusal("channel", sentence, columns[filled.index(False)])
    paths = [home.inside(cell, column=column) for cell, column in zip(cells, columns, strict=True)]
    bad = next((path for path in paths if isinstance(path, Refusal)), None)
    return bad or ImageFiles(tuple(map(str, paths)), columns)
