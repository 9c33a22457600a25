"""A scanner's volumes in, masks in the right place out: hippocampi of real persons, in short trainings."""

import csv
import shutil
import signal
import time

import nibabel
import numpy as np
import pytest

from osler.spine.columns import ahead
from tests.journeys.command import osler, refused, started, worked

CASES = 12
QUICK = (
    "--budget", "10s", "--set", "fit.epochs=1", "--set", "fit.members=1", "--set", "split.folds=1", "--set", "baseline.effort=1", "--set", "fit.rounds=1",
    "--set", "inputs.image.patch=[32,32,32]", "--set", "inputs.image.mirror=[]",
)  # fmt: skip
ONE_BY_ONE = "import osler.spine.columns.ahead as a\na.MOST_ON_GRID = 1\n"


def write(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def lines(folder):
    with (folder / "cases.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def study(home, data):
    """A table of hippocampi, neighbours of one person, and the bundle that marks them."""
    folder = home / "hippocampus"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    rows = []
    for number, file in enumerate(sorted((data / "images/hippocampus/images").glob("*.nii.gz"))[:CASES]):
        shutil.copy(file, folder / "images")
        shutil.copy(file.parents[1] / "labels" / file.name, folder / "labels")
        rows.append(
            {"case": f"h{number}", "image": f"images/{file.name}", "mask": f"labels/{file.name}", "person": f"p{number // 2}"}
        )
    table = write(folder / "table.csv", rows)
    names = "target.labels={anterior: 1, posterior: 2}"
    ended = osler(
        "train", table, "--task", "segmentation", "--target", "mask", "--input", "image=images:image", "--group", "person",
        "--id", "case", "--set", names, *QUICK, "--out", folder / "model",
    )  # fmt: skip
    assert ended.code == 0, ended.said
    return folder, rows


def test_masks_come_back_in_the_geometry_of_each_file(study, tmp_path):
    folder, rows = study
    image = nibabel.load(folder / rows[0]["image"])
    values, turn = image.get_fdata(), np.diag([-1.0, 1, -1, 1])
    turn[:3, 3] = [values.shape[0] - 1, 0, values.shape[2] - 1]
    oblique = np.eye(4)
    oblique[:2, :2] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
    nibabel.save(nibabel.Nifti1Image(values[::-1, :, ::-1].astype(np.float32), image.affine @ turn), folder / "turned.nii.gz")
    nibabel.save(
        nibabel.Nifti1Image(values.transpose(2, 0, 1).astype(np.float32), image.affine[:, [2, 0, 1, 3]]), folder / "order.nii.gz"
    )
    nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), oblique @ image.affine), folder / "oblique.nii.gz")
    (folder / "torn.nii.gz").write_bytes((folder / rows[0]["image"]).read_bytes()[:900])
    files = [rows[0]["image"], "turned.nii.gz", "order.nii.gz", "oblique.nii.gz", "torn.nii.gz", "nowhere.nii.gz"]
    table = write(folder / "new.csv", [{"image": file, "case": f"../{n}"} for n, file in enumerate(files)])
    worked(osler("predict", folder / "model", table, "--out", tmp_path / "out"))
    found = lines(tmp_path / "out")
    assert [line["mask"] for line in found] == [*(f"masks/{n}.nii.gz" for n in range(4)), "", ""]
    assert [bool(line["refused"]) for line in found] == [False] * 4 + [True] * 2
    masks = [nibabel.load(tmp_path / "out" / line["mask"]) for line in found[:4]]
    for file, mask in zip(files, masks, strict=False):
        own = nibabel.load(folder / file)
        assert mask.shape == own.shape
        np.testing.assert_allclose(mask.affine, own.affine, atol=1e-4)
    marks = [np.asarray(mask.dataobj) for mask in masks]
    assert marks[0].any()
    np.testing.assert_array_equal(marks[1], marks[0][::-1, :, ::-1])
    np.testing.assert_array_equal(marks[2], marks[0].transpose(2, 0, 1))
    volume = np.count_nonzero(marks[0] == 1) * abs(np.linalg.det(image.affine[:3, :3])) / 1000
    assert float(found[0]["volume_anterior"]) == pytest.approx(volume, rel=1e-6)
    assert 0 <= float(found[0]["quality"]) <= 1


def test_new_masks_are_scored_and_the_worst_are_drawn_first(study, tmp_path):
    folder, rows = study
    odd = [{**rows[0], "mask": ""}, {**rows[1], "mask": rows[1]["image"]}, *rows[2:]]
    said = worked(osler("evaluate", folder / "model", write(folder / "odd.csv", odd), "--out", tmp_path / "e"))
    assert "dice" in said
    page = (tmp_path / "e" / "cases.html").read_text()
    assert page.count('class="picture"') == CASES - 2
    assert page.count("stroke-dasharray") >= CASES - 2
    assert "1 is anterior, 2 is posterior" in page
    report = (tmp_path / "e" / "report.html").read_text()
    assert "Mark anterior, posterior in each case" in report
    assert 'id="explanation"' not in report
    assert "AUROC" not in report
    worked(osler("explain", folder / "model", folder / "table.csv", "--row", 1, "--out", tmp_path / "x"))
    assert "<svg" in (tmp_path / "x" / "row1-marks.svg").read_text()


def test_what_masks_cannot_be_asked_is_said(study, tmp_path):
    folder, _ = study
    table = folder / "table.csv"
    assert "is the name of a table: give --out a folder" in refused(
        osler("predict", folder / "model", table, "--out", tmp_path / "x.csv")
    )
    asked = ("evaluate", folder / "model", table, "--out", tmp_path / "e", "--recalibrate", tmp_path / "r")
    assert "masks and tracks cannot be recalibrated" in refused(osler(*asked))
    assert not (tmp_path / "e").exists()


def test_a_killed_prediction_goes_on_and_ends_as_one_that_was_not(study, tmp_path, monkeypatch):
    folder, _ = study
    words = ("predict", folder / "model", folder / "table.csv", "--out")
    worked(osler(*words, tmp_path / "whole"))
    process = started(*words, tmp_path / "out", before=ONE_BY_ONE)
    third = tmp_path / "out" / "cases.csv.parts" / "part-000002.parquet"
    while process.poll() is None and not third.exists():
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "cases.csv").exists()
    kept = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "out" / "masks").glob("h[01].nii.gz")}
    assert len(kept) == 2
    monkeypatch.setattr(ahead, "MOST_ON_GRID", 1)
    worked(osler(*words, tmp_path / "out"))
    assert lines(tmp_path / "out") == lines(tmp_path / "whole")
    assert all((tmp_path / "out" / "masks" / name).stat().st_mtime_ns == at for name, at in kept.items())
    assert {p.name: p.read_bytes() for p in (tmp_path / "out" / "masks").iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "whole" / "masks").iterdir()
    }
