"""Marks that are known to stand: not looked for, and never trusted when they may be gone."""

import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from collectors.pipeline import import_readings
from meters.models import Meter
from readings import daily, maintenance, marks, standing
from readings.models import DailyReading, DirtyDay, Reading
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.tenancy.staging import stamp
from tests import factories
from tests.beside import beside
from tests.conftest import as_admin
from tests.readings.test_daily import NOW, reading, refresh_all, rows

pytestmark = pytest.mark.usefixtures("committed")

DAY = date(2026, 3, 10)
EIGHT = datetime(2026, 3, 10, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
Pair = tuple[int, date]


@pytest.fixture
def meters(aalund: Tenant) -> list[Meter]:
    """Three meters of a utility that maintenance has looked at."""
    maintenance.keep_up(aalund, NOW)
    with tenant_context(aalund.pk):
        return [factories.meter() for _ in range(3)]


def told(tenant: Tenant, *readings: tuple[Meter, datetime]) -> None:
    """Store readings in a transaction of their own."""
    with tenant_context(tenant.pk):
        import_readings([reading(meter, at, e1=1) for meter, at in readings])


def marked(tenant: Tenant) -> set[Pair]:
    with tenant_context(tenant.pk):
        return set(DirtyDay.objects.values_list("meter_id", "day"))


def lose_marks() -> None:
    """Marks vanish as nothing in READY lets them: past `standing.take`, so that nobody is told. Who
    sets them again then has looked for them."""
    with as_admin() as link:
        link.execute("DELETE FROM readings_dirtyday")


class TestAKnownMark:
    def test_is_not_looked_for(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        told(aalund, *((meter, EIGHT) for meter in meters))
        assert marked(aalund) == {(meter.pk, DAY) for meter in meters}
        lose_marks()
        told(aalund, *((meter, EIGHT + HOUR) for meter in meters))
        assert marked(aalund) == set()

    def test_of_two_days_at_once_is_not_looked_for(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        meter, other, _ = meters
        night = datetime(2026, 3, 10, 22, tzinfo=UTC)  # 23:00 in Copenhagen
        told(aalund, (meter, night), (other, night + HOUR))
        assert marked(aalund) == {(meter.pk, DAY), (other.pk, DAY + timedelta(days=1))}
        lose_marks()
        told(aalund, (other, night + 2 * HOUR))
        assert marked(aalund) == set()
        # Known of each is one day of the two.
        told(aalund, (meter, night + 2 * HOUR), (other, night + 3 * HOUR))
        assert marked(aalund) == {(one.pk, DAY + timedelta(days=1)) for one in (meter, other)}

    def test_of_another_meter_says_nothing(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        told(aalund, (meters[0], EIGHT), (meters[1], EIGHT))
        told(aalund, (meters[0], EIGHT + HOUR), (meters[2], EIGHT + HOUR))
        assert marked(aalund) == {(meter.pk, DAY) for meter in meters}

    def test_that_another_process_set_is_found_once(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            DirtyDay.objects.create(tenant=aalund, meter_id=meters[0].pk, day=DAY)
        told(aalund, (meters[0], EIGHT))
        lose_marks()
        told(aalund, (meters[0], EIGHT + HOUR))
        assert marked(aalund) == set()


def _by_maintenance() -> None:
    while daily.refresh(NOW):
        pass


def _by_themselves() -> None:
    standing.take(list(DirtyDay.objects.values_list("meter_id", "day")))


class TestATakenMark:
    @pytest.mark.parametrize("take", [_by_maintenance, _by_themselves])
    def test_is_set_again(
        self, meters: Sequence[Meter], aalund: Tenant, take: Callable[[], None]
    ) -> None:
        told(aalund, (meters[0], EIGHT), (meters[1], EIGHT))
        with tenant_context(aalund.pk):
            take()
        assert marked(aalund) == set()
        told(aalund, (meters[0], EIGHT + HOUR))
        assert marked(aalund) == {(meters[0].pk, DAY)}

    def test_by_another_than_set_it_is_set_again(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        """Taking one mark says of none that it stands."""
        told(aalund, (meters[0], EIGHT), (meters[1], EIGHT))
        with tenant_context(aalund.pk):
            daily.refresh(NOW, most=1)
        told(aalund, (meters[0], EIGHT + HOUR), (meters[1], EIGHT + HOUR))
        assert marked(aalund) == {(meters[0].pk, DAY), (meters[1].pk, DAY)}

    def test_is_set_again_when_an_older_one_was_taken_since(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        told(aalund, (meters[0], EIGHT - 24 * HOUR), (meters[1], EIGHT))
        with tenant_context(aalund.pk):
            assert daily.refresh(NOW, first=DAY) == [(meters[1].pk, DAY)]
            assert daily.refresh(NOW) == [(meters[0].pk, DAY - timedelta(days=1))]
        told(aalund, (meters[1], EIGHT + HOUR))
        assert marked(aalund) == {(meters[1].pk, DAY)}

    def test_of_one_day_is_set_again_beside_another_day(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        """A batch of two days, of which the newer one's marks stand."""
        meter, other, _ = meters
        night = datetime(2026, 3, 10, 22, tzinfo=UTC)  # 23:00 in Copenhagen
        told(aalund, (meter, night - 2 * HOUR))
        told(aalund, (other, night + 2 * HOUR))
        with tenant_context(aalund.pk):
            assert daily.refresh(NOW, last=DAY)
        told(aalund, (meter, night + HOUR / 2), (other, night + 3 * HOUR))
        assert (meter.pk, DAY) in marked(aalund)

    def test_of_another_utility_stands(
        self, meters: Sequence[Meter], aalund: Tenant, birkelse: Tenant
    ) -> None:
        told(aalund, (meters[0], EIGHT))
        with tenant_context(birkelse.pk):
            standing.take([(meters[0].pk, DAY)])
        assert marked(aalund) == {(meters[0].pk, DAY)}
        lose_marks()
        told(aalund, (meters[0], EIGHT + HOUR))
        assert marked(aalund) == set()

    def test_in_the_same_transaction_is_set_again(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            import_readings([reading(meters[0], EIGHT, e1=1)])
            _by_maintenance()
        told(aalund, (meters[0], EIGHT + HOUR))
        assert marked(aalund) == {(meters[0].pk, DAY)}

    def test_that_was_taken_in_vain_stands(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        told(aalund, (meters[0], EIGHT))
        with tenant_context(aalund.pk):
            _by_maintenance()
            import_readings([reading(meters[0], EIGHT + HOUR, e1=1)])
            transaction.set_rollback(True)
        told(aalund, (meters[0], EIGHT + HOUR))
        assert marked(aalund) == {(meters[0].pk, DAY)}

    def test_of_yesterday_says_nothing_of_today(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        told(aalund, (meters[0], EIGHT), (meters[0], EIGHT + 24 * HOUR))
        with tenant_context(aalund.pk):
            assert daily.refresh(EIGHT + 24 * HOUR) == [(meters[0].pk, DAY)]
        lose_marks()
        told(aalund, (meters[0], EIGHT + 25 * HOUR))
        assert marked(aalund) == set()


class TestUndone:
    def test_with_its_transaction_nothing_is_known(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            import_readings([reading(meters[0], EIGHT, e1=1)])
            transaction.set_rollback(True)
        told(aalund, (meters[0], EIGHT))
        assert marked(aalund) == {(meters[0].pk, DAY)}

    def test_with_a_savepoint_nothing_is_known(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            with transaction.atomic():
                with transaction.atomic():
                    import_readings([reading(meters[0], EIGHT, e1=1)])
                transaction.set_rollback(True)
            import_readings([reading(meters[1], EIGHT, e1=1)])
        told(aalund, (meters[0], EIGHT))
        assert marked(aalund) == {(meters[0].pk, DAY), (meters[1].pk, DAY)}

    def test_before_its_commit_nothing_is_known(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        """Another thread of the process stores readings of the day, and does not trust a mark
        that may still be undone."""

        def other() -> None:
            try:
                told(aalund, (meters[1], EIGHT))
            finally:
                connections.close_all()

        with tenant_context(aalund.pk):
            import_readings([reading(meters[0], EIGHT, e1=1)])
            at = [stamp(EIGHT + HOUR)]
            assert standing.trust([meters[0].pk], at) is None
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
            assert standing.trust([meters[1].pk], at) is not None
        with tenant_context(aalund.pk):
            assert standing.trust([meters[0].pk, meters[1].pk], at * 2) is not None


class TestWhatMarksStandUnder:
    def test_another_zone_has_days_of_its_own(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        night = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)  # the 11th in Copenhagen, the 10th there
        told(aalund, (meters[0], night))
        with tenant_context(aalund.pk):
            Tenant.objects.filter(pk=aalund.pk).update(zone="America/New_York")
        told(aalund, (meters[0], night + HOUR))
        assert marked(aalund) == {(meters[0].pk, DAY), (meters[0].pk, DAY + timedelta(days=1))}

    def test_is_gone_after_a_crash(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        """A crash may take back commits that did not wait for the disk, and empties unlogged
        tables: here done by hand, as the test's server is everybody's."""
        told(aalund, (meters[0], EIGHT))
        with as_admin() as link:
            assert link.execute(
                "SELECT relpersistence FROM pg_class WHERE relname = 'readings_taking'"
            ).fetchone() == ("u",)
        _crash()
        lose_marks()
        told(aalund, (meters[0], EIGHT + HOUR))
        assert marked(aalund) == {(meters[0].pk, DAY)}
        lose_marks()
        told(aalund, (meters[0], EIGHT + 2 * HOUR))
        assert marked(aalund) == {(meters[0].pk, DAY)}, "nothing to know it under"
        lose_marks()
        maintenance.keep_up(aalund, EIGHT)
        told(aalund, (meters[0], EIGHT + 3 * HOUR))
        assert marked(aalund) == {(meters[0].pk, DAY)}, "what was known is of before"
        lose_marks()
        told(aalund, (meters[0], EIGHT + 4 * HOUR))
        assert marked(aalund) == set()

    def test_is_this_database_of_this_server(self, meters: Sequence[Meter], aalund: Tenant) -> None:
        """A copy has the same row, and so has a table that was filled again from a dump."""
        with tenant_context(aalund.pk), connection.cursor() as cursor:
            cursor.execute(
                """SELECT taking.oid::text, database.oid::text, pg_postmaster_start_time()::text
                   FROM pg_class taking, pg_database database
                   WHERE relname = 'readings_taking' AND datname = current_database()"""
            )
            taking, database, start = cursor.fetchone()
            cursor.execute(f"WITH terms AS ({marks.TERMS}) SELECT taken FROM terms")
            (taken,) = cursor.fetchone()
        assert taken.partition(" ")[2] == f"{taking} {start} {database}"

    def test_stays_through_a_look_that_takes_nothing(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        told(aalund, (meters[0], EIGHT))
        maintenance.keep_up(aalund, EIGHT)  # the day is not over
        lose_marks()
        told(aalund, (meters[0], EIGHT + HOUR))
        assert marked(aalund) == set()


class TestAtTheSameTime:
    """Who stores readings and who takes marks, each waiting for the other's lock on the state."""

    def test_a_batch_waits_for_the_taking_and_marks(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        told(aalund, (meters[0], EIGHT))
        late = partial(told, aalund, (meters[0], EIGHT + HOUR))
        with beside(late) as begin, tenant_context(aalund.pk):
            assert daily.refresh(NOW)
            begin()
        assert marked(aalund) == {(meters[0].pk, DAY)}

    def test_the_taking_waits_for_the_batch_and_knows_its_readings(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        told(aalund, (meters[0], EIGHT))
        taken = threading.Event()

        def take() -> None:
            with tenant_context(aalund.pk):
                daily.refresh(NOW)
            taken.set()

        with beside(take) as begin, tenant_context(aalund.pk):
            import_readings([reading(meters[0], EIGHT + HOUR, e1=2)])
            begin()
            assert not taken.is_set()
        with tenant_context(aalund.pk):
            assert DailyReading.objects.get().readings == 2
        assert marked(aalund) == set()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_no_day_is_forgotten(
    meters: Sequence[Meter], aalund: Tenant, seed: int
) -> None:
    """Hours of readings, some late, some undone; days made as they are over, now and then while
    they last; a crash. What the marks left of daily rows is what the readings say."""
    numbers = random.Random(seed)
    trusted = 0
    start = datetime(2026, 3, 27, tzinfo=UTC)  # clocks change on the 29th
    for hour in range(100):
        now = start + hour * HOUR
        some = numbers.sample(meters, numbers.randrange(1, 4))
        late = numbers.choice([0, 0, 0, 0, 5, 26, 40]) * HOUR
        with tenant_context(aalund.pk):
            known = standing.trust([one.pk for one in some], [stamp(now - late)] * len(some))
            trusted += known is not None
            import_readings(
                [reading(one, now - late, e1=hour - numbers.randrange(2)) for one in some]
            )
            if numbers.random() < 0.1:
                daily.refresh(now + numbers.choice([1, 24]) * HOUR, most=2)
            transaction.set_rollback(numbers.random() < 0.2)
        if numbers.random() < 0.2:
            maintenance.keep_up(aalund, now)
        if numbers.random() < 0.02:
            _crash()
    assert trusted > 20
    with tenant_context(aalund.pk):
        refresh_all()
        found = rows()
        zone = ZoneInfo(aalund.zone)
        told_of = Reading.objects.values_list("meter_id", "ts")
        days = {(meter, at.astimezone(zone).date()) for meter, at in told_of}
        DailyReading.objects.all().delete()
        daily.make(days, daily.upkeep(), zone)
        assert rows() == found


def _crash() -> None:
    with as_admin() as link:
        link.execute("DELETE FROM readings_taking")


def test_days_that_are_over_are_not_asked_about(meters: Sequence[Meter], aalund: Tenant) -> None:
    told(aalund, (meters[0], EIGHT + 72 * HOUR))
    with tenant_context(aalund.pk):
        _by_maintenance()
        with CaptureQueriesContext(connection) as seen:
            import_readings([reading(meters[1], EIGHT, e1=1)])
    assert not any("generate_series" in one["sql"] for one in seen)
    assert marked(aalund) == {(meters[1].pk, DAY)}


def test_what_is_known_is_bounded(
    meters: Sequence[Meter], aalund: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "MOST_PAIRS", 2)
    told(aalund, *((meter, EIGHT) for meter in meters[:2]))
    told(aalund, *((meter, EIGHT + HOUR) for meter in meters))
    lose_marks()
    told(aalund, (meters[0], EIGHT + 2 * HOUR))
    assert marked(aalund) == {(meters[0].pk, DAY)}


# A date on which the zone does something, and whether each of the days about is in one piece.
ZONES = [
    ("Europe/Copenhagen", date(2026, 3, 29), True),
    ("Europe/Copenhagen", date(2026, 10, 25), True),
    ("Asia/Kathmandu", date(2026, 3, 29), True),
    ("America/St_Johns", date(2026, 11, 1), True),
    ("Atlantic/Azores", date(2026, 3, 29), True),
    ("Atlantic/Azores", date(2026, 10, 25), True),  # from 1:00 back to 0:00
    ("America/Sao_Paulo", date(2017, 10, 15), True),  # no midnight
    ("America/Sao_Paulo", date(2018, 2, 17), True),  # from 24:00 back to 23:00
    ("Africa/Cairo", date(2026, 4, 24), True),  # no midnight
    ("Africa/Cairo", date(2026, 10, 29), True),  # from 24:00 back to 23:00
    ("Pacific/Apia", date(2011, 12, 30), True),  # no such day
    ("Australia/Lord_Howe", date(2026, 4, 5), True),  # half an hour
    ("America/St_Johns", date(2010, 11, 7), False),  # from 0:01 back to 23:01 of the day before
]


class TestALocalDay:
    @pytest.mark.parametrize(("zone", "day", "in_one_piece"), ZONES)
    def test_is_postgresqls_own(self, zone: str, day: date, in_one_piece: bool) -> None:
        first = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        begin, end = first - timedelta(hours=30), first + timedelta(hours=30)
        days = standing.local_days(zone, stamp(begin), stamp(end))
        assert len(days) == len({one.date for one in days})
        edges = [edge for one in days for edge in (one.low, one.high)]
        instants = sorted(
            {stamp(begin) + minute * 60_000_000 for minute in range(0, 60 * 60, 7)}
            | {edge + off for edge in edges for off in (-1, 0, 1)}
        )
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT ((timestamptz '2000-01-01 00:00+00' + s * interval '1 microsecond')
                           AT TIME ZONE %s)::date FROM unnest(%s::int8[]) WITH ORDINALITY AS u(s, n)
                   ORDER BY n""",
                [zone, instants],
            )
            dates = [found for (found,) in cursor.fetchall()]
        left_out = set()
        for at, is_on in zip(instants, dates, strict=True):
            holding = [one for one in days if one.low <= at < one.high]
            if stamp(begin) <= at <= stamp(end) and not holding:
                left_out.add(is_on)
            else:
                assert [one.date for one in holding] in ([], [is_on])
        assert (left_out == set()) is in_one_piece

    def test_of_a_batch_of_many_days_is_not_known(
        self, meters: Sequence[Meter], aalund: Tenant
    ) -> None:
        """A history: its marks are soon taken."""
        told(aalund, *((meters[0], EIGHT + day * 24 * HOUR) for day in range(9)))
        lose_marks()
        told(aalund, (meters[0], EIGHT + 8 * 24 * HOUR + HOUR))
        assert len(marked(aalund)) == 1
