"""From a table of pictures to a bundle that makes more of them, files that say so, and a test that is told so."""

import csv
import io
import json

import numpy as np
import PIL.Image
import pydicom
import pytest

import osler
from osler.core.columns import Columns, Field
from osler.core.errors import LeakError, OutputError, RequestError, StudyError
from osler.core.provenance import Provenance, said_synthetic
from osler.flows.generate import generate
from osler.flows.train import train
from osler.language import words
from osler.spine.study import Request

FAST = ("fit.epochs=1", "fit.epoch_cases=64", "fit.rounds=1", "synthesis.width=4", "synthesis.read=64", "fit.threads=1")
IMAGE = ("image=images:image",)


def written(folder, pixels, labels, *, split=None, header="image,label"):
    """A table of pictures (n, i, j[, 3]) in PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [header + (",split" if split is not None else "")]
    for row, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        PIL.Image.fromarray(picture).save(folder / f"{row}.png")
        lines.append(f"{row}.png,{label}" + (f",{split[row]}" if split is not None else ""))
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder / "table.csv"


def read(table):
    """The rows of a table of files."""
    return list(csv.DictReader(io.StringIO(table.read_text())))


def asked(table, *, settings=FAST, **more):
    given = {"task": "synthesis", "target": ("label",), "inputs": IMAGE, "budget": "30s", **more}
    return Request(table, settings=settings, **given)


@pytest.fixture(scope="module")
def radiographs(data, tmp_path_factory):
    """120 of the children's radiographs of PneumoniaMNIST, none twice, with a split of their own."""
    with np.load(data / "images" / "pneumoniamnist.npz") as held:
        images, labels = held["train_images"][:150], held["train_labels"][:150, 0]
    _, first = np.unique(images.reshape(150, -1), axis=0, return_index=True)
    rows = np.sort(first)[:120]
    split = np.array(["train"] * 60 + ["val"] * 20 + ["test"] * 40)
    names = np.array(["normal", "pneumonia"])[labels[rows]]
    return written(tmp_path_factory.mktemp("radiographs"), images[rows], names, split=split)


@pytest.fixture(scope="module")
def bundle(radiographs):
    settings = (*FAST, "synthesis.sizes=[30]", "synthesis.draws=2")
    request = asked(radiographs, split="split", settings=settings, budget="10m")
    return train(request, out=radiographs.parent / "bundle", cache=radiographs.parent / "cache")


def test_the_report_answers_whether_they_help(bundle):
    scores = json.loads((bundle / "scores.json").read_text())
    assert scores["task"] == "synthesis"
    few, size = scores["numbers"]["helps"]
    assert (size["cases"], size["draws"]) == (60, 1)
    assert (few["cases"], few["draws"]) == (30, 2)
    assert few["auroc"]["synthetic"]["note"].startswith("2 draws: ")
    assert set(size["auroc"]) == {"real", "real, moved", "synthetic", "real and synthetic", "real, moved, and synthetic"}
    assert all(v["low"] <= v["value"] <= v["high"] for v in size["auroc"].values() if v["low"] is not None)
    assert set(scores["numbers"]["frechet"]) == {
        f"{what} {beside}" for what in ("synthetic", "real, training") for beside in ("to test pictures", "to training pictures")
    }
    page = (bundle / "report.html").read_text()
    for told in ("Whether they help", "Whether they are copies", "real, moved, and synthetic", "Synthetic: pneumonia"):
        assert told in page
    assert "data:image/png" in page
    cases = bundle.with_name("bundle.cases.html").read_text()
    assert "The nearest training pictures" in cases
    assert "The nearest training pictures" not in page


def test_a_budget_that_is_gone_leaves_the_experiment_out(radiographs, tmp_path):
    out = train(asked(radiographs, split="split", budget="1s"), out=tmp_path / "out", cache=radiographs.parent / "cache")
    scores = json.loads((out / "scores.json").read_text())
    assert scores["numbers"]["helps"] == []
    assert "The budget ended before it was asked whether synthetic pictures help." in scores["notes"]


def test_the_bundle_holds_the_generator_alone(bundle):
    from safetensors.numpy import load_file

    assert {name.split(".")[1] for name in load_file(bundle / "weights.safetensors")} == {"generator"}


def test_what_is_said_is_said_in_chinese_too(bundle):
    chinese = words("zh")
    scores = json.loads((bundle / "scores.json").read_text())
    told = [scores["headline"], *(t for section in scores["sections"].values() for t in section["text"])]
    told += [row["label"] for s in scores["sections"].values() for p in s["panels"].values() for row in p["rows"]]
    untold = [text for text in told if text and not any("\u4e00" <= sign <= "\u9fff" for sign in chinese[text])]
    assert untold == []


def test_the_same_seed_gives_the_same_bytes(bundle, tmp_path):
    tables = [generate(bundle, count=9, out=tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    files = [[path.read_bytes() for path in sorted(table.parent.rglob("*")) if path.is_file()] for table in tables]
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_each_file_says_that_it_is_synthetic(bundle, tmp_path):
    table = generate(bundle, count=7, out=tmp_path / "made", seed=5)
    rows = read(table)
    assert [row["image"] for row in rows] == [f"images/{n:05d}.png" for n in range(1, 8)]
    assert {row["provenance"] for row in rows} == {"synthetic"}
    for number, row in enumerate(rows, 1):
        with PIL.Image.open(table.parent / row["image"]) as picture:
            assert picture.size == (28, 28)
            assert picture.mode == "L"
            assert said_synthetic(picture.info)
            assert picture.info["Osler-Bundle"] == f"sha256:{row['bundle']}"
            assert (picture.info["Seed"], picture.info["Number"], picture.info["Class"]) == ("5", str(number), row["label"])


def test_classes_are_as_frequent_as_in_training_or_as_asked(bundle, radiographs, tmp_path):
    training = [row["label"] for row in read(radiographs) if row["split"] == "train"]
    share = training.count("pneumonia") / len(training)
    made = [row["label"] for row in read(generate(bundle, count=40, out=tmp_path / "all"))]
    assert made.count("pneumonia") == pytest.approx(40 * share, abs=1)
    only = generate(bundle, count=3, out=tmp_path / "one", label="normal")
    assert [row["label"] for row in read(only)] == ["normal"] * 3


def test_wrong_requests_are_told(bundle, tmp_path):
    with pytest.raises(RequestError, match=r"no class 'Pneumonia'; did you mean 'pneumonia'\?"):
        generate(bundle, count=1, out=tmp_path / "a", label="Pneumonia")
    with pytest.raises(RequestError, match=r"--count is 0; wanted from 1 to 1,000,000"):
        generate(bundle, count=0, out=tmp_path / "a")
    with pytest.raises(RequestError, match=r"--seed is -1; wanted 0 or more"):
        generate(bundle, count=1, seed=-1, out=tmp_path / "a")
    assert not (tmp_path / "a").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    with pytest.raises(OutputError, match="'full' is not empty, and synthetic files are not put among others"):
        generate(bundle, count=1, out=tmp_path / "full")
    with pytest.raises(RequestError, match="use it with 'osler generate'"):
        osler.load(bundle)


@pytest.mark.parametrize("leaks", ["stop", "drop"])
def test_synthetic_pictures_are_no_test(bundle, leaks, tmp_path):
    table = generate(bundle, count=60, out=tmp_path / "made")
    request = Request(table.parent / "study.yaml", budget="10s", leaks=leaks)
    with pytest.raises(LeakError, match=r"\d+ of \d+ test pictures say in their files that they are synthetic: what is scored"):
        train(request, out=tmp_path / "model", cache=tmp_path / "cache")


@pytest.mark.parametrize("name", ["test", "development"])
def test_the_finding_is_told_in_chinese(name):
    from osler.core.split import Split
    from osler.modalities.images.case import HASHES, MARKS
    from osler.modalities.images.leaks.marks import made_pictures

    marks = np.zeros((6, len(MARKS)), np.int64)
    marks[{"test": [5], "development": [0, 3]}[name], MARKS.index("synthetic")] = 1
    columns = Columns(
        (Field(HASHES, "int64", (len(MARKS),), role="baseline"),), {HASHES: marks}, np.ones(6, bool), np.zeros((6, 2), np.int64)
    )
    none = np.empty(0, np.int64)
    (leak,) = made_pictures(columns, Split(np.arange(3), np.array([3]), none, np.array([4, 5]), (), "given"))
    assert leak.severity == ("stop" if name == "test" else "warn")
    assert leak.test_rows.tolist() == ([5] if name == "test" else [])
    assert "合成" in words("zh")[leak.sentence]


# what cannot be --------------------------------------------------------------------------------------------------------


def noise(count, *, size=(16, 16), seed=0, top=255, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, top, (count, *size)).astype(dtype)


def refused(tmp_path, pixels, labels, **more):
    with pytest.raises(StudyError) as raised:
        train(asked(written(tmp_path / "given", pixels, labels), **more), out=tmp_path / "out", cache=tmp_path / "cache")
    assert not (tmp_path / "out").exists()
    return str(raised.value)


def test_few_pictures_are_refused(tmp_path):
    told = refused(tmp_path, noise(15), ["a", "b"] * 7 + ["a"])
    assert "15 cases can be used, and the task 'synthesis' needs at least 20" in told


def test_flat_pictures_are_refused(tmp_path):
    flat = np.repeat(np.arange(40, dtype=np.uint8), 256).reshape(40, 16, 16)
    assert "every training picture is of one grey throughout" in refused(tmp_path, flat, ["a", "b"] * 20)


def test_one_picture_many_times_is_refused(tmp_path):
    same = np.repeat(noise(1), 40, axis=0)
    told = refused(tmp_path, same, ["a", "b"] * 20, leaks="allow")
    assert "all training pictures are the same picture" in told


def test_one_class_is_refused_with_the_way_out(tmp_path):
    assert "label" in refused(tmp_path, noise(40), ["a"] * 40)


def test_numbers_are_no_classes(tmp_path):
    told = refused(tmp_path, noise(60), [f"{v:.3f}" for v in np.random.default_rng(0).normal(size=60)])
    assert "pictures are made by class, and the target holds numbers; leave --target out" in told


def test_a_rare_class_is_refused(tmp_path):
    told = refused(tmp_path, noise(80), ["a", "b"] * 37 + ["c"] * 6, split=None)
    assert "1 of the classes have fewer than 5 training pictures" in told


def test_other_data_are_refused(tmp_path):
    (tmp_path / "table.csv").write_text("x,y\n" + "\n".join(f"{i},{i * i}" for i in range(40)) + "\n")
    request = Request(tmp_path / "table.csv", task="synthesis", inputs=("rows=tables:x,y",))
    with pytest.raises(StudyError, match="synthesis makes images, not yet tables; name a column of pictures with --input"):
        train(request, out=tmp_path / "out", cache=tmp_path / "cache")


def test_pictures_without_a_label_of_colours_and_many_sizes(tmp_path):
    """No class, three channels, sizes that differ: one size is decided, and what is made is in colours."""
    folder = tmp_path / "colours"
    folder.mkdir()
    draws = np.random.default_rng(3)
    for row in range(40):
        side = 40 + row % 3
        ground = draws.integers(0, 255, (1, 1, 3)) + draws.integers(0, 60, (side, side, 3))
        PIL.Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8)).save(folder / f"{row}.png")
    (folder / "table.csv").write_text("image\n" + "".join(f"{row}.png\n" for row in range(40)))
    settings = (*FAST, "synthesis.size=[12,12]")
    out = train(asked(folder / "table.csv", target=(), settings=settings), out=tmp_path / "out", cache=tmp_path / "cache")
    assert "Whether synthetic pictures help cannot be asked without a label." in (out / "report.html").read_text()
    table = generate(out, count=2, out=tmp_path / "made")
    with PIL.Image.open(table.parent / "images" / "00001.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", (12, 12))
    with pytest.raises(RequestError, match="its pictures have no class; leave --class out"):
        generate(out, count=2, out=tmp_path / "none", label="x")


def test_sixteen_bits_stay_sixteen_bits(tmp_path):
    pixels = noise(40, top=4000, dtype=np.uint16)
    out = train(asked(written(tmp_path / "given", pixels, ["a", "b"] * 20)), out=tmp_path / "out", cache=tmp_path / "cache")
    table = generate(out, count=2, out=tmp_path / "made")
    with PIL.Image.open(table.parent / "images" / "00001.png") as picture:
        assert picture.mode == "I;16"
        values = np.asarray(picture)
    assert values.dtype == np.uint16
    assert values.max() <= 4000


def test_signed_values_are_written_as_dicom_that_says_so():
    from osler.generation.synthesis.files import Origin, encoded, ending
    from osler.modalities.images.read import dicom

    origin = Origin(Provenance("Osler 0.1.0", "sha256:" + "ab" * 32, "made from noise"), 3, 7, "haemorrhage")
    pixels = np.array([[-1000, 40, 0, 3000]] * 4, np.int16)[None]
    data = encoded(pixels, origin=origin)
    assert data == encoded(pixels, origin=origin)
    assert ending("int16") == ".dcm"
    assert ending("uint16") == ".png"
    held = pydicom.dcmread(io.BytesIO(data))
    assert held.DerivationDescription.startswith("SYNTHETIC")
    assert list(held.ImageType) == ["DERIVED", "SECONDARY"]
    assert held.PatientName == "SYNTHETIC"
    assert (held.pixel_array == pixels[0]).all()
    raw = dicom.raw(data, reading={"window": None})
    assert raw.synthetic
    assert (raw.values == pixels).all()


def test_a_real_png_does_not_say_so(radiographs):
    with PIL.Image.open(radiographs.parent / "0.png") as picture:
        assert not said_synthetic(picture.info)
