"""Public data sets of genomic sequences: tasks of GUE, the benchmark of DNABERT-2 (Zhou et al. 2024), with their official split.

They come from a mirror folder, in which they lie as `gue/<task>/{train,dev,test}.csv.gz`.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path

from osler.datasets.registry import Converted

_PARTS = ("train", "dev", "test")
_STUDY = {
    "task": "classification", "target": "label", "split": "split",
    "inputs": {"sequence": {"modality": "sequences", "columns": ["sequence"]}},
}  # fmt: skip


def gue(files: Mapping[str, Path]) -> Converted:
    """Return a task's sequences, labels and split as published, copies among them."""
    found = {part: path for part in _PARTS for name, path in files.items() if name.endswith(f"/{part}.csv.gz")}
    rows = ((*row, part) for part, path in found.items() for row in _rows(path))
    return Converted(("sequence", "label", "split"), rows, _STUDY)


def _rows(path: Path) -> Iterator[tuple[str, ...]]:
    with gzip.open(path, "rt", newline="", encoding="utf-8") as stream:
        lines = csv.reader(stream)
        next(lines)
        yield from (tuple(line) for line in lines)
