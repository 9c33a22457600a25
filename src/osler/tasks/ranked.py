"""The labels of a case, the most probable first: columns that a clinician reads and a program too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.errors import PlanError
from osler.core.plan import Brief, Decision
from osler.tasks.labels import names_outcome
from osler.tasks.settings import setting

LISTED = "target.listed"
SHOWN = 5
_CHUNK = 1 << 16  # cases ordered at once, so that memory does not grow with them


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return how many labels predictions list; raises PlanError where they cannot be so many."""
    if brief.target["kind"] != "multilabel":
        return ()
    given = brief.settings.get(LISTED, SHOWN)
    if isinstance(given, int) and given < 0:
        raise PlanError(f"'{LISTED}' cannot be {given}; wanted 0 (no list) or more")
    return (Decision(LISTED, SHOWN, "labels that predictions list by their probability; 0 lists none"),)


def label_names(info: Mapping[str, Any]) -> list[str]:
    """Return what each label is called: the name of its column, with the class where that is no plain "yes"."""
    pairs = zip(info["names"], info["positive"], strict=True)
    return [name if names_outcome(positive) else f"{name}: {positive}" for name, positive in pairs]


def order(logits: np.ndarray) -> np.ndarray:
    """Return (n, L) the numbers of the labels by falling `logits` (n, L); of equals, the first in the study."""
    return np.argsort(-logits, axis=1, kind="stable")


def columns(logits: np.ndarray, chance: np.ndarray, *, info: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return `ranked` (n,), the labels and their probabilities in one text, then `rank_1`, `p_1`, `rank_2`, … for programs.

    In `ranked` labels are parted by "; ", and ";" in a name is written as ",". The other columns keep names as they are.
    """
    listed = min(int(setting(plan, LISTED, default=0)), logits.shape[1])
    if not listed:
        return {}
    first = np.empty((len(logits), listed), np.int64)
    for start in range(0, len(logits), _CHUNK):
        block = slice(start, start + _CHUNK)
        first[block] = order(logits[block])[:, :listed]
    share = np.take_along_axis(chance, first, axis=1)
    names = label_names(info)
    out = {"ranked": _told(first, share, names)}
    for place in range(listed):
        out |= {f"rank_{place + 1}": np.array(names, object)[first[:, place]], f"p_{place + 1}": share[:, place]}
    return out


def _told(first: np.ndarray, share: np.ndarray, names: list[str]) -> np.ndarray:
    clean = np.array([name.replace(";", ",") for name in names], object)
    percent = np.array([f" {number / 100:.2f}" for number in range(101)], object)
    cells = clean[first] + percent[np.rint(100 * share).astype(np.int64)]
    text = cells[:, 0]
    for place in range(1, cells.shape[1]):
        text = text + "; " + cells[:, place]
    return np.asarray(text, object)
