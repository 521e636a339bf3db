"""The page that erases a former resident's data does it whole or not at all."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from collectors import erasure
from collectors.pipeline import import_readings
from meters.models import Customer, Occupancy
from meters.occupancy import change_occupant
from meters.services import install_meter, register_customer
from readings.models import ErasureCertificate, Reading
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.matrix.world import signed_in
from tests.readings.test_daily import reading

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


@pytest.mark.usefixtures("committed")
def test_who_moves_in_elsewhere_meanwhile_keeps_everything(
    alice: User, aalund: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague notes it after the customer's fate was looked at, before their name goes."""
    with tenant_context(aalund.pk):
        meter, place, elsewhere = factories.meter(), factories.place(), factories.place()
        install_meter(meter=meter, supply_point=place, at=NOW - 9 * DAY, registers={}, actor=ACTOR)
        former = register_customer(number="1001", name="Former", actor=ACTOR)
        change_occupant(supply_point=place, customer=former, at=NOW - 9 * DAY, actor=ACTOR)
        change_occupant(supply_point=place, customer=None, at=NOW - 4 * DAY, actor=ACTOR)
        period = Occupancy.objects.get(customer=former)
        import_readings([reading(meter, NOW - days * DAY, v1=9 - days) for days in (7, 6, 5)])

    def move_in() -> None:
        with tenant_context(aalund.pk):
            change_occupant(supply_point=elsewhere, customer=former, at=NOW - DAY, actor=ACTOR)
        connections.close_all()

    look = erasure._fate

    def looked_at_and_then(*about: Any) -> ErasureCertificate.Fate:
        found = look(*about)
        if Reading.objects.exists():  # the page's own look, before anything went
            return found
        colleague = threading.Thread(target=move_in)
        colleague.start()
        colleague.join(30)
        return found

    monkeypatch.setattr(erasure, "_fate", looked_at_and_then)
    client = signed_in(alice)
    answer = client.post(
        f"/t/aalund/places/{place.pk}/residents/{period.pk}/erase/",
        {"request": "case 17", "confirmed": "on"},
    )
    assert answer.status_code == 302
    assert "This customer lives somewhere still." in client.get(answer["Location"]).content.decode()
    with tenant_context(aalund.pk):
        assert Occupancy.objects.filter(customer=former, ends_at=None).count() == 1
        assert Reading.objects.filter(meter_id=meter.pk).count() == 3
        assert Customer.objects.get(pk=former.pk).name == "Former"
        assert not ErasureCertificate.objects.exists()
        assert not AuditEntry.objects.filter(event="readings.erased").exists()
