"""A class that training never sees, to find out whether what is learned of the others tells it apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osler.core.errors import PlanError, did_you_mean
from osler.core.plan import Decision
from osler.core.split import Fold, Split
from osler.core.target import Target
from osler.generation.embedding.questions import class_names

NAME = "representation.holdout"
LEAST = 20  # cases that must be left
DECISION = Decision(NAME, "", "no class is kept out of training; name one to have anomaly scores judged by it")


def left_out(split: Split, *, target: Target | None, settings: Mapping[str, Any]) -> Split:
    """Return the split without the held-out class in training and tune rows; test keeps it. Raises PlanError where there is no such class, or
    too little without it."""
    name = str(settings.get(NAME) or "")
    if not name:
        return split
    held = of_class(name, target)
    training, tune = (part[~held[part]] for part in (split.training, split.tune))
    left = len(training) + len(tune)
    if left < LEAST:
        raise PlanError(
            f"'{NAME}={name}' leaves {left} cases to learn from, and at least {LEAST} are wanted; keep a rarer class out"
        )
    lost = len(split.training) + len(split.tune) - left
    how = f"{split.how}; {lost} cases of the held-out class are left out of training"
    return replace(split, training=training, tune=tune, folds=(Fold(training, tune, split.calibrate),), how=how)


def of_class(name: str, target: Target | None) -> np.ndarray:
    """Return which cases (n,) bool are of the class `name`; raises PlanError where the target has none of this name."""
    if target is None or target.info.get("kind") not in {"binary", "multiclass"}:
        raise PlanError(
            f"'{NAME}' names a class to keep out of training, and the study has no column of classes; name one with --target"
        )
    names = class_names(target)
    if name not in names:
        raise PlanError(f"'{NAME}' cannot be '{name}': the label has no such class{did_you_mean(name, names)}")
    return np.asarray(target.observed[:, 0] & (target.values[:, 0] == names.index(name)))
