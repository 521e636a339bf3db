"""The newest of each meter: what is known when its row is locked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import transaction

from collectors.pipeline import import_readings
from meters import state
from meters.models import Meter
from meters.registers import COLUMNS
from readings.models import Kind, Origin, Reading, Trust
from readings.services import NewReading, Stored
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.tenancy.staging import stamp
from tests import factories
from tests.beside import beside
from tests.conftest import as_admin

AT = datetime(2026, 3, 1, 10, 30, 0, 250_000, tzinfo=UTC)
NOBODYS = 2_000_000_000


@pytest.fixture
def inside(committed: None, aalund: Tenant) -> Iterator[Tenant]:
    with tenant_context(aalund.pk):
        yield aalund


def told(meter_id: int, kind: Kind = Kind.NOW) -> NewReading:
    return NewReading(
        meter_id=meter_id,
        at=AT,
        received_at=AT,
        values=[7 if column == "e1" else None for column in COLUMNS],
        origin=Origin.FIXED_NETWORK,
        trust=Trust.MAC,
        interval_s=3600,
        kind=kind,
    )


def locked_for_others(meter: Meter) -> bool:
    with as_admin() as link:
        try:
            link.execute(
                "SELECT 1 FROM meters_meterstate WHERE meter_id = %s FOR UPDATE NOWAIT", [meter.pk]
            )
        except psycopg.errors.LockNotAvailable:
            return True
    return False


class TestTimes:
    def test_are_those_of_the_rows(self, inside: Tenant, birkelse: Tenant) -> None:
        read, never, after = (factories.meter() for _ in range(3))
        import_readings([told(read.pk), told(after.pk)])
        asked = [after.pk, read.pk, never.pk, read.pk, NOBODYS]
        times = state.lock_times(asked)
        assert times == {read.pk: stamp(AT), never.pk: state.NEVER, after.pk: stamp(AT)}
        assert times == state.read_times(state.lock(asked))
        assert state.lock_times([]) == {}
        with tenant_context(birkelse.pk):
            assert state.lock_times(asked) == {}

    def test_are_those_that_whoever_held_the_lock_left(
        self, committed: None, aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            meter = factories.meter()
        later = told(meter.pk)
        later.at += timedelta(minutes=5)

        def write() -> None:
            with tenant_context(aalund.pk):
                import_readings([later])

        with beside(write) as begin, tenant_context(aalund.pk):
            import_readings([told(meter.pk)])
            begin()
        assert later.outcome is Stored.CONDENSED

    def test_are_of_rows_that_are_locked_those_of_meters_never_read_too(
        self, committed: None, aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            meters = read, never, _other = [factories.meter() for _ in range(3)]
            import_readings([told(read.pk)])
        with tenant_context(aalund.pk):
            assert not any(locked_for_others(meter) for meter in meters)
            state.lock_times([read.pk, never.pk])
            assert [locked_for_others(meter) for meter in meters] == [True, True, False]


@pytest.mark.parametrize("kind", [Kind.NOW, Kind.TARGET])
def test_a_reading_of_no_meter_is_not_stored(inside: Tenant, kind: Kind) -> None:
    meter = factories.meter()
    with pytest.raises(KeyError), transaction.atomic():
        import_readings([told(meter.pk), told(NOBODYS, kind)])
    assert not Reading.objects.exists()
    assert state.lock([meter.pk])[meter.pk].read_at is None
