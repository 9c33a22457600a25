"""Data sets arrive whole, checked, and never over somebody's work."""

import csv
import hashlib
import shutil
import stat
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml

from osler.core.errors import OutputError, RequestError, RunError
from osler.datasets import entries, folder, get, registry
from osler.datasets.local import package_folder

SKLEARN = "sklearn:datasets/data"


def read(study):
    with (study.parent / "table.csv").open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    return header, np.array(rows)


def packaged():
    return [entry for entry in entries() if entry.package == SKLEARN]


@pytest.fixture
def mirror(tmp_path):
    """A folder that holds the files of every data set."""
    place = tmp_path / "mirror"
    place.mkdir()
    for entry in packaged():
        for file in entry.files:
            shutil.copy(package_folder(entry.package) / file.name, place / file.name)
    return place


@pytest.mark.parametrize("name", [e.name for e in packaged()])
def test_table_and_study_agree_with_the_registry(name, tmp_path):
    study = get(name, to=tmp_path / "new" / name)
    entry = registry.entry(name)
    assert hashlib.sha256((study.parent / "table.csv").read_bytes()).hexdigest() == entry.table_sha256
    keys = yaml.safe_load(study.read_text(encoding="utf-8"))
    header, rows = read(study)
    assert keys["table"] == "table.csv"
    assert keys["title"] == entry.title
    assert keys["target"] in header
    assert len(rows) == entry.rows
    assert entry.licence in study.read_text(encoding="utf-8")
    assert {p.name for p in study.parent.iterdir()} == {"table.csv", "study.yaml"}


def test_breast_cancer_has_the_published_ranges(tmp_path):
    # scikit-learn 1.9.1, sklearn/datasets/descr/breast_cancer.rst, "Summary Statistics" and "Class Distribution"
    published = {
        "mean radius": (6.981, 28.11),
        "mean area": (143.5, 2501.0),
        "perimeter error": (0.757, 21.98),
        "worst texture": (12.02, 49.54),
        "worst fractal dimension": (0.055, 0.208),
    }
    header, rows = read(get("breast-cancer", to=tmp_path / "bc"))
    for name, (low, high) in published.items():
        values = rows[:, header.index(name)].astype(float)
        assert np.round([values.min(), values.max()], 3) == pytest.approx([low, high])
    classes, counts = np.unique(rows[:, header.index("diagnosis")], return_counts=True)
    assert dict(zip(classes.tolist(), counts.tolist(), strict=True)) == {"benign": 357, "malignant": 212}


def test_breast_cancer_equals_the_loader_of_scikit_learn(tmp_path):
    from sklearn.datasets import load_breast_cancer

    theirs = load_breast_cancer()
    header, rows = read(get("breast-cancer", to=tmp_path / "bc"))
    assert header[:-1] == theirs.feature_names.tolist()
    np.testing.assert_array_equal(rows[:, :-1].astype(float), theirs.data)
    np.testing.assert_array_equal(rows[:, -1], theirs.target_names[theirs.target])


def test_diabetes_is_in_its_own_units(tmp_path):
    from sklearn.datasets import load_diabetes

    theirs = load_diabetes(scaled=False)
    header, rows = read(get("diabetes", to=tmp_path / "d"))
    assert header == [*theirs.feature_names, "progression"]
    np.testing.assert_array_equal(rows[:, :-1].astype(float), theirs.data)
    # documentation of load_diabetes: targets are whole numbers from 25 to 346, the first three 151, 75 and 141
    assert rows[:3, -1].tolist() == ["151", "75", "141"]
    progression = rows[:, -1].astype(float)
    assert (progression.min(), progression.max()) == (25, 346)
    # scikit-learn 1.9.1: load_diabetes(scaled=False).data.mean(0)[:4], .target.mean()
    assert rows[:, :4].astype(float).mean(0) == pytest.approx([48.51809955, 1.46832579, 26.37579186, 94.64701357])
    assert progression.mean() == pytest.approx(152.13348416)


def test_mirror_gives_the_same_study(mirror, tmp_path):
    ours, theirs = get("diabetes", to=tmp_path / "a"), get("diabetes", to=tmp_path / "b", mirror=mirror)
    assert ours.read_bytes() == theirs.read_bytes()
    assert (ours.parent / "table.csv").read_bytes() == (theirs.parent / "table.csv").read_bytes()


def test_a_changed_byte_is_refused_and_nothing_written(mirror, tmp_path):
    file = mirror / "breast_cancer.csv"
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(RequestError, match=r"'breast_cancer\.csv' is not the file that was tested: sha256 .*fetch the original"):
        get("breast-cancer", to=tmp_path / "bc", mirror=mirror)
    assert not (tmp_path / "bc").exists()


def test_all_missing_files_are_told_at_once(tmp_path):
    with pytest.raises(RequestError, match=r"(?s)'diabetes_data_raw\.csv\.gz' is not in .*'diabetes_target\.csv\.gz' is not in"):
        get("diabetes", to=tmp_path / "d", mirror=tmp_path)


def test_a_converter_that_drifts_is_refused(tmp_path, monkeypatch):
    drifted = replace(registry.entry("diabetes"), table_sha256="0" * 64)
    monkeypatch.setattr(folder, "entry", {"diabetes": drifted}.get)
    with pytest.raises(RunError, match="the converted table is not the one that was tested; nothing was written"):
        get("diabetes", to=tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_unknown_name_offers_the_near_miss(tmp_path):
    with pytest.raises(RequestError, match=r"no data set 'breastcancer'; did you mean 'breast-cancer'\?"):
        get("breastcancer", to=tmp_path)


def test_a_package_that_is_absent_is_named():
    with pytest.raises(RequestError, match="the package 'osler_has_no_such' that ships these data is not installed"):
        package_folder("osler_has_no_such:data")


def test_a_repeat_leaves_the_folder_as_it_is(tmp_path):
    study = get("diabetes", to=tmp_path / "d")
    (tmp_path / "d" / "model").mkdir()
    before = [p.stat().st_mtime_ns for p in sorted(study.parent.iterdir())]
    assert get("diabetes", to=tmp_path / "d") == study
    assert [p.stat().st_mtime_ns for p in sorted(study.parent.iterdir())] == before


def test_an_empty_folder_and_a_killed_run_are_completed(tmp_path):
    assert get("diabetes", to=tmp_path).is_file()
    (tmp_path / "study.yaml").unlink()
    (tmp_path / ".study.yaml.1.partial").write_text("table: tab")
    assert "target: progression" in get("diabetes", to=tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["table.csv", "study.yaml", "notes.txt"])
def test_somebodys_files_are_left_alone(name, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match="exists and holds something else, which is left as it is; choose another folder"):
        get("diabetes", to=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "d").write_text("mine")
    with pytest.raises(OutputError, match=r"is no folder that can be read: Not a directory; choose another with --to"):
        get("diabetes", to=tmp_path / "d")


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another"):
        get("diabetes", to=tmp_path / "file" / "d")


def test_a_read_only_place_is_explained(tmp_path, monkeypatch):
    # the user of a container may write everywhere, so the refusal of the system is put in its place
    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    with pytest.raises(OutputError, match="cannot be written: Permission denied; choose another folder with --to"):
        get("diabetes", to=tmp_path / "d")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_written_files_have_the_users_rights(tmp_path):
    (tmp_path / "plain").write_text("")
    study = get("diabetes", to=tmp_path / "d")
    assert stat.S_IMODE(study.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_entries_are_sorted_and_complete():
    assert [e.name for e in entries() if "/" not in e.name] == [
        "approved-drugs",
        "breast-cancer",
        "diabetes",
        "freesolv",
        "hippocampus",
        "lgg-mri",
        "lgg-sequences",
        "mednist",
        "mimic3-demo",
        "mni152",
        "physionet2012",
        "pneumoniamnist",
        "simulated-motif",
        "simulated-sites",
        "solubility",
    ]
    assert {e.name.partition("/")[0] for e in entries() if "/" in e.name} == {"gue", "moleculenet", "tdc"}
    for entry in entries():
        assert entry.licence
        assert entry.home.startswith("https://")
        assert bool(entry.files) or entry.made or (entry.archive is None) != (entry.collection is None)
