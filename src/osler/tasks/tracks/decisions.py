"""What is measured of the training rows, and what is decided before training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.plan import Brief, Decision
from osler.core.target import Target
from osler.tasks.tracks.target import COUNT, CUBES, KINDS, LEAST, LOG_SQUARES, LOGS, SQUARES, SUM

TRANSFORMS, FITS = ("log1p", "none"), ("fitted", "none")
SKEWED = 2.0  # skewness: that of an exponential distribution
EACH_MINUTE = 60_000  # letters that trees take within their share of a minute
LEAST_PLACES, MOST_PLACES = 20_000, 1 << 18
BINS = 10


def facts(target: Target, rows: np.ndarray) -> dict[str, Any]:
    """Return info, and of the letters of `rows` whose value is known: how many `letters`, whether one is `negative`, their `mean`, `sd`
    and `skewness`, and the `log_mean` and `log_sd` of log(1 + value), rounded to four digits. No extreme: it is one case's."""
    kept = target.values[rows[target.observed[rows, COUNT]]]
    if not len(kept):
        return {**target.info, "cases": 0, "letters": 0}
    sums, letters = kept.sum(axis=0), float(kept[:, COUNT].sum())
    mean, square, cube, log, log_square = (float(sums[at]) / letters for at in (SUM, SQUARES, CUBES, LOGS, LOG_SQUARES))
    spread = float(np.sqrt(max(0.0, square - mean**2)))
    third = cube - 3 * mean * square + 2 * mean**3
    told = {
        "mean": mean, "sd": spread, "skewness": third / spread**3 if spread > 1e-4 * abs(mean) else 0.0, "log_mean": log,
        "log_sd": float(np.sqrt(max(0.0, log_square - log**2))),
    }  # fmt: skip
    plain = {name: float(f"{v:.4g}") for name, v in told.items()}
    return {**target.info, "cases": len(kept), "letters": int(letters), "negative": bool(kept[:, LEAST].min() < 0), **plain}


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return what the values are, the scale on which members answer, and how much the baseline looks at."""
    known: Mapping[str, Any] = brief.target
    labels = known["kind"] == "labels"
    told = (
        "every value is 0 or 1: each letter has a label, or not"
        if labels
        else "some values are neither 0 nor 1: they are numbers"
    )
    return (
        Decision("target.kind", known["kind"], told, choices=KINDS),
        *((_share(known),) if labels else _scale(brief)),
        Decision("target.calibration", "fitted", "outputs shall mean what they say, on cases that no member saw", choices=FITS),
        Decision("baseline.places", _places(brief), "letters on which the baseline's trees are trained, as the budget allows"),
    )


def _share(known: Mapping[str, Any]) -> Decision:
    letters = known.get("letters", 0)
    share = (known.get("mean", 0.5) * letters + 0.5) / (letters + 1)
    return Decision("target.share", float(f"{share:.4g}"), "of the training letters has the label: the network's first answer")


def _scale(brief: Brief) -> tuple[Decision, ...]:
    known = brief.target
    negative, skewness = bool(known.get("negative")), float(known.get("skewness", 0.0))
    skewed = not negative and skewness > SKEWED
    told = f"{'some' if negative else 'no'} value of the training letters is below 0, and their skewness is {skewness:.3g}"
    why = (
        f"{told}: few large values would drown the others"
        if skewed
        else f"{told}; logarithms want none below 0, and more than {SKEWED:g}"
    )
    asked = brief.settings.get("target.transform", "log1p" if skewed else "none")
    prefix, what = ("log_", "log(1 + value)") if asked == "log1p" else ("", "values")
    return (
        Decision("target.transform", "log1p" if skewed else "none", why, choices=TRANSFORMS),
        Decision("target.mean", float(known.get(f"{prefix}mean", 0.0)), f"mean of the training letters' {what}"),
        Decision(
            "target.scale", float(known.get(f"{prefix}sd", 0.0)) or 1.0, f"standard deviation of the training letters' {what}"
        ),
    )


def _places(brief: Brief) -> int:
    return int(np.clip(round(EACH_MINUTE * brief.budget), LEAST_PLACES, MOST_PLACES))


def strata(target: Target) -> np.ndarray:
    """Return (n,) int64 the tenth in which the mean of a case's letters lies."""
    mean = np.where(target.observed[:, SUM], target.values[:, SUM], 0.0) / np.maximum(1.0, np.nan_to_num(target.values[:, COUNT]))
    edges = np.unique(np.quantile(mean, np.linspace(0, 1, BINS + 1)[1:-1])) if len(mean) else np.empty(0)
    return np.searchsorted(edges, mean, side="right").astype(np.int64)
