"""How long the classical baseline takes, as it was timed on some of its cases."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds per case: of `setting`, one setting of the boosted trees tuned by cross-validation; of `linear`, the linear models tuned;
    of `last`, both fitted once more with what was chosen."""

    setting: float
    linear: float
    last: float

    def tuning(self, cases: int, *, effort: int) -> float:
        """Return the seconds of tuning on `cases` with `effort` settings of the trees."""
        return cases * (self.linear + effort * self.setting)
