"""Step: which update of settled outputs new cases call for, and what it is worth on cases that it did not see.

No weight changes. The closed testing procedure of Vergouwe and others (2017, Stat Med 36:4529) looks for the smallest update that
the fullest is not shown to improve on; how many cases there are of the rarer class decides how full the fullest may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.errors import StudyError
from osler.core.state import State
from osler.core.target import Target
from osler.core.update import Update

LEVEL = 0.05
FOR_BLEND = 100  # cases of the rarer class under which the share of network and baseline stays
SHARES = np.linspace(0, 1, 11)
MOST_CASES = 100_000  # that an update is learned from: more change a handful of numbers little
MANY, FOLDS = 20_000, (10, 5)  # folds of the check: ten, or five above so many cases

Raws = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen update, why in a sentence, and each test: {"against", "statistic", "parameters", "p"}."""

    update: Update
    why: str
    tests: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Output:
    """What turns raw outputs into predictions: the state of each part, and the network's share in "test"."""

    states: Mapping[str, State]
    network: float

    def raw(self, raws: Raws) -> dict[str, np.ndarray]:
        """Return `raws` with "test" blended by this output's share."""
        if "network" not in raws or "baseline" not in raws:
            return dict(raws)
        return {**raws, "test": self.network * raws["network"] + (1 - self.network) * raws["baseline"]}


def choose(ladder: Sequence[Update], told: str, *, independent: float = 1.0) -> Choice:
    """Return the smallest update that is not shown to be worse than the fullest, each tested at 5%.

    `independent` is groups per case: cases of one group tell less than as many groups, so statistics are scaled by it.
    """
    fullest = ladder[-1]
    tests: list[Mapping[str, Any]] = []
    for update in ladder[:-1]:
        statistic = max(0.0, (update.deviance - fullest.deviance) * independent)
        parameters = fullest.parameters - update.parameters
        p = _tail(statistic, parameters)
        tests.append({"against": update.name, "statistic": statistic, "parameters": parameters, "p": p})
        if p >= LEVEL:
            return Choice(update, _why(update, fullest, tests, told), tuple(tests))
    return Choice(fullest, _why(fullest, fullest, tests, told), tuple(tests))


def recalibrated(
    task: Task, raws: Raws, target: Target, *, output: Output, groups: np.ndarray, plan: Mapping[str, Any], seed: int
) -> tuple[Output, dict[str, Choice]]:
    """Return the output after the update that each part calls for on these cases, and the choices by part."""
    rows = np.arange(len(target))
    if len(rows) > MOST_CASES:
        rows = np.sort(np.random.default_rng([seed, 6]).choice(rows, MOST_CASES, replace=False))
    kept, seen = {part: raw[rows] for part, raw in raws.items()}, target.take(rows)
    independent = len(np.unique(groups[rows])) / max(1, len(rows))
    states, choices = dict(output.states), {}
    share = output.network
    for part, state in output.states.items():
        found = task.updates(kept[part], seen, state=state, plan=plan)
        ladder = found.ladder
        if part == "test" and found.carried >= FOR_BLEND and {"network", "baseline"} <= kept.keys():
            ladder = (*ladder, *_blended(task, kept, seen, output=output, plan=plan, least=ladder[-1]))
        choices[part] = choose(ladder, found.told, independent=independent)
        update = choices[part].update
        if not update.arrays:
            continue
        share = share if update.blend is None else update.blend
        raw = Output({}, share).raw(kept)[part] if part == "test" else kept[part]
        states[part] = task.updated(raw, seen, state=state, arrays=update.arrays, plan=plan, groups=groups[rows])
    return Output(states, share), choices


def crossfitted(
    task: Task, raws: Raws, target: Target, *, output: Output, groups: np.ndarray, plan: Mapping[str, Any], seed: int
) -> tuple[dict[str, np.ndarray], list[tuple[np.ndarray, State]]]:
    """Return by part (n, s) statistics of each case after an update that was chosen and learned without its fold of groups, and
    for each fold its cases with the state of "test" that they were scored by.

    Raises StudyError with fewer than two groups.
    """
    _, number = np.unique(groups, return_inverse=True)
    size = int(number.max(initial=-1)) + 1
    if size < 2:
        raise StudyError("all cases belong to one group; what a recalibration is worth cannot be checked on them: give more")
    folds = min(size, FOLDS[len(target) > MANY])
    fold = np.random.default_rng([seed, 7]).permutation(size)[number] % folds
    lines: dict[str, np.ndarray] = {}
    parts = []
    for one in range(folds):
        rest, held = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        learned, _ = recalibrated(
            task, {k: r[rest] for k, r in raws.items()}, target.take(rest),
            output=output, groups=groups[rest], plan=plan, seed=seed,
        )  # fmt: skip
        outside = learned.raw({k: r[held] for k, r in raws.items()})
        for part, raw in outside.items():
            found = task.statistics(raw, target.take(held), state=learned.states.get(part, State()), plan=plan)
            lines.setdefault(part, np.full((len(target), found.shape[1]), np.nan))[held] = found
        parts.append((held, learned.states["test"]))
    return lines, parts


def _blended(
    task: Task, raws: Raws, target: Target, *, output: Output, plan: Mapping[str, Any], least: Update
) -> tuple[Update, ...]:
    """Return the fullest update with the best share of the network, which counts as one parameter more."""
    best: Update | None = None
    for share in np.unique(np.append(SHARES, output.network)):
        raw = Output({}, float(share)).raw(raws)["test"]
        update = task.updates(raw, target, state=output.states["test"], plan=plan).ladder[-1]
        if update.name == least.name and (best is None or update.deviance < best.deviance):
            best = replace(update, name="blend", parameters=update.parameters + 1, blend=float(share))
    return (best,) if best is not None and best.arrays else ()


_NAMES = {
    "none": "no change",
    "temperature": "one slope for all classes (temperature)",
    "intercept": "the intercept",
    "slope": "intercept and slope",
    "blend": "intercept, slope and the share of network and baseline",
}


def _why(chosen: Update, fullest: Update, tests: Sequence[Mapping[str, Any]], told: str) -> str:
    start = f"{_NAMES[chosen.name]}; {told}"
    if not tests:
        return f"{start}; too few to change anything"
    if chosen is fullest:
        return f"{start}; less than that is shown to be worse (closed testing, p = {tests[-1]['p']:.2g})"
    return f"{start}; more ({_NAMES[fullest.name]}) is not shown to be better (closed testing, p = {tests[-1]['p']:.2g})"


def _tail(statistic: float, parameters: int) -> float:
    """Return the upper tail of the chi-squared distribution."""
    from scipy.special import chdtrc

    return float(chdtrc(parameters, statistic))
