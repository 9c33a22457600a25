"""From a split to trained members: facts, the frozen plan, crews, blend, calibration."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.errors import PlanError
from osler.core.plan import Plan
from osler.core.split import Split
from osler.core.state import State
from osler.core.watch import SILENT, Watch
from osler.flows import explaining, freeze, grid, planning, warm
from osler.flows.cases import Cases
from osler.flows.crew import Crew
from osler.flows.divide import Again
from osler.flows.judging import held_rows, unseen
from osler.flows.members import Work, train_fold, with_replanned
from osler.flows.warm import Start
from osler.spine.fit import Source
from osler.spine.fit.checkpoint import write_atomically
from osler.spine.output import Blend, combine


@dataclass(frozen=True, slots=True)
class Trained:
    """Everything that training learned: a crew per fold, how they are blended, and the calibration of each part. `references` are what
    networks are compared with in explanations."""

    crews: tuple[Crew, ...]
    blend: Blend
    states: Mapping[str, State]
    references: State = field(default_factory=State)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how a split is trained: `folder` keeps what a killed run finished, `again` reads the cases of another study of the
    same table, `given` is a plan file to follow, `starts` are first weights by input."""

    folder: Path
    again: Again
    given: Path | None = None
    device: str | None = None
    watch: Watch = SILENT
    starts: Mapping[str, Start] = field(default_factory=dict)

    def under(self, name: str) -> Setting:
        """Return the setting of a training of its own inside the same run."""
        return replace(self, folder=self.folder / name)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained split with the `plan` that it followed and its `facts`; `ready` is when training began (monotonic clock)."""

    plan: Plan
    facts: Mapping[str, Mapping[str, Any]]
    source: Source
    trained: Trained
    ready: float


def fit_split(cases: Cases, split: Split, decisions: Plan, *, setting: Setting, spent: float = 0.0) -> Fitted:
    """Return what training on `split` gives; `spent` seconds of the budget are gone.

    A killed run is taken up from `setting.folder` when the same is asked again.
    """
    plan, facts = frozen_plan(cases, split, decisions, setting=setting, spent=spent)
    ready = time.monotonic()
    source = planning.source_of(cases, plan, device=setting.device)
    clocked = setting.given is None  # a given plan is followed to its end
    warm.fitting(setting.starts, source, split, groups=cases.groups, watch=setting.watch)
    begin = partial(warm.put, starts=setting.starts)
    work = Work(cases.task, cases.groups, cases.study.seed, setting.folder, clocked, setting.watch, begin, split.crossfitted)
    trained = train_members(source, split, work=work)
    networks = [network for crew in trained.crews for network in crew.networks]
    plan = with_replanned(plan, {number: network.replanned for number, network in enumerate(networks)})
    return Fitted(plan, facts, source, trained, ready)


def train_members(source: Source, split: Split, *, work: Work) -> Trained:
    """Train the crew of every fold, choose the blend and settle the output on cases that no member was trained on."""
    plan, seed, task = source.plan, work.seed, work.task
    work.watch.stage("training", total=len(split.folds) * (1 + plan["fit.members"] * plan["fit.epochs"]))
    with planning.threads(plan):
        crews = tuple(train_fold(source, fold, number=n, work=work) for n, fold in enumerate(split.folds))
        lines = unseen(source, split, crews, seed=seed)
        chooser = lines if split.crossfitted else lines.of(split.tune)
        settler = lines if split.crossfitted else lines.of(split.calibrate)
        blend = Blend.chosen(chooser.raws, chooser.target, task=task, plan=plan)
        parts = {"test": combine(settler.raws, blend), **settler.raws}
        every = np.arange(len(settler.rows))
        groups = work.groups[settler.rows]
        states = {name: task.settle(raw, settler.target, every, plan=plan, groups=groups) for name, raw in parts.items()}
        if source.anchor is not None:
            held = list(zip(crews, held_rows(split), strict=True))
            blend, states = _on_grid(source, held, task=task, blend=blend, states=states, groups=work.groups)
        folds = [fold.training for fold in split.folds]
        references = explaining.references_of(source, crews, folds, groups=work.groups, seed=seed)
    return Trained(crews, blend, states, references)


def _on_grid(
    source: Source,
    held: list[tuple[Crew, np.ndarray]],
    *,
    task: Task,
    blend: Blend,
    states: Mapping[str, State],
    groups: np.ndarray,
) -> tuple[Blend, dict[str, State]]:
    """Return the blend and the states with what is chosen by whole cases: a task that does not mix parts takes the better of both."""
    polished = partial(grid.polished, source, held, task=task, blend=blend, groups=groups)
    if task.blends:
        return blend, {name: polished(name, state=state) for name, state in states.items()}
    own = {name: polished(name, state=state) for name, state in states.items() if name != "test"}
    blend = grid.better(source, held, task=task, states=own, groups=groups)
    return blend, {"test": own[blend.parts[0]], **own}


def frozen_plan(
    cases: Cases, split: Split, decisions: Plan, *, setting: Setting, spent: float
) -> tuple[Plan, dict[str, Mapping[str, Any]]]:
    """Return the plan and the facts: the user's plan, else the run's own, else a new one, written before the first step."""
    facts = planning.gather_facts(cases, split)
    asked = run_key(cases, split, setting.given)
    path, key = setting.folder / "plan.json", setting.folder / "asked.json"
    found = unfinished(path, key, asked)
    if found is not None:
        setting.watch.say("an unfinished run of the same study is taken up")
        return found, facts
    if setting.folder.exists():
        shutil.rmtree(setting.folder)
    if setting.given is not None:
        plan = planning.given_plan(cases, split, decisions, facts=facts, device=setting.device)
    else:
        plan = planning.make_plan(cases, split, decisions, facts=facts, device=setting.device, spent=spent, watch=setting.watch)
    write_atomically(path, plan.to_json().encode())
    write_atomically(key, json.dumps(asked).encode())
    return plan, facts


def unfinished(path: Path, key: Path, asked: Mapping[str, str]) -> Plan | None:
    """Return the plan of a killed run of the same study; None where there is none, or a crash of the machine tore it."""
    try:
        return Plan.from_json(path.read_text(encoding="utf-8")) if json.loads(key.read_text()) == asked else None
    except (OSError, ValueError, PlanError):
        return None


def run_key(cases: Cases, split: Split, given: Path | None) -> dict[str, str]:
    """Return what must be equal for a killed run to be taken up: study, table, content of the inputs (their files may lie beside
    the table), split and given plan."""
    study = replace(cases.study, table=Path(), folder=Path())
    digest = hashlib.sha256()
    for part in (split.training, split.tune, split.calibrate, split.test):
        digest.update(np.ascontiguousarray(part).tobytes())
    inputs = hashlib.sha256()
    for columns in cases.columns.values():  # in the study's order
        inputs.update(np.ascontiguousarray(columns.fingerprints).tobytes() + np.packbits(columns.present).tobytes())
    text = given.read_text() if given is not None else ""
    return {
        "osler": freeze.versions()["osler"],
        "study": _hash(repr(study)),
        "table": cases.table.digest,
        "inputs": inputs.hexdigest(),
        "split": digest.hexdigest(),
        "plan": _hash(text),
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
