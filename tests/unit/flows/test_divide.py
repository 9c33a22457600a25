"""How cases are divided, by the time that each training has."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from osler.core.study import Roles, Study
from osler.flows.divide import split_plan


@pytest.mark.parametrize(
    ("asked", "folds"),
    [
        ({}, 5),
        ({"refit": True}, 1),
        ({"folds": 2}, 1),
        ({"folds": 2, "budget": 30.0}, 5),
        ({"folds": 2, "repeats": 2, "budget": 30.0}, 1),
        ({"roles": Roles(leave_out="site"), "budget": 600.0}, 1),
    ],
)
def test_members_are_cross_fitted_where_there_is_time_in_each_of_the_trainings_that_share_the_budget(asked, folds):
    """6,000 groups want ten minutes."""
    study = Study(Path(), Path(), ("y",), "classification", (), **{"roles": Roles(), "budget": 10.0, **asked})
    cases = SimpleNamespace(
        study=study, groups=np.arange(6_000), usable=np.arange(6_000), modalities={"events": SimpleNamespace(small=10_000)}
    )
    assert split_plan(cases)["split.folds"] == folds
