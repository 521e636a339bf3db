"""READY itself under its supervisor: what `make run` promises, with everything real."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from ready.local.programs import ROOT
from tests.local.watching import alive, descendants, wait_until


class Run:
    """One `python -m ready.local run`, and what it printed."""

    def __init__(self, data: Path, port: int) -> None:
        self.port = port
        self.lines: list[str] = []
        # Nothing but PATH: no HOME, no LANG, no servers of the tests.
        env = {"PATH": os.environ["PATH"], "READY_DATA_DIR": str(data), "PORT": str(port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ready.local", "run"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def up(self) -> None:
        """Wait until it says that it is ready."""
        wait_until(lambda: self.said("Press Ctrl-C") or self.process.poll() is not None, 180.0)
        assert self.process.poll() is None, "\n".join(self.lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in self.process.stdout)

    def said(self, words: str) -> bool:
        """Whether a line has these words."""
        return any(words in line for line in self.lines)

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page; status 0 when nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, HTTPException):
            return 0, ""
        finally:
            connection.close()

    def healthy(self) -> bool:
        """Whether database, broker and worker are up."""
        return self.get("/healthz/ready")[0] == 200

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        try:
            self.process.wait(15)
        finally:
            self._reader.join(15)
            if self.process.stdout is not None:
                self.process.stdout.close()


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_what_make_run_promises(tmp_path: Path, port: int) -> None:
    data = tmp_path / "data"
    below: dict[int, str] = {}
    first = Run(data, port)
    try:
        first.up()
        assert f"READY is at http://127.0.0.1:{port}/" in first.lines
        login = [line for line in first.lines if line.startswith("Log in as ")]
        assert len(login) == 1
        assert re.fullmatch(r"Log in as \S+@\S+ with password \S+", login[0])
        status, body = first.get("/healthz/ready")
        assert status == 200
        assert {"database": "ok", "broker": "ok", "worker": "ok"}.items() <= json.loads(
            body
        ).items()
        assert first.get("/accounts/login/")[0] == 200

        # Killed all at once: what they had started goes with them, and the service comes back.
        below = descendants(first.process.pid)
        families: dict[int, str] = {}
        for name in ("gunicorn", "celery --app ready worker", "bin/postgres", "valkey-server"):
            leader = min(pid for pid, command in below.items() if name in command)
            families |= {leader: below[leader], **descendants(leader)}
            os.kill(leader, signal.SIGKILL)
        assert len(families) > 10
        wait_until(lambda: not alive(families), 15.0)
        wait_until(first.healthy, 60.0)

        below = descendants(first.process.pid)
        assert len(below) > 15
    finally:
        first.end(signal.SIGKILL)
    wait_until(lambda: not alive(below), 10.0)

    prepared = (data / "prepared").read_text()
    second = Run(data, port)
    try:
        second.up()
        assert login[0] in second.lines, "the second start lost the data"
        # Only where somebody changed the code in between there was something to build.
        assert second.said("migrate") == (prepared != (data / "prepared").read_text())
        below = descendants(second.process.pid)
    finally:
        second.end(signal.SIGTERM)
    assert second.process.returncode == 0
    assert "READY has stopped." in second.lines
    assert not second.said("does not stop")
    assert alive(below) == {}
