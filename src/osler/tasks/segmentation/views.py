"""How the masks of each label are finished, beside what they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from osler.core.state import State
from osler.core.view import View
from osler.tasks.labels import safe_names
from osler.tasks.segmentation import measures
from osler.tasks.segmentation.pieces import HOW

SHOWN = ("dice", "nsd", "hd95", "volume_error")


def views(state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
    """Return a row for each label, with what was chosen for its pieces; none where nothing was."""
    how = list(state.values.get(HOW) or ())
    names = info["names"]
    own = how * len(names) if len(how) == 1 else how
    measured = tuple(m for m in measures.OF_LABELS if m.name in SHOWN)
    if len(own) != len(names):
        return ()
    return tuple(
        View(
            "pieces", str(name), measured, partial(_measures, info=info, label=at), partial(_support, info=info, label=at),
            {"how": told},
        )
        for at, (name, told) in enumerate(zip(names, own, strict=True))
    )  # fmt: skip


def _measures(statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any], label: int) -> dict[str, np.ndarray]:
    return measures.of_label(statistics, counts, info=info, label=label, names=SHOWN)


def _support(statistics: np.ndarray, *, info: Mapping[str, Any], label: int) -> Mapping[str, float]:
    every = measures.support(statistics, info=info)
    tail = f"_{safe_names(info['names'])[label]}" if len(info["names"]) > 1 else ""
    return {name: every[f"{name}{tail}"] for name in SHOWN}
