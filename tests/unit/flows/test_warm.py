"""First weights from a folder: what fits is taken, its place is told to nobody, and another network's weights are refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

from osler.core.errors import PlanError, RequestError
from osler.core.study import Input, Study
from osler.flows.train import train
from osler.flows.warm import resolved
from osler.spine.study import Request

SMALL = {"fit.epochs": 1, "fit.members": 1, "fit.threads": 1, "explain.seconds": 0, "baseline.effort": 1, "split.folds": 1}


def study(weights: object) -> Study:
    inputs = (Input("image", "images", ("image",)),)
    return Study(Path("t.csv"), Path(), ("y",), "classification", inputs, settings={"inputs.image.weights": weights})


def request(folder: Path, **settings) -> Request:
    asked = tuple(f"{name}={value}" for name, value in {**SMALL, **settings}.items())
    return Request(folder / "table.csv", target=("label",), budget="1m", settings=asked)


@pytest.fixture(scope="module")
def pictures(data, tmp_path_factory):
    """A hundred and twenty chest radiographs as files with their table."""
    folder = tmp_path_factory.mktemp("pictures")
    found = np.load(data / "images" / "pneumoniamnist.npz")
    rows = []
    for number, (picture, label) in enumerate(zip(found["train_images"][:120], found["train_labels"][:120, 0], strict=True)):
        PIL.Image.fromarray(picture).save(folder / f"{number}.png")
        rows.append({"image": f"{number}.png", "label": "np"[label]})
    pl.DataFrame(rows).write_csv(folder / "table.csv")
    return folder


@pytest.fixture(scope="module")
def older(pictures):
    settings = {"inputs.image.width": 8, "inputs.image.depth": 1}
    return train(request(pictures, **settings), out=pictures / "older", cache=pictures / "cache")


def weights(bundle: Path) -> dict[str, np.ndarray]:
    return load_file(bundle / "weights.safetensors")


def test_a_network_starts_from_another_bundle_with_its_sizes_and_tells_nobody_where_it_lay(pictures, older):
    still = {"fit.learning_rate": "0.000000001", "fit.weight_decay": 0.0}
    found = train(
        request(pictures, **{"inputs.image.weights": str(older)}, **still), out=pictures / "new", cache=pictures / "cache"
    )
    first, now = weights(older), weights(found)
    for name, values in first.items():
        if "fusion.parts" in name and "running" not in name and "num_batches" not in name:
            np.testing.assert_allclose(now[name], values, atol=1e-6)
    texts = [path.read_text(errors="ignore") for path in found.rglob("*") if path.suffix in {".json", ".html", ".md"}]
    assert not any(str(older) in text or "older" in text for text in texts)
    assert any('"sha256:' in text for text in texts)


def test_a_folder_of_arrays_serves_as_well_and_another_network_does_not(pictures, older, tmp_path):
    start = "fold0.network0.fusion.parts.0."
    plain = {k[len(start) :]: v for k, v in weights(older).items() if k.startswith(start)}
    save_file(plain, tmp_path / "model.safetensors")
    sized = {"inputs.image.weights": str(tmp_path), "inputs.image.width": 8, "inputs.image.depth": 1}
    train(request(pictures, **sized), out=pictures / "plain", cache=pictures / "cache")
    with pytest.raises(RequestError, match=r"are of another network: .* for instance 'stem.* is \(16, .* here and \(8, .* there"):
        train(request(pictures, **{**sized, "inputs.image.width": 16}), out=pictures / "other", cache=pictures / "cache")


def test_a_folder_without_weights_is_refused(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"pickle")
    with pytest.raises(RequestError, match="holds no safetensors files and is no bundle"):
        resolved(study(str(tmp_path)))
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(RequestError, match=r"cannot be read \(SafetensorError\); wanted safetensors"):
        resolved(study(str(tmp_path)))
    with pytest.raises(PlanError, match="cannot be 7; wanted a folder"):
        resolved(study(7))
    with pytest.raises(PlanError, match=r"say where they are: --set inputs\.image\.weights=FOLDER"):
        resolved(study("sha256:abc"))


def test_a_study_without_first_weights_stays_as_it_is():
    plain = replace(study(""), settings={})
    assert resolved(plain) == (plain, {})


@pytest.fixture(scope="module")
def represented(pictures):
    """A representation of the same pictures without their labels."""
    settings = {"fit.epochs": 1, "fit.threads": 1, "inputs.image.width": 8, "inputs.image.depth": 1}
    asked = replace(request(pictures), task="representation", target=(), settings=tuple(f"{k}={v}" for k, v in settings.items()))
    asked = replace(asked, inputs=("image=images:image",))
    return train(asked, out=pictures / "represented", cache=pictures / "cache")


def test_a_network_starts_from_a_representation_and_the_report_says_what_it_gained(pictures, represented):
    still = {"fit.learning_rate": "0.000000001", "fit.weight_decay": 0.0}
    asked = replace(request(pictures, **still), pretrain=represented)
    found = train(asked, out=pictures / "pretrained", cache=pictures / "cache")
    first, now = weights(represented), weights(found)
    taken = {k.removeprefix("fold0.network0.fusion.parts.0."): v for k, v in now.items() if "fusion.parts.0." in k}
    for name, values in taken.items():
        if "running" not in name and "num_batches" not in name:
            np.testing.assert_allclose(values, first[f"made.encoder.{name}"], atol=1e-6)
    scores = json.loads((found / "scores.json").read_text())
    labels = [row["label"] for row in scores["panels"]["start"]["rows"]]
    assert labels == ["Networks from the given weights", "Networks from drawn weights", "Difference"]
    assert "What the given first weights gained" in (found / "report.html").read_text()
    given, drawn, difference = (row["values"]["auroc"]["value"] for row in scores["panels"]["start"]["rows"])
    assert difference == pytest.approx(given - drawn)


def test_the_comparison_can_be_left_out(pictures, represented):
    asked = replace(request(pictures, **{"fit.compare_start": "false"}), pretrain=represented)
    found = train(asked, out=pictures / "alone", cache=pictures / "cache")
    assert "start" not in json.loads((found / "scores.json").read_text())["panels"]


def test_a_representation_of_something_else_is_no_start(pictures, represented, tmp_path):
    pl.DataFrame({"age": range(40), "sick": ["no", "yes"] * 20}).write_csv(tmp_path / "table.csv")
    asked = Request(tmp_path / "table.csv", target=("sick",), pretrain=represented)
    with pytest.raises(RequestError, match="represented represents images, and the study's inputs are tables"):
        train(asked, out=tmp_path / "new", cache=tmp_path / "cache")
