"""A real PostgreSQL on loopback, of Debian's package, in a folder of its own."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

USER, PASSWORD, NAME = "reader", "very-secret", "hospital"


def programs():
    """The folder of PostgreSQL's programs, the newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1].parent


def owner():
    """Whoever may run the server: it refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody'")


class Server:
    """A running server; `port` of loopback, `stop` and `kill` end it."""

    def __init__(self, folder, *, user):
        self.folder, self._user = folder, user
        self._bin = programs()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        password = folder / "password"
        password.write_text(PASSWORD)
        if user:
            os.chown(password, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "-D", folder / "data", "-U", USER, "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--no-sync"
        )
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [self._bin / "postgres", "-D", folder / "data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", f"unix_socket_directories={folder}", "-c", "fsync=off", "-c", "shared_buffers=16MB"],
                stdout=log, stderr=log, **self._as(),
            )  # fmt: skip
        self._wait()
        self._run("createdb", "-h", folder, "-p", str(self.port), "-U", USER, NAME)

    def _as(self):
        if not self._user:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _run(self, program, *arguments):
        environment = {**os.environ, "PGPASSWORD": PASSWORD, "LC_ALL": "C"}
        subprocess.run(
            [self._bin / program, *map(str, arguments)], check=True, capture_output=True, timeout=120, env=environment,
            cwd=self.folder, **self._as(),
        )  # fmt: skip

    def _wait(self):
        for _ in range(200):
            if self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            if (self.folder / f".s.PGSQL.{self.port}").exists():
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                        return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL did not come up in 10 s")

    def url(self, *, password=PASSWORD, name=NAME, query=""):
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{name}{query}"

    def kill(self):
        """End it as a power cut would: the server and its workers, without a word."""
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        for pid in [self.process.pid, *map(int, children.stdout.split())]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(timeout=20)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # "immediate": nothing of it is kept
            self.process.wait(timeout=20)


@contextmanager
def server():
    """Yield a fresh server and stop it afterwards."""
    user = owner()
    programs()
    folder = Path(tempfile.mkdtemp(prefix="osler-postgres-"))  # short: a socket's path has at most 107 signs
    try:
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        running = Server(folder, user=user)
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
