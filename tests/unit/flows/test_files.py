"""A folder of files in place of a table."""

import csv

import numpy as np
import PIL.Image
import pytest

import osler
from osler.core.errors import TableError
from osler.flows.files import files_of
from osler.flows.predict import predict
from osler.modalities.images import Images

ONE = [{"name": "scan", "columns": ["scan"]}]


def pictures(folder, count):
    generator = np.random.default_rng(0)
    (folder / "deep").mkdir(parents=True)
    names = [f"{'deep/' * (n % 2)}{n:03d}.png" for n in range(count)]
    for n, name in enumerate(names):
        level = 60 + 120 * (n % 3 == 0)
        PIL.Image.fromarray(generator.normal(level, 20, (12, 12)).clip(0, 255).astype(np.uint8)).save(folder / name)
    return names


def test_files_are_found_sorted_hidden_and_foreign_ones_left_out(tmp_path):
    names = pictures(tmp_path / "scans", 6)
    (tmp_path / "scans" / ".hidden.png").write_text("")
    (tmp_path / "scans" / ".cache").mkdir()
    (tmp_path / "scans" / ".cache" / "a.png").write_text("")
    (tmp_path / "scans" / "notes.txt").write_text("")
    (tmp_path / "scans" / "away").symlink_to(tmp_path)
    found = files_of(tmp_path / "scans", inputs=ONE, modalities={"scan": Images()})
    assert found.names == tuple(sorted(names))
    blocks = list(found.blocks(size=4))
    assert [(block.first, len(block)) for block in blocks] == [(0, 4), (4, 2)]
    assert blocks[0].columns == ("scan",)
    one = files_of(tmp_path / "scans" / "000.png", inputs=ONE, modalities={"scan": Images()})
    assert one.names == ("000.png",)
    assert files_of(tmp_path / "table.csv", inputs=ONE, modalities={"scan": Images()}) is None


def test_what_cannot_be_files_is_told(tmp_path):
    with pytest.raises(TableError, match=r"holds no file that ends in \.bmp, \.dcm"):
        files_of(tmp_path, inputs=ONE, modalities={"scan": Images()})
    two = [*ONE, {"name": "table", "columns": ["age"]}]
    with pytest.raises(
        TableError, match="this bundle needs one: each case has several columns; give a table that names the files"
    ):
        files_of(tmp_path, inputs=two, modalities={"scan": Images()})


def test_a_folder_is_predicted_as_the_table_that_names_its_files(tmp_path):
    names = pictures(tmp_path / "scans", 60)
    rows = "\n".join(f"{name},{'yes' if n % 3 == 0 else 'no'}" for n, name in enumerate(names))
    table = tmp_path / "scans" / "table.csv"
    table.write_text(f"scan,bright\n{rows}\n")
    settings = {"fit.epochs": 1, "fit.members": 1, "fit.threads": 1, "split.folds": 1}
    osler.train(table, target="bright", out=tmp_path / "model", settings=settings, budget="10s", cache=tmp_path / "cache")
    (tmp_path / "scans" / "zz.png").write_bytes(b"")
    predict(tmp_path / "model", tmp_path / "scans", out=tmp_path / "folder.csv")
    predict(tmp_path / "model", table, out=tmp_path / "table.csv")
    files, cells = (list(csv.DictReader((tmp_path / name).read_text().splitlines())) for name in ("folder.csv", "table.csv"))
    assert [line["scan"] for line in files] == [*sorted(names), "zz.png"]
    assert "empty" in files[-1]["refused"]
    asked = dict(zip(names, cells, strict=True))
    for line in files[:-1]:
        assert float(line["probability_yes"]) == pytest.approx(float(asked[line["scan"]]["probability_yes"]), abs=1e-5)


def test_a_folder_of_slices_is_one_volume(data, tmp_path):
    series = next(
        p.parent
        for p in sorted((data / "images" / "brain_dicom").rglob("*"))
        if p.is_file() and p.read_bytes()[128:132] == b"DICM"
    )
    (tmp_path / "in" / "P1").mkdir(parents=True)
    for number, file in enumerate(sorted(series.iterdir())[:4]):
        (tmp_path / "in" / "P1" / f"IM{number}").write_bytes(file.read_bytes())
    (tmp_path / "in" / "other.nii.gz").write_bytes(b"")
    volume = {"scan": {"form": "grid", "axes": 3}}
    found = files_of(tmp_path / "in", inputs=ONE, modalities={"scan": Images()}, readings=volume)
    assert found.names == ("P1", "other.nii.gz")
    assert found.folder == tmp_path / "in"
    own = files_of(tmp_path / "in" / "P1", inputs=ONE, modalities={"scan": Images()}, readings=volume)
    assert (own.folder, own.names) == (tmp_path / "in", ("P1",))
    with pytest.raises(TableError, match="the folder 'P1' holds no file that ends in"):
        files_of(tmp_path / "in" / "P1", inputs=ONE, modalities={"scan": Images()}, readings={"scan": {"axes": 2}})
    (tmp_path / "in" / "P1" / "IM9.dcm").write_bytes(b"")
    flat = files_of(tmp_path / "in" / "P1", inputs=ONE, modalities={"scan": Images()})
    assert flat.names == ("IM9.dcm",)  # pictures are files
