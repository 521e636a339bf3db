"""The faults: each does its harm and says whether it could."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from benchmarks.chaos.house import House


class Skipped(Exception):
    """The fault cannot be injected here; the text says why."""


def _kill(pids: list[int], number: signal.Signals = signal.SIGKILL) -> None:
    if not pids:
        raise Skipped("no such process just now")
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _one_of(house: House, name: str, chance: random.Random) -> list[int]:
    """A process that the service started; none while it starts itself."""
    children = house.children(house.pid(name))
    return chance.sample(children, min(1, len(children)))


def _stop_for(house: House, pids: list[int], seconds: float) -> None:
    _kill(pids, signal.SIGSTOP)
    try:
        house.wait(seconds)
    finally:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                continue


def web_kill(house: House, chance: random.Random) -> None:
    """The web server and all its workers."""
    pid = house.pid("web")
    _kill([*house.children(pid), pid])


def web_child_kill(house: House, chance: random.Random) -> None:
    """One web worker."""
    _kill(_one_of(house, "web", chance))


def worker_kill(house: House, chance: random.Random) -> None:
    """The worker's main process and its pool."""
    pid = house.pid("worker")
    _kill([*house.children(pid), pid])


def worker_child_kill(house: House, chance: random.Random) -> None:
    """A process of the worker's pool."""
    _kill(_one_of(house, "worker", chance))


def worker_stop(house: House, chance: random.Random) -> None:
    """A process of the pool sleeps for longer than its lease."""
    _stop_for(house, _one_of(house, "worker", chance), 5.0)


def beat_kill(house: House, chance: random.Random) -> None:
    """The timetable."""
    _kill([house.pid("beat")])


def redis_kill(house: House, chance: random.Random) -> None:
    """The broker."""
    _kill([house.pid("valkey")])


def redis_stop(house: House, chance: random.Random) -> None:
    """The broker hangs."""
    _stop_for(house, [house.pid("valkey")], 3.0)


def redis_flush(house: House, chance: random.Random) -> None:
    """The broker forgets all."""
    house.redis(b"FLUSHALL")


def pg_kill(house: House, chance: random.Random) -> None:
    """Every process of the database at once."""
    pid = house.pid("postgres")
    _kill([pid, *house.children(pid)])


def pg_backend_kill(house: House, chance: random.Random) -> None:
    """One process of the database; the others restart by themselves."""
    _kill(_one_of(house, "postgres", chance))


def pg_restart(house: House, chance: random.Random) -> None:
    """The database restarts: fast, or at once."""
    _kill([house.pid("postgres")], chance.choice([signal.SIGINT, signal.SIGQUIT]))


def connections_cut(house: House, chance: random.Random) -> None:
    """All connections to the database are reset."""
    house.tell_proxy("cut")


def commit_cut(house: House, chance: random.Random) -> None:
    """The next commits happen, but nobody hears of it."""
    for _ in range(3):
        house.tell_proxy("commit")


def queries_cancelled(house: House, chance: random.Random) -> None:
    """Someone cancels all that the database does, a while long; its connections live on."""
    done = 0
    for _ in range(20):
        done += house.cancel_queries()
        house.wait(0.1)
    if done == 0:
        raise Skipped("the database had nothing to do")


def pg_stall(house: House, chance: random.Random) -> None:
    """Nothing passes to or from the database."""
    house.tell_proxy("stall 3")
    house.wait(3.0)


def clock_skew(house: House, chance: random.Random) -> None:
    """Web, worker or beat restarts with a clock that is an hour off; or right again."""
    house.clock.write_text(str(chance.choice([-3600, 3600, 0])))
    name = chance.choice(["web", "worker", "beat"])
    pid = house.pid(name)
    _kill([*house.children(pid), pid])


def disk_full(house: House, chance: random.Random) -> None:
    """The database's disk has no byte left for two seconds."""
    if not house.small_disk:
        raise Skipped("needs root and a tmpfs")
    ballast = house.data / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            free = shutil.disk_usage(house.data).free
            try:
                while free > 0:
                    file.write(bytes(1 << 20))
            except OSError:
                pass  # full
        house.wait(2.0)
    finally:
        ballast.unlink(missing_ok=True)


FAULTS: dict[str, Callable[[House, random.Random], None]] = {
    fault.__name__: fault
    for fault in (
        web_kill,
        web_child_kill,
        worker_kill,
        worker_child_kill,
        worker_stop,
        beat_kill,
        redis_kill,
        redis_stop,
        redis_flush,
        pg_kill,
        pg_backend_kill,
        pg_restart,
        connections_cut,
        commit_cut,
        queries_cancelled,
        pg_stall,
        clock_skew,
        disk_full,
    )
}


class Nemesis:
    """Picks faults by a seed, each kind equally often, and keeps count."""

    def __init__(self, seed: int, names: list[str], log: Path) -> None:
        self._chance = random.Random(f"nemesis {seed}")
        self._names = names
        self._deck: list[str] = []
        self._log = log
        self.done: dict[str, int] = dict.fromkeys(names, 0)
        self.skipped: dict[str, str] = {}
        self.last = ""

    def strike(self, house: House) -> None:
        """One fault, and what pause follows it."""
        if not self._deck:
            self._deck = list(self._names)
            self._chance.shuffle(self._deck)
        name = self._deck.pop()
        self.strike_with(house, name)
        house.wait(0.5 + 2.0 * self._chance.random())

    def strike_with(self, house: House, name: str) -> None:
        """This fault."""
        self.last = name
        with self._log.open("a") as log:
            log.write(f"{time.time():.3f} {name}\n")
        try:
            FAULTS[name](house, self._chance)
        except Skipped as skipped:
            self.skipped[name] = str(skipped)
        except (OSError, psycopg.Error) as error:
            self.skipped[name] = f"{type(error).__name__}: {error}"
        else:
            self.done[name] += 1

    def finish(self, house: House) -> None:
        """Silence the broker, let some pushes come, and take it away."""
        pid = house.pid("valkey")
        _stop_for(house, [pid], 1.5)
        _kill([pid])
