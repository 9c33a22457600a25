"""Killed, stopped and repeated: the end is the same, byte for byte."""

import json
import random
import signal
import time

import pytest

from tests.journeys.command import FAST, finished, osler, refused, started

LONG = (*FAST, "--set", "fit.epochs=40")
FILES = ("weights.safetensors", "fitted.safetensors")
SLOW = "import osler.flows.predict as p\np.ROWS = 40\n"  # rows of a block: many blocks of a small table


@pytest.fixture(scope="module")
def long_plan(home, cancer):
    assert osler("inspect", cancer / "study.yaml", "--out", home / "long.json", *LONG).code == 0
    return home / "long.json"


def waited(process, path, seconds):
    """Wait until `path` is there, and `seconds` more, unless the command ends before."""
    while process.poll() is None and not path.exists():
        time.sleep(0.01)
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)


def killed(process, path, seconds):
    waited(process, path, seconds)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


def same(one, other):
    for name in FILES:
        equal = (one / name).read_bytes() == (other / name).read_bytes()  # pytest would spend minutes on showing the difference
        assert equal, name


def test_a_killed_training_with_a_plan_ends_as_one_that_was_not(cancer, long_plan, tmp_path):
    words = ("train", cancer / "study.yaml", "--plan", long_plan, "--out")
    assert osler(*words, tmp_path / "whole").code == 0
    draws, killings = random.Random(4), 0
    for _ in range(5):
        out = tmp_path / "m"
        killings += killed(started(*words, out), tmp_path / "m.run" / "asked.json", draws.uniform(0, 1.2))
        assert not out.exists() or (out / "bundle.json").exists()
    assert killings >= 3
    assert finished(started(*words, tmp_path / "m")).code == 0
    same(tmp_path / "whole", tmp_path / "m")
    assert not (tmp_path / "m.run").exists()
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_stopped_and_a_killed_training_take_up_their_own_plan(cancer, tmp_path):
    out, own = tmp_path / "m", tmp_path / "m.run" / "plan.json"
    words = ("train", cancer / "study.yaml", "--out", out, *LONG)
    process = started(*words)
    waited(process, tmp_path / "m.run" / "asked.json", 0.3)
    process.send_signal(signal.SIGINT)
    ended = finished(process)
    assert "the same command goes on where it ended" in refused(ended, code=1)
    first = own.read_text()
    assert killed(started(*words), tmp_path / "m.run" / "member-0" / "checkpoint.safetensors", 0.1)
    assert own.read_text() == first
    again = osler(*words)
    assert "an unfinished run of the same study is taken up" in again.said
    assert again.code == 0, again.said
    assert json.loads((out / "plan.json").read_text()) == json.loads(first)
    (tmp_path / "given.json").write_text(first)
    assert osler("train", cancer / "study.yaml", "--plan", tmp_path / "given.json", "--out", tmp_path / "whole").code == 0
    same(tmp_path / "whole", out)


def test_another_question_does_not_take_up_a_run(cancer, long_plan, tmp_path):
    out = tmp_path / "m"
    process = started("train", cancer / "study.yaml", "--plan", long_plan, "--out", out)
    assert killed(process, tmp_path / "m.run" / "asked.json", 0)
    words = ("--plan", long_plan, "--seed", "7", "--set", "fit.epochs=1")
    ended = osler("train", cancer / "study.yaml", "--out", out, *words)
    assert ended.code == 0, ended.said
    assert "taken up" not in ended.said


def test_a_killed_prediction_ends_as_one_that_was_not(bundle, cancer, tmp_path):
    words = ("predict", bundle, cancer / "table.csv", "--out")
    assert osler(*words, tmp_path / "whole.csv").code == 0
    parts = tmp_path / "p.csv.parts"
    assert killed(started(*words, tmp_path / "p.csv", before=SLOW), parts / "part-000003.parquet", 0)
    assert not (tmp_path / "p.csv").exists()
    assert (parts / "part-000003.parquet").exists()
    kept = (parts / "part-000000.parquet").stat().st_mtime_ns
    assert killed(started(*words, tmp_path / "p.csv", before=SLOW), parts / "part-000008.parquet", 0)
    assert (parts / "part-000000.parquet").stat().st_mtime_ns == kept
    assert finished(started(*words, tmp_path / "p.csv", before=SLOW)).code == 0
    whole = [line.split(",") for line in (tmp_path / "whole.csv").read_text().splitlines()]
    found = [line.split(",") for line in (tmp_path / "p.csv").read_text().splitlines()]
    assert [line[0] for line in found] == [line[0] for line in whole]
    for one, other in zip(found[1:], whole[1:], strict=True):
        assert [float(x) for x in one[1:3]] == pytest.approx([float(x) for x in other[1:3]], abs=1e-6)
    assert not parts.exists()
