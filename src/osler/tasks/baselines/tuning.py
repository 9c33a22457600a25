"""Choosing penalties, designs, trees and the blend by cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.tasks.baselines.boosting import ROUNDS, WIDE, boosted_raw, broad, configurations, heavy, train
from osler.tasks.baselines.design import fit_design
from osler.tasks.baselines.folds import folds_of, strata
from osler.tasks.baselines.linear import PENALTIES, Linear, path
from osler.tasks.baselines.losses import losses


@dataclass(frozen=True, slots=True)
class Problem:
    """One outcome to fit: features (m, f), values (m,) without gaps, weight (m,) of mean one, group (m,), `width` k."""

    kind: str
    features: np.ndarray
    categorical: np.ndarray
    values: np.ndarray
    weight: np.ndarray
    groups: np.ndarray
    width: int
    threads: int
    seed: int

    def take(self, rows: np.ndarray) -> Problem:
        """Return the rows `rows`."""
        return Problem(
            self.kind, self.features[rows], self.categorical, self.values[rows], self.weight[rows], self.groups[rows],
            self.width, self.threads, self.seed,
        )  # fmt: skip

    def loss(self, raw: np.ndarray) -> float:
        """Return the mean loss of raw outputs (m, k)."""
        return float(np.average(losses(self.kind, raw, self.values), weights=self.weight))


@dataclass(frozen=True, slots=True)
class Choice:
    """The best of a family of candidates: its settings, out-of-fold raw outputs (repeats, m, k), and loss."""

    settings: Mapping[str, Any]
    held_out: np.ndarray
    loss: float


Folds = Sequence[np.ndarray]  # per repeat, the fold of each row


def cut(problem: Problem) -> Folds:
    """Return folds for tuning; small data are cut several times, since one cut says little; many broad ones into fewer."""
    count = 3 if heavy(*problem.features.shape) else 5
    repeats = int(np.clip(600 // max(len(problem.values), 1), 1, 3)) if problem.features.shape[1] < WIDE else 1
    stratum = strata(problem.kind, problem.values)
    groups = len(np.unique(problem.groups))
    return [
        folds_of(problem.groups, stratum, count=min(count, groups), seed=problem.seed + 7919 * repeat)
        for repeat in range(repeats)
    ]


def tune_linear(problem: Problem, folds: Folds, *, forms: Sequence[str]) -> Choice:
    """Return the best penalty and form of the design."""
    tried = PENALTIES[::2] if broad(*problem.features.shape) else PENALTIES
    choices = [tuned_path(problem, folds, form=f, penalties=tried) for f in forms]
    return min(choices, key=lambda c: c.loss)


def fit_linear(problem: Problem, settings: Mapping[str, Any]) -> Linear:
    """Return the linear model with tuned settings on all rows."""
    design = fit_design(problem.features, problem.categorical, form=settings["form"])
    stop = PENALTIES.index(settings["penalty"]) + 1
    matrix = design.matrix(problem.features)
    fits = path(problem.kind, matrix, problem.values, width=problem.width, weight=problem.weight,
                penalties=PENALTIES[max(0, stop - 3) : stop])  # fmt: skip
    *_, (weights, intercept) = fits
    return Linear(design, weights, intercept, matrix.mean(0, dtype=np.float64))


def tune_boosting(problem: Problem, folds: Folds, *, effort: int) -> Choice:
    """Return the best configuration with its number of rounds."""
    cases, columns = problem.features.shape
    # the trees of many classes cost as many times as much
    tried = 1 if broad(cases, columns) and problem.width > 2 else effort
    candidates = configurations(cases, columns=columns, effort=tried)
    return min((tuned_rounds(problem, folds, settings=c) for c in candidates), key=lambda c: c.loss)


def fit_boosting(problem: Problem, settings: Mapping[str, Any]) -> Any:
    """Return the booster with tuned settings on all rows."""
    booster, _ = train(problem.kind, problem.features, problem.values, width=problem.width, weight=problem.weight,
                       settings=_settings(problem, settings), rounds=settings["rounds"])  # fmt: skip
    return booster


def blend_weight(problem: Problem, linear: Choice, boosting: Choice) -> tuple[float, float]:
    """Return the linear model's share and the blend's loss, the lowest on a grid; ties go to the linear model."""
    shares = np.linspace(1, 0, 21)
    mixed = [_mean_loss(problem, s * linear.held_out + (1 - s) * boosting.held_out) for s in shares]
    best = int(np.argmin(mixed))
    return float(shares[best]), mixed[best]


def tuned_path(problem: Problem, folds: Folds, *, form: str, penalties: tuple[float, ...]) -> Choice:
    """Return the best of `penalties`, from strong to weak, for a form of the design."""
    held_out = np.empty((len(folds), len(penalties), len(problem.values), problem.width))
    for repeat, fold in enumerate(folds):
        for part in np.unique(fold):
            inside, outside = problem.take(np.flatnonzero(fold != part)), np.flatnonzero(fold == part)
            design = fit_design(inside.features, inside.categorical, form=form)
            unseen = design.matrix(problem.features[outside])
            fits = path(problem.kind, design.matrix(inside.features), inside.values, width=problem.width, weight=inside.weight,
                        penalties=penalties)  # fmt: skip
            for step, (weights, intercept) in enumerate(fits):
                held_out[repeat, step, outside] = unseen @ weights + intercept
    by_penalty = [_mean_loss(problem, held_out[:, step]) for step in range(len(penalties))]
    best = int(np.argmin(by_penalty))
    return Choice({"penalty": penalties[best], "form": form}, held_out[:, best], by_penalty[best])


def tuned_rounds(problem: Problem, folds: Folds, *, settings: Mapping[str, Any]) -> Choice:
    """Return the number of rounds with the lowest loss averaged over the folds' curves, and predictions at that number."""
    used = folds[:1] if len(problem.values) > 200 or problem.width > 1 else folds
    trained = [t for repeat, fold in enumerate(used) for t in _trained(problem, fold, repeat=repeat, settings=settings)]
    longest = max(len(t.curve) for t in trained)
    curves = [np.pad(t.curve, (0, longest - len(t.curve)), mode="edge") for t in trained]
    weights = [problem.weight[t.outside].sum() for t in trained]
    rounds = int(np.argmin(np.average(curves, axis=0, weights=weights))) + 1
    held_out = np.empty((len(used), len(problem.values), problem.width))
    for t in trained:
        here = min(rounds, t.booster.current_iteration())
        held_out[t.repeat, t.outside] = boosted_raw(t.booster, problem.features[t.outside], threads=problem.threads, rounds=here)
    every = held_out[np.arange(len(folds)) % len(used)]
    return Choice({**settings, "rounds": rounds}, every, _mean_loss(problem, held_out))


@dataclass(frozen=True, slots=True)
class _Trained:
    """A booster trained without the rows `outside`, and its loss on them after each round."""

    repeat: int
    outside: np.ndarray
    booster: Any
    curve: list[float]


def _trained(problem: Problem, fold: np.ndarray, *, repeat: int, settings: Mapping[str, Any]) -> Iterator[_Trained]:
    for part in np.unique(fold):
        outside = np.flatnonzero(fold == part)
        inside, held = problem.take(np.flatnonzero(fold != part)), problem.take(outside)
        booster, curve = train(
            problem.kind, inside.features, inside.values, width=problem.width, weight=inside.weight,
            settings=_settings(problem, settings), rounds=ROUNDS, held_out=(held.features, held.values, held.weight),
        )  # fmt: skip
        yield _Trained(repeat, outside, booster, curve)


def _settings(problem: Problem, settings: Mapping[str, Any]) -> dict[str, Any]:
    own = {k: v for k, v in settings.items() if k != "rounds"}
    return {
        **own, "categorical": np.flatnonzero(problem.categorical).tolist(), "seed": problem.seed % 2**31,
        "num_threads": problem.threads,
    }  # fmt: skip


def _mean_loss(problem: Problem, held_out: np.ndarray) -> float:
    return float(np.mean([problem.loss(raw) for raw in held_out]))
