"""Sets of classes that hold the true one as often as was promised.

A class is in the set when its probability reaches a threshold (least ambiguous sets: Sadinle, Lei and Wasserman 2019), one
for all classes or one each. No class may reach it: an empty set says that the case is too doubtful for any answer at this
level. Thresholds lie on a grid of log-odds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import log_expit

from osler.core.measure import Measure
from osler.core.state import State
from osler.core.view import View
from osler.tasks import binary, classes, conformal, multiclass, multilabel
from osler.tasks.calibration import LARGEST_LOGIT
from osler.tasks.labels import LEAST_CASES, safe_names
from osler.tasks.settings import setting

_STEP = 0.01  # of log-odds: a hundredth of a probability's distance from 0 or 1
_MOST_OWN = 12  # classes or labels with a measure of their own
_CHUNK = 30  # classes in one code of a set

SIZE = Measure("set_size", "lower")
SINGLE = Measure("singletons", "higher", "logit", proportion=True)
EMPTY = Measure("empty_sets", "lower", "logit", proportion=True)
_NOTES = {
    "marginal": "Conformal sets hold the true class in the stated share of new cases like these, over all classes together; "
    "a rare class may be held less often.",
    "class-conditional": "Conformal sets hold the true class in the stated share of new cases of each class.",
}
_READ = "A set of several classes, or of none, says that the model cannot decide at this level."


def learned(
    logs: list[np.ndarray], truths: list[np.ndarray], groups: list[np.ndarray | None], *, plan: Mapping[str, Any]
) -> State:
    """Return `conformal` (levels, outputs, classes), the least log-probability of a class in the set, and `conformal_levels`.

    Per output, from observed cases: `logs` (m, c) log-probabilities, `truths` (m,) the number of the class, `groups` (m,).
    A level that no output has cases enough for is left out; a class that has too few is in every set.
    """
    asked = conformal.levels(plan)
    if not asked:
        return State()
    by_class = setting(plan, conformal.HOW, default="none") == "class-conditional"
    parts = zip(logs, truths, groups, strict=True)
    found = np.stack([_thresholds(*part, levels=asked, by_class=by_class) for part in parts], axis=1)
    kept = np.isfinite(found).any(axis=(1, 2))
    sentence = {"conformal": _told(asked, kept, min(len(t) for t in truths))}
    if not kept.any():
        return State({}, sentence)
    arrays = {"conformal": found[kept], "conformal_levels": np.array(asked, np.int64)[kept]}
    return State(arrays, {**sentence, "conformal_how": "class-conditional" if by_class else "marginal"})


def _told(asked: list[int], kept: np.ndarray, cases: int) -> str:
    lacking = [f"{level}%" for level, good in zip(asked, kept, strict=True) if not good]
    return f"{cases} cases" + (f", too few for {', '.join(lacking)}" if lacking else "")


def _thresholds(
    logs: np.ndarray, truth: np.ndarray, groups: np.ndarray | None, *, levels: list[int], by_class: bool
) -> np.ndarray:
    own = logs[np.arange(len(logs)), truth]
    with np.errstate(divide="ignore"):
        doubt = np.clip(np.log(-np.expm1(own)) - own, -LARGEST_LOGIT, LARGEST_LOGIT)  # log-odds against the true class
    out = np.empty((len(levels), logs.shape[1]))
    for place in range(logs.shape[1] if by_class else 1):
        seen = truth == place if by_class else np.ones(len(truth), bool)
        among = None if groups is None else groups[seen]
        reach = [conformal.upwards(conformal.quantile(doubt[seen], level, groups=among), _STEP) for level in levels]
        # a threshold below the least log-odds that exist lets every class in
        least = np.where(np.array(reach) > LARGEST_LOGIT - _STEP, -np.inf, log_expit(-np.array(reach)))
        out[:, slice(None) if not by_class else place] = least[:, None] if not by_class else least
    return out


def decoded(logs: list[np.ndarray], state: State, *, info: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return `set_<level>` (n,), of labels `set_<level>_<label>`: the names of the classes, joined by "|", in the level that is
    shown. "|" in a name is written as "/"."""
    known = state.arrays.get("conformal_levels", np.empty(0))
    at = conformal.shown(known)
    if at is None:
        return {}
    several = info["kind"] == "multilabel"
    tails = [f"_{name}" for name in safe_names(info["names"])] if several else [""]
    out = {}
    for number, tail in enumerate(tails):
        members = logs[number] >= state.arrays["conformal"][at, number]
        out[f"set_{int(known[at])}{tail}"] = named(members, info["classes"][number])
    return out


def none_left(logits: np.ndarray, chosen: np.ndarray, state: State, *, info: Mapping[str, Any]) -> np.ndarray:
    """Return (n,) bool: of several labels none is `chosen` (n, L), and at the level that is shown the sets of all exclude that the
    case has them, by calibrated `logits` (n, L). False where no level could be learned."""
    at = conformal.shown(state.arrays.get("conformal_levels", np.empty(0)))
    if at is None or info["kind"] != "multilabel":
        return np.zeros(len(logits), bool)
    places = [list(pair).index(positive) for pair, positive in zip(info["classes"], info["positive"], strict=True)]
    least = state.arrays["conformal"][at][np.arange(len(places)), places]
    return ~(chosen > 0).any(axis=1) & (log_expit(logits) < least).all(axis=1)


def named(members: np.ndarray, names: list[str]) -> np.ndarray:
    """Return (n,) object, the names of each set among `members` (n, c) bool."""
    if not len(members):
        return np.empty(0, object)
    code = np.zeros(len(members), np.int64)
    for start in range(0, members.shape[1], _CHUNK):
        part = members[:, start : start + _CHUNK]
        code = code * (1 << _CHUNK) + part @ (1 << np.arange(part.shape[1], dtype=np.int64))
        _, first, code = np.unique(code, return_index=True, return_inverse=True)
    clean = [name.replace("|", "/") for name in names]
    texts = ["|".join(clean[place] for place in np.flatnonzero(members[row])) for row in first]
    return np.array(texts, object)[code.reshape(-1)]


def pair(logit: np.ndarray, number: int, info: Mapping[str, Any]) -> np.ndarray:
    """Return log-probabilities (n, 2) of the two classes of output `number`, in their order, from its logit (n,)."""
    signed = [logit if text == classes.positives(info)[number] else -logit for text in info["classes"][number]]
    return log_expit(np.stack(signed, axis=1))


def place_of(truth: np.ndarray, number: int, info: Mapping[str, Any]) -> np.ndarray:
    """Return the number (n,) of the class in the order of `info` from `truth` (n,) of 1 (positive) and 0."""
    positive = list(info["classes"][number]).index(classes.positives(info)[number])
    return np.where(truth > 0, positive, 1 - positive)


def views(state: State, info: Mapping[str, Any]) -> tuple[View, ...]:
    """Return per level the coverage, the size of sets, the share of sets of one class and of none, and each class's coverage."""
    how = str(state.values.get("conformal_how", "marginal"))
    found = zip(state.arrays.get("conformal_levels", ()), state.arrays.get("conformal", ()), strict=True)
    return tuple(_view(int(level), least, info=info, how=how) for level, least in found)


def _view(level: int, least: np.ndarray, *, info: Mapping[str, Any], how: str) -> View:
    several = info["kind"] == "multilabel"
    own = safe_names(info["names"] if several else info["classes"][0])
    own = own if len(own) <= _MOST_OWN else []
    # labels of one case are not separate cases
    coverage = Measure("coverage", "higher", "logit", proportion=not several)
    each = (Measure(f"coverage_{name}", "higher", "logit", proportion=True) for name in own)
    measured = (coverage, SIZE, replace(SINGLE, proportion=not several), replace(EMPTY, proportion=not several), *each)
    about: dict[str, Any] = {"level": level, "how": how}
    if not several:
        named_least = zip(info["classes"][0], least[0], strict=True)
        about["least_probability"] = {name: round(float(np.exp(value)), 6) for name, value in named_least}

    def pairs(statistics: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        found = _pairs(statistics, least, info)
        return {m.name: found[m.name] for m in measured}

    def support(statistics: np.ndarray) -> dict[str, float]:
        known = float(_outcomes(statistics, info)[0].any(axis=1).sum())
        return {name: min(known, float(under.sum())) for name, (_, under) in pairs(statistics).items()}

    sums = conformal.ratios(pairs, names=[m.name for m in measured])
    return View("conformal", f"{level}%", measured, sums.of, support, about, notes=(_NOTES[how], _READ), sums=sums)


def _outcomes(statistics: np.ndarray, info: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return `known` (n, outputs) and the `truth` there, the number of the class."""
    if info["kind"] == "multiclass":
        truth = statistics[:, [multiclass.TRUTH]]
    else:
        truth = statistics[:, binary.TRUTH :: binary.WIDTH]
    known = ~np.isnan(truth)
    truth = np.where(known, truth, 0.0)
    if info["kind"] != "multiclass":
        truth = np.stack([place_of(truth[:, number], number, info) for number in range(truth.shape[1])], axis=1)
    return known, truth.astype(np.int64)


def _pairs(statistics: np.ndarray, least: np.ndarray, info: Mapping[str, Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    known, truth = _outcomes(statistics, info)
    rows = np.arange(len(statistics))
    held, size = np.empty(known.shape, bool), np.empty(known.shape)
    for number in range(known.shape[1]):
        if info["kind"] == "multiclass":
            logs = statistics[:, multiclass.FIRST :]
        else:
            logs = pair(multilabel.label(statistics, number)[:, binary.LOGIT], number, info)
        members = logs >= least[number]
        held[:, number], size[:, number] = members[rows, truth[:, number]], members.sum(axis=1)
    total = known.sum(axis=1).astype(float)
    sums = {"coverage": held, "set_size": size, "singletons": size == 1, "empty_sets": size == 0}
    out = {name: ((known * values).sum(axis=1).astype(float), total) for name, values in sums.items()}
    several = info["kind"] == "multilabel"
    for number, name in enumerate(safe_names(info["names"] if several else info["classes"][0])):
        among = known[:, number] if several else known[:, 0] & (truth[:, 0] == number)
        if among.sum() < LEAST_CASES:  # so few cases could be known by their answer
            among = np.zeros_like(among)
        out[f"coverage_{name}"] = ((among & held[:, number if several else 0]).astype(float), among.astype(float))
    return out
