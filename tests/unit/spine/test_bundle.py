"""A bundle comes back as it was written, or not at all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from osler.core.errors import BundleError, OutputError
from osler.core.plan import Decision, Plan
from osler.core.state import State
from osler.spine import bundle as room
from osler.spine.bundle import INDEX, Contents, bundle_digest, check_place, read_bundle, write_bundle

CONTENTS = Contents(
    about={"title": "Überleben", "seed": 3},
    plan=Plan([Decision("fit.epochs", 20, "why not")]),
    weights={"fold0.network0.w": np.arange(6, dtype=np.float32).reshape(2, 3), "fold0.network0.n": np.array(4)},
    state=State({"inputs.mean": np.array([1.5])}, {"words": ["ß", None]}),
    baselines={"fold0": {"model.txt": b"tree", "about.json": b"{}"}},
    documents={"scores.json": "{}", "report.html": "<p>\u00e9</p>", "card.md": "# card"},
)
FILES = (
    "plan.json", "weights.safetensors", "fitted.safetensors", "fitted.json", "scores.json", "report.html", "card.md",
    "baseline/fold0/model.txt", "baseline/fold0/about.json",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    write_bundle(tmp_path / "model", CONTENTS)
    return tmp_path / "model"


def forge(folder, **changed) -> None:
    """Change the index as one would who knows how it is sealed."""
    about = {**json.loads((folder / INDEX).read_text()), **changed}
    del about["seal"]
    text = json.dumps(about, sort_keys=True, ensure_ascii=False)
    (folder / INDEX).write_text(json.dumps({**about, "seal": hashlib.sha256(text.encode()).hexdigest()}))


def forge_file(folder, name, content: bytes) -> None:
    files = json.loads((folder / INDEX).read_text())["files"]
    (folder / name).write_bytes(content)
    forge(folder, files={**files, name: hashlib.sha256(content).hexdigest()})


def test_what_was_written_is_read(folder):
    found = read_bundle(folder)
    assert found.about == CONTENTS.about
    assert found.plan.decisions == CONTENTS.plan.decisions
    for name, values in CONTENTS.weights.items():
        np.testing.assert_array_equal(found.weights[name], values)
        assert (found.weights[name].dtype, found.weights[name].shape) == (values.dtype, values.shape)
    np.testing.assert_array_equal(found.state.arrays["inputs.mean"], [1.5])
    assert found.state.values == CONTENTS.state.values
    assert found.baselines == CONTENTS.baselines
    assert found.documents == CONTENTS.documents
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == sorted([*FILES, INDEX])


def test_arrays_keep_their_shapes_single_numbers_too(folder, tmp_path):
    shapes = {"number": np.float32(3), "column": np.arange(6.0).reshape(3, 2).T, "none": np.empty((0, 2))}
    contents = replace(read_bundle(folder), state=State({name: np.asarray(v) for name, v in shapes.items()}, {}))
    write_bundle(tmp_path / "shapes", contents)
    read = read_bundle(tmp_path / "shapes").state.arrays
    assert {name: array.shape for name, array in read.items()} == {"number": (), "column": (2, 3), "none": (0, 2)}
    np.testing.assert_array_equal(read["column"], shapes["column"])


@pytest.mark.parametrize("name", [*FILES, INDEX])
def test_any_changed_byte_is_seen(folder, name):
    whole = (folder / name).read_bytes()
    for at in {0, len(whole) // 2, len(whole) - 1}:
        (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(BundleError, match=name):
            read_bundle(folder)
    (folder / name).write_bytes(whole[:-1])
    with pytest.raises(BundleError, match=name):
        read_bundle(folder)
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"{name}"):
        read_bundle(folder)


def test_a_link_instead_of_a_file_is_refused(folder, tmp_path):
    secret = tmp_path / "secret"
    (folder / "card.md").rename(secret)
    (folder / "card.md").symlink_to(secret)
    with pytest.raises(BundleError, match=r"card\.md is a link out of the bundle"):
        read_bundle(folder)


def test_a_link_instead_of_a_folder_is_refused(folder, tmp_path):
    (folder / "baseline" / "fold0").rename(tmp_path / "elsewhere")
    (folder / "baseline" / "fold0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="link out of the bundle"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "baseline/../secret", "baseline/fold0/../../../x", "a/b", ".hidden", ""]
)
def test_no_file_outside_is_read(folder, name):
    files = json.loads((folder / INDEX).read_text())["files"]
    forge(folder, files={**files, name: "0" * 64})
    with pytest.raises(BundleError, match="lists a file outside the bundle"):
        read_bundle(folder)


def test_a_newer_format_asks_for_an_update(folder):
    forge(folder, format=2)
    with pytest.raises(BundleError, match=r"format 2, this Osler reads up to 1; update Osler"):
        read_bundle(folder)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"format": "x", "files": {}}', "[" * 100_000, "\udcff"])
def test_an_index_that_is_none_is_told(folder, text):
    (folder / INDEX).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BundleError, match="cannot be read"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("plan.json", b"{}", "plan.json is no plan"),
        ("plan.json", b"\xff", "cannot be read"),
        ("fitted.json", b"{", "cannot be read"),
        ("weights.safetensors", b"none", "weights.safetensors is not in the safetensors format"),
    ],
)
def test_a_stranger_that_seals_nonsense_gets_a_sentence(folder, name, content, told):
    forge_file(folder, name, content)
    with pytest.raises(BundleError, match=told):
        read_bundle(folder)


def test_a_bundle_without_a_part_is_told(folder):
    files = json.loads((folder / INDEX).read_text())["files"]
    forge(folder, files={k: v for k, v in files.items() if k != "fitted.json"})
    with pytest.raises(BundleError, match=r"lacks fitted\.json"):
        read_bundle(folder)


def test_no_bundle_is_told(tmp_path):
    with pytest.raises(BundleError, match=r"'nothing' is no bundle.*osler train"):
        read_bundle(tmp_path / "nothing")


def test_an_old_bundle_is_replaced_and_nothing_stays_beside_it(folder, tmp_path):
    before = bundle_digest(folder)
    write_bundle(folder, replace(CONTENTS, about={"title": "new"}))
    assert read_bundle(folder).about == {"title": "new"}
    assert bundle_digest(folder) != before
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_refused_rename_leaves_the_old_bundle(folder, tmp_path, monkeypatch):
    before, rename = bundle_digest(folder), room.Path.rename
    monkeypatch.setattr(room.shutil, "rmtree", lambda *_, **__: None)

    def refuse(path, to):
        if (path / INDEX).is_file() and json.loads((path / INDEX).read_text()).get("title") == "new":
            raise OSError(28, "No space left on device")
        return rename(path, to)

    monkeypatch.setattr(room.Path, "rename", refuse)
    with pytest.raises(OutputError, match="No space left on device"):
        write_bundle(folder, replace(CONTENTS, about={"title": "new"}))
    assert bundle_digest(folder) == before


def test_what_is_no_bundle_is_not_overwritten(tmp_path):
    foreign = tmp_path / "project"
    foreign.mkdir()
    check_place(foreign)
    (foreign / "bundle.json").write_text('{"name": "a web page", "files": []}')
    (foreign / "work.js").write_text("of years")
    with pytest.raises(OutputError, match="'project' exists and is no bundle"):
        write_bundle(foreign, CONTENTS)
    assert (foreign / "work.js").read_text() == "of years"
    with pytest.raises(OutputError, match="exists and is no bundle"):
        check_place(foreign / "work.js")


def test_a_damaged_bundle_may_be_replaced(folder):
    (folder / "card.md").write_text("x")
    write_bundle(folder, CONTENTS)
    assert read_bundle(folder).documents == CONTENTS.documents


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_a_place_without_a_name_is_refused(name):
    with pytest.raises(OutputError, match="give --out a folder of its own"):
        check_place(room.Path(name))


def test_a_place_under_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another --out"):
        check_place(tmp_path / "file" / "model")
