"""How pictures are moved and re-lit in training, from facts. Pure."""

from __future__ import annotations

from osler.core.plan import Brief, Decision
from osler.modalities.images.rules.sides import names_of, side_word

FLIPS = ("none", "horizontal", "both")
SEEN = 0.65  # of pictures told from their mirror images: fewer, and the pictures have no up and down
KEPT = 0.1  # of what a probe tells of the target, left in mirror images: less, and the target is about side


def augmentation(brief: Brief) -> tuple[Decision, ...]:
    """Return which motions and lights are drawn, and how strong."""
    flip = _flip(brief)
    free = flip.value == "both"
    return (
        flip,
        Decision("rotate", 180.0 if free else 10.0, "degrees to either side; " + ("no direction is up" if free else "as pictures are taken askew")),
        Decision("scale", 0.1, "larger or smaller up to this share; twice as much was worse on 3,700 radiographs (docs/lab.md)"),
        Decision("shear", 0.05, "slant up to this share"),
        Decision("shift", 0.06, "share of the side"),
        Decision("gamma", 0.2, "bends greys: scanners and exposures differ"),
        Decision("contrast", 0.2, "spreads or narrows greys up to this share"),
        Decision("brightness", 0.1, "share of the picture's range"),
        Decision("noise", 0.05, "grain, up to this share of the picture's range"),
        Decision("erase", 0.0, "side of a box that is made flat in every second picture; 0 leaves it out"),
    )  # fmt: skip


def _flip(brief: Brief) -> Decision:
    word = side_word(names_of(brief.target))
    mirror = brief.facts.get("mirror") or {}
    across, down = mirror.get("horizontal") or {}, mirror.get("vertical") or {}
    if word is not None:
        return Decision("flip", "none", f"the target's names speak of a side ('{word}')", choices=FLIPS)
    if _changed(across):
        reason = "mirror images say something else of the target (measured): it is about side"
        return Decision("flip", "none", reason, choices=FLIPS)
    if _free(across) and _free(down) and not _changed(down):
        return Decision(
            "flip", "both", "mirror images cannot be told from pictures (measured): no direction is up", choices=FLIPS
        )
    told = (
        "mirror images say the same of the target (measured)"
        if across.get("kept") is not None
        else "no name or measure speaks of sides"
    )
    return Decision("flip", "horizontal", f"{told}; upside down they are no longer such pictures", choices=FLIPS)


def _changed(measured: object) -> bool:
    kept = measured.get("kept") if isinstance(measured, dict) else None
    return kept is not None and kept < KEPT


def _free(measured: object) -> bool:
    seen = measured.get("seen") if isinstance(measured, dict) else None
    return seen is not None and seen < SEEN
