"""Gaps filled on request: exact sums, marks everywhere, and giving way."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from collectors.pipeline import import_readings
from collectors.pipeline.history import import_history
from meters.models import Meter
from meters.registers import BY_CODE, COLUMNS
from meters.services import install_meter
from readings.edits import Why, edit_reading, enter_reading, set_aside, undo_edit
from readings.estimates import Proposal, Wish, fill_gap, propose
from readings.estimation import Method
from readings.exchange import Visit, exchange_meter
from readings.giving_way import undo_estimate
from readings.models import DailyReading, Estimation, Origin, Reading, Status
from readings.quality import Reason, marks_of
from readings.queries import consumption
from readings.rules import BucketSize, Flag, Quality
from readings.rules.points import micros
from readings.rules.values import Bucket
from readings.totals import totals
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.readings.test_daily import reading, refresh_all

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
HOUR = timedelta(hours=1)
START = datetime(2026, 2, 1, 23, tzinfo=UTC)  # a local midnight
NOW = START + timedelta(days=30)
KWH = 3_600_000
E1, V1 = BY_CODE["E1"], BY_CODE["V1"]
# A gap of 30 hours, from 10 o'clock on the first day.
FROM, TO = START + 10 * HOUR, START + 40 * HOUR
INSIDE = START + 20 * HOUR


def tell(meter: Meter, first: int, last: int, *, start: datetime = START) -> None:
    import_readings(
        [
            reading(meter, start + hour * HOUR, e1=(1_000 + hour) * KWH, v1=10_000 + 7 * hour)
            for hour in range(first, last + 1)
        ]
    )


@pytest.fixture
def meter(db: None, aalund: Tenant) -> Iterator[Meter]:
    """1 kWh and 7 mL an hour, with a gap of 30 hours."""
    with tenant_context(aalund.pk):
        made = factories.meter()
        tell(made, 0, 10)
        tell(made, 40, 96)
        yield made


def fill(meter: Meter, register: str = "E1", inside: datetime = INSIDE) -> Estimation:
    return fill_gap(
        meter=meter,
        register=BY_CODE[register],
        inside=inside,
        zone=COPENHAGEN,
        reason=Reason.COMMUNICATION,
        actor=ACTOR,
        now=NOW,
    )


def used(meter: Meter, size: BucketSize, hours: int = 96) -> tuple[Bucket, ...]:
    return consumption(meter.pk, E1, START, START + hours * HOUR, size, COPENHAGEN)


class TestFilling:
    def test_adds_up_to_the_difference_and_changes_no_total(self, meter: Meter) -> None:
        before = used(meter, BucketSize.MONTH)[0].value
        made = fill(meter)
        assert (made.starts_at, made.ends_at, made.values) == (FROM, TO, 29)
        hours = used(meter, BucketSize.HOUR)[10:40]
        assert sum(bucket.value or 0 for bucket in hours) == 30 * KWH
        assert used(meter, BucketSize.MONTH)[0].value == before

    def test_is_marked_in_every_hour_that_cuts_the_gap(self, meter: Meter) -> None:
        fill(meter)
        hours = used(meter, BucketSize.HOUR)
        estimated = [bucket.quality is Quality.ESTIMATED for bucket in hours]
        assert estimated == [10 <= hour < 40 for hour in range(96)]
        assert [Flag.ESTIMATED in bucket.flags for bucket in hours] == estimated

    def test_leaves_a_window_around_the_whole_gap_measured(self, meter: Meter) -> None:
        fill(meter)
        (whole,) = used(meter, BucketSize.YEAR)
        assert whole.quality is Quality.MEASURED
        assert Flag.ESTIMATED in whole.flags

    def test_follows_the_meters_own_like_days(self, db: None, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            meter = factories.meter()
            counted, told = 1_000 * KWH, []
            for hour in range(28 * 24 + 96):
                told.append(reading(meter, START + (hour - 28 * 24) * HOUR, e1=counted))
                counted += KWH * (3 if hour % 24 in (7, 8) else 1)
            import_readings([one for one in told if not FROM < one.at < TO])
            proposal = propose(meter=meter, register=E1, inside=INSIDE, zone=COPENHAGEN)
            assert proposal.method is Method.LIKE_DAY
            fill(meter)
            morning = used(meter, BucketSize.HOUR)[30:34]
            # The same shape, scaled to what was used: here exactly what the meter would have told.
            assert [bucket.value for bucket in morning] == [KWH, 3 * KWH, 3 * KWH, KWH]

    def test_of_uneven_ends_is_a_straight_line(self, db: None, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            meter = factories.meter()
            half = timedelta(minutes=30)
            import_readings(
                [reading(meter, START + half, e1=0), reading(meter, START + 10 * HOUR, e1=19 * KWH)]
            )
            proposal = propose(meter=meter, register=E1, inside=START + HOUR, zone=COPENHAGEN)
            assert proposal.method is Method.LINE
            assert [value for _, value in proposal.points] == [
                KWH + 2 * KWH * hour for hour in range(9)
            ]

    def test_of_two_registers_shares_the_instants(self, meter: Meter) -> None:
        fill(meter)
        fill(meter, "V1")
        rows = Reading.objects.filter(status=Status.ESTIMATED)
        assert rows.count() == 29
        assert not rows.filter(v1=None).exists()
        assert set(rows.values_list("origin", flat=True)) == {Origin.ESTIMATE}

    def test_says_where_each_value_came_from(self, meter: Meter) -> None:
        fill(meter)
        mark = marks_of(meter.pk, START, NOW)[0]
        assert (mark.status, mark.qualifier, mark.methods) == (Status.ESTIMATED, "67", ("Z92",))
        assert (mark.reason, mark.person) == (Reason.COMMUNICATION, ACTOR.name)
        assert mark.estimated == (E1,)
        assert AuditEntry.objects.filter(event="reading.estimated").count() == 1

    def test_is_the_same_by_daily_rows_and_by_readings(self, meter: Meter) -> None:
        fill(meter)
        days = used(meter, BucketSize.DAY)
        assert [bucket.quality.value for bucket in days] == ["E", "E", "M", "M"]
        refresh_all(NOW)
        assert used(meter, BucketSize.DAY) == days
        assert DailyReading.objects.get(day=date(2026, 2, 3)).marks == 1 << Status.ESTIMATED
        (total,) = totals([meter.pk], E1, START, START + 24 * HOUR, BucketSize.DAY, COPENHAGEN)
        assert total.bucket == days[0]


class TestRefused:
    def refusal(self, meter: Meter, inside: datetime = INSIDE, register: str = "E1") -> str:
        with pytest.raises(ValidationError) as caught:
            fill(meter, register, inside)
        assert not Reading.objects.filter(status=Status.ESTIMATED).exists()
        return str(caught.value.code)

    def test_where_there_is_no_gap(self, meter: Meter) -> None:
        assert self.refusal(meter, START + 5 * HOUR) == "none"

    def test_where_it_never_ends(self, meter: Meter) -> None:
        """What is shared out must be known; `TestCarriedOn` tells of the other way."""
        with pytest.raises(ValidationError) as caught:
            fill_gap(
                meter=meter,
                register=E1,
                inside=START + 200 * HOUR,
                zone=COPENHAGEN,
                reason=Reason.COMMUNICATION,
                actor=ACTOR,
                now=NOW,
                wish=Wish(Method.LINE),
            )
        assert caught.value.code == "nothing"

    def test_for_a_temperature(self, meter: Meter) -> None:
        assert self.refusal(meter, register="T1") == "register"

    def test_where_the_register_falls(self, meter: Meter) -> None:
        tell(meter, 120, 121, start=START - 300 * HOUR)
        import_readings([reading(meter, START - 100 * HOUR, e1=5_000 * KWH)])
        assert self.refusal(meter, START - 50 * HOUR) == "refused"

    def test_where_the_gap_is_longer_than_35_days(self, meter: Meter) -> None:
        import_readings([reading(meter, START - timedelta(days=36), e1=1)])
        assert self.refusal(meter, START - timedelta(days=10)) == "refused"

    def test_where_the_meter_came_in_between(self, meter: Meter) -> None:
        install_meter(
            meter=meter, supply_point=factories.place(), at=INSIDE, registers={}, actor=ACTOR
        )
        assert self.refusal(meter) == "refused"


class TestGivingWay:
    def left(self) -> int:
        return int(Reading.objects.filter(status=Status.ESTIMATED).count())

    def test_to_a_person(self, meter: Meter) -> None:
        before = list(Reading.objects.order_by("ts").values())
        made = fill(meter)
        undo_estimate(estimate=made, actor=ACTOR, now=NOW)
        assert list(Reading.objects.order_by("ts").values()) == before
        assert AuditEntry.objects.filter(event="reading.estimate_undone").count() == 1
        with pytest.raises(ValidationError) as caught:
            undo_estimate(estimate=made, actor=ACTOR, now=NOW)
        assert caught.value.code == "undone"
        fill(meter)  # and may be filled anew

    def test_of_one_register_leaves_the_other(self, meter: Meter) -> None:
        made = fill(meter)
        fill(meter, "V1")
        undo_estimate(estimate=made, actor=ACTOR, now=NOW)
        rows = Reading.objects.filter(status=Status.ESTIMATED)
        assert rows.count() == 29
        assert not rows.exclude(e1=None).exists()

    @pytest.mark.parametrize("minutes", [0, 17])
    def test_to_a_late_reading_in_the_gap(self, meter: Meter, minutes: int) -> None:
        fill(meter)
        late = INSIDE + timedelta(minutes=minutes)
        one = reading(meter, late, e1=1_003 * KWH)
        import_readings([one])
        assert one.outcome.value == "stored"
        assert self.left() == 0
        assert Estimation.objects.get().undone_at is not None
        assert AuditEntry.objects.get(event="reading.estimate_undone").actor_name == "READY"
        assert Reading.objects.get(ts=late).e1 == 1_003 * KWH

    @pytest.mark.parametrize("minutes", [0, 17])
    def test_to_what_a_person_read_off(self, meter: Meter, minutes: int) -> None:
        """More than was estimated for later: the meter itself does not contradict it."""
        fill(meter)
        enter_reading(
            meter=meter,
            at=INSIDE + timedelta(minutes=minutes),
            values={"e1": 1_039 * KWH},
            why=Why(Reason.COMMUNICATION),
            actor=ACTOR,
            now=NOW,
        )
        assert self.left() == 0
        assert Estimation.objects.get().undone_at is not None

    @pytest.mark.parametrize("beside", [FROM, TO])
    def test_to_a_correction_beside_the_gap(self, meter: Meter, beside: datetime) -> None:
        """What was shared out is not the difference any more."""
        fill(meter)
        fill(meter, "V1")
        why = Why(Reason.MISREAD)
        value = 1_020 * KWH
        edit_reading(meter=meter, at=beside, values={"e1": value}, why=why, actor=ACTOR, now=NOW)
        left = Reading.objects.filter(status=Status.ESTIMATED)
        assert left.filter(e1=None).count() == left.count() == 29
        hours = consumption(meter.pk, E1, FROM, TO, BucketSize.HOUR, COPENHAGEN)
        assert len({bucket.value for bucket in hours}) == 1
        fill(meter)  # of what is known now
        undo_edit(meter=meter, at=beside, why=why, actor=ACTOR, now=NOW)
        assert left.filter(e1=None).count() == 29
        set_aside(meter=meter, at=beside, why=why, actor=ACTOR, now=NOW)
        assert not left.exists()

    def test_not_to_a_correction_elsewhere(self, meter: Meter) -> None:
        fill(meter)
        why = Why(Reason.MISREAD)
        edit_reading(meter=meter, at=FROM, values={"v1": 1}, why=why, actor=ACTOR, now=NOW)
        edit_reading(meter=meter, at=FROM - HOUR, values={"e1": 1}, why=why, actor=ACTOR, now=NOW)
        assert self.left() == 29

    def test_to_an_exchange(self, meter: Meter) -> None:
        new = factories.meter()
        place = factories.place()
        mounted = install_meter(
            meter=meter, supply_point=place, at=START, registers={}, actor=ACTOR
        )
        fill(meter)
        visit = Visit(INSIDE, INSIDE, {"e1": 1_039 * KWH}, {"e1": 0}, {})
        exchange_meter(installation=mounted, new_meter=new, visit=visit, actor=ACTOR, now=NOW)
        assert self.left() == 0

    def test_not_to_readings_elsewhere(self, meter: Meter) -> None:
        fill(meter)
        import_readings([reading(meter, START + 200 * HOUR, e1=9_000 * KWH)])
        import_readings([reading(meter, START - 9 * HOUR, e1=1)])
        assert self.left() == 29

    @pytest.mark.parametrize(("at", "left"), [(INSIDE, 0), (START + 99 * HOUR, 29)])
    def test_to_history_in_bulk(self, meter: Meter, at: datetime, left: int) -> None:
        """Only where it tells something about the gap."""
        fill(meter)
        values = [None] * len(COLUMNS)
        values[0] = 1_003 * KWH  # type: ignore[call-overload]
        row = (meter.pk, micros(at), micros(NOW), *values, int(Origin.IMPORT), 0, 0)
        stored = import_history(
            [row],
            intervals={meter.pk: 3600},
            start=micros(START),
            end=micros(NOW),
            newest=[],
        )
        assert (stored, self.left()) == (1, left)


def test_a_fraction_of_a_unit_is_never_lost(db: None, aalund: Tenant) -> None:
    """Whatever the difference, the parts add up to it to the last base unit."""
    with tenant_context(aalund.pk):
        for difference in (0, 1, 28, 30_000_001):
            meter = factories.meter()
            import_readings([reading(meter, FROM, e1=5), reading(meter, TO, e1=5 + difference)])
            fill(meter)
            hours = consumption(meter.pk, E1, FROM, TO, BucketSize.HOUR, COPENHAGEN)
            assert sum((bucket.value or Fraction(0)) for bucket in hours) == difference
            assert all(bucket.value is not None and bucket.value >= 0 for bucket in hours)


def other(meter: Meter, *, per_hour: int, street: str = "", until: int = 96) -> Meter:
    """A meter of which every hour is known, back to a week before; twice as much at night."""
    made: Meter = factories.meter()
    install_meter(
        meter=made,
        supply_point=factories.place(street=street or "Elsewhere 1", postal_code="8000"),
        at=START - timedelta(days=40),
        registers={},
        actor=ACTOR,
    )
    counted, told = 0, []
    for hour in range(-7 * 24, until + 1):
        told.append(reading(made, START + hour * HOUR, e1=counted * KWH, v1=counted))
        counted += per_hour * (2 if hour % 24 < 6 else 1)
    import_readings(told)
    return made


def ask(meter: Meter, method: Method | None, proxy: Meter | None = None) -> Proposal:
    return propose(
        meter=meter,
        register=E1,
        inside=INSIDE,
        zone=COPENHAGEN,
        wish=Wish(method, proxy),
        now=NOW,
    )


def steps(proposal: Proposal) -> list[int]:
    """kWh in each slot."""
    known = [proposal.before, *proposal.points]
    known += [proposal.after] if proposal.after else []
    return [(b[1] - a[1]) // KWH for a, b in itertools.pairwise(known)]


class TestMethods:
    """What a person may choose; each shares out the same difference (domain 6.2)."""

    def test_neighbours_lend_their_shape(self, meter: Meter) -> None:
        install_meter(
            meter=meter,
            supply_point=factories.place(street="Here 1", postal_code="8000"),
            at=START - timedelta(days=40),
            registers={},
            actor=ACTOR,
        )
        for number in range(2):
            other(meter, per_hour=5, street=f"Near {number}")
        with pytest.raises(ValidationError, match="Fewer than three meters"):
            ask(meter, Method.PROFILE)
        assert ask(meter, None).method is Method.LINE
        other(meter, per_hour=7, street="Near 3")
        made = ask(meter, None)
        assert made.method is Method.PROFILE
        hours = [b[1] - a[1] for a, b in itertools.pairwise([made.before, *made.points])]
        night, day = hours[14], hours[13]  # midnight is 14 hours after the gap began
        assert abs(night - 2 * day) <= 2

    def test_a_comparison_meter_does(self, meter: Meter) -> None:
        proxy = other(meter, per_hour=50)
        made = ask(meter, Method.PROXY, proxy)
        hours = [b[1] - a[1] for a, b in itertools.pairwise([made.before, *made.points])]
        assert abs(hours[14] - 2 * hours[13]) <= 2
        assert made.after is not None
        with pytest.raises(ValidationError, match="Choose the comparison meter"):
            ask(meter, Method.PROXY)

    def test_reference_days_are_the_meters_own(self, db: None, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            meter = other(factories.meter(), per_hour=3)
            Reading.objects.filter(meter_id=meter.pk, ts__gt=FROM, ts__lt=TO).delete()
            made = ask(meter, Method.REFERENCE_DAYS)
            assert steps(made) == [6 if hour % 24 < 6 else 3 for hour in range(10, 40)]

    def test_of_too_few_days_is_refused(self, meter: Meter) -> None:
        with pytest.raises(ValidationError, match="Fewer than three whole days"):
            ask(meter, Method.REFERENCE_DAYS)

    def test_a_measurement_is_held_for_the_eye_alone(self, db: None, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            meter = factories.meter()
            import_readings([reading(meter, at, e1=1, t2=41_200) for at in (FROM, TO)])
            held = hold(meter, "T2")
            assert {value for _, value in held.points} == {41_200}
            assert not held.stored
            with pytest.raises(ValidationError, match="only shown"):
                fill_gap(
                    meter=meter,
                    register=BY_CODE["T2"],
                    inside=INSIDE,
                    zone=COPENHAGEN,
                    wish=Wish(Method.HOLD),
                    reason=Reason.COMMUNICATION,
                    actor=ACTOR,
                    now=NOW,
                )
            with pytest.raises(ValidationError, match="counts up"):
                hold(meter, "E1")

    def test_no_measurement_is_held_over_months(self, db: None, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            meter = factories.meter()
            later = FROM + timedelta(days=36)
            import_readings([reading(meter, at, e1=1, t2=41_200) for at in (FROM, later)])
            with pytest.raises(ValidationError, match="more than 35 days"):
                hold(meter, "T2")


def hold(meter: Meter, register: str) -> Proposal:
    return propose(
        meter=meter,
        register=BY_CODE[register],
        inside=INSIDE,
        zone=COPENHAGEN,
        wish=Wish(Method.HOLD),
    )


class TestCarriedOn:
    """After the last reading nothing is known; what is put there goes with the next reading."""

    LAST = START + 96 * HOUR

    def carry_on(self, meter: Meter, method: Method | None = None) -> Estimation:
        return fill_gap(
            meter=meter,
            register=E1,
            inside=self.LAST + HOUR,
            zone=COPENHAGEN,
            reason=Reason.COMMUNICATION,
            actor=ACTOR,
            now=self.LAST + 6 * HOUR,
            wish=Wish(method),
        )

    @pytest.fixture
    def silent(self, db: None, aalund: Tenant) -> Iterator[Meter]:
        with tenant_context(aalund.pk):
            yield other(factories.meter(), per_hour=2)

    def test_at_the_mean_of_the_last_days(self, silent: Meter) -> None:
        made = self.carry_on(silent)
        assert (made.method, made.temporary, made.values) == ("e", True, 5)
        rows = Reading.objects.filter(meter_id=silent.pk, ts__gte=self.LAST).order_by("ts")
        told = list(rows.values_list("e1", flat=True))
        # 60 kWh a day.
        assert [b - a for a, b in itertools.pairwise(told)] == [5 * KWH // 2] * 5
        (bucket,) = consumption(
            silent.pk, E1, self.LAST + HOUR, self.LAST + 2 * HOUR, BucketSize.HOUR, COPENHAGEN
        )
        assert bucket.quality is Quality.ESTIMATED
        mark = marks_of(silent.pk, self.LAST + HOUR, self.LAST + 2 * HOUR)[0]
        assert mark.methods == ("201",)

    def test_by_the_hour_of_reference_days(self, silent: Meter) -> None:
        self.carry_on(silent, Method.REFERENCE_DAYS)
        rows = Reading.objects.filter(meter_id=silent.pk, ts__gte=self.LAST).order_by("ts")
        told = list(rows.values_list("e1", flat=True))
        assert [b - a for a, b in itertools.pairwise(told)] == [4 * KWH] * 5

    @pytest.mark.parametrize("hours", [3, 5, 6, 30])
    def test_the_next_reading_takes_its_place(self, silent: Meter, hours: int) -> None:
        """Within it, at its end, or long after it."""
        made = self.carry_on(silent)
        import_readings([reading(silent, self.LAST + hours * HOUR, e1=10_000 * KWH)])
        made.refresh_from_db()
        assert made.undone_at is not None
        rows = Reading.objects.filter(meter_id=silent.pk, ts__gt=self.LAST)
        assert [row.status for row in rows] == [Status.MEASURED]

    def test_history_does_as_well(self, silent: Meter) -> None:
        made = self.carry_on(silent)
        values: list[int | None] = [None] * len(COLUMNS)
        values[COLUMNS.index("e1")] = 10_000 * KWH
        at = self.LAST + 9 * HOUR
        row = (silent.pk, micros(at), micros(NOW), *values, int(Origin.IMPORT), 0, 0)
        import_history(
            [row],
            intervals={silent.pk: 3600},
            start=micros(self.LAST + 8 * HOUR),
            end=micros(NOW),
            newest=[],
        )
        made.refresh_from_db()
        assert made.undone_at is not None

    def test_what_lies_before_it_leaves_it(self, silent: Meter) -> None:
        made = self.carry_on(silent)
        import_readings([reading(silent, self.LAST - 30 * HOUR, e1=1)])
        made.refresh_from_db()
        assert made.undone_at is None

    def test_of_a_meter_that_was_just_read_there_is_none(self, silent: Meter) -> None:
        with pytest.raises(ValidationError, match="no gap"):
            propose(
                meter=silent,
                register=E1,
                inside=self.LAST + HOUR,
                zone=COPENHAGEN,
                now=self.LAST + HOUR,
            )
