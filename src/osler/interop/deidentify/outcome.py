"""What became of a file: what was taken out of it, how often, and what to look at; never a value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

REMOVED, EMPTIED, REPLACED, REMAPPED, SHIFTED, CLEANED, KEPT = (
    "removed", "emptied", "replaced", "remapped", "shifted", "cleaned", "kept",
)  # fmt: skip


class Uncleanable(Exception):
    """A file whose content cannot be made clean, or cannot be read: it is not written. `code` names the reason."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(slots=True)
class Account:
    """What was done in one file: `done` counts (name of the attribute or field, action); `warnings` are codes."""

    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    warnings: set[str] = field(default_factory=set)

    def note(self, name: str, action: str, times: int = 1) -> None:
        """Count an action."""
        if times:
            self.done[name, action] += times
