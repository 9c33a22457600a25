"""Kinds of columns, from real tables and from cells that people write."""

import pickle
import time

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from sklearn.datasets import load_breast_cancer

from osler.core.errors import PlanError, Refusal, Refused, StudyError
from osler.core.table import Table
from osler.modalities.tables import Tables
from osler.modalities.tables.read import rows_of

TABLES = Tables()


def text_table(path):
    """Return a CSV file as the scan gives it: every cell a string, null where empty."""
    names = pa.csv.open_csv(path).schema.names
    options = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""])
    return Table(pa.csv.read_csv(path, convert_options=options), path.parent)


def table_of(tmp_path, **columns):
    return Table(pa.table(columns), tmp_path)


def read_kinds(table, **settings):
    decisions = {d.name: d for d in TABLES.reading(TABLES.locate(table, columns=table.columns), settings=settings)}
    return {name: d.value for name, d in decisions.items()}, decisions["kinds"].reason


# real tables ----------------------------------------------------------------------------------------------------------


def test_support2(data):
    reading, _ = read_kinds(text_table(data / "records/support2.csv"))
    kinds = reading["kinds"]
    assert kinds.pop("pid") == "identifier"
    # coded as 0 and 1, or a count: numbers in spite of their names
    assert {c for c, k in kinds.items() if k == "number" and c.startswith("fac_")} == {
        "fac_num_co",
        "fac_diabetes",
        "fac_dementia",
    }
    assert {k for c, k in kinds.items() if not c.startswith("fac_")} == {"number"}
    assert reading["left_out"] == {"pid": "a whole number that differs from row to row, named like an identifier"}


def test_dates_and_constants_of_mimic(data):
    reading, _ = read_kinds(text_table(data / "records/mimic3demo/PATIENTS.csv.gz"))
    kinds = reading["kinds"]
    assert [kinds[c] for c in ("dob", "dod", "dod_hosp", "dod_ssn")] == ["date"] * 4
    assert kinds["gender"] == "category"
    assert kinds["expire_flag"] == "constant"


def test_codes_that_look_like_numbers_stay_words(data):
    reading, _ = read_kinds(text_table(data / "records/mimic3demo/DIAGNOSES_ICD.csv.gz"))
    assert reading["kinds"]["icd9_code"] == "category"
    assert reading["kinds"]["subject_id"] == "number"  # it repeats: what it means is for the study to say


def test_titles_are_text(data):
    reading, _ = read_kinds(text_table(data / "records/mimic3demo/D_ICD_DIAGNOSES.csv.gz"))
    assert reading["kinds"]["long_title"] == "text"
    assert reading["left_out"]["long_title"] == "long text that mostly differs from row to row"


def test_seven_thousand_genes(data, tmp_path):
    rows = text_table(data / "genomes/golub/data_set_ALL_AML_train.csv").rows
    names = rows.column("Gene Accession Number").to_pylist()
    patients = [rows.column(c).to_pylist() for c in rows.column_names if c.isdigit()]
    table = Table(pa.table([pa.array(gene) for gene in zip(*patients, strict=True)], names), tmp_path)
    assert table.rows.shape == (38, 7129)
    start = time.perf_counter()
    reading, _ = read_kinds(table)
    assert time.perf_counter() - start < 10  # 0.4 s alone on one core
    assert set(reading["kinds"].values()) <= {"number", "constant"}


def test_typed_columns_keep_their_numbers(tmp_path):
    frame = load_breast_cancer()
    table = Table(pa.table(list(frame.data.T), list(frame.feature_names)), tmp_path)
    reading, _ = read_kinds(table)
    assert set(reading["kinds"].values()) == {"number"}


# how people write -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["yes", "No", "y", None, "NA"] * 5, "boolean"),
        (["TRUE", "False"] * 9, "boolean"),
        (["0", "1", "1", ""] * 5, "number"),
        (["1", "2", "<5", *["3"] * 57], "number"),
        (["1", "2", "<5", "haemolysed"] * 5, "category"),
        (["0010", "0250", "4019", "1234"] * 5, "category"),
        (["NA", "n/a", None, "", "."], "empty"),
        (["a"] * 20, "constant"),
        (["1", "1.0", " 1 "] * 5, "constant"),
        (["a", None] * 10, "category"),
        ([f"sample {i}" for i in range(30)], "identifier"),
        (["2020-02-29", "2021-03-01 12:30", None] * 5, "date"),
        (["31.12.1999", "01.01.2000"] * 5, "date"),
        (["5-Mar-2094", "12MAR1994"] * 5, "date"),
        (["13/04/2020", "03/04/2020"] * 5, "date"),
        (["03/04/2020", "05/06/2021", "05/06/2021"] * 5, "category"),
        (["2020-13-01", "x"] * 5, "category"),
        (["1,5", "2,25", "3"] * 5, "number"),
        (["1,234", "22,345"] * 5, "category"),
        (["1,234", "1,234,567"] * 5, "number"),
        (["inf", "1e99", "1", "2"] * 5, "category"),
    ],
)
def test_kind_of_cells(tmp_path, cells, kind):
    reading, _ = read_kinds(table_of(tmp_path, x=pa.array(cells, pa.string())))
    assert reading["kinds"] == {"x": kind}


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (pa.array([True, False, None] * 5), "boolean"),
        (pa.array([0, 1] * 5, pa.date32()), "date"),
        (pa.array([0, 1] * 5).cast(pa.timestamp("us", "UTC")), "date"),
        (pa.array(["a", "b", "a"] * 5).dictionary_encode(), "category"),
        (pa.array([1, 2] * 5).cast(pa.decimal128(25, 2)), "number"),
        (pa.array([1.0, float("nan")] * 5), "number"),
        (pa.array([7, 7, 7]), "constant"),
        (pa.array([[1], [2]]), "text"),
        (pa.array([b"a", b"b"]), "text"),
        (pa.nulls(5), "empty"),
    ],
)
def test_kind_of_typed_cells(tmp_path, cells, kind):
    reading, _ = read_kinds(table_of(tmp_path, x=cells))
    assert reading["kinds"] == {"x": kind}


def test_other_columns_tell_what_a_comma_means(tmp_path):
    """1,234 alone may be a thousand or a little more than one; beside 0,5 it is a little more than one."""
    alone = pa.array(["1,234", "22,345"] * 5)
    european, _ = read_kinds(table_of(tmp_path, x=alone, y=pa.array(["0,5", "1,75"] * 5)))
    american, _ = read_kinds(table_of(tmp_path, x=alone, y=pa.array(["1,234.5", "2"] * 5)))
    assert european["commas"] == {"x": "decimal", "y": "decimal"}
    assert american["commas"] == {"x": "thousands", "y": "thousands"}


def test_day_and_month_are_never_guessed(tmp_path):
    cells = pa.array([f"0{a}/0{b}/2020" for a in range(1, 8) for b in range(1, 8)])
    reading, _ = read_kinds(table_of(tmp_path, seen=cells))
    assert reading["kinds"] == {"seen": "identifier"}
    assert "do not show whether day or month comes first: set dates to dmy or mdy" in reading["left_out"]["seen"]
    told, _ = read_kinds(table_of(tmp_path, seen=cells), dates={"seen": "dmy"})
    assert (told["kinds"], told["dates"]) == ({"seen": "date"}, {"seen": "dmy"})


def test_a_million_categories_are_left_out(tmp_path):
    words = pa.array([f"c{i}" for i in range(1_000_000)])
    thrice = words.take(pa.array(np.repeat(np.arange(200_000), 3)))
    reading, _ = read_kinds(table_of(tmp_path, x=words))
    assert reading["left_out"] == {"x": "it differs from row to row"}
    reading, _ = read_kinds(table_of(tmp_path, x=thrice))
    assert reading["left_out"] == {"x": "more than 100,000 different values"}


def test_integers_that_differ_are_left_out_only_by_name(tmp_path):
    reading, _ = read_kinds(table_of(tmp_path, patient_id=list(range(100)), dose=list(range(100))))
    assert reading["kinds"] == {"patient_id": "identifier", "dose": "number"}


def test_values_of_decisions_do_not_change_with_one_more_row(tmp_path):
    """They are the key of every shard in the cache; counts stand in the reasons."""
    cells = ["1", "2", "<5", *["3"] * 57]
    first, said = read_kinds(table_of(tmp_path, x=cells))
    second, said_then = read_kinds(table_of(tmp_path, x=[*cells, "<5"]))
    assert first == second
    assert "'x' 1" in said
    assert "'x' 2" in said_then


def test_blocks_of_rows_count_as_one(tmp_path):
    """More rows than one block holds: a constant that ends in the last row, words that are new in each block."""
    n = 70_000
    table = table_of(
        tmp_path, almost=["a"] * n + ["b"], sex=["m", "f"] * (n // 2) + ["f"], code=[f"c{i % 50}" for i in range(n + 1)]
    )
    reading, _ = read_kinds(table)
    assert reading["kinds"] == {"almost": "category", "sex": "category", "code": "category"}


# settings -------------------------------------------------------------------------------------------------------------


def test_the_user_decides(tmp_path):
    reading, reason = read_kinds(table_of(tmp_path, a=["1", "2"] * 9, b=["x", "y"] * 9), kinds={"a": "category", "b": "text"})
    assert reading["kinds"] == {"a": "category", "b": "text"}
    assert reading["left_out"] == {"b": "set by the user"}
    assert "1 category" in reason


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kinds": {"agee": "number"}}, r"'kinds': no column 'agee' in this input; did you mean 'age'\?"),
        ({"kinds": {"age": "numbr"}}, r"'kinds': column 'age' cannot be 'numbr'; did you mean 'number'\?"),
        ({"kinds": ["age"]}, "'kinds' must map columns to one of 'number', .* it is a list"),
        ({"dates": {"age": "dym"}}, "'dates': column 'age' cannot be 'dym'"),
        ({"kinds": {"age": ["number"]}}, "column 'age' cannot be"),
    ],
)
def test_impossible_settings(tmp_path, settings, message):
    with pytest.raises(PlanError, match=message):
        read_kinds(table_of(tmp_path, age=["1", "2"]), **settings)


# locators -------------------------------------------------------------------------------------------------------------


def test_absent_columns_are_told_together(tmp_path):
    with pytest.raises(StudyError, match=r"(?s)no column 'agee'; did you mean 'age'\?.*no column 'zzz'; known: 'age'"):
        TABLES.locate(table_of(tmp_path, age=[1]), columns=["agee", "age", "zzz"])


def test_rows_in_a_file_travel_as_a_path(tmp_path):
    rows = pa.table({"a": list(range(100_000)), "b": ["x"] * 100_000})
    file = tmp_path / "rows.arrow"
    with pa.ipc.new_file(file, rows.schema) as sink:
        sink.write_table(rows, max_chunksize=999)
    locators = TABLES.locate(Table(rows, tmp_path, file=file), columns=["a"])
    part = pickle.loads(pickle.dumps(locators[5000:5003]))  # what a worker receives
    assert len(pickle.dumps(locators)) < 1000
    assert rows_of(part).to_pydict() == {"a": [5000, 5001, 5002]}
    assert rows_of(locators[-1]).to_pydict() == {"a": [99_999]}


def test_digest_sees_cells_and_not_how_they_are_kept(tmp_path):
    whole = pa.table({"a": ["x", None, "zz", "u"], "b": [1, 2, None, 4]})
    cut = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    digest = {
        name: TABLES.digest(TABLES.locate(Table(t, tmp_path), columns=["a", "b"]), file_digest=str)
        for name, t in {"whole": whole, "cut": cut, "other": whole.set_column(1, "b", [[1, 2, None, 5]])}.items()
    }
    assert digest["whole"] == digest["cut"] != digest["other"]
    locators = TABLES.locate(Table(whole, tmp_path), columns=["a", "b"])
    parts = {TABLES.digest(locators[i : i + 2], file_digest=str) for i in (0, 1, 2)}
    assert len(parts) == 3
    again = TABLES.locate(Table(whole.slice(1, 2), tmp_path), columns=["a", "b"])
    assert TABLES.digest(again, file_digest=str) == TABLES.digest(locators[1:3], file_digest=str)


def test_one_row_is_read_as_what_it_says(tmp_path):
    table = table_of(tmp_path, n=["1.50", "<5", "2"], b=["yes", "no", ""], d=["1970-01-11", None, "x"], c=["1.0", " u ", "NA"])
    reading = {"kinds": {"n": "number", "b": "boolean", "d": "date", "c": "category"}}
    cases = [TABLES.read(locator, reading=reading) for locator in TABLES.locate(table, columns=table.columns)]
    assert [case.cells for case in cases] == [
        {"n": 1.5, "b": 1.0, "d": 10.0, "c": "1"},
        {"n": None, "b": 0.0, "d": None, "c": "u"},
        {"n": 2.0, "b": None, "d": None, "c": None},
    ]
    assert [case.unreadable for case in cases] == [set(), {"n"}, {"d"}]


def test_a_garbled_row_is_refused(tmp_path):
    refusal = Refusal("garbled", "the line has 3 cells, the header 2")
    table = Table(pa.table({"a": ["1", None]}), tmp_path, refusals={1: refusal})
    with pytest.raises(Refused, match="garbled: the line has 3 cells, the header 2"):
        TABLES.read(TABLES.locate(table, columns=["a"])[1], reading={"kinds": {"a": "number"}})
