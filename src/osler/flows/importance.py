"""What moves a bundle's predictions on the whole: attributions, what is lost without a feature, effects. Aggregates only.

The work ends with its seconds: features are taken in the order of their attribution, and what was not reached is told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.core.attribution import Answer
from osler.core.columns import columns_cells
from osler.core.target import Target
from osler.flows.explaining import Subject, attributions, bundle_raw, compared_with
from osler.flows.maps import FEWEST as FEWEST_MAPS
from osler.flows.maps import MeanMaps
from osler.flows.recurring import recurring
from osler.spine.evaluate import importance
from osler.spine.explain import Curve, edges, exchanged, level_effect, number_effect, whole_groups

CASES = 2_000  # of the test, for what is lost; more narrow the intervals little beside those of the measure
ATTRIBUTED = 256  # cases whose attributions are averaged: the largest of ten features is then known within a tenth
NODES, TOLERANCE = 32, 0.01  # of a path: means need less than a single case does
GRID_NODES, GRID_CELLS = 16, 20_000  # of pictures; with more numbers than this a case takes a second
FEWEST = 5  # cases that anything told here rests on
LISTED, EXCHANGED, DRAWN, ANSWERS = 50, 20, 6, 8
REPEATS, LEAST_REPEATS = 5, 2
FEWER = 500  # cases of the test that are left where seconds are short
SHARES = (0.4, 0.85)  # of the seconds, after which attributions and exchanges end
RECURRING = 0.7  # of the seconds, after which no more cases are looked at for what recurs
RAGGED = ("nothing", "mixed")  # of `compared_with`: cases differ in length and go through a network one by one
_BLOCK = 8  # cases attributed between two looks at the clock
_LEVELS = 8
_CELLS = 10_000_000  # held at once


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds that may be spent, from now on."""

    began: float
    seconds: float

    @classmethod
    def of(cls, seconds: float) -> Clock:
        """Start."""
        return cls(time.monotonic(), seconds)

    def over(self, share: float = 1.0) -> bool:
        """Return whether a share of the seconds is spent."""
        return self.left(share) <= 0

    def left(self, share: float = 1.0) -> float:
        """Return the seconds until a share of them is spent."""
        return self.began + share * self.seconds - time.monotonic()


def sampled(stratum: np.ndarray, *, most: int, seed: int) -> np.ndarray:
    """Return about `most` places of cases, ascending: at random, but so that rare strata keep up to a fourth of as many
    together, added to the others."""
    generator = np.random.default_rng([seed, 0xE5])
    if len(stratum) <= most:
        return np.arange(len(stratum))
    order = generator.permutation(len(stratum))
    _, code, sizes = np.unique(stratum, return_inverse=True, return_counts=True)
    least = np.minimum(sizes, most // (4 * len(sizes)))
    share = np.maximum(least, np.floor(most * sizes / sizes.sum())).astype(np.int64)
    kept = [order[code.reshape(-1)[order] == level][:n] for level, n in enumerate(share)]
    return np.sort(np.concatenate(kept))


def explanation(subject: Subject, target: Target, *, groups: np.ndarray | None, seconds: float, seed: int) -> dict[str, Any]:
    """Return what scores.json holds under "explanation", of all cases of the subject's source, for which `target` and
    `groups` have a line each; nothing of fewer than five."""
    if len(target) < FEWEST:
        return {}
    clock = Clock.of(seconds)
    told, order, maps = _attribution(subject, clock, seed=seed)
    patterns = recurring(subject, main_answers(subject.answers()), groups=groups, seed=seed, over=lambda: clock.over(RECURRING))
    alone = len(subject.features) == 1  # what is lost without the only input is all
    return {
        "attribution": told,
        "permutation": {} if alone else _permutation(subject, target, groups, order=order, clock=clock, seed=seed),
        "effects": _effects(subject, order, clock),
        "seconds": seconds,
        **({"maps": maps} if maps else {}),
        **({"recurring": patterns} if patterns else {}),
    }


def main_answers(answers: Sequence[Answer]) -> list[Answer]:
    """Return what is explained on the whole: main answers, and all classes of a target without one."""
    led = {a.target for a in answers if a.main}
    return [a for a in answers if a.main or a.target not in led][:ANSWERS]


def _attribution(subject: Subject, clock: Clock, *, seed: int) -> tuple[dict[str, Any], np.ndarray, list[dict[str, Any]]]:
    """Return the mean absolute attributions, the features in the order of the bundle's, and mean maps of inputs on a grid."""
    answers = main_answers(subject.answers())
    cases = len(next(iter(subject.source.columns.values())))
    rows = np.random.default_rng([seed, 0xE6]).permutation(cases)[:ATTRIBUTED]
    sums: dict[str, np.ndarray] = {}
    worst, done = np.zeros(len(answers)), 0
    ends: list[np.ndarray] = []
    grid = MeanMaps()
    size = 1 if _on_grid(subject) or compared_with(subject) in RAGGED else _BLOCK
    first, count = subject.layout.first, subject.layout.count
    wholes = [name for name, n in count.items() if n == 1 and subject.features[first[name]].kind == "whole"]
    nodes = GRID_NODES if wholes else NODES
    for block in np.array_split(rows, max(1, len(rows) // size)):
        parts = attributions(subject, block, answers, nodes=nodes, tolerance=TOLERANCE)
        grid.add(parts["network"].maps)
        for name, part in parts.items():
            sums[name] = sums.get(name, 0.0) + np.abs(part.values).sum(0)
        found = parts["network"]
        worst, done = np.maximum(worst, np.abs(found.error).max(0)), done + len(block)
        ends = [np.concatenate([*ends, found.score])]
        if done < FEWEST:  # a mean of fewer cases would tell of single ones
            continue
        if clock.over() or (clock.over(SHARES[0]) and not 0 < grid.cases < FEWEST_MAPS):
            break
    means = {name: total / done for name, total in sums.items()}
    shares = {name: _share(mean) for name, mean in means.items()}
    order = np.argsort(-shares["bundle"], kind="stable")
    return (
        {
            "cases": done,
            "error": float(f"{(worst / np.maximum(np.ptp(ends[0], axis=0), 1e-6)).max():.2g}"),
            "references": compared_with(subject),
            "shares": [_line(subject, f, shares) for f in order[:LISTED]],
            **({"inputs": _by_input(subject, shares)} if len(subject.layout.first) > 1 else {}),
            "answers": [_answer(subject, a, {n: m[at] for n, m in means.items()}) for at, a in enumerate(answers)],
            "features": len(subject.features),
        },
        order,
        grid.told(answers),
    )


def _on_grid(subject: Subject) -> bool:
    """Return whether an input holds so much of a case that one is a block of its own."""
    return any(columns_cells(c) > GRID_CELLS for c in subject.source.columns.values())


def _share(mean: np.ndarray) -> np.ndarray:
    """Return (f,) each feature's share of all attribution, a mean over answers (a, f), whatever their units."""
    total = mean.sum(1, keepdims=True)
    return np.asarray(np.divide(mean, total, out=np.zeros_like(mean), where=total > 0).mean(0))


def _line(subject: Subject, feature: int, values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {"name": subject.features[feature].name, **{part: float(f"{v[feature]:.4g}") for part, v in values.items()}}


def _by_input(subject: Subject, shares: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return the share of each input: that of its features together."""
    ends = {name: (first, first + subject.layout.count[name]) for name, first in subject.layout.first.items()}
    return [{"name": name, **{part: float(f"{v[a:b].sum():.4g}") for part, v in shares.items()}} for name, (a, b) in ends.items()]


def _answer(subject: Subject, answer: Answer, means: Mapping[str, np.ndarray]) -> dict[str, Any]:
    order = np.argsort(-means["bundle"], kind="stable")[:LISTED]
    lines = [_line(subject, f, means) for f in order]
    return {"target": answer.target, "level": answer.level, "scale": answer.scale, "features": lines}


# what is lost -----------------------------------------------------------------------------------------------------------


def _permutation(
    subject: Subject, target: Target, groups: np.ndarray | None, *, order: np.ndarray, clock: Clock, seed: int
) -> dict[str, Any]:
    asked = order[:EXCHANGED]
    began = time.monotonic()
    found = _whole(subject, target, groups, seed=seed)
    each = time.monotonic() - began
    turns = clock.left(SHARES[1]) / max(1e-6, each * len(asked))
    if turns < LEAST_REPEATS and len(target) > FEWER:
        most = max(FEWER, int(len(target) * turns / LEAST_REPEATS))
        rows = sampled(subject.task.stratum(target), most=most, seed=seed)
        subject, target, groups = on_cases(subject, rows), target.take(rows), None if groups is None else groups[rows]
        found = _whole(subject, target, groups, seed=seed)
    repeats, cases = int(np.clip(turns, LEAST_REPEATS, REPEATS)), len(target)
    generator = np.random.default_rng([seed, 0xE7])
    lines: list[dict[str, Any]] = []
    for feature in asked:
        if lines and clock.over(SHARES[1]):
            break
        lenders = [exchanged(groups, cases, generator=generator) for _ in range(repeats)]
        lost = importance.drop(found, list(_exchanged(subject, target, int(feature), lenders)))
        lines.append({"name": subject.features[feature].name, "loss": lost.to_dict()})
    lines.sort(key=lambda row: -(row["loss"]["value"] or 0.0))
    return {
        "measure": found.measure.name,
        "value": found.value if np.isfinite(found.value) else None,
        "cases": cases,
        "repeats": repeats,
        "resamples": len(found.spread.values),
        "rows": lines,
        "left_out": len(subject.features) - len(lines),
        "exchange": "groups" if whole_groups(groups) else "cases",
    }


def _whole(subject: Subject, target: Target, groups: np.ndarray | None, *, seed: int) -> importance.Whole:
    raw = bundle_raw(subject, subject.source.columns)
    return importance.whole(subject.task, _stated(subject, raw, target), info=subject.info, groups=groups, seed=seed)


def _exchanged(subject: Subject, target: Target, feature: int, turns: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the statistics of each repeat; repeats are predicted together, as one call costs as much as many cases."""
    name, at = subject.place(feature)
    modality, cases = subject.source.modalities[name], len(target)
    state = subject.crews[0].states[name]
    values = modality.values(subject.source.columns[name], feature=at, state=state)
    each = sum(columns_cells(c) for c in subject.source.columns.values())
    together = max(1, _CELLS // max(1, cases * each))
    for start in range(0, len(turns), together):
        part = turns[start : start + together]
        tiled = {n: c.take(np.tile(np.arange(cases), len(part))) for n, c in subject.source.columns.items()}
        tiled[name] = modality.changed(tiled[name], feature=at, values=values[np.concatenate(part)], state=state)
        raw = bundle_raw(subject, tiled)
        for turn in range(len(part)):
            yield _stated(subject, raw[turn * cases : (turn + 1) * cases], target)


def _stated(subject: Subject, raw: np.ndarray, target: Target) -> np.ndarray:
    return subject.task.statistics(raw, target, state=subject.state, plan=subject.source.plan)


# effects ----------------------------------------------------------------------------------------------------------------


def _effects(subject: Subject, order: np.ndarray, clock: Clock) -> list[dict[str, Any]]:
    answers = [a for a in main_answers(subject.answers()) if a.column][:ANSWERS]
    told: list[dict[str, Any]] = []
    for feature in order:
        if len(told) == DRAWN or not answers or (told and clock.over()):
            break
        curve = _curve(subject, int(feature), answers)
        if curve is None:
            continue
        grid = curve.grid.tolist()
        # a change is that of the column which a user reads, in the target's unit
        scales = ["value" if a.scale == "logarithm" else a.scale for a in answers]
        series = [
            {
                "target": a.target,
                "level": a.level,
                "scale": scales[at],
                "effect": [float(f"{v:.4g}") for v in curve.effect[:, at]],
            }
            for at, a in enumerate(answers)
        ]
        kind = subject.features[feature].kind
        told.append({"name": subject.features[feature].name, "kind": kind, "grid": grid, "answers": series,
                     "cases": curve.cases.tolist()})  # fmt: skip
    return told


def _curve(subject: Subject, feature: int, answers: Sequence[Answer]) -> Curve | None:
    name, at = subject.place(feature)
    columns = subject.source.columns
    values = subject.source.modalities[name].values(columns[name], feature=at, state=subject.crews[0].states[name])
    kind = subject.features[feature].kind
    if kind == "number":
        numbers = values.astype(np.float64)
        found, rows = edges(numbers), np.flatnonzero(np.isfinite(numbers) & columns[name].present)
        if len(found) < 2:
            return None
        bins = np.clip(np.searchsorted(found, numbers[rows], side="left") - 1, 0, len(found) - 2)
        low, high = (_decoded(subject, feature, rows, values=ends, answers=answers) for ends in (found[bins], found[bins + 1]))
        return number_effect(numbers[rows], found, low=low, high=high)
    if kind == "category":
        return _level_curve(subject, feature, values, answers)
    return None


def _level_curve(subject: Subject, feature: int, values: np.ndarray, answers: Sequence[Answer]) -> Curve | None:
    levels = subject.features[feature].levels
    counts = {key: int((values == key).sum()) for key in levels}
    kept = sorted((k for k, n in counts.items() if n >= FEWEST), key=lambda k: -counts[k])[:_LEVELS]
    if len(kept) < 2:
        return None
    rows = np.arange(len(values))
    found = {levels[k]: _decoded(subject, feature, rows, values=np.full(len(rows), k), answers=answers) for k in kept}
    return level_effect(found, {levels[k]: counts[k] for k in kept})


def _decoded(subject: Subject, feature: int, rows: np.ndarray, *, values: np.ndarray, answers: Sequence[Answer]) -> np.ndarray:
    """Return what a user reads (rows, a) where one feature has other values."""
    name, at = subject.place(feature)
    taken = {n: c.take(rows) for n, c in subject.source.columns.items()}
    state = subject.crews[0].states[name]
    taken[name] = subject.source.modalities[name].changed(taken[name], feature=at, values=values, state=state)
    raw = bundle_raw(subject, taken)
    decoded = subject.task.decode(raw, subject.state, info=subject.info, plan=subject.source.plan)
    return np.stack([np.asarray(decoded[a.column], float) for a in answers], axis=1)


def on_cases(subject: Subject, rows: np.ndarray) -> Subject:
    """Return the subject with the cases `rows` alone, in memory."""
    columns = {name: c.take(rows) for name, c in subject.source.columns.items()}
    return replace(subject, source=replace(subject.source, columns=columns, target=None))
