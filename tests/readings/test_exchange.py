"""A meter exchange through the service: checked, run through by every answer, taken back."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from collectors.pipeline import import_readings
from meters.models import Installation, Medium, Meter, SupplyPoint
from meters.registers import BY_CODE
from meters.services import install_meter
from readings import exchange, statistics
from readings.billing import Billed, note_billed
from readings.exchange import Visit, enter_registers, exchange_meter, undo_exchange
from readings.models import PerformanceDay
from readings.queries import consumption_of_supply_point
from readings.rules import BucketSize, Flag
from readings.rules.values import Bucket, Quality
from readings.totals import totals_of_supply_points
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.readings.test_daily import reading
from tests.readings.test_rules_vectors import BASE, CASES, base, moment, register

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
START = datetime(2026, 2, 1, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
KWH = 3_600_000
E1 = BY_CODE["E1"]
NOW = START + 40 * HOUR
# The old meter counts 5 kWh an hour from 1,000 kWh, the new one 3 from 7.
AT = START + 20 * HOUR
OLD_END, NEW_START = 1_100 * KWH, 7 * KWH
VISIT = Visit(AT, AT, {"e1": OLD_END}, {"e1": NEW_START}, {})


class Scene:
    """A place with a meter that is to be exchanged, and the meter that is to come."""

    def __init__(self) -> None:
        self.place: SupplyPoint = factories.place()
        self.old, self.new = factories.meter(), factories.meter(in_stock=True)
        self.installed = install_meter(
            meter=self.old, supply_point=self.place, at=START, registers={}, actor=ACTOR
        )
        tell(self.old, START, 1_000, 5, 20)
        tell(self.new, AT + HOUR, 10, 3, 19)

    def exchange(self, visit: Visit = VISIT, **other: Any) -> Installation:
        arguments: dict[str, Any] = {
            "installation": self.installed,
            "new_meter": self.new,
            "visit": visit,
            "actor": ACTOR,
            "now": NOW,
        }
        return exchange_meter(**(arguments | other))

    def hours(self, start: datetime = START, end: datetime = NOW) -> tuple[Bucket, ...]:
        return consumption_of_supply_point(
            self.place.pk, Medium.HEAT, E1, start, end, BucketSize.HOUR, COPENHAGEN
        )


def tell(meter: Meter, start: datetime, first: int, a_step: int, hours: int) -> None:
    import_readings(
        [
            reading(meter, start + hour * HOUR, e1=(first + a_step * hour) * KWH)
            for hour in range(hours + 1)
        ]
    )


@pytest.fixture
def scene(db: None, aalund: Tenant) -> Iterator[Scene]:
    with tenant_context(aalund.pk):
        yield Scene()


class TestExchange:
    def test_is_run_through_hour_by_hour(self, scene: Scene) -> None:
        scene.exchange()
        used = [bucket.value for bucket in scene.hours()]
        assert used == [5 * KWH] * 20 + [3 * KWH] * 20
        assert [bucket.start for bucket in scene.hours() if Flag.EXCHANGE in bucket.flags] == [AT]

    def test_is_run_through_by_totals(self, scene: Scene) -> None:
        scene.exchange()
        (whole,) = totals_of_supply_points(
            Medium.HEAT, E1, START, NOW, BucketSize.MONTH, COPENHAGEN
        )
        assert whole.meter_id == scene.new.pk
        assert whole.bucket.value == 160 * KWH

    def test_changes_who_is_mounted(self, scene: Scene) -> None:
        Meter.objects.filter(pk=scene.old.pk).update(interval_s=300)
        made = scene.exchange()
        scene.old.refresh_from_db()
        scene.new.refresh_from_db()
        assert (scene.old.in_stock, scene.new.in_stock) == (True, False)
        assert scene.new.interval_s == 300
        assert (made.replaces_id, made.supply_point_id) == (scene.installed.pk, scene.place.pk)

    def test_leaves_an_entry_in_the_trail(self, scene: Scene) -> None:
        scene.exchange()
        entry = AuditEntry.objects.get(event="meter.exchanged")
        assert entry.object_id == str(scene.place.pk)
        assert entry.before == {"meter": scene.old.pk, "end_registers": {"e1": OLD_END}}

    def test_of_a_meter_with_a_factor_counts_so_many_times(self, scene: Scene) -> None:
        scene.exchange(replace(VISIT, factor=Decimal("2.5"), unit="kWh"))
        assert scene.hours()[-1].value == Fraction(15, 2) * KWH
        (whole,) = totals_of_supply_points(
            Medium.HEAT, E1, AT + HOUR, NOW, BucketSize.DAY, COPENHAGEN
        )
        assert whole.bucket.value == 19 * Fraction(15, 2) * KWH

    def test_without_registers_leaves_a_hole_that_closes(self, scene: Scene) -> None:
        made = scene.exchange(Visit(AT, AT, {}, {}, {}))
        assert [bucket.value for bucket in scene.hours()[18:22]] == [
            5 * KWH,
            5 * KWH,
            None,
            3 * KWH,
        ]
        enter_registers(
            installation=made,
            end_registers=VISIT.end_registers,
            start_registers=VISIT.start_registers,
            actor=ACTOR,
        )
        assert all(bucket.value for bucket in scene.hours())

    def test_counts_expected_readings_anew(self, scene: Scene) -> None:
        day = date(2026, 2, 2)
        statistics.close_day(day, COPENHAGEN)
        scene.exchange(now=NOW + 48 * HOUR)
        days = PerformanceDay.objects.filter(day=day)
        assert dict(days.values_list("meter_id", "expected")) == {scene.old.pk: 20, scene.new.pk: 4}


class TestRefused:
    @pytest.mark.parametrize(
        ("visit", "code"),
        [
            (replace(VISIT, removed_at=START), "order"),
            (replace(VISIT, mounted_at=AT - HOUR), "order"),
            (replace(VISIT, mounted_at=AT + timedelta(days=366)), "gap"),
            (replace(VISIT, removed_at=NOW + HOUR, mounted_at=NOW + HOUR), "future"),
            (replace(VISIT, end_registers={"e1": OLD_END - 1}), "contradicted"),
            (replace(VISIT, start_registers={"e1": 10 * KWH + 1}), "contradicted"),
            (replace(VISIT, end_registers={"t1": 1}), "register"),
            (replace(VISIT, start_registers={"e1": -1}), "register"),
        ],
    )
    def test_what_does_not_fit(self, scene: Scene, visit: Visit, code: str) -> None:
        with pytest.raises(ValidationError) as caught:
            scene.exchange(visit)
        assert caught.value.code == code
        assert Installation.objects.get().ends_at is None

    def test_a_meter_of_another_medium(self, scene: Scene) -> None:
        with pytest.raises(ValidationError) as caught:
            scene.exchange(new_meter=factories.meter(medium=Medium.WATER))
        assert caught.value.code == "medium"

    def test_a_meter_that_is_mounted_elsewhere(self, scene: Scene) -> None:
        install_meter(
            meter=scene.new, supply_point=factories.place(), at=AT, registers={}, actor=ACTOR
        )
        with pytest.raises(ValidationError) as caught:
            scene.exchange()
        assert caught.value.code == "mounted"

    def test_a_meter_that_was_elsewhere_until_later(self, scene: Scene) -> None:
        Installation.objects.create(
            meter=scene.new,
            supply_point=factories.place(),
            starts_at=START,
            ends_at=AT + HOUR,
        )
        with pytest.raises(ValidationError) as caught:
            scene.exchange()
        assert caught.value.code == "overlap"

    def test_twice(self, scene: Scene) -> None:
        scene.exchange()
        with pytest.raises(ValidationError) as caught:
            scene.exchange()
        assert caught.value.code == "ended"

    def test_says_what_the_meter_told(self, scene: Scene) -> None:
        with pytest.raises(ValidationError, match=r"E1 was 1.100 MWh on 02-02-2026"):
            scene.exchange(replace(VISIT, end_registers={"e1": 0}))


class TestUndo:
    def test_is_as_if_it_had_never_been(self, scene: Scene) -> None:
        before = Installation.objects.values().get()
        lasting = undo_exchange(installation=scene.exchange(), actor=ACTOR, now=NOW)
        assert Installation.objects.values().get() == before
        assert lasting.pk == scene.installed.pk
        scene.new.refresh_from_db()
        assert scene.new.in_stock
        assert AuditEntry.objects.filter(event="meter.exchange_undone").count() == 1
        scene.exchange()  # and may be entered anew

    @pytest.mark.parametrize("quality", [Quality.MEASURED, Quality.INTERPOLATED])
    def test_is_refused_once_values_were_billed(self, scene: Scene, quality: Quality) -> None:
        made = scene.exchange()
        at = AT + 2 * HOUR
        read_at = at if quality is Quality.MEASURED else None
        note_billed(export_id=1, values=[Billed(scene.new.pk, "e1", at, 1, quality, read_at)])
        with pytest.raises(ValidationError) as caught:
            undo_exchange(installation=made, actor=ACTOR, now=NOW)
        assert caught.value.code == "billed"

    def test_is_refused_once_the_new_meter_was_exchanged(self, scene: Scene) -> None:
        made = scene.exchange()
        third = factories.meter()
        again = replace(VISIT, removed_at=NOW, mounted_at=NOW, end_registers={}, start_registers={})
        scene.exchange(again, installation=made, new_meter=third)
        with pytest.raises(ValidationError) as caught:
            undo_exchange(installation=made, actor=ACTOR, now=NOW)
        assert caught.value.code == "ended"

    def test_of_no_exchange_is_refused(self, scene: Scene) -> None:
        with pytest.raises(ValidationError) as caught:
            undo_exchange(installation=scene.installed, actor=ACTOR, now=NOW)
        assert caught.value.code == "none"


# ── The worked cases, by the service and the database ───────────────────────────────────────────


@pytest.mark.parametrize(
    "case", [one for one in CASES if len(one["installations"]) == 2], ids=lambda one: one["id"]
)
def test_a_worked_case_comes_out_of_the_database(
    case: dict[str, Any], db: None, aalund: Tenant
) -> None:
    first, second = case["installations"]
    with tenant_context(aalund.pk):
        place = factories.place()
        meters = {name["meter"]: factories.meter() for name in (first, second)}
        import_readings(
            [
                reading(meters[owner], moment(at), e1=base(raw, scale, unit))
                for owner, _, at, raw, scale, unit, _, _ in case["readings"]
            ]
        )
        starts_at = min(moment(one[2]) for one in case["readings"])
        old = install_meter(
            meter=meters[first["meter"]],
            supply_point=place,
            at=moment(first["from"]) if first.get("from") else starts_at,
            registers={},
            actor=ACTOR,
        )
        end, start = register(first["end"]), register(second["start"])
        assert end is not None
        assert start is not None
        exchange_meter(
            installation=old,
            new_meter=meters[second["meter"]],
            visit=Visit(
                moment(first["to"]),
                moment(second["from"]),
                {"e1": end},
                {"e1": start},
                {"e1": int(Fraction(case["bridge"]) * BASE["kWh"])},
            ),
            actor=ACTOR,
            now=moment(second["from"]) + HOUR,
        )
        for view in case["expected"]:
            low, high = map(moment, view["window"])
            found = consumption_of_supply_point(
                place.pk, Medium.HEAT, E1, low, high, BucketSize(view["bucket"]), COPENHAGEN
            )
            assert [
                (bucket.value and bucket.value / KWH, bucket.quality.value, list(bucket.flags))
                for bucket in found
            ] == [
                (None if exact is None else Fraction(exact), quality, flags)
                for _, _, _, exact, quality, flags, _ in view["rows"]
            ]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_visit_the_line_never_falls_and_adds_up(
    seed: int, db: None, aalund: Tenant
) -> None:
    """Any registers between the meters' own readings give no negative bar, and the parts of the
    window add up to what both meters counted, plus the bridge."""
    numbers = random.Random(seed)
    with tenant_context(aalund.pk):
        scene = Scene()
        gap = timedelta(minutes=numbers.choice([0, 0, 20, 90]))
        at = START + timedelta(minutes=numbers.randrange(30, 19 * 60))
        counted_then = 1_000 + 5 * ((at - START) // HOUR)
        visit = Visit(
            at,
            at + gap,
            {"e1": numbers.randrange(counted_then * KWH, (counted_then + 5) * KWH + 1)},
            {"e1": numbers.randrange(10 * KWH + 1)},
            {"e1": numbers.randrange(5 * KWH)},
        )
        scene.exchange(visit)
        hours = scene.hours()
        assert all(bucket.value is None or bucket.value >= 0 for bucket in hours)
        (whole,) = consumption_of_supply_point(
            scene.place.pk, Medium.HEAT, E1, START, NOW, BucketSize.YEAR, COPENHAGEN
        )
        counted = visit.end_registers["e1"] - 1_000 * KWH + 67 * KWH - visit.start_registers["e1"]
        bridge = visit.bridges["e1"] if gap else 0
        assert whole.value == counted + bridge
        assert sum(bucket.value or 0 for bucket in hours) == whole.value


def test_a_year_without_a_meter_is_the_limit() -> None:
    assert timedelta(days=365) == exchange.LONGEST_WITHOUT
