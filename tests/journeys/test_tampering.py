"""A bundle of which anything was changed, taken away or added by a stranger is refused with the file's name."""

import json
import shutil

import pytest

from tests.journeys.command import osler, refused

FILES = (
    "bundle.json", "plan.json", "weights.safetensors", "fitted.safetensors", "fitted.json", "scores.json", "report.html", "card.md", "methods.md",
)  # fmt: skip


@pytest.fixture
def copied(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "copied")


def predicted(bundle, cancer, tmp_path):
    said = refused(osler("predict", bundle, cancer / "table.csv", "--out", tmp_path / "p.csv"))
    assert not (tmp_path / "p.csv").exists()
    return said


def changed(path, how):
    data = bytearray(path.read_bytes())
    if how == "deleted":
        path.unlink()
        return
    if how == "flipped":
        data[len(data) // 2] ^= 1
    path.write_bytes(data[: len(data) // 2] if how == "cut off" else data + (b" " if how == "longer" else b""))


def test_the_list_of_files_is_whole(bundle):
    assert set(json.loads((bundle / "bundle.json").read_text())["files"]) >= set(FILES) - {"bundle.json"}
    assert {p.name for p in bundle.iterdir() if p.is_file()} == set(FILES)


@pytest.mark.parametrize("how", ["flipped", "cut off", "deleted", "longer"])
@pytest.mark.parametrize("name", [*FILES, "baseline"])
def test_each_changed_file_is_named(copied, cancer, tmp_path, name, how):
    path = copied / name
    if name == "baseline":
        path = min(p for p in path.rglob("*") if p.is_file())
    changed(path, how)
    if name == "bundle.json" and how == "longer":  # space after JSON says nothing else
        assert osler("predict", copied, cancer / "table.csv", "--out", tmp_path / "p.csv").code == 0
        return
    assert path.name in predicted(copied, cancer, tmp_path)


def test_a_link_in_place_of_a_file_is_not_followed(copied, bundle, cancer, tmp_path):
    (copied / "plan.json").unlink()
    (copied / "plan.json").symlink_to(bundle / "plan.json")
    assert "plan.json" in predicted(copied, cancer, tmp_path)


def test_a_foreign_folder_is_no_bundle(cancer, tmp_path):
    assert "is no bundle: there is no bundle.json in it" in predicted(cancer, cancer, tmp_path)
    assert "is no bundle" in predicted(tmp_path / "nowhere", cancer, tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "x"}', "\x00\xff", '{"format": 1, "files": []}', "[" * 5000])
def test_a_foreign_index_is_refused(copied, cancer, tmp_path, text):
    (copied / "bundle.json").write_text(text)
    assert "bundle.json" in predicted(copied, cancer, tmp_path)


def test_a_newer_bundle_says_update(copied, cancer, tmp_path):
    about = json.loads((copied / "bundle.json").read_text())
    (copied / "bundle.json").write_text(json.dumps(about | {"format": 99}))
    assert "the bundle has format 99, this Osler reads up to 1; update Osler" in predicted(copied, cancer, tmp_path)


def test_training_does_not_replace_a_folder_of_somebody_else(cancer, plan, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "thesis.txt").write_text("years of work")
    ended = osler("train", cancer / "study.yaml", "--plan", plan, "--out", tmp_path / "m")
    assert "exists and is no bundle" in refused(ended)
    assert (tmp_path / "m" / "thesis.txt").read_text() == "years of work"
