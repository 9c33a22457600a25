"""How new data differ from those that a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

GRAVE = (
    "unit",
    "text",
    "words",
    "empty",
    "scale",
    "inverted",
    "synthetic",
)  # findings after which nothing can be believed that a model says of such cases
LARGE = 5.0  # times; a smaller change of scale may be one of patients
Finding = Literal[
    "", "text", "words", "empty", "unit", "mean", "missing", "outside", "categories", "scale", "inverted", "synthetic", "form"
]


@dataclass(frozen=True, slots=True)
class Shift:
    """One column of one input: what was measured of the new cases (`now`) and of the training cases (`before`).

    Both hold the same keys, and None where fewer than 5 cells carry a figure. Of a number: `mean`, `sd`, `missing` (share),
    `unreadable` (share of cells that hold something else), `outside` (share beyond the limits that nearly all training cases
    kept). Of a category: `missing`, and `unknown`, the share in words that the model does not know. `difference` is that of the
    means in standard deviations (Austin 2009, doi:10.1002/sim.3697); `distance` half the sum of the differences of all shares.

    `finding` says the gravest thing: numbers have become "text", no category is known ("words"), the column is "empty", its values look like
    another "unit" or, of pictures, another "scale", pictures look "inverted" or say that they are "synthetic", or "mean", the "form" of a histogram, "missing", "outside", "categories" differ clearly; "" where nothing does. `detail` holds what the
    sentence needs: `times` and `unit`.
    """

    column: str
    kind: Literal["number", "category"]
    now: Mapping[str, float | None]
    before: Mapping[str, float | None]
    difference: float | None = None
    distance: float | None = None
    finding: Finding = ""
    detail: Mapping[str, str] | None = None


def _scale(shift: Shift) -> float:
    """Return how many times larger mean or spread is on one side than on the other."""
    pairs = ((shift.before.get(name) or 0.0, shift.now.get(name) or 0.0) for name in ("mean", "sd"))
    return max((max(one / other, other / one) for one, other in pairs if one * other > 0), default=1.0)


@dataclass(frozen=True, slots=True)
class OutcomeShift:
    """The share of one class (or, with `label` "", the mean of a number) before and now, with the 95% interval of the latter.

    `clear` says whether both differ by more than chance, the training cases being a sample too.
    """

    outcome: str
    label: str
    before: float
    now: float
    low: float
    high: float
    clear: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """All of it: shifts by input name, and of the outcome. `cases` new ones were compared."""

    inputs: Mapping[str, tuple[Shift, ...]]
    outcome: tuple[OutcomeShift, ...]
    cases: int

    @property
    def found(self) -> tuple[Shift, ...]:
        """The shifts with a finding, the gravest kinds first."""
        order = (
            "synthetic",
            "text",
            "words",
            "empty",
            "inverted",
            "unit",
            "scale",
            "mean",
            "form",
            "categories",
            "outside",
            "missing",
        )
        told = [s for shifts in self.inputs.values() for s in shifts if s.finding]
        return tuple(sorted(told, key=lambda s: (order.index(s.finding), -abs(s.difference or s.distance or 0.0))))

    @property
    def grave(self) -> tuple[Shift, ...]:
        """The shifts after which no score can be believed: other units, no numbers, no known word, nothing at all, no
        patients."""
        return tuple(s for s in self.found if s.finding in GRAVE)

    @property
    def foreign(self) -> tuple[Shift, ...]:
        """The grave shifts that another kind of patients cannot make: without changes of scale by less than five times."""
        return tuple(s for s in self.grave if s.finding != "unit" or not (s.detail or {}).get("times") or _scale(s) >= LARGE)

    @property
    def columns(self) -> int:
        """How many columns were compared."""
        return sum(len(shifts) for shifts in self.inputs.values())

    def to_dict(self) -> dict[str, Any]:
        """Return what goes to scores.json."""
        inputs = {name: [asdict(s) for s in shifts] for name, shifts in self.inputs.items()}
        return {"cases": self.cases, "inputs": inputs, "outcome": [asdict(o) for o in self.outcome]}
