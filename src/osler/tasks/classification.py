"""The task of telling classes apart: two, several, or several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import expit, log_softmax

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
from osler.core.target import Target
from osler.core.telling import Telling
from osler.core.update import Updates
from osler.core.view import View
from osler.tasks import (
    abstention,
    binary,
    classes,
    conformal,
    enrichment,
    label_sets,
    multiclass,
    multilabel,
    operating,
    ranked,
    ranking,
    selective,
)
from osler.tasks.calibration import bounded
from osler.tasks.labels import safe_names
from osler.tasks.settings import chosen_rows, finite, setting
from osler.tasks.sureness import how_sure

if TYPE_CHECKING:
    from torch import Tensor, nn


class Classification(Task):
    """Binary (1 raw output: the logit of the positive class), multiclass (k logits) and multilabel (one logit per label).

    `Target.values` holds 1 for the positive class and 0 for the other; of three or more classes, the number of the class.
    """

    name: ClassVar[str] = "classification"

    def target(
        self,
        columns: Mapping[str, np.ndarray],
        *,
        info: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] = NO_OPTIONS,
    ) -> tuple[Target, dict[int, Refusal]]:
        """Return the target; info is {"kind", "names", "classes": per target, "positive": a class, or one per label}."""
        return classes.read(columns, info)

    def stratum(self, target: Target) -> np.ndarray:
        """Return the class, or of several labels which of them a case holds (rare sets by their rarest label)."""
        if target.info["kind"] != "multilabel":
            return np.nan_to_num(target.values[:, 0], nan=-1.0).astype(np.int64)
        return _label_sets(np.nan_to_num(target.values, nan=0.0).astype(np.int64))

    def outcomes(self, target: Target) -> tuple[Outcome, ...]:
        """Return one outcome, or one per label."""
        classes_of = target.info["classes"]
        return tuple(
            Outcome(str(name), target.values[:, at], target.observed[:, at], len(classes_of[at]))
            for at, name in enumerate(target.info["names"])
        )

    def width(self, info: Mapping[str, Any]) -> int:
        """Return 1, the number of classes, or the number of labels."""
        return {"binary": 1, "multiclass": len(info["classes"][0]), "multilabel": len(info["names"])}[info["kind"]]

    def facts(self, target: Target, rows: np.ndarray) -> Mapping[str, Any]:
        """Return the cases per class and the prior log-odds."""
        info, kept = target.info, target.take(rows)
        sizes = [_sizes(info, kept, number) for number in range(len(info["names"]))]
        cases = [int(size.sum()) for size in sizes]
        rarest = min(float(size.min()) / max(1, size.sum()) for size in sizes)
        return {**info, "cases": cases, "counts": [s.tolist() for s in sizes], "rarest": rarest, "prior": _prior(info, sizes)}

    def rules(self, brief: Brief) -> tuple[Decision, ...]:
        """Return the prior from which the network starts, and where probabilities become decisions; raises PlanError for
        operating points that cannot be."""
        facts = brief.target
        rare, share = _is_rare(facts), 100 * facts["rarest"]
        why = f"the rarest class has {share:.2g}% of the training cases"
        threshold = (
            Decision(
                "target.threshold", "balanced", f"{why}: the threshold moves, probabilities stay honest", "rule", _THRESHOLDS
            )
            if rare
            else Decision("target.threshold", "plain", f"{why}: no need to move the threshold", "rule", _THRESHOLDS)
        )
        prior = Decision("target.prior", facts["prior"], "log-odds of the training cases: the network starts from what is known")
        fitted = Decision(
            "target.calibration",
            "fitted",
            "probabilities shall mean what they say; kept simple where cases are few",
            "rule",
            _FITS,
        )
        more = (*conformal.rules(by_class=True), *abstention.rules(brief), *ranked.rules(brief), *enrichment.rules(brief))
        return (prior, threshold, fitted, *_point_rules(brief), *more)

    def head(self, *, info: Mapping[str, Any], width: int, channels: Sequence[int], plan: Mapping[str, Any]) -> nn.Module:
        """Return a linear layer whose first answer is the prior."""
        from osler.tasks.heads import LinearHead

        return LinearHead(width, setting(plan, "target.prior", default=[0.0] * self.width(info)))

    def loss(self, raw: Tensor, target: TargetBatch, *, plan: Mapping[str, Any]) -> Tensor:
        """Return cross-entropy per case (B,), the mean over its observed outputs; raw (B, k), or (B, K, k) of K models in one."""
        from torch.nn import functional as F

        from osler.tasks.heads import like, mean_over_observed

        values = like(target.values, raw)
        if raw.shape[-1] == target.values.shape[-1]:
            each = F.binary_cross_entropy_with_logits(raw, values.expand_as(raw), reduction="none")
        else:
            number = values.long().expand(*raw.shape[:-1], 1)
            each = -F.log_softmax(raw, dim=-1).gather(-1, number)
        return mean_over_observed(each, target.observed)

    def baseline(
        self, features: Features, target: Target, *, groups: np.ndarray, plan: Mapping[str, Any], seed: int
    ) -> BaselineModel:
        """Return the best of the classical models."""
        from osler.tasks.baselines import fit_baseline

        model: BaselineModel = fit_baseline(features, target, kind=target.info["kind"], groups=groups, plan=plan, seed=seed)
        return model

    def pace(self, features: Features, target: Target, *, cases: int, plan: Mapping[str, Any], seed: int) -> Pace:
        """Return what a timing of some rounds and products tells."""
        from osler.tasks.baselines import pace_of

        return pace_of(features, target, kind=target.info["kind"], cases=cases, plan=plan, seed=seed)

    def restore(self, files: Mapping[str, bytes]) -> BaselineModel:
        """Return the stored model."""
        from osler.tasks.baselines import load_baseline

        model: BaselineModel = load_baseline(files)
        return model

    def settle(
        self, raw: np.ndarray, target: Target, rows: np.ndarray, *, plan: Mapping[str, Any], groups: np.ndarray | None = None
    ) -> State:
        """Return `slope`, `intercept` (calibration), `threshold` or `weight` (decisions) and `conformal` (thresholds of sets),
        with sentences on how."""
        from osler.tasks.settling import settled

        return settled(*chosen_rows(raw, target, rows), plan=plan, groups=None if groups is None else groups[rows])

    def updates(self, raw: np.ndarray, target: Target, *, state: State, plan: Mapping[str, Any]) -> Updates:
        """Return none, intercept, slope: shifts of log-odds, and their stretch, as far as the cases of the rarer class allow."""
        from osler.tasks.updating import of_classes, of_labels

        several = target.info["kind"] == "multiclass"
        return (of_classes if several else of_labels)(_calibrated(finite(raw), state), target, state=state)

    def updated(
        self, raw: np.ndarray, target: Target, *, state: State, arrays: Mapping[str, np.ndarray], plan: Mapping[str, Any],
        groups: np.ndarray | None = None,
    ) -> State:  # fmt: skip
        """Return the state with the calibration `arrays` and thresholds that go with it."""
        from osler.tasks.updating import settled_anew

        return settled_anew(self, bounded(raw), target, arrays=arrays, plan=plan, groups=groups)

    def decode(self, raw: np.ndarray, state: State, *, info: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return `probability_<class>`, `predicted` and `set_<level>`; of labels each with `_<label>`, then the ranked list. Where
        asked for, and of labels always, `unsure`."""
        logits = _calibrated(finite(raw), state)
        chosen = _chosen(logits, state, info)
        none = label_sets.none_left(logits, chosen, state, info=info)
        unsure = abstention.column(how_sure(logits, chosen, state, info=info), none, state, info=info)
        if info["kind"] == "multiclass":
            logs = [log_softmax(logits, axis=1)]
        else:
            logs = [label_sets.pair(logits[:, number], number, info) for number in range(logits.shape[1])]
        sets = label_sets.decoded(logs, state, info=info)
        if info["kind"] == "multilabel":
            lists = ranked.columns(logits, expit(logits), info=info, plan=plan)
            return {**_decoded_labels(expit(logits), chosen, info), **sets, **lists, **unsure}
        if info["kind"] == "binary":
            chance = expit(logits[:, 0])
            shares = [chance if text == info["positive"] else 1 - chance for text in info["classes"][0]]
            named = np.array([_other(info["classes"][0], info["positive"]), info["positive"]], object)[chosen[:, 0]]
        else:
            shares = list(np.exp(logs[0]).T)
            named = np.array(info["classes"][0], object)[chosen[:, 0]]
        columns = [f"probability_{name}" for name in safe_names(info["classes"][0])]
        return {**dict(zip(columns, shares, strict=True)), "predicted": named, **sets, **unsure}

    def answers(self, state: State, *, info: Mapping[str, Any], plan: Mapping[str, Any]) -> tuple[Answer, ...]:
        """Return the calibrated log-odds of each class or label."""
        from osler.tasks.answers import of_classes

        return of_classes(state, info=info)

    def measured(self, info: Mapping[str, Any]) -> tuple[Measure, ...]:
        """Return the measures; AUROC is the primary one."""
        if info["kind"] == "multilabel":
            return multilabel.measured(info["names"])
        return binary.MEASURES if info["kind"] == "binary" else multiclass.MEASURES

    def statistics(self, raw: np.ndarray, target: Target, *, state: State, plan: Mapping[str, Any]) -> np.ndarray:
        """Return per case the truth, the calibrated logits, the decision and the logits before calibration, as the modules of
        the measures lay them out."""
        before, info = bounded(finite(raw)), target.info
        logits = _calibrated(before, state)
        chosen = _chosen(logits, state, info).astype(float)
        truth = np.where(target.observed, target.values, np.nan)
        if info["kind"] == "multiclass":
            surest = np.take_along_axis(log_softmax(before, axis=1), chosen.astype(np.int64), axis=1)
            return np.concatenate([truth, chosen, surest, log_softmax(logits, axis=1)], axis=1)
        return np.stack([truth, logits, chosen, before], axis=2).reshape(len(logits), binary.WIDTH * logits.shape[1])

    def measures(self, statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return each measure of each resample."""
        if info["kind"] == "multilabel":
            return multilabel.measures(statistics, counts, names=info["names"])
        return (binary if info["kind"] == "binary" else multiclass).measures(statistics, counts)

    def support(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Mapping[str, float]:
        """Return by measure how many cases carry it."""
        if info["kind"] == "multilabel":
            return multilabel.support(statistics, names=info["names"])
        return (binary if info["kind"] == "binary" else multiclass).support(statistics)

    def views(self, *, state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
        """Return the operating points of each two-valued outcome, the coverage of conformal sets, and what is gained by keeping
        silent on doubtful cases; of several labels also how good the ranked lists are. Of three or more classes there are no points: the answer is the class of the greatest weight,
        and no single threshold stands for it."""
        own = (
            *_points(state, info),
            *enrichment.views(state, info),
            *ranking.views(info),
            *label_sets.views(state, info),
            *selective.class_views(info),
        )
        return (*own, *abstention.views(state, info=info))

    def telling(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> Telling:
        """Return what was observed and predicted of each case, and how far they lie apart."""
        from osler.tasks.telling import of_classes

        return of_classes(statistics, info=info)

    def figures(self, statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[Figure, ...]:
        """Return ROC, precision-recall, calibration (before and after), predictions, decision curve; of many classes the
        confusion too."""
        from osler.tasks.class_figures import figures

        return figures(statistics, info=info)


def _points(state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
    if info["kind"] == "multiclass":
        return ()
    if info["kind"] == "binary":
        return operating.views(state)
    names = safe_names(info["names"])
    shown = sorted(state.values.get("frequent") or range(min(len(names), multilabel.SHOWN)))
    return tuple(view for number in shown for view in operating.views(state, number=number, label=names[number]))


def _point_rules(brief: Brief) -> tuple[Decision, ...]:
    if brief.target["kind"] == "multiclass":
        return ()
    given = brief.settings.get("target.points")
    operating.asked(given if isinstance(given, list) else ())  # what is no list at all is refused with every other setting
    why = (
        "thresholds that reach them are found on the calibration cases; write sensitivity=, specificity=, flagged= or threshold="
    )
    return (Decision("target.points", list(operating.POINTS), why),)


_THRESHOLDS = ("balanced", "plain")
_FITS = ("fitted", "none")
_MOST_SETS = 32


def _is_rare(facts: Mapping[str, Any]) -> bool:
    expected = 1 / (len(facts["classes"][0]) if facts["kind"] == "multiclass" else 2)
    return bool(facts["rarest"] < expected * 2 / 3)


def _sizes(info: Mapping[str, Any], target: Target, number: int) -> np.ndarray:
    seen = target.values[target.observed[:, number], number].astype(np.int64)
    if info["kind"] == "multiclass":
        return np.bincount(seen, minlength=len(info["classes"][0]))
    positive = int(seen.sum())
    first = info["classes"][number][0] == classes.positives(info)[number]
    return np.array([positive, len(seen) - positive] if first else [len(seen) - positive, positive])


def _prior(info: Mapping[str, Any], sizes: Sequence[np.ndarray]) -> list[float]:
    # half a case more in each class: a class that the training rows lack has an answer too
    if info["kind"] == "multiclass":
        logs = np.log((sizes[0] + 0.5) / (sizes[0].sum() + 0.5 * len(sizes[0])))
        return [round(float(v), 6) for v in logs - logs.mean()]
    places = [list(c).index(p) for c, p in zip(info["classes"], classes.positives(info), strict=True)]
    return [round(float(np.log((s[p] + 0.5) / (s[1 - p] + 0.5))), 6) for s, p in zip(sizes, places, strict=True)]


def _label_sets(labels: np.ndarray) -> np.ndarray:
    held, inverse, sizes = np.unique(labels, axis=0, return_inverse=True, return_counts=True)
    frequent = np.argsort(-sizes, kind="stable")[:_MOST_SETS]
    number = np.full(len(held), -1, np.int64)
    number[frequent] = np.arange(len(frequent))
    rarity = np.where(held > 0, labels.sum(axis=0), len(labels) + 1)  # the rarest label that a set holds
    number = np.where(number >= 0, number, _MOST_SETS + rarity.argmin(axis=1))
    return number[inverse.reshape(-1)]


def _calibrated(raw: np.ndarray, state: State) -> np.ndarray:
    slope = state.arrays.get("slope", np.ones(1))
    return np.asarray(slope * bounded(raw) + state.arrays.get("intercept", np.zeros(1)))


def _chosen(logits: np.ndarray, state: State, info: Mapping[str, Any]) -> np.ndarray:
    if info["kind"] == "multiclass":
        return (log_softmax(logits, axis=1) + state.arrays.get("weight", np.zeros(1))).argmax(axis=1)[:, None]
    return (expit(logits) >= state.arrays.get("threshold", np.full(1, 0.5))).astype(np.int64)


def _other(pair: Sequence[str], positive: str) -> str:
    return pair[0] if pair[1] == positive else pair[1]


def _decoded_labels(chance: np.ndarray, chosen: np.ndarray, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    names = safe_names(info["names"])
    shares = {f"probability_{name}": chance[:, number] for number, name in enumerate(names)}
    pairs = [np.array([_other(c, p), p], object) for c, p in zip(info["classes"], info["positive"], strict=True)]
    named = {f"predicted_{name}": pairs[number][chosen[:, number]] for number, name in enumerate(names)}
    return {**shares, **named}
