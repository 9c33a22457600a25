"""How the network looks at a volume: slice by slice, each slice with its neighbours, or in three axes. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from osler.core.plan import Brief, Decision

SLICES, HALF, WHOLE = "slices", "2.5-D", "3-D"
VIEWS = (SLICES, HALF, WHOLE)
APART, FAR = 3.0, 6.0  # times coarser than the finest axis: neighbours say little of one another, and nearly nothing
THIN = 4  # slices, under which filters through them have nothing to go through
FEW = 40  # groups in training, under which filters of three axes have too many weights
RATE = 1.0e6  # places a second that a small network of three axes trains on a processor (docs/lab.md)
SMALLEST = 32**3  # places of a case that the smallest size sees
PASSES = 5  # over the training cases that the budget must allow


def viewed(brief: Brief) -> tuple[Decision, Decision]:
    """Return the view, and the axis along which slices lie one behind another: the coarsest where one is, else from bottom to top."""
    axis = axis_of(brief.facts)
    value, why = _view(brief, axis=axis)
    names = ("right to left", "front to back", "bottom to top")
    return (
        Decision("view", value, why, choices=VIEWS),
        Decision("axis", axis, f"slices are cut across it, from {names[axis]}", choices=(0, 1, 2)),
    )


def axis_of(facts: Mapping[str, Any]) -> int:
    """Return the coarsest axis where it is clearly so, else the last."""
    spacing = [float(s) for s in facts["spacing"]]
    worst = max(range(3), key=lambda a: (spacing[a], a))
    return worst if spacing[worst] >= 1.5 * min(spacing) else 2


def _view(brief: Brief, *, axis: int) -> tuple[str, str]:
    spacing, shape = [float(s) for s in brief.facts["spacing"]], [int(n) for n in brief.facts["shape"][1:]]
    ratio = spacing[axis] / min(spacing)
    told = f"slices lie {ratio:.1f} times as far apart as places within them"
    if shape[axis] < THIN:
        return SLICES, f"there are {shape[axis]} slices, too few to filter through"
    if ratio >= FAR:
        return SLICES, f"{told}: neighbours have little to do with one another"
    if ratio >= APART:
        return HALF, f"{told}: neighbours are looked at together, and no filter goes through them"
    if brief.groups < FEW:
        return HALF, f"{brief.groups} groups train: filters of two axes have a third of the weights, and see every slice"
    seconds = brief.cases * min(SMALLEST, math.prod(shape)) * PASSES / RATE
    if brief.device == "cpu" and seconds > 60 * brief.budget:
        return (
            HALF,
            f"{PASSES} passes over {brief.cases:,} cases in three axes would take {seconds / 60:.0f} minutes on a processor",
        )
    return WHOLE, f"{told}: filters go through all three axes"
