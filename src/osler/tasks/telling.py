"""Single cases in words: what was observed, what was predicted, how far they lie apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit, xlogy

from osler.core.target import logarithms
from osler.core.telling import Telling
from osler.tasks import binary, continuous, logarithm, multiclass, multilabel
from osler.tasks.classes import positives

_NOTHING = "-"


def of_classes(statistics: np.ndarray, *, info: Mapping[str, Any]) -> Telling:
    """Return log loss as loss and entropy as doubt; of several labels their means over what was observed."""
    if info["kind"] == "multiclass":
        return _of_many(statistics, info)
    parts = [multilabel.label(statistics, number) for number in range(len(info["names"]))]
    truth = np.stack([part[:, binary.TRUTH] for part in parts], axis=1)
    logit = np.stack([part[:, binary.LOGIT] for part in parts], axis=1)
    chosen = np.stack([part[:, binary.CHOSEN] for part in parts], axis=1) > 0
    loss = np.where(np.isnan(truth), np.nan, np.logaddexp(0.0, np.where(truth > 0, -logit, logit)))
    doubt = np.where(np.isnan(truth), np.nan, _entropy(expit(logit)))

    def texts(at: np.ndarray) -> tuple[list[str], list[str]]:
        return _texts(truth[at], info), _texts(chosen[at].astype(float), info, chance=expit(logit[at]))

    return Telling(_mean(loss), _mean(doubt), texts)


def of_numbers(statistics: np.ndarray, *, info: Mapping[str, Any]) -> Telling:
    """Return the error in units of the usual one as loss, and the usual error at the prediction as doubt where it differs."""
    parts = [continuous.part(statistics, number) for number in range(len(info["names"]))]
    truth, guess, spread = (
        np.stack([p[:, at] for p in parts], axis=1) for at in (continuous.TRUTH, continuous.GUESS, continuous.SPREAD)
    )
    error = np.abs(truth - guess)
    known = np.isfinite(error)
    usual = np.maximum(np.where(known, error, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1), 1e-300)
    varied = np.isfinite(spread).all() and bool((np.ptp(spread, axis=0) > 0).any()) if len(spread) else False
    doubt = _mean(spread / np.maximum(spread.mean(axis=0), 1e-300)) if varied else None
    return Telling(_mean(error / usual), doubt, lambda at: (_numbers(truth[at], info), _numbers(guess[at], info)))


def _of_many(statistics: np.ndarray, info: Mapping[str, Any]) -> Telling:
    names = np.array([*info["classes"][0], _NOTHING], object)
    truth, chosen = statistics[:, multiclass.TRUTH], statistics[:, multiclass.CHOSEN].astype(np.int64)
    logs = statistics[:, multiclass.FIRST :]
    known = ~np.isnan(truth)
    own = np.where(known, truth, 0).astype(np.int64)
    loss = np.where(known, -logs[np.arange(len(logs)), own], np.nan)
    chance = np.exp(logs)

    def texts(at: np.ndarray) -> tuple[list[str], list[str]]:
        observed = [str(names[n]) for n in np.where(known[at], own[at], len(names) - 1)]
        return observed, [f"{names[c]} ({p:.3f})" for c, p in zip(chosen[at], chance[at, chosen[at]], strict=True)]

    return Telling(loss, np.where(known, -xlogy(chance, chance).sum(axis=1), np.nan), texts)


def _texts(values: np.ndarray, info: Mapping[str, Any], *, chance: np.ndarray | None = None) -> list[str]:
    """Return per case the class of each target; with `chance` (n, L) also the probability of the positive one."""
    columns = []
    for number, (pair, positive) in enumerate(zip(info["classes"], positives(info), strict=True)):
        other = pair[0] if pair[1] == positive else pair[1]
        names = np.where(np.isnan(values[:, number]), _NOTHING, np.where(values[:, number] > 0, positive, other)).astype(object)
        if chance is not None:
            told = (f" (P({positive}) = {p:.3f})" for p in chance[:, number])
            names = np.array([name + more for name, more in zip(names, told, strict=True)], object)
        columns.append(names)
    return _joined(columns, info)


def _numbers(values: np.ndarray, info: Mapping[str, Any]) -> list[str]:
    held = [logarithm.back(column) if log else column for column, log in zip(values.T, logarithms(info), strict=True)]
    columns = [np.array([_NOTHING if np.isnan(v) else f"{v:.5g}" for v in column], object) for column in held]
    return _joined(columns, info)


def _joined(columns: list[np.ndarray], info: Mapping[str, Any]) -> list[str]:
    if len(columns) == 1:
        return [str(text) for text in columns[0]]
    named = ([f"{name}: {v}" for v in column] for name, column in zip(info["names"], columns, strict=True))
    return ["; ".join(parts) for parts in zip(*named, strict=True)]


def _entropy(chance: np.ndarray) -> np.ndarray:
    return np.asarray(-xlogy(chance, chance) - xlogy(1 - chance, 1 - chance))


def _mean(values: np.ndarray) -> np.ndarray:
    """Return (n,) the mean of what is known in each row, NaN where nothing is."""
    known = np.isfinite(values)
    size = known.sum(axis=1)
    return np.where(size > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(size, 1), np.nan)
