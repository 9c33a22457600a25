"""Step: why the members predict what they predict; for one case, and on the whole."""

from osler.spine.explain.along import along, scorer
from osler.spine.explain.effects import Curve, edges, level_effect, number_effect
from osler.spine.explain.focus import focus
from osler.spine.explain.gradients import LAST, TOLERANCE, Layout, attribute
from osler.spine.explain.permute import exchanged, whole_groups
from osler.spine.explain.references import FALLBACK, References, find_references, is_ragged

__all__ = [
    "FALLBACK",
    "LAST",
    "TOLERANCE",
    "Curve",
    "Layout",
    "References",
    "along",
    "attribute",
    "edges",
    "exchanged",
    "find_references",
    "focus",
    "is_ragged",
    "level_effect",
    "number_effect",
    "scorer",
    "whole_groups",
]
