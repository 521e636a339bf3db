"""A READY of its own: servers, web, worker, beat, and a proxy before the database.

Made of the pieces that `make run` is made of. One thread: starting children from a process with
several is not safe.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import psycopg

from benchmarks.chaos.mutants import MUTANTS
from ready.local.credentials import Credentials, generate
from ready.local.errors import LocalError
from ready.local.folders import RunFolder
from ready.local.postgres import ADMINISTRATOR, DATABASE, Cluster, installation
from ready.local.processes import Program
from ready.local.programs import ROOT, Ready
from ready.local.servers import Servers, run_folder
from ready.local.supervisor import FIRST_DELAY_S, Service, Supervisor
from ready.local.valkey import Valkey

# kill -9 is no power cut: what was handed to the kernel stays, so waiting for the disk would
# only slow the harness down. All else is as in production.
_SETTINGS = ("fsync=off", "shared_buffers=64MB", "max_connections=60", "max_wal_size=96MB")
_DISK_MB = 700
_PUSHES_A_MINUTE = "60000"


@dataclass(frozen=True)
class Pattern:
    """What a house that was made and filled looked like: others are made after it, in no time."""

    folder: Path
    secrets: Credentials

    @property
    def there(self) -> bool:
        """Whether some house has left it yet."""
        return (self.folder / "town.json").exists()


class House:
    """Everything that runs, and ways to look at it and to harm it."""

    def __init__(
        self,
        supervisor: Supervisor,
        run: RunFolder,
        mutant: str,
        *,
        small_disk: bool,
        pattern: Pattern | None = None,
    ) -> None:
        self.folder = run.folder("evidence")
        self.logs = supervisor.folder
        self.data = run.path / "data"
        self.clock = self.folder / "clock"
        self.applied = self.folder / "applied"  # which programs a mutant was patched into
        self.small_disk = small_disk
        self._supervisor = supervisor
        self._words = self.folder / "words"
        self._mutant = mutant
        self._pattern = pattern
        self._secrets = pattern.secrets if pattern else generate()
        settings = (*_SETTINGS, *(MUTANTS[mutant].settings if mutant else ()))
        self._cluster = Cluster(installation(), self.data / "postgres", run.path, settings)
        self._valkey = Valkey(self.data / "valkey", run.path)
        self._proxy_port = _free_port()
        self.port = _free_port()

    # ── Starting ──────────────────────────────────────────────
    def open(self, seed: int) -> None:
        """Start and fill everything; raises LocalError."""
        secrets = self._secrets
        supervisor = self._supervisor
        made = self._pattern is not None and self._pattern.there
        if made:
            self._copy_pattern()
        supervisor.start(self._cluster.prepare(secrets.admin_password))
        supervisor.start(self._valkey.prepare())
        supervisor.start(self._program("proxy", *self._proxy()))
        self.wait_until(lambda: _listens(self._proxy_port), 10, "the proxy")
        url = (
            f"postgres://{ADMINISTRATOR}:{quote(secrets.admin_password)}"
            f"@127.0.0.1:{self._proxy_port}/{DATABASE}"
        )
        given = {
            **os.environ,
            "READY_PUSH_RATE_PER_MINUTE": _PUSHES_A_MINUTE,
            "CHAOS_CLOCK": str(self.clock),
            "CHAOS_MUTANT": self._mutant,
            "CHAOS_APPLIED": str(self.applied),
            "READY_LOG_LEVEL": "INFO",
        }
        given.pop("DATABASE_URL", None)
        ready = Ready(given, self.data, self.port, Servers(url, self._valkey.url), secrets)
        if not made:
            self._fill(ready, seed)
        mutant = MUTANTS.get(self._mutant)
        if mutant is not None and mutant.sql:
            with self.admin() as link:
                link.execute(mutant.sql)
        supervisor.start(self._started(ready.web()))
        worker = ready.worker()
        words = list(worker.argv)
        words[words.index("--concurrency") + 1] = "2"
        supervisor.start(self._started(replace(worker, argv=tuple(words))))
        if mutant is None or mutant.beat:
            supervisor.start(self._started(ready.companions()[0]))
        self.wait_until(self.is_ready, 60, "READY")

    def _fill(self, ready: Ready, seed: int) -> None:
        """Tables, and two utilities; kept as the pattern where one is wanted."""
        for step in ready.building():
            self._supervisor.steps(*step)
        self._supervisor.steps(*ready.filling()[0])
        web = ready.web()
        seeding = replace(
            web,
            name="seed",
            argv=self._module("seed", "--seed", str(seed), "--out", str(self.folder / "town.json")),
            env={**web.env, "DJANGO_SETTINGS_MODULE": "ready.settings"},
        )
        self._supervisor.steps(seeding)
        if self._pattern is not None:
            self._stop("postgres")
            _copy(self.data / "postgres", self._pattern.folder)
            _copy(self.folder / "town.json", self._pattern.folder)
            self._supervisor.start(self._cluster.prepare(self._secrets.admin_password))

    def _copy_pattern(self) -> None:
        assert self._pattern is not None
        _copy(self._pattern.folder / "postgres", self.data)
        _copy(self._pattern.folder / "town.json", self.folder)

    def _stop(self, name: str) -> None:
        """End a service in good order, for good."""
        services = self._supervisor.services
        (service,) = [one for one in services if one.program.name == name]
        services.remove(service)
        child = service.child
        if child is None:
            raise LocalError(f"{name} does not run")
        child.ask_to_stop()
        self.wait_until(child.ended, 30, f"the end of {name}")

    def _module(self, name: str, *arguments: str) -> tuple[str, ...]:
        return (sys.executable, "-m", f"benchmarks.chaos.{name}", *arguments)

    def _program(self, name: str, *argv: str) -> Program:
        return Program(
            name=name,
            argv=argv,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            folder=ROOT,
            stop_within_s=15.0,
        )

    def _proxy(self) -> tuple[str, ...]:
        upstream = self._cluster.sockets / ".s.PGSQL.5432"
        return self._module(
            "proxy",
            *("--port", str(self._proxy_port), "--upstream", str(upstream)),
            *("--words", str(self._words)),
        )

    def _started(self, program: Program) -> Program:
        """The program behind `start`, which knows of mutants and clocks."""
        python, _, *rest = program.argv
        return replace(program, argv=(python, "-m", "benchmarks.chaos.start", *rest), ready=None)

    def push(self, seed: int, pause_s: float, start: str) -> Service:
        """Let the clients begin; the service to give to `hush`."""
        program = self._program(
            "clients",
            *self._module(
                "clients",
                *("--seed", str(seed), "--folder", str(self.folder)),
                *("--port", str(self.port), "--pause", str(pause_s), "--start", start),
            ),
        )
        self._supervisor.start(program)
        return self._supervisor.services[-1]

    def hush(self, clients: Service) -> None:
        """Ask the clients to end, and wait until they have."""
        self._supervisor.services.remove(clients)
        child = clients.child
        if child is None:
            raise LocalError("The clients have ended by themselves.")
        child.ask_to_stop()
        deadline = time.monotonic() + 30
        while not child.ended() and time.monotonic() < deadline:
            self.wait(0.1)
        if not child.ended():
            child.kill()

    # ── Looking ───────────────────────────────────────────────
    def wait(self, seconds: float) -> None:
        """Pass the time, starting again at once what has ended."""
        until = time.monotonic() + seconds
        while True:
            for service in self._supervisor.services:
                service.delay_s = FIRST_DELAY_S
            self._supervisor.tend()
            left = until - time.monotonic()
            if left <= 0:
                return
            self._supervisor.signals.pause(min(0.1, left))

    def wait_until(self, ready: Callable[[], bool], within_s: float, what: str) -> float:
        """The seconds it took. Raises LocalError."""
        begun = time.monotonic()
        while not ready():
            if time.monotonic() - begun > within_s:
                raise LocalError(f"{what} was not ready within {within_s:g} s")
            self.wait(0.1)
        return time.monotonic() - begun

    def is_ready(self) -> bool:
        """Whether READY says so itself."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.sendall(b"GET /healthz/ready HTTP/1.0\r\nHost: localhost\r\n\r\n")
                return link.recv(64).split(b" ")[1:2] == [b"200"]
        except OSError:
            return False

    def pid(self, name: str) -> int:
        """The process of a service, once it runs."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for service in self._supervisor.services:
                child = service.child
                if service.program.name == name and child is not None and not child.ended():
                    return child.pid
            self.wait(0.1)
        raise LocalError(f"{name} does not run")

    def children(self, pid: int) -> list[int]:
        """The processes that this one started."""
        try:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            return []
        return [int(word) for word in text.split()]

    def memory_mb(self) -> dict[str, int]:
        """Resident memory of each service with its children."""
        found = {}
        for service in self._supervisor.services:
            if service.child is None:
                continue
            pid = service.child.pid
            total = 0
            for one in (pid, *self.children(pid)):
                try:
                    pages = int(Path(f"/proc/{one}/statm").read_text().split()[1])
                except (OSError, IndexError):
                    continue
                total += pages * os.sysconf("SC_PAGE_SIZE") >> 20
            found[service.program.name] = total
        return found

    @contextmanager
    def admin(self) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
        """A connection above all walls, past the proxy."""
        with psycopg.connect(
            self._cluster.url(ADMINISTRATOR, self._secrets.admin_password), autocommit=True
        ) as link:
            yield link

    def town(self) -> dict[str, dict[str, object]]:
        """What `seed` made."""
        made: dict[str, dict[str, object]] = json.loads((self.folder / "town.json").read_text())
        return made

    def dump(self, target: Path) -> None:
        """The database as text, where it still answers."""
        program = installation() / "bin/pg_dump"
        url = self._cluster.url(ADMINISTRATOR, self._secrets.admin_password)
        with target.open("wb") as output:
            subprocess.run([str(program), url], stdout=output, check=False)

    # ── Harming ───────────────────────────────────────────────
    def tell_proxy(self, word: str) -> None:
        """A word to the proxy before the database."""
        with self._words.open("a") as words:
            words.write(word + "\n")

    def cancel_queries(self) -> int:
        """Cancel what READY has the database do just now; how many queries that were."""
        with self.admin() as link:
            rows = link.execute(
                """SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                   WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
                     AND state <> 'idle'"""
            ).fetchall()
        return len(rows)

    def redis(self, command: bytes) -> None:
        """A command to the broker."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(2.0)
            link.connect(str(self._valkey.socket))
            link.sendall(command + b"\r\n")
            link.recv(64)


@contextmanager
def house(mutant: str, *, small_disk: bool, pattern: Pattern | None = None) -> Iterator[House]:
    """A house that is torn down at the end, whatever happened in it."""
    with run_folder() as run:
        data = run.folder("data")
        mounted = small_disk and _mount(data)
        if os.geteuid() == 0:
            data.chmod(0o711)
        try:
            with Supervisor(run.folder("logs")) as supervisor:
                yield House(supervisor, run, mutant, small_disk=mounted, pattern=pattern)
        finally:
            if mounted:
                subprocess.run(["umount", "-l", str(data)], check=False)


def _copy(source: Path, into: Path) -> None:
    """With its owner, who is not always ours."""
    subprocess.run(["cp", "-a", str(source), str(into)], check=True)


def _mount(folder: Path) -> bool:
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "chaos", str(folder)]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
