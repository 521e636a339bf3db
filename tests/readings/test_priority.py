"""Priority meters: up to the limit, and their last hours."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from meters import priority
from meters.models import Meter
from readings.models import Origin, Reading, Trust
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/t/aalund/meters/priority/"


def test_no_more_than_the_limit(aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        Tenant.objects.filter(pk=aalund.pk).update(priority_meters=2)
        first, second, third = (factories.meter() for _n in range(3))
        some = Meter.objects.filter(pk__in=[first.pk, second.pk])
        assert priority.make_priority(meters=some, actor=factories.ACTOR) == 2
        assert priority.make_priority(meters=some, actor=factories.ACTOR) == 0
        with pytest.raises(ValidationError, match="2 of 2 priority meters"):
            priority.make_priority(meters=Meter.objects.filter(pk=third.pk), actor=factories.ACTOR)
        one = Meter.objects.filter(pk=first.pk)
        assert priority.end_priority(meters=one, actor=factories.ACTOR) == 1
        events = AuditEntry.objects.filter(event__contains="priority")
        assert events.count() == 3


def test_the_page_draws_the_last_hours(client: Client, aalund: Tenant, bob: User) -> None:
    now = timezone.now()
    with tenant_context(aalund.pk):
        meter = factories.meter(interval_s=300)
        for minutes in range(5, 30, 5):
            Reading.objects.create(
                tenant_id=aalund.pk,
                meter_id=meter.pk,
                ts=now - timedelta(minutes=minutes),
                received_at=now,
                origin=Origin.FIXED_NETWORK,
                trust=Trust.MAC,
                power1=1000 * minutes,
            )
        factories.meter(interval_s=300, number="63000009")
    client.force_login(bob)
    text = client.get(PAGE).content.decode()
    assert text.count("<polyline") == 1
    assert "5 readings between 5.0 and 25.0 kW" in text
    assert "No readings in these hours" in text
    assert "add/" not in text
    part = client.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part


def test_meters_are_chosen_by_their_number(client: Client, aalund: Tenant, alice: User) -> None:
    with tenant_context(aalund.pk):
        meter = factories.meter(number="63000001")
    client.force_login(alice)
    client.post(PAGE + "add/", {"number": "99999999"})
    client.post(PAGE + "add/", {"number": "63000001"})
    text = client.get(PAGE).content.decode()
    assert "There is no meter with the serial number “99999999”." in text
    assert "63000001 is a priority meter now." in text
    client.post(PAGE + "remove/", {"meter": meter.pk})
    assert "No priority meters" in client.get(PAGE).content.decode()


def test_a_user_chooses_none(client: Client, aalund: Tenant, bob: User) -> None:
    client.force_login(bob)
    assert client.post(PAGE + "add/", {"number": "63000001"}).status_code == 403
    assert client.post(PAGE + "remove/", {"meter": "1"}).status_code == 403


def test_a_number_that_none_can_have_is_not_found(
    client: Client, aalund: Tenant, alice: User
) -> None:
    client.force_login(alice)
    answer = client.post(PAGE + "add/", {"number": "63\x00000001"}, follow=True)
    assert "There is no meter with the serial number “63000001”." in answer.content.decode()
