"""What the report draws of a classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import logit

from osler.core.figure import Figure, Series
from osler.tasks import binary, curves, multiclass, multilabel, selective
from osler.tasks.labels import LEAST_CASES

_MOST_LINES = 8  # that a drawing can hold
_CHANCE = Series("chance", [0.0, 1.0], [0.0, 1.0], style="reference")


def figures(statistics: np.ndarray, *, info: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the figures; those that need both classes are left out where there is one."""
    own = {"binary": _binary, "multiclass": _multiclass, "multilabel": _multilabel}[info["kind"]](statistics, info)
    lists = selective.first_figure(statistics) if info["kind"] == "multilabel" else ()
    return (*own, *selective.class_figure(statistics, info), *lists) if own else ()


def _binary(statistics: np.ndarray, info: Mapping[str, Any]) -> tuple[Figure, ...]:
    known = statistics[~np.isnan(statistics[:, binary.TRUTH])]
    score, truth = known[:, binary.LOGIT], known[:, binary.TRUTH] > 0
    if truth.all() or not truth.any():
        return ()
    positive = info["positive"]
    other = next(text for text in info["classes"][0] if text != positive)
    return (
        _roc([("model", score, truth)]),
        _precision_recall([("model", score, truth)], prevalence=float(truth.mean())),
        _calibration(score, truth, before=known[:, binary.BEFORE]),
        curves.predictions(score, truth, [other, positive]),
        curves.decision(score, truth),
    )


def _multilabel(statistics: np.ndarray, info: Mapping[str, Any]) -> tuple[Figure, ...]:
    lines, parts = [], []
    for number, name in enumerate(info["names"]):
        part = multilabel.label(statistics, number)
        known = part[~np.isnan(part[:, binary.TRUTH])]
        truth = known[:, binary.TRUTH] > 0
        if min(truth.sum(), (~truth).sum()) >= LEAST_CASES:  # a curve over fewer would show single cases
            lines.append((name, known[:, binary.LOGIT], truth))
            parts.append(known)
    if not lines:
        return ()
    pooled = np.concatenate(parts)
    score, truth = pooled[:, binary.LOGIT], pooled[:, binary.TRUTH] > 0
    calibration = _calibration(score, truth, before=pooled[:, binary.BEFORE])
    return (_roc(lines), _precision_recall(lines, prevalence=None), calibration)


def _multiclass(statistics: np.ndarray, info: Mapping[str, Any]) -> tuple[Figure, ...]:
    known = statistics[~np.isnan(statistics[:, multiclass.TRUTH])]
    if not len(known):
        return ()
    names = info["classes"][0]
    own = known[:, multiclass.TRUTH].astype(np.int64)
    lines = [
        (name, known[:, multiclass.FIRST + number], own == number)
        for number, name in enumerate(names)
        if 0 < (own == number).sum() < len(own)
    ]
    chosen = known[:, multiclass.CHOSEN].astype(np.int64)
    surest = known[np.arange(len(known)), multiclass.FIRST + chosen]
    calibration = _calibration(_surety(surest), own == chosen, before=_surety(known[:, multiclass.BEFORE]))
    return (*((_roc(lines),) if lines else ()), _confusion(known, names), calibration)


def _surety(logs: np.ndarray) -> np.ndarray:
    return np.asarray(logit(np.clip(np.exp(logs), 1e-9, 1 - 1e-9)))


Line = tuple[str, np.ndarray, np.ndarray]


def _frequent(lines: Sequence[Line]) -> list[Line]:
    kept = sorted(range(len(lines)), key=lambda number: -int(lines[number][2].sum()))[:_MOST_LINES]
    return [lines[number] for number in sorted(kept)]


def _roc(lines: Sequence[Line]) -> Figure:
    series = (*(curves.roc(*line) for line in _frequent(lines)), _CHANCE)
    return Figure("roc", "ROC curve", "False-positive rate", "Sensitivity", series, square=True)


def _precision_recall(lines: Sequence[Line], *, prevalence: float | None) -> Figure:
    series = [curves.precision_recall(*line) for line in _frequent(lines)]
    if prevalence is not None:
        series.append(Series("prevalence", [0.0, 1.0], curves.rounded(np.full(2, prevalence)), style="reference"))
    return Figure("pr", "Precision-recall curve", "Recall", "Precision", tuple(series), square=True)


def _calibration(score: np.ndarray, truth: np.ndarray, *, before: np.ndarray) -> Figure:
    changed = not np.allclose(score, before, rtol=0, atol=1e-9)
    return _calibration_figure(score, truth, before if changed else None)


def _calibration_figure(score: np.ndarray, truth: np.ndarray, before: np.ndarray | None) -> Figure:
    series = curves.calibration(score, truth, before=before)
    return Figure(
        "calibration", "Calibration", "Predicted probability", "Observed share", series, square=True,
        note=_distance(score, truth, before),
    )  # fmt: skip


def _distance(score: np.ndarray, truth: np.ndarray, before: np.ndarray | None) -> str:
    index = curves.calibration_index(score, truth)
    if not np.isfinite(index):
        return ""
    told = f"Mean distance of the smooth curve from the diagonal (integrated calibration index): {index:.3f}"
    return f"{told}." if before is None else f"{told}, before calibration {curves.calibration_index(before, truth):.3f}."


def _confusion(statistics: np.ndarray, names: Sequence[str]) -> Figure:
    table = multiclass.confusion(statistics, np.ones((1, len(statistics)), np.uint8))[0]
    heat = [[float(c) if c >= LEAST_CASES else 0.0 for c in row] for row in table]
    title, across, down = "Confusion matrix", "Predicted class", "Observed class"
    return Figure("confusion", title, across, down, heat=heat, x_edges=list(names), y_edges=list(names), note=curves.POOLED)
