"""Image files to pictures: the home of Pillow and pydicom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.errors import Refusal, Refused
from osler.core.paths import inside
from osler.core.plan import Decision
from osler.core.table import Table
from osler.modalities.images.case import Image, ImageFiles

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom")


def recognises(cells: Sequence[str]) -> float:
    """Return the share of cells that end like an image file."""
    return sum(cell.lower().endswith(ENDINGS) for cell in cells) / max(1, len(cells))


def locate(table: Table, *, columns: Sequence[str]) -> list[ImageFiles | Refusal | None]:
    """Return the files of each row, None where no cell holds a path."""
    found: list[ImageFiles | Refusal | None] = []
    for cells in zip(*[table.rows.column(c).to_pylist() for c in columns], strict=True):
        if all(cell is None or not str(cell).strip() for cell in cells):
            found.append(None)
            continue
        paths = [inside(table.folder, str(cell), column=c) for cell, c in zip(cells, columns, strict=True)]
        bad = next((p for p in paths if isinstance(p, Refusal)), None)
        found.append(bad or ImageFiles(tuple(map(str, paths)), tuple(columns)))
    return found


def reading(locators: Sequence[Any], *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Return size, channels and type, from headers."""
    import PIL.Image

    sizes = []
    for locator in [x for x in locators if isinstance(x, ImageFiles)][:200]:
        try:
            with PIL.Image.open(locator.paths[0]) as image:
                sizes.append(image.size[::-1])
        except (OSError, ValueError):
            continue
    size = [int(x) for x in np.median(sizes, axis=0)] if sizes else [64, 64]
    return (
        Decision("size", settings.get("size", size), "median of the files", "headers"),
        Decision("channels", 1, "grey", "headers"),
        Decision("dtype", "uint8", "8 bits", "headers"),
    )


def read(locator: ImageFiles | None, *, reading: Mapping[str, Any]) -> Image | None:
    """Return one picture; raises Refused."""
    import PIL.Image

    if locator is None:
        return None
    try:
        with PIL.Image.open(locator.paths[0]) as image:
            grey = image.convert("L").resize(tuple(reading["size"][::-1]), PIL.Image.Resampling.BILINEAR)
    except (OSError, ValueError):
        raise Refused(Refusal("unreadable", "the file is no picture", locator.columns[0])) from None
    return Image(np.asarray(grey)[None])
