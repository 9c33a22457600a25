"""A class that training never sees."""

import numpy as np
import pytest

from osler.core.errors import PlanError
from osler.core.split import Split
from osler.core.target import Target
from osler.generation.representation.holdout import NAME, left_out

NONE = np.empty(0, np.int64)
SPLIT = Split(np.arange(6), np.arange(6, 9), NONE, np.arange(9, 12), (), "drawn")


def target(**info):
    values = np.array([0, 1, 2, 0, 1, np.nan, 0, 1, 2, 0, 1, 2.0])[:, None]
    kinds = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c"]], **info}
    return Target(values, np.isfinite(values), kinds)


def test_no_case_of_the_class_is_in_training_or_tune_and_test_keeps_it():
    found = left_out(SPLIT, target=target(), settings={NAME: "c"})
    assert found.training.tolist() == [0, 1, 3, 4, 5]
    assert found.tune.tolist() == [6, 7]
    assert found.test is SPLIT.test
    assert found.folds[0].training is found.training
    assert found.how == "drawn; 2 cases of the held-out class are left out of training"


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
    values = np.array([1.0, 0.0, 1.0])[:, None]
    known = Target(
        values, np.isfinite(values), {"kind": "binary", "names": ["y"], "classes": [["case", "control"]], "positive": "case"}
    )
    split = Split(np.arange(3), NONE, NONE, NONE, (), "drawn")
    assert left_out(split, target=known, settings={NAME: "case"}).training.tolist() == [1]
    assert left_out(split, target=known, settings={NAME: "control"}).training.tolist() == [0, 2]
