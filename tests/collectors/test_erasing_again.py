"""The maintenance, in its own role, erases what came of an erased time since."""

from datetime import UTC, datetime, timedelta

import pytest

from collectors import maintenance
from collectors.erasing_again import EraseAgain
from collectors.pipeline import import_readings
from meters.models import Occupancy
from meters.occupancy import change_occupant
from meters.services import install_meter, register_customer
from readings.models import ErasureCertificate, Kind, Reading
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.readings.test_daily import reading
from tests.readings.test_maintenance import as_maintainer

__all__ = ["as_maintainer"]
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


@pytest.mark.usefixtures("as_maintainer")
def test_as_the_role_of_the_maintenance(aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        meter, place = factories.meter(), factories.place()
        came, left = NOW - 9 * DAY, NOW - 4 * DAY
        install_meter(meter=meter, supply_point=place, at=came, registers={}, actor=ACTOR)
        former = register_customer(number="1001", name="Former", actor=ACTOR)
        change_occupant(supply_point=place, customer=former, at=came, actor=ACTOR)
        change_occupant(supply_point=place, customer=None, at=left, actor=ACTOR)
        period = Occupancy.objects.get(customer=former)
        ErasureCertificate.objects.create(
            supply_point_id=place.pk,
            customer_number="1001",
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            request="17",
            counts={},
            kept_billed=0,
            erased_at=NOW - DAY,
            actor_name="x",
        )
        told = [reading(meter, at, v1=1_000) for at in (left - DAY, left)]
        told[0].kind = Kind.TARGET
        import_readings(told)
    due = [one for one in maintenance.upkeep(NOW) if isinstance(one, EraseAgain)]
    assert len(due) == 1
    due[0].carry_out(NOW)
    with tenant_context(aalund.pk):
        assert list(Reading.objects.values_list("ts", flat=True)) == [left]
        assert AuditEntry.objects.filter(event="readings.erased_again").count() == 1
    assert not [one for one in maintenance.upkeep(NOW) if isinstance(one, EraseAgain)]
