"""A large batch is turned into columns by pieces: what is stored is the same wherever one ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from collectors.pipeline import import_readings
from meters.models import Meter, MeterState
from meters.registers import COLUMNS
from readings import standing, writing
from readings.models import DirtyDay, Kind, Origin, Reading, Trust
from readings.services import NewReading, Stored
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
# Some readings beyond the second piece; an hour apart.
COUNT = 2 * writing._PIECE + 3


@pytest.fixture
def meter(committed: None, aalund: Tenant) -> Any:
    with tenant_context(aalund.pk):
        yield factories.meter(interval_s=3600)


def batch(meter: Meter) -> list[NewReading]:
    """Hour by hour E1 counts up; the last reading alone tells V1, extra, and came another way."""
    made = [
        NewReading(
            meter_id=meter.pk,
            at=START + place * HOUR,
            received_at=START + COUNT * HOUR,
            values=[place if column == "e1" else None for column in COLUMNS],
            origin=Origin.FIXED_NETWORK,
            trust=Trust.PLAUSIBLE,
            interval_s=3600,
        )
        for place in range(COUNT)
    ]
    last = made[-1]
    last.values = [{"e1": COUNT - 1, "v1": 7}.get(column) for column in COLUMNS]
    last.extra = {"P3": [1, 0, "bar"]}
    last.origin, last.trust = Origin.DRIVE_BY, Trust.MAC
    last.received_at += HOUR
    return made


def stored() -> list[dict[str, Any]]:
    return list(Reading.objects.order_by("ts").values())


def marked() -> list[Any]:
    return sorted(DirtyDay.objects.values_list("day", flat=True))


def test_what_only_the_last_piece_tells_is_stored(meter: Meter) -> None:
    readings = batch(meter)
    import_readings(readings)
    rows = stored()
    assert [(row["e1"], row["ts"]) for row in rows] == [(one.values[0], one.at) for one in readings]
    told = ("v1", "extra", "origin", "trust", "received_at")
    other = readings[0]
    alike = [None, None, other.origin, other.trust, other.received_at]
    assert all([row[name] for name in told] == alike for row in rows[:-1])
    last = readings[-1]
    its_own = [7, last.extra, last.origin, last.trust, last.received_at]
    assert [rows[-1][name] for name in told] == its_own


def test_what_only_the_first_piece_tells_is_stored(meter: Meter) -> None:
    readings = batch(meter)[::-1]
    import_readings(readings)
    assert [(row["v1"], row["extra"]) for row in stored()] == [
        *[(None, None)] * (COUNT - 1),
        (7, readings[0].extra),
    ]


def test_a_target_date_in_the_last_piece_keeps_what_it_told(meter: Meter) -> None:
    readings = batch(meter)
    readings[-1].kind = Kind.TARGET
    import_readings(readings)
    fixed = writing._fixed(readings[-1])
    assert fixed is not None
    assert [row["fixed"] for row in stored()] == [*[None] * (COUNT - 1), fixed]


def test_one_that_is_there_in_the_last_piece_changes_nothing_about_the_rest(meter: Meter) -> None:
    """A target date ahead of the newest reading: the key refuses, and the batch is merged."""

    def ahead() -> NewReading:
        target = batch(meter)[-1]
        target.kind = Kind.TARGET
        target.values = [COUNT - 1 if column == "e1" else None for column in COLUMNS]
        target.extra = None
        return target

    ends = []
    for size in (COUNT, 100):
        import_readings([ahead()])
        readings = batch(meter)
        for start in range(0, COUNT, size):
            import_readings(readings[start : start + size])
        assert [one.outcome for one in readings] == [*[Stored.STORED] * (COUNT - 1), Stored.MERGED]
        ends.append((stored(), marked()))
        Reading.objects.all().delete()
        standing.take(list(DirtyDay.objects.values_list("meter_id", "day")))
        MeterState.objects.update(read_at=None, **dict.fromkeys(COLUMNS))
    assert len(ends[0][0]) == COUNT
    assert ends[0] == ends[1]


def test_the_same_again_is_all_duplicates(meter: Meter) -> None:
    import_readings(batch(meter))
    before = stored()
    readings = batch(meter)
    import_readings(readings)
    assert {one.outcome for one in readings} == {Stored.DUPLICATE}
    assert stored() == before


def test_an_error_in_the_last_piece_leaves_nothing_and_the_connection_usable(meter: Meter) -> None:
    """It is met when the other pieces are on their way to PostgreSQL."""
    readings = batch(meter)
    readings[-1].extra = {"P3": [object()]}
    with pytest.raises(TypeError), transaction.atomic():
        import_readings(readings)
    assert stored() == []
    assert marked() == []
    import_readings(batch(meter))
    assert len(stored()) == COUNT


@pytest.mark.parametrize("values", [len(COLUMNS) - 1, len(COLUMNS) + 1])
def test_a_reading_that_tells_too_few_or_too_many_registers_is_refused(
    meter: Meter, values: int
) -> None:
    told = batch(meter)
    for one in told[writing._PIECE :]:
        one.values = [1] * values
    with pytest.raises(ValueError, match=f"{values} values"), transaction.atomic():
        import_readings(told)
    assert not stored()
