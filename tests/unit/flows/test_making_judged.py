"""What the report of a representation tells of its vectors, from a table to the page."""

import json

import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer
from typer.testing import CliRunner

from osler.cli import app
from osler.cli.embed import embed
from osler.core.errors import PlanError, RequestError
from osler.flows.making import open_made
from osler.flows.train import train
from osler.generation.embedding import umap
from osler.generation.embedding.anomaly import distance
from osler.spine.study import Request

FAST = ("fit.epochs=2", "inputs.rows.width=16", "inputs.rows.depth=1", "inputs.rows.members=1")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    frame = load_breast_cancer(as_frame=True).frame
    frame["diagnosis"] = (frame.pop("target") == 0).map({True: "malignant", False: "benign"})
    path = tmp_path_factory.mktemp("judged") / "table.csv"
    frame.to_csv(path, index=False)
    return path


def made(table, name, *, settings=()):
    asked = Request(
        table, task="representation", inputs=("rows=tables:mean *,worst *",), target=("diagnosis",), budget="30s",
        settings=(*FAST, *settings),
    )  # fmt: skip
    return train(asked, out=table.parent / name, cache=table.parent / "cache")


def test_a_line_reads_the_diagnosis_off_vectors_that_were_learned_without_it(table):
    bundle = made(table, "all")
    scores = json.loads((bundle / "scores.json").read_text())
    rows = {row["label"]: row for row in scores["sections"]["linear_probe"]["panels"]["linear_probe"]["rows"]}
    assert rows["embedding"]["values"]["auroc"]["value"] > 0.9
    assert rows["raw input"]["values"]["auroc"]["value"] > 0.95
    assert scores["headline"].startswith("A line reads the label off the embedding with AUROC 0.9")
    assert scores["numbers"]["embedding"]["dimensions"] == 16
    page, cases = (bundle / "report.html").read_text(), bundle.with_name("all.cases.html").read_text()
    assert page.count('<svg class="figure"') >= 2
    assert 'class="dot' not in page
    assert cases.count('class="dot') == 2 * (569 + 2)


def test_a_held_out_class_is_in_no_training_row_and_has_its_anomaly_scores(table):
    bundle = made(table, "held", settings=("representation.holdout=malignant",))
    scores = json.loads((bundle / "scores.json").read_text())
    rows = scores["sections"]["anomaly"]["panels"]["anomaly"]["rows"]
    assert {row["label"] for row in rows} >= {"reconstruction error", "distance from the middle of training; embedding"}
    assert all(row["values"]["auroc"]["low"] is not None for row in rows)
    assert scores["counts"]["training"] < 569 * 0.63
    assert json.loads((bundle / "fitted.json").read_text())
    kept = open_made(bundle).judged
    assert kept.arrays["anomaly.mean"].shape == (16,)


def test_an_unknown_class_is_refused_before_anything_is_trained(table):
    with pytest.raises(PlanError, match="did you mean 'malignant'"):
        made(table, "unknown", settings=("representation.holdout=malignent",))
    assert not (table.parent / "unknown").exists()


def test_vectors_come_with_how_unlike_training_they_are_and_a_map(table, monkeypatch):
    monkeypatch.setattr(umap, "_EPOCHS", (10, 10))
    bundle = table.parent / "all"
    if not bundle.exists():
        made(table, "all")
    out, page = table.with_name("vectors.csv"), table.with_name("map.html")
    found = CliRunner().invoke(
        app, ["embed", str(bundle), str(table), "--out", str(out), "--map", str(page), "--colour", "diagnosis"]
    )
    assert found.exit_code == 0, found.output
    assert f"map      {page}" in found.output
    assert "malignant (212)" in page.read_text()
    rows = pl.read_csv(out)
    vectors = rows.select(pl.col(r"^v\d+$")).to_numpy()
    state = open_made(bundle).judged
    assert rows["anomaly"].to_numpy() == pytest.approx(distance(vectors, state), rel=1e-4)
    assert rows["anomaly_place"].to_numpy().mean() == pytest.approx(50, abs=8)


def test_a_colour_without_a_map_is_refused(table):
    with pytest.raises(RequestError, match="--colour colours a map; name its file with --map"):
        embed(table.parent / "all", table, out=table.with_name("no.csv"), colour="diagnosis")
