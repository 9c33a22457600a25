"""Scores that rest on so few persons that they would show what is true of one of them are not told."""

from __future__ import annotations

from collections.abc import Mapping

from osler.core.scores import Scores

FEWEST = 5  # cases, and groups, that an aggregate rests on
_WHY = "Scores are withheld: they rest on fewer than {n} {units} and would show a patient's own value."


def withheld(counts: Mapping[str, int]) -> str:
    """Return why scores of so many "cases" and "groups" are not told, nothing where they may be."""
    few = next((units for units in ("cases", "groups") if counts[units] < FEWEST), "")
    return _WHY.format(n=FEWEST, units=few) if few else ""


def without_few(scores: Scores) -> Scores:
    """Return `scores`, or, where fewer than five cases or groups carry them, their counts and, in `origin` under "withheld", the
    reason."""
    why = withheld(scores.counts)
    return Scores({}, {}, {}, None, scores.counts, origin={**scores.origin, "withheld": why}) if why else scores
