"""The baseline of masks: boosted trees on the features of single places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.features import Features
from osler.core.marks import UNMARKED
from osler.core.target import Target
from osler.tasks.baselines.blend import Baseline
from osler.tasks.baselines.places import spread, trees_of_places
from osler.tasks.segmentation.lookup import classes, exclusive, regions
from osler.tasks.settings import setting

MOST_TREES = 40  # of a class: every place of a case goes through each
ALL_TREES = 160  # of all classes together
MOST_PLACES = 1 << 18  # on which they are trained
SETTINGS: Mapping[str, Any] = {
    "num_leaves": 31, "learning_rate": 0.25, "feature_fraction": 0.7, "min_data_in_leaf": 50, "lambda_l2": 1.0, "max_bin": 63,
}  # fmt: skip


def fitted(features: Features, target: Target, *, groups: np.ndarray, plan: Mapping[str, Any], seed: int) -> Baseline:
    """Return boosted trees for exclusive labels with the background, or for each region, on the places that somebody looked at.

    `target` (m, channels) and `groups` (m,) have one line per line of features. How many trees there are is found on groups apart.
    """
    info, alone, parts = target.info, exclusive(target.info), []
    some = spread(len(target), most=int(setting(plan, "baseline.places", default=MOST_PLACES)))
    for label, channel in enumerate(info["channel"][:1] if alone else info["channel"]):
        values = np.where(target.observed[:, channel], target.values[:, channel], UNMARKED).astype(np.uint8)
        number = classes(info)[values] if alone else np.where(values == UNMARKED, UNMARKED, regions(info)[label][values])
        rows = some[number[some] != UNMARKED]
        kind, width = ("multiclass", len(info["names"]) + 1) if alone else ("binary", 1)
        part = trees_of_places(
            kind, features.matrix[rows], number[rows].astype(np.float64), groups=groups[rows], width=width,
            settings=_settings(features, seed=seed), most=max(5, min(MOST_TREES, ALL_TREES // width)),
        )  # fmt: skip
        parts.append(part)
    return Baseline(tuple(parts), "multiclass" if alone else "multilabel", features.names)


def _settings(features: Features, *, seed: int) -> dict[str, Any]:
    categorical = np.flatnonzero(features.categorical).tolist()
    # one thread: beside another busy process two wait for each other (measured: 262,144 places in 17 s with one, 112 s with two)
    return {**SETTINGS, "categorical": categorical, "seed": seed % 2**31, "num_threads": 1}
