"""Two bundles on the same cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osler.core.scores import Value, Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every measure of the `first` and the `second` bundle on the same cases, and their `differences`: first less second, plain.

    The `verdict` rests on the primary measure alone, its difference signed so that positive favours the first; where that is the
    same by construction (both put all cases in one order), on the proper score of the probabilities. `probabilities` is the
    verdict by that score, None where the task has none. `names` are those of the bundles' folders; `counts` the numbers of cases and groups; `notes` what to know before quoting.
    """

    names: tuple[str, str]
    first: Mapping[str, Value]
    second: Mapping[str, Value]
    differences: Mapping[str, Value]
    verdict: Verdict
    counts: Mapping[str, int]
    notes: tuple[str, ...] = ()
    probabilities: Verdict | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to a file."""
        parts = {"first": self.first, "second": self.second, "differences": self.differences}
        measures = {part: {name: v.to_dict() for name, v in values.items()} for part, values in parts.items()}
        by_chance = self.probabilities.to_dict() if self.probabilities else None
        rest = {
            "verdict": self.verdict.to_dict(),
            "probabilities": by_chance,
            "counts": dict(self.counts),
            "notes": list(self.notes),
        }
        return {"names": list(self.names), **measures, **rest}
