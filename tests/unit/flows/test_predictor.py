"""A bundle asked about few, no, or bad rows."""

from __future__ import annotations

import csv
import json

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from osler.core.errors import BundleError, PlanError, StudyError, TableError
from osler.core.plan import Decision, Plan
from osler.core.table import Table
from osler.flows import gathering
from osler.flows.cases import group_numbers
from osler.flows.divide import _day
from osler.flows.evaluate import evaluate
from osler.flows.fitting import unfinished
from osler.flows.predict import predict
from osler.flows.predictor import load
from osler.flows.verbs import request_of, train

SETTINGS = {"fit.epochs": 2, "fit.members": 1, "fit.threads": 1, "split.folds": 2, "baseline.effort": 1}


def cells() -> dict[str, list]:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    found = {name: bunch.data[:150, at].tolist() for at, name in enumerate(["radius", "texture", "area"])}
    return {
        **found,
        "kind": ["benign" if t else "malignant" for t in bunch.target[:150]],
        "patient": [f"p{n // 2}" for n in range(150)],
    }


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    train(cells(), target="kind", group="patient", id="patient", out=folder / "m", settings=SETTINGS, cache=folder / "cache",
          budget="1m", leaks="allow")  # fmt: skip
    return folder / "m"


def test_no_rows_give_no_lines_with_all_columns(bundle):
    predictor = load(bundle)
    whole, none = predictor.predict(cells()), predictor.predict(pa.table(cells()).slice(0, 0))
    assert len(whole) == 150
    assert len(none) == 0
    assert none.columns == whole.columns


def test_one_row_is_predicted_as_among_others(bundle):
    predictor = load(bundle)
    whole, one = predictor.predict(cells()), predictor.predict(pa.table(cells()).slice(7, 1))
    for name in whole.columns:
        if whole[name].dtype.is_float():
            assert one[name][0] == pytest.approx(whole[name][7], rel=1e-5)


def test_id_and_target_may_be_missing_an_input_may_not(bundle):
    predictor = load(bundle)
    bare = predictor.predict({k: v for k, v in cells().items() if k not in {"kind", "patient"}})
    assert "patient" not in bare.columns
    assert len(bare) == 150
    with pytest.raises(StudyError, match="the table has no column 'radius'"):
        predictor.predict({k: v for k, v in cells().items() if k != "radius"})


def garbled(path, *, rows: int, bad) -> None:
    names = list(cells())
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        for row in range(rows):
            values = [cells()[n][row] for n in names]
            writer.writerow([*values, "too", "many", "cells"] if row in bad else values)


def test_rows_that_are_all_refused_have_lines_with_reasons(bundle, tmp_path):
    path, out = tmp_path / "bad.csv", tmp_path / "out.csv"
    garbled(path, rows=3, bad={0, 1, 2})
    predict(bundle, path, out=out)
    lines = pl.read_csv(out)
    assert lines["row"].to_list() == [1, 2, 3]
    assert all(lines["refused"])


def test_a_refused_row_changes_no_other(bundle, tmp_path):
    garbled(tmp_path / "bad.csv", rows=6, bad={2})
    garbled(tmp_path / "good.csv", rows=6, bad={})
    bad, good = (load(bundle).predict(tmp_path / name) for name in ("bad.csv", "good.csv"))
    others = np.array([0, 1, 3, 4, 5])
    numbers = [c for c in good.columns if good[c].dtype.is_float()]
    np.testing.assert_allclose(bad[others][numbers].to_numpy(), good[others][numbers].to_numpy(), rtol=1e-5)
    assert [bool(r) for r in bad["refused"]] == [False, False, True, False, False, False]


def test_a_block_of_refused_rows_among_good_ones_is_scored_around(bundle, tmp_path, monkeypatch):
    garbled(tmp_path / "new.csv", rows=40, bad=set(range(10, 20)))
    plain = gathering.in_memory
    monkeypatch.setattr(gathering, "in_memory", lambda table, size: plain(table, size=min(size, 10)))
    evaluate(bundle, tmp_path / "new.csv", out=tmp_path / "scores")
    assert json.loads((tmp_path / "scores" / "scores.json").read_text())["test"]


def test_scoring_refused_rows_alone_is_told(bundle, tmp_path):
    garbled(tmp_path / "new.csv", rows=4, bad={0, 1, 2, 3})
    with pytest.raises(StudyError, match="no case can be scored: all 4 rows are refused"):
        evaluate(bundle, tmp_path / "new.csv", out=tmp_path / "scores")


def test_scoring_no_rows_is_told(bundle, tmp_path):
    garbled(tmp_path / "new.csv", rows=0, bad={})
    with pytest.raises(TableError, match="has a header but no rows"):
        evaluate(bundle, tmp_path / "new.csv", out=tmp_path / "scores")


def test_scoring_needs_the_target(bundle, tmp_path):
    (tmp_path / "new.csv").write_text("radius,texture,area,kinds\n1,2,3,benign\n")
    with pytest.raises(StudyError, match=r"no column 'kind' to score against; did you mean 'kinds'\?"):
        evaluate(bundle, tmp_path / "new.csv", out=tmp_path / "scores")


def test_scores_are_told_by_columns_that_are_no_inputs(bundle, tmp_path):
    table = {**cells(), "ward": [f"w{n % 3}" for n in range(150)], "note": [f"text {n}" for n in range(150)]}
    pl.DataFrame(table).write_csv(tmp_path / "new.csv")
    found = evaluate(bundle, tmp_path / "new.csv", out=tmp_path / "scores", subgroups=("ward", "note"))
    panels = {panel.name: panel for panel in found.panels}
    assert [(row.label, row.cases) for row in panels["subgroup.ward"].rows] == [("w0", 50), ("w1", 50), ("w2", 50)]
    assert panels["subgroup.note"].rows == ()
    page = (tmp_path / "scores" / "report.html").read_text()
    assert 'id="subgroups"' in page
    assert "text 17" not in page + (tmp_path / "scores" / "scores.json").read_text()


def test_a_subgroup_column_that_is_not_there_is_told(bundle, tmp_path):
    pl.DataFrame({**cells(), "ward": ["w"] * 150}).write_csv(tmp_path / "new.csv")
    with pytest.raises(StudyError, match=r"no column 'wards' to tell subgroups by; did you mean 'ward'\?"):
        evaluate(bundle, tmp_path / "new.csv", out=tmp_path / "scores", subgroups="wards")
    with pytest.raises(StudyError, match="'kind' is the target; scores within its own values say nothing"):
        evaluate(bundle, tmp_path / "new.csv", out=tmp_path / "scores", subgroups=["kind"])


def test_rows_without_a_group_are_their_own_in_training_and_in_scoring(tmp_path):
    table = Table(pa.table({"patient": ["a", None, "a", None, ""]}), tmp_path, first=10)
    for labels in (group_numbers(table, "patient"), gathering._group_labels(table, "patient")):
        assert len(set(labels)) == 4
        assert labels[0] == labels[2]


def test_a_bundle_of_parts_that_do_not_fit_is_refused(bundle, tmp_path):
    from osler.spine.bundle import read_bundle, write_bundle

    contents = read_bundle(bundle)
    contents = contents.__class__(
        {**contents.about, "inputs": [{"name": "x"}]},
        contents.plan,
        contents.weights,
        contents.state,
        contents.baselines,
        contents.documents,
    )
    write_bundle(tmp_path / "odd", contents)
    with pytest.raises(BundleError, match="do not fit together"):
        load(tmp_path / "odd")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"fit.batch": 0}, r"'fit\.batch' is 0; it is at least 1"),
        ({"fit.epochs": 2.5}, "wanted a whole number"),
        ({"split.test": 2.0}, "a share, above 0 and below 1"),
        ({"fit.bach": 3}, r"did you mean 'fit\.batch'"),
    ],
)
def test_impossible_settings_end_before_training(tmp_path, settings, told):
    with pytest.raises(PlanError, match=told):
        train(cells(), target="kind", out=tmp_path / "m", settings=settings, cache=tmp_path / "cache", budget="1m", leaks="allow")
    assert not (tmp_path / "m").exists()


def test_a_torn_note_of_an_unfinished_run_starts_anew(tmp_path):
    path, key = tmp_path / "plan.json", tmp_path / "asked.json"
    assert unfinished(path, key, {"a": "b"}) is None
    path.write_text(Plan([Decision("fit.epochs", 3, "why")]).to_json())
    key.write_text('{"a": "b"}')
    assert unfinished(path, key, {"a": "b"})["fit.epochs"] == 3
    assert unfinished(path, key, {"a": "c"}) is None
    key.write_text('{"a"')
    assert unfinished(path, key, {"a": "b"}) is None
    key.write_text('{"a": "b"}')
    path.write_text("{")
    assert unfinished(path, key, {"a": "b"}) is None


@pytest.mark.parametrize(
    ("value", "days"), [("1970-01-02", 1.0), ("1970-01-02 12:00", 1.5), (3, 3.0), ("4.5", 4.5), ("soon", np.nan), (None, np.nan)]
)
def test_times_are_days(value, days):
    assert _day(value) == pytest.approx(days, nan_ok=True)


def test_an_unknown_argument_offers_the_near_miss(tmp_path):
    with pytest.raises(StudyError, match=r"there is no argument 'gruop'; did you mean 'group'\?"):
        request_of(cells(), target="kind", settings=None, cache=tmp_path, asked={"gruop": "patient"})
