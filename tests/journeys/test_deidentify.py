"""`osler data deidentify` on folders: names gone from files, folders and words; a report without values; stopped and taken up again."""

import csv
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from osler.interop.deidentify.journal import Journal
from tests.journeys.command import finished, osler, refused, started, worked

pydicom = pytest.importorskip("pydicom", reason="pydicom comes with osler[images]")
COLLECTION = Path(pydicom.__file__).parent / "data"
SOME = (
    "CT_small.dcm",
    "MR_small.dcm",
    "rtplan.dcm",
    "test-SR.dcm",
    "MR_truncated.dcm",
    "waveform_ecg.dcm",
    "examples_overlay.dcm",
)


def summed(folder):
    """Return the sum of each file of a folder by its name there."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
    }


@pytest.fixture
def clinic(tmp_path):
    """A folder as a clinic may give: names of patients in its paths, files of several kinds."""
    import PIL.Image

    folder = tmp_path / "in" / "Mueller_Anna_19500101"
    folder.mkdir(parents=True)
    for name in SOME:
        shutil.copy(next(COLLECTION.rglob(name)), folder / f"Mueller-{name}")
    shutil.copy(next(COLLECTION.rglob("DICOMDIR")), tmp_path / "in" / "DICOMDIR")
    PIL.Image.new("L", (40, 30), 7).save(folder / "Mueller.png")
    (folder / "letter.txt").write_text("Dear Mrs Mueller", encoding="utf-8")
    (tmp_path / "in" / "elsewhere").symlink_to(tmp_path)
    return tmp_path / "in"


def test_a_clinic_s_folder_loses_its_names(clinic, tmp_path):
    before, out = summed(clinic), tmp_path / "out"
    ended = osler("data", "deidentify", clinic, out)
    said = worked(ended)
    assert "written 6 of 11 files" in said
    assert "A structured report or key object note" in said
    assert summed(clinic) == before
    names = [p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()]
    assert sorted(Path(name).suffix for name in names) == [".dcm"] * 5 + [".png"]
    assert all(len(part.split(".")[0]) == 16 for name in names for part in name.split("/"))
    assert len({name.split("/")[0] for name in names}) == 1
    told = said + "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "out.report.csv", tmp_path / "out.report.md"))
    assert not any(word in told for word in ("Mueller", "CompressedSamples", "1CT1", "letter", "JFK IMAGING"))
    assert not list(tmp_path.glob("out.run"))


def test_the_report_counts_and_the_list_names(clinic, tmp_path):
    worked(osler("data", "deidentify", clinic, tmp_path / "out", "--clean", "pixel-data", "--language", "zh"))
    with (tmp_path / "out.report.csv").open(encoding="utf-8", newline="") as stream:
        lines = {(line["what"], line["name"], line["action"]): (line["times"], line["files"]) for line in csv.DictReader(stream)}
    assert lines["done", "PatientName", "emptied"] == ("5", "5")
    assert lines["done", "SOPInstanceUID", "remapped"] == ("5", "5")
    assert {name for what, name, _ in lines if what == "refused"} == {"report", "truncated", "format", "directory", "link"}
    with (tmp_path / "out.files.csv").open(encoding="utf-8", newline="") as stream:
        files = {line["source"]: line for line in csv.DictReader(stream)}
    assert len(files) == 11
    assert files["Mueller_Anna_19500101/Mueller-test-SR.dcm"]["refused"] == "report"
    assert (tmp_path / "out" / files["Mueller_Anna_19500101/Mueller.png"]["output"]).is_file()
    assert (tmp_path / "out.files.csv").stat().st_mode & 0o077 == 0
    page = (tmp_path / "out.report.md").read_text(encoding="utf-8")
    assert "请求了选项 pixel-data，但 Osler 无法执行" in page
    assert "113101" not in page


def test_runs_with_one_key_agree_and_without_do_not(clinic, tmp_path):
    for out in ("a", "b"):
        worked(osler("data", "deidentify", clinic, tmp_path / out, "--key", tmp_path / "key"))
    worked(osler("data", "deidentify", clinic, tmp_path / "c"))
    assert summed(tmp_path / "a") == summed(tmp_path / "b")
    assert not set(summed(tmp_path / "a")) & set(summed(tmp_path / "c"))


def test_names_stay_where_that_is_asked(clinic, tmp_path):
    worked(osler("data", "deidentify", clinic, tmp_path / "out", "--keep-names"))
    assert "Mueller_Anna_19500101/Mueller-CT_small.dcm" in summed(tmp_path / "out")


def test_any_name_will_do(tmp_path):
    (tmp_path / "in").mkdir()
    for name in (b"M\xfcller.dcm", '穆勒\n, "x".dcm'.encode(), b"-", b"a" * 240):
        shutil.copy(next(COLLECTION.rglob("CT_small.dcm")), os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name))
    assert "written 4 of 4 files" in worked(osler("data", "deidentify", tmp_path / "in", tmp_path / "out"))
    assert b"M\xfcller.dcm," in (tmp_path / "out.files.csv").read_bytes()


def test_one_file_will_do(tmp_path):
    worked(osler("data", "deidentify", next(COLLECTION.rglob("CT_small.dcm")), tmp_path / "out", "--retain", "modified-dates"))
    (only,) = (tmp_path / "out").iterdir()
    found = pydicom.dcmread(only)
    assert found.StudyDate not in {"", "20040119"}
    assert found.LongitudinalTemporalInformationModified == "MODIFIED"
    assert [item.CodeValue for item in found.DeidentificationMethodCodeSequence] == ["113100", "113107"]


def test_real_volumes_of_both_kinds_go_through(data, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for path in sorted((data / "images/brain_dicom").rglob("*.dcm"))[::12]:
        shutil.copy(path, source / f"{path.parent.name}-{path.name}")
    for path in sorted((data / "images/hippocampus/images").glob("*.nii.gz"))[:3]:
        shutil.copy(path, source)
    said = worked(osler("data", "deidentify", source, tmp_path / "out"))
    assert "refused" not in said
    assert "from it a face can be rendered" in said
    assert len(summed(tmp_path / "out")) == len(summed(source)) > 12


# stopped, and taken up ------------------------------------------------------------------------------------------------


def test_a_killed_run_goes_on_with_its_own_key(clinic, tmp_path):
    folder = clinic / "Mueller_Anna_19500101"
    shutil.copy(folder / "Mueller-CT_small.dcm", folder / "zuletzt.dcm")
    out = tmp_path / "out"
    dies = (
        "import os\nfrom osler.interop.deidentify import dicom\nreal, calls = dicom._write, []\n"
        "def once(*a):\n    calls.append(1)\n    real(*a) if len(calls) < 3 else os._exit(9)\n"
        "dicom._write = once\nimport osler.flows.deidentify as f\nf.TOGETHER = 1\n"
    )
    killed = finished(started("data", "deidentify", clinic, out, before=dies))
    assert killed.code == 9
    assert (tmp_path / "out.run").stat().st_mode & 0o077 == 0
    done = {name for name in summed(out) if not name.endswith(".part")}
    assert len(done) == 2
    worked(osler("data", "deidentify", clinic, out))
    assert done < set(summed(out))
    assert len(summed(out)) == 7
    slices = [found for found in map(pydicom.dcmread, out.rglob("*.dcm")) if found.Modality == "CT"]
    assert len(slices) == 2  # the first was written before the kill
    assert slices[0].StudyInstanceUID == slices[1].StudyInstanceUID
    assert not (tmp_path / "out.run").exists()


def test_another_request_does_not_go_on(clinic, tmp_path):
    out = tmp_path / "out"
    asked = {"source": str(clinic.resolve()), "options": [], "keep_names": False}
    with Journal(out, request=asked, key=None):
        pass
    said = refused(osler("data", "deidentify", clinic, out, "--retain", "uids"))
    assert "'out.run' belongs to an unfinished run of another request" in said
    worked(osler("data", "deidentify", clinic, out))
    assert not (tmp_path / "out.run").exists()


# requests that cannot be ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("in", "full"), "holds something already"),
        (("in", "in/out"), "lie in one another"),
        (("in/elsewhere", "out"), "lie in one another"),
        (("nowhere", "out"), "is not there"),
        (("empty", "out"), "holds no file"),
        (("in", "out", "--retain", "uid"), "did you mean 'uids'"),
        (("in", "out", "--retain", "full-dates", "--retain", "modified-dates"), "contradict each other"),
        (("in", "out", "--key", "in/short"), "wanted 16 or more"),
        (("in", "out", "--language", "xx"), "no words in language 'xx'"),
    ],
)
def test_a_wrong_request_is_said_and_changes_nothing(clinic, tmp_path, arguments, message):
    for name in ("full", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "x").write_bytes(b"x")
    (clinic / "short").write_bytes(b"x")
    before = summed(tmp_path)
    paths = [
        a if a.startswith("--") or (n > 1 and arguments[n - 1] != "--key") else tmp_path / a for n, a in enumerate(arguments)
    ]
    assert message in refused(osler("data", "deidentify", *paths))
    assert summed(tmp_path) == before


def test_nothing_that_can_be_cleaned_is_a_failure(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Mueller.txt").write_text("Anna Mueller", encoding="utf-8")
    said = refused(osler("data", "deidentify", tmp_path / "in", tmp_path / "out"), code=1)
    assert "none of 1 files could be cleaned" in said
    assert "Mueller" not in said
