"""A study of real films from files to pages: pictures lie beside the bundle, never in it."""

import csv
import json
import re

import numpy as np
import PIL.Image
import pytest

from osler.flows.evaluate import evaluate
from osler.flows.explain import Asked, explain
from osler.flows.train import train
from osler.spine.study import Request

QUICK = {"fit.epochs": 1, "fit.members": 1, "fit.threads": 1, "baseline.effort": 1, "explain.seconds": 20.0}


def write_films(folder, data, cases=260):
    (folder / "films").mkdir()
    with np.load(data / "images" / "pneumoniamnist.npz") as known:
        pictures, labels = known["train_images"][:cases], known["train_labels"][:cases].ravel()
    rows = []
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        PIL.Image.fromarray(picture).save(folder / "films" / f"{number}.png")
        rows.append({"film": f"films/{number}.png", "finding": ("normal", "pneumonia")[label]})
    for number, row in enumerate(rows):
        row["part"] = "train" if number < 160 else "val" if number < 200 else "test"
    (folder / "films" / "230.png").write_bytes(b"no picture")
    rows[240]["finding"] = ""
    return rows


def write_table(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory, data):
    """Folder with films, table and a bundle."""
    folder = tmp_path_factory.mktemp("films")
    table = write_table(folder / "films.csv", write_films(folder, data))
    request = Request(table, targets=("finding",), roles={"split": "part"}, budget=0.3, settings=QUICK)
    train(request, out=folder / "bundle", cache=folder / "cache")
    return folder


def test_cases_are_shown_beside_the_bundle_and_not_in_it(study):
    page = (study / "bundle.cases.html").read_text()
    assert page.count('class="shot"') > 40
    assert page.count("data:image/png") >= 60
    assert "row 231" in page
    assert "row 241" in page
    for name in ("The worst predictions", "The surest right predictions", "Refused cases"):
        assert name in page
    report = (study / "bundle" / "report.html").read_text()
    assert report.count("data:image/png") == 9  # the test pattern and its draws
    assert not list((study / "bundle").rglob("*.png"))


def test_the_refused_have_their_reason_and_the_picture_that_can_be_read(study):
    page = (study / "bundle.cases.html").read_text()
    refused = page[page.index("Refused cases") :]
    cards = re.findall(r'<li class="shot">(.*?)</li>', refused, flags=re.DOTALL)
    assert len(cards) == 2
    assert "no picture" in cards[0]
    assert "data:image/png" not in cards[0]
    assert "the target is missing" in cards[1]
    assert "data:image/png" in cards[1]


def test_the_report_shows_where_the_network_looks_on_average(study):
    told = json.loads((study / "bundle" / "scores.json").read_text())["explanation"]
    assert told["permutation"] == {}  # of one input alone nothing is lost that is not all
    assert [(one["input"], one["level"]) for one in told["maps"]] == [("film", "pneumonia")]
    assert told["maps"][0]["cases"] >= 20
    report = (study / "bundle" / "report.html").read_text()
    assert "film: where the network looks on average, for finding: pneumonia" in report
    assert "film: what training does to pictures" in report
    assert "What is lost without" not in report


def test_a_case_is_explained_with_its_picture(study, tmp_path):
    (tmp_path / "out").mkdir()
    found = explain(study / "bundle", study / "films.csv", out=tmp_path / "out", asked=Asked.of(row=(211, 231)))
    answer = found[0]["answers"][0]
    assert answer["pictures"][0]["layers"] == ["attribution", "focus"]
    kinds = answer["pictures"][0]["kinds"]
    assert set(kinds) == {"intensity", "histogram", "gradients", "texture", "low frequencies"}
    moved = answer["baseline"]["score"] - answer["baseline"]["reference"]
    assert sum(kinds.values()) == pytest.approx(moved, abs=1e-6)
    numbers = json.loads((tmp_path / "out" / "explanation.json").read_text())
    name = numbers["cases"][0]["answers"][0]["pictures"][0]["file"]
    assert (tmp_path / "out" / name).read_text() == answer["pictures"][0]["svg"]
    page = (tmp_path / "out" / "explanation.html").read_text()
    assert "where the network looks" in page
    assert answer["pictures"][0]["svg"] in page
    assert found[1]["refused"]


def test_new_films_of_another_kind_are_told(study, tmp_path, data):
    folder, rows = tmp_path / "new", []
    (folder / "films").mkdir(parents=True)
    with np.load(data / "images" / "pneumoniamnist.npz") as known:
        pictures, labels = known["val_images"][:60], known["val_labels"][:60].ravel()
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        PIL.Image.fromarray(255 - picture).save(folder / "films" / f"{number}.png")
        rows.append({"film": f"films/{number}.png", "finding": ("normal", "pneumonia")[label]})
    table = write_table(folder / "new.csv", rows)
    evaluate(study / "bundle", table, out=folder / "out")
    report = (folder / "out" / "report.html").read_text()
    assert "the pictures look inverted" in report
    assert "measures of the pictures" in report
    assert "data:image/png" in (folder / "out" / "cases.html").read_text()
