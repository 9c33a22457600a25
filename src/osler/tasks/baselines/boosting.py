"""Gradient boosting with LightGBM (Ke et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

PATIENCE = 50
OWN = ("categorical", "least_gain")  # settings that are not LightGBM's
LEAST_GAIN = 1e-4  # of the loss in PATIENCE rounds, below which broad data are not looked at for longer
ROUNDS = 1500
WIDE = 1000  # columns
MANY = 3000  # cases that deeper trees want
BROAD, CELLS, HEAVY = 200, 50_000, 500_000  # columns, and cells, from which trees see a part of the columns, in 64 bins
LARGE = 20_000  # cases from which half the rounds, each twice as far, are nearly as good and predict twice as fast
BOUND = 40.0  # logits beyond it say nothing more


def broad(cases: int, columns: int) -> bool:
    """Return whether there is so much to look at that tuning must look at less of it: hundreds of columns of many cases."""
    return columns >= BROAD and cases * columns >= CELLS


def heavy(cases: int, columns: int) -> bool:
    """Return whether broad data are so many that fewer folds and forms are tried too."""
    return broad(cases, columns) and cases * columns >= HEAVY


def configurations(cases: int, *, columns: int, effort: int) -> list[dict[str, Any]]:
    """Return up to `effort` sets of parameters, the most useful first.

    Small data want shallow trees on part of the columns, and thresholds drawn at random (extremely randomised trees,
    Geurts 2006), which smooth the steps; large data want deeper trees. Thousands of columns get one set: each tree sees a
    few hundred of them, else tuning takes minutes; slow trees of 31 leaves, since quick ones with thresholds drawn at random had more loss on four of six
    sets of molecules, on words of letters and on genes (docs/lab.md). Hundreds of columns of many cases (pictures) get two that are five times as
    fast as the others and no worse: on 4,708 chest films with 446 columns 1 s a fold instead of 5 s, at a log loss of 0.097
    instead of 0.101. Where there is time a third one goes slowly, each tree over few columns: on 4,000 stays of intensive care with 375
    summaries it had an AUROC of .863 beside .854 of the first (4-fold, docs/lab.md).
    """
    least = int(np.clip(cases // 40, 3, 20))
    shallow = {"num_leaves": 4, "min_data_in_leaf": least, "learning_rate": 0.05, "feature_fraction": 0.5, "lambda_l2": 1.0}
    random = {"num_leaves": 12, "min_data_in_leaf": least, "learning_rate": 0.05, "feature_fraction": 0.5, "extra_trees": True}
    middle = {"num_leaves": 15, "min_data_in_leaf": max(least, 10), "learning_rate": 0.05, "feature_fraction": 0.7}
    deep = {"num_leaves": 63, "min_data_in_leaf": 40, "learning_rate": 0.05, "feature_fraction": 0.6, "lambda_l2": 5.0}
    steady = {"num_leaves": 31, "min_data_in_leaf": least, "learning_rate": 0.05, "lambda_l2": 5.0}
    if columns >= WIDE:
        return [{**steady, "feature_fraction": WIDE / 4 / columns}]
    if broad(cases, columns):
        part = {"feature_fraction": min(1.0, BROAD / 2 / columns), "learning_rate": 0.1, "max_bin": 63, "least_gain": LEAST_GAIN}
        small = {"num_leaves": 8, "min_data_in_leaf": least, "lambda_l2": 5.0}
        slow = {**random, "num_leaves": 15, "min_data_in_leaf": max(least, 40), "lambda_l2": 10.0, "max_bin": 63}
        slow |= {"feature_fraction": min(1.0, BROAD / 3 / columns), "learning_rate": 0.03}
        return [{**small, **part}, {**random, **part, "num_leaves": 15}, slow][: max(1, effort)]
    ordered = [shallow, random, middle, deep] if cases < MANY else [middle, random, deep, shallow]
    pace = 2 if cases >= LARGE else 1
    return [{**settings, "learning_rate": settings["learning_rate"] * pace} for settings in ordered[:effort]]


def train(
    kind: str,
    matrix: np.ndarray,
    values: np.ndarray,
    *,
    width: int,
    weight: np.ndarray,
    settings: Mapping[str, Any],
    rounds: int,
    held_out: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> tuple[Any, list[float]]:
    """Return the booster and its loss on `held_out` (matrix, values, weight) after each round."""
    import lightgbm

    parameters = {**_fixed(kind, width), **{k: v for k, v in settings.items() if k not in OWN}}
    dataset = lightgbm.Dataset(matrix, values, weight=weight, categorical_feature=settings["categorical"], free_raw_data=True)
    history: dict[str, dict[str, list[float]]] = {}
    callbacks: list[Any] = []
    watched = []
    if held_out is not None:
        watched = [dataset.create_valid(held_out[0], held_out[1], weight=held_out[2])]
        stopping = lightgbm.early_stopping(PATIENCE, verbose=False, min_delta=settings.get("least_gain", 0.0))
        callbacks = [lightgbm.record_evaluation(history), stopping]
    booster = lightgbm.train(parameters, dataset, rounds, valid_sets=watched, callbacks=callbacks)
    return booster, next(iter(next(iter(history.values())).values())) if history else []


def boosted_raw(booster: Any, matrix: np.ndarray, *, threads: int, rounds: int | None = None) -> np.ndarray:
    """Return raw outputs (m, k) after `rounds`, or all; those of several classes are centred."""
    if not len(matrix):
        return np.empty((0, booster.num_model_per_iteration()))
    raw = booster.predict(matrix, raw_score=True, num_threads=threads, num_iteration=rounds)
    raw = np.clip(np.asarray(raw, np.float64).reshape(len(matrix), -1), -BOUND, BOUND)
    return raw - raw.mean(1, keepdims=True) if raw.shape[1] > 1 else raw


def boosted_contributions(booster: Any, matrix: np.ndarray, *, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what each feature adds to `boosted_raw` (m, k, f), by TreeSHAP (Lundberg 2020), and the reference (k,).

    Where a raw output is bounded, contributions shrink in one proportion, so that they still add up.
    """
    width = booster.num_model_per_iteration()
    if not len(matrix):
        return np.empty((0, width, matrix.shape[1])), np.zeros(width)
    found = np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=threads), np.float64)
    found = found.reshape(len(matrix), width, -1)
    values, base = found[..., :-1], found[0, :, -1]
    total = base + values.sum(2)
    bounded = np.clip(total, -BOUND, BOUND)
    away = np.where(total == base, 1.0, total - base)
    values = values * np.where(total == base, 1.0, (bounded - base) / away)[..., None]
    if width > 1:
        return values - values.mean(1, keepdims=True), base - base.mean()
    return values, base


_OBJECTIVES: dict[str, dict[str, Any]] = {
    "regression": {"objective": "regression", "metric": "l2"},
    "multiclass": {"objective": "multiclass", "metric": "multi_logloss"},
    "binary": {"objective": "binary", "metric": "binary_logloss"},
}
_STEADY: dict[str, Any] = {
    "deterministic": True, "force_row_wise": True, "verbosity": -1, "feature_pre_filter": False, "bagging_fraction": 0.8,
    "bagging_freq": 1, "max_bin": 255, "min_data_in_bin": 3,
}  # fmt: skip


def _fixed(kind: str, width: int) -> dict[str, Any]:
    return {**_OBJECTIVES[kind], **_STEADY, "num_class": width}
