"""READY on this machine as it runs in production, but for the proxy: PostgreSQL that keeps its
word, the broker, gunicorn and workers, each a process whose CPU and memory are read from /proc."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import server_log
from benchmarks.load.client import PATH, Spec, Told
from benchmarks.load.telegrams import Size
from ready.local.credentials import generate
from ready.local.postgres import MEASURED
from ready.local.processes import Program
from ready.local.programs import ROOT, Ready
from ready.local.servers import Servers, run_folder, start_servers
from ready.local.supervisor import Supervisor

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Rig:
    """The running READY. `tend` must be called every so often, or ended processes stay ended."""

    def __init__(self, folder: Path, port: int, workers: int, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = port
        self._workers = workers
        self._settings = settings
        self.database_url = ""
        self._supervisor: Supervisor
        self._ready: Ready

    @contextmanager
    def running(self, size: Size) -> Iterator["Rig"]:
        """Start all, with the size's meters and collectors; stop all at the end."""
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        data.chmod(0o711)
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        secrets = generate()
        with run_folder() as run, Supervisor(logs) as supervisor:
            self._supervisor = supervisor
            given = {**os.environ, **self._settings}
            servers: Servers = start_servers(
                supervisor,
                {},
                data,
                run,
                secrets.admin_password,
                (*MEASURED, "synchronous_commit=on"),
            )
            self.database_url = servers.database_url
            ready = self._ready = Ready(given, data, self.port, servers, secrets)
            for group in [*ready.building(), ready.filling()[0]]:
                supervisor.steps(*group)
            app = ready.web().env
            tokens = str(self.tokens)
            numbers = (str(size.meters), str(size.tenants), str(size.collectors))
            argv = (sys.executable, "-m", "benchmarks.load.seed", tokens, *numbers)
            supervisor.steps(Program("seed", argv, app, ROOT))
            with self.database() as link:
                link.execute("VACUUM ANALYZE")
                server_log.fill(link.execute)
            supervisor.start(self._worker())
            supervisor.start(ready.web())
            supervisor.wait_for(self.is_ready, 60, "READY")
            yield self

    def _worker(self) -> Program:
        program = self._ready.worker()
        argv = list(program.argv)
        argv[argv.index("--concurrency") + 1] = str(self._workers)
        return replace(program, argv=tuple(argv))

    @property
    def tokens(self) -> Path:
        """The collectors' tokens, in order."""
        return self.folder / "tokens.json"

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection above the walls."""
        with psycopg.connect(self.database_url, autocommit=True) as link:
            yield link

    def waiting(self) -> int:
        """Batches that wait for a worker."""
        with self.database() as link:
            row = link.execute("SELECT count(*) FROM collectors_pendingwork").fetchone()
        assert row is not None
        return int(row[0])

    def tell(self, token: str, body: bytes) -> None:
        """Push one body; it must be taken."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        link.request("POST", PATH, body, headers)
        answer = link.getresponse()
        if answer.status != 200:
            raise SystemExit(f"a push was answered {answer.status}: {answer.read()!r}")
        link.close()

    def is_ready(self) -> bool:
        """What /healthz/ready says."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def drain(self, within_s: float = 3600) -> float:
        """Wait until nothing waits; the seconds it took."""
        began = time.perf_counter()
        while self.waiting():
            self.tend()
            if time.perf_counter() - began > within_s:
                raise SystemExit("the backlog does not drain")
            time.sleep(0.05)
        return time.perf_counter() - began

    def tend(self) -> None:
        """Start again what ended."""
        self._supervisor.tend()

    def pid(self, name: str) -> int:
        """The process id of a part."""
        for service in self._supervisor.services:
            if service.program.name == name and service.child is not None:
                return service.child.group
        raise KeyError(name)

    def stop_part(self, name: str) -> Callable[[], None]:
        """End a part and keep it ended until the returned function is called."""
        service = next(one for one in self._supervisor.services if one.program.name == name)
        assert service.child is not None
        service.child.kill()
        while not service.child.ended():
            time.sleep(0.01)
        self._supervisor.tend()
        service.start_at = float("inf")

        def go_on() -> None:
            service.start_at = 0.0

        return go_on

    # ── What it costs ───────────────────────────────────────────────────────────────────────────
    def cpu(self) -> dict[str, float]:
        """CPU seconds used until now by each part and all its processes, the ended ones too."""
        parents = _parents()
        return {
            name: sum(_cpu_of(pid) for pid in _family(root, parents))
            for name, root in self._roots().items()
        }

    def memory(self) -> dict[str, int]:
        """Bytes that each part holds by itself (proportional set size, shared pages divided)."""
        parents = _parents()
        return {
            name: sum(_memory_of(pid) for pid in _family(root, parents))
            for name, root in self._roots().items()
        }

    def _roots(self) -> dict[str, int]:
        return {
            service.program.name: service.child.group
            for service in self._supervisor.services
            if service.child is not None
        }

    # ── Pushing ─────────────────────────────────────────────────────────────────────────────────
    def push(
        self,
        bodies: Path,
        first: int,
        count: int,
        *,
        rate: float = 0,
        duration_s: float = 1e9,
        connections: int = 4,
        most_waiting: int | None = None,
        tokens: Path | None = None,
        name: str = "client",
        meanwhile: Callable[[], None] | None = None,
    ) -> Told:
        """Push bodies from a process of its own; with most_waiting, only while no more batches
        wait for a worker."""
        pause = self.folder / f"{name}.pause"
        result = self.folder / f"{name}.result"
        result.unlink(missing_ok=True)
        pause.unlink(missing_ok=True)
        spec = Spec(
            str(bodies),
            first,
            count,
            str(tokens or self.tokens),
            self.port,
            connections,
            rate,
            duration_s,
            str(pause),
            str(result),
        )
        path = self.folder / f"{name}.spec"
        path.write_text(json.dumps(asdict(spec)))
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load.client", str(path)], cwd=ROOT
        )
        beside = ThreadPoolExecutor(1).submit(meanwhile) if meanwhile else None
        while process.poll() is None:
            self.tend()
            if most_waiting is not None:
                if self.waiting() > most_waiting:
                    pause.touch()
                else:
                    pause.unlink(missing_ok=True)
            time.sleep(0.05)
        if beside:
            beside.result()
        pause.unlink(missing_ok=True)
        return Told(**json.loads(result.read_text()))


def alarmed(link: psycopg.Connection[Any], number: int) -> bool:
    """Whether a meter's alarm is committed: as a period, and in the outbox."""
    row = link.execute(
        """SELECT count(*) FROM meters_meter m
           JOIN notifications_infocodeperiod p ON p.tenant_id = m.tenant_id
            AND p.meter_id = m.id AND p.ends_at IS NULL
           JOIN notifications_outboxentry o ON o.tenant_id = m.tenant_id
            AND o.payload ->> 'meter' = m.id::text
           WHERE m.number = %s""",
        [str(number)],
    ).fetchone()
    assert row is not None
    return int(row[0]) > 0


def _parents() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    return children


def _family(root: int, children: Mapping[int, list[int]]) -> list[int]:
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_of(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def _memory_of(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
