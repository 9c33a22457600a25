"""Logistic and ridge regression along a path of penalties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, log_softmax, softmax

from osler.tasks.baselines.design import Design
from osler.tasks.baselines.losses import losses, prior

# Penalties per case-weight of one, from strong to weak, in steps of √10; the path is warm-started.
PENALTIES = tuple(float(10 ** (4 - i / 2)) for i in range(15))
NEWTON_WIDTH = 400  # wider designs go to L-BFGS: the Hessian costs width²


@dataclass(frozen=True, slots=True)
class Linear:
    """raw = design(features) @ weights + intercept; `weights` (P, k), `intercept` (k,).

    `mean` (P,) of the training rows' design is what explanations compare with; without it, the design of a case at the centre.
    """

    design: Design
    weights: np.ndarray
    intercept: np.ndarray
    mean: np.ndarray | None = None

    def raw(self, features: np.ndarray) -> np.ndarray:
        """Return (m, k) float64."""
        return (self.design.matrix(features) @ self.weights.astype(np.float32)).astype(np.float64) + self.intercept

    def contributions(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what each feature adds (m, k, f), its columns of the design together, and the reference (k,)."""
        mean = self.design.middle() if self.mean is None else self.mean
        away = self.design.matrix(features).astype(np.float64) - mean
        order = np.argsort(self.design.owner, kind="stable")
        owners, starts = np.unique(self.design.owner[order], return_index=True)
        out = np.zeros((len(features), self.weights.shape[1], features.shape[1]))
        for output in range(self.weights.shape[1]):
            if len(owners):
                out[:, output, owners] = np.add.reduceat((away * self.weights[:, output])[:, order], starts, axis=1)
        return out, mean @ self.weights + self.intercept


def path(
    kind: str, matrix: np.ndarray, values: np.ndarray, *, width: int, weight: np.ndarray, penalties: tuple[float, ...] = PENALTIES
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (weights (P, k), intercept (k,)) for each penalty λ: Σ wᵢ lossᵢ + λ/2 |weights|².

    Where there are more columns than rows, the fit happens in the rows' span, which holds the solution (Hastie and
    Tibshirani 2004).
    """
    mean = np.average(matrix, axis=0, weights=weight)
    centred = (matrix - mean).astype(np.float64)
    basis = _span(centred) if centred.shape[1] > centred.shape[0] else None
    inner = centred if basis is None else centred @ basis
    solve = _newton if kind != "multiclass" and inner.shape[1] <= NEWTON_WIDTH else _descend
    start = np.zeros((inner.shape[1] + 1, width))
    start[-1] = prior(kind, values, width=width, weight=weight)
    for penalty in penalties:
        start = solve(kind, inner, values, weight=weight, penalty=penalty, start=start)
        found = start[:-1] if basis is None else basis @ start[:-1]
        yield found, start[-1] - mean @ found


def _span(centred: np.ndarray) -> np.ndarray:
    power, vectors = np.linalg.eigh(centred @ centred.T)
    kept = power > max(power.max(), 0.0) * 1e-10
    return centred.T @ (vectors[:, kept] / np.sqrt(power[kept]))


def _newton(
    kind: str, matrix: np.ndarray, values: np.ndarray, *, weight: np.ndarray, penalty: float, start: np.ndarray
) -> np.ndarray:
    """Return the solution (P + 1, 1), intercept last, by Newton's method with step halving."""
    full = np.column_stack([matrix, np.ones(len(matrix))])
    ridge = np.append(np.full(matrix.shape[1], penalty), 1e-9)
    found = start[:, 0].copy()

    def objective(at: np.ndarray) -> float:
        return float(weight @ losses(kind, (full @ at)[:, None], values) + 0.5 * ridge @ at**2)

    now = objective(found)
    for _ in range(30):
        slope, bend = _derivatives(kind, full @ found, values)
        gradient = full.T @ (weight * slope) + ridge * found
        hessian = (full * (weight * bend)[:, None]).T @ full + np.diag(ridge + 1e-10)
        step = cho_solve(cho_factor(hessian), gradient)
        size = 1.0
        while (then := objective(found - size * step)) > now and size > 1e-4:
            size /= 2
        gained, now = now - then, min(now, then)
        if gained <= 0:
            break
        found = found - size * step
        if gained < 1e-7 * max(abs(now), 1.0):
            break
    return found[:, None]


def _derivatives(kind: str, raw: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if kind == "regression":
        return 2 * (raw - values), np.full(len(raw), 2.0)
    chance = expit(raw)
    return chance - values, np.maximum(chance * (1 - chance), 1e-8)


def _descend(
    kind: str, matrix: np.ndarray, values: np.ndarray, *, weight: np.ndarray, penalty: float, start: np.ndarray
) -> np.ndarray:
    """Return the solution (P + 1, k), intercept last, by L-BFGS."""
    from scipy.optimize import minimize

    shape = start.shape
    wanted = np.eye(shape[1])[values.astype(np.int64)] if kind == "multiclass" else values[:, None]

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        at = flat.reshape(shape)
        raw = matrix @ at[:-1] + at[-1]
        if kind == "multiclass":
            loss, slope = -(wanted * log_softmax(raw, axis=1)).sum(1), softmax(raw, axis=1) - wanted
        else:
            loss, slope = losses(kind, raw, values), _derivatives(kind, raw[:, 0], values)[0][:, None]
        slope = slope * weight[:, None]
        gradient = np.vstack([matrix.T @ slope + penalty * at[:-1], slope.sum(0)])
        return float(weight @ loss + 0.5 * penalty * (at[:-1] ** 2).sum()), gradient.ravel()

    found = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 200, "ftol": 1e-9})
    return found.x.reshape(shape)
