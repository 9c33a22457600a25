"""Measures of a two-valued outcome, for many resamples at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from osler.core.measure import Measure
from osler.tasks.ranks import Ranking, Tally, blocks
from osler.tasks.slopes import Cells, slope_and_intercept

# Statistics of a case: the outcome (0, 1, NaN where unobserved), the calibrated logit, the predicted class (0, 1).
TRUTH, LOGIT, CHOSEN = range(3)
WIDTH = 3

MEASURES = (
    Measure("auroc", "higher", "logit"),
    Measure("auprc", "higher", "logit"),
    Measure("accuracy", "higher", "logit", proportion=True),
    Measure("balanced_accuracy", "higher", "logit"),
    Measure("sensitivity", "higher", "logit", proportion=True),
    Measure("specificity", "higher", "logit", proportion=True),
    Measure("ppv", "higher", "logit", proportion=True),
    Measure("npv", "higher", "logit", proportion=True),
    Measure("f1", "higher", "logit"),
    Measure("mcc", "higher", most=1.0),
    Measure("brier", "lower", "log"),
    Measure("log_loss", "lower", "log"),
    Measure("calibration_slope", "higher"),
    Measure("calibration_intercept", "higher"),
    Measure("oe_ratio", "higher", "log"),
)

# Above this many cases the slope of a resample is fitted on runs of neighbouring logits instead of single cases: on 10,000
# cases the two differ by about a hundredth of the standard error (tests/unit/tasks/test_binary.py).
_SINGLY = 2_000
_RUNS = 500


def measures(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return each measure (r,) of resamples `counts` (r, n) of cases with `statistics` (n, 3).

    Values that do not exist (one class, nobody predicted positive) are NaN; MCC is 0 where every prediction is the same,
    as in scikit-learn. A single resample is computed exactly, case by case.
    """
    known = ~np.isnan(statistics[:, TRUTH])
    if not known.all():
        statistics, counts = statistics[known], counts[:, known]
    if not len(statistics):
        return {m.name: np.full(len(counts), np.nan) for m in MEASURES}
    truth = statistics[:, TRUTH] > 0
    ranking = Ranking.of(statistics[:, LOGIT], truth)
    columns = _per_case(statistics, truth)
    logit = statistics[:, LOGIT]
    runs = Runs.of(logit, ranking) if len(counts) > 1 and len(logit) > _SINGLY else None
    parts = []
    for block in blocks(counts):
        tally = Tally.of(counts[block], ranking)
        sums = counts[block].astype(float) @ columns
        auroc, auprc = tally.areas(ranking)
        cells = runs.cells(tally) if runs else Cells(logit, counts[block].astype(float), (counts[block] * truth).astype(float))
        slope, intercept = slope_and_intercept(cells)
        parts.append({"auroc": auroc, "auprc": auprc, **_from_sums(sums), "slope": slope, "intercept": intercept})
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    joined["calibration_slope"], joined["calibration_intercept"] = joined.pop("slope"), joined.pop("intercept")
    return {m.name: joined[m.name] for m in MEASURES}


def _per_case(statistics: np.ndarray, truth: np.ndarray) -> np.ndarray:
    logit, chosen = statistics[:, LOGIT], statistics[:, CHOSEN] > 0
    chance = expit(logit)
    surprise = np.logaddexp(0.0, np.where(truth, -logit, logit))
    ones = np.ones(len(logit))
    return np.stack([ones, truth, chosen, truth & chosen, (chance - truth) ** 2, surprise, chance], axis=1).astype(float)


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
            "log_loss": surprise / size,
            "oe_ratio": positive / chance,
        }


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of neighbouring logits: `logit` (m,) their means, `ends` (m,) their last places, `above` (m,) how many positives
    of the ranking lie down to there."""

    logit: np.ndarray
    ends: np.ndarray
    above: np.ndarray

    @classmethod
    def of(cls, logit: np.ndarray, ranking: Ranking) -> Runs:
        """Cut the ranking into runs of equal size."""
        edges = np.linspace(0, len(logit), _RUNS + 1).astype(np.int64)
        means = np.add.reduceat(logit[ranking.order], edges[:-1]) / np.diff(edges)
        return cls(means, edges[1:] - 1, np.searchsorted(ranking.places, edges[1:]))

    def cells(self, tally: Tally) -> Cells:
        """Return the runs of a block of resamples."""
        total = tally.total[:, self.ends].astype(float)
        hits = np.where(self.above > 0, tally.hits[:, self.above - 1], 0).astype(float)
        return Cells(self.logit, np.diff(total, axis=1, prepend=0.0), np.diff(hits, axis=1, prepend=0.0))


def support(statistics: np.ndarray) -> Mapping[str, float]:
    """Return by measure how many cases carry it (see Task.support)."""
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
    return {m.name: own.get(m.name, both) for m in MEASURES}


def carried(sizes: np.ndarray) -> float:
    """Return the size of one sample that is as uncertain of its spread as means over classes of `sizes` (Satterthwaite 1946).

    A class in one case or none leaves nothing to judge its spread by: the answer is then that number.
    """
    if not len(sizes) or sizes.min() < 2:
        return float(sizes.min()) if len(sizes) else 0.0
    share = 1 / sizes
    return float(share.sum() ** 2 / (share**2 / (sizes - 1)).sum() + 1)
