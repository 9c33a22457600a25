"""Files appear whole or not at all."""

import errno
import signal
import subprocess
import sys

import pytest

from osler.core.disk import private_folder, said, sweep, whole
from osler.core.errors import OutputError, RequestError, RunError


def test_a_file_appears_at_the_end_with_the_usual_rights(tmp_path):
    path = tmp_path / "a.txt"
    with whole(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == tmp_path
    (tmp_path / "usual.txt").write_text("")
    assert path.read_text() == "new"
    assert path.stat().st_mode == (tmp_path / "usual.txt").stat().st_mode


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def stopped():
        with whole(path) as temporary:
            temporary.write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stopped()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written_to(tmp_path):
    for path, match in [(tmp_path / "no" / "a", "no folder that exists"), (tmp_path, "is a folder; wanted the name of a file")]:
        with pytest.raises(RequestError, match=match), whole(path):
            pytest.fail("the body must not run")


@pytest.mark.parametrize(
    ("number", "kind", "match"),
    [
        (errno.ENOSPC, OutputError, "no room left while writing"),
        (errno.EROFS, RequestError, "may not be written to"),
        (errno.EIO, RunError, "could not be written: Input/output error"),
    ],
)
def test_the_machine_s_refusals_in_words(number, kind, match, tmp_path):
    for error in (OSError(number, "x"), OSError(f"as polars says it (os error {number})")):
        with pytest.raises(kind, match=match):
            raise said(error, path=tmp_path / "a")


def test_a_private_folder(tmp_path):
    assert private_folder(tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    private_folder(tmp_path / "a" / "b")


KILLED = "import os, signal, sys; from pathlib import Path; from osler.core.disk import whole\nwith whole(Path(sys.argv[1])) as place: place.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path):
    path = tmp_path / "a[1].txt"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED, path], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    left = next(tmp_path.glob(".*.part"))
    others = [tmp_path / name for name in (".b.txt.0123456789ab.part", ".a[1].txt.part", ".a[1].txt.notes.part")]
    for other in others:
        other.write_text("another's")
    with whole(path) as living:
        living.write_text("new")
        sweep(path)
        assert living.exists()
        assert not left.exists()
    assert path.read_text() == "new"
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


def test_a_file_without_locks_is_written_and_left_alone(tmp_path, monkeypatch):
    def none(*arguments):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", none)
    left = tmp_path / ".a.txt.0123456789ab.part"
    left.write_text("half")
    with whole(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    sweep(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert left.exists()
    sweep(tmp_path / "none" / "a.txt")
