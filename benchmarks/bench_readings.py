"""How fast readings are written, read and thinned: `python -m benchmarks.bench_readings`.

    --meters 500     meters, all read hourly
    --months 3       closed months of readings before the present one, oldest thinned in the end
    --samples 60     charts a kind that are timed
    --keep           leave the database (its name is printed) for a closer look

DATABASE_URL names an administrator of a PostgreSQL; a database of its own is made there, by the
three roles as in production, and dropped at the end. Readings of closed months come by a fast
loader: `INSERT … SELECT` through the parent table, hour by hour as they would arrive, so with the
trigger that marks days. One line a figure. Times on a shared machine drift: the ratios are
against raw binary COPY into a table of the same shape in the same run.
"""

import argparse
import json
import logging
import os
import random
import re
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ready.settings")
os.environ.setdefault("READY_ENV", "test")

import django

django.setup()

# ruff: noqa: E402  READY's modules can only be imported once Django is set up.
from django.core.management import call_command
from django.db import connection, connections
from django.http import QueryDict
from django.utils import timezone

import wmbus
from collectors import pipeline
from collectors.models import Collector
from collectors.services import accept, register_collector
from collectors.tokens import Bearer
from meters import keys, listing
from meters.models import (
    Installation,
    Medium,
    Meter,
    MeterAddress,
    MeterKey,
    MeterState,
    SupplyPoint,
)
from meters.registers import BY_COLUMN, COLUMNS
from readings import daily, maintenance, midnights, queries, rewriting, totals
from readings.models import Origin, Trust
from readings.rules import BucketSize, consumption
from readings.rules import Installation as Stay
from readings.services import NewReading
from ready.audit.services import Actor
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web.lists import ListState
from wmbus import encode

ZONE = ZoneInfo("Europe/Copenhagen")
ACTOR = Actor(None, "benchmark")
KEY = bytes(range(16))
HEADERS = bytes.fromhex("040604FF0704FF080414043B0259025D04FF22")
E1 = BY_COLUMN["e1"]
_PASSWORDS = {
    "ready_owner": ("READY_OWNER_PASSWORD", "owner"),
    "ready_app": ("READY_APP_PASSWORD", "app"),
    "ready_maintenance": ("READY_MAINTENANCE_PASSWORD", "maintenance"),
}
# A MULTICAL's registers from the meter's number and the hour; all rise.
_FILL = """
    INSERT INTO readings_reading (tenant_id, meter_id, ts, received_at, e1, v1, e8, e9, flow1,
        power1, t1, t2, hours, info, origin, trust, kind)
    SELECT %(tenant)s, m.id, at, at + interval '9 seconds', h * (m.id %% 9 + 1) * 3600000,
        h * (m.id %% 7 + 1) * 10000, h * 5, h * 3, 120000 + h %% 999, 2500, 65000 + m.id %% 999,
        34000 + h %% 999, h, 0, 1, 1, 0
    FROM generate_series(%(first)s::int8, %(last)s::int8 - 1) AS h
    CROSS JOIN (SELECT id FROM meters_meter WHERE tenant_id = %(tenant)s) m
    CROSS JOIN LATERAL (
        SELECT to_timestamp(h * 3600 + m.id * 7 %% 3600) AS at) a
    ORDER BY h, m.id"""


def say(name: str, figure: str) -> None:
    """One line a figure."""
    print(f"{name:<58} {figure}", flush=True)


@contextmanager
def database(keep: bool) -> Iterator[None]:
    """A database of our own, made by three roles."""
    admin = dict(connection.settings_dict)
    name = f"ready_bench_{uuid.uuid4().hex[:8]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    connection.settings_dict["NAME"] = name
    for variable, password in _PASSWORDS.values():
        os.environ.setdefault(variable, password)
    connection.close()
    with open(os.devnull, "w") as nowhere:
        call_command("setup_roles", stdout=nowhere)
        become("ready_owner")
        call_command("migrate", verbosity=0, stdout=nowhere)
        become("ready_maintenance")
        call_command("partitions", apply=True, stdout=nowhere)
    become("ready_app")
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(admin)
        with connection.cursor() as cursor:
            if keep:
                print(f"kept: {name}")
            else:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def become(role: str) -> None:
    """Be this role from now on."""
    connection.close()
    connection.settings_dict.update(USER=role, PASSWORD=os.environ[_PASSWORDS[role][0]])


def utility(meters: int) -> tuple[Tenant, list[int], Bearer]:
    """A utility with its meters mounted; their ids and a collector."""
    tenant = Tenant.objects.create(slug="bench", name="Bench")
    with tenant_context(tenant.pk):
        made = Meter.objects.bulk_create(
            Meter(
                manufacturer="KAM",
                number=f"{10_000_000 + number}",
                meter_type="MULTICAL 603",
                medium=Medium.HEAT,
            )
            for number in range(meters)
        )
        MeterState.objects.bulk_create(MeterState(meter=meter) for meter in made)
        MeterAddress.objects.bulk_create(
            MeterAddress(tenant=tenant, meter=meter, manufacturer="KAM", number=meter.number)
            for meter in made
        )
        MeterKey.objects.bulk_create(
            MeterKey(
                meter=meter,
                sealed=keys.seal(KEY, tenant_id=tenant.pk, meter_id=meter.pk, version=1),
            )
            for meter in made
        )
        places = SupplyPoint.objects.bulk_create(
            SupplyPoint(street=f"Bench {number}") for number in range(meters)
        )
        Installation.objects.bulk_create(
            Installation(
                meter=meter, supply_point=place, starts_at=datetime(2000, 1, 1, tzinfo=UTC)
            )
            for meter, place in zip(made, places, strict=True)
        )
        box = register_collector(name="B", type=Collector.Type.CONCENTRATOR, actor=ACTOR)
    return tenant, [meter.pk for meter in made], Bearer(tenant.pk, box.pk)


def fill(tenant: Tenant, first: datetime, last: datetime) -> float:
    """Every hour of [first, last), a day a transaction; readings a second."""
    begin, end = int(first.timestamp()) // 3600, int(last.timestamp()) // 3600
    count = 0
    start = time.perf_counter()
    for hour in range(begin, end, 24):
        with tenant_context(tenant.pk), connection.cursor() as cursor:
            cursor.execute(_FILL, {"tenant": tenant.pk, "first": hour, "last": min(hour + 24, end)})
            count += cursor.rowcount
    return count / (time.perf_counter() - start)


def readings_at(meters: Sequence[int], start: datetime, count: int) -> list[NewReading]:
    """`count` readings, hour by hour over all meters."""
    found = []
    for number in range(count):
        at = start + timedelta(hours=number // len(meters), seconds=number % 3000)
        told = {"e1": number * 3_600_000, "v1": number * 10_000, "e8": number, "e9": number}
        told |= {"flow1": 120_000, "power1": 2500, "t1": 65_120, "t2": 34_560, "hours": number}
        found.append(
            NewReading(
                meter_id=meters[number % len(meters)],
                at=at,
                received_at=at,
                values=[told.get(column) for column in COLUMNS],
                origin=Origin.FIXED_NETWORK,
                trust=Trust.PLAUSIBLE,
                interval_s=3600,
            )
        )
    return found


def raw_copy(tenant: Tenant, rows: Sequence[NewReading]) -> float:
    """The limit: binary COPY of the same rows into a table of the same shape, rows a second."""
    listed = ", ".join(["tenant_id", "meter_id", "ts", "received_at", *COLUMNS])
    kinds = ["int4", "int4", "timestamptz", "timestamptz"]
    kinds += ["int8" if BY_COLUMN[column].wide else "int4" for column in COLUMNS]
    become("ready_owner")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_copy (LIKE readings_reading INCLUDING ALL)")
        start = time.perf_counter()
        with cursor.cursor.copy(
            f"COPY bench_copy ({listed}, origin, trust, kind) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types([*kinds, "int2", "int2", "int2"])
            for row in rows:
                copy.write_row(
                    (tenant.pk, row.meter_id, row.at, row.received_at, *row.values, 1, 1, 0)
                )
        took = time.perf_counter() - start
        cursor.execute("DROP TABLE bench_copy")
    become("ready_app")
    return len(rows) / took


def imported(tenant: Tenant, rows: Sequence[NewReading], batch: int) -> float:
    """Readings and newest values through the product's door, rows a second."""
    start = time.perf_counter()
    for first in range(0, len(rows), batch):
        with tenant_context(tenant.pk):
            pipeline.import_readings(rows[first : first + batch])
    return len(rows) / (time.perf_counter() - start)


def pushed(meters: int, bearer: Bearer, batches: int) -> tuple[float, float]:
    """Batches of 1,000 encrypted telegrams: decoded and stored a second by one worker, and the
    share of it that is the transaction alone, without decoding."""
    frames = []
    now = timezone.now().replace(microsecond=0) - timedelta(hours=3)
    for batch in range(batches):
        told = []
        for number in range(1000):
            at = now + timedelta(seconds=(batch * 1000 + number) // meters * 3600 + number % 60)
            address = wmbus.Address(
                "KAM", f"{10_000_000 + (batch * 1000 + number) % meters}", 52, 4
            )
            values = [50_000_000 + batch, 9, 9, 800_000 + batch, 120, 6512, 3456, 0]
            make = encode.kamstrup_compact if number % 8 else encode.kamstrup_full
            data: object = (HEADERS, values) if number % 8 else (encode.records(HEADERS, values),)
            frame = make(address, wmbus.Key(KEY), *data, session=batch + 1, access=batch & 255)  # type: ignore[misc]
            frames.append(frame)
            told.append({"telegram": frame.hex(), "timestamp": at.isoformat(), "rssi_dbm": -70})
        accept(
            bearer=bearer,
            content_type="application/json",
            body=json.dumps({"telegrams": told}).encode(),
            now=timezone.now(),
            request_id="bench",
        )
    key = wmbus.Key(KEY)
    start = time.perf_counter()
    for frame in frames:
        wmbus.decode(frame, key_for=lambda _address: key)
    decoding = time.perf_counter() - start
    turns = pipeline.Turns()
    pipeline.work_one(turns)  # opens the keys, plans the statements
    start = time.perf_counter()
    worked = 0
    while pipeline.work_one(turns):
        worked += 1000
    whole = time.perf_counter() - start
    return worked / whole, worked / max(whole - decoding * worked / len(frames), 1e-9)


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
    return float(size) / int(count)


def timed(name: str, ask: Callable[[], object], samples: int) -> None:
    """p50 and p95 of a question, warm."""
    ask()
    times = []
    for _ in range(samples):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    p95 = times[min(len(times) - 1, len(times) * 95 // 100)]
    say(name, f"p50 {statistics.median(times):8.1f} ms   p95 {p95:8.1f} ms")


def questions(tenant: Tenant, meters: Sequence[int], present: date, months: int, n: int) -> None:
    """What pages ask, through the functions that pages use."""
    numbers = random.Random(1)
    back = min(months, 12)
    first = maintenance.months_before(present, back)
    month = maintenance.months_before(present, 1)
    last = present - timedelta(days=1)
    year_start, end = daily.start_of(first, ZONE), daily.start_of(present, ZONE)
    month_start = daily.start_of(month, ZONE)
    week = end - timedelta(days=7)

    def one() -> int:
        return numbers.choice(meters)

    def by_days() -> object:
        points = midnights.series(one(), "e1", first, last, ZONE)
        return consumption([Stay(points)], year_start, end, BucketSize.DAY, ZONE)

    def ask(start: datetime, size: BucketSize) -> Callable[[], object]:
        return lambda: queries.consumption(one(), E1, start, end, size, ZONE)

    with tenant_context(tenant.pk):
        timed(f"chart of {back} months by day, from daily rows", by_days, n)
        timed(f"chart of {back} months by day, queries", ask(year_start, BucketSize.DAY), n)
        timed("chart of a month by hour", ask(month_start, BucketSize.HOUR), n)
        timed("chart of a week by quarter-hour", ask(week, BucketSize.QUARTER_HOUR), n)
        timed(
            f"consumption of all {len(meters)} meters for a month",
            lambda: totals.totals(None, E1, month_start, end, BucketSize.MONTH, ZONE),
            max(3, n // 10),
        )
        timed(
            f"both midnights of all {len(meters)} meters, from daily rows",
            lambda: [midnights.neighbours("e1", day, ZONE, meters) for day in (month, present)],
            max(3, n // 10),
        )
        now = timezone.now()
        page = ListState.parse(QueryDict(), listing.LIST_COLUMNS, sort=listing.DEFAULT_SORT)
        timed(
            "newest values of a page of meters",
            lambda: listing.meter_list(page, now, "MWh", {"": len(meters)}),
            n,
        )


class SwapTimes(logging.Handler):
    """Listens for what each swap took."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Remember the longest."""
        told = re.search(r"(\d+) ms from asking", record.getMessage())
        if told:
            self.longest = max(self.longest, int(told[1]))


def rewritten(tenant: Tenant, meters: Sequence[int], when: datetime, name: str) -> None:
    """Carry out what is planned at `when`, while readings come in; seconds, lock, ingest rate."""
    swaps = SwapTimes()
    logger = logging.getLogger("readings.rewriting")
    logger.addHandler(swaps)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    app = dict(connection.settings_dict)
    rows = readings_at(meters, timezone.now() - timedelta(hours=30), 20_000)
    before = imported(tenant, rows[:5000], 1000)
    stop = threading.Event()
    rates: list[float] = []

    def ingest() -> None:
        connection.settings_dict.update(USER=app["USER"], PASSWORD=app["PASSWORD"])
        connection.connect()
        for first in range(5000, len(rows), 1000):
            if stop.is_set():
                break
            rates.append(imported(tenant, rows[first : first + 1000], 1000))
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
    if took:
        say(f"{name}: {len(took)} months, the longest", f"{max(took):.1f} s")
        say(f"{name}: longest wait and lock of a swap", f"{swaps.longest} ms")
        if rates:
            share = statistics.median(rates) / before
            say(f"{name}: ingest meanwhile against before", f"{share:.2f}")


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--meters", type=int, default=500)
    parser.add_argument("--months", type=int, default=3)
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.DEBUG)
    now = timezone.now()
    present = now.date().replace(day=1)
    with database(options.keep):
        tenant, meters, bearer = utility(options.meters)
        oldest = maintenance.months_before(present, options.months)
        beginning = datetime(oldest.year, oldest.month, 1, tzinfo=UTC)
        until = datetime(present.year, present.month, 1, tzinfo=UTC)
        hours = int((until - beginning) / timedelta(hours=1))
        say("readings stored", f"{hours * options.meters:,}")
        say("fast loader, days marked", f"{fill(tenant, beginning, until):,.0f} readings/s")

        fresh = until + timedelta(hours=1)
        count = min(50_000, options.meters * 200)
        told = readings_at(meters, fresh, count)
        limit = raw_copy(tenant, told)
        say("raw binary COPY (the limit)", f"{limit:,.0f} rows/s")
        alone = imported(tenant, told, 10_000)
        say("idempotent write, batches of 10,000", f"{alone:,.0f}/s = {alone / limit:.2f} of COPY")
        again = imported(tenant, told, 10_000)
        say("the same once more, nothing new", f"{again:,.0f}/s = {again / limit:.2f} of COPY")
        together, transaction = pushed(options.meters, bearer, 6)
        say("decode and store together, batches of 1,000", f"{together:,.0f} telegrams/s")
        say(
            "the whole transaction without decoding",
            f"{transaction:,.0f}/s = {transaction / limit:.2f} of COPY",
        )

        start = time.perf_counter()
        days = rewriting.refresh(tenant.pk, now)
        took = time.perf_counter() - start
        say("daily rows made from readings", f"{len(days) / took:,.0f} days of meters/s")
        in_transaction(tenant, told[: min(len(told), 10_000)], alone, now)

        last_month = rewriting.months()
        closed = next(m for m in last_month if m.start == maintenance.months_before(present, 1))
        say("bytes a reading, month as it came in", f"{bytes_a_reading(closed.partition):.0f}")
        rewritten(tenant, meters, now, "in key order")
        say("bytes a reading, month in key order", f"{bytes_a_reading(closed.partition):.0f}")
        daily_partition = f"readings_dailyreading_p{closed.start:%Y%m}"
        say("bytes a daily row", f"{bytes_a_reading(daily_partition):.0f}")
        questions(tenant, meters, present, options.months, options.samples)
        # Thirteen months on the oldest month is due.
        later = datetime(present.year, present.month, 1, tzinfo=UTC) + timedelta(
            days=30 * (13 - options.months) + 36
        )
        rewritten(tenant, meters, later, "thinned")


def in_transaction(tenant: Tenant, told: Sequence[NewReading], alone: float, now: datetime) -> None:
    """The other way: daily rows made in the very transaction of each batch, of all its days."""
    later = [
        NewReading(
            one.meter_id,
            one.at + timedelta(days=9),
            one.received_at + timedelta(days=9),
            one.values,
            one.origin,
            one.trust,
            one.interval_s,
        )
        for one in told
    ]
    start = time.perf_counter()
    for first in range(0, len(later), 1000):
        batch = later[first : first + 1000]
        with tenant_context(tenant.pk):
            pipeline.import_readings(batch)
            days = {(one.meter_id, one.at.astimezone(ZONE).date()) for one in batch}
            daily.make(days, daily.upkeep(), ZONE)
    rate = len(later) / (time.perf_counter() - start)
    start = time.perf_counter()
    marked = imported(
        tenant,
        [
            NewReading(
                one.meter_id,
                one.at + timedelta(days=5),
                one.received_at + timedelta(days=5),
                one.values,
                one.origin,
                one.trust,
                one.interval_s,
            )
            for one in later
        ],
        1000,
    )
    say("batches of 1,000, their days marked", f"{marked:,.0f} readings/s")
    say(
        "batches of 1,000, daily rows in the same transaction",
        f"{rate:,.0f} readings/s = {rate / marked:.2f} of that",
    )


if __name__ == "__main__":
    main()
