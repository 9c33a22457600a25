"""How well a screen works: how many of the sought cases stand among the first of a ranked library.

Enrichment factor and BEDROC (Truchon and Bayly 2007, alpha 20) equal RDKit's ML.Scoring; cases of equal score are taken as if in
every order, on average. Only where the plan says `target.screening`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.measure import Measure
from osler.core.plan import Brief, Decision
from osler.core.ranks import blocks
from osler.core.state import State
from osler.core.view import View
from osler.tasks.binary import LOGIT, TRUTH
from osler.tasks.settings import setting

SCREENING = "target.screening"
FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.2)  # of the library, that are looked at
ALPHA = 20.0  # of BEDROC: 80 % of its value comes from the first 8 % of the library
FACTOR = Measure("enrichment", "higher", "identity")
RATE = Measure("hit_rate", "higher", "logit")
FOUND = Measure("hits_found", "higher", "logit")
BEDROC = Measure("bedroc", "higher", "logit")
_NOTE = "A library is looked through from the highest probability on. Enrichment 1 is what chance would find."


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return whether the model is judged as a screen."""
    if brief.target["kind"] != "binary":
        return ()
    share = 100 * brief.target["rarest"]
    why = f"the rarer class has {share:.2g}% of the training cases; set it to true where few of a long list can be looked at"
    return (Decision(SCREENING, False, f"whether enrichment, hit rates and BEDROC are told: {why}"),)


def told(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the state keeps of it."""
    return {"screening": True} if setting(plan, SCREENING, default=False) else {}


def views(state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
    """Return a row for each share of the library that is looked at, and one for BEDROC; none where it is no screen."""
    if info["kind"] != "binary" or not state.values.get("screening"):
        return ()
    rows = tuple(_looked(fraction) for fraction in FRACTIONS)
    return (*rows, View("bedroc", f"alpha = {ALPHA:g}", (BEDROC,), _bedroc, _support, {}, (_NOTE,)))


def _looked(fraction: float) -> View:
    def measures(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
        return among_first(_Ordered.of(statistics, counts), fraction=fraction)

    return View("enrichment", f"first {100 * fraction:g}%", (FACTOR, RATE, FOUND), measures, _support, {}, (_NOTE,))


def _bedroc(statistics: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    return {BEDROC.name: bedroc(_Ordered.of(statistics, counts))}


def _support(statistics: np.ndarray) -> Mapping[str, float]:
    known = statistics[~np.isnan(statistics[:, TRUTH])]
    positive = float((known[:, TRUTH] > 0).sum())
    return {measure.name: positive for measure in (FACTOR, RATE, FOUND, BEDROC)}


class _Ordered:
    """Runs of equal score, falling: `size` (r, g) cases and `hits` (r, g) positives of each in each resample."""

    def __init__(self, size: np.ndarray, hits: np.ndarray) -> None:
        self.size, self.hits = size, hits
        self.above = np.cumsum(size, axis=1) - size
        self.cases, self.positive = size.sum(1), hits.sum(1)

    @classmethod
    def of(cls, statistics: np.ndarray, counts: np.ndarray) -> _Ordered:
        """Sort the cases that have a truth; `counts` (r, n)."""
        known = np.flatnonzero(~np.isnan(statistics[:, TRUTH]))
        score, truth = statistics[known, LOGIT], statistics[known, TRUTH] > 0
        order = np.argsort(-score, kind="stable")
        if not len(order):
            return cls(np.zeros((len(counts), 1)), np.zeros((len(counts), 1)))
        starts = np.flatnonzero(np.append(True, np.diff(score[order]) != 0))
        parts = []
        for block in blocks(counts):
            held = counts[block][:, known[order]].astype(np.float64)
            parts.append((np.add.reduceat(held, starts, axis=1), np.add.reduceat(held * truth[order], starts, axis=1)))
        return cls(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))


def among_first(found: _Ordered, *, fraction: float) -> dict[str, np.ndarray]:
    """Return enrichment factor, hit rate and share of positives found (r,) among the first `fraction` of the cases, rounded up."""
    wanted = np.ceil(found.cases * fraction)
    share = np.clip((wanted[:, None] - found.above) / np.maximum(found.size, 1), 0, 1)
    hits = (share * found.hits).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, there = hits / wanted, found.positive > 0
        prevalence = found.positive / found.cases
        own = {FACTOR.name: rate / prevalence, RATE.name: rate, FOUND.name: hits / found.positive}
    return {name: np.where(there, values, np.nan) for name, values in own.items()}


def bedroc(found: _Ordered, *, alpha: float = ALPHA) -> np.ndarray:
    """Return the Boltzmann-enhanced discrimination (r,), from 0 to 1; NaN without positives."""
    cases = np.maximum(found.cases, 1)[:, None]
    # the mean weight of a run: a geometric sum over the places that it fills
    step = alpha / cases
    filled = np.exp(-step * found.above) * -np.expm1(-step * found.size) / np.expm1(step)
    weight = np.where(found.size > 0, filled / np.maximum(found.size, 1), 0.0)
    total = (found.hits * weight).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = found.positive / found.cases
        chance = ratio * -math.expm1(-alpha) / np.expm1(alpha / found.cases)
        robust = total / chance
        most = -np.expm1(-alpha * ratio) / (ratio * -math.expm1(-alpha))
        least = -np.expm1(alpha * ratio) / (ratio * -math.expm1(alpha))
        value = np.where(ratio < 1, (robust - least) / np.where(ratio < 1, most - least, 1.0), 1.0)
    return np.where(found.positive > 0, value, np.nan)
