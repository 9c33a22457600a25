"""Studies of several inputs on the command line, with real data: cells of a whole input missing, files that cannot be read."""

import json

import numpy as np
import polars as pl
import pytest

import osler as library
from tests.journeys.command import SHORT, osler, refused

LABS = ["num_wblc", "num_pafi", "num_alb", "num_bili", "num_crea", "num_sod", "num_ph", "num_glucose", "num_bun", "num_urine"]
LATE = ["fac_sfdm2", "fac_dnr", "num_surv2m", "num_surv6m", "num_sps"]
INPUTS = ("--input", "person=tables:num_*,fac_*", "--input", "labs=tables:lab_*")
WORDS = (*SHORT, "--set", "split.folds=1", "--set", "explain.seconds=2")


def told(folder):
    return json.loads((folder / "scores.json").read_text())


def emptied(frame, where, names):
    gone = pl.Series(where)
    return frame.with_columns(pl.when(gone).then(None).otherwise(pl.col(c)).alias(c) for c in names)


@pytest.fixture(scope="module")
def support(data, home):
    """SUPPORT2, laboratory values apart and missing in a third of the rows."""
    folder = home / "several"
    folder.mkdir()
    table = pl.read_csv(data / "records" / "support2.csv", infer_schema_length=None).head(900)
    died = ((pl.col("time") <= 180) & (pl.col("event") == 1)).cast(pl.Int8)
    table = table.with_columns(died=died).drop("time", "event", *LATE).rename({c: c.replace("num_", "lab_") for c in LABS})
    labs = [c for c in table.columns if c.startswith("lab_")]
    emptied(table, np.arange(len(table)) % 3 == 0, labs).write_csv(folder / "s.csv")
    return folder


@pytest.fixture(scope="module")
def model(support):
    ended = osler("train", support / "s.csv", "--target", "died", *INPUTS, *WORDS, "--out", support / "m")
    assert ended.code == 0, ended.said
    return support / "m"


def test_the_report_tells_what_each_input_adds(model):
    inputs = {row["name"]: row for row in told(model)["inputs"]["rows"]}
    assert list(inputs) == ["person", "labs"]
    assert inputs["person"]["absent"] == 0
    assert inputs["labs"]["absent"] == pytest.approx((inputs["labs"]["present"] + inputs["labs"]["absent"]) / 3, abs=12)
    assert inputs["person"]["cases"] == inputs["labs"]["cases"] == inputs["labs"]["present"]
    gain = inputs["person"]["parts"]["bundle"]["auroc"]["gain"]
    assert gain["low"] < gain["value"] < gain["high"]
    page = (model / "report.html").read_text()
    assert "What each input adds" in page
    assert "a model trained without the input might do better" in page
    assert "Share of all attribution by input" in page


def test_a_patient_without_one_input_is_predicted_and_one_without_any_is_not(model, support):
    table = pl.read_csv(support / "s.csv").head(6)
    person, labs = ([c for c in table.columns if c.startswith(start)] for start in (("num_", "fac_"), "lab_"))
    table = emptied(table, [False, True, False, True, False, False], person)  # row 4 has no labs either
    table.write_csv(support / "new.csv")
    ended = osler("predict", model, support / "new.csv", "--out", support / "p.csv")
    assert ended.code == 0, ended.said
    assert "2 predictions were made without an input; the column 'without' names it" in ended.said
    lines = pl.read_csv(support / "p.csv").with_columns(pl.col("refused", "without").fill_null(""))
    assert lines["without"].to_list() == ["labs", "person", "", "", "", ""]
    assert lines["refused"].to_list() == ["", "", "", "no_input: every input is missing in this row", "", ""]
    chance = lines.select(pl.selectors.float()).to_numpy()[:, 0]
    assert np.isnan(chance).tolist() == [False, False, False, True, False, False]
    assert labs


def test_new_data_without_an_input_at_all_are_evaluated(model, support):
    table = pl.read_csv(support / "s.csv").tail(300)
    emptied(table, np.ones(300, bool), [c for c in table.columns if c.startswith("lab_")]).write_csv(support / "bare.csv")
    ended = osler("evaluate", model, support / "bare.csv", "--out", support / "e")
    assert ended.code == 0, ended.said
    inputs = {row["name"]: row for row in told(support / "e")["inputs"]["rows"]}
    assert (inputs["labs"]["present"], inputs["labs"]["absent"]) == (0, 300)
    assert inputs["labs"]["parts"] == inputs["person"]["parts"] == {}
    assert "What labs adds cannot be said" in (support / "e" / "report.html").read_text()


def test_a_case_is_explained_through_fusion(model, support):
    ended = osler("explain", model, support / "s.csv", "--row", "1", "--row", "2", "--out", support / "x")
    assert ended.code == 0, ended.said
    for case, lacks in zip(json.loads((support / "x" / "explanation.json").read_text())["cases"], (True, False), strict=True):
        answer = case["answers"][0]
        network = {f["name"]: f["attribution"]["network"] for f in answer["features"]}
        labs = [value for name, value in network.items() if name.startswith("labs.")]
        assert len(labs) == len(LABS)
        assert (np.abs(labs).max() == 0) == lacks
        total = sum(f["attribution"]["bundle"] for f in answer["features"])
        assert total == pytest.approx(answer["bundle"]["score"] - answer["bundle"]["reference"], abs=1e-2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--input", "a=tables:num_*", "--input", "a=tables:lab_*"), "two inputs are called 'a'"),
        (("--input", "a=tables:num_*", "--input", "b=tables:num_age"), "column 'num_age' is in the inputs 'a' and 'b'"),
        (("--input", "target=tables:num_*"), "'target' cannot be the name of an input"),
        (("--input", "a=table:num_*"), "no modality 'table'; did you mean 'tables'?"),
        (("--input", "a=tables:laboratory"), "input 'a': the table has no column 'laboratory'"),
        (("--input", "a=tables:died"), "input 'a': 'died' is the target and cannot be an input too"),
    ],
)  # fmt: skip
def test_inputs_that_cannot_be_are_refused(support, words, message):
    said = refused(osler("train", support / "s.csv", "--target", "died", *words, "--out", support / "no"))
    assert message in said


def test_an_input_that_no_row_has_is_refused(support):
    table = pl.read_csv(support / "s.csv")
    labs = [c for c in table.columns if c.startswith("lab_")]
    emptied(table, np.ones(len(table), bool), labs).write_csv(support / "none.csv")
    said = refused(osler("train", support / "none.csv", "--target", "died", *INPUTS, *WORDS, "--out", support / "no"))
    assert "input 'labs'" in said or "lab_" in said


@pytest.fixture(scope="module")
def lungs(data, home):
    """PneumoniaMNIST as files, with a column that tells of the outcome a little; some pictures missing, some broken."""
    image = pytest.importorskip("PIL.Image")
    folder = home / "lungs"
    (folder / "films").mkdir(parents=True)
    arrays = np.load(data / "images" / "pneumoniamnist.npz")
    generator = np.random.default_rng(0)
    rows = []
    for number in range(300):
        label = int(arrays["train_labels"][number, 0])
        name = f"films/{number}.png"
        image.fromarray(arrays["train_images"][number]).save(folder / name)
        if number % 25 == 7:
            (folder / name).write_bytes(b"torn")
        fever = round(float(generator.normal(37.2 + 0.8 * label, 0.7)), 1)
        rows.append({"film": None if number % 5 == 3 else name, "fever": fever, "age": int(generator.integers(1, 6)),
                     "pneumonia": ["no", "yes"][label]})  # fmt: skip
    pl.DataFrame(rows).write_csv(folder / "t.csv")
    return folder


def test_pictures_and_a_table_are_found_in_the_columns_and_a_broken_picture_is_no_obstacle(lungs):
    ended = osler("train", lungs / "t.csv", "--target", "pneumonia", *WORDS, "--out", lungs / "m")
    assert ended.code == 0, ended.said
    assert "Input 'table' is made of 'fever', 'age' and read as tables." in ended.said
    assert "Input 'film' is made of 'film' and read as images." in ended.said
    broken = sum(number % 25 == 7 and number % 5 != 3 for number in range(300))
    assert f"input 'film' cannot be read in {broken} rows, which go on without it: {broken} times format" in ended.said
    bundle = library.load(lungs / "m")
    assert bundle.contents.about["counts"]["refused"] == 0
    films = next(row for row in told(lungs / "m")["inputs"]["rows"] if row["name"] == "film")
    assert sum(films["unread"].values()) <= films["absent"]
    ended = osler("predict", lungs / "m", lungs / "t.csv", "--out", lungs / "p.csv")
    assert ended.code == 0, ended.said
    lines = pl.read_csv(lungs / "p.csv")
    without = lines["without"].fill_null("").to_list()
    assert without[7].startswith("film (format")
    assert without[3] == "film"
    assert sum(text != "" for text in without) == broken + 60
    assert set(lines["refused"].fill_null("")) == {""}
