"""Signals along a genome as bedGraph files tell them: lines of contig, start, end and value, 0-based and half-open
(https://genome.ucsc.edu/goldenPath/help/bedgraph.html)."""

from __future__ import annotations

import functools
import gzip
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.errors import Refusal, Refused
from osler.core.paths import inside
from osler.modalities.sequences.read.assemblies import mapped
from osler.modalities.sequences.read.intervals import Interval

ENDINGS = tuple(f"{ending}{packed}" for ending in (".bedgraph", ".bdg") for packed in ("", ".gz"))
SKIPPED = (b"#", b"track", b"browser")
LONGEST = 4_096  # bytes of a line
_DAMAGED = Refusal("bedgraph", "the bedGraph file cannot be read: it is damaged, or not packed as its name says")


def names_file(cell: Any) -> bool:
    """Return whether a cell names a bedGraph file in place of values."""
    return isinstance(cell, str) and cell.strip().lower().endswith(ENDINGS)


class Signal:
    """What a file tells: by contig the starts and ends (m,) int64, ascending and apart, and the values (m,) float32."""

    def __init__(self, spans: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
        self.spans = spans
        self._names: dict[str, str | None] = {}

    def values(self, one: Interval) -> np.ndarray | None:
        """Return the value (length,) of each letter of `one` as it is read, from its 5' end: 0 where no line tells of it, as tools leave zeros
        out. None where the file has nothing on the contig, by either of its names (`chr1`, `1`)."""
        if one.contig not in self._names:
            self._names[one.contig] = mapped([one.contig], self.spans).get(one.contig)
        name = self._names[one.contig]
        if name is None:
            return None
        starts, ends, values = self.spans[name]
        part = slice(int(np.searchsorted(ends, one.start, "right")), int(np.searchsorted(starts, one.end, "left")))
        first, last = np.maximum(starts[part], one.start) - one.start, np.minimum(ends[part], one.end) - one.start
        widths = last - first
        before = np.cumsum(widths) - widths
        out = np.zeros(one.end - one.start, np.float32)
        out[np.repeat(first - before, widths) + np.arange(int(widths.sum()))] = np.repeat(values[part], widths)
        return out if one.strand == "+" else out[::-1].copy()


def opened(folder: Path, cell: str, *, column: str) -> Signal | Refusal:
    """Return the signal that `cell` names, a file of the table's `folder`, read once in a process, or why there is none."""
    path = inside(folder, cell, column=column)
    if isinstance(path, Refusal):
        return path
    try:
        about = path.stat()
    except OSError:
        return Refusal("missing", "there is no bedGraph file of this name beside the table", column)
    return _opened(path, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _opened(path: Path, size: int, changed: int) -> Signal | Refusal:  # noqa: ARG001  a rewritten file is another
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            return _signal(iter(lambda: stream.readline(LONGEST), b""))
    except Refused as refused:
        return refused.refusal
    except (OSError, EOFError, zlib.error):
        return _DAMAGED


def _signal(lines: Iterator[bytes]) -> Signal:
    """Return what lines tell; raises Refused for one that is none, and for two that tell of one place."""
    found: dict[bytes, tuple[array[int], array[int], array[float]]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith(SKIPPED):
            continue
        cells = line.split()
        try:
            start, end, value = int(cells[1]), int(cells[2]), float(cells[3])
        except (IndexError, ValueError):
            raise _no_line(number) from None
        if len(cells) != 4 or not 0 <= start < end < 1 << 40 or value in (float("inf"), float("-inf")):
            raise _no_line(number)
        starts, ends, values = found.setdefault(cells[0], (array("q"), array("q"), array("f")))
        starts.append(start)
        ends.append(end)
        values.append(value)
    return Signal({name.decode("utf-8", "replace"): _sorted(*held) for name, held in found.items()})


def _sorted(starts: array[int], ends: array[int], values: array[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = np.argsort(np.frombuffer(starts, np.int64), kind="stable")
    first, last = (np.frombuffer(part, np.int64)[order] for part in (starts, ends))
    if (first[1:] < last[:-1]).any():
        raise Refused(Refusal("bedgraph", "two lines of the bedGraph file tell of one place; which is meant cannot be known"))
    return first, last, np.frombuffer(values, np.float32)[order]


def _no_line(number: int) -> Refused:
    return Refused(
        Refusal("bedgraph", f"line {number:,} of the bedGraph file is none; wanted are a contig, start, end and a number")
    )
