"""Leaks in a whole training, and drift in a whole evaluation."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from osler.core.errors import LeakError
from osler.core.watch import Watch
from osler.flows.divide import without_columns
from osler.flows.evaluate import evaluate
from osler.flows.predictor import load
from osler.flows.verbs import inspect, request_of, train
from osler.spine.study.file import describe

SETTINGS = {"fit.epochs": 2, "fit.members": 1, "fit.threads": 1, "split.folds": 2, "baseline.effort": 1}


def cells(rows=400, seed=0, **more):
    """Return a weak outcome `died` of `lactate` and `age`, a category, and `copies` of rows on both sides of a given split."""
    generator = np.random.default_rng(seed)
    lactate, age = generator.normal(2, 0.8, rows), generator.normal(60, 12, rows)
    died = (generator.random(rows) < 1 / (1 + np.exp(-2 * (lactate - 2)))).astype(int)
    ward = np.array(["north", "south"])[generator.integers(0, 2, rows)]
    return {"lactate": lactate, "age": age, "ward": ward, "died": died, **more}


def leaking(**more):
    table = cells(**more)
    return {**table, "dead_on": np.where(table["died"] == 1, 12.0, np.nan), "code": np.where(table["died"] == 1, "x", "y")}


def trained(folder, table, **asked):
    out = folder / "m"
    train(table, target="died", out=out, settings=SETTINGS, cache=folder / "cache", budget="1m", **asked)
    return out, json.loads((out / "scores.json").read_text())


def test_a_run_stops_and_names_every_column(tmp_path):
    with pytest.raises(LeakError, match=r"column 'dead_on'(.|\n)*column 'code'|column 'code'(.|\n)*column 'dead_on'") as error:
        trained(tmp_path, leaking())
    assert "--drop-leaks leaves the 2 columns out, --allow-leaks goes on" in str(error.value)
    assert not (tmp_path / "m").exists()


def test_excluded_columns_do_not_stop_it(tmp_path):
    out, _ = trained(tmp_path, leaking(), exclude=("dead_on", "code"))
    assert load(out).contents.about["inputs"][0]["columns"] == ["lactate", "age", "ward"]


def test_dropping_leaves_the_columns_out_of_the_inputs_and_says_so(tmp_path):
    out, scores = trained(tmp_path, leaking(), leaks="drop")
    predictor = load(out)
    assert predictor.contents.about["inputs"][0]["columns"] == ["lactate", "age", "ward"]
    assert len(predictor.predict({k: v for k, v in cells().items() if k != "died"})) == 400  # the columns are not asked for
    assert scores["test"]["auroc"]["value"] < 0.98
    assert "Columns that give the outcome away were left out of the inputs." in (out / "report.html").read_text()


def test_allowing_goes_on_and_says_so_first(tmp_path):
    out, scores = trained(tmp_path, leaking(), leaks="allow")
    assert scores["test"]["auroc"]["value"] > 0.98
    html = (out / "report.html").read_text()
    assert html.index("Columns that give the outcome away are among the inputs") < html.index("</header>")


def test_inspect_shows_what_would_stop(tmp_path):
    found = inspect(leaking(), target="died", settings=SETTINGS, cache=tmp_path)
    assert "'dead_on'" in found.stop
    dropped = inspect(leaking(), target="died", settings=SETTINGS, cache=tmp_path, leaks="drop")
    assert dropped.stop == ""
    assert dropped.study.inputs[0].columns == ("lactate", "age", "ward")
    assert {leak.column for leak in dropped.leaks} == {"dead_on", "code"}


def test_settings_of_dropped_columns_go_with_them(tmp_path):
    kinds = {"inputs.table.kinds": {"code": "category", "age": "number"}}
    request = request_of(leaking(), target="died", settings=kinds, cache=tmp_path, asked={})
    assert describe(request).settings == kinds
    found = inspect(leaking(), target="died", settings={**SETTINGS, **kinds}, cache=tmp_path, leaks="drop")
    assert found.study.settings["inputs.table.kinds"] == {"age": "number"}


def test_without_any_input_left_the_run_ends(tmp_path):
    study = inspect(cells(), target="died", settings=SETTINGS, cache=tmp_path).study
    with pytest.raises(LeakError, match="every input column gives the outcome away"):
        without_columns(study, study.inputs[0].columns)


def test_touched_test_cases_are_scored_apart(tmp_path):
    table = cells()
    part = np.array(["train"] * 280 + ["test"] * 120)
    for values in table.values():
        values[280:300] = values[:20]  # twenty patients of the test stand in training too
    out, scores = trained(tmp_path, {**table, "part": part}, split="part", leaks="drop")
    rows = {row["label"]: row for row in scores["panels"]["clean"]["rows"]}
    assert (rows["all test cases"]["cases"], rows["clean test cases"]["cases"]) == (120, 100)
    assert rows["all test cases"]["values"]["auroc"] == scores["test"]["auroc"]
    clean = rows["clean test cases"]["values"]["auroc"]
    assert clean["low"] < clean["value"] < clean["high"]
    assert load(out).contents.about["counts"]["training"] == 260


def test_the_clean_scores_are_those_of_the_clean_cases_alone(tmp_path):
    from sklearn.metrics import roc_auc_score

    table = cells()
    part = np.array(["train"] * 280 + ["test"] * 120)
    for values in table.values():
        values[280:300] = values[:20]
    out, scores = trained(tmp_path, {**table, "part": part}, split="part", leaks="allow")
    clean = {k: v[300:] for k, v in table.items()}
    chance = load(out).predict({k: v for k, v in clean.items() if k != "died"})["probability_1"].to_numpy()
    found = {row["label"]: row["values"]["auroc"]["value"] for row in scores["panels"]["clean"]["rows"]}
    assert found["clean test cases"] == pytest.approx(roc_auc_score(clean["died"], chance), abs=1e-6)


def test_a_clean_study_has_no_such_panel_and_a_judged_sample_size(tmp_path):
    _, scores = trained(tmp_path, cells())
    assert "clean" not in scores["panels"]
    assert scores["sample_size"]["parameters"] == 3
    assert scores["sample_size"]["development"]["cases"] + scores["sample_size"]["test"]["cases"] == 400


# new data -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("model"), cells(1200))[0]


class Heard(Watch):
    """Keeps what was said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def evaluated(bundle, folder, table):
    pl.DataFrame(table).write_csv(folder / "new.csv")
    heard = Heard()
    evaluate(bundle, folder / "new.csv", out=folder / "out", watch=heard)
    (line,) = [line for line in heard.lines if line.startswith("drift: ")]
    return line, json.loads((folder / "out" / "scores.json").read_text()), (folder / "out" / "report.html").read_text()


def test_patients_of_the_same_kind(bundle, tmp_path):
    line, scores, html = evaluated(bundle, tmp_path, cells(500, seed=1))
    assert line.startswith("drift: Of 3 input columns, 0 differ clearly from the training cases (500 new cases).")
    assert {s["finding"] for s in scores["drift"]["inputs"]["table"]} == {""}
    assert 'id="drift"' in html


def test_another_unit_is_said(bundle, tmp_path):
    table = cells(500, seed=1)
    table["lactate"] = table["lactate"] * 10
    line, scores, html = evaluated(bundle, tmp_path, table)
    assert "10 times as much: probably another unit" in line
    assert "10 times as much: probably another unit" in html
    assert scores["drift"]["inputs"]["table"][0]["detail"] == {"times": "10", "unit": ""}


def test_another_type_of_column_is_said(bundle, tmp_path):
    table = cells(500, seed=1)
    table["lactate"] = np.where(table["lactate"] > 2, "high", "normal")
    table["ward"] = np.arange(500)
    line, _, _ = evaluated(bundle, tmp_path, table)
    assert "'lactate' holds something else than numbers in 100% of its cells" in line
    assert "None of the categories in 'ward' is one that the model knows." in line


def test_one_class_among_the_new_cases(bundle, tmp_path):
    table = {k: v[cells(500, seed=1)["died"] == 1] for k, v in cells(500, seed=1).items()}
    line, scores, _ = evaluated(bundle, tmp_path, table)
    assert "The share of died = 1 is 100% here" in line
    assert scores["test"]["auroc"]["value"] is None
    assert scores["sample_size"]["test"]["asked"] == {}


def test_outcomes_unseen_in_training_are_refused_and_not_compared(bundle, tmp_path):
    table = cells(300, seed=1)
    table["died"] = np.where(np.arange(300) < 30, "maybe", table["died"].astype(str))
    line, scores, html = evaluated(bundle, tmp_path, table)
    assert scores["drift"]["cases"] == 270
    assert "a class that the model was not trained on" in html
    assert "(270 new cases)" in line


def test_a_rare_outcome(tmp_path, bundle):
    table = cells(20_000, seed=1)
    table["died"][:] = 0
    table["died"][:2] = 1
    line, scores, _ = evaluated(bundle, tmp_path, table)
    assert "The share of died = 1 is <0.1% here" in line
    assert scores["drift"]["outcome"][0]["now"] == 1e-4


def test_facts_of_training_are_told_in_the_report_on_new_data(bundle, tmp_path):
    assert load(bundle).facts["table"]["numbers"]["names"] == ["lactate", "age"]
    _, _, html = evaluated(bundle, tmp_path, cells(100, seed=2))
    assert "lactate" in html[html.index('id="inputs"') :]
