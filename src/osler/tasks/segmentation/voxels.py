"""The baseline of masks: boosted trees on the features of single places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.features import Features
from osler.core.marks import UNMARKED
from osler.core.target import Target
from osler.tasks.baselines.blend import Baseline, Part
from osler.tasks.baselines.boosting import train
from osler.tasks.baselines.design import fit_design
from osler.tasks.baselines.folds import folds_of
from osler.tasks.baselines.linear import Linear
from osler.tasks.baselines.losses import prior
from osler.tasks.segmentation.lookup import classes, exclusive, regions
from osler.tasks.settings import setting

MOST_TREES = 40  # of a class: every place of a case goes through each
ALL_TREES = 160  # of all classes together
MOST_PLACES = 1 << 18  # on which they are trained
TUNED = 60_000  # places on which the number of trees is found
FEWEST = 50  # places, and classes' places, that trees want
SETTINGS: Mapping[str, Any] = {
    "num_leaves": 31, "learning_rate": 0.25, "feature_fraction": 0.7, "min_data_in_leaf": 50, "lambda_l2": 1.0, "max_bin": 63,
}  # fmt: skip


def fitted(features: Features, target: Target, *, groups: np.ndarray, plan: Mapping[str, Any], seed: int) -> Baseline:
    """Return boosted trees for exclusive labels with the background, or for each region, on the places that somebody looked at.

    `target` (m, channels) and `groups` (m,) have one line per line of features. How many trees there are is found on groups apart.
    """
    info, alone, parts = target.info, exclusive(target.info), []
    some = _spread(len(target), most=int(setting(plan, "baseline.places", default=MOST_PLACES)))
    for label, channel in enumerate(info["channel"][:1] if alone else info["channel"]):
        values = np.where(target.observed[:, channel], target.values[:, channel], UNMARKED).astype(np.uint8)
        number = classes(info)[values] if alone else np.where(values == UNMARKED, UNMARKED, regions(info)[label][values])
        rows = some[number[some] != UNMARKED]
        kind, width = ("multiclass", len(info["names"]) + 1) if alone else ("binary", 1)
        part = _part(
            kind, features.matrix[rows], number[rows].astype(np.float64), groups=groups[rows], width=width,
            settings=_settings(features, seed=seed),
        )  # fmt: skip
        parts.append(part)
    return Baseline(tuple(parts), "multiclass" if alone else "multilabel", features.names)


def _settings(features: Features, *, seed: int) -> dict[str, Any]:
    categorical = np.flatnonzero(features.categorical).tolist()
    # one thread: beside another busy process two wait for each other (measured: 262,144 places in 17 s with one, 112 s with two)
    return {**SETTINGS, "categorical": categorical, "seed": seed % 2**31, "num_threads": 1}


def _spread(lines: int, *, most: int) -> np.ndarray:
    """Return at most so many line numbers, evenly spread."""
    return np.linspace(0, lines - 1, min(lines, most)).astype(np.int64)


def _part(
    kind: str, matrix: np.ndarray, values: np.ndarray, *, groups: np.ndarray, width: int, settings: Mapping[str, Any]
) -> Part:
    weight = np.ones(len(values))
    intercept = prior(kind, values, width=width, weight=weight)
    design = fit_design(matrix[:0], np.zeros(matrix.shape[1], bool), form="plain")
    constant = Linear(design, np.zeros((design.width, width)), intercept)
    if len(values) < FEWEST or len(np.unique(values)) < 2 or matrix.shape[1] == 0:
        return Part(constant, None, 1.0, "Always the same prediction: there is nothing to learn from.")
    most = max(5, min(MOST_TREES, ALL_TREES // width))
    rounds, how = _rounds(kind, matrix, values, groups=groups, width=width, settings=settings, most=most)
    booster, _ = train(kind, matrix, values, width=width, weight=weight, settings=settings, rounds=rounds)
    text = f"LightGBM on single places ({rounds} rounds of {settings['num_leaves']} leaves, {len(values)} places; {how})."
    return Part(constant, booster, 0.0, text)


def _rounds(
    kind: str, matrix: np.ndarray, values: np.ndarray, *, groups: np.ndarray, width: int, settings: Mapping[str, Any], most: int
) -> tuple[int, str]:
    """Return the number of rounds with the lowest loss on a fourth of the groups, of those on at most 60,000 places."""
    some = _spread(len(values), most=TUNED)
    own = groups[some]
    if len(np.unique(own)) < 2:
        return most // 2, "one group: nothing to choose by"
    held = folds_of(own, np.zeros(len(own), np.int64), count=min(4, len(np.unique(own))), seed=settings["seed"]) == 0
    parts = [(matrix[rows], values[rows], np.ones(len(rows))) for rows in (some[~held], some[held])]
    if len(np.unique(parts[0][1])) < 2:
        return most // 2, "one class among the groups that are left: nothing to choose by"
    _, curve = train(
        kind, parts[0][0], parts[0][1], width=width, weight=parts[0][2], settings=settings, rounds=most, held_out=parts[1]
    )
    best = int(np.argmin(curve)) + 1
    return best, f"log loss {curve[best - 1]:.4f} on groups apart"
