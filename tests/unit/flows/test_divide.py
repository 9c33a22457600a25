"""How cases are divided, by the time that each training has."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from osler.contract import Modality
from osler.core.study import Roles, Study
from osler.flows import divide
from osler.flows.cases import gather_cases
from osler.flows.divide import split_and_find, split_plan
from osler.flows.opening import open_study
from osler.spine.study import Request


class Many(Modality):
    """A kind of data that is cross-fitted up to ten thousand groups."""

    small = 10_000

    def split_keys(self, columns):
        return {}


@pytest.mark.parametrize(
    ("asked", "many", "folds"),
    [
        ({}, 2, 5),
        ({}, 8, 5),
        ({}, 1, 1),
        ({"budget": 20.0}, 1, 5),
        ({"refit": True}, 2, 1),
        ({"folds": 2}, 2, 1),
        ({"folds": 2, "budget": 30.0}, 2, 5),
        ({"folds": 2, "repeats": 2, "budget": 30.0}, 2, 1),
        ({"roles": Roles(leave_out="site"), "budget": 600.0}, 2, 1),
    ],
)
def test_members_are_cross_fitted_where_there_is_time_in_each_of_the_trainings_that_share_the_budget(
    monkeypatch, asked, many, folds
):
    """6,000 groups want ten minutes of two processors."""
    monkeypatch.setattr(divide, "processors", lambda: many)
    study = Study(Path(), Path(), ("y",), "classification", (), **{"roles": Roles(), "budget": 10.0, **asked})
    cases = SimpleNamespace(
        task=SimpleNamespace(crossfits=True),
        study=study, groups=np.arange(6_000), usable=np.arange(6_000), modalities={"events": Many()}, columns={"events": None},
        anchor=None,
    )  # fmt: skip
    assert split_plan(cases)["split.folds"] == folds


SCAFFOLDS = ("c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CCNCC1", "c1ccc2ccccc2c1", "c1ccsc1", "C1CCOC1", "c1ccoc1")


def molecules(tmp_path, *, settings=(), inputs=("drug=molecules:smiles",)):
    """Return cases of 96 molecules over eight scaffolds, each also as a salt."""
    lines = ["smiles,age,active"]
    for number in range(48):
        base = f"{'C' * (number // 8 + 1)}N{SCAFFOLDS[number % 8]}"
        lines += [f"{base},{number},{number % 2}", f"{base}.Cl,{number + 50},{number % 2}"]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    request = Request(tmp_path / "table.csv", target=("active",), task="classification", inputs=inputs, settings=settings)
    study, table = open_study(request, cache=tmp_path / "cache")
    return gather_cases(study, table, cache=tmp_path / "cache")


@pytest.mark.parametrize("by", ["molecule", "scaffold", "cluster"])
def test_molecules_of_one_key_stay_in_one_part(tmp_path, by):
    cases = molecules(tmp_path, settings=() if by == "molecule" else (f"split.by={by}",))
    split, plan, leaks = split_and_find(cases)
    keys = cases.modalities["drug"].split_keys(cases.columns["drug"])[by]
    assert plan["split.by"] == by
    assert not set(keys[split.test]) & set(keys[split.development])
    assert [leak for leak in leaks if leak.severity == "stop"] == []


def test_by_group_alone_a_salt_is_found_on_both_sides(tmp_path):
    _, plan, leaks = split_and_find(molecules(tmp_path, settings=("split.by=group",)))
    assert plan["split.by"] == "group"
    assert "same-molecule" in {leak.kind for leak in leaks if leak.severity == "stop"}


def test_beside_other_inputs_the_group_alone_is_kept_and_a_shared_drug_is_a_warning(tmp_path):
    cases = molecules(tmp_path, inputs=("drug=molecules:smiles", "table=tables:age"))
    _, plan, leaks = split_and_find(cases)
    assert plan["split.by"] == "group"
    assert {leak.severity for leak in leaks if leak.kind == "same-molecule"} == {"warn"}
