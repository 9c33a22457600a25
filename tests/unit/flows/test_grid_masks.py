"""Masks of new cases in a folder: in order, resumable, one case in memory at a time (strips and marking, the fakes of the contract)."""

import csv
import json
import shutil
import weakref

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import osler
from osler.core.errors import OutputError, RequestError
from osler.flows import grid, masks, painting
from osler.flows.files import Files
from osler.flows.masks import Names, safe
from osler.flows.train import train
from osler.spine.columns import ahead
from osler.spine.study import Request
from tests.contract.strips import Strips, write_strips
from tests.contract.studies import register

CASES = 40
SMALL = ("fit.epochs=1", "fit.members=1", "fit.threads=1", "split.folds=1")


@pytest.fixture(scope="module", autouse=True)
def _known():
    with pytest.MonkeyPatch.context() as patch:
        register(patch)
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder with pictures and masks, its table, and a bundle that marks them."""
    folder = tmp_path_factory.mktemp("marks")
    rows = [{**row, "name": f"c{number}"} for number, row in enumerate(write_strips(folder, cases=CASES))]
    write(folder / "table.parquet", rows)
    request = Request(
        folder / "table.parquet", target=("mask",), task="marking", inputs=("picture=strips:image",), group="patient", id="name",
        budget="20s", settings=SMALL,
    )  # fmt: skip
    train(request, out=folder / "m", cache=folder / "cache")
    return folder, rows


def write(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def lines(folder):
    with (folder / "cases.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_has_its_line_and_its_mask_and_a_bad_one_its_reason(study, tmp_path):
    folder, rows = study
    (folder / "broken.npy").write_bytes(b"nothing")
    some = [*rows[:5], {**rows[5], "image": "broken.npy"}, *rows[6:20]]
    table = write(folder / "some.parquet", [{"image": row["image"], "name": row["name"]} for row in some])  # no masks
    out = osler.predict(folder / "m", table, out=tmp_path / "out")
    found = lines(out)
    assert list(found[0]) == ["row", "name", "mask", "marked", "refused"]
    assert [line["name"] for line in found] == [row["name"] for row in some]
    assert [line["row"] for line in found] == [str(n) for n in range(1, 21)]
    assert found[5]["refused"] == "unreadable: the file is no picture"
    assert found[5]["mask"] == found[5]["marked"] == ""
    assert len(list((out / "masks").iterdir())) == 19
    segmented = dict(osler.load(folder / "m").segment(table))
    assert sorted(segmented) == [n for n in range(1, 21) if n != 6]
    for number, painted in segmented.items():
        line = found[number - 1]
        marks = np.load(out / line["mask"])
        assert line["mask"] == f"masks/{line['name']}.npy"
        np.testing.assert_array_equal(marks, painted.marks)
        assert marks.shape[1:] == np.load(folder / some[number - 1]["image"]).shape
        assert float(line["marked"]) == pytest.approx(marks.mean())


def test_a_frame_tells_what_the_masks_hold_even_where_a_whole_block_is_refused(study, monkeypatch):
    folder, rows = study
    monkeypatch.setattr(ahead, "MOST_ON_GRID", 2)
    (folder / "broken.npy").write_bytes(b"nothing")
    bad = [{"image": "broken.npy", "name": "x"}] * 2
    table = write(folder / "first_bad.parquet", [*bad, *({"image": row["image"], "name": row["name"]} for row in rows[:3])])
    frame = osler.load(folder / "m").predict(table)
    assert frame.columns == ["row", "name", "marked", "refused"]
    assert frame["marked"].is_null().to_list() == [True, True, False, False, False]
    out = osler.predict(folder / "m", table, out=folder / "first_bad")
    assert [bool(line["marked"]) for line in lines(out)] == [False, False, True, True, True]


def test_a_folder_or_a_file_stands_in_for_a_table(study, tmp_path):
    folder, rows = study
    (tmp_path / "in" / "deep").mkdir(parents=True)
    shutil.copy(folder / rows[0]["image"], tmp_path / "in" / "one.npy")
    shutil.copy(folder / rows[1]["image"], tmp_path / "in" / "deep" / "two.v2.npy")
    found = lines(osler.predict(folder / "m", tmp_path / "in", out=tmp_path / "out"))
    assert [(line["image"], line["mask"]) for line in found] == [
        ("deep/two.v2.npy", "masks/deep_two.v2.npy"), ("one.npy", "masks/one.npy"),
    ]  # fmt: skip
    alone = lines(osler.predict(folder / "m", tmp_path / "in" / "one.npy", out=tmp_path / "alone"))
    assert alone[0]["mask"] == "masks/one.npy"


def test_what_a_killed_run_finished_is_not_done_again(study, tmp_path, monkeypatch):
    folder, rows = study
    monkeypatch.setattr(ahead, "MOST_ON_GRID", 4)
    twice = [{**row, "name": "same"} for row in rows[:18]]
    table = write(folder / "twice.parquet", twice)
    whole = osler.predict(folder / "m", table, out=tmp_path / "whole")
    painted = []

    def counted(*given, **more):
        if len(painted) == 9:
            raise KeyboardInterrupt
        painted.append(1)
        return kept(*given, **more)

    kept = Strips.write_marks
    monkeypatch.setattr(Strips, "write_marks", counted)
    with pytest.raises(KeyboardInterrupt):
        osler.predict(folder / "m", table, out=tmp_path / "out")
    assert not (tmp_path / "out" / "cases.csv").exists()
    monkeypatch.setattr(Strips, "write_marks", lambda *given, **more: (painted.append(1), kept(*given, **more))[1])
    out = osler.predict(folder / "m", table, out=tmp_path / "out")
    assert len(painted) == 9 + 18 - 8  # two blocks of four were whole
    assert lines(out) == lines(whole)
    assert [line["mask"] for line in lines(out)][:3] == ["masks/same.npy", "masks/same-2.npy", "masks/same-3.npy"]
    assert {p.name: p.read_bytes() for p in (out / "masks").iterdir()} == {
        p.name: p.read_bytes() for p in (whole / "masks").iterdir()
    }
    assert not (out / "cases.csv.parts").exists()


def test_only_parts_with_a_share_are_computed_and_no_mask_is_read(study, tmp_path, monkeypatch):
    folder, _ = study
    predictor = osler.load(folder / "m")
    asked, roles = set(), set()
    kept, shard = painting.grid.maps_of, Strips.shard
    monkeypatch.setattr(painting.grid, "maps_of", lambda *g, **m: (asked.update(m["parts"]), kept(*g, **m))[1])
    monkeypatch.setattr(Strips, "shard", lambda *g, **m: (roles.update(m["roles"]), shard(*g, **m))[1])
    osler.predict(folder / "m", folder / "table.parquet", out=tmp_path / "out")
    assert asked == set(predictor.blend.parts)
    assert not roles & {"target", "truth"}


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.jsonl"])
def test_the_name_of_a_table_is_refused(study, tmp_path, name):
    folder, _ = study
    with pytest.raises(RequestError, match=r"this bundle paints masks, and .* is the name of a table: give --out a folder"):
        osler.predict(folder / "m", folder / "table.parquet", out=tmp_path / name)


def test_a_file_and_a_bundle_are_no_place_for_masks(study, tmp_path):
    folder, _ = study
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="'file' is a file; this bundle paints masks: give --out a folder"):
        osler.predict(folder / "m", folder / "table.parquet", out=tmp_path / "file")
    with pytest.raises(OutputError, match="'m' is a bundle, and nothing else may lie in one"):
        osler.predict(folder / "m", folder / "table.parquet", out=folder / "m" / "masks")


def test_a_bundle_of_masks_has_a_block_of_few_cases(study):
    folder, _ = study
    assert osler.load(folder / "m").block_cases == 16


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a/b", "a_b"),
        ("../x", "x"),
        ("a  b", "a_b"),
        ("Müller-3", "Müller-3"),
        ("..", ""),
        ("a" * 300, "a" * 100),
        ("x:y*z", "x_y_z"),
    ],
)
def test_a_name_stays_in_its_folder(name, kept):
    assert safe(name) == kept


def test_names_are_numbered_and_without_an_id_come_from_the_file_or_the_row():
    table = osler.flows.opening.in_memory({"id": ["a", "A", "a-2", None, "a"]})
    assert Names("id", None, endings=[]).of(next(table)) == ["a", "A-2", "a-2-2", "row4", "a-3"]
    files = Files(masks.Path("/x"), ("s/one.nii.gz", "two.NII"), "image")
    assert Names(None, files, endings=[".gz", ".nii", ".nii.gz"]).of(next(files.blocks(size=9))) == ["s_one", "two"]
    rows = osler.flows.opening.in_memory({"x": [1, 2]})
    assert Names(None, None, endings=[]).of(next(rows)) == ["row1", "row2"]


def test_a_case_is_explained_by_its_picture(study, tmp_path):
    folder, _ = study
    told = osler.explain(folder / "m", folder / "table.parquet", out=tmp_path / "x", case="c3")
    assert told[0]["id"] == "c3"
    assert "marks=" in told[0]["picture"]
    assert "truth" not in told[0]["picture"]
    kept = json.loads((tmp_path / "x" / "explanation.json").read_text())["cases"][0]
    assert kept["cells"].keys() == {"marked"}
    assert (tmp_path / "x" / kept["file"]).read_text() == told[0]["picture"]
    assert told[0]["picture"] in (tmp_path / "x" / "explanation.html").read_text()
    with pytest.raises(osler.OslerError, match="of masks and tracks a case is shown as a whole; leave --target and --class out"):
        osler.explain(folder / "m", folder / "table.parquet", out=tmp_path / "x", case="c3", level="yes")


def test_maps_of_crews_are_averaged_one_at_a_time(monkeypatch):
    drawn = [np.random.default_rng(seed).normal(size=(2, 3, 4, 5)).astype(np.float32) for seed in range(5)]
    alive = []

    def said(crew, source, row, *, parts):
        assert sum(one() is not None for one in alive) <= 1  # the sum
        found = {part: drawn[crew].copy() for part in parts}
        alive.extend(weakref.ref(one) for one in found.values())
        return found

    monkeypatch.setattr(grid, "crew_maps", said)
    found = grid.maps_of(range(5), None, 0, parts=("network",))
    np.testing.assert_array_equal(found["network"], np.mean(drawn, axis=0))
