"""Fixtures of the contract suite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from osler.core.plan import Plan
from osler.core.split import Split
from osler.core.state import State
from osler.flows import planning
from osler.flows.cases import Cases, gather_cases
from osler.flows.divide import split_and_find
from osler.flows.members import fit_states
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


@pytest.fixture(params=CASES, ids=str)
def case(request, monkeypatch):
    register(monkeypatch)
    return request.param


@pytest.fixture
def ready(case, tmp_path) -> Ready:
    return prepare(case, tmp_path)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)
