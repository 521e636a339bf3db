"""Writing: the idempotent write alone, the whole transaction, decode and store together."""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from statistics import median

from django.db import connection, transaction
from django.utils import timezone

import wmbus
from benchmarks.bench_readings.database import KEY, Utility, become
from benchmarks.bench_readings.loader import registers
from benchmarks.bench_readings.report import say
from collectors import pipeline, worker
from collectors.pipeline import claims, path
from collectors.pipeline.batches import settle_whole, unpack
from collectors.services import accept
from meters import state
from meters.registers import COLUMNS
from meters.state import REGISTER_TYPES
from readings.models import Origin, Trust
from readings.services import NewReading, store
from ready.tenancy.context import tenant_context
from wmbus import encode

# Headers of a MULTICAL 603's records: E1, E8, E9, V1, flow, T1, T2, info.
_HEADERS = bytes.fromhex("040604FF0704FF080414043B0259025D04FF22")
_BATCHES = 24
_ROUNDS = 9


def readings_at(
    meters: Sequence[int], start: datetime, count: int, skip: int = 0
) -> list[NewReading]:
    """`count` readings, hour by hour over all meters, but for the first `skip` of them; sound ones,
    as most are."""
    found = []
    first = int(start.timestamp()) // 3600
    for number in range(skip, skip + count):
        hour, place = divmod(number, len(meters))
        at = start + timedelta(hours=hour, seconds=number % 3000)
        told = registers(meters[place], first + hour)
        found.append(
            NewReading(
                meter_id=meters[place],
                at=at,
                received_at=at,
                values=[told.get(column) for column in COLUMNS],
                origin=Origin.FIXED_NETWORK,
                trust=Trust.PLAUSIBLE,
                interval_s=3600,
            )
        )
    return found


def raw_copy(utility: Utility, rows: Sequence[NewReading], batch: int) -> float:
    """The limit: binary COPY of the same rows, as Python tuples, in the same batches with a commit
    each, into a table of the same shape and key that already holds what the readings' partition of
    that month holds of the utility by then; rows a second. The more there is, the slower are both.
    """
    listed = ", ".join(["tenant_id", "meter_id", "ts", "received_at", *COLUMNS])
    kinds = ["int4", "int4", "timestamptz", "timestamptz", *REGISTER_TYPES.values()]
    become("ready_owner")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_copy (LIKE readings_reading INCLUDING ALL)")
        # Forced row-level security holds for the owner, too.
        with tenant_context(utility.tenant.pk):
            cursor.execute(
                """INSERT INTO bench_copy SELECT * FROM readings_reading
                   WHERE tenant_id = %s AND ts >= date_trunc('month', %s::timestamptz, 'UTC')""",
                [utility.tenant.pk, rows[0].at],
            )
        start = time.perf_counter()
        for first in range(0, len(rows), batch):
            with (
                transaction.atomic(),
                cursor.cursor.copy(
                    f"COPY bench_copy ({listed}, origin, trust, kind) FROM STDIN (FORMAT BINARY)"
                ) as copy,
            ):
                copy.set_types([*kinds, "int2", "int2", "int2"])
                for row in rows[first : first + batch]:
                    key = (utility.tenant.pk, row.meter_id, row.at, row.received_at)
                    copy.write_row((*key, *row.values, 1, 1, 0))
        took = time.perf_counter() - start
        cursor.execute("DROP TABLE bench_copy")
    become("ready_app")
    return len(rows) / took


def stored(utility: Utility, rows: Sequence[NewReading], batch: int) -> float:
    """Readings alone through the only door, days marked; a transaction a batch; rows a second."""
    start = time.perf_counter()
    for first in range(0, len(rows), batch):
        some = rows[first : first + batch]
        with tenant_context(utility.tenant.pk):
            store(some, state.lock_times(row.meter_id for row in some))
    return len(rows) / (time.perf_counter() - start)


def imported(utility: Utility, rows: Sequence[NewReading], batch: int) -> float:
    """Readings and newest values, rows a second."""
    start = time.perf_counter()
    for first in range(0, len(rows), batch):
        with tenant_context(utility.tenant.pk):
            pipeline.import_readings(rows[first : first + batch])
    return len(rows) / (time.perf_counter() - start)


def push(utility: Utility, first_hour: datetime, batches: int) -> None:
    """Accept batches of 1,000 encrypted telegrams, seven compact to one full."""
    count = len(utility.meters)
    begin = int(first_hour.timestamp()) // 3600
    for batch in range(batches):
        told = []
        for number in range(1000):
            hour, meter = divmod(batch * 1000 + number, count)
            address = wmbus.Address("KAM", f"{10_000_000 + meter}", 52, 4)
            told_at = registers(utility.meters[meter], begin + hour)
            values = [told_at["e1"] // 3_600_000, told_at["e8"], told_at["e9"]]
            values += [told_at["v1"] // 10_000, told_at["flow1"] // 1000]
            values += [told_at["t1"] // 10, told_at["t2"] // 10, 0]
            make = encode.kamstrup_compact if number % 8 else encode.kamstrup_full
            data: object = (_HEADERS, values) if number % 8 else (encode.records(_HEADERS, values),)
            frame = make(  # type: ignore[misc]
                address, wmbus.Key(KEY), *data, session=begin + hour, access=batch & 255
            )
            at = first_hour + timedelta(hours=hour, seconds=number % 60)
            told.append({"telegram": frame.hex(), "timestamp": at.isoformat(), "rssi_dbm": -70})
        accept(
            bearer=utility.bearer,
            content_type="application/json",
            body=json.dumps({"telegrams": told}).encode(),
            now=timezone.now(),
            request_id="bench",
        )


def _in_threads(work: Callable[[], bool]) -> float:
    """Seconds until the threads of one worker process have nothing left to do."""

    def thread() -> None:
        try:
            while work():
                pass
        finally:
            connection.close()

    start = time.perf_counter()
    with ThreadPoolExecutor(worker.BATCH_THREADS) as threads:
        for one in [threads.submit(thread) for _ in range(worker.BATCH_THREADS)]:
            one.result()
    return time.perf_counter() - start


def together(utility: Utility, first_hour: datetime, batches: int) -> float:
    """Telegrams a second from a kept batch to committed readings, as a worker process does it."""
    push(utility, first_hour, batches)
    turns = pipeline.Turns()
    pipeline.work_one(turns)  # the first batch opens keys and plans statements
    return (batches - 1) * 1000 / _in_threads(lambda: pipeline.work_one(turns))


def whole(utility: Utility, first_hour: datetime, batches: int) -> float:
    """Telegrams a second of the whole transaction in the same threads, the telegrams read
    beforehand: validation, readings, marked days, newest values, info codes, receptions, kept
    telegrams, outcomes."""
    push(utility, first_hour, batches)
    turns = pipeline.Turns()
    waiting = []
    while (claimed := claims.claim(turns)) is not None:
        with tenant_context(claimed.tenant_id):
            batch, items = unpack(claimed)
            waiting.append((claimed, batch, items, path.read(items)))

    def work() -> bool:
        try:
            claimed, batch, items, formats = waiting.pop(0)
        except IndexError:
            return False
        with tenant_context(claimed.tenant_id):
            claims.begin(claimed, lasting=False)
            path.write(items, formats, again=False)
            settle_whole(batch, items)
            claims.settle(claimed)
        return True

    work()
    return (batches - 1) * 1000 / _in_threads(work)


def measure(utility: Utility, first_hour: datetime, until: datetime) -> None:
    """All of it within these hours, round by round: the limit, then what is set against it, so that
    both meet the same machine. What is told is the median round."""
    worker.collect_seldom()
    meters = len(utility.meters)
    count = min(50_000, meters * 24)
    batches = max(2, min(_BATCHES, meters * 24 // 1000))
    hours = -(-count // meters) + 1
    pushed_hours = -(-batches * 1000 // meters) + 1
    a_round = timedelta(hours=3 * hours + 2 * pushed_hours)
    at = first_hour
    found = []
    for _ in range(min(_ROUNDS, max(1, (until - first_hour) // a_round))):
        late = readings_at(utility.meters, at, count)
        at += timedelta(hours=hours)
        rows = readings_at(utility.meters, at, count)
        limit, alone = raw_copy(utility, rows, 10_000), stored(utility, rows, 10_000)
        once = rows
        at += timedelta(hours=hours)
        rows = readings_at(utility.meters, at, count)
        small_limit, small = raw_copy(utility, rows, 1000), imported(utility, rows, 1000)
        # Now that the meters' newest are known.
        again, behind = stored(utility, once, 10_000), stored(utility, late, 10_000)
        at += timedelta(hours=hours)
        all_of_it = together(utility, at, batches)
        at += timedelta(hours=pushed_hours)
        found.append(
            (
                limit,
                alone,
                again,
                behind,
                small_limit,
                small,
                all_of_it,
                whole(utility, at, batches),
            )
        )
        at += timedelta(hours=pushed_hours)
    limits, alones, agains, lates, small_limits, smalls, alls, wholes = zip(*found, strict=True)
    say("rounds of writing", str(len(found)))
    say("the limit: raw binary COPY of the same rows, batches of 10,000", _rates(limits, "rows"))
    say("the limit in batches of 1,000", _rates(small_limits, "rows"))
    say("idempotent write, batches of 10,000", _of(alones, limits))
    say("the same once more, nothing new", _of(agains, limits))
    behind_by = f"{2 * hours} to {3 * hours - 2} hours behind the newest"
    say(f"late readings, {behind_by}, their days marked already", _of(lates, limits))
    say("readings and newest values, batches of 1,000", _of(smalls, small_limits))
    say("the whole transaction, batches of 1,000, one worker", _of(wholes, small_limits))
    say("decode and store together, one worker, batches of 1,000", _rates(alls, "telegrams"))


def _rates(rates: Sequence[float], what: str) -> str:
    return f"{median(rates):,.0f} {what}/s ({min(rates):,.0f} to {max(rates):,.0f})"


def _of(rates: Sequence[float], limits: Sequence[float]) -> str:
    """The median rate, and of the rounds' shares of their limits the median, least and most; then
    the best round's rate beside the best round's limit, which may be another."""
    shares = [rate / limit for rate, limit in zip(rates, limits, strict=True)]
    return (
        f"{median(rates):,.0f}/s = {median(shares):.3f} of COPY"
        f" ({min(shares):.2f} to {max(shares):.2f}; best by best {max(rates) / max(limits):.3f})"
    )
