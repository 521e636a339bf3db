"""Bad days: one function each, which prints its figures, a line each, and says what was wanted."""

import gzip
import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.client import PATH, Told
from benchmarks.load.rig import Rig, alarmed
from benchmarks.load.telegrams import LEAKING, PER_BODY, Size, leak

MB = 1 << 20
# With so few telegrams waiting there is no backlog to speak of; an alarm is waited for so long.
LITTLE, MOST_S = 5 * PER_BODY, 30.0


def tell(name: str, value: str, wanted: str = "") -> None:
    """One line a figure."""
    print(f"{name:46} {value}{f'   (wanted: {wanted})' if wanted else ''}", flush=True)


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed; nan without any."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def latencies(told: Told) -> str:
    """p50, p95 and p99 in milliseconds."""
    p50, p95, p99 = (percentile(told.latencies_s, share) * 1000 for share in (0.5, 0.95, 0.99))
    return f"p50 {p50:.0f} · p95 {p95:.0f} · p99 {p99:.0f} ms of {told.taken} pushes"


@dataclass
class Ground:
    """What a scenario works with. Bodies are pushed once only: `take` gives the next ones."""

    rig: Rig
    size: Size
    bodies: Path
    rate: float  # telegrams a second of a moderate load
    seconds: float
    next_body: int = 0

    def take(self, telegrams: float) -> tuple[int, int]:
        """The next bodies, as (first, count)."""
        first, count = self.next_body, max(1, int(telegrams / PER_BODY))
        self.next_body += count
        return first, count

    def moderate(self, meanwhile: Callable[[], None] | None = None) -> Told:
        """Push at the moderate rate for the seconds of a scenario."""
        first, count = self.take(self.rate * self.seconds * 1.1)
        return self.rig.push(
            self.bodies,
            first,
            count,
            rate=self.rate,
            duration_s=self.seconds,
            connections=8,
            meanwhile=meanwhile,
        )


def half(ground: Ground) -> None:
    """Pushes at a moderate rate."""
    told = ground.moderate()
    ground.rig.drain()
    tell(f"push at {ground.rate:.0f} telegrams/s", latencies(told), "p95 ≤ 300 ms")


def broker_off(ground: Ground) -> None:
    """The broker is gone; everything goes on."""
    go_on = ground.rig.stop_part("valkey")
    told = ground.moderate()
    drained = ground.rig.drain()
    go_on()
    ground.rig.tend()
    attempts = told.taken + told.refused + told.lost
    tell("broker off: pushes answered", f"{told.taken / attempts:.2%}", "≥ 99.9 %")
    tell("broker off: push", latencies(told))
    tell("broker off: last reading after last push", f"{drained:.1f} s", "≤ 60 s")


def database_killed(ground: Ground) -> None:
    """Every process of PostgreSQL is killed under load."""
    took: list[float] = []

    def kill() -> None:
        time.sleep(ground.seconds / 3)
        os.kill(ground.rig.pid("postgres"), signal.SIGKILL)
        began = time.perf_counter()
        time.sleep(0.2)
        while not ground.rig.is_ready():
            time.sleep(0.05)
        took.append(time.perf_counter() - began)

    told = ground.moderate(kill)
    drained = ground.rig.drain()
    tell("PostgreSQL killed: ready again after", f"{took[0]:.1f} s", "≤ 10 s")
    tell("PostgreSQL killed: refused, lost, then taken", f"{told.refused}, {told.lost}, all")
    tell("PostgreSQL killed: drained", f"{drained:.1f} s after the last push")


def backlog(ground: Ground, telegrams: int) -> None:
    """Workers are away while much comes in; then they drain it."""
    rig = ground.rig
    go_on = rig.stop_part("worker")
    first, count = ground.take(telegrams)
    rig.push(ground.bodies, first, count)
    there = rig.waiting()
    go_on()
    began = time.perf_counter()
    # New workers come to know the meters while they work, up to as many as they may remember: so
    # what matters is whether they still grow once each has seen most of them.
    memory = dict.fromkeys((0.9, 0.5, 0.25, 0.0), 0)
    for share in memory:
        while rig.waiting() > there * share:
            rig.tend()
            memory[share] = max(memory[share], rig.memory()["worker"])
            time.sleep(0.2)
    seconds = time.perf_counter() - began
    tell("backlog: telegrams that waited", f"{there * PER_BODY}")
    tell("backlog: drained", f"{there * PER_BODY / seconds:.0f} telegrams/s")
    told = ", ".join(f"{used / MB:.0f} until {share:.0%} is left" for share, used in memory.items())
    tell("backlog: workers' memory at most, MiB", told, "no growth")


def alarms(ground: Ground, telegrams: int) -> None:
    """Leaks are told while a backlog waits and more comes in."""
    rig = ground.rig
    token = json.loads(rig.tokens.read_text())[0]
    go_on = rig.stop_part("worker")
    first, count = ground.take(telegrams)
    rig.push(ground.bodies, first, count)
    there = rig.waiting()
    go_on()
    while rig.waiting() >= there:
        rig.tend()
        time.sleep(0.1)  # the workers start
    took: list[float] = []
    behind: list[int] = []

    def leaks() -> None:
        with rig.database() as link:
            for number in LEAKING:
                waiting = rig.waiting() * PER_BODY
                if waiting < LITTLE:
                    break
                began = time.perf_counter()
                rig.tell(token, leak(number))
                while not alarmed(link, number) and time.perf_counter() - began < MOST_S:
                    time.sleep(0.01)
                took.append(time.perf_counter() - began)
                behind.append(waiting)
                time.sleep(0.3)

    ground.moderate(leaks)
    rig.drain()
    if not took:
        raise SystemExit("the backlog was gone before a leak was told: take a larger one")
    tell("alarms: telegrams that waited meanwhile", f"{behind[0]} to {behind[-1]}")
    tell(
        "alarms: push to committed period and outbox",
        f"p50 {percentile(took, 0.5):.2f} · longest {max(took):.2f} s of {len(took)}",
        "≤ 2 s",
    )


def noisy(ground: Ground) -> None:
    """One utility pushes as much as it can; how another fares."""
    rig = ground.rig
    tokens = json.loads(rig.tokens.read_text())
    # Bodies go round the collectors, and these round the utilities: the first utility's bodies
    # are pushed with an unknown token in the quiet client, and the other way round.
    quiet, loud = rig.folder / "quiet.json", rig.folder / "loud.json"
    tenants = ground.size.tenants
    own = [token for place, token in enumerate(tokens) if place % tenants == 1 % tenants]
    other = [token for place, token in enumerate(tokens) if place % tenants == 0]
    quiet.write_text(json.dumps([own[place % len(own)] for place in range(len(tokens))]))
    loud.write_text(json.dumps([other[place % len(other)] for place in range(len(tokens))]))
    rate = ground.rate / 5

    def pushing() -> Told:
        first, count = ground.take(rate * ground.seconds * 1.1)
        return rig.push(
            ground.bodies, first, count, rate=rate, duration_s=ground.seconds, tokens=quiet
        )

    before = pushing()
    rig.drain()
    told: list[Told] = []
    first, count = ground.take(ground.rate * ground.seconds * 8)  # it lasts as long

    def shout() -> None:
        told.append(
            rig.push(
                ground.bodies,
                first,
                count,
                duration_s=ground.seconds,
                connections=16,
                tokens=loud,
                name="loud",
            )
        )

    shouting = threading.Thread(target=shout)
    used = rig.cpu()
    shouting.start()
    time.sleep(1)
    beside = pushing()
    shouting.join()
    spent = {name: cpu - used.get(name, 0.0) for name, cpu in rig.cpu().items()}
    spent["client"] = told[0].cpu_s
    rig.drain()
    alone, with_noise = (percentile(one.latencies_s, 0.95) * 1000 for one in (before, beside))
    tell("noisy neighbour: it pushed", f"{told[0].taken * PER_BODY / told[0].duration_s:.0f}/s")
    tell(
        "noisy neighbour: CPU seconds",
        ", ".join(f"{name} {cpu:.0f}" for name, cpu in spent.items()),
    )
    tell("noisy neighbour: the other's pushes alone", latencies(before))
    tell("noisy neighbour: and beside it", latencies(beside))
    tell(
        "noisy neighbour: p95 alone and beside it",
        f"{alone:.0f} and {with_noise:.0f} ms ({with_noise / alone:.1f} times)",
        "≤ 2 times",
    )


def slow(ground: Ground, connections: int) -> None:
    """Connections that send a byte now and then."""
    rig = ground.rig
    web = rig.memory()["web"]
    before = ground.moderate()
    rig.drain()
    cut: list[float] = []
    most: list[int] = [web]

    def crawl() -> None:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n".encode()
        open_: dict[socket.socket, float] = {}
        for number in range(connections):
            one = socket.create_connection(("127.0.0.1", rig.port))
            one.sendall(head + (b"\r\n{" if number % 2 else b"X-Slow: "))
            one.setblocking(False)
            open_[one] = time.perf_counter()
        while open_:
            time.sleep(0.5)
            most.append(rig.memory()["web"])
            for one, since in list(open_.items()):
                try:
                    one.send(b" ")
                    gone = not one.recv(4096).startswith(b"?")
                except BlockingIOError:
                    gone = False
                except OSError:
                    gone = True
                if gone:
                    cut.append(time.perf_counter() - since)
                    one.close()
                    del open_[one]

    told = ground.moderate(crawl)
    rig.drain()
    tell(f"slow: {connections} connections cut within", f"{max(cut):.1f} s", "≤ 10 s")
    alone, beside = (percentile(one.latencies_s, 0.95) * 1000 for one in (before, told))
    tell(
        "slow: honest p95 without and with them",
        f"{alone:.0f} and {beside:.0f} ms ({beside / alone:.1f} times)",
        "≤ 2 times",
    )
    tell("slow: web processes grew by", f"{(max(most) - web) / MB:.1f} MiB", "≤ 100 MiB")


def bombs(ground: Ground) -> None:
    """Bodies made to hurt: how long each took, and what it left in memory."""
    rig = ground.rig
    token = json.loads(rig.tokens.read_text())[0]
    deep = b"[" * 500_000
    zeros = bytes(200 * MB)
    cases: dict[str, tuple[bytes, dict[str, str]]] = {
        "gzip of 200 MiB": (gzip.compress(zeros), {"Content-Encoding": "gzip"}),
        "gzip of gzip": (gzip.compress(gzip.compress(zeros)), {"Content-Encoding": "gzip"}),
        "JSON 500,000 deep": (deep, {}),
        "JSON 1,000 deep": (b"[" * 1000, {}),
        "an integer of a million digits": (b'{"telegrams":[' + b"9" * 1_000_000 + b"]}", {}),
        "half a surrogate pair": (b'{"telegrams":[{"telegram":"\\ud800"}]}', {}),
        "a million empty lists": (b"[" + b"[]," * 340_000 + b"[]]", {}),
        "8 MiB of empty objects, gzip": (
            gzip.compress(b"[" + b"{}," * 2_700_000 + b"{}]"),
            {"Content-Encoding": "gzip"},
        ),
        "NDJSON, one endless line": (
            gzip.compress(b'{"telegram":"' + b"0" * 8_000_000),
            {"Content-Encoding": "gzip", "Content-Type": "application/x-ndjson"},
        ),
        "4 million empty lines": (
            gzip.compress(b"\n" * 8_000_000),
            {"Content-Encoding": "gzip", "Content-Type": "text/plain"},
        ),
    }
    before = rig.memory()["web"]
    for name, (body, extra) in cases.items():
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **extra}
        most = [before]
        done = threading.Event()

        def watch(most: list[int] = most, done: threading.Event = done) -> None:
            while not done.wait(0.02):
                most.append(rig.memory()["web"])

        watching = threading.Thread(target=watch)
        watching.start()
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", rig.port, timeout=30)
        connection.request("POST", PATH, body, headers)
        answer = connection.getresponse()
        answer.read()
        took = time.perf_counter() - began
        connection.close()
        done.set()
        watching.join()
        grown = (max(most) - before) / MB
        tell(f"bomb: {name}", f"{answer.status} in {took:.2f} s, at most {grown:+.1f} MiB", "≤ 1 s")
    left = (rig.memory()["web"] - before) / MB
    tell("bombs: web processes grew by", f"{left:+.1f} MiB in the end", "≤ 20 MiB")
