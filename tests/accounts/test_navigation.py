"""The rail marks the section that a page belongs to, whichever app makes the page."""

from datetime import date

import pytest
from django.template.defaultfilters import date as date_filter
from django.test import Client
from django.urls.resolvers import URLResolver
from django.utils import translation

from meters.models import Meter
from ready.accounts.models import User
from ready.accounts.navigation import SECTIONS
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.urls import urlpatterns
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_meters_events_belong_to_meters(client: Client, alice: User, aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        meter: Meter = factories.meter()
    client.force_login(alice)
    page = client.get(f"/t/aalund/meters/{meter.pk}/events/")
    current = [item.key for item in page.context["navigation"] if item.current]
    assert current == ["m"]


def test_every_view_that_a_section_names_exists() -> None:
    known = {
        f"{namespace}:{name}"
        for part in urlpatterns
        if isinstance(part, URLResolver) and (namespace := part.namespace)
        for name in part.reverse_dict
        if isinstance(name, str)
    }
    for section in SECTIONS:
        assert section.views <= known


def test_the_month_of_may_is_no_permission() -> None:
    with translation.override("da"):
        assert date_filter(date(2026, 5, 1), "F Y").lower() == "maj 2026"
