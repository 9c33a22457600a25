"""Data sets of pictures arrive whole from a mirror or from their home: checked, resumable, of bounded size."""

import csv
import hashlib
import http.server
import io
import shutil
import tarfile
import threading
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import yaml

from osler.core.errors import OutputError, RequestError, RunError
from osler.core.watch import Watch
from osler.datasets import entries, folder, get, registry

KINDS = ("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT")


class Heard(Watch):
    def __init__(self):
        self.said, self.done = [], 0

    def say(self, sentence):
        self.said.append(sentence)

    def advance(self, units=1, *, note=""):
        self.done += units


def arrays(seed=0):
    generator = np.random.default_rng(seed)
    sizes = {"train": 9, "val": 3, "test": 4}
    found = {f"{part}_images": generator.integers(0, 256, (n, 28, 28), np.uint8) for part, n in sizes.items()}
    return found | {f"{part}_labels": generator.integers(0, 2, (n, 1)).astype(np.uint8) for part, n in sizes.items()}


def jpeg(seed):
    stream = io.BytesIO()
    PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8), np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


def packed(extra=()):
    """Return a packed MedNIST of two pictures a kind, with members that are no pictures."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        files = [(f"MedNIST/{kind}/{n:06d}.jpeg", jpeg(n)) for kind in KINDS for n in range(2)]
        for name, content in [*files, ("MedNIST/README.md", b"text"), ("../../CXR/.hidden.jpeg", b"x"), *extra]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def listed(mirror):
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(mirror).as_posix()}"
        for p in sorted(mirror.rglob("*"))
        if p.is_file()
    ]
    (mirror / "SHA256SUMS").write_text("\n".join(lines) + "\n")


@pytest.fixture
def mirror(tmp_path):
    place = tmp_path / "mirror"
    for kind in KINDS:
        (place / "mednist" / kind).mkdir(parents=True)
        for n in range(2):
            (place / "mednist" / kind / f"{n:06d}.jpeg").write_bytes(jpeg(n))
    np.savez(place / "pneumoniamnist.npz", **arrays())
    listed(place)
    return place


@pytest.fixture
def home(monkeypatch):
    """A server on this machine that stands for the home of an archive; it knows ranges and can break off."""
    state = {"content": b"", "asked": [], "most": None}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content, start = state["content"], 0
            asked = self.headers.get("Range")
            state["asked"].append(asked)
            if asked:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    self.send_error(416)
                    return
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:][: state["most"]])

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def serve(name, content, *, most_bytes=10**6):
        state["content"] = content
        asked = registry.entry(name)
        url = f"http://127.0.0.1:{server.server_port}/{asked.archive.name}"
        archive = replace(asked.archive, url=url, md5=hashlib.md5(content).hexdigest(), most_bytes=most_bytes)
        monkeypatch.setattr(folder, "entry", {name: replace(asked, archive=archive)}.get)
        return state

    yield serve
    server.shutdown()
    server.server_close()


def table(study):
    with (study.parent / "table.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    return header, rows


def test_pneumonia_becomes_files_a_table_and_a_study(mirror, tmp_path):
    watch = Heard()
    study = get("pneumoniamnist", to=tmp_path / "p", mirror=mirror, watch=watch)
    header, rows = table(study)
    assert header == ["image", "label", "split"]
    assert len(rows) == watch.done == 16
    wanted = arrays()
    for part, first in (("train", 0), ("val", 9), ("test", 12)):
        path, label, split = rows[first]
        assert split == part
        assert label == ("normal", "pneumonia")[wanted[f"{part}_labels"][0, 0]]
        np.testing.assert_array_equal(np.asarray(PIL.Image.open(study.parent / path)), wanted[f"{part}_images"][0])
    keys = yaml.safe_load(study.read_text())
    assert (keys["target"], keys["split"], keys["inputs"]["image"]["modality"]) == ("label", "split", "images")
    assert "is not the official file" in watch.said[0]
    assert watch.said[0] in study.read_text()
    assert {p.name for p in study.parent.iterdir()} == {"images", "table.csv", "study.yaml"}


def test_mednist_keeps_the_bytes_of_its_files(mirror, tmp_path):
    study = get("mednist", to=tmp_path / "m", mirror=mirror)
    header, rows = table(study)
    assert header == ["image", "label"]
    assert [label for _, label in rows] == [kind for kind in KINDS for _ in range(2)]
    assert (study.parent / rows[0][0]).read_bytes() == jpeg(0)


def test_the_real_mirror_gives_the_official_numbers(data, tmp_path):
    study = get("pneumoniamnist", to=tmp_path / "p", mirror=data / "images")
    _, rows = table(study)
    counts = {
        part: [sum(r[2] == part and r[1] == label for r in rows) for label in ("normal", "pneumonia")]
        for part in ("train", "val", "test")
    }
    # Yang and others 2023, table 3: 4,708/524/624; Kermany 2018: 1,349 + 234 normal of 5,856 with the test's 234 and 390
    assert {part: sum(n) for part, n in counts.items()} == {"train": 4708, "val": 524, "test": 624}
    assert counts["test"] == [234, 390]


def test_a_mirror_that_differs_from_its_own_list_is_refused(mirror, tmp_path):
    (mirror / "mednist" / "CXR" / "000001.jpeg").write_bytes(b"other")
    (mirror / "mednist" / "Hand" / "000000.jpeg").unlink()
    with pytest.raises(
        RequestError, match=r"2 files of .* are not what its SHA256SUMS says .*CXR/000001\.jpeg.*fetch the mirror again"
    ):
        get("mednist", to=tmp_path / "m", mirror=mirror)
    assert not (tmp_path / "m" / "study.yaml").exists()


def test_a_mirror_without_list_or_file_is_refused(mirror, tmp_path):
    (mirror / "SHA256SUMS").unlink()
    with pytest.raises(RequestError, match="is not the official file, and there is no SHA256SUMS beside it"):
        get("pneumoniamnist", to=tmp_path / "p", mirror=mirror)
    (mirror / "pneumoniamnist.npz").unlink()
    with pytest.raises(RequestError, match=r"'pneumoniamnist\.npz' is not in .*it is fetched from https://zenodo"):
        get("pneumoniamnist", to=tmp_path / "p", mirror=mirror)


def test_pickled_arrays_are_not_opened(mirror, tmp_path):
    np.savez(mirror / "pneumoniamnist.npz", train_images=np.array([{"a": 1}], object))
    listed(mirror)
    with pytest.raises(RequestError, match="does not hold the arrays of MedMNIST"):
        get("pneumoniamnist", to=tmp_path / "p", mirror=mirror)


def test_a_file_is_fetched_from_its_home(home, tmp_path):
    state, watch = home("mednist", packed()), Heard()
    study = get("mednist", to=tmp_path / "m", watch=watch)
    _, rows = table(study)
    assert len(rows) == 12
    assert watch.said == []  # it is the official file
    assert {p.name for p in study.parent.iterdir()} == {"images", "table.csv", "study.yaml"}
    assert watch.done == len(state["content"]) + 12
    assert len(list((study.parent / "images").rglob("*"))) == 12 + 6


def test_a_broken_connection_is_told_and_taken_up(home, tmp_path):
    state = home("mednist", packed())
    state["most"] = 700
    with pytest.raises(
        RunError, match=r"could not be fetched from .*the connection was broken off; what arrived is kept; run the same"
    ):
        get("mednist", to=tmp_path / "m")
    state["most"] = None
    assert len(table(get("mednist", to=tmp_path / "m"))[1]) == 12
    assert state["asked"] == [None, "bytes=700-"]


def test_a_foreign_file_at_home_is_removed_and_told(home, tmp_path):
    state = home("mednist", packed())
    state["content"] = b"<html>" * 100
    with pytest.raises(RunError, match=r"is not the official 'MedNIST\.tar\.gz' \(md5 .*name a --mirror folder"):
        get("mednist", to=tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []


def test_a_home_that_never_ends_is_left(home, tmp_path):
    home("mednist", packed(), most_bytes=500)
    with pytest.raises(RunError, match="gives more than 500 bytes"):
        get("mednist", to=tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []


def test_a_killed_run_is_completed_and_a_finished_one_left(mirror, tmp_path):
    study = get("mednist", to=tmp_path / "m", mirror=mirror)
    before = study.stat().st_mtime_ns
    assert get("mednist", to=tmp_path / "m", mirror=mirror) == study
    assert study.stat().st_mtime_ns == before
    study.unlink()
    (study.parent / "images").rename(study.parent / ".images.partial")
    (study.parent / ".images.partial" / "CXR" / "000001.jpeg").write_bytes(b"torn")
    (study.parent / "table.csv").unlink()
    again = get("mednist", to=tmp_path / "m", mirror=mirror)
    assert (again.parent / "images" / "CXR" / "000001.jpeg").read_bytes() == jpeg(1)


@pytest.mark.parametrize("name", ["notes.txt", "table.csv", "study.yaml"])
def test_somebodys_files_are_left_alone(name, mirror, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / name).write_text("mine")
    with pytest.raises(OutputError, match="exists and holds something else, which is left as it is"):
        get("mednist", to=tmp_path / "m", mirror=mirror)
    assert [p.name for p in (tmp_path / "m").iterdir()] == [name]


def test_a_damaged_archive_is_told(mirror, tmp_path):
    shutil.rmtree(mirror / "mednist")
    (mirror / "MedNIST.tar.gz").write_bytes(packed()[:500])
    listed(mirror)
    with pytest.raises(RequestError, match=r"'MedNIST\.tar\.gz' cannot be unpacked"):
        get("mednist", to=tmp_path / "m", mirror=mirror)


def test_every_archive_has_a_sum_and_a_bound():
    for entry in entries():
        if entry.archive is not None:
            assert len(entry.archive.md5) == (0 if entry.archive.by_hand else 32)
            assert entry.archive.url.startswith("https://")
            assert entry.archive.most_bytes < 1 << 30
