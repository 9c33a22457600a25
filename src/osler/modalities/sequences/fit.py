"""What the classical model counts: words by the plan's decisions. Nothing is learned of single sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.sequences.gather import alphabet_in


def fit(columns: Columns, *, plan: Mapping[str, Any]) -> State:
    """Return which counts are taken: `alphabet`, whether a word and its reverse complement count as one (`joined`), and in how many parts of a
    sequence letters are counted apart (`parts`, 0 where places have no meaning)."""
    alphabet = alphabet_in(columns)
    joined = alphabet == "dna" and plan["strands"] != "given"
    placed = plan.get("positions", False)  # of a target of single letters there is no such decision
    return State({}, {"alphabet": alphabet, "joined": joined, "parts": int(plan["bins"]) if placed else 0})
