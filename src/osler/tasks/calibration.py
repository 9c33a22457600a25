"""Calibration: the map from raw outputs to honest probabilities, learned from cases that no member was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_softmax

# Under this many cases of the rarer class a slope is mostly noise (ten to twenty events per parameter: Peduzzi 1996,
# van Smeden 2019); under the second, an intercept is too.
FOR_SLOPE, FOR_INTERCEPT = 20, 10
LEAST_SLOPE = 0.05  # a slope of zero or below would turn the order of cases around
LARGEST_LOGIT = 50.0
_MOST_NUMBERS = 20_000_000  # cases times classes in a fit of temperature: more adds nothing but time
_PENALTY = 0.5  # of the squared distance from the identity, worth about a case: keeps separable cases finite
# Slopes of models that were stopped or penalised on unseen cases lie about one with a standard deviation of a quarter: this penalty, 1 / (2
# · ¼²), is that as a normal prior. With 50 cases of the rarer class it takes back a seventh of what a fit would change, with 1,000 a hundredth.
# Without it outputs are too timid where cases are few (docs/lab.md), for the mean of the reciprocal of a noisy slope lies above one (Riley 2021).
_PRIOR = 8.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """`slope` and `intercept` applied to raw outputs, and a `sentence` on how they were found."""

    slope: np.ndarray
    intercept: np.ndarray
    sentence: str


def identity(width: int, sentence: str) -> Calibration:
    """Return what leaves raw outputs as they are."""
    return Calibration(np.ones(1), np.zeros(width), sentence)


def bounded(raw: np.ndarray) -> np.ndarray:
    """Return raw outputs as float64 within ±50, beyond which probabilities do not differ."""
    return np.clip(np.asarray(raw, np.float64), -LARGEST_LOGIT, LARGEST_LOGIT)


def platt(logit: np.ndarray, truth: np.ndarray) -> Calibration:
    """Return the logistic recalibration (Platt 1999) of `logit` (n,) for `truth` (n,) of 0 and 1.

    The log loss on these cases is never worse than before.
    """
    events = int(min(truth.sum(), len(truth) - truth.sum()))
    found = f"{events} cases of the rarer class, {len(truth)} in all"
    if events < FOR_INTERCEPT:
        return identity(1, f"none: {found}, fewer than {FOR_INTERCEPT}")
    slope, shift = fitted(logit, truth, free_slope=events >= FOR_SLOPE, penalty=_PRIOR)
    if slope < LEAST_SLOPE:
        slope, shift = fitted(LEAST_SLOPE * logit, truth, free_slope=False)
        slope = LEAST_SLOPE
    if surprise(slope * logit + shift, truth) > surprise(logit, truth):
        return identity(1, f"none: it would not improve the log loss ({found})")
    kind = "Platt (slope and intercept)" if events >= FOR_SLOPE else f"intercept only, fewer than {FOR_SLOPE} events"
    return Calibration(np.array([slope]), np.array([shift]), f"{kind}: {found}")


def surprise(logit: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean log loss."""
    return float(np.mean(np.logaddexp(0.0, np.where(truth > 0, -logit, logit))))


def fitted(logit: np.ndarray, truth: np.ndarray, *, free_slope: bool, penalty: float = _PENALTY) -> tuple[float, float]:
    """Return slope (1 where it is not free) and intercept of the logistic recalibration, drawn to the identity by `penalty` times the
    squared distance of the slope from one."""

    def objective(slope: float, shift: float) -> float:
        return surprise(slope * logit + shift, truth) * len(logit) + penalty * (slope - 1) ** 2

    # Newton's method with halved steps: the penalised loss is convex, so this always ends at its least
    slope, shift = 1.0, 0.0
    for _ in range(60):
        chance = expit(slope * logit + shift)
        curve, wrong = chance * (1 - chance), chance - truth
        gradient = np.array([wrong @ logit + 2 * penalty * (slope - 1), wrong.sum()])
        across = float(curve @ logit)
        hessian = np.array([[curve @ logit**2 + 2 * penalty, across], [across, curve.sum() + 1e-12]])
        if free_slope:
            step = np.linalg.solve(hessian, gradient)
        else:
            step = np.array([0.0, gradient[1] / hessian[1, 1]])
        now, factor = objective(slope, shift), 1.0
        while factor > 1e-6 and objective(slope - factor * step[0], shift - factor * step[1]) > now:
            factor /= 2
        slope, shift = slope - factor * step[0], shift - factor * step[1]
        if np.abs(step).max() < 1e-9:
            break
    return float(slope), float(shift)


def temperature(logits: np.ndarray, truth: np.ndarray) -> Calibration:
    """Return one slope for all `logits` (n, k), and a shift per class where each class has enough cases of `truth` (n,).

    Temperature scaling (Guo 2017) with biases. The log loss on these cases is never worse than before.
    """
    from scipy.optimize import minimize

    classes = logits.shape[1]
    if len(logits) * classes > _MOST_NUMBERS:
        logits, truth = _spread(logits, truth)
    rarest = int(np.bincount(truth.astype(int), minlength=classes).min())
    found = f"{rarest} cases of the rarest class, {len(truth)} in all"
    if len(truth) < 2 * FOR_SLOPE + 5 * classes:
        return identity(classes, f"none: {found}, fewer than {2 * FOR_SLOPE + 5 * classes}")
    biased = rarest >= FOR_SLOPE
    parameters = 1 + (classes if biased else 0)
    start = np.r_[1.0, np.zeros(parameters - 1)]
    bounds = [(LEAST_SLOPE, 20.0)] + [(-20.0, 20.0)] * (parameters - 1)
    best = minimize(_softmax_loss, start, args=(logits, truth.astype(int)), jac=True, method="L-BFGS-B", bounds=bounds).x
    shift = best[1:] - best[1:].mean() if biased else np.zeros(classes)
    if _softmax_loss(np.r_[best[0], shift], logits, truth.astype(int))[0] > _softmax_loss(start, logits, truth.astype(int))[0]:
        return identity(classes, f"none: it would not improve the log loss ({found})")
    return Calibration(best[:1], shift, f"temperature{' and class shifts' if biased else ''}: {found}")


def softened(logits: np.ndarray, truth: np.ndarray, *, free: tuple[bool, bool]) -> tuple[float, np.ndarray, float]:
    """Return a slope and a shift per class (0 in sum), each where it is `free`, and the deviance of `truth` (n,) after them."""
    from scipy.optimize import minimize

    classes, whole = logits.shape[1], truth.astype(int)
    start = np.r_[1.0, np.zeros(classes)]
    if any(free) and len(logits):
        bounds = [(LEAST_SLOPE, 20.0) if free[0] else (1.0, 1.0)] + [(-20.0, 20.0) if free[1] else (0.0, 0.0)] * classes
        start = minimize(_softmax_loss, start, args=(logits, whole), jac=True, method="L-BFGS-B", bounds=bounds).x
    slope, shift = float(start[0]), start[1:] - start[1:].mean()
    logs = log_softmax(slope * logits + shift, axis=1)
    return slope, shift, float(-2 * logs[np.arange(len(whole)), whole].sum())


def _spread(logits: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = np.linspace(0, len(logits) - 1, _MOST_NUMBERS // logits.shape[1]).astype(np.int64)
    return logits[rows], truth[rows]


def _softmax_loss(parameters: np.ndarray, logits: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray]:
    shifts = parameters[1:] if len(parameters) > 1 else np.zeros(logits.shape[1])
    logs = log_softmax(parameters[0] * logits + shifts, axis=1)
    wrong = np.exp(logs)
    rows = np.arange(len(truth))
    wrong[rows, truth] -= 1
    penalty = _PENALTY * ((parameters[0] - 1) ** 2 + float((shifts**2).sum()))
    gradient = np.r_[(wrong * logits).sum() + 2 * _PENALTY * (parameters[0] - 1), wrong.sum(axis=0) + 2 * _PENALTY * shifts]
    return (penalty - logs[rows, truth].sum()) / len(truth), gradient[: len(parameters)] / len(truth)


def calibrated(raw: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Return calibrated logits (n, k)."""
    return calibration.slope * bounded(raw) + calibration.intercept
