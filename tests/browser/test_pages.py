"""A person goes through the pages in a real browser, at the desk and on the phone.

No message in the console, no breach of the content security policy, nothing that axe-core calls
serious, no page wider than its window, and the chart draws what the readings say.
"""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser

from collectors.pipeline import import_readings
from meters.models import Meter
from meters.registers import COLUMNS
from meters.services import install_meter
from readings.models import Origin, Trust
from readings.services import NewReading
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.browser.visit import Visit

pytestmark = pytest.mark.browser
PAGES = [
    "",
    "meters/",
    "meters/{meter}/",
    "meters/{meter}/readings/",
    "meters/{meter}/readings/add/",
    "operation/telegrams/",
    "operation/quarantine/",
    "operation/collectors/",
    "operation/collectors/new/",
    "operation/inspector/",
    "operation/info-codes/",
    "operation/outbox/",
    "analysis/consumption/",
    "analysis/comparison/",
    "meters/map/",
    "meters/groups/",
    "meters/priority/",
    "meters/exchanges/",
    "meters/import/",
    "meters/keys/",
    "meters/key-doctor/",
    "meters/new/",
    "meters/{meter}/consumption/",
    "meters/{meter}/consumption/?outdoor=yes",
    "meters/{meter}/events/",
    "meters/{meter}/history/",
    "meters/{meter}/telegrams/",
    "meters/{meter}/key/",
    "meters/{meter}/edit/",
    "meters/{meter}/exchange/",
    "meters/{meter}/exchange/plan/",
    "meters/{meter}/report/send/",
    "customers/",
    "configuration/",
    "configuration/audit/",
    "configuration/keeping/",
    "configuration/letterhead/",
    "configuration/outdoor-temperature/",
    "configuration/roles/",
    "configuration/sign-in/",
    "configuration/tokens/",
    "configuration/users/",
]


@pytest.fixture
def meter(site: str, aalund: Tenant) -> Meter:
    """A mounted meter with a week of hourly readings: 2 kWh an hour."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = now - timedelta(days=7)
    with tenant_context(aalund.pk):
        made = factories.meter(number="63000001", key=bytes(16))
        install_meter(
            meter=made,
            supply_point=factories.place(),
            at=start,
            registers={},
            actor=factories.ACTOR,
        )
        e1 = COLUMNS.index("e1")
        readings = []
        for hour in range(7 * 24 + 1):
            values: list[int | None] = [None] * len(COLUMNS)
            values[e1] = (1000 + 2 * hour) * 3_600_000
            at = start + timedelta(hours=hour)
            readings.append(
                NewReading(made.pk, at, now, values, Origin.IMPORT, Trust.NONE, 3600, own_time=True)
            )
        import_readings(readings)
    return made


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_every_page_is_quiet_and_fits(
    browser: Browser, site: str, alice: User, meter: Meter, size: str, scheme: str
) -> None:
    visit = Visit(browser, site, size, scheme)
    visit.log_in(alice)
    for path in PAGES:
        address = f"{site}/t/aalund/{path.format(meter=meter.pk)}"
        answer = visit.page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        visit.page.wait_for_load_state("networkidle")
        assert visit.complaints == [], address
        wide = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{address} is {wide} px too wide"
        assert visit.barriers() == [], address
    visit.context.close()


def test_the_chart_draws_what_the_readings_say(
    browser: Browser, site: str, alice: User, meter: Meter
) -> None:
    visit = Visit(browser, site, "desk", "light")
    visit.log_in(alice)
    visit.page.goto(f"{site}/t/aalund/meters/{meter.pk}/")
    visit.page.wait_for_selector(".bars .point")
    assert visit.page.locator(".bars .point").count() >= 2
    assert visit.complaints == []
    visit.context.close()


def test_search_from_any_page_finds_a_meter(
    browser: Browser, site: str, alice: User, meter: Meter
) -> None:
    visit = Visit(browser, site, "desk", "light")
    visit.log_in(alice)
    visit.page.keyboard.press("/")
    visit.page.keyboard.type("63000001")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/meters/**")
    assert visit.page.get_by_text("63000001").first.is_visible()
    visit.context.close()
