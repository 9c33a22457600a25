"""What the classical model counts: words by the plan's decisions. Nothing is learned of single sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.sequences.gather import alphabet_in


def fit(columns: Columns, *, plan: Mapping[str, Any]) -> State:
    """Return which counts are taken: `alphabet`, whether a word and its reverse complement count as one (`joined`), and whether words are
    counted by their place too (`placed`)."""
    alphabet = alphabet_in(columns)
    joined = alphabet == "dna" and plan["strands"] != "given"
    return State({}, {"alphabet": alphabet, "joined": joined, "placed": bool(plan["positions"])})
