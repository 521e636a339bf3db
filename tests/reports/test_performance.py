"""Reading performance beside the morning page: sums of all meters by day, kept for a while."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from readings.models import PerformanceDay
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from reports.performance import WEEKS, Day, weeks
from tests import factories

pytestmark = pytest.mark.django_db
# A Thursday, of this year: only the years around today have partitions.
TODAY = next(
    day for back in range(7) if (day := timezone.localdate() - timedelta(days=back)).weekday() == 3
)


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def told(tenant: Tenant, day: date, expected: int | None, received: int) -> None:
    with tenant_context(tenant.pk):
        PerformanceDay.objects.create(
            tenant_id=tenant.pk,
            meter_id=factories.meter().pk,
            day=day,
            interval_s=3600,
            expected=expected,
            received=received,
        )


def shown(tenant: Tenant, *, whole: bool = True) -> dict[date, Day]:
    with tenant_context(tenant.pk):
        return {
            day.day: day for week in weeks(TODAY, whole=whole) for day in week if day is not None
        }


def test_days_are_sums_of_all_meters_and_no_meter_makes_up_for_another(
    aalund: Tenant, birkelse: Tenant
) -> None:
    yesterday = TODAY - timedelta(days=1)
    told(aalund, yesterday, 24, 12)
    told(aalund, yesterday, 24, 30)  # more than expected is still all of it
    told(aalund, yesterday, None, 5)  # the day is not closed for this one
    told(birkelse, yesterday, 24, 0)
    days = shown(aalund)
    assert days[yesterday] == Day(yesterday, 48, 36)
    assert (days[yesterday].percent, days[yesterday].shape) == (75, "alarm")
    assert days[yesterday].missing == 12
    assert days[TODAY - timedelta(days=2)].percent is None
    assert TODAY not in days


def test_days_before_the_first_reading_ever_are_nobodys_fault(
    aalund: Tenant, birkelse: Tenant
) -> None:
    began = TODAY - timedelta(days=8)
    for utility in (aalund, birkelse):
        told(utility, began - timedelta(days=1), 24, 0)
        told(utility, began, 24, 20)
        told(utility, began + timedelta(days=1), 24, 0)
    told(birkelse, TODAY - timedelta(days=50), 24, 20)  # it was read before the calendar begins
    begun, running = shown(aalund, whole=False), shown(birkelse, whole=False)
    assert begun[began - timedelta(days=1)].percent is None
    assert begun[began].percent == running[began].percent == 83
    assert begun[began + timedelta(days=1)].percent == 0
    assert running[began - timedelta(days=1)].percent == 0


def test_the_calendar_begins_on_a_monday_and_ends_yesterday(aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        found = weeks(TODAY, whole=True)
        monday = weeks(TODAY - timedelta(days=3), whole=True)
    assert len(found) == WEEKS
    assert {len(week) for week in found} == {7}
    assert all(week[0] is not None and week[0].day.weekday() == 0 for week in found)
    assert [day is None for day in found[-1]] == [False] * 3 + [True] * 4
    assert all(monday[-1]), "on a Monday the last week is the one before"


def test_sums_are_kept_but_never_shown_to_who_sees_less(aalund: Tenant) -> None:
    yesterday = TODAY - timedelta(days=1)
    told(aalund, yesterday, 10, 10)
    assert shown(aalund)[yesterday].received == 10
    told(aalund, yesterday, 10, 0)
    assert shown(aalund)[yesterday].expected == 10, "kept for a while"
    assert shown(aalund, whole=False)[yesterday].expected == 20


def test_the_page_says_it_in_words(client: Client, aalund: Tenant, alice: User) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    client.force_login(alice)
    address = "/t/aalund/performance/"
    assert "Nothing is known of yesterday yet" in client.get(address).content.decode()
    cache.clear()
    told(aalund, yesterday, 100, 97)
    text = client.get(address).content.decode()
    assert "Yesterday 97 of 100 expected readings came in." in text
    assert address in client.get("/t/aalund/").content.decode()
