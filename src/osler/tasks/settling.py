"""What classification learns from held-out raw outputs: calibration, then thresholds, conformal sets and how sure is sure enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit, log_softmax

from osler.core.state import State
from osler.core.target import Target
from osler.tasks import abstention, enrichment, label_sets, operating
from osler.tasks.calibration import Calibration, bounded, calibrated, identity, platt, temperature
from osler.tasks.multilabel import SHOWN
from osler.tasks.settings import setting
from osler.tasks.sureness import Sureness, judged
from osler.tasks.thresholds import balanced


def settled(raw: np.ndarray, target: Target, *, plan: Mapping[str, Any], groups: np.ndarray | None = None) -> State:
    """Return calibration, thresholds and conformal sets from raw outputs (n, k) of the calibration cases in `groups` (n,)."""
    fit = setting(plan, "target.calibration", default="fitted") == "fitted"
    move = setting(plan, "target.threshold", default="plain") == "balanced"
    if target.info["kind"] == "multiclass":
        found = _classes(raw, target, fit=fit, move=move)
    else:
        points = operating.asked(setting(plan, "target.points", default=()))
        found = _labels(raw, target, fit=fit, move=move, points=points)
    sets = conformal_sets(found, raw, target, plan=plan, groups=groups)
    least = abstention.learned(_answered(found, raw, target), plan=plan, groups=groups)
    values = {**found.values, **sets.values, **least.values, **_frequent(target), **enrichment.told(plan)}
    return State({**found.arrays, **sets.arrays, **least.arrays}, values)


def _answered(state: State, raw: np.ndarray, target: Target) -> Sureness:
    """Return how sure the answers are that the state gives of these cases."""
    logits = state.arrays["slope"] * bounded(raw) + state.arrays["intercept"]
    if target.info["kind"] == "multiclass":
        chosen = (log_softmax(logits, axis=1) + state.arrays["weight"]).argmax(axis=1)[:, None]
    else:
        chosen = (expit(logits) >= state.arrays["threshold"]).astype(np.int64)
    return judged(logits, chosen, np.where(target.observed, target.values, np.nan), state=state, info=target.info)


def _frequent(target: Target) -> dict[str, Any]:
    if target.info["kind"] != "multilabel":
        return {}
    cases = np.where(target.observed, target.values, 0.0).sum(axis=0)
    return {"frequent": np.argsort(-cases, kind="stable")[:SHOWN].tolist()}


def conformal_sets(state: State, raw: np.ndarray, target: Target, *, plan: Mapping[str, Any], groups: np.ndarray | None) -> State:
    """Return the conformal part of the state under the calibration in `state`."""
    logits = state.arrays["slope"] * bounded(raw) + state.arrays["intercept"]
    info, seen = target.info, [np.flatnonzero(target.observed[:, number]) for number in range(target.observed.shape[1])]
    if info["kind"] == "multiclass":
        logs = [log_softmax(logits[seen[0]], axis=1)]
        truths = [target.values[seen[0], 0].astype(np.int64)]
    else:
        logs = [label_sets.pair(logits[rows, number], number, info) for number, rows in enumerate(seen)]
        truths = [label_sets.place_of(target.values[rows, number], number, info) for number, rows in enumerate(seen)]
    return label_sets.learned(logs, truths, [None if groups is None else groups[rows] for rows in seen], plan=plan)


_SWITCHED_OFF = "none: switched off in the plan"
_PLAIN = {"binary": "as probable as not", "multilabel": "as probable as not", "multiclass": "the most probable class"}


def _labels(raw: np.ndarray, target: Target, *, fit: bool, move: bool, points: tuple[operating.Point, ...]) -> State:
    found: list[Calibration] = []
    thresholds: list[tuple[float, str]] = []
    reached: list[tuple[np.ndarray, list[str]]] = []
    for number in range(raw.shape[1]):
        seen = target.observed[:, number]
        logit, truth = bounded(raw[seen, number]), target.values[seen, number]
        one = platt(logit, truth) if fit else identity(1, _SWITCHED_OFF)
        found.append(one)
        score = calibrated(logit, one)
        thresholds.append(balanced(score, truth) if move else (0.5, _PLAIN["binary"]))
        reached.append(operating.thresholds(score, truth, points))
    arrays = {
        "slope": np.concatenate([one.slope for one in found]),
        "intercept": np.concatenate([one.intercept for one in found]),
        "threshold": np.array([value for value, _ in thresholds]),
        "points": np.stack([values for values, _ in reached]),
    }
    sentences: dict[str, Any] = {
        "calibration": [one.sentence for one in found],
        "threshold": [sentence for _, sentence in thresholds],
        "points": [point.label for point in points],
        "points_how": [hows for _, hows in reached],
    }
    return State(arrays, {"cases": len(raw), **sentences})


def _classes(raw: np.ndarray, target: Target, *, fit: bool, move: bool) -> State:
    seen = target.observed[:, 0]
    logits, truth = bounded(raw[seen]), target.values[seen, 0].astype(np.int64)
    found = temperature(logits, truth) if fit else identity(raw.shape[1], _SWITCHED_OFF)
    weight, sentence = np.zeros(raw.shape[1]), _PLAIN["multiclass"]
    if move:
        # for calibrated probabilities, the class with the greatest ratio to its share maximises balanced accuracy
        weight = -np.log((np.bincount(truth, minlength=raw.shape[1]) + 1) / (len(truth) + raw.shape[1]))
        sentence = f"the class whose probability is greatest beside its share among {len(truth)} calibration cases"
    arrays = {"slope": found.slope, "intercept": found.intercept, "weight": weight}
    return State(arrays, {"cases": len(raw), "calibration": [found.sentence], "threshold": [sentence]})
