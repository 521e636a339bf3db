"""Months written anew and thinned: killed anywhere, done twice, while readings come in."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from collectors.pipeline import import_readings
from meters.models import Meter
from readings import billing, daily, maintenance, midnights, rewriting
from readings.billing import Billed
from readings.models import DailyReading, DirtyDay, KeptReading, Reading, Upkeep
from readings.rewriting import Level
from readings.rules.values import Quality
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.conftest import as_admin
from tests.readings.test_daily import reading

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NEW_YORK = ZoneInfo("America/New_York")
MAINTAIN = "import sys; from django.core.management import execute_from_command_line as run; "


def month_back(count: int) -> date:
    """The first day of the month so many months ago."""
    return maintenance.months_before(datetime.now(UTC).date(), count)


def month_of(start: date) -> rewriting.Month:
    return next(month for month in rewriting.months() if month.start == start)


@pytest.fixture
def as_maintainer(committed: None) -> Iterator[None]:
    """This process works as the maintenance role; reading through the walls stays the same."""
    settings = connection.settings_dict
    app = settings["USER"], settings["PASSWORD"]
    connection.close()
    settings.update(USER="ready_maintenance", PASSWORD=os.environ["READY_MAINTENANCE_PASSWORD"])
    yield
    connection.close()
    settings.update(USER=app[0], PASSWORD=app[1])
    with as_admin() as link:
        for name, comment in link.execute(
            """SELECT c.relname, obj_description(c.oid) FROM pg_inherits i
               JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'readings_reading'::regclass"""
        ).fetchall():
            if comment is not None:
                link.execute(f"COMMENT ON TABLE {name} IS NULL")
    connection.close()


def fill(meters: Sequence[Meter], start: date, days: int, step_h: int = 3) -> None:
    """Readings of these meters on UTC days, the first at two minutes past midnight."""
    at = datetime(start.year, start.month, start.day, 0, 2, tzinfo=UTC)
    count = days * 24 // step_h
    told = [
        reading(
            meter,
            at + timedelta(hours=step_h * number, seconds=meter.pk % 50),
            e1=1000 * number + meter.pk,
            v1=number,
            t1=60_000 + number,
        )
        for meter in meters
        for number in range(count)
    ]
    for first in range(0, len(told), 5000):
        import_readings(told[first : first + 5000])


def stored(tenant: Tenant) -> list[tuple[Any, ...]]:
    with tenant_context(tenant.pk):
        return list(
            Reading.objects.order_by("meter_id", "ts").values_list("meter_id", "ts", "e1", "v1")
        )


def firsts(rows: Sequence[tuple[Any, ...]], zone: ZoneInfo) -> list[tuple[Any, ...]]:
    """What thinning must leave: the obvious way."""
    found: dict[tuple[int, date], tuple[Any, ...]] = {}
    for row in sorted(rows, key=lambda row: row[:2]):
        found.setdefault((row[0], row[1].astimezone(zone).date()), row)
    return sorted(found.values())


def carry_out(now: datetime | None = None) -> list[str]:
    now = now or timezone.now()
    told = []
    for work in maintenance.upkeep(now):
        told.append(work.describe())
        work.carry_out(now)
    return told


def towns(*tenants: Tenant, meters: int = 3) -> list[list[Meter]]:
    found = []
    for tenant in tenants:
        with tenant_context(tenant.pk):
            found.append([factories.meter() for _ in range(meters)])
    return found


class TestAClosedMonth:
    def test_is_written_in_key_order_and_nothing_changes(
        self, as_maintainer: None, aalund: Tenant, birkelse: Tenant
    ) -> None:
        start = month_back(2)
        for tenant, meters in zip((aalund, birkelse), towns(aalund, birkelse), strict=True):
            with tenant_context(tenant.pk):
                for day in range(20):  # as they come in: day by day
                    fill(meters, start + timedelta(days=day), 1)
        before = stored(aalund), stored(birkelse)
        month = month_of(start)
        assert [step.describe() for step in maintenance.plan(timezone.now())] == [
            f"rewrite {month.partition} [{month.start}, {month.end}): "
            "in key order, thin 0, end 0 of 2 utilities"
        ]
        assert len(carry_out()) == 1
        assert (stored(aalund), stored(birkelse)) == before
        with as_admin() as link:
            keys = link.execute(f"SELECT tenant_id, meter_id, ts FROM {month.partition}").fetchall()
            assert keys == sorted(keys)
            owner = link.execute(
                "SELECT tableowner FROM pg_tables WHERE tablename = %s", [month.partition]
            ).fetchone()
            assert owner == ("ready_owner",)
        assert carry_out() == []

    def test_still_open_is_left_alone(self, as_maintainer: None, aalund: Tenant) -> None:
        (meters,) = towns(aalund)
        with tenant_context(aalund.pk):
            fill(meters, month_back(0), 1)
        assert carry_out() == []


class TestThinning:
    @pytest.mark.parametrize("zone", ["Europe/Copenhagen", "America/New_York", "UTC"])
    def test_leaves_the_first_of_each_local_day(
        self, as_maintainer: None, aalund: Tenant, zone: str
    ) -> None:
        with tenant_context(aalund.pk):
            Tenant.objects.filter(pk=aalund.pk).update(zone=zone)
        (meters,) = towns(aalund)
        # Two months to thin, and the one after them, which stays whole.
        start, kept_whole = month_back(15), month_back(13)
        with tenant_context(aalund.pk):
            fill(meters, start, (kept_whole - start).days + 5)
        before = stored(aalund)
        carry_out()
        boundary = datetime(kept_whole.year, kept_whole.month, 1, tzinfo=UTC)
        straddling = boundary.astimezone(ZoneInfo(zone)).date()
        whole = [row for row in before if row[1].astimezone(ZoneInfo(zone)).date() >= straddling]
        thinned = [row for row in before if row[1].astimezone(ZoneInfo(zone)).date() < straddling]
        assert stored(aalund) == sorted(firsts(thinned, ZoneInfo(zone)) + whole)
        again = stored(aalund)
        assert carry_out() == []
        assert stored(aalund) == again

    def test_leaves_charts_of_days_as_they_were(self, as_maintainer: None, aalund: Tenant) -> None:
        (meters,) = towns(aalund)
        start = month_back(15)
        first, last = start + timedelta(days=3), start + timedelta(days=20)
        with tenant_context(aalund.pk):
            fill(meters, start, 25)
            while daily.refresh(timezone.now()):
                pass
            before = midnights.series(meters[0].pk, "e1", first, last, COPENHAGEN)
            rows = list(DailyReading.objects.order_by("meter_id", "day").values())
        carry_out()
        with tenant_context(aalund.pk):
            assert midnights.series(meters[0].pk, "e1", first, last, COPENHAGEN) == before
            assert list(DailyReading.objects.order_by("meter_id", "day").values()) == rows

    def test_follows_each_utilitys_own_policy(
        self, as_maintainer: None, aalund: Tenant, birkelse: Tenant
    ) -> None:
        start = month_back(15)
        for tenant, meters in zip((aalund, birkelse), towns(aalund, birkelse), strict=True):
            with tenant_context(tenant.pk):
                fill(meters, start, 6)
        with tenant_context(birkelse.pk):
            Upkeep.objects.create(
                tenant=birkelse, full_months=24, keep_months=60, zone=birkelse.zone
            )
        before = stored(aalund), stored(birkelse)
        carry_out()
        assert stored(aalund) == firsts(before[0], COPENHAGEN)
        assert stored(birkelse) == before[1]
        with tenant_context(birkelse.pk):
            Upkeep.objects.update(full_months=2, keep_months=14)
        carry_out()
        assert stored(aalund) == firsts(before[0], COPENHAGEN)
        assert stored(birkelse) == []
        with tenant_context(birkelse.pk):
            assert not DailyReading.objects.exists()

    def test_spares_what_was_billed(self, as_maintainer: None, aalund: Tenant) -> None:
        (meters,) = towns(aalund)
        with tenant_context(aalund.pk):
            fill(meters, month_back(15), 6)
            billed = Reading.objects.filter(meter_id=meters[1].pk).order_by("ts")[21]
            KeptReading.objects.create(tenant=aalund, meter_id=billed.meter_id, ts=billed.ts)
        row = (billed.meter_id, billed.ts, billed.e1, billed.v1)
        before = stored(aalund)
        carry_out()
        assert stored(aalund) == sorted([*firsts(before, COPENHAGEN), row])
        with tenant_context(aalund.pk):
            Upkeep.objects.update(full_months=2, keep_months=3)
        carry_out()
        assert stored(aalund) == [row]

    def test_takes_late_readings_too(self, as_maintainer: None, aalund: Tenant) -> None:
        """Whatever way they come: also history imported into a month that is thinned."""
        (meters,) = towns(aalund)
        start = month_back(15)
        with tenant_context(aalund.pk):
            fill(meters, start, 6)
        before = stored(aalund)
        carry_out()
        midnight = daily.start_of(start + timedelta(days=2), COPENHAGEN)
        with tenant_context(aalund.pk):
            early = reading(meters[0], midnight + timedelta(seconds=1), e1=1, v1=0)
            late = reading(meters[0], midnight + timedelta(hours=23, minutes=59), e1=10**6, v1=99)
            import_readings([early, late])
            day = DailyReading.objects.get(meter_id=meters[0].pk, day=start + timedelta(days=2))
        carry_out()
        expected = firsts([*before, (meters[0].pk, early.at, 1, 0)], COPENHAGEN)
        assert stored(aalund) == expected
        with tenant_context(aalund.pk):
            now = DailyReading.objects.get(meter_id=meters[0].pk, day=start + timedelta(days=2))
            assert (now.first_at, now.first_e1) == (early.at, 1)
            assert (now.last_at, now.last_e1) == (late.at, 10**6)
            assert (now.t1_sum, now.t1_count) == (day.t1_sum, day.t1_count)
            assert not DirtyDay.objects.exists()

    def test_is_foretold(self, as_maintainer: None, aalund: Tenant) -> None:
        (meters,) = towns(aalund)
        with tenant_context(aalund.pk):
            fill(meters, month_back(13) + timedelta(days=5), 4)
            while daily.refresh(timezone.now()):
                pass
            (told,) = maintenance.outlook(timezone.now())
            assert (told.month, told.level) == (month_back(13), Level.THIN)
            assert (told.readings, told.staying) == (3 * 4 * 8, 3 * 4)


@pytest.fixture
def maintainers(as_maintainer: None) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    settings = connection.settings_dict
    query = f"?host={quote(settings['HOST'], safe='')}&port={settings['PORT']}"
    url = f"postgres://{settings['USER']}:{quote(settings['PASSWORD'])}@/{settings['NAME']}{query}"
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "manage.py", "partitions", "--all"],
            env={**os.environ, "DATABASE_URL": url},
            stdout=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


def draft_is(state: str) -> Callable[[Any, rewriting.Month], bool]:
    """Whether the rewrite has come so far, as seen from outside."""
    conditions = {
        "begun": "SELECT to_regclass(%s) IS NOT NULL",
        "filled": "SELECT coalesce(pg_relation_size(to_regclass(%s)) > 0, false)",
        "keyed": "SELECT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = to_regclass(%s))",
        "analysed": """SELECT EXISTS (SELECT 1 FROM pg_stats WHERE tablename = %s)""",
    }

    def reached(link: Any, month: rewriting.Month) -> bool:
        return bool(link.execute(conditions[state], [month.draft]).fetchone()[0])

    return reached


class TestKilled:
    @pytest.mark.parametrize("state", ["begun", "filled", "keyed", "analysed"])
    def test_at_any_point_nothing_is_lost(
        self,
        maintainers: Callable[[], "subprocess.Popen[bytes]"],
        aalund: Tenant,
        state: str,
    ) -> None:
        (meters,) = towns(aalund, meters=40)
        with tenant_context(aalund.pk):
            fill(meters, month_back(15), 28, step_h=1)
        before = stored(aalund)
        month = month_of(month_back(15))
        process = maintainers()
        reached = draft_is(state)
        with as_admin() as link:
            end = time.monotonic() + 60
            while process.poll() is None and not reached(link, month):
                assert time.monotonic() < end, state
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            process.wait()
            while link.execute(
                "SELECT 1 FROM pg_stat_activity WHERE usename = 'ready_maintenance' AND pid <> %s "
                "AND datname = current_database() AND state <> 'idle'",
                [connection.connection.info.backend_pid if connection.connection else 0],
            ).fetchone():
                time.sleep(0.01)
        # Either it was in time, or the swap was through: never anything between.
        assert stored(aalund) in (before, firsts(before, COPENHAGEN))
        assert maintainers().wait() == 0
        assert stored(aalund) == firsts(before, COPENHAGEN)
        with as_admin() as link:
            assert not draft_is("begun")(link, month)
        assert maintenance.plan(timezone.now()) == []


def reached_by(process: "subprocess.Popen[bytes]", month: rewriting.Month, *states: str) -> None:
    """Wait until the maintenance process has come so far."""
    end = time.monotonic() + 60
    with as_admin() as link:
        while not all(draft_is(state)(link, month) for state in states):
            assert process.poll() is None, "it went past"
            assert time.monotonic() < end, states
            time.sleep(0.005)


class TestBilledMeanwhile:
    """A reading billed after it was left out of the new table, and before that takes its place."""

    @pytest.fixture
    def billed(self, as_maintainer: None, aalund: Tenant) -> Reading:
        (meters,) = towns(aalund)
        with tenant_context(aalund.pk):
            fill(meters, month_back(15), 6)
            some: Reading = Reading.objects.filter(meter_id=meters[1].pk).order_by("ts")[21]
        return some

    def note(self, reading: Reading) -> None:
        value = Billed(reading.meter_id, "v1", reading.ts, 7, Quality.MEASURED, reading.ts)
        billing.note_billed(export_id=1, values=[value])

    def test_between_copy_and_swap_stays(
        self,
        maintainers: Callable[[], "subprocess.Popen[bytes]"],
        aalund: Tenant,
        billed: Reading,
    ) -> None:
        before = stored(aalund)
        with tenant_context(aalund.pk):
            billing.take_turn()
            process = maintainers()
            reached_by(process, month_of(month_back(15)), "filled", "keyed")
            self.note(billed)
        assert process.wait(timeout=60) == 0
        row = (billed.meter_id, billed.ts, billed.e1, billed.v1)
        assert stored(aalund) == sorted([*firsts(before, COPENHAGEN), row])

    def test_in_a_transaction_that_outlasts_the_copy_stays(
        self,
        maintainers: Callable[[], "subprocess.Popen[bytes]"],
        aalund: Tenant,
        billed: Reading,
    ) -> None:
        before, month = stored(aalund), month_of(month_back(15))
        with as_admin() as link:
            link.autocommit = False
            link.execute("LOCK TABLE ONLY readings_reading IN ACCESS SHARE MODE")
            process = maintainers()
            # All is copied, and the swap waits for the lock.
            reached_by(process, month, "keyed", "analysed")
            with tenant_context(aalund.pk):
                self.note(billed)
                link.commit()
                time.sleep(1.5)  # a swap that did not wait for us would be through
                with as_admin() as other:
                    assert draft_is("begun")(other, month)
        assert process.wait(timeout=60) == 0
        row = (billed.meter_id, billed.ts, billed.e1, billed.v1)
        assert row in stored(aalund)
        # Its day was taken over whole under the lock; the next look thins it like any late news.
        assert maintainers().wait(timeout=60) == 0
        assert stored(aalund) == sorted([*firsts(before, COPENHAGEN), row])


def test_readings_go_on_coming_in(
    maintainers: Callable[[], "subprocess.Popen[bytes]"], aalund: Tenant
) -> None:
    """Late and new readings, into the very month and the present one, none lost."""
    (meters,) = towns(aalund, meters=30)
    start = month_back(2)
    with tenant_context(aalund.pk):
        fill(meters, start, 26, step_h=1)
    numbers = random.Random(1)
    told: list[Any] = []
    stop = threading.Event()
    slowest = 0.0

    def ingest() -> None:
        nonlocal slowest
        hour = 0
        while not stop.is_set():
            began = time.monotonic()
            with tenant_context(aalund.pk):
                batch = [
                    reading(
                        meter,
                        datetime(start.year, start.month, 27, tzinfo=UTC)
                        + timedelta(hours=hour % 40, seconds=numbers.randrange(3000)),
                        e1=5 * 10**6 + hour,
                    )
                    for meter in numbers.sample(meters, 12)
                ]
                import_readings(batch)
                told.extend(batch)
            slowest = max(slowest, time.monotonic() - began)
            hour += 1
        connections.close_all()

    thread = threading.Thread(target=ingest)
    thread.start()
    try:
        process = maintainers()
        assert process.wait(timeout=120) == 0
    finally:
        stop.set()
        thread.join()
    month = month_of(start)
    assert rewriting.state_of(month) == {}
    found = stored(aalund)
    expected: dict[tuple[int, int], datetime] = {}
    for one in told:
        slot = (one.meter_id, int(one.at.timestamp()) // one.interval_s)
        expected[slot] = min(one.at, expected.get(slot, one.at))
    there = {(row[0], row[1]) for row in found}
    assert {(meter, at) for (meter, _), at in expected.items()} <= there
    assert len(found) == 30 * 26 * 24 + len(expected)
    assert slowest < 5


def test_the_command_shows_then_does(
    as_maintainer: None, aalund: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    (meters,) = towns(aalund)
    with tenant_context(aalund.pk):
        fill(meters, month_back(15), 3)
    before = stored(aalund)
    call_command("partitions")
    assert "thin 1, end 0 of 1 utilities\n1 rewrites planned" in capsys.readouterr().out
    call_command("partitions", apply=True)
    assert stored(aalund) == before
    call_command("maintain")
    assert stored(aalund) == firsts(before, COPENHAGEN)
    call_command("partitions")
    assert "0 rewrites planned" in capsys.readouterr().out


@pytest.mark.parametrize(
    "comment", ["moved to the slow disks", "[]", "3", '{"levels": {"ROSE": [1]}}', '{"levels": 3}']
)
def test_a_comment_of_somebody_else_stops_nothing(
    as_maintainer: None, aalund: Tenant, caplog: pytest.LogCaptureFixture, comment: str
) -> None:
    (meters,) = towns(aalund)
    with tenant_context(aalund.pk):
        fill(meters, month_back(15), 1)
        fill(meters, month_back(16), 1)
    foreign, other = month_of(month_back(16)), month_of(month_back(15))
    call_command("maintain")
    with as_admin() as link:
        link.execute(f"COMMENT ON TABLE {foreign.partition} IS '{comment}'")
    caplog.clear()
    found = rewriting.states()
    assert foreign.partition not in found
    assert found[other.partition] == rewriting.state_of(other) == {aalund.pk: Level.THIN}
    assert f"{foreign.partition}: its comment is none of ours" in caplog.text
    # Its month is done again, and the pages that tell of all of them open.
    before = stored(aalund)
    with tenant_context(aalund.pk):
        maintenance.outlook(timezone.now())
    call_command("maintain")
    assert stored(aalund) == before
    assert rewriting.state_of(foreign) == {aalund.pk: Level.THIN}


def test_only_one_is_at_it(
    maintainers: Callable[[], "subprocess.Popen[bytes]"], aalund: Tenant
) -> None:
    (meters,) = towns(aalund)
    with tenant_context(aalund.pk):
        fill(meters, month_back(15), 3)
    before = stored(aalund)
    with maintenance.only_one() as alone:
        assert alone
        assert maintainers().wait() == 0
    assert stored(aalund) == before
