"""Rewriting and thinning a month while readings come in: seconds, longest lock, ingest rate."""

import logging
import re
import statistics
import threading
import time
from datetime import datetime, timedelta

from django.db import connection

from benchmarks.bench_readings.database import Utility, become
from benchmarks.bench_readings.report import say
from benchmarks.bench_readings.writing import imported, readings_at
from readings import maintenance

# So much of what comes in meanwhile is new, of ten thousand meters half a million readings.
HOURS = 48
_ROWS = 1000
_BEFORE = 4


class _SwapTimes(logging.Handler):
    """Listens for what each swap took, from asking for the lock on."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0

    def emit(self, record: logging.LogRecord) -> None:
        told = re.search(r"(\d+) ms from asking", record.getMessage())
        if told:
            self.longest = max(self.longest, int(told[1]))


class _Ingest:
    """The readings of `HOURS` from `fresh` on, a batch at a time; then the same ones again. What is
    told of each is its rate against those of its kind, new or again, before anything was going on;
    making the next one in Python is not counted.
    """

    def __init__(self, utility: Utility, fresh: datetime) -> None:
        self._utility = utility
        self._fresh = fresh
        self._new = HOURS * len(utility.meters) // _ROWS
        # Not the first hour: each of its readings is the first in its part of the key since what
        # was there went to disk, which takes more of the log.
        first = -(-len(utility.meters) // _ROWS)
        for number in range(first):
            self._write(number)
        self._before = [
            statistics.median([self._write(first + number) for number in range(_BEFORE)])
            for _kind in ("new", "again")
        ]
        self._written = first + _BEFORE
        # Of those new and those again.
        self.shares: tuple[list[float], list[float]] = [], []

    def _write(self, number: int) -> float:
        rows = readings_at(self._utility.meters, self._fresh, _ROWS, number * _ROWS)
        return imported(self._utility, rows, _ROWS)

    def go_on(self) -> None:
        """The next batch."""
        rate = self._write(self._written % self._new)
        again = self._written >= self._new
        self.shares[again].append(rate / self._before[again])
        self._written += 1

    def end(self) -> datetime:
        """The first hour of which nothing is written."""
        rows = min(self._written, self._new) * _ROWS
        return self._fresh + timedelta(hours=-(-rows // len(self._utility.meters)))


def rewritten(utility: Utility, when: datetime, fresh: datetime, name: str) -> datetime:
    """Carry out what is planned at `when`, while readings come in from the hour `fresh` on; the
    first hour after those."""
    swaps = _SwapTimes()
    logger = logging.getLogger("readings.rewriting")
    logger.addHandler(swaps)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    app = dict(connection.settings_dict)
    ingest = _Ingest(utility, fresh)
    stop = threading.Event()

    def go_on() -> None:
        connection.settings_dict.update(USER=app["USER"], PASSWORD=app["PASSWORD"])
        connection.connect()
        while not stop.is_set():
            ingest.go_on()
        connection.close()

    thread = threading.Thread(target=go_on)
    thread.start()
    time.sleep(0.2)
    become("ready_maintenance")
    took: list[float] = []
    for work in maintenance.upkeep(when):
        if not took:  # only what comes in while a month is rewritten
            for shares in ingest.shares:
                shares.clear()
        start = time.perf_counter()
        work.carry_out(when)
        took.append(time.perf_counter() - start)
    stop.set()
    thread.join()
    become("ready_app")
    logger.removeHandler(swaps)
    if took:
        say(f"{name}: {len(took)} months, the longest", f"{max(took):.1f} s")
        say(f"{name}: longest wait and lock of a swap", f"{swaps.longest} ms")
        for kind, shares in zip(("new", "told again"), ingest.shares, strict=True):
            if shares:
                told = f"{statistics.median(shares):.2f} (of {len(shares)} batches)"
                say(f"{name}: ingest meanwhile against before, readings {kind}", told)
    return ingest.end()


def bytes_a_reading(partition: str) -> float:
    """Heap and indexes of a partition over its rows."""
    become("ready_maintenance")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE ready_owner")
        cursor.execute(
            f"SELECT pg_total_relation_size(%s)::float8, (SELECT count(*) FROM {partition})",
            [partition],
        )
        size, count = cursor.fetchone()
    become("ready_app")
    return float(size) / max(1, int(count))


def database_size() -> int:
    """Bytes of the whole database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])
