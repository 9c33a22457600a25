"""A time limit on single molecules: RDKit cannot be interrupted, so that one which may keep it busy for minutes is tried in a process
of its own first, which is killed where it takes too long.

Which may is told from its bare graph. All others, nearly every molecule of a drug-like library, are read where they are.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from osler.core.errors import RunError
from osler.modalities.molecules.read.parse import refused

SECONDS = 10.0  # that one molecule may take
START = 120.0  # seconds in which the process must be ready: it loads RDKit


class Trial:
    """The process in which molecules are tried, started when the first is asked for and again after it was killed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def check(self, cell: str, *, reading: Mapping[str, Any], seconds: float) -> None:
        """Raise Refused where reading `cell` and computing all that is known of it takes more than `seconds`, or kills the process.
        Whatever else RDKit says of it is told when the molecule is read."""
        process = self._ready()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps([cell, dict(reading)]).encode() + b"\n")
            process.stdin.flush()
            answered = _line(process, seconds)
        except OSError:
            answered = b""
        if not answered:
            self.close()
            late = f"RDKit needs more than {seconds:g} seconds for this molecule"
            raise refused("slow", late) if answered is None else refused("crash", "this molecule ends the process that reads it")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):  # what was not written yet
                    pipe.close()  # type: ignore[union-attr]
            self._process.wait()
            self._process = None

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            command = [sys.executable, "-P", "-m", "osler.modalities.molecules.read.trying"]
            self._process = subprocess.Popen(  # noqa: S603  our own module, by this interpreter
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            if not _line(self._process, START):
                self.close()
                raise RunError("the process in which large molecules are tried did not start; run again")
        return self._process


def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """Return a line that the process writes, nothing where it has ended, None where none comes in time."""
    assert process.stdout is not None
    found, end = b"", time.monotonic() + seconds
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        while not found.endswith(b"\n"):
            if not waiting.select(max(0.0, end - time.monotonic())):
                return None
            part = os.read(process.stdout.fileno(), 4096)
            if not part:
                return b""
            found += part
    return found


@functools.cache
def trial() -> Trial:
    """Return this process's own."""
    found = Trial()
    atexit.register(found.close)
    return found
