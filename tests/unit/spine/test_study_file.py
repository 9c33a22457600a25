"""The study file: what it may say, what is refused, and that no bytes bring it down."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from osler.core.errors import StudyError
from osler.spine.study import Request, StudyFile, describe, table_path
from osler.spine.study.request import minutes

FULL = """
table: patients.csv
title: Death within 180 days
task: classification
target: died
inputs:
  labs: {modality: tables, columns: [lab_*, age], unit: SI}
id: row
group: patient
split: split
weight: w
time: admitted
subgroups: [sex, site]
budget: 2h
seed: 7
set: {fit.epochs: 20, inputs.labs.kinds: {age: number}}
language: zh
leaks: drop
"""


def written(folder, text):
    path = folder / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def described(folder, text, **flags):
    return describe(Request(written(folder, text), **flags))


def test_every_key(tmp_path):
    study = described(tmp_path, FULL)
    assert study.table == tmp_path.resolve() / "patients.csv"
    assert (study.title, study.task, study.target) == ("Death within 180 days", "classification", ("died",))
    assert study.inputs["labs"].modality == "tables"
    assert study.inputs["labs"].columns == ("lab_*", "age")
    assert dict(study.inputs["labs"].options) == {"unit": "SI"}
    roles = (study.id, study.group, study.split, study.weight, study.time, study.subgroups)
    assert roles == ("row", "patient", "split", "w", "admitted", ("sex", "site"))
    assert (study.budget, study.seed, study.language, study.leaks) == (120.0, 7, "zh", "drop")
    assert study.settings == {"fit.epochs": 20, "inputs.labs.kinds": {"age": "number"}}


def test_flags_lie_over_the_file(tmp_path):
    study = described(
        tmp_path,
        FULL,
        target=("age", "stay"),
        inputs=("all=tables:x,y*",),
        group="ward",
        budget="30s",
        seed=0,
        settings=("fit.epochs=5", "fit.rate=1e-3", "names=[a, b]"),
        leaks="stop",
    )
    assert study.target == ("age", "stay")
    assert {name: one.columns for name, one in study.inputs.items()} == {"all": ("x", "y*")}
    assert (study.group, study.budget, study.seed, study.leaks) == ("ward", 0.5, 0, "stop")
    assert study.settings["fit.epochs"] == 5
    assert study.settings["fit.rate"] == 0.001
    assert study.settings["names"] == ["a", "b"]
    assert "inputs.labs.kinds" in study.settings  # what the flags do not touch stays


def test_a_table_alone():
    request = Request(Path("patients.csv"), target=("died",))
    assert table_path(request) == Path("patients.csv")
    study = describe(request)
    assert (study.target, study.budget, study.seed, study.leaks, study.language) == (("died",), 10.0, 0, "stop", "en")


def test_table_path_of_a_study(tmp_path):
    assert table_path(Request(written(tmp_path, "table: sub/a.parquet"))) == tmp_path.resolve() / "sub/a.parquet"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("table: a.csv\ntaget: x", "no key 'taget' in a study; did you mean 'target'"),
        ("table: a.csv\nsettings: {}", "no key 'settings' in a study"),
        ("table: ../a.csv", "'table' leaves the folder of the study"),
        ("table: /etc/passwd", "'table' leaves the folder of the study"),
        ("table: sub/../../a.csv", "'table' leaves the folder of the study"),
        ('table: "a\\0b"', "'table' leaves the folder|cannot be read"),
        ("target: x", "'table' must be the path of a table, relative to the study; it is nothing"),
        ("table: 3", "'table' must be the path of a table, relative to the study; it is a int"),
        ("- a\n- b", "holds a list; wanted keys and values"),
        ("", "holds nothing; wanted keys and values"),
        ("table", "holds a str; wanted keys and values"),
        ("table: a\ntable: b", "line 2, column 1: the key 'table' stands twice"),
        ("table: a\nset: {x: 1, x: 2}", "the key 'x' stands twice"),
        ("table: a\n\ttarget: b", "indent with spaces, not tabs"),
        ("a: &a [1]\nb: [*a, *a]", "anchors and aliases"),
        ("table: !!python/object/apply:os.system [ls]", r"tags \(!\) are not read"),
        ("table: a\ntarget: yes", "'target': wanted a name or a list of names; it is a bool, put it in quotes"),
        ("table: a\nid: 1", "'id': wanted a valid string; what came is of the type int; put it in quotes"),
        ("table: a\nsubgroups: [a, 3]", "'subgroups.1': wanted a valid string"),
        ("table: a\nseed: -1", "'seed': wanted greater than or equal to 0"),
        ("table: a\nseed: 1.5", "'seed': wanted a valid integer"),
        ("table: a\nlanguage: fr", "'language': there is 'en' or 'zh', and what came is none of these"),
        ("table: a\nleaks: ignore", "'leaks': there is 'stop', 'drop' or 'allow'"),
        ("table: a\nbudget: 0", "budget: '0' is no time above 0; write 10m, 30s, 2h"),
        ("table: a\nbudget: [1]", "'budget': wanted a valid number"),
        ("table: a\nbudget: true", "'budget'"),
        ("table: a\nset: [1]", "'set': wanted a valid dictionary"),
        ("table: a\nset: {x: .inf}", "'set': a value is not a finite number"),
        ("table: a\nset: {x: 2020-01-01}", "'set': a value holds a date; put it in quotes"),
        ("table: a\nset: {x: {1: 2}}", "'set': a value has a key that is a int and not text"),
        ("table: a\n1: b", "the key 1 is a int and not text; put it in quotes"),
        ("table: a\ninputs: {a.b: {modality: tables, columns: x}}", "'a.b' is no name for an input"),
        ("table: a\ninputs: {a: {columns: x}}", "'inputs.a.modality' is missing"),
        ("table: a\ninputs: {a: {modality: tables, columns: []}}", "'inputs.a.columns'"),
        ("table: a\ninputs: {a: tables}", "'inputs.a'"),
        ("table: 2020-13-45", r"cannot be read \(ValueError\); put it in quotes"),
        (b"table: \xff\xfe", "not plain text in UTF-8"),
        ("table: a\nx: \x00", "not plain text in UTF-8"),
        ("table: a\nx: " + "[" * 50 + "]" * 50, "nested deeper than 16 levels"),
        ("table: [", "cannot be read at line 1"),
        ("# " + "x" * (1 << 20), r"at most 1,048,576 are read"),
    ],
)
def test_refused(tmp_path, text, message):
    with pytest.raises(StudyError, match=message):
        described(tmp_path, text)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (inside / "table.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(StudyError, match="'table' leaves the folder of the study"):
        described(inside, "table: table.csv")


def test_all_faults_are_told_together(tmp_path):
    with pytest.raises(StudyError) as caught:
        described(tmp_path, "table: ../a\ntaget: b\nseed: -1\nbudget: 0", inputs=("a=b",), settings=("x", "y=[1"))
    assert len(caught.value.faults) == 7
    assert str(caught.value).startswith("7 faults:")


def test_no_file(tmp_path):
    with pytest.raises(StudyError, match=r"the study 'none\.yaml' cannot be opened: No such file or directory"):
        describe(Request(tmp_path / "none.yaml"))
    (tmp_path / "folder.yml").mkdir()
    with pytest.raises(StudyError, match="cannot be opened: Is a directory"):
        describe(Request(tmp_path / "folder.yml"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"inputs": ("labs",)}, "input 'labs' is not written NAME=MODALITY:COLUMN,COLUMN"),
        ({"inputs": ("labs=tables:",)}, "is not written NAME=MODALITY:COLUMN,COLUMN"),
        ({"inputs": ("labs=tables: , ",)}, "is not written NAME=MODALITY:COLUMN,COLUMN"),
        ({"inputs": ("a=tables:x", "a=tables:y")}, "two inputs are called 'a'"),
        ({"settings": ("epochs",)}, "setting 'epochs' is not written DECISION=VALUE"),
        ({"settings": ("=3",)}, "setting '=3' is not written DECISION=VALUE"),
        ({"settings": ("a=[1",)}, "the value of setting 'a' cannot be read"),
        ({"settings": ("a=2020-01-01",)}, "the value of setting 'a' holds a date"),
        ({"settings": ("a=.nan",)}, "the value of setting 'a' is not a finite number"),
        ({"language": "de"}, "'language': there is 'en' or 'zh', and what came is none of these"),
        ({"leaks": "no"}, "'leaks': there is 'stop'"),
        ({"seed": -3}, "'seed': wanted greater than or equal to 0"),
    ],
)
def test_refused_flags(flags, message):
    with pytest.raises(StudyError, match=message):
        describe(Request(Path("a.csv"), **flags))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("10m", 10),
        ("30s", 0.5),
        ("2h", 120),
        ("1d", 1440),
        ("1.5 h", 90),
        (" 5min ", 5),
        ("7", 7),
        (7, 7),
        (0.25, 0.25),
        (".5", 0.5),
    ],
)
def test_budgets(written, value):
    assert minutes(written) == pytest.approx(value)


@pytest.mark.parametrize(
    "written", ["0", "0s", "-3", "-3m", "", "m", "ten", "1e5", "inf", "nan", "3 weeks", 0, -1, float("nan"), "9" * 400]
)
def test_no_budgets(written):
    with pytest.raises(StudyError, match="is no time above 0; write 10m, 30s, 2h"):
        minutes(written)


# anything at all ------------------------------------------------------------------------------------------------------

KEYS = st.sampled_from([*(f.alias or name for name, f in StudyFile.model_fields.items()), "taget", "modality", "columns"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates(), st.binary(max_size=4))
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4) | st.integers(), v, max_size=3)
)
QUIET = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def attempted(request):
    """Return what a request describes, or the faults that it is refused with; any other exception ends the test."""
    try:
        return describe(request), ()
    except StudyError as error:
        return None, error.faults


def survives(folder, content):
    study, faults = attempted(Request(written(folder, content)))
    if study is None:
        assert faults
        assert all(fault.strip() for fault in faults)
    else:
        assert study.table.is_relative_to(folder.resolve())


@QUIET
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda t: t.encode("utf-8", "surrogatepass")))
@example(b"\xef\xbb\xbftable: a.csv")
@example(b"table: a\n<<: {target: x}")
@example(b"table: a\n<<: 3")
@example(b"? [a, b]\n: c\ntable: a")
@example(b"? {a: b}\n: c\ntable: a")
@example(b"table: a\nseed: " + b"9" * 5000)
@example(b"table: a\nbudget: " + b"9" * 4000)
@example(b"table: a\nseed: 0b")
@example(b"table: a\nseed: 1:99:1")
@example(b"table: " + b"a" * 5000)
@example(b"table: a\n---\ntable: b")
@example(b"%YAML 9.9\n---\ntable: a")
@example(b"table: a\nx: !!binary x")
def test_any_bytes(tmp_path, content):
    survives(tmp_path, content)


@QUIET
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_any_values(tmp_path, content):
    survives(tmp_path, yaml.safe_dump(content, allow_unicode=True).encode("utf-8", "surrogatepass"))


@QUIET
@given(st.lists(st.text(max_size=30), max_size=3), st.lists(st.text(max_size=30), max_size=3), st.text(max_size=10))
def test_any_flags(inputs, sets, budget):
    study, faults = attempted(Request(Path("a.csv"), inputs=tuple(inputs), settings=tuple(sets), budget=budget))
    assert faults or study.budget > 0
