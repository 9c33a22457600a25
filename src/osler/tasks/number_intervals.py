"""Intervals that hold a new case's number as often as was promised: the prediction, more and less a quantile of absolute errors.

Where errors clearly grow or shrink with the prediction, each is first divided by what is usual at its prediction (locally
weighted conformal prediction: Papadopoulos et al. 2008, Lei et al. 2018); else all intervals are equally wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import fdtrc

from osler.core.measure import Measure
from osler.core.state import State
from osler.core.target import logarithms, target_labels
from osler.core.view import View
from osler.tasks import conformal, continuous, logarithm
from osler.tasks.labels import safe_names

FOR_SPREAD = 200  # groups under which the width of errors is not looked at place by place
_IN_BIN, _BINS = 50, 10
_CLEARLY = 0.001  # how seldom equal errors may be taken for unequal ones
_FINE = 100  # steps of the grid in a typical error

_NOTE = "Conformal intervals hold the observed value in the stated share of new cases like these."
_EQUAL = (
    "The errors of {targets} are about as wide at every prediction, so the intervals are too: "
    "no case is surer than another, and none can be set aside."
)
_RATIOS = "The intervals of {targets} reach as far above as below in ratio; their widths are told of the logarithm."
_SCALED = "The intervals of {targets} are wider where errors are usually larger."


def learned(guess: np.ndarray, truth: np.ndarray, groups: np.ndarray | None, *, plan: Mapping[str, Any]) -> State:
    """Return `radius` (levels, L), how many times the usual error an interval reaches, `conformal_levels`, and the usual error
    `spread` (L, m) at predictions `spread_at` (L, m): one throughout where the errors are about as wide everywhere.

    `guess`, `truth` (n, L) in each target's unit, NaN where unobserved. NaN radii: too few cases for the level.
    """
    asked = conformal.levels(plan)
    if not asked:
        return State()
    parts = []
    for number in range(guess.shape[1]):
        seen = ~np.isnan(truth[:, number])
        among = None if groups is None else groups[seen]
        parts.append(_one(guess[seen, number], truth[seen, number], among, levels=asked))
    radius = np.stack([part[0] for part in parts], axis=1)
    kept = np.isfinite(radius).any(axis=1)
    lacking = [f"{level}%" for level, good in zip(asked, kept, strict=True) if not good]
    cases = int((~np.isnan(truth)).sum(axis=0).min())
    values = {"conformal": f"{cases} cases" + (f", too few for {', '.join(lacking)}" if lacking else "")}
    if not kept.any():
        return State({}, values)
    arrays = {"radius": radius[kept], "conformal_levels": np.array(asked, np.int64)[kept]}
    return State({**arrays, "spread_at": np.stack([p[1] for p in parts]), "spread": np.stack([p[2] for p in parts])}, values)


def _one(
    guess: np.ndarray, truth: np.ndarray, groups: np.ndarray | None, *, levels: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    error = np.abs(truth - guess)
    at, spread = usual_error(guess, error, groups)
    scaled = error / np.interp(guess, at, spread)
    typical = float(np.mean(scaled)) if len(scaled) else 0.0
    step = conformal.readable(typical / _FINE) if typical > 0 else 1.0
    reach = [conformal.upwards(conformal.quantile(scaled, level, groups=groups), step) for level in levels]
    return np.where(np.isfinite(reach), reach, np.nan), at, spread


def usual_error(guess: np.ndarray, error: np.ndarray, groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions (m,), ascending, and the mean absolute `error` (n,) about each: one throughout unless the errors of up
    to ten bins of the predictions `guess` (n,) clearly differ (Glejser 1969, by analysis of variance)."""
    flat = np.zeros(_BINS), np.ones(_BINS)
    size = len(guess) if groups is None else len(np.unique(groups))
    if size < FOR_SPREAD or np.ptp(guess) <= 0:
        return flat
    bins = min(_BINS, size // _IN_BIN)
    parts = np.array_split(np.argsort(guess, kind="stable"), bins)
    means = np.array([error[part].mean() for part in parts])
    sizes = np.array([len(part) for part in parts])
    between = float(sizes @ (means - error.mean()) ** 2) / (bins - 1)
    within = float(sum(((error[part] - mean) ** 2).sum() for part, mean in zip(parts, means, strict=True)))
    within /= len(guess) - bins
    if within <= 0 or fdtrc(bins - 1, size - bins, between / within) > _CLEARLY:
        return flat
    places = np.array([guess[part].mean() for part in parts])
    step = conformal.readable(float(np.std(guess)) / _FINE)
    means = np.maximum(means, 0.05 * error.mean())  # a bin of hardly any error must not make others infinite
    at, spread = np.rint(places / step) * step, np.array([float(f"{mean:.3g}") for mean in means])
    return tuple(np.pad(v, (0, _BINS - bins), mode="edge") for v in (at, spread))  # type: ignore[return-value]


def usual(guess: np.ndarray, state: State) -> np.ndarray:
    """Return the usual error (n, L) at predictions `guess` (n, L); one where none was learned."""
    if "spread" not in state.arrays:
        return np.ones_like(guess)
    places = zip(state.arrays["spread_at"], state.arrays["spread"], strict=True)
    return np.stack([np.interp(guess[:, number], at, spread) for number, (at, spread) in enumerate(places)], axis=1)


def decoded(guess: np.ndarray, state: State, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return `low_<level>_<target>` and `high_<level>_<target>` (n,) in the table's unit, at the level that is shown."""
    known = state.arrays.get("conformal_levels", np.empty(0))
    at = conformal.shown(known)
    if at is None:
        return {}
    half, level = state.arrays["radius"][at] * usual(guess, state), int(known[at])
    out, logs = {}, logarithms(info)
    for number, name in enumerate(safe_names(info["names"])):
        for end, sign in (("low", -1), ("high", 1)):
            edge = guess[:, number] + sign * half[:, number]
            out[f"{end}_{level}_{name}"] = logarithm.back(edge) if logs[number] else edge
    return out


def scaled(state: State) -> np.ndarray:
    """Return which targets (L,) have intervals of their own width for each case."""
    return np.ptp(state.arrays["spread"], axis=1) > 0 if "spread" in state.arrays else np.zeros(0, bool)


def views(state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
    """Return per level the coverage and the mean width of the intervals, of several targets each."""
    found = zip(state.arrays.get("conformal_levels", ()), state.arrays.get("radius", ()), strict=True)
    return tuple(_view(int(level), radius, state=state, info=info) for level, radius in found)


def _view(level: int, radius: np.ndarray, *, state: State, info: Mapping[str, Any]) -> View:
    names = safe_names(info["names"])
    tails = [f"_{name}" for name in names] if len(names) > 1 else [""]
    coverage = Measure("coverage", "higher", "logit", proportion=len(names) == 1)
    measured = [coverage] if len(names) > 1 else []
    for tail in tails:
        measured += [Measure(f"coverage{tail}", "higher", "logit", proportion=True), Measure(f"width{tail}", "lower", "log")]

    def pairs(statistics: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        out: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        hits = []
        for number, tail in enumerate(tails):
            held, known, width = _held(continuous.part(statistics, number), float(radius[number]))
            hits.append((held, known))
            out[f"coverage{tail}"] = (held.astype(float), known.astype(float))
            out[f"width{tail}"] = (width, known.astype(float))
        if len(names) > 1:
            out["coverage"] = tuple(np.sum([h[at] for h in hits], axis=0).astype(float) for at in range(2))
        return {m.name: out[m.name] for m in measured}

    def support(statistics: np.ndarray) -> dict[str, float]:
        return {name: float(np.minimum(under, 1).sum()) for name, (_, under) in pairs(statistics).items()}

    about = {"level": level, "scaled": dict(zip(info["names"], scaled(state).tolist(), strict=True))}
    sums = conformal.ratios(pairs, names=[m.name for m in measured])
    return View("conformal", f"{level}%", tuple(measured), sums.of, support, about, notes=_notes(state, info), sums=sums)


def _held(part: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    half = radius * part[:, continuous.SPREAD]
    known = ~np.isnan(part[:, continuous.TRUTH]) & np.isfinite(half)
    error = np.abs(np.where(known, part[:, continuous.TRUTH] - part[:, continuous.GUESS], 0.0))
    return known & (error <= half), known, np.where(known, 2 * half, 0.0)


def _notes(state: State, info: Mapping[str, Any]) -> tuple[str, ...]:
    told = {good: [n for n, s in zip(target_labels(info), scaled(state), strict=True) if s == good] for good in (True, False)}
    logs = [label for label, log in zip(target_labels(info), logarithms(info), strict=True) if log]
    found = [(told[True], _SCALED), (told[False], _EQUAL), (logs, _RATIOS)]
    return (_NOTE, *(text.format(targets=", ".join(names)) for names, text in found if names))
