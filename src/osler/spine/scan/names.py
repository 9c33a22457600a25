"""The names of a table's columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from osler.core.errors import TableError

FIRST_UNNAMED = "Unnamed: 0"  # what pandas calls the row numbers that it writes without a name


def checked(names: Sequence[str], *, file: str) -> list[str]:
    """Return the names without white space at their ends.

    One unnamed first column is called "Unnamed: 0". Raises TableError for other empty names and for names that occur twice.
    """
    stripped = [name.strip() for name in names]
    if len(stripped) > 1 and not stripped[0]:
        stripped[0] = FIRST_UNNAMED
    empty = [str(at) for at, name in enumerate(stripped, start=1) if not name]
    if empty:
        raise TableError(
            f"'{file}': {_counted(len(empty), 'column')} without a name, at position {_listed(empty)} of {len(stripped)}; "
            "name each in the first line, or remove the separators at the ends of the lines"
        )
    twice = [f"'{name}'" for name, count in Counter(stripped).items() if count > 1]
    if twice:
        raise TableError(f"'{file}': {_counted(len(twice), 'column name')} used more than once: {_listed(twice)}; rename them")
    return stripped


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _listed(items: Sequence[str], most: int = 8) -> str:
    return ", ".join(items[:most]) + (", …" if len(items) > most else "")
