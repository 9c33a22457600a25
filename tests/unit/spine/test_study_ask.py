"""A study completed from its table: what is guessed is said, and what contradicts itself is told together."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from osler.contract import Modality
from osler.core.errors import StudyError
from osler.core.study import Input, Roles
from osler.core.table import Table
from osler.modalities.tables import Tables
from osler.modalities.timelines import Timelines
from osler.spine.study import Request, ask

TABLES = {"tables": Tables()}


class Pictures(Modality):
    """A modality that knows its cells."""

    name = "images"

    def recognises(self, cells):
        assert 0 < len(cells) <= 200
        return float(np.mean([c.endswith(".png") for c in cells]))

    def locate(self, table, *, columns, aligned=()):
        return table.rows.column(columns[0]).to_pylist()  # without paths: there is no file to look for


def asked(columns, *, modalities=TABLES, **flags):
    table = columns if isinstance(columns, Table) else Table(pa.table(columns), Path("folder"))
    return ask(Request(Path("folder/t.csv"), **flags), table=table, modalities=modalities)


def text_table(path):
    """Return a CSV file as the scan gives it: every cell a string, null where empty."""
    names = pa.csv.open_csv(path).schema.names
    options = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""])
    return Table(pa.csv.read_csv(path, convert_options=options), path.parent)


PLAIN = {"age": ["1", "2", "3", "4"] * 5, "sex": ["m", "f"] * 10, "outcome": ["0", "1"] * 10}


# real tables ----------------------------------------------------------------------------------------------------------


def test_support2(data):
    study = asked(text_table(data / "records/support2.csv"), target=("event",))
    assert study.task == "classification"
    assert study.roles == Roles(id="pid")
    (one,) = study.inputs
    assert (one.name, one.modality, len(one.columns)) == ("table", "tables", 36)
    assert not {"event", "pid"} & set(one.columns)
    assert "Target 'event' holds classes: the task is classification." in study.notes
    assert asked(text_table(data / "records/support2.csv"), target=("num_age",)).task == "regression"


def test_admissions_stay_with_their_patient(data):
    study = asked(text_table(data / "records/mimic3demo/ADMISSIONS.csv.gz"), target=("hospital_expire_flag",))
    assert study.roles == Roles(id="row_id", group="subject_id")
    assert any("'subject_id' repeats and is named like a patient" in note for note in study.notes)


def test_rows_of_one_subject_s_events_stay_together(data):
    table = text_table(data / "records/mimic3demo/ADMISSIONS.csv.gz")
    table = Table(table.rows.rename_columns([{"subject_id": "whose"}.get(c, c) for c in table.columns]), table.folder)
    kinds = {**TABLES, "timelines": Timelines()}
    events = ("events=timelines:whose,admittime",)
    study = asked(table, modalities=kinds, target=("hospital_expire_flag",), inputs=events)
    assert study.roles.group == "whose"
    assert any("'whose' names whose events a row sees" in note for note in study.notes)
    assert not any("No column tells which rows" in note for note in study.notes)
    study = asked(table, modalities=kinds, target=("hospital_expire_flag",), inputs=events, group="hadm_id")
    assert study.roles.group == "hadm_id"


def test_stays_with_events_stay_with_their_patient():
    rows = {"stay": [str(n // 2) for n in range(60)], "patient": [str(n // 4) for n in range(60)], "died": ["0", "1"] * 30}
    kinds = {**TABLES, "timelines": Timelines()}
    study = asked(rows, modalities=kinds, target=("died",), inputs=("events=timelines:stay",))
    assert study.roles.group == "patient"


def test_scikit_learn_sets():
    for load, task in ((load_breast_cancer, "classification"), (load_diabetes, "regression")):
        frame = load()
        table = Table(pa.table([*frame.data.T, frame.target], [*frame.feature_names, "target"]), Path("x"))
        study = asked(table, target=("target",))
        assert (study.task, study.roles, len(study.inputs[0].columns)) == (task, Roles(), frame.data.shape[1])


# the target -----------------------------------------------------------------------------------------------------------


def test_likely_targets_are_named():
    with pytest.raises(StudyError, match=r"no target: say with --target .*; by their names it may be 'outcome'"):
        asked(PLAIN)
    with pytest.raises(StudyError, match="it may be 'in_hospital_death', 'Diagnosis'"):
        asked({"Diagnosis": ["a"], "age": ["1"], "in_hospital_death": ["0"]})
    with pytest.raises(StudyError, match=r"no target: .*; known: 'age', 'sex'"):
        asked({"age": ["1"], "sex": ["m"]})


@pytest.mark.parametrize(
    ("cells", "task"),
    [
        (["yes", "no", None] * 9, "classification"),
        ([str(i % 5) for i in range(90)], "classification"),
        ([str(i) for i in range(90)], "regression"),
        ([str(i / 7) for i in range(12)], "regression"),
        ([str(i / 2) for i in range(5)] * 9, "classification"),
        (["1,5", "2,5", "3,5", "4,5", "5,5", "6,5", "7,5"], "regression"),
        (["A", "B", "C"] * 9, "classification"),
        ([True, False] * 9, "classification"),
        (list(np.linspace(0, 1, 50)), "regression"),
        ([None, None], "classification"),
    ],
)
def test_task_by_target(cells, task):
    study = asked({"x": ["1"] * len(cells), "y": cells}, target=("y",))
    assert study.task == task
    assert any("the task is" in note for note in study.notes)


def test_task_by_several_targets():
    many = {"x": [1] * 60, "a": [0, 1] * 30, "b": ["yes", "no"] * 30, "c": list(range(60)), "d": [i / 7 for i in range(60)]}
    assert asked(many, target=("a", "b")).task == "classification"
    assert asked(many, target=("c", "d")).task == "regression"
    with pytest.raises(
        StudyError, match="the targets are not of one kind; say with --task which it is: 'classification', 'regression'"
    ):
        asked({**many, "e": ["u", "v", "w"] * 20}, target=("c", "e"))
    assert asked({**many, "e": ["u", "v", "w"] * 20}, target=("c", "e"), task="classification").task == "classification"


def test_a_given_task_is_not_guessed():
    study = asked(PLAIN, target=("age",), task="regression")
    assert study.task == "regression"
    assert not any("the task is" in note for note in study.notes)


# roles ----------------------------------------------------------------------------------------------------------------


def visits(**more):
    n = 60
    return {"x": [str(i % 9) for i in range(n)], "y": ["0", "1"] * (n // 2), **more}


def test_a_split_column():
    parts = (["train"] * 4 + ["val", "Test"]) * 10
    study = asked(visits(split=parts), target=("y",))
    assert study.roles.split == "split"
    assert study.inputs[0].columns == ("x",)
    assert any("'split' says which rows train and which test" in note for note in study.notes)


@pytest.mark.parametrize("cells", [["left", "right"] * 30, ["train"] * 60, ["test"] * 60, ["train", "test", "x"] * 20])
def test_a_column_that_only_is_called_split(cells):
    study = asked(visits(split=cells), target=("y",))
    assert study.roles.split is None
    assert "split" in study.inputs[0].columns


@pytest.mark.parametrize("name", ["patient_id", "PatientID", "subject_id", "patient", "MRN", "person id"])
def test_repeated_patients_are_the_group(name):
    study = asked(visits(**{name: [f"p{i // 3}" for i in range(60)]}), target=("y",))
    assert study.roles == Roles(group=name)
    assert name not in study.inputs[0].columns


def test_a_patient_in_each_row_names_the_cases():
    study = asked(visits(patient_id=list(range(60))), target=("y",))
    assert study.roles == Roles(id="patient_id")
    assert not any("same patient" in note for note in study.notes)


@pytest.mark.parametrize(
    "more",
    [
        {"patient": ["patient", "control"] * 30},  # a class, not a person
        {"dose": list(range(60))},  # differs from row to row, but is not named like an identifier
        {"visit_id": [1, 1, *range(58)]},  # named so, but repeats
        {"case_id": [None, *range(59)]},  # has holes
    ],
)
def test_what_is_no_role(more):
    study = asked(visits(**more), target=("y",))
    assert study.roles == Roles()
    assert set(more) <= set(study.inputs[0].columns)
    assert any("No column tells which rows belong to the same patient" in note for note in study.notes)


def test_given_roles_stand():
    table = visits(ward=["a", "b", "c"] * 20, patient_id=[f"p{i // 3}" for i in range(60)], w=["1"] * 60, day=["1"] * 60)
    study = asked(table, target=("y",), group="ward", id="patient_id", weight="w", time="day", subgroups=("ward", "x"))
    assert study.roles == Roles("patient_id", "ward", None, "w", "day", ("ward", "x"))
    assert study.inputs[0].columns == ("x",)


# inputs ---------------------------------------------------------------------------------------------------------------


def test_each_column_goes_where_it_is_known_best():
    table = {"age": ["1", "2"], "scan": ["a.png", None], "second": ["b.png", "c.png"], "empty": [None, None], "y": ["0", "1"]}
    study = asked(pa_texts(table), target=("y",), modalities={"images": Pictures(), **TABLES})
    assert study.inputs == (
        Input("table", "tables", ("age", "empty")),
        Input("scan", "images", ("scan",)),
        Input("second", "images", ("second",)),
    )
    assert "Input 'scan' is made of 'scan' and read as images." in study.notes


def pa_texts(columns):
    return {name: pa.array(cells, pa.string()) for name, cells in columns.items()}


def test_written_inputs():
    table = {"lab_a": [1], "lab_b": [2], "age": [3], "lab_y": [1], "id[1]": [5]}
    study = asked(table, target=("lab_y",), inputs=("labs=tables:lab_*", "rest=tables:id[1]"))
    assert [(i.name, i.columns) for i in study.inputs] == [("labs", ("lab_a", "lab_b")), ("rest", ("id[1]",))]
    assert "1 columns are in no input and are not used." in study.notes


def test_a_hundred_thousand_columns_take_no_time():
    n = 100_000
    table = Table(pa.table([pa.array([0.5, 1.5])] * n + [pa.array([0, 1])], [*(f"g{i}" for i in range(n)), "y"]), Path("x"))
    assert len(asked(table, target=("y",)).inputs[0].columns) == n
    assert len(asked(table, target=("y",), inputs=("genes=tables:g*",)).inputs[0].columns) == n


# faults ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"target": ("outcom",)}, r"target: the table has no column 'outcom'; did you mean 'outcome'\?"),
        ({"group": "patient"}, "group: the table has no column 'patient'"),
        ({"subgroups": ("sexx",)}, r"subgroups: the table has no column 'sexx'; did you mean 'sex'\?"),
        ({"task": "clasification"}, r"no task 'clasification'; did you mean 'classification'\?"),
        ({"group": "outcome"}, "'outcome' cannot be the target and the group at once"),
        ({"group": "sex", "split": "sex"}, "'sex' cannot be the group and the split at once"),
        ({"subgroups": ("outcome",)}, "'outcome' is the target; scores within its own values say nothing"),
        ({"target": ("outcome", "outcome")}, "target: 'outcome' is named twice"),
        ({"inputs": ("a=tabels:age",)}, r"input 'a': no modality 'tabels'; did you mean 'tables'\?"),
        ({"inputs": ("a=tables:agee",)}, r"input 'a': the table has no column 'agee'; did you mean 'age'\?"),
        ({"inputs": ("a=tables:z*",)}, r"input 'a': the table has no column 'z\*'"),
        ({"inputs": ("a=tables:age,outcome",)}, "input 'a': 'outcome' is the target and cannot be an input too"),
        ({"inputs": ("a=tables:age,sex",), "group": "sex"}, "input 'a': 'sex' is the group and cannot be an input too"),
        ({"inputs": ("a=tables:out*",)}, r"input 'a': 'out\*' matches nothing but the target and columns with a role"),
        ({"inputs": ("a=tables:age", "b=tables:a*")}, "column 'age' is in the inputs 'a' and 'b'"),
    ],
)
def test_refused(flags, message):
    with pytest.raises(StudyError, match=message):
        asked(PLAIN, **{"target": ("outcome",), **flags})


def test_all_faults_are_told_together():
    with pytest.raises(StudyError) as caught:
        asked(PLAIN, task="x", group="patient", weight="outcome", target=("outcome",), inputs=("a=b:zz",))
    assert len(caught.value.faults) == 5


def test_a_case_id_may_be_its_group():
    assert asked(visits(n=list(range(60))), target=("y",), id="n", group="n").roles == Roles("n", "n")


def test_empty_tables():
    with pytest.raises(StudyError, match="a header and no rows"):
        asked({"a": pa.array([], pa.string()), "y": pa.array([], pa.string())}, target=("y",))
    with pytest.raises(StudyError, match="the table has no columns"):
        asked({}, target=("y",))
    with pytest.raises(StudyError, match="nothing is left to predict from"):
        asked({"y": ["0", "1"]}, target=("y",))


def test_what_was_asked_arrives():
    study = asked(
        PLAIN, target=("outcome",), budget="90s", seed=5, settings=("fit.epochs=3",), leaks="allow", language="zh", title="T"
    )
    assert (study.budget, study.seed, dict(study.settings)) == (1.5, 5, {"fit.epochs": 3})
    assert (study.leaks, study.language, study.title) == ("allow", "zh", "T")
    assert (study.table, study.folder) == (Path("folder/t.csv"), Path("folder"))


# folds, repeats, sites ------------------------------------------------------------------------------------------------

SITES = {**PLAIN, "site": ["a", "b"] * 10, "split": ["train", "test"] * 10}


def test_folds_and_sites_are_asked_for():
    study = asked(PLAIN, target=("outcome",), folds=5, repeats=3)
    assert (study.folds, study.repeats, study.resampled) == (5, 3, True)
    study = asked(SITES, target=("outcome",), leave_out="site", refit=True)
    assert (study.roles.leave_out, study.refit, study.resampled) == ("site", True, True)
    assert "site" not in study.inputs[0].columns
    assert not asked(PLAIN, target=("outcome",)).resampled


def test_a_guessed_split_gives_way_to_folds_and_is_no_input():
    study = asked(SITES, target=("outcome",), folds=2)
    assert "split" not in study.inputs[0].columns
    assert "Column 'split' says which rows train and which test. It is set aside, as every case is tested in turn." in study.notes


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"folds": 1}, "1 folds cannot be; from 2"),
        ({"folds": 101}, "101 folds cannot be"),
        ({"folds": 3, "repeats": 0}, "0 repeats cannot be; from 1"),
        ({"repeats": 2}, "there is nothing to repeat; give folds too"),
        ({"folds": 40, "repeats": 3}, "40 folds 3 times are more than 100 trainings"),
        ({"folds": 3, "leave_out": "site"}, "folds and leave_out each say which cases are tested in turn"),
        ({"leave_out": "site", "repeats": 2}, "leaving out each value of a column has one way to be done"),
        ({"leave_out": "sit"}, "leave_out: the table has no column 'sit'; did you mean 'site'"),
        ({"leave_out": "outcome"}, "'outcome' cannot be the target and the leave_out at once"),
        ({"folds": 3, "split": "split"}, "split and folds contradict each other"),
        ({"leave_out": "site", "time": "age"}, "time and leave_out contradict each other"),
        ({"folds": 3, "settings": ("split.test=0.3",)}, "set split.test: with folds there is no single test"),
        ({"leave_out": "site", "inputs": ("x=tables:site,age",)}, "'site' is the leave_out and cannot be an input too"),
    ],
)
def test_what_contradicts_folds_or_sites_is_refused(flags, told):
    with pytest.raises(StudyError, match=told):
        asked(SITES, target=("outcome",), **flags)


def test_sites_may_be_the_groups():
    assert asked(SITES, target=("outcome",), group="site", leave_out="site").roles.group == "site"


# columns left out -----------------------------------------------------------------------------------------------------


def test_excluded_columns_are_in_no_input():
    study = asked(PLAIN, target=("outcome",), exclude=("a*",))
    assert study.inputs[0].columns == ("sex",)
    assert "Left out as asked: 'a*'." in study.notes
    written = asked({**PLAIN, "late": ["1"] * 20}, target=("outcome",), inputs=("all=tables:*",), exclude=("late",))
    assert written.inputs[0].columns == ("age", "sex")


def test_a_column_named_with_a_star_is_meant_by_its_name():
    study = asked({**PLAIN, "a*": ["1", "2"] * 10}, target=("outcome",), exclude=("a*",))
    assert study.inputs[0].columns == ("age", "sex")


def test_an_excluded_column_may_still_hold_a_role():
    columns = {"patient_id": [f"p{n // 2}" for n in range(40)], **{k: v * 2 for k, v in PLAIN.items()}}
    assert asked(columns, target=("outcome",), exclude=("patient_id",)).roles.group == "patient_id"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"exclude": ("agee",)}, "exclude: the table has no column 'agee'; did you mean 'age'"),
        ({"exclude": ("outcome",)}, "exclude: 'outcome' is the target and is no input anyway"),
        ({"exclude": ("age", "sex")}, "every column is target or role or excluded"),
        ({"exclude": ("age",), "inputs": ("a=tables:age", "b=tables:sex")}, "input 'a': every column of it is excluded"),
    ],
)
def test_what_cannot_be_excluded(flags, message):
    with pytest.raises(StudyError, match=message):
        asked(PLAIN, target=("outcome",), **flags)


def test_a_column_that_names_files_none_of_which_is_there_is_left_out(tmp_path):
    from osler.modalities.images import Images

    columns = {**PLAIN, "file": [f"scan{number}.png" for number in range(20)]}
    kinds = {**TABLES, "images": Images()}
    study = asked(Table(pa.table(columns), tmp_path), modalities=kinds, target=("outcome",))
    assert [one.modality for one in study.inputs] == ["tables"]
    assert "Column 'file' names files of images, none of which is there: it is left out." in study.notes
    (tmp_path / "scan3.png").write_bytes(b"x")
    study = asked(Table(pa.table(columns), tmp_path), modalities=kinds, target=("outcome",))
    assert [one.modality for one in study.inputs] == ["tables", "images"]
