"""The task of predicting one or several numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from osler.contract import NO_OPTIONS, BaselineModel, TargetBatch, Task
from osler.core.attribution import Answer
from osler.core.clue import Outcome
from osler.core.errors import Refusal
from osler.core.features import Features
from osler.core.figure import Figure
from osler.core.measure import Measure
from osler.core.pace import Pace
from osler.core.plan import Brief, Decision
from osler.core.state import State
from osler.core.target import Target, logarithms
from osler.core.telling import Telling
from osler.core.update import Updates
from osler.core.view import View
from osler.tasks import bounds, conformal, continuous, logarithm, number_intervals, numbers, selective
from osler.tasks.labels import safe_names
from osler.tasks.settings import chosen_rows, finite, setting

if TYPE_CHECKING:
    from torch import Tensor, nn


class Regression(Task):
    """One or several numbers. Raw outputs are standardised: (value - target.mean) / target.scale, one per target.

    A target whose ratios count is held as its decimal logarithm (`target.transform`): errors, measures, intervals and explanations are of
    it, and predictions are given back in the table's unit.
    """

    name: ClassVar[str] = "regression"

    def target(
        self,
        columns: Mapping[str, np.ndarray],
        *,
        info: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] = NO_OPTIONS,
    ) -> tuple[Target, dict[int, Refusal]]:
        """Return the target; info is {"kind": "regression", "names"}, "bounded" by target where some values are bounds, and
        "logarithm" by target where some are read as logarithms."""
        return numbers.read(columns, info, settings=settings)

    def stratum(self, target: Target) -> np.ndarray:
        """Return the tenth in which a case lies, by the mean of its standardised targets."""
        known = np.where(target.told, target.values, np.nan)
        mean, scale = _moments(known)
        score = np.where(target.told, (target.values - mean) / scale, 0.0).sum(axis=1)
        score = score / np.maximum(1, target.told.sum(axis=1))
        edges = np.unique(np.quantile(score, np.linspace(0.1, 0.9, 9))) if len(score) else np.empty(0)
        return np.searchsorted(edges, score, side="right").astype(np.int64)

    def outcomes(self, target: Target) -> tuple[Outcome, ...]:
        """Return one outcome per target."""
        names = target.info["names"]
        return tuple(Outcome(str(n), target.values[:, at], target.observed[:, at]) for at, n in enumerate(names))

    def width(self, info: Mapping[str, Any]) -> int:
        """Return the number of targets."""
        return len(info["names"])

    def facts(self, target: Target, rows: np.ndarray) -> Mapping[str, Any]:
        """Return mean and standard deviation of each target's exact values, and how many `bounds` there are beside them."""
        kept = target.take(rows)
        mean, scale = _moments(np.where(kept.observed, kept.values, np.nan))
        cases = kept.observed.sum(axis=0).tolist()
        told = bounds.counted(kept.side, target.info["names"]) | _shapes(kept)
        return {**target.info, "cases": cases, "mean": mean.tolist(), "scale": scale.tolist(), **told}

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return the scale on which the network works."""
        return (
            Decision("target.mean", list(brief.target["mean"]), "mean of the training cases, per target"),
            Decision("target.scale", list(brief.target["scale"]), "standard deviation of the training cases, per target"),
            Decision(
                "target.calibration", "fitted", "a clear squeeze or stretch of predictions is undone", "rule", ("fitted", "none")
            ),
            *logarithm.rules(brief.target),
            *bounds.rules(),
            *conformal.rules(by_class=False),
        )

    def head(self, *, info: Mapping[str, Any], width: int, channels: Sequence[int], plan: Mapping[str, Any]) -> nn.Module:
        """Return a linear layer whose first answer is the mean."""
        from osler.tasks.heads import LinearHead

        return LinearHead(width, [0.0] * self.width(info))

    def loss(self, raw: Tensor, target: TargetBatch, *, plan: Mapping[str, Any]) -> Tensor:
        """Return the squared error per case (B,) on the standardised scale, the mean over what is told of its targets; a bound costs
        nothing where the prediction keeps it."""
        import torch

        from osler.tasks.heads import like, mean_over_observed

        mean, scale = (torch.as_tensor(v, dtype=target.values.dtype, device=raw.device) for v in _scale(plan, raw.shape[-1]))
        wanted = like((target.values - mean) / scale, raw)
        told = target.observed if target.side is None else target.observed | (target.side != 0)
        return mean_over_observed(bounds.one_sided(raw - wanted, target.side) ** 2, told)

    def baseline(
        self, features: Features, target: Target, *, groups: np.ndarray, plan: Mapping[str, Any], seed: int
    ) -> BaselineModel:
        """Return the best of the classical models; its raw outputs are standardised like the network's."""
        from osler.tasks.baselines import fit_baseline

        model: BaselineModel = fit_baseline(features, target, kind="regression", groups=groups, plan=plan, seed=seed)
        return model

    def pace(self, features: Features, target: Target, *, cases: int, plan: Mapping[str, Any], seed: int) -> Pace:
        """Return what a timing of some rounds and products tells."""
        from osler.tasks.baselines import pace_of

        return pace_of(features, target, kind="regression", cases=cases, plan=plan, seed=seed)

    def restore(self, files: Mapping[str, bytes]) -> BaselineModel:
        """Return the stored model."""
        from osler.tasks.baselines import load_baseline

        model: BaselineModel = load_baseline(files)
        return model

    def settle(
        self, raw: np.ndarray, target: Target, rows: np.ndarray, *, plan: Mapping[str, Any], groups: np.ndarray | None = None
    ) -> State:
        """Return `slope` and `intercept` on the raw scale (the identity unless they clearly differ from it), `residual`, the
        standard deviation of the errors (L,) in each target's unit, and `radius` and `spread` of conformal intervals."""
        raw, kept = chosen_rows(raw, target, rows)
        mean, scale = _scale(plan, raw.shape[1])
        fit = setting(plan, "target.calibration", default="fitted") == "fitted"
        lines = []
        for number in range(raw.shape[1]):
            seen = kept.observed[:, number]
            wanted = (kept.values[seen, number] - mean[number]) / scale[number]
            lines.append(_recalibration(raw[seen, number], wanted, fit=fit))
        slope, intercept, residual = (np.array([line[part] for line in lines]) for part in range(3))
        arrays = {"slope": slope, "intercept": intercept, "residual": residual * scale}
        truth = np.where(kept.observed, kept.values, np.nan)
        own, guess = None if groups is None else groups[rows], _guess(raw, State(arrays), plan)
        arrays |= _stretched(guess, truth, kept.info)
        reach = number_intervals.learned(guess, truth, own, plan=plan)
        values = {"cases": len(raw), "calibration": [line[3] for line in lines], **reach.values}
        return State({**arrays, **reach.arrays}, values)

    def updates(self, raw: np.ndarray, target: Target, *, state: State, plan: Mapping[str, Any]) -> Updates:
        """Return none, intercept (a shift), slope (a shift and a stretch), as far as the number of cases allows."""
        from osler.tasks.updating import of_numbers

        mean, scale = _scale(plan, raw.shape[1])
        wanted = (np.where(target.observed, target.values, np.nan) - mean) / scale
        return of_numbers((_guess(raw, state, plan) - mean) / scale, wanted, state=state)

    def updated(
        self, raw: np.ndarray, target: Target, *, state: State, arrays: Mapping[str, np.ndarray], plan: Mapping[str, Any],
        groups: np.ndarray | None = None,
    ) -> State:  # fmt: skip
        """Return the state with the calibration `arrays` and the spread of errors after it."""
        from osler.tasks.updating import settled_anew

        return settled_anew(self, finite(raw), target, arrays=arrays, plan=plan, groups=groups)

    def decode(self, raw: np.ndarray, state: State, *, info: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return `predicted_<target>`, `low_<level>_<target>` and `high_<level>_<target>` in the table's unit. Of a target that is held as
        its logarithm the prediction is the median, as it is scored, and `mean_<target>` stands beside it: what many cases add up to."""
        guess, logs = _guess(raw, state, plan), logarithms(info)
        stretch = state.arrays.get("stretch", np.ones(len(logs)))
        found: dict[str, np.ndarray] = {}
        for number, (name, log) in enumerate(zip(safe_names(info["names"]), logs, strict=True)):
            middle = logarithm.back(guess[:, number]) if log else guess[:, number]
            found[f"predicted_{name}"] = middle
            found |= {f"mean_{name}": stretch[number] * middle} if log else {}
        return {**found, **number_intervals.decoded(guess, state, info=info)}

    def answers(self, state: State, *, info: Mapping[str, Any], plan: Mapping[str, Any]) -> tuple[Answer, ...]:
        """Return the prediction of each target, in its unit, or its logarithm."""
        from osler.tasks.answers import of_numbers

        mean, scale = _scale(plan, len(info["names"]))
        return of_numbers(state, info=info, mean=mean, scale=scale)

    def measured(self, info: Mapping[str, Any]) -> tuple[Measure, ...]:
        """Return the measures; RMSE is the primary one, of several targets its mean in standard deviations of the training cases. All but
        those of bounds rest on exact values."""
        return continuous.measured(info)

    def statistics(self, raw: np.ndarray, target: Target, *, state: State, plan: Mapping[str, Any]) -> np.ndarray:
        """Return per case and target the truth, the prediction and the usual error at such a prediction, in the target's unit, the
        target's standard deviation in training, and the bound where it is one, with its side."""
        truth, guess = np.where(target.observed, target.values, np.nan), _guess(raw, state, plan)
        unit = np.broadcast_to(_scale(plan, raw.shape[1])[1], guess.shape)
        side = np.zeros(guess.shape) if target.side is None else target.side.astype(float)
        bound = np.where(side != 0, target.values, np.nan)
        found = np.stack([truth, guess, number_intervals.usual(guess, state), unit, bound, side], axis=2)
        return found.reshape(len(raw), continuous.WIDTH * raw.shape[1])

    def measures(self, statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return each measure of each resample."""
        return continuous.measures(statistics, counts, info=info)

    def support(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Mapping[str, float]:
        """Return by measure how many cases carry it."""
        return continuous.support(statistics, info=info)

    def views(self, *, state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
        """Return the coverage of conformal intervals, and what is gained by keeping silent on doubtful cases where errors tell
        them apart."""
        return (*number_intervals.views(state, info), *selective.number_views(info, told=number_intervals.scaled(state)))

    def telling(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Telling:
        """Return what was observed and predicted of each case, and how far they lie apart."""
        from osler.tasks.telling import of_numbers

        return of_numbers(statistics, info=info)

    def figures(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[Figure, ...]:
        """Return predicted against observed, and errors by predicted value, per target."""
        from osler.tasks.number_figures import figures

        return figures(statistics, info=info)


_FOR_SLOPE = 50  # cases under which a slope is noise
_CLEARLY = 3.0  # standard errors from one


def _moments(known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seen = ~np.isnan(known)
    size = np.maximum(1, seen.sum(axis=0))
    mean = np.where(seen, known, 0.0).sum(axis=0) / size
    scale = np.sqrt((np.where(seen, known - mean, 0.0) ** 2).sum(axis=0) / size)
    return mean, np.where(scale > 0, scale, 1.0)


def _shapes(kept: Target) -> dict[str, list[tuple[float, float, float] | None]]:
    """Return under `shape` that of each target which is held as its logarithm; nothing where none is."""
    logs = logarithms(kept.info)
    told = [column[~np.isnan(column)] for column in kept.values.T]
    found = [logarithm.shape(column) if log and len(column) else None for log, column in zip(logs, told, strict=True)]
    return {"shape": found} if any(logs) else {}


def _stretched(guess: np.ndarray, truth: np.ndarray, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return `stretch` (L,), from medians to means; nothing where no target is held as its logarithm."""
    logs = logarithms(info)
    if not any(logs):
        return {}
    seen = ~np.isnan(truth)
    each = [
        logarithm.stretch(guess[s, at], truth[s, at]) if log else 1.0
        for at, (log, s) in enumerate(zip(logs, seen.T, strict=True))
    ]
    return {"stretch": np.array(each)}


def _scale(plan: Mapping[str, Any], width: int) -> tuple[np.ndarray, np.ndarray]:
    mean = setting(plan, "target.mean", default=[0.0] * width)
    return np.asarray(mean, float), np.asarray(setting(plan, "target.scale", default=[1.0] * width), float)


def _guess(raw: np.ndarray, state: State, plan: Mapping[str, Any]) -> np.ndarray:
    mean, scale = _scale(plan, raw.shape[1])
    settled = state.arrays.get("slope", np.ones(1)) * finite(raw) + state.arrays.get("intercept", np.zeros(1))
    return np.asarray(mean + scale * settled)


def _recalibration(raw: np.ndarray, wanted: np.ndarray, *, fit: bool) -> tuple[float, float, float, str]:
    """Return slope, intercept, standard deviation of the errors, and how they were found."""
    plain = float(np.sqrt(np.mean((raw - wanted) ** 2))) if len(raw) else float("nan")
    found = f"{len(raw)} cases"
    if not fit or len(raw) < _FOR_SLOPE or np.ptp(raw) < 1e-9:
        return 1.0, 0.0, plain, f"none: {'too few or equal predictions' if fit else 'switched off in the plan'} ({found})"
    centred = raw - raw.mean()
    slope = float(centred @ wanted / (centred @ centred))
    intercept = float(wanted.mean() - slope * raw.mean())
    errors = wanted - intercept - slope * raw
    doubt = float(np.sqrt(errors @ errors / (len(raw) - 2) / (centred @ centred)))
    if abs(slope - 1) <= _CLEARLY * doubt or slope <= 0:
        return 1.0, 0.0, plain, f"none: the slope does not clearly differ from one ({found})"
    # the part of the difference that noise could make is left where it is
    kept = slope + np.sign(1 - slope) * doubt
    shift = float(wanted.mean() - kept * raw.mean())
    return float(kept), shift, float(np.sqrt(np.mean((wanted - shift - kept * raw) ** 2))), f"slope and intercept ({found})"
