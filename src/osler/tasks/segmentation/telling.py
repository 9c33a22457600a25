"""Single cases in words: what is there, what was marked, how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.telling import Telling
from osler.tasks.segmentation import lines
from osler.tasks.segmentation.measures import by_case


def of_masks(statistics: np.ndarray, *, info: Mapping[str, Any]) -> Telling:
    """Return one less the Dice as loss and one less the expected Dice as doubt, means over labels; texts tell volumes and Dice."""
    parts = lines.split(statistics, len(info["names"]))
    actual, _ = by_case(statistics, info=info)
    expected = np.where(parts[..., lines.MARKED] > 0, lines.expected(parts), np.nan)
    known = ~np.isnan(expected)
    size = known.sum(axis=1)
    doubt = np.where(size > 0, 1 - np.where(known, expected, 0.0).sum(axis=1) / np.maximum(size, 1), np.nan)
    unit = "ml" if info["axes"] == 3 else "mm²"

    def texts(at: np.ndarray) -> tuple[list[str], list[str]]:
        dice = lines.dice(parts[at])
        observed = [_told(info["names"], case[:, lines.VOLUME], unit) for case in parts[at]]
        marked = [
            _told(info["names"], case[:, lines.VOLUME_MARKED], unit, own) for case, own in zip(parts[at], dice, strict=True)
        ]
        return observed, marked

    return Telling(1 - actual, doubt, texts)


def _told(names: list[str], volumes: np.ndarray, unit: str, dice: np.ndarray | None = None) -> str:
    told = []
    for label, (name, volume) in enumerate(zip(names, volumes, strict=True)):
        if np.isnan(volume):
            continue
        more = "" if dice is None or np.isnan(dice[label]) else f" (Dice {dice[label]:.3f})"
        told.append(f"{name}: {volume:.4g} {unit}{more}")
    return "; ".join(told) or "-"
