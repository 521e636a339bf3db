"""One reading an interval and instant, whatever the order in which it is told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from collectors.pipeline import import_readings
from meters.models import Meter, MeterState
from meters.registers import COLUMNS
from readings.models import Kind, Origin, Reading, Status, Trust
from readings.services import NewReading, Stored
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

AT = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
DAY = 86_400


@pytest.fixture
def inside(committed: None, aalund: Tenant) -> Any:
    with tenant_context(aalund.pk):
        yield aalund


def told(
    meter: Meter,
    at: datetime,
    kind: Kind = Kind.NOW,
    *,
    extra: dict[str, list[object]] | None = None,
    trust: Trust = Trust.MAC,
    late: int = 9,
    **values: int,
) -> NewReading:
    return NewReading(
        meter_id=meter.pk,
        at=at,
        received_at=at + timedelta(seconds=late),
        values=[values.get(column) for column in COLUMNS],
        origin=Origin.FIXED_NETWORK,
        trust=trust,
        interval_s=DAY,
        kind=kind,
        extra=extra,
    )


def stored() -> list[dict[str, Any]]:
    skipped = {"tenant_id", "meter_id"}
    return [
        {name: value for name, value in row.items() if name not in skipped and value is not None}
        for row in Reading.objects.order_by("meter_id", "ts").values()
    ]


def after(tellings: Sequence[NewReading], batches: bool) -> list[dict[str, Any]]:
    """What is stored of one meter after these, one by one or in one batch; then forgotten."""
    for group in [tellings] if batches else [[one] for one in tellings]:
        import_readings(group)
    found = stored()
    Reading.objects.all().delete()
    MeterState.objects.update(read_at=None, **dict.fromkeys(COLUMNS))
    return found


@pytest.mark.parametrize("batches", [False, True])
def test_every_order_ends_the_same(inside: Tenant, batches: bool) -> None:
    meter = factories.meter(interval_s=DAY)

    def tellings() -> list[NewReading]:
        late = AT + timedelta(hours=3)
        return [
            told(meter, late, e1=7, v1=8, t1=9, extra={"P3": [1, 0, "bar"]}),
            told(meter, late, Kind.TARGET, e1=7, e8=3, trust=Trust.PLAUSIBLE, late=5),
            told(meter, AT + timedelta(hours=1), e1=5, extra={"X": [1, 0, ""]}),
            told(meter, AT + timedelta(hours=1), v1=6, trust=Trust.NONE, extra={"Y": [2, 0, ""]}),
        ]

    ends = [after(order, batches) for order in permutations(tellings())]
    assert all(end == ends[0] for end in ends)
    first, target = ends[0]
    assert (first["e1"], first["v1"], first["trust"]) == (5, 6, Trust.NONE)
    assert first["extra"] == {"X": [1, 0, ""], "Y": [2, 0, ""]}
    # Of the later instant only what the target date told is left.
    assert (target["kind"], target["e1"], target["e8"]) == (Kind.TARGET, 7, 3)
    assert not {"v1", "t1", "extra"} & target.keys()
    assert target["trust"] == Trust.PLAUSIBLE


def test_current_and_target_of_one_instant_are_one_reading(inside: Tenant) -> None:
    meter = factories.meter(interval_s=DAY)

    def tellings() -> list[NewReading]:
        return [told(meter, AT, e1=7, v1=8), told(meter, AT, Kind.TARGET, e1=7, e8=3)]

    one, other = tellings(), tellings()[::-1]
    assert after(one, False) == after(other, False)
    assert [reading.outcome for reading in one] == [Stored.STORED, Stored.MERGED]


def test_a_second_value_stays_outside_and_says_against_what(inside: Tenant) -> None:
    meter = factories.meter(interval_s=DAY)
    first, second = told(meter, AT, e1=7), told(meter, AT, e1=8, v1=1)
    import_readings([first, second])
    assert (first.outcome, second.outcome) == (Stored.STORED, Stored.CONFLICT)
    assert second.contradicts is not None
    assert second.contradicts[COLUMNS.index("e1")] == 7
    assert [(row["e1"], row.get("v1")) for row in stored()] == [(7, None)]
    assert MeterState.objects.get().v1 is None


def test_the_same_again_is_a_duplicate(inside: Tenant) -> None:
    meter = factories.meter(interval_s=DAY)
    first, again = told(meter, AT, e1=7), told(meter, AT, e1=7)
    import_readings([first, again])
    later = told(meter, AT, e1=7)
    import_readings([later])
    assert [one.outcome for one in (first, again, later)] == [
        Stored.STORED,
        Stored.DUPLICATE,
        Stored.DUPLICATE,
    ]


def test_an_estimate_gives_way_and_an_edit_stays(inside: Tenant) -> None:
    meter = factories.meter(interval_s=DAY)
    import_readings([told(meter, AT, e1=7, v1=2)])
    Reading.objects.update(status=Status.ESTIMATED)
    measured = told(meter, AT, e1=8)
    import_readings([measured])
    assert measured.outcome is Stored.STORED
    assert [(row["e1"], row.get("v1"), row["status"]) for row in stored()] == [(8, None, 0)]
    Reading.objects.update(status=Status.EDITED, e1=9)
    import_readings([told(meter, AT, e1=8, v1=2)])
    assert [(row["e1"], row.get("v1")) for row in stored()] == [(9, None)]


def test_the_newest_values_are_each_registers_own(inside: Tenant) -> None:
    meter = factories.meter(interval_s=3600)
    import_readings([told(meter, AT + timedelta(hours=2), e1=9), told(meter, AT, e1=7, flow1=3)])
    state = MeterState.objects.get()
    assert (state.e1, state.flow1, state.read_at) == (9, 3, AT + timedelta(hours=2))
