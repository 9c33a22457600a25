"""Cells become classes, the same ones from whatever file they came."""

import csv

import numpy as np
import pytest

from osler.core.errors import StudyError
from osler.tasks.classification import Classification
from osler.tasks.labels import canonical, coded, in_order, positive_of, safe_names
from osler.tasks.regression import Regression


@pytest.mark.parametrize("value", ["1", " 1.0 ", 1, 1.0, True, np.True_, np.float32(1), np.int8(1), "TRUE", "01", "1e0"])
def test_one_is_one_in_every_spelling(value):
    assert canonical(value) == "1"


@pytest.mark.parametrize("value", [None, float("nan"), "", "  ", "NA", "n/a", "NULL", "?", "."])
def test_empty_cells_are_no_class(value):
    assert canonical(value) is None


def test_texts_that_only_look_like_numbers_keep_their_form():
    assert [canonical(t) for t in ("1_0", "inf", "1e999", "0x1", "12345678901234567890")] == [
        "1_0", "inf", "1e999", "0x1", "12345678901234567890",
    ]  # fmt: skip


def test_typed_and_textual_columns_have_the_same_codes():
    typed, texts = coded(np.array([0.0, 1.0, np.nan, 2.5]))
    textual, others = coded(np.array(["0", "1.0", None, "2.50"], object))
    assert [texts[c] if c >= 0 else None for c in typed] == [others[c] if c >= 0 else None for c in textual]


def test_cells_that_cannot_be_keys_are_classes_too():
    codes, texts = coded(_with_lists())
    assert texts == ["[1]", "a"]
    assert codes.tolist() == [0, 1, 0]


def _with_lists():
    column = np.empty(3, object)
    column[0], column[1], column[2] = [1], "a", [1]
    return column


def test_order_is_by_number_then_by_text():
    assert in_order(["b", "10", "9", "A", "-1", "2.5"]) == ["-1", "2.5", "9", "10", "A", "b"]


@pytest.mark.parametrize(
    ("pair", "positive"),
    [
        (["0", "1"], "1"),
        (["1", "2"], "2"),
        (["-1", "1"], "1"),
        (["benign", "malignant"], "malignant"),
        (["case", "control"], "case"),
        (["Alive", "Dead"], "Dead"),
        (["dead", "lost"], "dead"),
        (["no", "yes"], "yes"),
        (["恶性", "良性"], "恶性"),
        (["left", "right"], "right"),
    ],
)
def test_the_positive_class_is_told_by_its_name(pair, positive):
    assert positive_of(pair) == positive


def test_safe_names_are_distinct_and_plain():
    names = safe_names(["a b", "a/b", "a\x00b", "", "=cmd|x", "é" * 100, "阳性"])
    assert len(set(names)) == len(names)
    assert names[-1] == "阳性"
    assert all(len(n) <= 60 and not set(n) & set(" /=|\x00,\"'\n") for n in names)


# classification -------------------------------------------------------------------------------------------------------


def texts(*groups):
    return np.array([value for value, times in groups for _ in range(times)], object)


def test_binary_target_codes_the_positive_class_as_one():
    target, refused = Classification().target({"kind": texts(("case", 6), ("control", 7), (None, 2))})
    assert target.info == {"kind": "binary", "names": ["kind"], "classes": [["case", "control"]], "positive": "case"}
    assert target.values[:13, 0].tolist() == [1.0] * 6 + [0.0] * 7
    assert {row: r.code for row, r in refused.items()} == {13: "no_target", 14: "no_target"}
    assert not target.observed[13:].any()


def test_rare_classes_are_refused_without_their_names():
    target, refused = Classification().target({"stage": texts(("I", 9), ("II", 8), ("III", 5), ("Secret", 4))})
    assert target.info["classes"] == [["I", "II", "III"]]
    assert target.info["kind"] == "multiclass"
    assert sorted(refused) == [22, 23, 24, 25]
    assert {str(r) for r in refused.values()} == {"rare_class: column 'stage': a class in fewer than 5 cases"}


def test_what_a_bundle_does_not_know_is_refused():
    task = Classification()
    trained, _ = task.target({"y": texts(("0", 6), ("1", 6))})
    target, refused = task.target({"y": np.array([1.0, 2.0, np.nan, 0.0])}, info=trained.info)
    assert {row: r.code for row, r in refused.items()} == {1: "unknown_class", 2: "no_target"}
    np.testing.assert_array_equal(target.values[:, 0], [1.0, np.nan, np.nan, 0.0])


def test_a_bundle_meets_one_class_only_without_complaint():
    task = Classification()
    trained, _ = task.target({"y": texts(("no", 6), ("yes", 6))})
    target, refused = task.target({"y": texts(("yes", 2))}, info=trained.info)
    assert target.values[:, 0].tolist() == [1.0, 1.0]
    assert not refused


def test_multilabel_keeps_rows_of_which_a_label_is_known():
    columns = {"a": texts(("1", 6), ("0", 6), (None, 2)), "b": texts(("x", 5), (None, 2), ("y", 6), (None, 1))}
    target, refused = Classification().target(columns)
    assert target.info["kind"] == "multilabel"
    assert target.info["positive"] == ["1", "y"]
    assert list(refused) == [13]
    assert target.observed.sum(axis=0).tolist() == [12, 11]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"y": texts(("a", 10))}, "'y' has one class only"),
        ({"y": texts((None, 10))}, "'y' is missing in every row"),
        ({"y": np.full(4, np.nan)}, "'y' is missing in every row"),
        ({"y": texts(("a", 10), ("b", 3))}, "'y' has 1 class in at least 5 of its 13 rows"),
        ({"y": np.array([f"name {i}" for i in range(50)], object)}, "free text or a number rather than a class"),
        ({"y": np.repeat(np.arange(101.0), 5)}, "101 classes, at most 100"),
        ({"y": texts(("a", 9), ("b", 9)), "z": texts(("a", 6), ("b", 6), ("c", 6))}, "of several targets each must have two"),
        ({}, "needs a target column"),
    ],
)
def test_columns_that_are_no_classes_are_told_so(columns, words):
    with pytest.raises(StudyError, match=words):
        Classification().target(columns)


def test_all_faults_of_all_targets_are_told_together():
    with pytest.raises(StudyError, match="2 faults") as told:
        Classification().target({"y": texts(("a", 9)), "z": texts((None, 9))})
    assert "Secret" not in str(told.value)


def test_a_missing_target_column_gets_the_near_miss():
    info = {"kind": "binary", "names": ["outcome"], "classes": [["0", "1"]], "positive": "1"}
    with pytest.raises(StudyError, match="no target column 'outcome'; did you mean 'Outcome'"):
        Classification().target({"Outcome": np.zeros(3)}, info=info)


# regression -----------------------------------------------------------------------------------------------------------


def test_numbers_that_cannot_be_read_are_refused_without_being_quoted():
    column = np.array(["1.5", "12 mg", None, "inf", " 2 ", True], object)
    target, refused = Regression().target({"dose": column})
    assert {row: str(r) for row, r in refused.items()} == {
        1: "bad_number: column 'dose': not a finite number",
        2: "no_target: column 'dose': the target is missing",
        3: "bad_number: column 'dose': not a finite number",
    }
    np.testing.assert_array_equal(target.values[:, 0], [1.5, np.nan, np.nan, np.nan, 2.0, 1.0])


def test_one_of_several_numbers_is_enough():
    target, refused = Regression().target({"a": np.array([1.0, 2, np.nan, 3]), "b": np.array([np.nan, 1, np.nan, 2])})
    assert list(refused) == [2]
    assert target.observed.tolist() == [[True, False], [True, True], [False, False], [True, True]]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (np.full(5, np.nan), "missing in every row"),
        (np.full(5, 3.0), "the same value in every row"),
        (np.full(5, 1e9) + np.arange(5) * 1e-7, "the same value in every row"),
        (np.array(["a", "b"], object), "no number that can be read"),
    ],
)
def test_columns_that_are_no_numbers_to_predict_are_told_so(column, words):
    with pytest.raises(StudyError, match=words):
        Regression().target({"y": column})


def test_a_bundle_meets_a_constant_outcome_without_complaint():
    target, refused = Regression().target({"y": np.full(5, 3.0)}, info={"kind": "regression", "names": ["y"]})
    assert len(target) == 5
    assert not refused


# real tables ----------------------------------------------------------------------------------------------------------


def column_texts(path, names):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([row[name] or None for row in rows], object) for name in names}


def test_tox21_has_twelve_labels_with_gaps(data):
    path = data / "molecules" / "moleculenet" / "tox21.csv"
    with path.open(newline="") as file:
        names = next(csv.reader(file))[:12]
    target, refused = Classification().target(column_texts(path, names))
    assert target.info["kind"] == "multilabel"
    assert target.info["positive"] == ["1"] * 12
    assert 0.1 < 1 - target.observed.mean() < 0.3
    assert not refused
    assert len(np.unique(Classification().stratum(target))) <= 44


def test_support2_survival_time_is_a_number_and_no_class(data):
    columns = column_texts(data / "records" / "support2.csv", ["time", "event"])
    numbers, refused = Regression().target({"time": columns["time"]})
    assert not refused
    assert np.bincount(Regression().stratum(numbers)).min() > 700
    events, _ = Classification().target({"event": columns["event"]})
    assert events.info["classes"] == [["0", "1"]]
    with pytest.raises(StudyError, match="use --task regression"):
        Classification().target({"time": columns["time"]})


# strata ---------------------------------------------------------------------------------------------------------------


def test_strata_are_classes_label_sets_and_tenths():
    task = Classification()
    binary, _ = task.target({"y": texts(("0", 6), ("1", 6))})
    assert task.stratum(binary).tolist() == [0] * 6 + [1] * 6
    generator = np.random.default_rng(0)
    many, _ = task.target({f"l{i}": (generator.random(3000) < 0.3).astype(float) for i in range(12)})
    strata = task.stratum(many)
    assert 32 < len(np.unique(strata)) <= 32 + 12
    numbers, _ = Regression().target({"y": generator.normal(size=1000)})
    assert np.bincount(Regression().stratum(numbers)).tolist() == [100] * 10
