"""Operating points: where a probability becomes a decision, by a sensitivity, a specificity or a share of all cases that is asked for.

Thresholds are found on calibration cases, which neither trained the model nor test it: what a point reaches on the test cases
is then as honest as any other measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import betainc, expit, logit

from osler.core.errors import PlanError, did_you_mean
from osler.core.measure import Measure
from osler.core.state import State
from osler.core.sums import Sums
from osler.core.view import View
from osler.tasks.binary import CHOSEN, LOGIT, TRUTH, WIDTH, carried

POINTS = ("sensitivity=0.9", "sensitivity=0.95", "specificity=0.9", "specificity=0.95")
KINDS = ("sensitivity", "specificity", "flagged", "threshold")
PANEL = "operating_points"
MEASURES = (
    Measure("sensitivity", "higher", "logit", proportion=True),
    Measure("specificity", "higher", "logit", proportion=True),
    Measure("ppv", "higher", "logit", proportion=True),
    Measure("npv", "higher", "logit", proportion=True),
    Measure("lr_positive", "higher", "ratio"),
    Measure("lr_negative", "lower", "ratio"),
    Measure("flagged", "lower", "logit", proportion=True),
)
# the tenth-smallest of fewer than ten cases does not exist: their threshold would be the outermost patient's score
LEAST_CASES = 10
_STEP = 0.01  # of the grid of log-odds on which thresholds lie: no threshold is one patient's score


@dataclass(frozen=True, slots=True)
class Point:
    """A `share` of the cases with (sensitivity) or without the outcome (specificity), of all cases (flagged: as many as can be looked
    at), or a threshold itself."""

    kind: Literal["sensitivity", "specificity", "flagged", "threshold"]
    share: float

    @property
    def label(self) -> str:
        """What the row of the report is called."""
        return f"{self.kind} = {self.share:g}"


def asked(points: Sequence[Any]) -> tuple[Point, ...]:
    """Return the points written as `sensitivity=0.9`, `specificity=0.95`, `flagged=0.1` or `threshold=0.2`; raises PlanError.

    >>> [point.label for point in asked(["specificity=0.80", "threshold = .1"])]
    ['specificity = 0.8', 'threshold = 0.1']
    """
    faults, found = [], []
    for written in points:
        kind, _, share = (part.strip() for part in str(written).partition("="))
        try:
            value = float(share)
        except ValueError:
            value = float("nan")
        if kind not in KINDS:
            faults.append(f"'target.points' cannot hold '{written}': no kind of point '{kind}'{did_you_mean(kind, KINDS)}")
        elif not 0 < value < 1:
            faults.append(f"'target.points' cannot hold '{written}'; write a share between 0 and 1, as in {kind}=0.9")
        else:
            found.append(Point(kind, value))  # type: ignore[arg-type]
    if faults:
        raise PlanError("\n".join(faults))
    return tuple(dict.fromkeys(found))


def thresholds(score: np.ndarray, truth: np.ndarray, points: Sequence[Point]) -> tuple[np.ndarray, list[str]]:
    """Return the probability from which each point flags a case (p,), NaN where it cannot be found, and how it was found.

    `score` (n,) calibrated log-odds, `truth` (n,) 0 or 1. A case is flagged from the threshold upwards.
    """
    found = [_threshold(score, truth > 0, point) for point in points]
    return np.array([value for value, _ in found], float), [how for _, how in found]


def _threshold(score: np.ndarray, truth: np.ndarray, point: Point) -> tuple[float, str]:
    if point.kind == "threshold":
        return point.share, ""
    if point.kind == "flagged":
        return _flagging(score, share=point.share)
    wanted = point.kind == "sensitivity"
    own = score[truth == wanted]
    who = "with" if wanted else "without"
    if len(own) < LEAST_CASES:
        return float("nan"), f"not found: {len(own)} calibration cases {who} the outcome are fewer than {LEAST_CASES}"
    at = quantile(own, 1 - point.share if wanted else point.share)
    # to the side on which the share is kept where many cases share a score
    steps = np.floor(at / _STEP + 1e-9) if wanted else np.ceil(at / _STEP - 1e-9)
    return float(expit(steps * _STEP)), f"a smoothed quantile of {len(own)} calibration cases {who} the outcome"


def _flagging(score: np.ndarray, *, share: float) -> tuple[float, str]:
    """Return the threshold that flags a share of all cases. Where it is the outcome's own share, sensitivity and PPV are alike."""
    if len(score) * min(share, 1 - share) < LEAST_CASES:
        return float("nan"), f"not found: a share of {share:g} of {len(score)} calibration cases is fewer than {LEAST_CASES}"
    steps = np.ceil(quantile(score, 1 - share) / _STEP - 1e-9)
    return float(expit(steps * _STEP)), f"a smoothed quantile of {len(score)} calibration cases"


def quantile(values: np.ndarray, share: float) -> float:
    """Return the quantile of Harrell and Davis (1982): a mean of all ordered `values` (n,), weighted by a beta distribution.

    Less scattered than the plain quantile, and no single case's value.

    >>> round(quantile(np.arange(101.0), 0.5), 6)
    50.0
    """
    ordered, size = np.sort(values), len(values)
    cumulative = betainc((size + 1) * share, (size + 1) * (1 - share), np.arange(size + 1) / size)
    return float(np.diff(cumulative) @ ordered)


def views(state: State, *, number: int = 0, label: str = "") -> tuple[View, ...]:
    """Return a view for the threshold in use and each point of one two-valued outcome, as `settled` left them.

    `number` says which of several labels
    it is, and `label` then names its panel.
    """
    panel = f"{PANEL}.{label}" if label else PANEL
    rows = [_in_use(state, number), *_found(state, number)]
    return tuple(_view(panel, *row, number=number, given=place == 0) for place, row in enumerate(rows))


def _in_use(state: State, number: int) -> tuple[str, float, str]:
    value = float(state.arrays["threshold"][number]) if "threshold" in state.arrays else 0.5
    hows = state.values.get("threshold") or ()
    return "in use", value, str(hows[number]) if number < len(hows) else ""


def _found(state: State, number: int) -> list[tuple[str, float, str]]:
    names = state.values.get("points") or ()  # a bundle of an older Osler has none
    if not names:
        return []
    values, hows = state.arrays["points"][number], state.values["points_how"][number]
    return [(str(n), float(v), str(how)) for n, v, how in zip(names, values, hows, strict=True)]


def _view(panel: str, name: str, threshold: float, how: str, *, number: int, given: bool) -> View:
    edge = float(logit(threshold)) if 0 < threshold < 1 else float("nan")

    def cases(statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        part = statistics[:, WIDTH * number : WIDTH * (number + 1)]
        known = ~np.isnan(part[:, TRUTH])
        flagged = part[:, CHOSEN] > 0 if given else part[:, LOGIT] >= edge
        return known, known & (part[:, TRUTH] > 0), known & flagged

    def columns(statistics: np.ndarray) -> np.ndarray:
        known, positive, flagged = cases(statistics)
        return np.stack([known, positive, flagged, positive & flagged], axis=1)

    def measures(sums: np.ndarray) -> dict[str, np.ndarray]:
        return from_sums(sums if np.isfinite(threshold) else np.zeros_like(sums))

    def support(statistics: np.ndarray) -> Mapping[str, float]:
        known, positive, flagged = cases(statistics)
        sizes = (part.sum() for part in (known, positive, flagged, positive & flagged))
        return supported(np.array([float(size) for size in sizes]))

    sums = Sums(columns, measures)
    about = {"threshold": float(f"{threshold:.6g}") if np.isfinite(threshold) else None, "how": how}
    return View(panel, name, MEASURES, sums.of, support, about, sums=sums)


def from_sums(sums: np.ndarray) -> dict[str, np.ndarray]:
    """Return each measure (r,) from numbers of cases, positives, flagged and flagged positives (r, 4); NaN where one does not
    exist: a likelihood ratio needs cases of its kind both with and without the outcome."""
    size, positive, flagged, hits = sums.T
    negative, false = size - positive, flagged - hits
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity, fall_out = hits / positive, false / negative
        found = {
            "sensitivity": sensitivity,
            "specificity": 1 - fall_out,
            "ppv": hits / flagged,
            "npv": (negative - false) / (size - flagged),
            "lr_positive": np.where(hits * false > 0, sensitivity / fall_out, np.nan),
            "lr_negative": np.where((positive - hits) * (negative - false) > 0, (1 - sensitivity) / (1 - fall_out), np.nan),
            "flagged": flagged / size,
        }
    return found


def supported(sums: np.ndarray) -> dict[str, float]:
    """Return by measure how many cases carry it, from numbers of cases, positives, flagged and flagged positives (4,)."""
    size, positive, flagged, hits = sums
    negative, false = size - positive, flagged - hits
    return {
        "sensitivity": float(positive),
        "specificity": float(negative),
        "ppv": float(flagged),
        "npv": float(size - flagged),
        "lr_positive": carried(np.array([hits, false])),
        "lr_negative": carried(np.array([positive - hits, negative - false])),
        "flagged": float(size),
    }
