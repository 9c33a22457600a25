"""Measures of letters over cases, for many resamples at once: whole cases are resampled, never letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.measure import Measure
from osler.core.ranks import areas
from osler.core.sums import added
from osler.tasks.continuous import freedom
from osler.tasks.tracks import lines

OF_LABELS = (
    Measure("letter_auroc", "higher", "logit", most=1.0),
    Measure("letter_auprc", "higher", "logit", most=1.0, by_subgroup=False),
    Measure("letter_log_loss", "lower", "log", by_subgroup=False, proper=True),
    Measure("case_auroc", "higher", "logit", most=1.0),
    Measure("case_auprc", "higher", "logit", most=1.0, by_subgroup=False),
)
OF_NUMBERS = (
    Measure("letter_pearson", "higher", most=1.0),
    Measure("letter_rmse", "lower", "log"),
    Measure("letter_mae", "lower", "log"),
    Measure("letter_r2", "higher", most=1.0, by_subgroup=False),
    Measure("case_pearson", "higher", most=1.0),
)


def measured(info: Mapping[str, Any]) -> tuple[Measure, ...]:
    """Return the measures; AUROC or Pearson's correlation over all letters is the primary one."""
    return OF_LABELS if info["kind"] == "labels" else OF_NUMBERS


def measures(statistics: np.ndarray, counts: np.ndarray, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return each measure (r,) of resamples `counts` (r, n) of cases with `statistics` (n, s)."""
    return _of_labels(statistics, counts) if info["kind"] == "labels" else _of_numbers(statistics, counts)


def _of_labels(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    alone = statistics[:, [lines.CASE_AUROC, lines.CASE_AUPRC]]
    sums = added(counts, [np.nan_to_num(statistics), *_known(alone)])
    bins = sums[0][:, lines.FIRST_BIN :].reshape(len(counts), 2, lines.BINS)[:, :, ::-1]  # the highest scores first
    auroc, auprc = areas(bins.sum(axis=1), bins[:, 1])
    means = _ratio(sums[1], sums[2])
    loss = _ratio(sums[0][:, lines.LOSS], sums[0][:, lines.COUNT])
    return {
        "letter_auroc": auroc, "letter_auprc": auprc, "letter_log_loss": loss, "case_auroc": means[:, 0], "case_auprc": means[:, 1]
    }  # fmt: skip


def _of_numbers(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    alone = statistics[:, [lines.CASE_PEARSON]]
    sums, total, known = added(counts, [np.nan_to_num(statistics[:, : lines.CASE_PEARSON]), *_known(alone)])
    size, y, yy, *_, absolute, squared = sums.T
    spread = np.where(yy - y**2 / np.maximum(size, 1) > 1e-12 * yy, yy - y**2 / np.maximum(size, 1), np.nan)
    return {
        "letter_pearson": lines.correlation(sums[:, :6]), "letter_rmse": np.sqrt(_ratio(squared, size)),
        "letter_mae": _ratio(absolute, size), "letter_r2": 1 - squared / spread, "case_pearson": _ratio(total, known)[:, 0],
    }  # fmt: skip


def _known(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values with 0 where they are not known, and where they are."""
    known = ~np.isnan(values)
    return np.where(known, values, 0.0), known.view(np.uint8)


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.divide(over, under, out=np.full(under.shape, np.nan), where=under > 0)


def support(statistics: np.ndarray, *, info: Mapping[str, Any]) -> Mapping[str, float]:
    """Return by measure how many cases carry it: of letters with and without a label the cases that have the rarer."""
    if info["kind"] == "labels":
        bins = np.nan_to_num(statistics[:, lines.FIRST_BIN :]).reshape(len(statistics), 2, lines.BINS).sum(axis=2) > 0
        rarer, both = float(bins.sum(axis=0).min(initial=len(bins))), float(bins.all(axis=1).sum())
        return {"letter_auroc": rarer, "letter_auprc": rarer, "letter_log_loss": rarer, "case_auroc": both, "case_auprc": both}
    size = np.maximum(np.nan_to_num(statistics[:, lines.COUNT]), 1)
    carried = {"letter_rmse": lines.SQUARED, "letter_r2": lines.SQUARED, "letter_mae": lines.ABSOLUTE}
    found = {name: freedom(np.nan_to_num(statistics[:, at]) / size) for name, at in carried.items()}
    return {**found, "case_pearson": float((~np.isnan(statistics[:, lines.CASE_PEARSON])).sum())}
