"""What stands between the cells."""

from __future__ import annotations

import itertools
from pathlib import Path

from osler.spine.scan.records import cells, records

DELIMITERS = (b",", b"\t", b";", b"|")
_LOOKED_AT = 100  # records behind the header


def delimiter_of(text: bytes, *, path: Path) -> bytes:
    """Return the delimiter of the table whose first records `text` holds.

    The one that splits the header, and the records behind it into as many cells; of several, the one that the file's ending
    speaks for, then the one that gives more cells. One that is in the header alone is part of a name.
    """
    expected = b"\t" if {".tsv", ".tab"} & {suffix.lower() for suffix in path.suffixes} else b","
    judged = {mark: _judged(text, mark) for mark in sorted(DELIMITERS, key=lambda mark: mark != expected)}
    several = {mark: seen for mark, seen in judged.items() if seen[0] > 1 and seen[2]}
    return max(several or judged, key=lambda mark: (judged[mark][1], mark == expected, judged[mark][0]))


def _judged(text: bytes, mark: bytes) -> tuple[int, float, bool]:
    """Return the cells in the header, the share of records with as many, and whether any record is split."""
    counts = [_counted(record, mark) for record in itertools.islice(records(text, delimiter=mark), _LOOKED_AT + 1)]
    if not counts:
        return 0, 0.0, False
    width, rest = counts[0], counts[1:]
    agreeing = sum(count == width for count in rest) / len(rest) if rest else 1.0
    return width, agreeing, max(rest, default=2) > 1


def _counted(record: bytes, mark: bytes) -> int:
    return len(cells(record, delimiter=mark)) if b'"' in record else record.count(mark) + 1
