"""Measures of a two-valued outcome, for many resamples at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit

from osler.core.measure import Measure
from osler.core.ranks import Ranking, Runs, Tally, areas, blocks
from osler.core.sums import added
from osler.tasks.remembered import remembered
from osler.tasks.slopes import Cells, slope_and_intercept

# Statistics of a case: the outcome (0, 1, NaN where unobserved), the calibrated logit, the predicted class (0, 1), the logit
# before calibration.
TRUTH, LOGIT, CHOSEN, BEFORE = range(4)
WIDTH = 4

MEASURES = (
    Measure("auroc", "higher", "logit"),
    Measure("auprc", "higher", "logit", by_subgroup=False),
    Measure("accuracy", "higher", "logit", proportion=True, by_subgroup=False),
    Measure("balanced_accuracy", "higher", "logit", by_subgroup=False),
    Measure("sensitivity", "higher", "logit", proportion=True),
    Measure("specificity", "higher", "logit", proportion=True),
    Measure("ppv", "higher", "logit", proportion=True, by_subgroup=False),
    Measure("npv", "higher", "logit", proportion=True, by_subgroup=False),
    Measure("f1", "higher", "logit", by_subgroup=False),
    Measure("mcc", "higher", most=1.0, by_subgroup=False),
    Measure("brier", "lower", "log", by_subgroup=False),
    Measure("scaled_brier", "higher", most=1.0, by_subgroup=False),
    Measure("log_loss", "lower", "log", by_subgroup=False, proper=True),
    Measure("calibration_slope", "higher"),
    Measure("calibration_intercept", "higher"),
    Measure("oe_ratio", "higher", "log"),
)

# Above so many cases the resamples' slopes, and above so many all that hangs on their order, are taken over runs of neighbouring
# logits instead of single cases: their spread differs by less than 0.2% (tests/unit/tasks/test_task_measures.py).
_SLOPES_SINGLY = 500
SINGLY = 5_000


def measures(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return each measure (r,) of resamples `counts` (r, n) of cases with `statistics` (n, 4).

    Values that do not exist (one class, nobody predicted positive) are NaN; MCC is 0 where every prediction is the same,
    as in scikit-learn. A single resample is computed exactly, case by case.
    """
    known = ~np.isnan(statistics[:, TRUTH])
    if not known.all():
        statistics, counts = statistics[known], counts[:, known]
    if not len(statistics):
        return {m.name: np.full(len(counts), np.nan) for m in MEASURES}
    truth = statistics[:, TRUTH] > 0
    logit, resampled = statistics[:, LOGIT], len(counts) > 1
    many = resampled and len(logit) > SINGLY
    columns = _per_case(statistics, truth, np.float32 if many else np.float64)  # their spread needs no more digits
    ranking = None if many else Ranking.of(logit, truth)
    runs = _runs(statistics) if resampled and len(logit) > _SLOPES_SINGLY else None
    parts = [_by_order(counts[block], logit, truth, ranking=ranking, runs=runs) for block in blocks(counts)]
    values = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    values |= _from_sums(added(counts, [columns])[0])
    return {m.name: values[m.name] for m in MEASURES}


@remembered
def _runs(statistics: np.ndarray) -> Runs:
    return Runs.of(statistics[:, LOGIT], statistics[:, TRUTH] > 0)


def _by_order(
    counts: np.ndarray, logit: np.ndarray, truth: np.ndarray, *, ranking: Ranking | None, runs: Runs | None
) -> dict[str, np.ndarray]:
    """Return the areas and the calibration of a block of resamples, over single cases or over runs."""
    if runs:
        total, hits = runs.tally(counts)
        cells = Cells(runs.score, total, hits)
    else:
        total, hits = counts.astype(float), (counts * truth).astype(float)
        cells = Cells(logit, total, hits)
    auroc, auprc = Tally.of(counts, ranking).areas(ranking) if ranking else areas(total, hits)
    slope, intercept = slope_and_intercept(cells)
    return {"auroc": auroc, "auprc": auprc, "calibration_slope": slope, "calibration_intercept": intercept}


def _per_case(statistics: np.ndarray, truth: np.ndarray, kind: type[np.floating[Any]]) -> np.ndarray:
    logit, chosen = statistics[:, LOGIT], statistics[:, CHOSEN] > 0
    chance = expit(logit)
    surprise = np.logaddexp(0.0, np.where(truth, -logit, logit))
    columns = (1, truth, chosen, truth & chosen, (chance - truth) ** 2, surprise, chance)
    out = np.empty((len(logit), len(columns)), kind)
    for at, column in enumerate(columns):
        out[:, at] = column
    return out


def _from_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    size, positive, chosen, hits, squares, surprise, chance = sums.T
    negative, declined = size - positive, size - chosen
    rejected = declined - (positive - hits)  # true negatives
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity, specificity = hits / positive, rejected / negative
        spread = np.sqrt(positive * negative * chosen * declined)
        return {
            "accuracy": (hits + rejected) / size,
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "sensitivity": sensitivity,
            "specificity": specificity,
            "ppv": hits / chosen,
            "npv": rejected / declined,
            "f1": 2 * hits / (positive + chosen),
            "mcc": np.where(spread > 0, (size * hits - positive * chosen) / np.where(spread > 0, spread, 1.0), 0.0),
            "brier": squares / size,
            # 1 less the Brier score beside that of saying the prevalence to everyone (Steyerberg 2010)
            "scaled_brier": np.where(positive * negative > 0, 1 - squares * size / (positive * negative), np.nan),
            "log_loss": surprise / size,
            "oe_ratio": positive / chance,
        }


def support(statistics: np.ndarray) -> Mapping[str, float]:
    """Return by measure how many cases carry it (see Task.support). A class that no case has counts nothing for the errors of
    probabilities, which need no second one."""
    known = statistics[~np.isnan(statistics[:, TRUTH])]
    truth, chosen = known[:, TRUTH] > 0, known[:, CHOSEN] > 0
    positive, negative = float(truth.sum()), float((~truth).sum())
    own = {
        "accuracy": float(len(known)),
        "sensitivity": positive,
        "specificity": negative,
        "ppv": float(chosen.sum()),
        "npv": float((~chosen).sum()),
    }
    both = carried(np.array([positive, negative]))
    own |= dict.fromkeys(("brier", "log_loss"), both or positive + negative)
    return {m.name: own.get(m.name, both) for m in MEASURES}


def carried(sizes: np.ndarray) -> float:
    """Return the size of one sample that is as uncertain of its spread as means over classes of `sizes` (Satterthwaite 1946).

    A class in one case or none leaves nothing to judge its spread by: the answer is then that number.
    """
    if not len(sizes) or sizes.min() < 2:
        return float(sizes.min()) if len(sizes) else 0.0
    share = 1 / sizes
    return float(share.sum() ** 2 / (share**2 / (sizes - 1)).sum() + 1)
