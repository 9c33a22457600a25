"""Calibration on whole cases: slope and shift of raw outputs, from places drawn so that each stands for as many as it should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import log_softmax

from osler.core.marks import UNMARKED, MarkedCase
from osler.core.state import State
from osler.tasks.calibration import LEAST_SLOPE, bounded
from osler.tasks.labels import LEAST_CASES
from osler.tasks.segmentation.lookup import classes, exclusive, regions

EACH = 4_000  # places of a case that may hold a label, and as many of the others
LEAST = 256  # of a piece of a large case
FAR = -4.6  # log-odds of one in a hundred
_PENALTY = 0.5  # of the squared distance from the identity, worth about a place


@dataclass(frozen=True, slots=True)
class Places:
    """Drawn places: `raw` (m, k), the `values` of their masks (m, channels) and how many places each stands for, `weight` (m,)."""

    raw: np.ndarray
    values: np.ndarray
    weight: np.ndarray

    @classmethod
    def drawn(cls, case: MarkedCase, *, info: Mapping[str, Any], seed: int) -> Places:
        """Draw places of a case whose truth is known: those that have a label or could have one, and the others."""
        assert case.truth is not None
        generator, at, parts = np.random.default_rng([seed, 5]), 0, []
        for slab in case.slabs():
            size = slab[0].size / float(np.prod(case.grid.shape))
            raw = slab.reshape(len(slab), -1)
            values = case.truth[:, at : at + slab.shape[1]].reshape(len(case.truth), -1)
            parts += list(_strata(raw, values, most=max(LEAST, round(EACH * size)), alone=exclusive(info), generator=generator))
            at += slab.shape[1]
        return cls(*(np.concatenate([part[of] for part in parts]) for of in range(3)))


def recalibrated(places: Sequence[Places], *, state: State, info: Mapping[str, Any]) -> State:
    """Return `state` with `slope` and `intercept` fitted on the drawn places of at least five cases, where that is better."""
    if len(places) < LEAST_CASES:
        return state
    raw, values, weight = (np.concatenate([getattr(one, name) for one in places]) for name in ("raw", "values", "weight"))
    find = _of_classes if exclusive(info) else _of_regions
    found = find(bounded(raw), values, weight, info)
    if found is None:
        return state
    slope, shift = found
    told = f"temperature and shifts: {len(raw)} places of {len(places)} whole cases"
    values_ = {**state.values, "calibration": [told] * len(slope)}
    return State({**state.arrays, "slope": slope, "intercept": shift}, values_)


def _strata(
    raw: np.ndarray, values: np.ndarray, *, most: int, alone: bool, generator: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield raw (m, k), values (m, channels) and weight (m,) of at most so many places of either kind that somebody looked at."""
    near = (raw[1:].max(axis=0) - raw[0] if alone else raw.max(axis=0)) > FAR
    near |= ((values > 0) & (values != UNMARKED)).any(axis=0)
    seen = (values != UNMARKED).any(axis=0)
    for kind in (near & seen, ~near & seen):
        every = np.flatnonzero(kind)
        some = every if len(every) <= most else generator.choice(every, most, replace=False)
        yield raw[:, some].T, values[:, some].T, np.full(len(some), len(every) / max(1, len(some)))


def _of_classes(
    raw: np.ndarray, values: np.ndarray, weight: np.ndarray, info: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray] | None:
    number = classes(info)[values[:, 0]]
    seen = number <= len(info["names"])
    found = fitted(raw[seen], number[seen].astype(np.int64), weight[seen])
    return None if found is None else (np.array([found[0]]), found[1])


def _of_regions(
    raw: np.ndarray, values: np.ndarray, weight: np.ndarray, info: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray] | None:
    slopes, shifts, table = [], [], regions(info)
    for label, channel in enumerate(info["channel"]):
        seen = values[:, channel] != UNMARKED
        half = raw[seen, label] / 2  # two classes whose logits lie raw apart
        found = fitted(np.stack([-half, half], axis=1), table[label][values[seen, channel]].astype(np.int64), weight[seen])
        if found is None:
            return None
        slopes.append(found[0])
        shifts.append(found[1][1] - found[1][0])
    return np.array(slopes), np.array(shifts)


def fitted(logits: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Return a slope and a shift per class (0 in sum) with the least weighted log loss; None where it cannot be made less."""
    from scipy.optimize import minimize

    if not len(truth) or truth.min() == truth.max():
        return None
    even = weight / weight.mean()
    start = np.r_[1.0, np.zeros(logits.shape[1])]
    bounds = [(LEAST_SLOPE, 20.0), *[(-20.0, 20.0)] * logits.shape[1]]
    best = minimize(_loss, start, args=(logits, truth, even), jac=True, method="L-BFGS-B", bounds=bounds).x
    if _loss(best, logits, truth, even)[0] >= _loss(start, logits, truth, even)[0]:
        return None
    return float(best[0]), best[1:] - best[1:].mean()


def _loss(parameters: np.ndarray, logits: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    logs = log_softmax(parameters[0] * logits + parameters[1:], axis=1)
    rows, wrong = np.arange(len(truth)), np.exp(logs)
    wrong[rows, truth] -= 1
    wrong *= weight[:, None]
    away = np.r_[parameters[0] - 1, parameters[1:]]
    gradient = np.r_[(wrong * logits).sum(), wrong.sum(axis=0)] + 2 * _PENALTY * away
    return float(_PENALTY * away @ away - weight @ logs[rows, truth]) / len(truth), gradient / len(truth)
