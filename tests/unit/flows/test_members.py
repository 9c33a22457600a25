"""Which rows a member is trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from osler.flows.members import Work, train_baseline
from tests.contract.conftest import prepare
from tests.contract.studies import CASES, SMALL


class Asked(Exception):
    """What a baseline is asked to be trained on."""


@pytest.fixture
def ready(tmp_path, monkeypatch):
    made = prepare(CASES[0], tmp_path, **SMALL)

    def ask(features, target, *, groups, plan, seed):
        raise Asked(len(target), groups)

    monkeypatch.setattr(made.cases.task, "baseline", ask)
    return made


def asked(ready, *, crossfitted: bool, **settings) -> tuple[int, np.ndarray]:
    source = replace(ready.source, plan=ready.source.plan.set_by_user(settings))
    work = Work(ready.cases.task, ready.cases.groups, 0, ready.folder / "run", crossfitted=crossfitted)
    with pytest.raises(Asked) as found:
        train_baseline(source, ready.split.folds[0], states=ready.states, work=work, folder=ready.folder / "baseline")
    return found.value.args


def test_a_baseline_is_not_trained_on_the_rows_that_choose_the_blend(ready):
    fold = ready.split.folds[0]
    assert len(fold.tune) > 0
    cases, groups = asked(ready, crossfitted=False)
    assert cases == len(fold.training)
    assert set(groups) == set(ready.cases.groups[fold.training])
    assert asked(ready, crossfitted=True)[0] == len(fold.training) + len(fold.tune)


def test_of_many_cases_those_that_are_drawn_keep_their_groups(ready):
    cases, groups = asked(ready, crossfitted=False, **{"baseline.cases": 12})
    fold = ready.split.folds[0]
    drawn = np.sort(np.random.default_rng([0, 2]).choice(fold.training, 12, replace=False))
    assert cases == 12
    np.testing.assert_array_equal(groups, ready.cases.groups[drawn])
