"""What the supervisor's tests share: the stand-in project, and looking at processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from ready.local.programs import ROOT


def processes() -> dict[int, tuple[int, str]]:
    """Process id → (parent, command line) of everything that runs and is no zombie."""
    found: dict[int, tuple[int, str]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "stat").read_text().rpartition(")")[2].split()
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words[0] != "Z":
            found[int(path.name)] = (int(words[1]), command)
    return found


def descendants(root: int) -> dict[int, str]:
    """Process id → command line of everything below a process."""
    everything = processes()
    below: dict[int, str] = {}
    parents = {root}
    while parents:
        parents = {pid for pid, (parent, _) in everything.items() if parent in parents}
        below |= {pid: everything[pid][1] for pid in parents}
    return below


def alive(pids: dict[int, str]) -> dict[int, str]:
    """Those of the processes that still run."""
    now = processes()
    return {pid: now[pid][1] for pid in pids if pid in now}


def wait_until(true: Callable[[], object], within_s: float = 10.0) -> float:
    """Wait for it; the seconds it took. Fails the test when the time is up."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < within_s, "it did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - began


class Standin:
    """The stand-in project, running in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def plan(self, **changes: object) -> None:
        """Change what the next start does."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "plan.json").write_text(json.dumps(changes))

    def start(self) -> subprocess.Popen[str]:
        """Start it without waiting."""
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("standin.py")), str(self.folder)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def up(self) -> subprocess.Popen[str]:
        """Start it and wait until all children run."""
        process = self.start()
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("UP"), process.communicate(timeout=10)
        return process

    def child(self, name: str) -> dict[str, int]:
        """The process ids and port that a child noted."""
        facts: dict[str, int] = json.loads((self.folder / "children" / name).read_text())
        return facts

    @property
    def run(self) -> Path:
        """The run folder."""
        return Path((self.folder / "database").read_text().partition("?host=")[2]).parent

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection to its database."""
        return psycopg.connect((self.folder / "database").read_text(), autocommit=True)

    def accepts(self) -> bool:
        """Whether its database takes connections."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def broker(self) -> "redis.Redis":
        """A connection to its Valkey."""
        path = (self.folder / "redis").read_text().partition("://")[2].partition("?")[0]
        return redis.Redis(unix_socket_path=path, decode_responses=True)

    def close(self) -> None:
        """Let nothing of a failed test live on."""
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
