"""The options of the profile by name, and the codes by which a file tells what was done to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from osler.core.errors import RequestError, did_you_mean


@dataclass(frozen=True, slots=True)
class Choice:
    """An option: `kind` retain or clean, `name` on the command line, `column` of the table, `code` and `meaning` in PS3.16 CID 7050.

    `done` is False where Osler can only warn: then no file says that it was done.
    """

    kind: str
    name: str
    column: str
    code: str
    meaning: str
    done: bool = True


CHOICES = (
    Choice("clean", "pixel-data", "", "113101", "Clean Pixel Data Option", done=False),
    Choice("clean", "visual-features", "", "113102", "Clean Recognizable Visual Features Option", done=False),
    Choice("clean", "graphics", "graphics", "113103", "Clean Graphics Option"),
    Choice("clean", "structured-content", "", "113104", "Clean Structured Content Option", done=False),
    Choice("clean", "descriptors", "descriptors", "113105", "Clean Descriptors Option"),
    Choice("retain", "full-dates", "full_dates", "113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Choice(
        "retain", "modified-dates", "modified_dates", "113107", "Retain Longitudinal Temporal Information Modified Dates Option"
    ),
    Choice("retain", "patient-characteristics", "patient", "113108", "Retain Patient Characteristics Option"),
    Choice("retain", "device-identity", "devices", "113109", "Retain Device Identity Option"),
    Choice("retain", "uids", "uids", "113110", "Retain UIDs Option"),
    Choice("retain", "safe-private", "", "113111", "Retain Safe Private Option", done=False),
    Choice("retain", "institution-identity", "institution", "113112", "Retain Institution Identity Option"),
)
BASIC = ("113100", "Basic Application Confidentiality Profile")


@dataclass(frozen=True, slots=True)
class Options:
    """The options that were asked for."""

    chosen: tuple[Choice, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        """Return the columns of the table that hold beside the basic one."""
        return frozenset(choice.column for choice in self.chosen if choice.column)

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """Return code and meaning of the profile and of each option that is done."""
        return (BASIC, *((choice.code, choice.meaning) for choice in self.chosen if choice.done))

    @property
    def only_warned(self) -> tuple[str, ...]:
        """Return the names of options that Osler cannot do and only warns about."""
        return tuple(choice.name for choice in self.chosen if not choice.done)

    @property
    def times(self) -> str:
        """Return the value of Longitudinal Temporal Information Modified (0028,0303)."""
        if "full_dates" in self.columns:
            return "UNMODIFIED"
        return "MODIFIED" if "modified_dates" in self.columns else "REMOVED"


def choose(*, retain: Sequence[str] = (), clean: Sequence[str] = ()) -> Options:
    """Return the options of these names; raises RequestError for a name that is none, and for both kinds of dates."""
    wanted = {("retain", name) for name in retain} | {("clean", name) for name in clean}
    for kind, name in sorted(wanted):
        known = [choice.name for choice in CHOICES if choice.kind == kind]
        if name not in known:
            raise RequestError(f"--{kind} {name}: there is no such option{did_you_mean(name, known)}")
    if {("retain", "full-dates"), ("retain", "modified-dates")} <= wanted:
        raise RequestError("--retain full-dates and --retain modified-dates contradict each other; give one of them")
    return Options(tuple(choice for choice in CHOICES if (choice.kind, choice.name) in wanted))
