"""What the task decides before training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.plan import Brief, Decision
from osler.core.target import Target

SUPERVISED = 3
FITS, PIECES, POOLS = ("fitted", "none"), ("chosen", "all"), ("case", "batch")
HELD = 0.5  # of the cases


def facts(target: Target, rows: np.ndarray) -> dict[str, Any]:
    """Return info, how many cases have masks, how many of them each label, and its median share of the places that were looked at."""
    kept = target.take(rows)
    here = kept.observed & (np.nan_to_num(kept.values) > 0)
    return {
        **target.info,
        "cases": int(kept.observed.any(axis=1).sum()),
        "holding": here.sum(axis=0).tolist(),
        "places": [float(np.median(v[h])) if h.any() else 0.0 for v, h in zip(kept.values.T, here.T, strict=True)],
    }


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return what masks mean, how the network is supervised and how marks are finished."""
    known: Mapping[str, Any] = brief.target
    names = list(known["names"])
    meaning = dict(zip(names, known["values"], strict=True))
    marks = {key: known[key] for key in ("kind", "values", "channel")}
    apart = known["kind"] == "exclusive" or known["channels"] > 1
    asked = {key: brief.settings.get(f"target.{key}") or {} for key in ("labels", "regions")}
    return (
        Decision("target.marks", marks, "what the values in masks mean: read from the masks and the names that were given"),
        Decision("target.labels", asked["labels"] or (meaning if apart else {}), "name to value, or values, in the masks"),
        Decision("target.regions", asked["regions"] or ({} if apart else meaning), "name to labels: regions may overlap"),
        Decision(
            "target.supervised", SUPERVISED, "so many of the finest maps are trained on the mask, each coarser one half as much"
        ),
        _pool(brief),
        Decision(
            "target.tolerance", 0.0,
            "mm that surfaces may lie apart in the normalised surface distance; 0: the finest spacing, rounded up",
        ),
        Decision("target.calibration", "fitted", "probabilities of places shall mean what they say", "rule", FITS),
        Decision("baseline.places", _places(brief), "places on which the baseline's trees are trained, as the budget allows"),
        Decision("target.pieces", "chosen", "pieces of a mask are left out where that helps cases that no member saw", "rule", PIECES),
    )  # fmt: skip


def _pool(brief: Brief) -> Decision:
    """Return over what Dice is taken: a case without a label has none to speak of, and would only punish every guess."""
    known = brief.target
    held = min(known.get("holding") or [0]) / max(1, known.get("cases") or 1)
    pooled = int(known["axes"]) == 2 or held < HELD
    why = (
        "slices and rare labels: many cases do not hold a label"
        if pooled
        else f"each label is in {held:.0%} of the cases or more"
    )
    return Decision("target.pool", "batch" if pooled else "case", f"over which Dice is taken in training: {why}", "rule", POOLS)


def _places(brief: Brief) -> int:
    # measured: 262,144 places of 30 features and 3 classes take 17 s on one thread, beside other work; a budget of six minutes has 54 s
    share = 3 / max(3, len(brief.target["names"]) + 1)
    return int(np.clip(round(50_000 * brief.budget * share), 10_000, 1 << 18))


MOST_SETS = 32


def strata(target: Target) -> np.ndarray:
    """Return (n,) int64 which labels a case holds; sets beyond the 32 most frequent by the rarest label in them."""
    here = np.nan_to_num(target.values) > 0
    held, inverse, sizes = np.unique(here, axis=0, return_inverse=True, return_counts=True)
    frequent = np.argsort(-sizes, kind="stable")[:MOST_SETS]
    number = np.full(len(held), -1, np.int64)
    number[frequent] = np.arange(len(frequent))
    rarity = np.where(held, here.sum(axis=0), len(here) + 1)
    number = np.where(number >= 0, number, MOST_SETS + rarity.argmin(axis=1))
    return number[inverse.reshape(-1)]
