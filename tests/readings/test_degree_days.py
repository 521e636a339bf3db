"""Gaps filled by degree days: the outdoor temperature gives the shape, the register the sum."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from collectors.pipeline import import_readings
from meters.models import Medium, Meter
from meters.registers import BY_CODE
from readings.daily import start_of
from readings.estimates import BEST, Proposal, Wish, fill_gap, propose, weather_tells
from readings.estimation import Method, degree_day_profile
from readings.listing import key_of
from readings.models import Estimation, OutdoorHour, Reading, Status
from readings.outdoors import Series, degree_days, remove_period, store_series
from readings.quality import Reason, marks_of
from readings.queries import consumption
from readings.rules import BucketSize, Quality
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.readings.test_daily import reading

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KWH = 3_600_000
E1 = BY_CODE["E1"]
DEGREES = Wish(Method.DEGREE_DAYS)
# Four whole local days, the last one of 23 hours: the clocks went forward on 29 March 2026.
SPRING = (date(2026, 3, 26), date(2026, 3, 30))
# And the last one of 25 hours.
AUTUMN = (date(2026, 10, 22), date(2026, 10, 26))
# A case of the rule: degree days 12.5, 14, 9.5 and 11.
MEANS = (450, 300, 750, 600)


@pytest.fixture
def meter(db: None, aalund: Tenant) -> Iterator[Meter]:
    with tenant_context(aalund.pk):
        yield factories.meter(medium=Medium.HEAT)


def silent(meter: Meter, days: tuple[date, date], difference: int = 94 * KWH) -> datetime:
    """A gap over local days; an instant in it."""
    start, end = (start_of(day, COPENHAGEN) for day in days)
    import_readings(
        [
            reading(meter, start, e1=1_000 * KWH, v1=5_000),
            reading(meter, end, e1=1_000 * KWH + difference, v1=9_000),
        ]
    )
    return start + 30 * HOUR


def weather(first: date, means: tuple[int, ...] = MEANS) -> None:
    days = {first + number * DAY: mean for number, mean in enumerate(means)}
    store_series(series=Series({}, days), source="days.csv", actor=ACTOR, zone=COPENHAGEN)


def ask(meter: Meter, inside: datetime, wish: Wish = DEGREES) -> Proposal:
    return propose(meter=meter, register=E1, inside=inside, zone=COPENHAGEN, wish=wish)


def fill(meter: Meter, inside: datetime) -> Estimation:
    return fill_gap(
        meter=meter,
        register=E1,
        inside=inside,
        zone=COPENHAGEN,
        reason=Reason.COMMUNICATION,
        actor=ACTOR,
        now=inside + 60 * DAY,
        wish=DEGREES,
    )


def of_days(meter: Meter, days: tuple[date, date]) -> list[Fraction | None]:
    start, end = (start_of(day, COPENHAGEN) for day in days)
    return [one.value for one in consumption(meter.pk, E1, start, end, BucketSize.DAY, COPENHAGEN)]


class TestShape:
    def test_of_whole_days_is_the_rules(self, meter: Meter) -> None:
        days = (date(2026, 2, 2), date(2026, 2, 6))
        inside = silent(meter, days)
        weather(days[0])
        made = fill(meter, inside)
        assert (made.method, made.values) == ("dd", 95)
        told = of_days(meter, days)
        # Each hour is a whole number of joules, so a day is off by less than one an hour.
        wanted = [Fraction(one, 8) * KWH for one in (197, 215, 161, 179)]
        assert all(abs((a or 0) - b) < 24 for a, b in zip(told, wanted, strict=True))
        assert sum(one or 0 for one in told) == 94 * KWH

    @pytest.mark.parametrize(("days", "hours"), [(SPRING, 95), (AUTUMN, 97)])
    def test_over_a_change_of_the_clocks_adds_up(
        self, meter: Meter, days: tuple[date, date], hours: int
    ) -> None:
        inside = silent(meter, days)
        weather(days[0])
        assert fill(meter, inside).values == hours - 1
        start, end = (start_of(day, COPENHAGEN) for day in days)
        told = consumption(meter.pk, E1, start, end, BucketSize.HOUR, COPENHAGEN)
        assert len(told) == hours
        assert {one.quality for one in told} == {Quality.ESTIMATED}
        assert sum(one.value or 0 for one in told) == 94 * KWH
        # The days' own lengths count: 11 K·d over 23 or 25 hours of 24.
        last = hours - 72
        weights = degree_day_profile(
            [Fraction(25, 2), Fraction(14), Fraction(19, 2), Fraction(11 * last, 24)],
            Fraction(1, 4),
            [Fraction(24), Fraction(24), Fraction(24), Fraction(last)],
        )
        for value, weight in zip(of_days(meter, days), weights, strict=True):
            assert abs((value or 0) - weight * 94 * KWH) < 25

    @pytest.mark.parametrize("days", [SPRING, AUTUMN])
    def test_of_days_that_are_equally_cold_is_a_line(
        self, meter: Meter, days: tuple[date, date]
    ) -> None:
        inside = silent(meter, days, 95 * 97 * KWH)
        weather(days[0], (250,) * 4)
        made = ask(meter, inside)
        assert made.points == ask(meter, inside, Wish(Method.LINE)).points
        assert made.method is Method.DEGREE_DAYS

    def test_of_a_gap_that_begins_and_ends_within_days_weighs_their_parts(
        self, meter: Meter
    ) -> None:
        start = start_of(date(2026, 2, 2), COPENHAGEN) + 18 * HOUR
        import_readings([reading(meter, start, e1=0), reading(meter, start + DAY, e1=48 * KWH)])
        weather(date(2026, 2, 2), (1700, 700))  # nothing to heat, then 10 K·d
        made = ask(meter, start + HOUR)
        known = [made.before, *made.points, (start + DAY, 48 * KWH)]
        hours = [b[1] - a[1] for a, b in itertools.pairwise(known)]
        # 6 hours at a quarter's even share, 18 hours that have all the rest besides.
        assert set(hours[:6]) == {KWH // 2}
        assert set(hours[6:]) == {KWH // 2 + 2 * KWH}

    def test_is_for_any_interval(self, meter: Meter) -> None:
        Meter.objects.filter(pk=meter.pk).update(interval_s=900)
        meter.refresh_from_db()
        days = (date(2026, 2, 2), date(2026, 2, 4))
        inside = silent(meter, days)
        weather(days[0], (700, 1200))
        assert fill(meter, inside).values == 2 * 96 - 1
        first, second = of_days(meter, days)
        assert first is not None
        assert second is not None
        assert first + second == 94 * KWH
        assert first > second

    def test_is_marked(self, meter: Meter) -> None:
        days = (date(2026, 2, 2), date(2026, 2, 6))
        inside = silent(meter, days)
        weather(days[0])
        fill(meter, inside)
        told = marks_of(meter.pk, inside - HOUR, inside + HOUR)
        assert {one.status for one in told} == {Status.ESTIMATED}
        assert {one.methods for one in told} == {("Z92", "ZQ8")}


class TestOffered:
    DAYS = (date(2026, 2, 2), date(2026, 2, 6))

    def test_before_a_straight_line_where_nothing_better_is_known(self, meter: Meter) -> None:
        inside = silent(meter, self.DAYS)
        assert ask(meter, inside, BEST).method is Method.LINE
        weather(self.DAYS[0])
        assert ask(meter, inside, BEST).method is Method.DEGREE_DAYS

    def test_not_where_a_day_is_not_known(self, meter: Meter) -> None:
        inside = silent(meter, self.DAYS)
        weather(self.DAYS[0])
        assert weather_tells(meter=meter, inside=inside, zone=COPENHAGEN)
        remove_period(first=date(2026, 2, 5), last=date(2026, 2, 5), actor=ACTOR, zone=COPENHAGEN)
        assert not weather_tells(meter=meter, inside=inside, zone=COPENHAGEN)
        with pytest.raises(ValidationError, match="outdoor temperature of all the days"):
            ask(meter, inside)

    def test_not_where_no_day_was_cold(self, meter: Meter) -> None:
        inside = silent(meter, self.DAYS)
        weather(self.DAYS[0], (1700, 2000, 1850, 1700))
        assert not weather_tells(meter=meter, inside=inside, zone=COPENHAGEN)
        assert ask(meter, inside, BEST).method is Method.LINE

    @pytest.mark.parametrize("medium", [Medium.WATER, Medium.COOLING, Medium.ELECTRICITY])
    def test_not_for_what_heats_nothing(self, meter: Meter, medium: Medium) -> None:
        Meter.objects.filter(pk=meter.pk).update(medium=medium)
        meter.refresh_from_db()
        inside = silent(meter, self.DAYS)
        weather(self.DAYS[0])
        assert not weather_tells(meter=meter, inside=inside, zone=COPENHAGEN)

    @pytest.mark.parametrize(("medium", "asked"), [(Medium.WATER, 0), (Medium.HEAT, 2)])
    def test_asks_little_where_they_cannot_be(
        self, meter: Meter, medium: Medium, asked: int
    ) -> None:
        Meter.objects.filter(pk=meter.pk).update(medium=medium)
        meter.refresh_from_db()
        inside = silent(meter, self.DAYS)
        with CaptureQueriesContext(connection) as queries:
            assert not weather_tells(meter=meter, inside=inside, zone=COPENHAGEN)
        assert len(queries) == asked

    def test_looks_at_a_gap_once_for_all_its_registers(self, meter: Meter) -> None:
        inside = silent(meter, self.DAYS)
        weather(self.DAYS[0], (2000,) * 4)
        with CaptureQueriesContext(connection) as queries:
            assert not weather_tells(meter=meter, inside=inside, zone=COPENHAGEN)
        means = [one for one in queries if "GROUP BY" in one["sql"]]
        assert len(means) == 1

    def test_not_after_the_last_reading(self, meter: Meter) -> None:
        silent(meter, self.DAYS)
        weather(self.DAYS[1], (100,) * 9)
        after = start_of(self.DAYS[1], COPENHAGEN) + DAY
        assert not weather_tells(meter=meter, inside=after, zone=COPENHAGEN)
        with pytest.raises(ValidationError, match="between two readings"):
            propose(
                meter=meter,
                register=E1,
                inside=after,
                zone=COPENHAGEN,
                wish=DEGREES,
                now=after + 3 * DAY,
            )


class TestDegreeDays:
    """Each day's mean is of its own hours, four of which may be missing."""

    @pytest.mark.parametrize(
        ("day", "hours"),
        [(date(2026, 2, 2), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25)],
    )
    def test_are_of_a_days_own_hours(self, db: None, aalund: Tenant, day: date, hours: int) -> None:
        with tenant_context(aalund.pk):
            start = start_of(day, COPENHAGEN)
            store_series(
                series=Series({start + n * HOUR: 50 * n for n in range(hours)}, {}),
                source="hours.csv",
                actor=ACTOR,
                zone=COPENHAGEN,
            )
            mean = Fraction(hours - 1, 4)  # °C
            assert degree_days(day - DAY, day + DAY, COPENHAGEN) == {day: 17 - mean}
            known = OutdoorHour.objects.filter(ts__gt=start)
            known.filter(ts__lte=start + 4 * HOUR).delete()
            assert day in degree_days(day, day, COPENHAGEN)
            known.filter(ts=start + 5 * HOUR).delete()
            assert degree_days(day, day, COPENHAGEN) == {}

    @pytest.mark.parametrize(
        ("mean", "counted"),
        [(0, "17"), (-1000, "27"), (1700, "0"), (1690, "0.1"), (2000, "0"), (535, "11.65")],
    )
    def test_count_below_seventeen(self, db: None, aalund: Tenant, mean: int, counted: str) -> None:
        with tenant_context(aalund.pk):
            weather(date(2026, 2, 2), (mean,))
            found = degree_days(date(2026, 2, 2), date(2026, 2, 2), COPENHAGEN)
            assert found == {date(2026, 2, 2): Fraction(counted)}


@pytest.mark.django_db
def test_the_page_offers_them_where_the_temperature_is_known(
    client: Client, aalund: Tenant, alice: User
) -> None:
    first = datetime(2026, 2, 2, tzinfo=UTC)
    with tenant_context(aalund.pk):
        meter = factories.meter(medium=Medium.HEAT)
        import_readings([reading(meter, first + n * 12 * HOUR, e1=n * KWH) for n in range(2)])
    client.force_login(alice)
    page = f"/t/aalund/meters/{meter.pk}/readings/{key_of(first)}/estimate/"
    assert 'value="dd"' not in client.get(page).content.decode()
    asked = client.get(page, {"method": "dd"}).content.decode()
    assert "outdoor temperature of all the days" in asked
    with tenant_context(aalund.pk):
        weather(date(2026, 2, 2), (500,))
    assert 'value="dd"' in client.get(page).content.decode()
    chosen = {"method": "dd", "registers": "e1", "reason": "Z75"}
    assert client.post(page, chosen).status_code == 302
    with tenant_context(aalund.pk):
        assert Estimation.objects.get().method == "dd"
        assert Reading.objects.filter(status=Status.ESTIMATED).count() == 11
