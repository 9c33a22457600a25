"""Facts, then the plan: rules, one timing of each size, frozen."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.errors import PlanError, RequestError
from osler.core.plan import Plan
from osler.core.split import Split
from osler.core.state import State
from osler.core.study import Study
from osler.core.watch import SILENT, Watch
from osler.flows.cases import Cases
from osler.flows.members import fit_states, joined_features
from osler.spine import plan as plan_step
from osler.spine.baseline_budget import baseline_to_budget
from osler.spine.fit import NetworkMember, PredictorObjective, Source
from osler.spine.fit.loop import plain_update

TIMED_ROWS = 4096  # cases on which the states of a timing are fitted
TIMED_CASES, LOOKED = 8192, 64  # cases on which the baseline is timed, and those that tell the width of its features
TIMED_CELLS = 5_000_000  # cells of its features from which it is: fewer take seconds
BASELINE_SHARE = 0.7  # of what networks leave of the budget; scoring, explanations and the report take the rest
TIMED_STEPS, LONG_TIMING = 7, 0.5  # at most so many steps, at least three, and no more after so many seconds


def chosen_device(device: str | None) -> str:
    """Return the device asked for, else the accelerator if there is one, else "cpu"; raises RequestError for one that is not here."""
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    known = ["cpu", *(["cuda"] if there else []), *(f"cuda:{n}" for n in range(there))]
    if device is not None and device not in known:
        raise RequestError(f"there is no device '{device}' here; there is {', '.join(known)}")
    return device or ("cuda" if there else "cpu")


def source_of(cases: Cases, plan: Plan, *, device: str | None) -> Source:
    """Return the cases as a source of batches under `plan`."""
    return Source(cases.modalities, cases.columns, plan, cases.target, cases.anchor, chosen_device(device))


def gather_facts(cases: Cases, split: Split) -> dict[str, Mapping[str, Any]]:
    """Return what was measured of the training rows, by input and for the target."""
    rows = split.training
    facts: dict[str, Mapping[str, Any]] = {"target": cases.task.facts(cases.target, rows)}
    for name, modality in cases.modalities.items():
        columns = cases.columns[name]
        facts[name] = modality.facts(columns, rows[columns.present[rows]], target=cases.target, groups=cases.groups)
    return facts


def circumstances_of(cases: Cases, split: Split, *, device: str | None) -> plan_step.Circumstances:
    """Return what the rules see besides facts."""
    return plan_step.Circumstances(
        task=cases.task.name,
        output=cases.task.needs(cases.target.info),
        cases=len(split.folds[0].training),
        groups=len(np.unique(cases.groups[split.development])),
        folds=len(split.folds),
        budget=cases.study.budget,
        device=chosen_device(device),
        settings=cases.study.settings,
        outputs=cases.task.width(cases.target.info),
        classes=cases.target.info.get("kind") == "multiclass",
    )


def make_plan(
    cases: Cases, split: Split, decisions: Plan, *, facts: Mapping[str, Mapping[str, Any]], device: str | None, spent: float,
    watch: Watch = SILENT,
) -> Plan:  # fmt: skip
    """Return the frozen plan: every decision, the user's settings, and sizes that fit the budget."""
    watch.stage("planning")
    began = time.monotonic()
    about = circumstances_of(cases, split, device=device)
    ruled, ladder = plan_step.decide(
        task=cases.task, modalities=cases.modalities, facts=facts, target=facts["target"], circumstances=about
    )
    known = cases.reading.with_decisions(decisions.decisions).with_decisions(ruled.decisions)
    late_ones = Plan(plan_step.unmeasured())
    rungs = Plan(d for rung in ladder for d in rung)
    plan_step.check_counts(known.with_decisions([*rungs.decisions, *late_ones.decisions]).set_by_user(about.settings))
    # reading decisions already hold what the user set, joined with what was seen
    plan = known.set_by_user({k: v for k, v in about.settings.items() if k in known and k not in cases.reading})
    known_states: dict[str, Mapping[str, State]] = {}

    def timed(candidate: Plan) -> float:
        with threads(candidate):
            return seconds_per_step(source_of(cases, candidate, device=device), cases, split, states=known_states)

    def left() -> float:
        return max(0.0, cases.study.budget * 60 - spent - (time.monotonic() - began)) * plan["fit.network_share"]

    plan = timed_baseline(cases, split, plan, device=device, states=known_states, watch=watch,
                          seconds=max(0.0, cases.study.budget * 60 - spent - (time.monotonic() - began)))  # fmt: skip
    sized = plan_step.fit_to_budget(plan, ladder, seconds_per_step=timed, circumstances=about, seconds=left)
    late = {k: v for k, v in about.settings.items() if k in late_ones}
    return sized.set_by_user(late)


def timed_baseline(
    cases: Cases, split: Split, plan: Plan, *, device: str | None, states: dict[str, Mapping[str, State]], seconds: float,
    watch: Watch = SILENT,
) -> Plan:  # fmt: skip
    """Return the plan with the baseline's tuning cut to its share of the `seconds` that are left, where it has so much to look at that
    it was timed first: the features of LOOKED cases tell whether it has."""
    task, rows = cases.task, split.folds[0].training
    if task.needs(cases.target.info) != "vector" or plan["baseline.tuning"] != "whole":
        return plan
    source = source_of(cases, plan, device=device)
    with threads(plan):
        fitted = _timed_states(source, cases, rows, known=states)
        looked = rows[:: max(1, len(rows) // TIMED_CASES)][:TIMED_CASES]
        width = joined_features(source, looked[:LOOKED], fitted).matrix.shape[1]
        if min(len(rows), int(plan["baseline.rows"])) * width < TIMED_CELLS:
            return plan
        watch.advance(note="timing the baseline")
        features = joined_features(source, looked, fitted)
        pace = task.pace(
            features, cases.target.take(looked[features.positions]), cases=len(rows), plan=plan, seed=cases.study.seed
        )  # fmt: skip
    if pace is None:
        return plan
    outputs = 1 if cases.target.info.get("kind") == "multiclass" else cases.task.width(cases.target.info)
    return baseline_to_budget(
        plan, pace, cases=len(rows), trainings=len(split.folds) * outputs, settings=cases.study.settings,
        seconds=BASELINE_SHARE * (1 - plan["fit.network_share"]) * seconds,
    )  # fmt: skip


def read_plan(path: Path) -> Plan:
    """Return the plan in a file; raises PlanError."""
    try:
        return Plan.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the plan {path.name} cannot be read ({type(error).__name__})") from None


def with_given(study: Study, path: Path | None) -> Study:
    """Return the study with every decision of the plan file as if the user had set it; the user's own settings win."""
    return study if path is None else replace(study, settings={**read_plan(path), **study.settings})


def given_plan(
    cases: Cases, split: Split, decisions: Plan, *, facts: Mapping[str, Mapping[str, Any]], device: str | None
) -> Plan:
    """Return the plan given by the user, checked: every decision that the rules would make is there and possible."""
    about = circumstances_of(cases, split, device=device)
    ruled, ladder = plan_step.decide(
        task=cases.task, modalities=cases.modalities, facts=facts, target=facts["target"], circumstances=about
    )
    whole = cases.reading.with_decisions(decisions.decisions).with_decisions(ruled.decisions)
    whole = whole.with_decisions(d for rung in ladder[:1] for d in rung).with_decisions(plan_step.unmeasured())
    lacking = sorted(set(whole) - set(about.settings))
    if lacking:
        raise PlanError(f"the plan lacks {len(lacking)} decisions: {', '.join(lacking[:5])}; 'osler inspect' writes a whole one")
    own = {k: v for k, v in about.settings.items() if k not in decisions and k not in cases.reading}
    given = whole.set_by_user(own)
    plan_step.check_counts(given)
    return given


def seconds_per_step(source: Source, cases: Cases, split: Split, *, states: dict[str, Mapping[str, State]]) -> float:
    """Return the median time of training steps after some to warm up: five, fewer where they are slow.

    `states` keeps what was fitted for the timing of a size, for other timings of the same size.
    """
    import torch

    plan, rows = source.plan, split.folds[0].training
    fitted = _timed_states(source, cases, rows, known=states)
    member = NetworkMember.built(
        modalities=source.modalities, task=cases.task, info=cases.target.info, states=fitted, plan=plan, seed=0
    )
    member.network.to(source.device).train()
    objective = PredictorObjective(network=member.network, task=cases.task, plan=plan)
    optimiser = objective.optimisers(plan=plan)[0]
    times: list[float] = []
    while len(times) < TIMED_STEPS and (len(times) < 3 or sum(times) < LONG_TIMING):
        turn = len(times)
        chunk = np.sort(np.random.default_rng(turn).permutation(rows)[: plan["fit.batch"]])
        began = time.perf_counter()
        batch = source.batch(chunk, seed=turn)
        loss = objective.step(batch, turn=0, generator=torch.Generator().manual_seed(turn))
        plain_update(objective, optimiser, loss, plan)
        float(loss.detach().mean())  # waits for the device
        times.append(time.perf_counter() - began)
    return float(np.median(times[min(2, len(times) - 2) :]))


def _timed_states(
    source: Source, cases: Cases, rows: np.ndarray, *, known: dict[str, Mapping[str, State]]
) -> Mapping[str, State]:
    """Return the states fitted on some of `rows`, once for each set of the inputs' decisions."""
    few = rows[:: max(1, len(rows) // TIMED_ROWS)]
    key = repr(sorted((k, v) for k, v in source.plan.items() if k.startswith("inputs.")))
    if key not in known:
        known[key] = fit_states(source, few, groups=cases.groups)
    return known[key]


@contextlib.contextmanager
def threads(plan: Mapping[str, Any]) -> Iterator[None]:
    """Run torch with the plan's threads, so that the same plan gives the same bytes; give back what was set."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(int(plan["fit.threads"]))
    try:
        yield
    finally:
        torch.set_num_threads(before)
