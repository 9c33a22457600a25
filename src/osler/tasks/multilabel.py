"""Measures of several two-valued outcomes: the mean over labels of what `binary` measures, and AUROC label by label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from osler.core.measure import Measure
from osler.tasks import binary
from osler.tasks.labels import LEAST_CASES, safe_names
from osler.tasks.multiclass import mean_of_known

SHOWN = 20  # labels with operating points of their own, and in the report's tables: the most frequent ones

# A mean over labels is not a share of cases, and a ratio or a slope has no mean worth reading.
MACRO = tuple(
    replace(m, proportion=False)
    for m in binary.MEASURES
    if m.name not in {"calibration_slope", "calibration_intercept", "oe_ratio", "ppv", "npv"}
)


def measured(names: Sequence[str]) -> tuple[Measure, ...]:
    """Return the measures over labels `names`."""
    return (*MACRO, *(Measure(f"auroc_{name}", "higher", "logit") for name in safe_names(names)))


def label(statistics: np.ndarray, number: int) -> np.ndarray:
    """Return the statistics (n, 4) of label `number` of (n, 4 L)."""
    return statistics[:, number * binary.WIDTH : (number + 1) * binary.WIDTH]


def measures(statistics: np.ndarray, counts: np.ndarray, *, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return each measure (r,), of a label in fewer than five cases NaN; a mean counts the labels of which a resample holds both classes."""
    each = [binary.measures(label(statistics, number), counts) for number in range(len(names))]
    lacking = np.full(len(counts), np.nan)
    complete = np.stack([~np.isnan(values["auroc"]) for values in each], axis=1)
    out = {}
    for measure in MACRO:
        values = np.stack([one[measure.name] for one in each], axis=1)
        out[measure.name] = mean_of_known(np.where(complete, values, np.nan))
    own = {
        name: each[number]["auroc"] if _told(label(statistics, number)) else lacking
        for number, name in enumerate(safe_names(names))
    }
    return {**out, **{f"auroc_{name}": values for name, values in own.items()}}


def _told(part: np.ndarray) -> bool:
    """Whether a label has cases enough on both sides for an AUROC of its own: of fewer it would tell what single ones got. In the
    means over labels it counts."""
    truth = part[:, binary.TRUTH]
    return min((truth > 0).sum(), (truth <= 0).sum()) >= LEAST_CASES


def support(statistics: np.ndarray, *, names: Sequence[str]) -> Mapping[str, float]:
    """Return by measure how many cases carry it (see Task.support): of a mean, those that carry its labels together."""
    each = [binary.support(label(statistics, number)) for number in range(len(names))]
    macro = {m.name: min(float(len(statistics)), sum(one[m.name] for one in each)) for m in MACRO}
    return {**macro, **{f"auroc_{name}": one["auroc"] for name, one in zip(safe_names(names), each, strict=True)}}
