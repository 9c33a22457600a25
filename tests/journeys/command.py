"""The command line, in this process or in one of its own."""

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

SOURCE = Path(__file__).resolve().parents[2] / "src"
FAST = ("--budget", "20s", "--set", "fit.members=1", "--set", "baseline.effort=1", "--set", "split.folds=2")
SHORT = (*FAST, "--set", "fit.epochs=2")


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def said(self):
        """All that was said, with a console's line breaks taken out."""
        return " ".join((self.out + self.err).split())


def osler(*arguments):
    """Run a command through its real entry point in this process: start-up of the libraries is paid once."""
    from osler.cli import main

    out, err = io.StringIO(), io.StringIO()
    code = 0
    words = mock.patch.object(sys, "argv", ["osler", *map(str, arguments)])
    with words, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    return Ended(code, out.getvalue(), err.getvalue())


def started(*arguments, before="", limit=None):
    """Start a command as a process of its own; `before` is Python that runs first, `limit` runs in the child."""
    words = [sys.executable, "-m", "osler"]
    if before:
        words = [sys.executable, "-c", f"{before}\nfrom osler.cli import main\nmain()"]
    place = os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*words, *map(str, arguments)],
        env=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,  # noqa: PLW1509 - the child only sets its own limit
    )


def finished(process):
    """Wait for a started command."""
    out, err = process.communicate(timeout=120)
    return Ended(process.returncode, out, err)


def refused(ended, code=2):
    """Check that a command ended with `code` and a message of Osler's own; return what it said."""
    assert ended.code == code, ended.said
    assert "Traceback" not in ended.said
    assert "fault in Osler itself" not in ended.said
    assert len(ended.err.splitlines()[-1]) > 20, ended.err
    return ended.said


def worked(ended):
    """Check that a command did what was asked; return what it said."""
    assert ended.code == 0, ended.said
    return ended.said
