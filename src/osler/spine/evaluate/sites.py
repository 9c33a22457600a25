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
    Snell 2018), a site's standard error taken from the width of its interval. Sites without an interval do not enter.
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
    forward = {"logit": logit, "log": np.log, "identity": np.asarray}[measure.scale]
    lowest, highest = {"logit": (0.0, 1.0), "log": (0.0, np.inf), "identity": (-np.inf, np.inf)}[measure.scale]
    known = [
        (v.value, v.low, v.high)
        for v in values
        if v.low is not None and v.high is not None and lowest < v.low < v.high < highest and lowest < v.value < highest
    ]
    if len(known) < 2:
        return None
    points, low, high = forward(np.array(known, float)).T
    return summarise(points, (high - low) / (2 * _NORMAL))


def _mean(measure: Measure, summary: Summary | None) -> Value:
    if summary is None:
        return Value(float("nan"), note="fewer than two sites have an interval: no mean over sites")
    return _back(measure, summary.mean, (summary.low, summary.high))


def _new(measure: Measure, summary: Summary | None) -> Value:
    if summary is None or summary.predicted is None:
        return Value(float("nan"), note="fewer than three sites have an interval: nothing is said of a new site")
    return _back(measure, summary.mean, summary.predicted)


def _back(measure: Measure, middle: float, ends: tuple[float, float]) -> Value:
    backward = {"logit": expit, "log": np.exp, "identity": float}[measure.scale]
    value, low, high = (float(backward(min(700.0, v))) for v in (middle, *ends))
    return Value(min(value, measure.most), low, min(high, measure.most))
