"""Measures of an outcome of three or more classes, for many resamples at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osler.core.measure import Measure
from osler.core.ranks import Ranking, Runs, Tally, areas, blocks
from osler.core.sums import added
from osler.tasks.binary import SINGLY, carried

# Statistics of a case: the class (its number, NaN where unobserved), the predicted class, the logarithm of that class's
# probability before calibration, then a logarithm of the calibrated probability for each class.
TRUTH, CHOSEN, BEFORE, FIRST = range(4)

MEASURES = (
    Measure("auroc", "higher", "logit"),
    Measure("auprc", "higher", "logit", by_subgroup=False),
    Measure("accuracy", "higher", "logit", proportion=True),
    Measure("balanced_accuracy", "higher", "logit"),
    Measure("f1", "higher", "logit", by_subgroup=False),
    Measure("mcc", "higher", most=1.0, by_subgroup=False),
    Measure("brier", "lower", "log"),
    Measure("log_loss", "lower", "log", proper=True),
)


def measures(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return each measure (r,) of resamples `counts` (r, n) of cases with `statistics` (n, 3 + k).

    AUROC and average precision are means over the classes that a resample holds, each against the rest. Balanced accuracy
    and F1 are means over the classes that it holds; the Brier score is summed over classes (0 to 2); MCC is Gorodkin's.
    """
    known = ~np.isnan(statistics[:, TRUTH])
    if not known.all():
        statistics, counts = statistics[known], counts[:, known]
    if not len(statistics):
        return {m.name: np.full(len(counts), np.nan) for m in MEASURES}
    auroc, auprc = _areas(statistics, counts)
    values = {"auroc": auroc, "auprc": auprc, **_from_confusion(statistics, counts), **_from_chances(statistics, counts)}
    return {m.name: values[m.name] for m in MEASURES}


def _areas(statistics: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    classes = statistics.shape[1] - FIRST
    found = np.full((2, len(counts), classes), np.nan)
    for number in range(classes):
        score, truth = statistics[:, FIRST + number], statistics[:, TRUTH] == number
        if len(counts) > 1 and len(score) > SINGLY:
            runs = Runs.of(score, truth)
            for block in blocks(counts):
                found[:, block, number] = areas(*runs.tally(counts[block]))
            continue
        ranking = Ranking.of(score, truth)
        for block in blocks(counts):
            found[:, block, number] = Tally.of(counts[block], ranking).areas(ranking)
    return mean_of_known(found[0]), mean_of_known(found[1])


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Return the mean over the last axis of what is not NaN; NaN where nothing is known."""
    known = ~np.isnan(values)
    size = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.divide(total, size, out=np.full(size.shape, np.nan), where=size > 0)


def confusion(statistics: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return how often each class (axis 1) was predicted as each (axis 2) in resamples `counts` (r, n): (r, k, k) float64."""
    classes = statistics.shape[1] - FIRST
    pairs = (statistics[:, TRUTH] * classes + statistics[:, CHOSEN]).astype(np.int64)
    order = np.argsort(pairs, kind="stable")
    distinct, starts = np.unique(pairs[order], return_index=True)
    out = np.zeros((len(counts), classes * classes))
    for block in blocks(counts):
        out[block, distinct] = np.add.reduceat(counts[block][:, order], starts, axis=1, dtype=np.int64)
    return out.reshape(len(counts), classes, classes)


def _from_confusion(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    table = confusion(statistics, counts)
    hits = np.diagonal(table, axis1=1, axis2=2)
    true, chosen, size = table.sum(axis=2), table.sum(axis=1), table.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(true > 0, hits / true, np.nan)
        f1 = np.where(true + chosen > 0, 2 * hits / (true + chosen), np.nan)
        spread = np.sqrt((size**2 - (true**2).sum(axis=1)) * (size**2 - (chosen**2).sum(axis=1)))
        across = hits.sum(axis=1) * size - (true * chosen).sum(axis=1)
        mcc = np.where(spread > 0, across / np.where(spread > 0, spread, 1.0), 0.0)
        accuracy = hits.sum(axis=1) / size
    return {"accuracy": accuracy, "balanced_accuracy": mean_of_known(recall), "f1": mean_of_known(f1), "mcc": mcc}


def _from_chances(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    logs = statistics[:, FIRST:]
    own = (statistics[:, TRUTH].astype(np.int64))[:, None]
    surprise = -np.take_along_axis(logs, own, axis=1)[:, 0]
    chance = np.exp(logs)
    np.put_along_axis(chance, own, np.take_along_axis(chance, own, axis=1) - 1, axis=1)
    columns = np.stack([np.ones(len(logs)), (chance**2).sum(axis=1), surprise], axis=1)
    sums = added(counts, [columns])[0]
    with np.errstate(invalid="ignore"):
        return {"brier": sums[:, 1] / sums[:, 0], "log_loss": sums[:, 2] / sums[:, 0]}


def support(statistics: np.ndarray) -> Mapping[str, float]:
    """Return by measure how many cases carry it (see Task.support); classes that no case has count nothing."""
    truth = statistics[:, TRUTH]
    sizes = np.unique(truth[~np.isnan(truth)], return_counts=True)[1].astype(float)
    return {m.name: float(sizes.sum()) if m.name == "accuracy" else carried(sizes) for m in MEASURES}
