"""One set of settings for many outcomes, or for one of many classes, so that the baseline keeps to its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

import numpy as np

from osler.tasks.baselines.design import FORMS
from osler.tasks.baselines.folds import folds_of, spread_rows, strata
from osler.tasks.baselines.linear import PENALTIES
from osler.tasks.baselines.tuning import Choice, Problem, blend_weight, tuned_path, tuned_rounds

ASKED = 4  # outcomes on which the settings are chosen
ROWS = 5_000  # their cases
FOLDS = 3
TRIED = PENALTIES[::2]
# few, large and coarse steps: a fifth of the time of those that are tuned
TREES = {"num_leaves": 8, "learning_rate": 0.1, "feature_fraction": 0.7, "lambda_l2": 5.0, "max_bin": 63, "least_gain": 1e-4}


@dataclass(frozen=True, slots=True)
class Shared:
    """Settings that all outcomes have: of the linear model, of the trees (None: there are none), and the linear model's share."""

    linear: Mapping[str, Any]
    boosting: Mapping[str, Any] | None
    share: float

    @property
    def text(self) -> str:
        """How it was chosen, for the report."""
        form, penalty = self.linear["form"], self.linear["penalty"]
        linear = f"regularised linear model ({form} numbers, penalty {penalty:.3g}"
        if self.boosting is None:
            return f"R{linear[1:]}), without boosted trees: for so many outcomes or classes they would take too long."
        trees = f"LightGBM ({self.boosting['rounds']} rounds of {self.boosting['num_leaves']} leaves)"
        return (
            f"Blend of a {linear}, share {self.share:.2f}) and {trees}; settings cross-validated over groups "
            f"on at most {ASKED} outcomes and {ROWS} cases, and the same for every outcome."
        )


def shown(values: np.ndarray, observed: np.ndarray, *, kind: str) -> list[int]:
    """Return the columns (at most ASKED) of `values` (m, k) on which settings are chosen: those with the most cases of the rarer
    class, or for numbers with the most values."""
    sizes = observed.sum(axis=0)
    if kind in {"binary", "multilabel"}:
        positive = np.where(observed, values, 0).sum(axis=0)
        sizes = np.minimum(positive, sizes - positive)
    return sorted(np.argsort(-sizes, kind="stable")[:ASKED].tolist())


def choose(problems: Sequence[Problem], *, trees: bool) -> Shared:
    """Return the settings that are the middle of those best for each of `problems`."""
    found = [_chosen(problem, trees=trees) for problem in problems]
    linear = {"form": FORMS[1], "penalty": median_low(choice.settings["penalty"] for choice, _, _ in found)}
    rounds = [boosting.settings["rounds"] for _, boosting, _ in found if boosting is not None]
    share = float(np.round(np.mean([share for _, _, share in found]), 2))
    boosting = {**TREES, "min_data_in_leaf": _least(problems), "rounds": median_low(rounds)} if rounds and share < 1 else None
    return Shared(linear, boosting, share if boosting else 1.0)


def _chosen(problem: Problem, *, trees: bool) -> tuple[Choice, Choice | None, float]:
    sample = problem.take(spread_rows(strata(problem.kind, problem.values), most=ROWS, seed=problem.seed))
    count = min(FOLDS, len(np.unique(sample.groups)))
    folds = [folds_of(sample.groups, strata(sample.kind, sample.values), count=count, seed=sample.seed + 7919)]
    linear = tuned_path(sample, folds, form=FORMS[1], penalties=TRIED)
    if not trees:
        return linear, None, 1.0
    boosting = tuned_rounds(sample, folds, settings={**TREES, "min_data_in_leaf": _least([problem])})
    return linear, boosting, blend_weight(sample, linear, boosting)[0]


def _least(problems: Sequence[Problem]) -> int:
    return int(np.clip(len(problems[0].values) // 40, 3, 20))
