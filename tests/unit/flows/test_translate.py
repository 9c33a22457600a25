"""One kind of image from another: from a table to a bundle, and to files in the geometry of their sources."""

import csv
import json

import numpy as np
import pytest

import osler
from osler.core.errors import OslerError, RequestError, StudyError
from osler.flows.train import train
from osler.modalities.images.read.volume import load_volume
from osler.spine.study import Request
from tests.unit.generation.translation.sides import heads
from tests.unit.modalities.images.volume_files import oblique

nibabel = pytest.importorskip("nibabel")
SMALL = (
    "fit.epochs=2", "fit.rounds=2", "fit.batch=4", "translation.widths=[4, 8]", "translation.depth=1", "translation.adversarial=false",
    "translation.critic=4", "split.test=0.3",
)  # fmt: skip
DEEP = 4


def volume(slices):
    return np.stack([one[0] for one in slices], axis=-1)


def write(path, values, affine):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values.astype(np.int16), affine.astype(np.float32)), path)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Twenty drawn heads as oblique volumes, in a unit of theirs and in Hounsfield units, and rows that cannot be used."""
    home = tmp_path_factory.mktemp("translation")
    sources, targets = heads(20 * DEEP, side=24)
    rows = []
    for number in range(20):
        part = slice(number * DEEP, (number + 1) * DEEP)
        affine = oblique(origin=(-number, 3.0, 40.0))
        write(home / f"mr/{number}.nii.gz", volume(sources[part]).astype(float) * 3, affine)
        write(home / f"ct/{number}.nii.gz", volume(targets[part]).astype(float) * 8 - 1000, affine)
        rows.append(
            {
                "case": f"case{number}",
                "patient": f"p{number}",
                "mr": f"mr/{number}.nii.gz",
                "ct": f"ct/{number}.nii.gz",
                "note": "a",
            }
        )
    write(home / "flat.nii.gz", np.full((24, 24, DEEP), 7), oblique())
    write(home / "elsewhere.nii.gz", volume(targets[:DEEP]), oblique(origin=(50, 50, 50)))
    odd = {"flat": "flat.nii.gz", "alone": "", "elsewhere": "elsewhere.nii.gz", "copy": "mr/3.nii.gz"}
    for number, (name, ct) in enumerate(odd.items()):
        mr = "mr/0.nii.gz" if name == "alone" else f"mr/{number}.nii.gz"
        rows.append({"case": name, "patient": f"odd{number}", "mr": mr, "ct": ct, "note": "b"})
    rows[-4]["mr"] = "flat.nii.gz"
    save(home / "table.csv", rows)
    return home / "table.csv"


def save(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def lines(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def asked(table, *, settings=(), **more):
    given = {
        "task": "translation",
        "inputs": ("source=images:mr",),
        "target": ("ct",),
        "group": "patient",
        "id": "case",
        "budget": "1m",
        **more,
    }
    target = given.pop("target")
    return Request(table, target, settings=(*SMALL, "inputs.wanted.kind=CT", *settings), **given)


@pytest.fixture(scope="module")
def bundle(table):
    return train(asked(table), out=table.parent / "bundle", cache=table.parent / "cache")


def test_rows_that_do_not_pair_are_refused_with_their_reason(bundle):
    scores = json.loads((bundle / "scores.json").read_text())
    assert scores["counts"]["refused"] == 4
    assert scores["counts"]["training"] + scores["counts"]["tune"] + scores["counts"]["test"] == 20
    page = (bundle / "report.html").read_text()
    for code in ("copy", "unpaired", "grid"):
        assert f"<code>{code}</code>" in page
    assert "source and target are the same image" in page
    assert "case3" not in page, "no case is named"


def test_the_report_stands_on_patients_beside_baselines(bundle):
    scores = json.loads((bundle / "scores.json").read_text())
    assert set(scores["numbers"]["systems"]) == {"network", "identity", "histogram", "places"}
    assert scores["numbers"]["patients"] == 6
    assert "consistency" in scores["sections"], "volumes tell whether their slices follow one another"
    plan = {d["name"]: d["value"] for d in json.loads((bundle / "plan.json").read_text())["decisions"]}
    assert plan["translation.pairing"] == "paired"
    assert (plan["translation.source_scale"], plan["translation.target_scale"]) == ("case", "study"), "Hounsfield units are kept"
    assert plan["inputs.source.spacing"] is None
    assert "inputs.source.mirror" not in plan, "what the modality would have cut is no decision here"
    cases = bundle.with_name("bundle.cases.html").read_text()
    assert "data:image/png;base64" in cases


def test_images_lie_where_their_sources_lie(bundle, table, tmp_path):
    out = osler.translate(bundle, table, out=tmp_path / "out")
    told = lines(out / "cases.csv")
    assert [row["case"] for row in told] == [row["case"] for row in lines(table)], "in the order of the table"
    for row, source in list(zip(told, lines(table), strict=True))[:20]:
        made, own = nibabel.load(out / row["image"]), nibabel.load(table.parent / source["mr"])
        assert np.abs(made.affine - own.affine).max() < 1e-4
        assert made.shape == own.shape
        assert made.get_data_dtype() == np.int16
        assert b"SYNTHETIC" in bytes(made.header["descrip"])
        assert row["refused"] == ""
        assert float(row["slice_step"]) > 0
    values = np.concatenate([load_volume(str(out / row["image"])).values.ravel() for row in told[:20]])
    assert values.min() < -500, "air is air in Hounsfield units"
    assert told[20]["refused"].startswith("constant: ")
    assert told[20]["image"] == ""
    assert told[21]["image"], "the target is not needed here"


def test_the_same_again_is_the_same_bytes(bundle, table, tmp_path):
    one, other = (osler.translate(bundle, table, out=tmp_path / name, workers=1) for name in ("one", "other"))
    for path in sorted((one / "images").iterdir()):
        assert path.read_bytes() == (other / "images" / path.name).read_bytes()
    assert (one / "cases.csv").read_text() == (other / "cases.csv").read_text()


def test_the_same_plan_and_seed_give_the_same_bundle(bundle, table, tmp_path):
    again = train(asked(table), out=tmp_path / "again", plan=bundle / "plan.json", cache=table.parent / "cache")
    assert (again / "weights.safetensors").read_bytes() == (bundle / "weights.safetensors").read_bytes()


def test_a_folder_or_a_file_is_a_table_too(bundle, table, tmp_path):
    out = osler.translate(bundle, table.parent / "mr", out=tmp_path / "out")
    assert len(list((out / "images").iterdir())) == 20
    one = osler.translate(bundle, table.parent / "mr/4.nii.gz", out=tmp_path / "one")
    assert (one / "images/4.nii.gz").read_bytes() == (out / "images/4.nii.gz").read_bytes()


def test_a_bundle_of_another_task_or_way_says_what_to_do(bundle, table, tmp_path):
    with pytest.raises(RequestError, match="knows one way; for the other train again with source and target exchanged"):
        osler.translate(bundle, table, out=tmp_path / "out", back=True)
    with pytest.raises(RequestError, match="give --out a folder"):
        osler.translate(bundle, table, out=tmp_path / "out.csv")
    with pytest.raises(RequestError, match="use it with 'osler translate'"):
        osler.load(bundle)


def test_without_pairs_both_ways_are_learned(table, tmp_path):
    rows = lines(table)[:20]
    single = [{**row, "mr" if number % 2 else "ct": ""} for number, row in enumerate(rows)]
    path = save(table.parent / "single.csv", single)
    out = train(asked(path, settings=("fit.epochs=1",)), out=tmp_path / "bundle", cache=table.parent / "cache")
    scores = json.loads((out / "scores.json").read_text())
    assert scores["headline"].startswith("Without pairs likeness is not measured")
    assert set(scores["numbers"]["distances"]) >= {"translated", "source as it is", "source, histogram matched"}
    assert "The test holds no pairs" in (out / "report.html").read_text()
    there = lines(osler.translate(out, path, out=tmp_path / "there") / "cases.csv")
    back = lines(osler.translate(out, path, out=tmp_path / "back", back=True) / "cases.csv")
    assert [bool(row["image"]) for row in there] == [bool(row["mr"]) for row in single]
    assert [bool(row["image"]) for row in back] == [bool(row["ct"]) for row in single]


def test_unpaired_training_is_held_against_pairs_where_the_test_has_them(table, tmp_path):
    asks = asked(table, settings=("fit.epochs=1", "translation.pairing=unpaired"))
    scores = json.loads((train(asks, out=tmp_path / "bundle", cache=table.parent / "cache") / "scores.json").read_text())
    assert set(scores["numbers"]["systems"]) == {"network", "identity", "histogram"}, "a regression would need pairs"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [{**row, "ct": row["mr"]} for row in rows], "source and target are the same image"),
        (lambda rows: [{**row, "ct": "flat.nii.gz"} for row in rows], "the image holds one value everywhere"),
        (lambda rows: [{**row, "ct": "" if int(row["patient"][1:]) > 2 else row["ct"]} for row in rows[:20]], "of the target, and translation needs at least 20"),
        (lambda rows: rows[:4], r"training holds \d+ slices of \d volumes of the source, and translation needs at least 20"),
        (lambda rows: rows[:2], "cases can be used, and the task 'translation' needs at least 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_says_why(table, tmp_path, change, message):
    path = save(table.parent / f"{tmp_path.name}.csv", change(lines(table)[:20]))
    with pytest.raises(StudyError, match=message):
        train(asked(path), out=tmp_path / "bundle", cache=table.parent / "cache")


def test_a_test_without_the_target_says_so(table, tmp_path):
    rows = [
        {**row, "split": "test" if n > 13 else "train", "ct": "" if n > 13 else row["ct"]}
        for n, row in enumerate(lines(table)[:20])
    ]
    path = save(table.parent / "untested.csv", rows)
    with pytest.raises(OslerError, match="the other image of the pair is missing"):
        train(asked(path, split="split"), out=tmp_path / "bundle", cache=table.parent / "cache")


def test_one_input_of_images_is_wanted(table, tmp_path):
    with pytest.raises(StudyError, match="translation takes one input of images"):
        train(asked(table, inputs=("source=tables:note",)), out=tmp_path / "b", cache=table.parent / "cache")
    with pytest.raises(StudyError, match="needs a target"):
        train(asked(table, target=()), out=tmp_path / "b", cache=table.parent / "cache")
