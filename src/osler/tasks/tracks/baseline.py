"""The baseline of tracks: boosted trees on what stands about single letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.features import Features
from osler.core.target import Target
from osler.tasks.baselines.blend import Baseline
from osler.tasks.baselines.places import spread, trees_of_places
from osler.tasks.tracks.scale import standardised

MOST_TREES = 200  # every letter of a case goes through each
SETTINGS: Mapping[str, Any] = {
    "num_leaves": 31, "learning_rate": 0.1, "feature_fraction": 0.7, "min_data_in_leaf": 50, "lambda_l2": 1.0, "max_bin": 63,
}  # fmt: skip


def fitted(features: Features, target: Target, *, groups: np.ndarray, plan: Mapping[str, Any], seed: int) -> Baseline:
    """Return boosted trees on the letters whose value is known; `target` (m, 1) and `groups` (m,) have one line per line of features. How
    many trees there are is found on groups apart."""
    known = np.flatnonzero(target.observed[:, 0])
    rows = known[spread(len(known), most=int(plan["baseline.places"]))] if len(known) else known
    labels = plan["target.kind"] == "labels"
    values = target.values[rows, 0]
    kind = "binary" if labels else "regression"
    # one thread: beside another busy process two wait for each other, as of masks
    settings = {
        **SETTINGS, "categorical": np.flatnonzero(features.categorical).tolist(), "seed": seed % 2**31, "num_threads": 1
    }  # fmt: skip
    part = trees_of_places(
        kind, features.matrix[rows], values if labels else standardised(values, plan), groups=groups[rows], width=1,
        settings=settings, most=MOST_TREES,
    )  # fmt: skip
    return Baseline((part,), kind, features.names)
