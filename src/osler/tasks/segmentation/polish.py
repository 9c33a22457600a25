"""What is chosen by whole cases that no member was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from osler.core.marks import MarkedCase
from osler.core.state import State
from osler.tasks.segmentation import pieces
from osler.tasks.segmentation.paint import Sweep, voxel
from osler.tasks.segmentation.tolerance import TOLERANCE, rounded_up
from osler.tasks.segmentation.whole import Places, recalibrated
from osler.tasks.settings import setting


def polished(cases: Iterable[MarkedCase], *, state: State, info: Mapping[str, Any], plan: Mapping[str, Any]) -> State:
    """Return `state` with slope and shift of probabilities, `tolerance` in mm, and by label which pieces are kept, with sentences;
    cases without truth count nothing."""
    choose = setting(plan, "target.pieces", default="chosen") == "chosen"
    fit = setting(plan, "target.calibration", default="fitted") == "fitted"
    grids, found, places, groups = [], [], [], []
    for turn, case in enumerate(cases):
        grids.append(case.grid)
        if fit and case.truth is not None:
            places.append(Places.drawn(case, info=info, seed=turn))
        if choose and case.truth is not None:
            found.append(pieces.gathered(Sweep.over(case, state=state, info=info), voxel=voxel(case.grid)))
            groups.append(case.group)
    state = recalibrated(places, state=state, info=info)
    values = {TOLERANCE: rounded_up(grids)} if grids else {}
    kept = pieces.chosen(found, info=info, groups=groups) if choose else {pieces.HOW: ["all pieces are kept: set in the plan"]}
    return State(state.arrays, {**state.values, **values, **kept})
