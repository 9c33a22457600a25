"""How molecules are read: decisions from what the column is, never from labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osler.core.plan import Decision, Plan
from osler.modalities.molecules.read.trial import SECONDS

MOST_ATOMS = 500  # of a molecule: ErG takes 0.7 s of 500 atoms and 70 s of 2,000


def reading(*, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Return how molecules are standardised and what of them is computed. Raises PlanError for values that cannot be."""
    found = Plan(_decisions())
    own = {name: value for name, value in settings.items() if name in found}
    return found.set_by_user(own).decisions


def _decisions() -> tuple[Decision, ...]:
    return (
        Decision("salts", "strip", "features are those of the largest organic part: the counter-ion hardly acts",
                 choices=("strip", "keep")),
        Decision("charges", "neutralise", "acids and bases are drawn charged or neutral by habit: both are the same molecule",
                 choices=("neutralise", "keep")),
        Decision("isotopes", "drop", "a labelled atom behaves as its element", choices=("drop", "keep")),
        Decision("stereo", "keep", "mirror images may act differently", choices=("keep", "drop")),
        Decision("tautomers", "given", "a canonical tautomer costs milliseconds a molecule", choices=("given", "canonical")),
        Decision("avalon", False, "Avalon counts take as long as all other features together and were hardly better"
                 " (docs/lab.md)"),
        Decision("most_seconds", SECONDS, "that RDKit may take of one large molecule, which is refused after them; 0 sets no limit"),
        Decision("most_atoms", MOST_ATOMS, "larger molecules are refused: RDKit's time grows with the cube of the atoms"),
    )  # fmt: skip
