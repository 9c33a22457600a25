"""A class that training never sees."""

import numpy as np
import pytest

from osler.core.errors import PlanError
from osler.core.split import Split
from osler.core.target import Target
from osler.generation.representation.holdout import NAME, left_out

NONE = np.empty(0, np.int64)
SPLIT = Split(np.arange(24), np.arange(24, 36), NONE, np.arange(36, 48), (), "drawn")


def target(**info):
    values = np.resize([0, 1, 2, 0, 1, np.nan], 48)[:, None]
    kinds = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]], **info}
    return Target(values, np.isfinite(values), kinds)


def test_no_case_of_the_class_is_in_training_or_tune_and_test_keeps_it():
    found = left_out(SPLIT, target=target(), settings={NAME: "c"})
    assert found.training.tolist() == [row for row in range(24) if row % 6 != 2]
    assert found.tune.tolist() == [row for row in range(24, 36) if row % 6 != 2]
    assert found.test is SPLIT.test
    assert found.folds[0].training is found.training
    assert found.how == "drawn; 6 cases of the held-out class are left out of training"


def test_too_few_other_cases_are_told():
    few = Split(np.arange(12), np.arange(12, 18), NONE, np.arange(18, 48), (), "drawn")
    with pytest.raises(PlanError, match=r"'representation.holdout=a' leaves 12 cases to learn from, and at least 20 are wanted"):
        left_out(few, target=target(), settings={NAME: "a"})


@pytest.mark.parametrize("settings", [{}, {NAME: ""}, {NAME: None}])
def test_without_a_name_all_stay(settings):
    assert left_out(SPLIT, target=None, settings=settings) is SPLIT


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("cc", target(), r"cannot be 'cc': the label has no such class; did you mean 'c'\?"),
        ("c", None, r"names a class to keep out of training, and the study has no column of classes; name one with --target"),
        ("c", target(kind="regression"), r"the study has no column of classes"),
    ],
)
def test_what_cannot_be_kept_out_is_told(name, known, said):
    with pytest.raises(PlanError, match=said):
        left_out(SPLIT, target=known, settings={NAME: name})


def test_of_two_classes_the_positive_one_has_the_code_one():
    values = np.resize([1.0, 0.0], 60)[:, None]
    info = {"kind": "binary", "names": ["y"], "classes": [["case", "control"]], "positive": "case"}
    known = Target(values, np.isfinite(values), info)
    split = Split(np.arange(60), NONE, NONE, NONE, (), "drawn")
    assert left_out(split, target=known, settings={NAME: "case"}).training.tolist() == list(range(1, 60, 2))
    assert left_out(split, target=known, settings={NAME: "control"}).training.tolist() == list(range(0, 60, 2))
