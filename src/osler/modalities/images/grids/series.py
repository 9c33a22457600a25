"""Folders of DICOM slices, each of which is one volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SLICES = (".dcm", ".dicom", ".ima")
MAGIC_AT, MAGIC = 128, b"DICM"  # PS3.10, 7.1: after the preamble


def cases_in(folder: Path, names: Sequence[str], *, files: Sequence[str]) -> list[str]:
    """Return the cases among `files`, those of the files `names` in `folder` whose ending is known; where several of `names` are DICOM
    slices, whatever their ending, the folder itself, "", stands for them."""
    slices = {name for name in names if _is_slice(folder / name)}
    if len(slices) < 2:
        return [*files, *sorted(slices - set(files))]
    return [*(name for name in files if name not in slices), ""]


def _is_slice(path: Path) -> bool:
    if path.name.lower().endswith(SLICES):
        return True
    if path.suffix and not path.suffix[1:].isdigit():  # exports often number files, or name them by a UID
        return False
    try:
        with path.open("rb") as file:
            return file.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC
    except OSError:
        return False
