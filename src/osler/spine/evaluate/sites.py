"""Scores site by site, and what they say of a site that was not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from osler.core.measure import Measure
from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.spine.evaluate.random_effects import Summary, summarise

_NORMAL = 1.959963984540054
MEAN, NEW = "mean over sites (random effects)", "a new site (95% prediction interval)"


@dataclass(frozen=True, slots=True)
class Site:
    """One site's name (at least five cases share it), its number of cases and its values with their intervals."""

    label: str
    cases: int
    values: Mapping[str, Value]


def sites_panel(column: str, sites: Sequence[Site], measured: Sequence[Measure]) -> Panel:
    """Return a row per site, then their random-effects mean and the prediction interval for a new site.

    Each measure is summarised on its own scale (AUROC and shares as logits, ratios and errors as logarithms: Debray 2017;
    Snell 2018), a site's standard error taken from the width of its interval. Sites without an interval do not enter, and where
    more than half of them are perfect there is no mean: on the logit scale it would be made of corrections.
    """
    found = {m.name: _summary(m, [site.values[m.name] for site in sites]) for m in measured}
    total = sum(site.cases for site in sites)
    means = {m.name: _mean(m, found[m.name]) for m in measured}
    new = {m.name: _new(m, found[m.name]) for m in measured}
    known = {name: summary for name, summary in found.items() if summary is not None}
    about = {
        "sites": {name: summary.sites for name, summary in known.items()},
        "tau2": {name: summary.tau2 for name, summary in known.items()},
        "i2": {name: summary.i2 for name, summary in known.items()},
    }
    rows = [Row(site.label, site.cases, site.values) for site in sites]
    notes = (
        "Each site was predicted by a model that saw none of its cases.",
        "tau2 is the variance between sites on the measure's scale, i2 its share of all variance.",
    )
    return Panel(f"site.{column}", (*rows, Row(MEAN, total, means, about), Row(NEW, total, new)), notes)


def _summary(measure: Measure, values: Sequence[Value]) -> Summary | None:
    known = [found for v in values if v.low is not None and v.high is not None and (found := _on_scale(measure, v))]
    if len(known) < 2 or (measure.scale == "logit" and 2 * sum(v.value in (0.0, 1.0) for v in values) > len(known)):
        return None
    points, errors = np.array(known, float).T
    return summarise(points, errors)


def _on_scale(measure: Measure, value: Value) -> tuple[float, float] | None:
    """Return a value on the measure's scale with its standard error; None where it has none there.

    A share of none or all counts half a case more on each side (Haldane 1956, Anscombe 1956), from the number of cases behind
    Wilson's interval: sites that made no mistake must not drop out of the mean.
    """
    low, high = float(value.low or 0.0), float(value.high or 0.0)
    if measure.scale == "logit" and value.value in (0.0, 1.0):
        end = low if value.value == 1 else 1 - high
        if not 0 < end < 1:
            return None
        cases = _NORMAL**2 * end / (1 - end)  # of Wilson's end n / (n + z²)
        sign = 1.0 if value.value == 1 else -1.0
        return sign * float(logit((cases + 0.5) / (cases + 1))), float(np.sqrt(1 / (cases + 0.5) + 2))
    lowest, highest = {"logit": (0.0, 1.0), "log": (0.0, np.inf), "identity": (-np.inf, np.inf)}.get(measure.scale, (0.0, np.inf))
    if not (lowest < low < high < highest and lowest < value.value < highest):
        return None
    forward = {"logit": logit, "identity": np.asarray}.get(measure.scale, np.log)
    point, first, last = forward(np.array([value.value, low, high]))
    return float(point), float(last - first) / (2 * _NORMAL)


def _mean(measure: Measure, summary: Summary | None) -> Value:
    if summary is None:
        return Value(float("nan"), note="fewer than two sites have an interval, or most are perfect: no mean over sites")
    return _back(measure, summary.mean, (summary.low, summary.high))


def _new(measure: Measure, summary: Summary | None) -> Value:
    if summary is None or summary.predicted is None:
        return Value(
            float("nan"), note="fewer than three sites have an interval, or most are perfect: nothing is said of a new site"
        )
    return _back(measure, summary.mean, summary.predicted)


def _back(measure: Measure, middle: float, ends: tuple[float, float]) -> Value:
    ends_of = {"logit": expit, "identity": float}
    backward = ends_of.get(measure.scale, lambda v: np.exp(min(700.0, v)))
    value, low, high = (float(backward(v)) for v in (middle, *ends))
    return Value(min(value, measure.most), low, min(high, measure.most))
