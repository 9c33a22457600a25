"""Data sets of records arrive whole from a mirror or from their home: checked, resumable, and never over somebody's work."""

import hashlib
import http.server
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml

from osler.core.errors import OutputError, RequestError, RunError
from osler.core.watch import Watch
from osler.datasets import entries, folder, get, physionet2012, registry

ROOT = Path(__file__).resolve().parents[3]
WRITTEN = {"counts.json", "events.parquet", "study.yaml", "table.csv"}
HEAD = "Time,Parameter,Value\n"
STAYS = {
    "a": {
        "132539": "00:00,RecordID,132539\n00:00,Age,54\n00:00,Gender,0\n00:00,Height,-1\n00:00,ICUType,4\n00:00,Weight,-1\n00:07,HR,73\n",
        "132540": "00:00,RecordID,132540\n00:00,Age,76\n00:00,HR,80\n00:00,Gender,1\n00:00,Height,175.3\n00:00,ICUType,2\n"
        "00:00,Weight,76\n00:42,pH,7.45\n00:42,pH,7.4\n47:59,Weight,80.6\n48:00,Mg,1.9",  # the last line may lack its end
    },
    "b": {"142675": "00:00,RecordID,142675\n00:00,Age,70\n00:00,Gender,-1\n00:00,Height,-1\n00:00,ICUType,3\n00:00,Weight,90\n"},
}


class Heard(Watch):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def packed(stays, *, part="a"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        home = tarfile.TarInfo(f"set-{part}")
        home.type = tarfile.DIRTYPE
        archive.addfile(home)
        for name, lines in stays.items():
            content = (HEAD + lines).encode()
            member = tarfile.TarInfo(f"set-{part}/{name}.txt")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def contents():
    """Return a PhysioNet 2012 of three stays by the names of its files."""
    outcomes = "RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death\n"
    return {
        "set-a.tar.gz": packed(STAYS["a"]),
        "set-b.tar.gz": packed(STAYS["b"], part="b"),
        "Outcomes-a.txt": (outcomes + "132539,6,1,5,-1,0\n132540,16,8,8,-1,1\n").encode(),
        "Outcomes-b.txt": (outcomes + "142675,27,14,9,7,1\n").encode(),
    }


def listed(mirror):
    files = [p for p in sorted(mirror.rglob("*")) if p.is_file() and p.name != "SHA256SUMS"]
    lines = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(mirror).as_posix()}\n" for p in files]
    (mirror / "SHA256SUMS").write_text("".join(lines))


@pytest.fixture
def mirror(tmp_path):
    place = tmp_path / "mirror"
    (place / "physionet2012").mkdir(parents=True)
    for name, content in contents().items():
        (place / "physionet2012" / name).write_bytes(content)
    listed(place)
    return place


@pytest.fixture
def home(monkeypatch):
    """A server on this machine that stands for the home of a collection; it knows ranges and can break off."""
    state = {"files": {}, "asked": [], "most": None}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name, asked = self.path.lstrip("/"), self.headers.get("Range")
            state["asked"].append((name, asked))
            if name not in state["files"]:
                self.send_error(404)
                return
            content = state["files"][name]
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:][: state["most"]])

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def serve(files, *, sums=""):
        state["files"] = dict(files)
        asked = registry.entry("physionet2012")
        named = tuple(
            registry.SourceFile(f.name, "" if sums else hashlib.sha256(files[f.name]).hexdigest()) for f in asked.collection.files
        )
        address = f"http://127.0.0.1:{server.server_port}/"
        collection = replace(asked.collection, address=address, files=named, sums=sums)
        monkeypatch.setattr(folder, "entry", {"physionet2012": replace(asked, collection=collection)}.get)
        return state

    yield serve
    server.shutdown()
    server.server_close()


def events(study):
    return pl.read_parquet(study.parent / "events.parquet")


def test_texts_become_a_table_events_and_a_study(mirror, tmp_path):
    watch = Heard()
    study = get("physionet2012", to=tmp_path / "p", mirror=mirror, watch=watch)
    assert {p.name for p in study.parent.iterdir()} == WRITTEN
    assert (study.parent / "table.csv").read_text().splitlines() == [
        "stay,split,Age,Gender,Height,ICUType,Weight,died",
        "132539,train,54,female,,surgical,,0",
        "132540,train,76,male,175.3,cardiac surgery recovery,76,1",
        "142675,test,70,,,medical,90,1",
    ]
    assert events(study).rows() == [
        ("132539", 7, "HR", 73.0, "bpm", None),
        ("132540", 0, "HR", 80.0, "bpm", None),
        ("132540", 0, "Weight", 76.0, "kg", None),
        ("132540", 42, "pH", 7.45, None, None),
        ("132540", 42, "pH", 7.4, None, None),
        ("132540", 2879, "Weight", 80.6, "kg", None),
        ("132540", 2880, "Mg", 1.9, None, None),
        ("142675", 0, "Weight", 90.0, "kg", None),
    ]
    keys = yaml.safe_load(study.read_text(encoding="utf-8"))
    assert keys["inputs"]["events"]["source"] == "events.parquet"
    assert "not the official" not in keys
    assert "'set-a.tar.gz', 'set-b.tar.gz', 'Outcomes-a.txt'" in watch.said[0]
    assert watch.said[0] in study.read_text(encoding="utf-8")
    assert json.loads((study.parent / "counts.json").read_text())["set-a"] == {
        "stays": 2,
        "lines": 18,
        "events": 7,
        "left out": {"descriptor of the stay": 10, "missing (-1)": 1},
    }


def test_official_files_need_no_list_and_no_remark(mirror, tmp_path, monkeypatch):
    (mirror / "SHA256SUMS").unlink()
    asked = registry.entry("physionet2012")
    named = tuple(registry.SourceFile(n, hashlib.sha256(c).hexdigest()) for n, c in contents().items())
    official = replace(asked, collection=replace(asked.collection, files=named))
    monkeypatch.setattr(folder, "entry", {"physionet2012": official}.get)
    watch = Heard()
    study = get("physionet2012", to=tmp_path / "p", mirror=mirror / "physionet2012", watch=watch)  # the files' own folder will do
    assert watch.said == []
    assert "mirror" not in study.read_text(encoding="utf-8")


def test_all_faults_of_a_mirror_are_told_at_once(mirror, tmp_path):
    place = mirror / "physionet2012"
    (place / "set-a.tar.gz").unlink()
    (place / "Outcomes-a.txt").write_bytes(b"RecordID\n")
    listed_not = place / "Outcomes-b.txt"
    lines = (mirror / "SHA256SUMS").read_text().splitlines(keepends=True)
    (mirror / "SHA256SUMS").write_text("".join(line for line in lines if "Outcomes-b" not in line))
    assert listed_not.is_file()
    with pytest.raises(RequestError) as told:
        get("physionet2012", to=tmp_path / "p", mirror=mirror)
    assert "'set-a.tar.gz' is not in" in str(told.value)
    assert "'Outcomes-a.txt' is not what the mirror's SHA256SUMS says" in str(told.value)
    assert "'Outcomes-b.txt' is not the official file, and no SHA256SUMS beside it lists it" in str(told.value)
    assert "fetched from https://physionet.org/" in str(told.value)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c | {"set-a.tar.gz": c["set-a.tar.gz"][:-40]}, r"'set-a\.tar\.gz' cannot be unpacked \(EOFError\)"),
        (lambda c: c | {"set-b.tar.gz": b"no archive"}, r"'set-b\.tar\.gz' cannot be unpacked \(BadGzipFile\)"),
        (lambda c: c | {"set-a.tar.gz": packed({})}, r"'set-a\.tar\.gz' holds no stays"),
        (lambda c: c | {"set-a.tar.gz": packed({"1": "00:00,HR,1,2\n"})}, "has lines that are not time, parameter and value"),
        (lambda c: c | {"Outcomes-a.txt": b"a,b\n1,2\n"}, r"'Outcomes-a\.txt' lacks the columns 'RecordID'"),
    ],
)
def test_a_file_that_holds_something_else_is_told_and_no_study_written(change, message, mirror, tmp_path):
    for name, content in change(contents()).items():
        (mirror / "physionet2012" / name).write_bytes(content)
    listed(mirror)
    with pytest.raises(RequestError, match=f"data set 'physionet2012': .*{message}.*fetch the files again"):
        get("physionet2012", to=tmp_path / "p", mirror=mirror)
    assert not (tmp_path / "p" / "study.yaml").exists()


def test_another_header_is_told(mirror, tmp_path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo("set-a/1.txt")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"x,y\n"))
    (mirror / "physionet2012" / "set-a.tar.gz").write_bytes(stream.getvalue())
    listed(mirror)
    with pytest.raises(RequestError, match="holds a file that does not begin with 'Time,Parameter,Value'"):
        get("physionet2012", to=tmp_path / "p", mirror=mirror)


def test_lines_without_time_parameter_or_number_are_counted(mirror, tmp_path):
    odd = STAYS["a"] | {"132541": "00:00,RecordID,132541\n1:99,HR,70\n02:00,,3\n03:00,HR,high\n04:00,HR,71\n"}
    (mirror / "physionet2012" / "set-a.tar.gz").write_bytes(packed(odd))
    listed(mirror)
    study = get("physionet2012", to=tmp_path / "p", mirror=mirror)
    left = json.loads((study.parent / "counts.json").read_text())["set-a"]["left out"]
    assert {why: left[why] for why in ("no time HH:MM", "no parameter", "no number")} == dict.fromkeys(
        ("no time HH:MM", "no parameter", "no number"), 1
    )
    assert events(study).filter(pl.col("subject") == "132541").rows() == [("132541", 240, "HR", 71.0, "bpm", None)]
    assert "132541,train,,,,,,\n" in (study.parent / "table.csv").read_text()  # no outcome is known of it, and none is invented


# home -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sums", ["", "SHA256SUMS.txt"], ids=["sums in the registry", "sums at home"])
def test_files_are_fetched_from_their_home(sums, home, mirror, tmp_path):
    lines = "".join(f"{hashlib.sha256(c).hexdigest()} {n}\n" for n, c in contents().items())  # one blank, as PhysioNet writes it
    home(contents() | {"SHA256SUMS.txt": lines.encode()}, sums=sums)
    study = get("physionet2012", to=tmp_path / "p")
    assert {p.name for p in study.parent.iterdir()} == WRITTEN
    mirrored = get("physionet2012", to=tmp_path / "m", mirror=mirror) if not sums else study
    assert (study.parent / "events.parquet").read_bytes() == (mirrored.parent / "events.parquet").read_bytes()


def test_a_broken_connection_is_told_and_taken_up(home, tmp_path):
    state = home(contents())
    state["most"] = 100
    with pytest.raises(RunError, match=r"'set-a\.tar\.gz' could not be fetched .*broken off; what arrived is kept; run the same"):
        get("physionet2012", to=tmp_path / "p")
    assert not (tmp_path / "p" / "study.yaml").exists()
    state["most"] = None
    study = get("physionet2012", to=tmp_path / "p")
    assert ("set-a.tar.gz", "bytes=100-") in state["asked"]
    assert {p.name for p in study.parent.iterdir()} == WRITTEN


def test_a_foreign_file_at_home_is_removed_and_told(home, tmp_path):
    state = home(contents())
    state["files"]["set-b.tar.gz"] = b"<html>" * 50
    with pytest.raises(RunError, match=r"is not the official 'set-b\.tar\.gz' \(sha256 .*name a --mirror folder"):
        get("physionet2012", to=tmp_path / "p")
    assert not (tmp_path / "p" / ".set-b.tar.gz.partial").exists()
    assert (tmp_path / "p" / ".set-a.tar.gz.partial").exists()  # what was right is not fetched again


def test_a_list_of_sums_that_is_absent_or_incomplete_is_told(home, tmp_path):
    state = home(contents(), sums="SHA256SUMS.txt")
    with pytest.raises(RunError, match=r"SHA256SUMS\.txt could not be fetched: the server answers 404"):
        get("physionet2012", to=tmp_path / "p")
    state["files"]["SHA256SUMS.txt"] = b"00 other.txt\n"
    with pytest.raises(RunError, match=r"SHA256SUMS\.txt does not list 'set-a\.tar\.gz'; name a --mirror folder"):
        get("physionet2012", to=tmp_path / "p")


# the folder -----------------------------------------------------------------------------------------------------------


def test_a_finished_folder_is_left_and_a_begun_one_completed(mirror, tmp_path):
    study = get("physionet2012", to=tmp_path / "p", mirror=mirror)
    whole = {p.name: p.read_bytes() for p in study.parent.iterdir()}
    (study.parent / "model").mkdir()
    (study.parent / "mine.yaml").write_text("table: table.csv\n")
    before = study.stat().st_mtime_ns
    assert get("physionet2012", to=tmp_path / "p", mirror=tmp_path / "gone") == study
    assert study.stat().st_mtime_ns == before
    (study.parent / "model").rmdir()
    (study.parent / "mine.yaml").unlink()
    study.unlink()
    (study.parent / "table.csv").unlink()
    (study.parent / "counts.json").unlink()
    (study.parent / ".table.csv.0123456789ab.part").write_text("torn")
    (study.parent / ".set-a.tar.gz.partial").write_text("torn")
    get("physionet2012", to=tmp_path / "p", mirror=mirror)
    assert {p.name: p.read_bytes() for p in study.parent.iterdir()} == whole


@pytest.mark.parametrize("name", ["notes.txt", "table.csv", "study.yaml", "diagnosis.yaml"])
def test_somebodys_files_are_left_alone(name, mirror, tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / name).write_text("mine")
    with pytest.raises(OutputError, match="exists and holds something else, which is left as it is; choose another folder"):
        get("physionet2012", to=tmp_path / "p", mirror=mirror)
    assert [(p.name, p.read_text()) for p in (tmp_path / "p").iterdir()] == [(name, "mine")]


def test_a_finished_study_beside_somebodys_files_that_lost_its_events_is_not_written_over(mirror, tmp_path):
    study = get("physionet2012", to=tmp_path / "p", mirror=mirror)
    (study.parent / "notes.txt").write_text("mine")
    (study.parent / "events.parquet").unlink()
    with pytest.raises(OutputError, match="exists and holds something else"):
        get("physionet2012", to=tmp_path / "p", mirror=mirror)


def test_another_data_sets_folder_is_left_alone(mirror, tmp_path):
    study = get("diabetes", to=tmp_path / "p")
    with pytest.raises(OutputError, match="exists and holds something else"):
        get("physionet2012", to=study.parent, mirror=mirror)


def test_an_interrupt_leaves_no_torn_file_and_a_repeat_completes(mirror, tmp_path, monkeypatch):
    def interrupted(table, path):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pl.DataFrame, "write_csv", interrupted)
        with pytest.raises(KeyboardInterrupt):
            get("physionet2012", to=tmp_path / "p", mirror=mirror)
    assert {p.name for p in (tmp_path / "p").iterdir()} == {"events.parquet"}
    assert get("physionet2012", to=tmp_path / "p", mirror=mirror).is_file()


def begun(mirror, to):
    """Return the command, waiting for a while before it writes the table; the events are there then."""
    program = (
        "import sys, time, polars as pl\n"
        "def slow(table, path):\n"
        "    print('writing', flush=True); time.sleep(60)\n"
        "pl.DataFrame.write_csv = slow\n"
        f"sys.argv = ['osler', 'data', 'get', 'physionet2012', '--to', {str(to)!r}, '--mirror', {str(mirror)!r}]\n"
        "from osler.cli import main; main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-c", program]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert running.stdout.readline() == "writing\n"
    return running


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_the_command_ends_at_ctrl_c_with_one_sentence_and_a_repeat_completes(mirror, tmp_path):
    running = begun(mirror, tmp_path / "p")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 1
    assert "osler: stopped; the same command goes on where it ended" in err
    assert "Traceback" not in err
    assert {p.name for p in (tmp_path / "p").iterdir()} == {"events.parquet"}
    assert get("physionet2012", to=tmp_path / "p", mirror=mirror).is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_killed_command_leaves_no_study_and_a_repeat_completes_and_tidies(mirror, tmp_path):
    running = begun(mirror, tmp_path / "p")
    running.kill()
    running.communicate(timeout=30)
    left = {p.name for p in (tmp_path / "p").iterdir()}
    assert "study.yaml" not in left
    assert any(name.endswith(".part") for name in left)
    get("physionet2012", to=tmp_path / "p", mirror=mirror)
    assert {p.name for p in (tmp_path / "p").iterdir()} == WRITTEN


def test_a_folder_that_cannot_be_made_is_explained(mirror, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="choose another"):
        get("physionet2012", to=tmp_path / "file" / "p", mirror=mirror)


def test_every_collection_has_sums_and_a_bound():
    for entry in entries():
        if entry.collection is not None:
            collection = entry.collection
            assert collection.address.startswith("https://")
            assert collection.address.endswith("/")
            assert collection.most_bytes < 1 << 30
            assert collection.sums or all(len(f.sha256) == 64 for f in collection.files)


def test_units_are_of_series_that_exist():
    # the 36 series of the challenge beside weight, as its page lists them; GCS, FiO2, pH and MechVent count without a unit
    assert len(physionet2012.UNITS) + len(("FiO2", "GCS", "MechVent", "Mg", "pH")) == 37


def test_the_page_of_commands_tells_of_it(tmp_path):
    text = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert all(f"`{e.name}`" in text for e in entries() if e.collection is not None)
    shutil.rmtree(tmp_path)
