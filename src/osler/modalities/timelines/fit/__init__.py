"""What is learned from the training rows besides weights: the vocabulary, and where each code's values lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.timelines.case import CODES
from osler.modalities.timelines.fit.columns import EVENTS, SERIES, owners, series
from osler.modalities.timelines.fit.reach import reach
from osler.modalities.timelines.fit.runs import Block, Runs, ascending, blocks, ragged, runs
from osler.modalities.timelines.fit.scales import LEVELS, Scales, scales
from osler.modalities.timelines.fit.spread import spread
from osler.modalities.timelines.fit.vocabulary import FEWEST, Census, census, chosen, placed

__all__ = [
    "EVENTS",
    "FEWEST",
    "LEVELS",
    "SERIES",
    "VOCABULARY",
    "Block",
    "Census",
    "Runs",
    "Scales",
    "ascending",
    "blocks",
    "census",
    "chosen",
    "fit",
    "placed",
    "places",
    "ragged",
    "runs",
    "scales",
]

VOCABULARY = 4096  # codes at most
NUMERIC = 0.5  # of a code's events: as many with a value make it one of numbers


def fit(columns: Columns, rows: np.ndarray, *, groups: np.ndarray, plan: Mapping[str, Any]) -> State:
    """Return the vocabulary and the scales learned from `rows`; `groups` (n,) is by row of `columns`.

    Arrays: `codes` (V,) int64 ascending hashes of the codes that at least five groups share, the most frequent by cases, at most
    `plan["vocabulary"]`; `share` (V,) float32 of `rows` that have each; `numeric` (V,) uint8, 1 where at least half of a code's
    events carry a value and five groups gave some; `center`, `scale` (V,) float32, median and robust sd of its values, `low`,
    `high` (V,) float32 about the 0.5 and 99.5 % of them with five groups at or beyond each, on a grid of three digits: 0, 1, 0, 0 where fewer
    gave values; `knots` (V, 7) float32 `low`, the 5, 25, 50, 75, 95 % and `high` on that grid. `horizon` () float32, days before the prediction time within which 95 % of the cases begin; `step` () float32,
    median of the days between neighbouring times of a case; both of five groups at least; `unknown` () float32 share of the events whose code is not in the
    vocabulary, `present` () float32 share of `rows` with any event; `series` (V,) uint8 columns that each code has for the classical model;
    `spread` (F, q) float32, quantiles of each summary that the network sees;
    `owner` (V + 1,) int64 the explained feature of each place in the vocabulary, and last of what is not in it. Values: `names`, the V words.
    """
    most = plan["vocabulary"] if "vocabulary" in plan else VOCABULARY  # noqa: SIM401  a Plan's miss is a PlanError, which `get` lets through
    own = groups[rows]
    found = census(columns, rows, groups=own)
    kept = chosen(found, most=most)
    codes = found.codes[kept]
    scaled = scales(columns, rows, groups=own, known=codes)
    numeric = (found.valued[kept] >= NUMERIC * found.events[kept]) & (found.donors[kept] >= FEWEST)
    horizon, step = reach(columns, rows, groups=own)
    some = np.diff(ragged(columns, CODES).offsets)[rows] > 0
    share = np.round(found.cases[kept] / max(1, len(rows)), 4).astype(np.float32)
    arrays = {
        "codes": codes,
        "share": share,
        "numeric": numeric.astype(np.uint8),
        "center": scaled.center,
        "scale": scaled.scale,
        "low": scaled.low,
        "high": scaled.high,
        "knots": scaled.knots,
        "horizon": np.float32(horizon).reshape(()),
        "step": np.float32(step).reshape(()),
        "unknown": np.float32(round(1 - found.events[kept].sum() / max(1, found.events.sum()), 4)).reshape(()),
        "present": np.float32(round(some.sum() / max(1, len(rows)), 4)).reshape(()),
        "series": series(share, numeric=numeric, repeated=scaled.repeated),
        "owner": owners(share),
    }
    state = State(arrays, {"names": [columns.words.text(int(code)) or "" for code in codes]})
    arrays["spread"] = spread(columns, rows, groups=groups, state=state, plan=plan)
    return state


def places(codes: np.ndarray, state: State) -> np.ndarray:
    """Return each event's place in the vocabulary (e,) int64 from hashes (e,); V where it is unknown."""
    return placed(codes, state.arrays["codes"])
