"""Fixtures of the contract suite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from osler.core.columns import Ragged
from osler.core.plan import Plan
from osler.core.split import Split
from osler.core.state import State
from osler.flows import planning
from osler.flows.cases import Cases, gather_cases
from osler.flows.divide import split_and_find
from osler.flows.members import Crew, Work, fit_states, train_fold
from osler.spine.fit import NetworkMember, Source
from tests.contract.studies import CASES, register, study_of


@dataclass(frozen=True)
class Ready:
    """A study up to the first training step."""

    cases: Cases
    split: Split
    plan: Plan
    source: Source
    states: dict[str, State]
    folder: Path

    def member(self, seed: int = 0) -> NetworkMember:
        """Return an untrained network."""
        member = NetworkMember.built(
            modalities=self.cases.modalities,
            task=self.cases.task,
            info=self.cases.target.info,
            states=self.states,
            plan=self.plan,
            seed=seed,
        )
        member.network.eval()
        return member


def prepare(case, folder: Path, **settings) -> Ready:
    """Take a study through scan, columns, split, facts and plan."""
    study, table = study_of(case, folder, **settings)
    cases = gather_cases(study, table, cache=folder / "cache")
    split, decisions, _ = split_and_find(cases)
    facts = planning.gather_facts(cases, split)
    plan = planning.make_plan(cases, split, decisions, facts=facts, device="cpu", spent=0)
    source = planning.source_of(cases, plan, device="cpu")
    states = fit_states(source, split.folds[0].training, groups=cases.groups)
    return Ready(cases, split, plan, source, states, folder)


@dataclass(frozen=True)
class Trained:
    """The crew of a study's first fold, and what the columns held before it was trained."""

    crew: Crew
    before: dict[str, bytes]
    work: Work


_READY: dict[str, Ready] = {}
_TRAINED: dict[str, Trained] = {}


def contents(ready: Ready) -> dict[str, bytes]:
    """Return what the columns of each input and the target hold."""
    parts = {
        name: [a.values if isinstance(a, Ragged) else a for a in c.arrays.values()] for name, c in ready.cases.columns.items()
    }
    parts["target"] = [ready.cases.target.values]
    return {name: b"".join(np.ascontiguousarray(a).tobytes() for a in arrays) for name, arrays in parts.items()}


# one worker runs all tests of a study, so that it is read and trained once
@pytest.fixture(params=[pytest.param(c, marks=pytest.mark.xdist_group(str(c))) for c in CASES], ids=str)
def case(request, monkeypatch):
    register(monkeypatch)
    return request.param


@pytest.fixture
def ready(case, tmp_path_factory) -> Ready:
    """A study, which no test may change (`test_nothing_that_the_caller_handed_in_changes`)."""
    if str(case) not in _READY:
        _READY[str(case)] = prepare(case, tmp_path_factory.mktemp("ready"))
    return _READY[str(case)]


@pytest.fixture
def trained(ready, case) -> Trained:
    """The study's crew, trained once."""
    if str(case) not in _TRAINED:
        before, work = contents(ready), Work(ready.cases.task, ready.cases.groups, 0, ready.folder / "run")
        _TRAINED[str(case)] = Trained(train_fold(ready.source, ready.split.folds[0], number=0, work=work), before, work)
    return _TRAINED[str(case)]


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)
