"""The pushing side, a process of its own: `python -m benchmarks.load.client SPEC`.

SPEC is a JSON file (`Spec`). Bodies are pushed over kept connections, as fast as they are answered
or at a given rate; what is refused or lost is sent again. Latencies are counted from the moment a
push was due, so that a server that stalls cannot hide it.
"""

import http.client
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path

from benchmarks.load.telegrams import PER_BODY, read

PATH = "/api/v1/collect/telegrams"


@dataclass(frozen=True)
class Spec:
    """What to push. rate: telegrams a second, 0 for as fast as possible; pause: a file that stops
    pushing while it exists; only: collectors that push (empty: all), with copies of a body made
    their own by `salt`."""

    bodies: str
    first: int
    count: int
    tokens: str
    port: int
    connections: int
    rate: float
    duration_s: float
    pause: str
    result: str


@dataclass
class Told:
    """What happened. latencies_s: of pushes that were taken, from when each was due."""

    latencies_s: list[float] = field(default_factory=list)
    taken: int = 0
    refused: int = 0
    lost: int = 0
    duration_s: float = 0.0
    cpu_s: float = 0.0


class Pusher:
    """Threads that share one row of bodies."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._tokens: list[str] = json.loads(Path(spec.tokens).read_text())
        bodies = read(Path(spec.bodies), spec.first, spec.count)
        # Finding the place in the file takes a moment, which is not READY's.
        self._bodies = chain(list(islice(bodies, 1)), bodies)
        self._lock = threading.Lock()
        self._began = time.perf_counter()
        self._sent = 0
        self._pause = Path(spec.pause)
        self.told = Told()

    def run(self) -> Told:
        """Push until the time is up or the bodies are."""
        threads = [threading.Thread(target=self._push) for _ in range(self._spec.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.told.duration_s = time.perf_counter() - self._began
        self.told.cpu_s = time.process_time()
        return self.told

    def _next(self) -> tuple[int, bytes, float] | None:
        """A body, and when it is due."""
        with self._lock:
            now = time.perf_counter()
            due = now
            if self._spec.rate:
                due = self._began + self._sent * PER_BODY / self._spec.rate
            if max(due, now) - self._began > self._spec.duration_s:
                return None
            self._sent += 1
            found = next(self._bodies, None)
        return None if found is None else (*found, due)

    def _push(self) -> None:
        connection = self._connect()
        while (found := self._next()) is not None:
            collector, body, due = found
            time.sleep(max(0.0, due - time.perf_counter()))
            while self._pause.exists():
                time.sleep(0.02)
                if not self._spec.rate:
                    due = time.perf_counter()
            headers = {
                "Authorization": f"Bearer {self._tokens[collector]}",
                "Content-Type": "application/json",
            }
            while True:
                try:
                    connection.request("POST", PATH, body, headers)
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException):
                    connection.close()
                    connection = self._connect()
                    self._count(lost=1)
                    time.sleep(0.1)
                    continue
                if answer.status == 200:
                    self._count(latency=time.perf_counter() - due)
                    break
                self._count(refused=1)
                time.sleep(min(1.0, float(answer.headers.get("Retry-After") or 1)))
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._spec.port, timeout=60)

    def _count(self, *, latency: float | None = None, refused: int = 0, lost: int = 0) -> None:
        with self._lock:
            self.told.refused += refused
            self.told.lost += lost
            if latency is not None:
                self.told.taken += 1
                self.told.latencies_s.append(latency)


if __name__ == "__main__":
    given = Spec(**json.loads(Path(sys.argv[1]).read_text()))
    Path(given.result).write_text(json.dumps(asdict(Pusher(given).run())))
