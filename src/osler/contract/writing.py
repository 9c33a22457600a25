"""What a kind of data promises to write: marks on a case, and images made of it, in the geometry of the case's own file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.provenance import Provenance


class Writing:
    """The part of a modality that writes files of what was found or made."""

    def write_marks(self, marks: np.ndarray, columns: Columns, row: int, *, folder: Path, name: str) -> Path:
        """Write the marks (channels, i, j[, k]) uint8 of case `row` into `folder` in the geometry of its file; return the file,
        whose name begins with `name`. Default: an array of numpy."""
        path = folder / f"{name}.npy"
        np.save(path, marks, allow_pickle=False)
        return path

    def write_image(
        self, values: np.ndarray, locator: Any, columns: Columns, row: int, *, folder: Path, name: str, provenance: Provenance,
        reading: Mapping[str, Any],
    ) -> Path:  # fmt: skip
        """Write what was made of case `row`, `values` (channels, stored grid), into `folder` as its own files are, which `locator` names, in
        form and geometry, marked as synthetic by `provenance`; return the file, whose name begins with `name`. Raises Refused."""
        raise NotImplementedError
