"""Rewriting and thinning a month while readings come in: seconds, longest lock, ingest rate."""

import logging
import re
import statistics
import threading
import time
from datetime import datetime

from django.db import connection

from benchmarks.bench_readings.database import Utility, become
from benchmarks.bench_readings.report import say
from benchmarks.bench_readings.writing import imported, readings_at
from readings import maintenance

HOURS = 30
_MOST = 300_000


class _SwapTimes(logging.Handler):
    """Listens for what each swap took, from asking for the lock on."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0

    def emit(self, record: logging.LogRecord) -> None:
        told = re.search(r"(\d+) ms from asking", record.getMessage())
        if told:
            self.longest = max(self.longest, int(told[1]))


def rewritten(utility: Utility, when: datetime, fresh: datetime, name: str) -> None:
    """Carry out what is planned at `when`, while readings come in, those of `fresh` and of the
    `HOURS` after it: of many meters as many as it takes, of few the same ones again and again."""
    swaps = _SwapTimes()
    logger = logging.getLogger("readings.rewriting")
    logger.addHandler(swaps)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    app = dict(connection.settings_dict)
    rows = readings_at(utility.meters, fresh, min(_MOST, HOURS * len(utility.meters)))
    before = imported(utility, rows[:5000], 1000)
    stop = threading.Event()
    rates: list[float] = []

    def ingest() -> None:
        connection.settings_dict.update(USER=app["USER"], PASSWORD=app["PASSWORD"])
        connection.connect()
        first = 5000 % len(rows)
        while not stop.is_set():
            rates.append(imported(utility, rows[first : first + 1000], 1000))
            first = (first + 1000) % len(rows)
        connection.close()

    thread = threading.Thread(target=ingest)
    thread.start()
    time.sleep(0.2)
    become("ready_maintenance")
    took = []
    for work in maintenance.upkeep(when):
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
        if rates:
            share = statistics.median(rates) / before
            say(f"{name}: ingest meanwhile against before", f"{share:.2f}")


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
