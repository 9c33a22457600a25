"""The plan of what is made: rules of the inputs and of the maker, sizes by one timing of the objective's own steps."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Maker
from osler.core.errors import PlanError
from osler.core.plan import Brief, Decision, Plan
from osler.core.split import Split
from osler.core.state import State
from osler.core.watch import SILENT, Watch
from osler.flows import planning
from osler.flows.cases import Cases
from osler.flows.fitting import run_key, unfinished
from osler.flows.making.building import Parts, build, shapes_of
from osler.flows.members import fit_states
from osler.spine import plan as plan_step
from osler.spine.fit import Source
from osler.spine.fit.checkpoint import write_atomically
from osler.spine.fit.loop import plain_update

OF_PREDICTORS = ("baseline.", "explain.", "fusion.", "fit.ensemble", "fit.members")
TIMED_STEPS, LONG_TIMING = 7, 0.5  # at most so many steps, at least three, and no more after so many seconds
Facts = Mapping[str, Mapping[str, Any]]
Sizes = tuple[tuple[Decision, ...], ...]


@dataclass(frozen=True, slots=True)
class Making:
    """What is made of which cases: the `maker`, the `cases`, their `split` and its `decisions`, `facts` of the training rows and what
    the maker keeps of them as `info`."""

    maker: Maker
    cases: Cases
    split: Split
    decisions: Plan
    facts: Facts
    info: Mapping[str, Any]
    device: str | None = None
    watch: Watch = SILENT

    @property
    def circumstances(self) -> plan_step.Circumstances:
        """What the rules see besides facts."""
        cases, split = self.cases, self.split
        return plan_step.Circumstances(
            task=self.maker.name, output=self.maker.output, cases=len(split.training),
            groups=len(np.unique(cases.groups[split.development])), folds=1, budget=cases.study.budget,
            device=planning.chosen_device(self.device), settings=cases.study.settings, most=1,
        )  # fmt: skip

    def source(self, plan: Plan) -> Source:
        """Return the cases as a source of batches; the label is a target where there is one."""
        target = self.cases.target if self.cases.target.values.shape[1] else None
        device = planning.chosen_device(self.device)
        return Source(self.cases.modalities, self.cases.columns, plan, target, None, device)

    def parts(self, source: Source, rows: np.ndarray) -> Parts:
        """Return what an objective is built from, fitted on `rows`."""
        if not self.maker.cuts:
            return Parts({name: State() for name in source.modalities}, {}, self.info)
        states = fit_states(source, rows, groups=self.cases.groups)
        return Parts(states, shapes_of(self.maker, source, rows, states=states), self.info)


def frozen_plan(making: Making, *, folder: Path, given: Path | None, spent: float) -> Plan:
    """Return the user's plan, else that of a killed run of the same study, else a new one, written before the first step."""
    asked = run_key(making.cases, making.split, given)
    path, key = folder / "plan.json", folder / "asked.json"
    found = unfinished(path, key, asked)
    if found is not None:
        making.watch.say("an unfinished run of the same study is taken up")
        return found
    if folder.exists():
        shutil.rmtree(folder)
    plan = given_plan(making) if given is not None else make_plan(making, spent=spent)
    write_atomically(path, plan.to_json().encode())
    write_atomically(key, json.dumps(asked).encode())
    return plan


def make_plan(making: Making, *, spent: float) -> Plan:
    """Return a new plan: every decision, the user's settings, and sizes that fit the budget, of which `spent` seconds are gone."""
    making.watch.stage("planning")
    began = time.monotonic()
    plan, ladder, late_ones = _decided(making)
    states: dict[str, Mapping[str, State]] = {}

    def timed(candidate: Plan) -> float:
        with planning.threads(candidate):
            return seconds_per_step(making, candidate, known=states)

    def left() -> float:
        gone = spent + time.monotonic() - began
        return max(0.0, making.cases.study.budget * 60 - gone) * float(plan["fit.network_share"])

    about = making.circumstances
    sized = plan_step.fit_to_budget(plan, ladder, seconds_per_step=timed, circumstances=about, seconds=left)
    return _without_predictors(sized.set_by_user({k: v for k, v in about.settings.items() if k in late_ones}))


def given_plan(making: Making) -> Plan:
    """Return the plan given by the user, checked: every decision that the rules would make is there and possible."""
    plan, ladder, late_ones = _decided(making)
    whole = plan.with_decisions(d for rung in ladder[:1] for d in rung).with_decisions(late_ones.decisions)
    settings = making.cases.study.settings
    lacking = sorted(set(_without_predictors(whole)) - set(settings))
    if lacking:
        raise PlanError(f"the plan lacks {len(lacking)} decisions: {', '.join(lacking[:5])}; leave --plan out for a new one")
    own = {k: v for k, v in settings.items() if k not in making.decisions and k not in making.cases.reading}
    return _without_predictors(whole.set_by_user(own))


def _decided(making: Making) -> tuple[Plan, Sizes, Plan]:
    """Return all decisions but sizes with the user's settings, the ladder, and the names that are decided last."""
    about, cases = making.circumstances, making.cases
    wrong = [name for name in about.settings if name.startswith(OF_PREDICTORS)]
    if wrong:
        raise PlanError("\n".join(f"'{name}' is decided of predictors, not of the task '{making.maker.name}'" for name in wrong))
    ruled, ladder = decide(making)
    known = cases.reading.with_decisions(making.decisions.decisions).with_decisions(ruled.decisions)
    late_ones = Plan(plan_step.unmeasured())
    rungs = [d for rung in ladder for d in rung]
    plan_step.check_counts(known.with_decisions([*rungs, *late_ones.decisions]).set_by_user(about.settings))
    # reading decisions already hold what the user set, joined with what was seen
    plan = known.set_by_user({k: v for k, v in about.settings.items() if k in known and k not in cases.reading})
    return plan, ladder, late_ones


def decide(making: Making) -> tuple[Plan, Sizes]:
    """Return all decisions but sizes, and the ladder of sizes of inputs and maker together."""
    maker, about, facts = making.maker, making.circumstances, making.facts
    decisions, ladders = [*plan_step.fit_rules(about, inputs=len(making.cases.modalities))], []
    for name, modality in making.cases.modalities.items() if maker.cuts else ():
        own = plan_step.brief(about, facts=facts[name], target=facts["target"], prefix=f"inputs.{name}")
        decisions += [d if d.name.startswith("fit.") else d.under(f"inputs.{name}") for d in modality.rules(own)]
        rungs = [tuple(d.under(f"inputs.{name}") for d in rung.decisions) for rung in modality.ladder(own)]
        if maker.encodes:
            decisions.append(plan_step.WEIGHTS.under(f"inputs.{name}"))
            ladders.append(rungs)
        else:  # the modality cuts batches by them
            decisions += rungs[0] if rungs else ()
    brief = brief_of(about, facts, info=making.info)
    decisions += maker.rules(brief)
    ladders.append([rung.decisions for rung in maker.ladder(brief)])
    levels = (
        tuple(d for rungs in ladders if rungs for d in rungs[min(at, len(rungs) - 1)]) for at in range(max(map(len, ladders)))
    )
    return Plan(decisions), tuple(levels)


def brief_of(about: plan_step.Circumstances, facts: Facts, *, info: Mapping[str, Any]) -> Brief:
    """Return what a maker's rules see."""
    inputs = {k: v for k, v in facts.items() if k != "target"}
    return plan_step.brief(about, facts=inputs, target={**facts["target"], **info}, prefix="")


def seconds_per_step(making: Making, plan: Plan, *, known: dict[str, Mapping[str, State]]) -> float:
    """Return the median time of training steps after some to warm up; `known` keeps what was fitted for a set of inputs' decisions."""
    import torch

    source, rows = making.source(plan), making.split.training
    few = rows[:: max(1, len(rows) // planning.TIMED_ROWS)]
    key = repr(sorted((k, v) for k, v in plan.items() if k.startswith("inputs.")))
    if key not in known:
        known[key] = fit_states(source, few, groups=making.cases.groups) if making.maker.cuts else {}
    shapes = shapes_of(making.maker, source, few, states=known[key]) if making.maker.cuts else {}
    objective = build(making.maker, source.modalities, Parts(known[key], shapes, making.info), plan=plan, seed=0)
    objective.module.to(source.device).train()
    optimisers, batch_of = objective.optimisers(plan=plan), making.maker.batches_of(source, info=making.info)
    times: list[float] = []
    while len(times) < TIMED_STEPS and (len(times) < 3 or sum(times) < LONG_TIMING):
        at = len(times)
        chunk = np.sort(np.random.default_rng(at).permutation(rows)[: plan["fit.batch"]])
        began = time.perf_counter()
        batch = batch_of(chunk, at)
        for turn, optimiser in enumerate(optimisers):
            loss = objective.step(batch, turn=turn, generator=torch.Generator().manual_seed(at))
            plain_update(objective, optimiser, loss, plan)
            float(loss.detach().mean())  # waits for the device
        times.append(time.perf_counter() - began)
    return float(np.median(times[min(2, len(times) - 2) :]))


def _without_predictors(plan: Plan) -> Plan:
    return Plan(d for d in plan.decisions if not d.name.startswith(OF_PREDICTORS))
