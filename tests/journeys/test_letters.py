"""A target with a value for each letter, from a table to predictions, scores and drawings: labels that were simulated, numbers that were
computed of real DNA."""

import csv
import json

import numpy as np
import polars as pl
import pytest
import torch

import osler as library
from osler.datasets import get, simulated
from osler.flows.grid import crew_maps
from osler.flows.opening import in_memory
from osler.flows.painting import grid_source
from osler.flows.predictor import load
from osler.tasks.tracks.head import TrackHead
from tests.journeys.command import FAST, SHORT, osler, refused, worked
from tests.unit.modalities.sequences.test_encode import cells_of

CASES, WINDOW = 140, 64
REACH = 5  # letters to either side among which CG is counted


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """A bundle of labels, whose sequences of 101 letters are cut into pieces of 64, its table, and its study's folder."""
    folder = tmp_path_factory.mktemp("sites")
    study = get(simulated.SITES, to=folder / "whole")
    lines = (folder / "whole" / "table.csv").read_text().splitlines()[: CASES + 1]
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    (folder / "study.yaml").write_text(study.read_text())
    words = ("--set", f"inputs.sequence.window={WINDOW}", "--set", "fit.precision=float32", "--cache", folder / "cache")
    worked(osler("train", folder / "study.yaml", "--out", folder / "model", *SHORT, *words))
    return folder / "model", folder / "table.csv", folder


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_simulated_study_says_what_it_is_and_marks_the_letters_of_the_site(tmp_path):
    said = get(simulated.SITES, to=tmp_path / "s").read_text()
    assert "title: 'Simulated, nobody''s data" in said
    assert "task: tracks" in said
    rows, motif = rows_of(tmp_path / "s" / "table.csv"), rows_of(get(simulated.NAME, to=tmp_path / "m").parent / "table.csv")
    assert [row["sequence"] for row in rows] == [row["sequence"] for row in motif]
    assert [row["site"].count("1") for row in rows] == [19 if row["site"] == "yes" else 0 for row in motif]
    # the most frequent letter of a column of the matrix stands more often at its place than any other
    strong = {at: "ACGT"[int(np.argmax([simulated.CTCF[letter][at] for letter in "ACGT"]))] for at in (4, 9, 12)}
    marked = [row["sequence"][row["site"].index("1") :][:19] for row in rows if "1" in row["site"]]
    opposite = str.maketrans("ACGT", "TGCA")
    hits = [
        max(sum(one[at] == letter for at, letter in strong.items()) for one in (site, site.translate(opposite)[::-1]))
        for site in marked
    ]
    assert np.mean(hits) > 2.7


def test_the_bundle_tells_what_was_decided_and_how_it_was_scored(sites):
    bundle, _, folder = sites
    plan = {d["name"]: d for d in json.loads((bundle / "plan.json").read_text())["decisions"]}
    assert plan["target.kind"]["value"] == "labels"
    assert plan["inputs.sequence.strands"]["value"] == "averaged"
    assert not {"inputs.sequence.pool", "inputs.sequence.positions", "inputs.sequence.bins", "inputs.sequence.members"} & set(
        plan
    )
    scores = json.loads((bundle / "scores.json").read_text())
    assert set(scores["test"]) == {"letter_auroc", "letter_auprc", "letter_log_loss", "case_auroc", "case_auprc"}
    assert {"roc", "pr"} <= set(scores["curves"])
    report = (bundle / "report.html").read_text()
    assert "letter by letter" in (bundle / "methods.md").read_text()
    assert "of each letter of a sequence" in report
    cases = (folder / "model.cases.html").read_text()
    assert "what the model says of its letters" in cases
    assert cases.count('class="picture along"') >= 5
    assert 'fill-opacity="0.25"' in cases
    assert "picture along" not in report  # single cases are the user's own


def test_predictions_are_lists_in_parquet_and_text_in_csv(sites, tmp_path):
    bundle, table, _ = sites
    rows = rows_of(table)[:5]
    lines = [f"{row['number']},{row['sequence']}" for row in rows]
    lines += ["bad,ACGTQQACGT", "none,", f"long,{'ACGTTGCA' * 40}"]
    new = tmp_path / "new.csv"  # no column of the target is needed
    new.write_text("\n".join(["number,sequence", *lines]) + "\n")
    worked(osler("predict", bundle, new, "--out", tmp_path / "p.csv"))
    worked(osler("predict", bundle, new, "--out", tmp_path / "p.parquet"))
    told, lists = rows_of(tmp_path / "p.csv"), pl.read_parquet(tmp_path / "p.parquet")
    assert lists["predicted_site"].dtype == pl.List(pl.Float32)
    assert [len(one) if one is not None else None for one in lists["predicted_site"]] == [101] * 5 + [None, None, 320]
    for text, values, mean in zip(told, lists["predicted_site"], lists["mean_site"], strict=True):
        if values is None:
            assert text["predicted_site"] == ""
            assert text["refused"] != ""
            continue
        found = np.array(text["predicted_site"].split(), float)
        np.testing.assert_allclose(found, values, rtol=1e-3)
        assert found.mean() == pytest.approx(mean, rel=1e-3)
        assert 0 <= found.min() <= found.max() <= 1
    assert [row["refused"].partition(":")[0] for row in told] == [""] * 5 + ["letter", "no_input", ""]
    said = library.load(bundle).predict(new)
    np.testing.assert_array_equal(said["predicted_site"][7], lists["predicted_site"][7])
    refused(osler("predict", bundle, new, "--out", tmp_path / "q.csv", "--top", "2"))


def test_the_network_says_of_the_other_strand_the_track_backwards(sites):
    bundle, table, _ = sites
    predictor = load(bundle)
    sequences = [row["sequence"] for row in rows_of(table)[:3]]
    turned = [one.translate(str.maketrans("ACGT", "TGCA"))[::-1] for one in sequences]
    sources = [grid_source(predictor, predictor.columns(next(in_memory({"sequence": one})))) for one in (sequences, turned)]
    for row in range(3):
        here, there = (crew_maps(predictor.crews[0], source, row, parts=("network",))["network"][0] for source in sources)
        assert here.shape == (101,)
        assert np.ptp(here) > 1e-3  # else anything agrees
        np.testing.assert_allclose(here, there[::-1], rtol=1e-3, atol=1e-4)


def test_letters_are_ranked_by_more_than_the_steps_of_bfloat16():
    torch.manual_seed(0)
    head = TrackHead(8, bias=-2.0)
    maps = torch.randn(1, 8, 100)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        half, whole = head((maps.bfloat16(),)), head((maps,))
    assert half.dtype == whole.dtype == torch.float32
    assert len(half.unique()) == len(whole.unique()) == 100
    assert len(whole.bfloat16().unique()) < 50


def test_new_cases_are_scored_drawn_and_compared(sites, tmp_path):
    bundle, table, _ = sites
    lines = table.read_text().splitlines()[:31]
    lines += ["x1,ACGTACGTACGTACGT,0101", f"x2,{'ACGT' * 5},{'2 ' * 20}", f"x3,{'ACGT' * 5},"]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    worked(osler("evaluate", bundle, tmp_path / "new.csv", "--out", tmp_path / "e"))
    scores = json.loads((tmp_path / "e" / "scores.json").read_text())
    assert scores["counts"]["cases"] == 30
    report = (tmp_path / "e" / "report.html").read_text()
    for reason in ("16 letters; each letter has one", "neither 0 nor 1", "no letter of the sequence has a value"):
        assert reason in report
    assert (tmp_path / "e" / "cases.html").read_text().count('class="picture along"') >= 5
    worked(osler("explain", bundle, tmp_path / "new.csv", "--row", 1, "--out", tmp_path / "why"))
    told = json.loads((tmp_path / "why" / "explanation.json").read_text())["cases"][0]
    assert 'class="picture along"' in (tmp_path / "why" / "explanation.html").read_text()
    assert told["cells"]["highest_letter_site"] >= 1
    worked(osler("compare", bundle, bundle, tmp_path / "new.csv", "--out", tmp_path / "c"))
    assert "recalibrated" in refused(
        osler("evaluate", bundle, tmp_path / "new.csv", "--out", tmp_path / "f", "--recalibrate", tmp_path / "again")
    )


@pytest.fixture(scope="module")
def content(data, tmp_path_factory):
    """A bundle of numbers: the share of CG about each letter of real windows, computed, with letters that are not known; a typed table."""
    folder = tmp_path_factory.mktemp("content")
    cells = cells_of(data, "tf_0")[:160]
    tracks = []
    for row, cell in enumerate(cells):
        starts = np.array([cell[at : at + 2] == "CG" for at in range(len(cell))], float)
        about = [float(starts[max(0, at - REACH) : at + REACH + 1].mean()) for at in range(len(cell))]
        tracks.append([None if (at + row) % 17 == 0 else value for at, value in enumerate(about)])
    pl.DataFrame({"window": cells, "content": tracks}).write_parquet(folder / "table.parquet")
    words = (
        "--task",
        "tracks",
        "--target",
        "content",
        "--input",
        "window=sequences:window",
        "--set",
        "fit.epochs=8",
        "--set",
        "target.transform=log1p",
    )
    worked(
        osler(
            "train",
            folder / "table.parquet",
            "--out",
            folder / "model",
            *FAST,
            *words,
            "--cache",
            folder / "cache",
            "--drop-leaks",
        )
    )
    return folder / "model", folder / "table.parquet"


def test_a_number_of_each_letter_is_learned_of_real_dna(content, tmp_path):
    bundle, table = content
    scores = json.loads((bundle / "scores.json").read_text())
    assert set(scores["test"]) == {"letter_pearson", "letter_rmse", "letter_mae", "letter_r2", "case_pearson"}
    assert scores["test"]["letter_pearson"]["value"] > 0.8
    plan = {d["name"]: d["value"] for d in json.loads((bundle / "plan.json").read_text())["decisions"]}
    assert plan["target.kind"] == "numbers"
    assert (plan["target.transform"], 0 < plan["target.mean"] < 0.2) == ("log1p", True)  # of log(1 + share), as was asked for
    worked(osler("predict", bundle, table, "--out", tmp_path / "p.jsonl"))
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    held = pl.read_parquet(table)
    assert [len(line["predicted_content"]) for line in lines] == [len(cell) for cell in held["window"]]
    pairs = [
        (p, t)
        for line, track in zip(lines, held["content"], strict=True)
        for p, t in zip(line["predicted_content"], track, strict=True)
        if t is not None
    ]
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.8
