"""Every error that Osler raises on purpose, as one tree.

OslerError                 exit code 1: the work failed
├── RunError               the machine or the user stopped the work (a worker died, Ctrl-C)
├── Refused                one case cannot be used; the run goes on without it
└── RequestError           exit code 2: what was asked cannot be done as asked
    ├── StudyError         the study contradicts itself or its table; all faults told together
    ├── TableError         a table cannot be opened
    ├── PlanError          a decision does not exist or has a value that it cannot have
    ├── LeakError          test cases are known to training; figures would be false
    ├── OutputError        the place to write to is read-only, full, or holds something else
    ├── BundleError        a bundle is damaged, foreign or newer than this Osler
    └── MissingExtra       an optional dependency is not installed
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class OslerError(Exception):
    """Something that Osler can explain in a sentence; `exit_code` is what the command returns."""

    exit_code = 1


class RunError(OslerError):
    """The work was stopped by the machine or by the user."""


class RequestError(OslerError):
    """What was asked cannot be done as asked."""

    exit_code = 2


class StudyError(RequestError):
    """The faults of a study, gathered, so that they can be mended in one go."""

    def __init__(self, faults: Sequence[str] | str) -> None:
        self.faults = (faults,) if isinstance(faults, str) else tuple(faults)
        lines = self.faults if len(self.faults) == 1 else [f"{len(self.faults)} faults:", *(f"- {f}" for f in self.faults)]
        super().__init__("\n".join(lines))


class TableError(RequestError):
    """A table cannot be opened."""


class PlanError(RequestError):
    """A decision does not exist, or has a value that it cannot have."""


class LeakError(RequestError):
    """Test cases are known to training."""


class OutputError(RequestError):
    """The place to write to is read-only, full, or holds something else."""


class BundleError(RequestError):
    """A bundle is damaged, foreign, or newer than this Osler."""


class MissingExtra(RequestError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, *, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; it comes with: pip install 'osler[{extra}]'")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a case could not be used.

    `sentence` explains `code` and never quotes the value itself: refusals are shown in reports and logs.
    `column` is the table's column at fault, or None where the whole row is. `detail` is what a library said of the value in its own
    words, which may tell of the value: it is written into the user's own output alone, by `whole`, and kept nowhere.
    """

    code: str
    sentence: str
    column: str | None = None
    detail: str = ""

    @property
    def whole(self) -> str:
        """The refusal with the library's own words, for the file of the user whose value it is."""
        return f"{self} ({self.detail})" if self.detail else str(self)

    def __str__(self) -> str:
        where = f"column '{self.column}': " if self.column else ""
        return f"{self.code}: {where}{self.sentence}"


class Refused(OslerError):
    """Raised by a reader that cannot use a case."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(str(refusal))


def did_you_mean(name: str, known: Iterable[str], *, most: int = 8) -> str:
    """Return the tail of a message about an unknown `name`: the near miss, else what is known.

    >>> did_you_mean("malignent", ["malignant", "age"])
    "; did you mean 'malignant'?"
    """
    names = [str(k) for k in known]
    folded: dict[str, str] = {}
    for candidate in names:
        folded.setdefault(candidate.casefold(), candidate)
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{folded[near[0]]}'?"
    if not names:
        return ""
    tail = f", … ({len(names)} in all)" if len(names) > most else ""
    return "; known: " + ", ".join(f"'{n}'" for n in names[:most]) + tail
