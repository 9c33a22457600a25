"""`osler train`: from a table to a bundle."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.account import Account
from osler.core.errors import PlanError
from osler.core.leak import Leak
from osler.core.plan import Plan
from osler.core.scores import Scores
from osler.core.split import Split
from osler.core.state import State
from osler.core.study import Study
from osler.core.watch import SILENT, Watch
from osler.flows import freeze, planning
from osler.flows.cases import Cases, gather_cases, refused_counts
from osler.flows.crew import Crew
from osler.flows.divide import split_and_check
from osler.flows.judging import statistics, unseen
from osler.flows.members import Work, train_fold
from osler.flows.opening import default_cache, open_study
from osler.spine import sample_size
from osler.spine.bundle import check_place
from osler.spine.evaluate import score_statistics
from osler.spine.evaluate.clean import clean_views
from osler.spine.fit import Source
from osler.spine.fit.checkpoint import write_atomically
from osler.spine.leaks import touched
from osler.spine.output import Blend, combine
from osler.spine.study import Request


@dataclass(frozen=True, slots=True)
class Trained:
    """Everything that training learned: a crew per fold, how they are blended, and the calibration of each part."""

    crews: tuple[Crew, ...]
    blend: Blend
    states: Mapping[str, State]


def train(
    request: Request,
    *,
    out: Path,
    plan: Path | None = None,
    cache: Path | None = None,
    device: str | None = None,
    watch: Watch = SILENT,
) -> Path:
    """Train, score once, and write the bundle to `out`; returns `out`.

    `plan` is a plan file to follow as it stands. A killed run is taken up from `<out>.run` when the same is asked again.
    """
    began = time.monotonic()
    cache = cache or default_cache()
    check_place(out)
    study, table = open_study(request, cache=cache, watch=watch)
    study = planning.with_given(study, plan)
    cases = gather_cases(study, table, cache=cache, watch=watch)
    cases, split, decisions, leaks = split_and_check(cases, again=partial(gather_cases, table=table, cache=cache, watch=watch))
    for leak in leaks:
        watch.say(f"leak ({leak.severity}): {leak.sentence}")
    folder = out.with_name(f"{out.name}.run")
    frozen, facts, clocked = _frozen_plan(
        cases, split, decisions, given=plan, folder=folder, device=device, spent=time.monotonic() - began, watch=watch
    )
    prepared = time.monotonic() - began
    source = planning.source_of(cases, frozen, device=device)
    trained = train_members(source, cases, split, folder=folder, clocked=clocked, watch=watch)
    scores = score(source, cases, split, trained, leaks=leaks, watch=watch)
    timing = {"prepare": prepared, "train": time.monotonic() - began - prepared}
    account = _account(cases, split, leaks, scores=scores, plan=frozen, facts=facts, trained=trained, timing=timing)
    freeze.write(out, cases=cases, trained=trained, account=account)
    shutil.rmtree(folder, ignore_errors=True)
    return out


def train_members(source: Source, cases: Cases, split: Split, *, folder: Path, clocked: bool, watch: Watch = SILENT) -> Trained:
    """Train the crew of every fold, choose the blend and settle the output on cases that no member was trained on."""
    plan, seed = source.plan, cases.study.seed
    watch.stage("training", total=len(split.folds) * (1 + plan["fit.members"] * plan["fit.epochs"]))
    with planning.threads(plan):
        work = Work(cases.task, cases.groups, seed, folder, clocked, watch)
        crews = tuple(train_fold(source, fold, number=n, work=work) for n, fold in enumerate(split.folds))
        lines = unseen(source, split, crews, seed=seed)
        chooser = lines if split.crossfitted else lines.of(split.tune)
        settler = lines if split.crossfitted else lines.of(split.calibrate)
        blend = Blend.chosen(chooser.raws, chooser.target, task=cases.task, plan=plan)
        parts = {"test": combine(settler.raws, blend), **settler.raws}
        every = np.arange(len(settler.rows))
        states = {name: cases.task.settle(raw, settler.target, every, plan=plan) for name, raw in parts.items()}
    return Trained(crews, blend, states)


def score(
    source: Source, cases: Cases, split: Split, trained: Trained, *, leaks: Sequence[Leak] = (), watch: Watch = SILENT
) -> Scores:
    """Score the test split, once; where leaks touch some test cases, the others are scored apart too."""
    watch.stage("scoring")
    with planning.threads(source.plan):
        found = statistics(source, trained.crews, trained.blend, split.test, task=cases.task, states=trained.states)
    groups = cases.groups[split.test] if cases.grouped else None
    info = cases.target.info
    views = cases.task.views(state=trained.states["test"], info=info)
    views += clean_views(cases.task, np.isin(split.test, touched(leaks)), info=info)
    return score_statistics(cases.task, found, info=info, groups=groups, seed=cases.study.seed, views=views)


def _frozen_plan(
    cases: Cases, split: Split, decisions: Plan, *, given: Path | None, folder: Path, device: str | None, spent: float,
    watch: Watch,
) -> tuple[Plan, dict[str, Mapping[str, Any]], bool]:  # fmt: skip
    """Return the plan, the facts, and whether the clock may end a training: the user's plan, else the run's own, else a new
    one, written before the first step."""
    facts = planning.gather_facts(cases, split)
    asked = run_key(cases, split, given)
    path, key = folder / "plan.json", folder / "asked.json"
    found = _unfinished(path, key, asked)
    if found is not None:
        watch.say("an unfinished run of the same study is taken up")
        return found, facts, given is None
    if folder.exists():
        shutil.rmtree(folder)
    if given is not None:
        frozen = planning.given_plan(cases, split, decisions, facts=facts, device=device)
    else:
        frozen = planning.make_plan(cases, split, decisions, facts=facts, device=device, spent=spent, watch=watch)
    write_atomically(path, frozen.to_json().encode())
    write_atomically(key, json.dumps(asked).encode())
    return frozen, facts, given is None


def _unfinished(path: Path, key: Path, asked: Mapping[str, str]) -> Plan | None:
    """Return the plan of a killed run of the same study; None where there is none, or a crash of the machine tore it."""
    try:
        return Plan.from_json(path.read_text(encoding="utf-8")) if json.loads(key.read_text()) == asked else None
    except (OSError, ValueError, PlanError):
        return None


def run_key(cases: Cases, split: Split, given: Path | None) -> dict[str, str]:
    """Return what must be equal for a killed run to be taken up: study, table, split and given plan."""
    study = replace(cases.study, table=Path(), folder=Path())
    digest = hashlib.sha256()
    for part in (split.training, split.tune, split.calibrate, split.test):
        digest.update(np.ascontiguousarray(part).tobytes())
    text = given.read_text() if given is not None else ""
    return {
        "osler": freeze.versions()["osler"],
        "study": _hash(repr(study)),
        "table": cases.table.digest,
        "split": digest.hexdigest(),
        "plan": _hash(text),
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _account(
    cases: Cases, split: Split, leaks: tuple[Leak, ...], *, scores: Scores, plan: Plan, facts: Mapping[str, Mapping[str, Any]],
    trained: Trained, timing: Mapping[str, float],
) -> Account:  # fmt: skip
    counts = {name: len(getattr(split, name)) for name in ("training", "tune", "calibrate", "test")}
    counts |= {"refused": len(cases.refusals), "cases": len(cases.table)}
    if cases.grouped:
        counts["groups"] = len(np.unique(cases.groups[cases.usable]))
    share = trained.blend.network
    networks = sum(len(c.networks) for c in trained.crews)
    members = [
        f"{networks} network(s), weight {share:.2f} in the prediction",
        f"{len(trained.crews)} baseline(s), weight {1 - share:.2f}: {trained.crews[0].baseline.sentence()}",
    ]
    numbers = [m.parameters(facts[name]) for name, m in cases.modalities.items()]
    sample = sample_size.judged(
        before=facts["target"], now=cases.task.facts(cases.target, split.test), values=scores.test,
        parameters=None if None in numbers else sum(n or 0 for n in numbers),
    )  # fmt: skip
    return Account(
        study=public_study(cases.study), plan=plan, scores=scores, target=cases.target.info, facts=facts, split=split.how,
        counts=counts, refused=refused_counts(cases.refusals.values()), leaks=leaks, members=members,
        versions=freeze.versions(), timing=timing, sample=sample,
    )  # fmt: skip


def public_study(study: Study) -> Study:
    """Return the study without paths."""
    return replace(study, table=Path(), folder=Path())
