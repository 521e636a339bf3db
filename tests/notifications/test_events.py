"""A meter's events: info codes, exchanges and findings in one order; log data apart."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from meters import services
from meters.models import Meter
from meters.queries import meter_page
from notifications.models import InfoCodePeriod
from readings import findings, questions
from readings.models import Kind, Origin, Reading, Trust
from readings.rules.validation import Finding, Rule
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    """Mounted long ago; leaked yesterday, and had a spike this morning."""
    with tenant_context(aalund.pk):
        meter = factories.meter()
        services.install_meter(
            meter=meter,
            supply_point=factories.place(street="Lærkevej 4"),
            at=datetime(2024, 1, 1, tzinfo=UTC),
            registers={},
            actor=factories.ACTOR,
        )
        InfoCodePeriod.objects.create(
            meter=meter,
            code="leak",
            starts_at=NOW - timedelta(days=1),
            ends_at=NOW - timedelta(hours=9),
        )
        spike = Finding(Rule.SPIKE, "e1", 50 * 3_600_000, 20 * 3_600_000)
        findings.note([(meter.pk, NOW - timedelta(hours=2), [spike])])
    return meter


def test_all_kinds_stand_in_one_list_the_newest_first(
    client: Client, bob: User, meter: Meter
) -> None:
    client.force_login(bob)
    answer = client.get(f"/t/aalund/meters/{meter.pk}/events/")
    assert answer.status_code == 200
    page = answer.content.decode()
    spike = page.index("Spike · E1: 0.050 MWh, limit 0.020 MWh")
    assert spike < page.index("Leak") < page.index("Mounted at Lærkevej 4")


def test_nothing_is_said_plainly(client: Client, bob: User, aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        meter = factories.meter(in_stock=True)
    client.force_login(bob)
    page = client.get(f"/t/aalund/meters/{meter.pk}/events/").content.decode()
    assert "Nothing has happened" in page


def test_log_data_are_what_the_meter_had_kept(
    client: Client, bob: User, aalund: Tenant, meter: Meter
) -> None:
    with tenant_context(aalund.pk):
        for hours, kind in ((1, Kind.NOW), (2, Kind.TARGET)):
            at = NOW - timedelta(hours=hours)
            Reading.objects.create(
                tenant_id=aalund.pk,
                meter_id=meter.pk,
                ts=at,
                received_at=at,
                origin=Origin.FIXED_NETWORK,
                trust=Trust.MAC,
                kind=kind,
                e1=hours * 3_600_000_000,
            )
    client.force_login(bob)
    address = f"/t/aalund/meters/{meter.pk}/readings/"
    assert client.get(address).content.decode().count('class="nowrap"><a') == 2
    logged = client.get(f"{address}?show=log").content.decode()
    assert logged.count('class="nowrap"><a') == 1
    assert "Target date" in logged
    assert 'show=log" aria-current="page">Log data</a>' in logged


def test_a_chart_tells_the_info_codes_of_its_bars(meter: Meter, aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        zone = ZoneInfo(aalund.zone)
        today = NOW.astimezone(zone).date()
        days = {"from": str(today - timedelta(days=3)), "to": str(today), "step": "day"}
        asked = questions.ask(meter_page(meter.pk, NOW), days, today, zone)
        bars = questions.answer(asked, NOW, aalund.units).bars
    assert "Leak" in {mark for bar in bars for mark in bar.marks}


def test_every_process_knows_who_tells_of_info_codes() -> None:
    """One for mails or reports never looks at the addresses of pages."""
    program = """
import sys, django
django.setup()
from readings.questions import tellers
assert "ready.urls" not in sys.modules
print([one.__name__ for one in tellers()])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "['notifications.events']\n", done.stderr
