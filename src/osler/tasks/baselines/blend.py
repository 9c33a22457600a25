"""The baseline: per outcome a linear model and boosting, blended on the raw scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from osler.core.features import Features
from osler.core.target import Target
from osler.tasks.baselines.boosting import boosted_contributions, boosted_raw, broad, heavy
from osler.tasks.baselines.bounded import imputed
from osler.tasks.baselines.design import FORMS, fit_design
from osler.tasks.baselines.folds import spread_rows, strata
from osler.tasks.baselines.linear import Linear
from osler.tasks.baselines.losses import prior
from osler.tasks.baselines.shared import Shared, choose, shown
from osler.tasks.baselines.tuning import Problem, blend_weight, cut, fit_boosting, fit_linear, tune_boosting, tune_linear

FEWEST_CASES = 20  # below it nothing can be tuned
FEWEST_OF_CLASS = 3
HINGE_CASES = 200
CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Part:
    """The model of one outcome: `linear_share` of the blend is the linear model's; `booster` may be None. `text` says how
    it was chosen."""

    linear: Linear
    booster: Any
    linear_share: float
    text: str

    def raw(self, features: np.ndarray, *, threads: int) -> np.ndarray:
        """Return (m, k)."""
        linear = self.linear.raw(features) if self.linear_share > 0 or self.booster is None else 0.0
        if self.booster is None or self.linear_share == 1:
            return np.asarray(linear)
        return self.linear_share * linear + (1 - self.linear_share) * boosted_raw(self.booster, features, threads=threads)

    def contributions(self, features: np.ndarray, *, threads: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what each feature adds to `raw` (m, k, f), and the reference (k,): those of both models by their shares."""
        share = 1.0 if self.booster is None else self.linear_share
        width = len(self.linear.intercept)
        values, reference = np.zeros((len(features), width, features.shape[1])), np.zeros(width)
        if share > 0:
            linear, start = self.linear.contributions(features)
            values, reference = share * linear, share * start
        if share < 1:
            boosted, start = boosted_contributions(self.booster, features, threads=threads)
            values, reference = values + (1 - share) * boosted, reference + (1 - share) * start
        return values, reference


@dataclass(frozen=True, slots=True)
class Baseline:
    """A trained classical model, one part per outcome (one part for all classes of a multiclass outcome)."""

    parts: tuple[Part, ...]
    kind: str
    names: tuple[str, ...]

    def raw(self, matrix: np.ndarray) -> np.ndarray:
        """Return raw outputs (m, k) for features (m, f), in chunks: the design matrix is never whole in memory."""
        matrix = np.ascontiguousarray(matrix, np.float32)
        chunks = [matrix[start : start + CHUNK] for start in range(0, max(len(matrix), 1), CHUNK)]
        return np.concatenate([np.concatenate([p.raw(c, threads=1) for p in self.parts], axis=1) for c in chunks])

    def contributions(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what each feature adds to `raw` (m, k, f), and the reference (k,) from which they lead to it."""
        matrix = np.ascontiguousarray(matrix, np.float32)
        found = [part.contributions(matrix, threads=1) for part in self.parts]
        return np.concatenate([values for values, _ in found], axis=1), np.concatenate([start for _, start in found])

    def files(self) -> Mapping[str, bytes]:
        """Return the files that restore it, by name."""
        from osler.tasks.baselines.files import write

        return write(self)

    def sentence(self) -> str:
        """Return what it is, for the report."""
        texts = [p.text for p in self.parts]
        return texts[0] if len(texts) == 1 else f"{len(texts)} models, one per outcome. First: {texts[0]}"


SMALL = 5_000_000  # cells


def fit_baseline(
    features: Features, target: Target, *, kind: str, groups: np.ndarray, plan: Mapping[str, Any], seed: int
) -> Baseline:
    """Train and tune the baseline of `kind` "binary", "multiclass", "multilabel" or "regression".

    One row of `target` and of `groups` (m,) per line of `features`. Everything is chosen by cross-validation over groups
    inside these rows, by the loss that the network is trained on. Raw outputs: logits, or for regression values on the
    scale of `target.mean` and `target.scale` of the plan.
    """
    threads = int(plan.get("fit.threads", 1))
    # threads of linear algebra wait for one another longer than small matrices take (measured: 40 ms beside 0.1 ms)
    small = features.matrix.size < SMALL
    with threadpool_limits(1 if small else threads, "blas"):
        problems = partial(_problems, features, target, kind=kind, groups=groups, threads=threads, seed=seed, plan=plan)
        shared = None
        if (tuning := str(plan.get("baseline.tuning", "whole"))) != "whole":
            few = problems(columns=shown(target.values, target.observed, kind=kind))
            tunable = [problem for problem in few if _lacking(problem) == "nothing"]
            shared = choose(tunable, trees=tuning == "short") if tunable else None
        every = problems(columns=range(target.values.shape[1]))
        parts = tuple(_fitted(problem, plan=plan, shared=shared) for problem in every)
    return Baseline(parts, kind, features.names)


def _problems(
    features: Features, target: Target, *, kind: str, groups: np.ndarray, threads: int, seed: int, plan: Mapping[str, Any],
    columns: Iterable[int],
) -> Iterator[Problem]:  # fmt: skip
    weight = np.ones(len(target)) if target.weight is None else target.weight.astype(np.float64)
    values = target.values
    if kind == "regression":
        center, scale = np.asarray(plan.get("target.mean", 0.0)), np.asarray(plan.get("target.scale", 1.0))
        values = (values - center) / scale
    width = len(target.info["classes"][0]) if kind == "multiclass" else 1
    for column in columns:
        rows = np.flatnonzero(target.told[:, column] & (weight > 0))
        matrix = np.ascontiguousarray(features.matrix[rows], np.float32)
        inner = "binary" if kind == "multilabel" else kind
        even = weight[rows] / weight[rows].mean() if len(rows) else weight[rows]
        found = Problem(inner, matrix, features.categorical, values[rows, column], even, groups[rows], width, threads, seed)
        yield found if target.side is None else imputed(found, target.side[rows, column])


def _fitted(problem: Problem, *, plan: Mapping[str, Any], shared: Shared | None) -> Part:
    lacking = _lacking(problem)
    if lacking == "all":
        return _constant(problem)
    if lacking == "cases":
        linear = fit_linear(problem, {"penalty": 10.0, "form": "plain"})
        return Part(linear, None, 1.0, "Regularised linear model with a fixed penalty: too few cases to tune anything.")
    if shared is not None:
        booster = None if shared.boosting is None else fit_boosting(problem, shared.boosting)
        return Part(fit_linear(problem, shared.linear), booster, shared.share, shared.text)
    return _tuned(problem, plan=plan)


def _lacking(problem: Problem) -> Literal["all", "cases", "nothing"]:
    """Return what a problem lacks: all that could be learned, cases to tune anything, or nothing."""
    counts, groups = [len(problem.values)], len(np.unique(problem.groups))
    if problem.kind != "regression":
        counts = np.bincount(problem.values.astype(np.int64), minlength=max(problem.width, 2)).tolist()
    if min(counts) == 0 or len(problem.values) < 2 or problem.features.shape[1] == 0 or groups < 2:
        return "all"
    few = len(problem.values) < FEWEST_CASES or min(counts) < FEWEST_OF_CLASS or groups < FEWEST_CASES // 2
    return "cases" if few else "nothing"


def _constant(problem: Problem) -> Part:
    design = fit_design(problem.features[:0], problem.categorical & False, form="plain")
    intercept = prior(problem.kind, problem.values, width=problem.width, weight=problem.weight)
    weights = np.zeros((design.width, problem.width))
    return Part(Linear(design, weights, intercept), None, 1.0, "Always the same prediction: there is nothing to learn from.")


def _tuned(problem: Problem, *, plan: Mapping[str, Any]) -> Part:
    stratum = strata(problem.kind, problem.values)
    sample = problem.take(spread_rows(stratum, most=int(plan.get("baseline.rows", 20_000)), seed=problem.seed))
    folds = cut(sample)
    numbers = int((~problem.categorical).sum())
    hinged = len(sample.values) >= HINGE_CASES and 0 < numbers <= len(sample.values) // 10
    size = sample.features.shape
    forms = FORMS[1:2] if heavy(*size) else FORMS if hinged and not broad(*size) else FORMS[:2]
    linear = tune_linear(sample, folds, forms=forms)
    boosting = tune_boosting(sample, folds, effort=int(plan.get("baseline.effort", 3)))
    share, loss = blend_weight(sample, linear, boosting)
    model = fit_linear(sample if share == 0 else problem, linear.settings)
    booster = None if share == 1 else fit_boosting(problem, boosting.settings)
    name = "error" if problem.kind == "regression" else "log loss"
    text = (
        f"Blend of a regularised linear model ({linear.settings['form']} numbers, share {share:.2f}, penalty {linear.settings['penalty']:.3g}, "
        f"{name} {linear.loss:.4f}) and LightGBM ({boosting.settings['rounds']} rounds of {boosting.settings['num_leaves']} "
        f"leaves, {name} {boosting.loss:.4f}); {name} of the blend {loss:.4f}, cross-validated over groups."
    )
    return Part(model, booster, share, text)
