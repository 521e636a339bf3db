"""How long the server takes for pages at many meters: `make bench-pages METERS=100000`.

    --meters 100000  meters of the utility, 10,000 at least, in 10 groups, one in ten of them in two
    --samples 40     times each page is asked for
    --only words     only pages whose name has these words
    --import-rows 0  besides, import so many new meters and customers from a CSV file

DATABASE_URL names an administrator of a PostgreSQL; a database of its own is made there and
dropped at the end. Each address is asked of the whole application (session, rights, transaction,
templates) in this process, as a logged-in person; no network. One line an address: median and
95th percentile in milliseconds, and the answer's size.
"""

import argparse
import os
import statistics
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ready.settings")
os.environ.setdefault("READY_ENV", "test")

import django

django.setup()

# ruff: noqa: E402  READY's modules can only be imported once Django is set up.
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from benchmarks.bench_readings import loader
from benchmarks.bench_readings.database import become, database
from benchmarks.bench_readings.report import say
from meters.imports import jobs
from meters.models import Installation, Meter, MeterImport
from readings import daily
from readings.marks import marking
from ready.accounts.models import Membership, User
from ready.celery import app
from ready.policy import Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

_FILL = """
    INSERT INTO meters_customer (tenant_id, id, number, name, email, phone)
    SELECT %(t)s, n, 100000 + n, 'Customer ' || md5(n::text), '', ''
    FROM generate_series(1, %(n)s) AS n;
    INSERT INTO meters_supplypoint
        (tenant_id, id, customer_id, street, postal_code, city, label, latitude, longitude)
    SELECT %(t)s, n, n, 'Street ' || n %% 997 || ' no. ' || n / 997, 9000 + n %% 40, 'Town', '',
        55000000 + (n::bigint * 7919 %% 300000), 9000000 + (n::bigint * 104729 %% 500000)
    FROM generate_series(1, %(n)s) AS n;
    INSERT INTO meters_meter (tenant_id, id, manufacturer, number, meter_type, medium, interval_s,
        in_stock, grouped, created_at)
    SELECT %(t)s, n, CASE WHEN n %% 50 = 0 THEN 'ELV' ELSE 'KAM' END, lpad(n::text, 8, '0'),
        (ARRAY['MULTICAL 603', 'MULTICAL 403', 'flowIQ 2200'])[1 + n %% 3],
        CASE WHEN n %% 3 = 2 THEN 'water' ELSE 'heat' END, 3600, false, n %% 20 > 0, now()
    FROM generate_series(1, %(n)s) AS n;
    INSERT INTO meters_meterstate (tenant_id, meter_id, read_at, heard_at, rssi_dbm, conditions,
        trouble, e1, v1, t1, t2)
    SELECT %(t)s, n, now(), now() - CASE WHEN n %% 300 = 0 THEN interval '3 days'
            ELSE interval '1 hour' END, -60 - n %% 45,
        CASE WHEN n %% 200 = 0 THEN '["leak"]'::jsonb ELSE '[]' END,
        CASE WHEN n %% 900 = 0 THEN 17 END, n::bigint * 3600000, n::bigint * 10000,
        70000, 30000 + n %% 35 * 1000
    FROM generate_series(1, %(n)s) AS n;
    INSERT INTO meters_metergroup (tenant_id, id, name, colour, kind, rule, size, created_at)
    SELECT %(t)s, g, 'Group ' || g, 'blue', 'hand', '', 0, now() FROM generate_series(1, 10) AS g;
    INSERT INTO meters_groupmember (tenant_id, group_id, meter_id)
    SELECT %(t)s, 1 + n %% 10, n FROM generate_series(1, %(n)s) AS n WHERE n %% 20 > 0
    UNION SELECT %(t)s, 1 + (n + 1) %% 10, n FROM generate_series(1, %(n)s) AS n WHERE n %% 10 = 3;
    UPDATE meters_metergroup g SET size = (
        SELECT count(*) FROM meters_groupmember m WHERE m.tenant_id = %(t)s AND m.group_id = g.id)
    WHERE g.tenant_id = %(t)s"""
_TABLES = ("customer", "supplypoint", "meter", "installation", "meterstate", "groupmember")
_NUMBERED = ("customer", "supplypoint", "meter", "installation")
LIST = "meters/"
# Heat meters whose readings are asked for, each with an hour's reading for YEAR_DAYS days.
READ = (777, 2502, 5001, 7500, 9999)
YEAR_DAYS = 380
# What issue 6 wants: 95 of 100 answers within so many milliseconds, and no more kilobytes. {meter}
# is another one of READ each time.
ADDRESSES: Sequence[tuple[str, str]] = (
    ("list, by address", LIST),
    ("list, by customer", LIST + "?sort=customer"),
    ("list, by serial number, page 1000", LIST + "?sort=serial&page=1000"),
    ("list, by state", LIST + "?sort=state"),
    ("list, by cooling (no index)", LIST + "?sort=cooling"),
    ("list of a group", LIST + "?group=3"),
    ("list, non-grouped", LIST + "?show=ungrouped"),
    ("list, with info codes", LIST + "?show=info_codes"),
    ("list, not heard", LIST + "?show=not_heard"),
    ("search, all columns", LIST + "?q=street+77"),
    ("search, serial number", LIST + "?q=00077&in=serial"),
    ("filter, cooling below 10 K", LIST + "?cooling=10"),
    ("filter, medium and postal code", LIST + "?medium=water&postal=9007"),
    ("filter, signal, in a group", LIST + "?signal=-95&group=3"),
    ("search, all columns, what every address has", LIST + "?q=street"),
    ("drawer", LIST + "{meter}/drawer/"),
    ("meter", LIST + "{meter}/"),
    ("meter, consumption", LIST + "{meter}/consumption/"),
    ("meter, readings", LIST + "{meter}/readings/"),
    ("meter, history", LIST + "{meter}/history/"),
    *(
        (f"chart data, a {span} by {step}", f"{LIST}{{meter}}/consumption/figure.json{query}")
        for span, step, query in (
            ("week", "hour", "?step=hour&from={week}&to={today}"),
            ("month", "day", "?step=day&from={month}&to={today}"),
            ("year", "day", "?step=day&from={year}&to={today}"),
            ("year", "month", "?step=month&from={year}&to={today}"),
            (
                "year",
                "month, last year beside it",
                "?step=month&from={year}&to={today}&before=year",
            ),
        )
    ),
    ("groups", LIST + "groups/"),
    ("search from the top bar", "search/?q=street+77"),
    ("search from the top bar, number", "search/?q=0007"),
    ("map, page", LIST + "map/"),
    *(
        (
            f"map, all, {layer}, zoom {zoom}",
            LIST + f"map/spots.json?layer={layer}&zoom={zoom}&window={window}",
        )
        for layer in ("state", "cooling", "leak", "signal")
        for zoom, window in (
            (6, "50,0,60,20"),
            (9, "54.9,8.5,55.5,10"),
            (12, "55.1,9.1,55.22,9.35"),
            (15, "55.15,9.2,55.165,9.23"),
            (18, "55.155,9.21,55.157,9.214"),
        )
    ),
    ("map, list beside all", LIST + "map/list/?zoom=6&window=50,0,60,20"),
    ("map, a group", LIST + "map/spots.json?group=3&zoom=9&window=54.9,8.5,55.5,10"),
)


def fill(meters: int) -> Tenant:
    """A utility with so many mounted meters, and an administrator."""
    tenant: Tenant = Tenant.objects.create(slug="bench", name="Bench")
    user = User.objects.create_user("bench@bench.example", "Kobberkedel-1")
    with tenant_context(tenant.pk):
        Membership.objects.create(tenant=tenant, user=user, role=Role.ADMINISTRATOR)
        with connection.cursor() as cursor:
            cursor.execute(_FILL, {"t": tenant.pk, "n": meters})
        since = timezone.now() - timedelta(days=365)
        for start in range(1, meters + 1, 5000):
            Installation.objects.bulk_create(
                Installation(id=number, supply_point_id=number, meter_id=number, starts_at=since)
                for number in range(start, min(start + 5000, meters + 1))
            )
        assert Meter.objects.count() == meters
    return tenant


def read(tenant: Tenant) -> None:
    """The readings of READ, an hour apart, and their daily rows, as the worker leaves them."""
    now = timezone.now()
    last = int(now.timestamp()) // 3600
    with tenant_context(tenant.pk), connection.cursor() as cursor:
        change = f"""INSERT INTO readings_reading
                ({loader._READING}, origin, trust, kind, status)
            SELECT {loader._VALUES.format(tenant=tenant.pk)}, 1, 1, 0, 0
            FROM unnest(ARRAY{list(READ)}) AS m
            CROSS JOIN generate_series({last - YEAR_DAYS * 24}::bigint, {last - 1}) AS h
            RETURNING meter_id, ts"""
        cursor.execute(f"{marking(change)} SELECT count(*) FROM changed")
        while daily.refresh(now):
            pass


def asked(address: str) -> list[str]:
    """An address for each of READ; the same one for all where it names no meter."""
    today = timezone.localdate()
    days = {
        name: f"{today - timedelta(days=back):%d-%m-%Y}"
        for name, back in (("today", 0), ("week", 6), ("month", 29), ("year", 364))
    }
    return [address.format(meter=meter, **days) for meter in READ]


def import_file(client: Client, tenant: Tenant, rows: int) -> None:
    """Upload a file as a person does and work on it as the worker does; seconds, and how often
    somebody who looks ten times a second sees another number of rows done."""
    lines = "\n".join(
        f"9{n:07d};New street {n};9440;Aalund;N{n};New customer {n};MULTICAL 603;heat"
        for n in range(rows)
    )
    head = "Serial;Address;Postal code;City;Customer number;Customer;Meter type;Medium\n"
    file = SimpleUploadedFile("new.csv", (head + lines + "\n").encode())
    # The doorbell's: without an app of its own Celery would look for a broker elsewhere.
    assert app.main == "ready"
    address = f"/t/{tenant.slug}/meters/import/"
    began = time.perf_counter()
    job = client.post(address + "upload/", {"file": file})["Location"]
    with tenant_context(tenant.pk):
        columns = MeterImport.objects.get().options["columns"]
    chosen = {f"column{at}": key for at, key in enumerate(columns)}
    client.post(job + "columns/", chosen | {"check": "1"})
    say(f"import of {rows:,} rows: uploaded", f"{time.perf_counter() - began:.1f} s")
    for words, ending in (("checked", "checked"), ("imported", "done")):
        if ending == "done":
            client.post(job + "run/")
        seen: set[int] = set()
        over = threading.Event()
        looker = threading.Thread(target=_look, args=(tenant.pk, seen, over))
        looker.start()
        step = time.perf_counter()
        jobs.work_all()
        took = time.perf_counter() - step
        over.set()
        looker.join()
        with tenant_context(tenant.pk):
            assert MeterImport.objects.get().state == ending
        say(f"import of {rows:,} rows: {words}", f"{took:.1f} s, progress seen {len(seen)} times")
    say(f"import of {rows:,} rows: in all", f"{time.perf_counter() - began:.1f} s")


def _look(tenant_id: int, seen: set[int], over: threading.Event) -> None:
    while not over.wait(0.1):
        with tenant_context(tenant_id):
            seen.add(MeterImport.objects.values_list("done", flat=True).get())
    connection.close()


def main() -> None:
    """Make the utility, ask for every page, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--import-rows", type=int, default=0)
    parser.add_argument("--only", default="", help="words that the page's name must have")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with database(keep=options.keep):
        began = time.perf_counter()
        tenant = fill(options.meters)
        become("ready_owner")
        with connection.cursor() as cursor:
            for table in _TABLES:
                cursor.execute(f"VACUUM (ANALYZE) meters_{table}")
                if table in _NUMBERED:
                    cursor.execute(
                        "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)",
                        [f"meters_{table}", options.meters],
                    )
        become("ready_app")
        read(tenant)
        say(f"{options.meters:,} meters made", f"{time.perf_counter() - began:.1f} s")
        settings.ALLOWED_HOSTS = ["testserver"]
        client = Client()
        client.force_login(User.objects.get(email="bench@bench.example"))
        worst = 0.0
        for name, path in ADDRESSES:
            if options.only not in name:
                continue
            addresses = [f"/t/{tenant.slug}/{one}" for one in asked(path)]
            size = max(len(client.get(address).content) for address in addresses)
            times = []
            for _sample, address in zip(range(options.samples), cycle(addresses), strict=False):
                start = time.perf_counter()
                answer = client.get(address)
                times.append((time.perf_counter() - start) * 1000)
                assert answer.status_code == 200, f"{address}: {answer.status_code}"
            p95 = sorted(times)[max(0, round(len(times) * 0.95) - 1)]
            worst = max(worst, p95)
            say(
                name,
                f"median {statistics.median(times):6.0f} ms   p95 {p95:6.0f} ms   "
                f"{size / 1000:6.1f} kB",
            )
        say("the slowest of them, p95", f"{worst:6.0f} ms")
        if options.import_rows:
            import_file(client, tenant, options.import_rows)


if __name__ == "__main__":
    main()
