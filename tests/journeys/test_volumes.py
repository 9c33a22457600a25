"""From a folder of real volumes to a prediction and to what speaks for it, in the place of the scan."""

import csv
import json
import shutil

import nibabel
import numpy as np
import pytest

from tests.journeys.command import osler

FAST = (
    "--budget",
    "20s",
    "--set",
    "split.folds=1",
    "--set",
    "fit.members=1",
    "--set",
    "fit.epochs=2",
    "--set",
    "baseline.effort=1",
)
CASES = 60


@pytest.fixture(scope="module")
def study(home, data):
    """Hippocampi in MR, and how large each is by its labels; the two sides of a head are one person's."""
    folder, source = home / "hippocampi", data / "images" / "hippocampus"
    (folder / "scans").mkdir(parents=True)
    rows = []
    for path in sorted((source / "images").glob("*.nii.gz"))[:CASES]:
        shutil.copy(path, folder / "scans" / path.name)
        labels = np.asarray(nibabel.load(source / "labels" / path.name).dataobj)
        number = int(path.name.removesuffix(".nii.gz").rpartition("_")[2])
        rows.append({"case": number, "scan": f"scans/{path.name}", "ml": (labels > 0).sum() / 1000, "person": (number + 1) // 2})
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    ended = osler("train", folder / "table.csv", "--target", "ml", "--group", "person", "--input", "scan=images:scan", *FAST,
                  "--out", folder / "m.bundle")  # fmt: skip
    assert ended.code == 0, ended.said
    return folder, rows


def test_it_says_how_volumes_were_read_and_looked_at(study):
    folder, _ = study
    plan = {d["name"]: d for d in json.loads((folder / "m.bundle" / "plan.json").read_text())["decisions"]}
    assert plan["inputs.scan.form"]["value"] == "volume"
    assert plan["inputs.scan.spacing"]["value"] == [1.0, 1.0, 1.0]
    assert plan["inputs.scan.view"]["value"] in {"3-D", "2.5-D"}
    scores = json.loads((folder / "m.bundle" / "scores.json").read_text())
    assert scores["counts"]["cases"] >= 10


def test_new_volumes_are_predicted_and_a_bad_one_is_refused(study, tmp_path):
    folder, rows = study
    shutil.copytree(folder / "scans", tmp_path / "scans")
    (tmp_path / "scans" / "cut.nii.gz").write_bytes((tmp_path / rows[0]["scan"]).read_bytes()[:900])
    cells = [rows[0]["scan"], "scans/cut.nii.gz", rows[1]["scan"]]
    (tmp_path / "new.csv").write_text("scan\n" + "\n".join(cells) + "\n")
    ended = osler("predict", folder / "m.bundle", tmp_path / "new.csv", "--out", tmp_path / "out.csv")
    assert ended.code == 0, ended.said
    with (tmp_path / "out.csv").open() as file:
        told = list(csv.DictReader(file))
    assert [1 < float(line["predicted_ml"]) < 7 if line["predicted_ml"] else None for line in told] == [True, None, True]
    assert told[1]["refused"].startswith("damaged: ")


def test_what_speaks_for_it_lies_over_the_scan(study, tmp_path):
    folder, rows = study
    ended = osler("explain", folder / "m.bundle", folder / "table.csv", "--row", "2", "--out", tmp_path / "why")
    assert ended.code == 0, ended.said
    told = json.loads((tmp_path / "why" / "explanation.json").read_text())["cases"][0]["answers"][0]
    (picture,) = told["pictures"]
    assert picture["layers"] == ["attribution", "focus"]
    assert (tmp_path / "why" / picture["file"]).read_text().startswith("<svg")
    page = (tmp_path / "why" / "explanation.html").read_text()
    assert picture["volume"] in page
    source, overlay = nibabel.load(folder / rows[1]["scan"]), nibabel.load(tmp_path / "why" / picture["volume"])
    np.testing.assert_allclose(overlay.affine, source.affine, atol=1e-5)
    assert overlay.shape == source.shape
    added = np.asarray(overlay.dataobj, np.float64)
    ends = told["network"]
    way = ends["score"] - ends["reference"]
    assert np.abs(added).max() > 0
    # all but what lies beside the scan in its frame
    assert added.sum() == pytest.approx(way, abs=0.5 * np.abs(added).sum() + abs(ends["error"]))
