"""Train every member: for each fold its states, its networks and its baseline."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import BaselineModel, Task
from osler.core.errors import BundleError
from osler.core.features import Features
from osler.core.plan import Decision, Plan
from osler.core.split import Fold
from osler.core.state import State
from osler.core.target import Target
from osler.core.watch import SILENT, Watch
from osler.flows import grid
from osler.flows.crew import PARTS, Crew
from osler.spine.fit import Clock, NetworkMember, PredictorObjective, Run, Source, draw, fit
from osler.spine.fit.checkpoint import write_atomically
from osler.spine.plan import wanted_epochs

DONE = "done.json"  # written last: the baseline beside it is whole
FEWEST = 5  # groups from which an input is learned
BLOCK = 1 << 16  # cases whose features are held at once in prediction


def unchanged(encoders: Any) -> None:
    """Leave the first weights of `encoders`, modules by input, as they were drawn."""


@dataclass(frozen=True, slots=True)
class Work:
    """Where and how a fold is trained: `folder` keeps checkpoints, `clocked` lets the clock end a training at the
    plan's `fit.limit`, `begin` may put other first weights into a network's encoders. Without cross-fitting (`crossfitted`) the
    tune rows choose the blend, so no member may be trained on them."""

    task: Task
    groups: np.ndarray
    seed: int
    folder: Path
    clocked: bool = False
    watch: Watch = SILENT
    begin: Callable[[Any], None] = unchanged
    crossfitted: bool = True


def train_fold(source: Source, fold: Fold, *, number: int, work: Work) -> Crew:
    """Return the trained members of a fold; what an earlier, killed run finished in `folder` is taken up."""
    plan = source.plan
    states = fit_states(source, fold.training, groups=work.groups)
    baseline = train_baseline(source, fold, states=states, work=work, folder=work.folder / f"baseline-{number}")
    work.watch.advance(note="baseline")
    first = number * plan["fit.members"]
    networks = tuple(
        train_network(source, fold, states=states, member=first + turn, work=work) for turn in range(plan["fit.members"])
    )
    return Crew(states, networks, baseline)


def fit_states(source: Source, rows: np.ndarray, *, groups: np.ndarray) -> dict[str, State]:
    """Return the state of every input, learned from the present cases among `rows`."""
    states = {}
    for name, modality in source.modalities.items():
        columns = source.columns[name]
        here = rows[columns.present[rows]]
        states[name] = modality.fit(columns, here, groups=groups, plan=source.plan.part(f"inputs.{name}"))
    return states


def train_network(source: Source, fold: Fold, *, states: Mapping[str, State], member: int, work: Work) -> NetworkMember:
    """Return one trained network."""
    assert source.target is not None
    plan = source.plan
    built = NetworkMember.built(
        modalities=source.modalities,
        task=work.task,
        info=source.target.info,
        states=states,
        plan=plan,
        seed=draw(work.seed, member, -1),
    )
    work.begin(built.network.fusion.encoders)
    built.network.to(source.device)
    built.network.fusion.learn(learnable(source, fold.training, groups=work.groups))
    objective = PredictorObjective(network=built.network, task=work.task, plan=plan)
    clock = clock_of(plan, member, cases=len(fold.training), clocked=work.clocked)
    run = Run(plan, work.seed, member, work.folder / f"member-{member}", clock, work.watch)
    progress = fit(
        objective,
        lambda rows, at: source.batch(rows, seed=at),
        rows=fold.training,
        tune=lambda: source.batches(fold.tune, size=plan["fit.predict_batch"]),
        run=run,
    )
    return replace(built, replanned=tuple(progress.replanned))


def clock_of(plan: Mapping[str, Any], training: int, *, cases: int, clocked: bool) -> Clock:
    """Return the clock of the training of that number, on so many cases; a plan that was given is followed as it was written."""
    if not clocked:
        lines = plan.get("fit.replanned", [])
        return Clock(replanned=tuple((int(after), int(total)) for which, after, total in lines if which == training))
    limit, allowance = plan.get("fit.limit", 0.0) or None, plan.get("fit.allowance", 0.0) or None
    return Clock(limit, allowance, max(int(plan["fit.epochs"]), wanted_epochs(plan, cases)) if allowance else 0)


def with_replanned(plan: Plan, found: Mapping[int, Sequence[tuple[int, int]]]) -> Plan:
    """Return the plan with how trainings, by number, had their epochs planned anew, so that whoever gives it back gets the same weights."""
    lines = [[which, after, total] for which, pairs in found.items() for after, total in pairs]
    if not lines:
        return plan
    told = "steps took another time than was measured: number of the training, epoch after which, epochs in all"
    return plan.with_decisions([Decision("fit.replanned", lines, told, "measured")])


def learnable(source: Source, rows: np.ndarray, *, groups: np.ndarray) -> list[str]:
    """Return the inputs that at least five groups of `rows` have: from fewer an encoder learns persons."""
    here = {name: len(np.unique(groups[rows[source.columns[name].present[rows]]])) for name in source.modalities}
    least = min(FEWEST, max(here.values()))
    return [name for name, count in here.items() if count >= least]


def train_baseline(source: Source, fold: Fold, *, states: Mapping[str, State], work: Work, folder: Path) -> BaselineModel:
    """Return the classical model, tuned by cross-validation inside the fold's training rows; its tune rows are training rows too
    where others choose the blend."""
    assert source.target is not None
    found = _finished_baseline(folder, work.task)
    if found is not None:
        return found
    rows = np.sort(np.concatenate([fold.training, fold.tune])) if work.crossfitted else fold.training
    if work.task.needs(source.target.info) == "vector":
        rows = _some(rows, most=int(source.plan["baseline.cases"]), seed=work.seed)
    features, target = baseline_cases(source, rows, states=states, task=work.task, seed=work.seed)
    groups = work.groups[rows][features.positions]
    model = work.task.baseline(features, target, groups=groups, plan=source.plan, seed=work.seed)
    files = model.files()
    for name, data in files.items():
        write_atomically(folder / name, data)
    write_atomically(folder / DONE, json.dumps(sorted(files)).encode())
    return work.task.restore(files)


def _some(rows: np.ndarray, *, most: int, seed: int) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(np.random.default_rng([seed, 2]).choice(rows, most, replace=False))


def _finished_baseline(folder: Path, task: Task) -> BaselineModel | None:
    """Return what an earlier, killed run finished; None where it did not, or where a crash of the machine tore it."""
    try:
        names = json.loads((folder / DONE).read_text())
        return task.restore({name: (folder / name).read_bytes() for name in names})
    except (OSError, ValueError, BundleError):
        return None


def baseline_cases(
    source: Source, rows: np.ndarray, *, states: Mapping[str, State], task: Task, seed: int
) -> tuple[Features, Target]:
    """Return the baseline's features and the target row of each of their lines."""
    assert source.target is not None
    if task.needs(source.target.info) == "vector":
        features = with_gaps(joined_features(source, rows, states), source, rows, seed=seed)
        return features, source.target.take(rows[features.positions])
    return grid.baseline_positions(source, rows, states=states, seed=seed)


def with_gaps(features: Features, source: Source, rows: np.ndarray, *, seed: int) -> Features:
    """Return features with some cases once more, one input of theirs dropped: as the network, the baseline is to know what to
    say without it. Boosted trees that never saw a gap would take it for a zero.

    Of each input as many gaps are added as lack to the plan's `fusion.drop` of the cases; the last input of a case stays.
    """
    drop = float(source.plan["fusion.drop"])
    here = np.stack([columns.present[rows] for columns in source.columns.values()])
    if drop <= 0 or len(here) < 2:
        return features
    generator, first = np.random.default_rng([seed, 4]), 0
    lines, matrices = [features.positions], [features.matrix]
    for name, present in zip(source.modalities, here, strict=True):
        width = sum(feature.startswith(f"{name}.") for feature in features.names)
        able = np.flatnonzero(present & (here.sum(axis=0) > 1))
        some = np.sort(generator.permutation(able)[: max(0, round(drop * len(rows)) - int((~present).sum()))])
        gaps = features.matrix[some]
        gaps[:, first : first + width] = np.nan
        lines, matrices, first = [*lines, some], [*matrices, gaps], first + width
    return replace(features, matrix=np.concatenate(matrices), positions=np.concatenate(lines))


def joined_features(source: Source, rows: np.ndarray, states: Mapping[str, State]) -> Features:
    """Return the baseline's features of the cases `rows`, all inputs beside one another."""
    parts = tuple(m.baseline_features(source.columns[n], rows, state=states[n]) for n, m in source.modalities.items())
    return Features.joined(parts, prefixes=tuple(source.modalities))


def crew_raw(crew: Crew, source: Source, rows: np.ndarray, *, parts: Collection[str] = PARTS) -> dict[str, np.ndarray]:
    """Return raw outputs (rows, k) of the networks' mean and of the baseline, as `parts` asks."""
    found: dict[str, np.ndarray] = {}
    if "network" in parts:
        found["network"] = np.mean([member.raw(source, rows) for member in crew.networks], axis=0)
    if "baseline" in parts:
        starts = range(0, max(1, len(rows)), BLOCK)
        found["baseline"] = np.concatenate(
            [crew.baseline.raw(joined_features(source, rows[s : s + BLOCK], crew.states).matrix) for s in starts]
        )
    return found
