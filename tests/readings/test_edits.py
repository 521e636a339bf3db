"""Corrections: versions, what follows from them, and what may not write over them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from collectors.pipeline import import_readings
from meters.models import Meter, MeterState
from meters.registers import BY_CODE
from readings import daily, findings
from readings.edits import Why, edit_reading, enter_reading, set_aside, undo_edit, versions_of
from readings.models import DailyReading, Origin, Reading, Status, Version
from readings.quality import Reason, marks_of
from readings.queries import consumption
from readings.rules import BucketSize, Flag, Quality
from readings.rules.validation import Finding, Rule
from readings.totals import totals
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.readings.test_daily import reading

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
HOUR = timedelta(hours=1)
START = datetime(2026, 2, 1, 23, tzinfo=UTC)  # a local midnight
NOW = START + timedelta(days=5)
KWH = 3_600_000
E1 = BY_CODE["E1"]
WRONG = START + 10 * HOUR
WHY = Why(Reason.MISREAD, "two digits swapped")


@pytest.fixture
def meter(db: None, aalund: Tenant) -> Iterator[Meter]:
    """Counts 1 kWh an hour for three days; the reading at 10 says 50 too much."""
    with tenant_context(aalund.pk):
        made = factories.meter()
        import_readings(
            [
                reading(made, START + hour * HOUR, e1=(100 + hour) * KWH, v1=hour)
                for hour in range(73)
                if hour != 10
            ]
        )
        import_readings([reading(made, WRONG, e1=110 * KWH + KWH // 2, v1=10)])
        yield made


def hours(meter: Meter) -> list[int]:
    buckets = consumption(meter.pk, E1, START, START + 24 * HOUR, BucketSize.HOUR, COPENHAGEN)
    return [int(bucket.value * 2 // KWH) for bucket in buckets if bucket.value is not None]


def correct(meter: Meter, at: datetime = WRONG, value: int | None = 110 * KWH) -> Version:
    return edit_reading(meter=meter, at=at, values={"e1": value}, why=WHY, actor=ACTOR, now=NOW)


class TestEdit:
    def test_is_what_counts_from_then_on(self, meter: Meter) -> None:
        assert hours(meter)[8:12] == [2, 3, 1, 2]
        correct(meter)
        assert set(hours(meter)) == {2}

    def test_keeps_the_original_with_person_and_reason(self, meter: Meter) -> None:
        correct(meter)
        correct(meter, value=110 * KWH + 1)
        newest, first = versions_of(meter.pk, WRONG)
        assert (first.number, newest.number) == (1, 2)
        assert first.before == {"e1": 110 * KWH + KWH // 2}
        assert newest.before == first.after == {"e1": 110 * KWH}
        assert (first.actor_name, first.reason, first.note) == (ACTOR.name, "ZA4", WHY.note)
        assert Reading.objects.get(ts=WRONG).status == Status.EDITED
        assert AuditEntry.objects.filter(event="reading.edited").count() == 2

    def test_is_followed_by_daily_rows(self, meter: Meter) -> None:
        midnight = START + 24 * HOUR
        while daily.refresh(NOW):
            pass
        correct(meter, at=midnight, value=123 * KWH)
        before = DailyReading.objects.get(day=date(2026, 2, 3))
        assert before.first_e1 == 124 * KWH
        days = consumption(meter.pk, E1, START, START + 48 * HOUR, BucketSize.DAY, COPENHAGEN)
        assert [bucket.value for bucket in days] == [23 * KWH, 25 * KWH]
        while daily.refresh(NOW):
            pass
        after = DailyReading.objects.get(day=date(2026, 2, 3))
        assert (after.first_e1, after.plain) == (123 * KWH, False)
        again = consumption(meter.pk, E1, START, START + 48 * HOUR, BucketSize.DAY, COPENHAGEN)
        assert again == days
        assert [Flag.EDITED in bucket.flags for bucket in again] == [True, True]

    def test_of_the_newest_reading_changes_what_the_meter_shows(self, meter: Meter) -> None:
        correct(meter, at=START + 72 * HOUR, value=171 * KWH)
        assert MeterState.objects.get(meter=meter).e1 == 171 * KWH

    def test_is_never_written_over_by_the_same_telegram(self, meter: Meter) -> None:
        correct(meter)
        again = reading(meter, WRONG, e1=110 * KWH + KWH // 2, v1=10)
        import_readings([again])
        assert again.outcome.value == "duplicate"
        assert Reading.objects.get(ts=WRONG).e1 == 110 * KWH

    def test_is_not_filled_in_where_a_value_was_taken_out(self, meter: Meter) -> None:
        correct(meter, value=None)
        import_readings([reading(meter, WRONG, e1=110 * KWH + KWH // 2, v1=10)])
        assert Reading.objects.get(ts=WRONG).e1 is None
        assert set(hours(meter)) == {2}

    def test_does_not_give_way_to_an_earlier_reading_of_its_hour(self, meter: Meter) -> None:
        at = START + 80 * HOUR + timedelta(minutes=30)
        import_readings([reading(meter, at, e1=500 * KWH)])
        correct(meter, at=at, value=180 * KWH)
        import_readings([reading(meter, at - timedelta(minutes=20), e1=179 * KWH)])
        assert Reading.objects.get(ts=at).e1 == 180 * KWH

    @pytest.mark.parametrize(
        ("values", "code"),
        [
            ({"e1": 110 * KWH + KWH // 2}, "unchanged"),
            ({"e1": -1}, "range"),
            ({"t1": 2**31}, "range"),
            ({"info": 0}, "register"),
            ({"nothing": 0}, "register"),
        ],
    )
    def test_that_cannot_be_is_refused(
        self, meter: Meter, values: dict[str, int], code: str
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            edit_reading(meter=meter, at=WRONG, values=values, why=WHY, actor=ACTOR, now=NOW)
        assert caught.value.code == code
        assert not Version.objects.exists()

    def test_of_nothing_is_refused(self, meter: Meter) -> None:
        with pytest.raises(ValidationError) as caught:
            correct(meter, at=WRONG + timedelta(minutes=1))
        assert caught.value.code == "none"


class TestUndo:
    def test_brings_the_original_back(self, meter: Meter) -> None:
        before = Reading.objects.filter(ts=WRONG).values().get()
        correct(meter)
        correct(meter, value=109 * KWH + 1)
        undo_edit(meter=meter, at=WRONG, why=WHY, actor=ACTOR, now=NOW)
        assert Reading.objects.get(ts=WRONG).e1 == 110 * KWH
        undo_edit(meter=meter, at=WRONG, why=WHY, actor=ACTOR, now=NOW)
        assert Reading.objects.filter(ts=WRONG).values().get() == before
        with pytest.raises(ValidationError) as caught:
            undo_edit(meter=meter, at=WRONG, why=WHY, actor=ACTOR, now=NOW)
        assert caught.value.code == "unchanged"
        assert [one.act for one in versions_of(meter.pk, WRONG)] == [3, 3, 1, 1]

    def test_of_setting_aside_lets_all_registers_count_again(self, meter: Meter) -> None:
        set_aside(meter=meter, at=WRONG, why=WHY, actor=ACTOR, now=NOW)
        aside = Reading.objects.get(ts=WRONG)
        assert (aside.e1, aside.v1) == (None, None)
        undo_edit(meter=meter, at=WRONG, why=WHY, actor=ACTOR, now=NOW)
        assert Reading.objects.get(ts=WRONG).v1 == 10


class TestEnteredByHand:
    def enter(self, meter: Meter, at: datetime, value: int) -> Version:
        return enter_reading(
            meter=meter, at=at, values={"e1": value}, why=WHY, actor=ACTOR, now=NOW
        )

    def test_counts_and_says_so(self, meter: Meter) -> None:
        at = START + 90 * HOUR + timedelta(minutes=12)
        self.enter(meter, at, 190 * KWH)
        made = Reading.objects.get(ts=at)
        assert (made.origin, made.e1) == (Origin.MANUAL, 190 * KWH)
        assert MeterState.objects.get(meter=meter).read_at == at
        (mark,) = marks_of(meter.pk, at, at + HOUR)
        assert (mark.qualifier, mark.notes, mark.person) == ("67", ("Z83",), ACTOR.name)

    def test_stays_beside_the_readings_of_its_hour(self, meter: Meter) -> None:
        at = START + 90 * HOUR + timedelta(minutes=12)
        self.enter(meter, at, 190 * KWH)
        import_readings([reading(meter, START + 90 * HOUR, e1=189 * KWH)])
        assert Reading.objects.filter(ts__gte=START + 90 * HOUR).count() == 2

    @pytest.mark.parametrize(
        ("at", "value", "code"),
        [
            (START + timedelta(minutes=30), 99 * KWH, "contradicted"),
            (START + timedelta(minutes=30), 102 * KWH, "contradicted"),
            (START, 100 * KWH, "there"),
            (NOW + HOUR, 900 * KWH, "future"),
            (NOW - timedelta(days=366 * 36), 1, "past"),
            (START + timedelta(minutes=30), -1, "range"),
        ],
    )
    def test_that_cannot_be_is_refused(
        self, meter: Meter, at: datetime, value: int, code: str
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            self.enter(meter, at, value)
        assert caught.value.code == code


def test_totals_and_charts_agree_after_an_edit(meter: Meter) -> None:
    """A month's total asks the meter's own line where a value is not the meter's own words."""
    correct(meter, at=START + 24 * HOUR, value=123 * KWH)
    for made in (False, True):
        while made and daily.refresh(NOW):
            pass
        (total,) = totals([meter.pk], E1, START, START + 24 * HOUR, BucketSize.DAY, COPENHAGEN)
        assert total.bucket.value == 23 * KWH
        assert Flag.EDITED in total.bucket.flags
        assert total.bucket.quality is Quality.MEASURED


def test_marks_tell_findings_and_status(meter: Meter) -> None:
    at = START + 5 * HOUR
    findings.note([(meter.pk, at, [Finding(Rule.OVERFLOW, "e1", 1, 2)])])
    (mark,) = marks_of(meter.pk, START, START + 24 * HOUR)
    assert (mark.at, mark.status, mark.qualifier) == (at, Status.MEASURED, "220")
    assert mark.notes == ("Z85",)
    assert [one.rule for one in mark.findings] == [Rule.OVERFLOW]
