"""A day at the desk: find, look, tick, group, and see it on the map; by mouse and by keys."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from meters import groups
from meters.models import Meter, MeterGroup, MeterState, SupplyPoint
from meters.services import install_meter, register_customer
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.browser.visit import Visit

pytestmark = pytest.mark.browser


@pytest.fixture
def street(site: str, aalund: Tenant) -> list[Meter]:
    """Three houses in a row; the second cools badly."""
    made = []
    with tenant_context(aalund.pk):
        for number in (1, 2, 3):
            meter = factories.meter(number=f"7000000{number}")
            customer = register_customer(
                number=f"10{number}", name=f"Ida {number}", actor=factories.ACTOR
            )
            place = factories.place(street=f"Ravnsgade {number}", customer=customer)
            SupplyPoint.objects.filter(pk=place.pk).update(
                latitude=55_000_000 + number * 1000, longitude=9_000_000 + number * 1000
            )
            install_meter(
                meter=meter,
                supply_point=place,
                at=datetime(2026, 1, 1, tzinfo=UTC),
                registers={},
                actor=factories.ACTOR,
            )
            return_temperature = 62_000 if number == 2 else 35_000
            MeterState.objects.filter(meter=meter).update(
                heard_at=timezone.now(), read_at=timezone.now(), e1=3_600_000_000,
                t1=70_000, t2=return_temperature,
            )  # fmt: skip
            made.append(meter)
        groups.create_group(name="Observation list A", actor=factories.ACTOR)
    return made


def test_from_a_search_to_an_observation_list(
    browser: Browser, site: str, aalund: Tenant, alice: User, street: list[Meter]
) -> None:
    visit = Visit(browser, site, "desk", "light")
    visit.log_in(alice)
    page = visit.page
    # Found as one types, opened by keys.
    page.keyboard.press("/")
    page.keyboard.type("ravnsgade")
    expect(page.locator("#search-found a").first).to_be_visible()
    assert visit.barriers() == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/meters/{street[0].pk}/")
    # Filtered; the address is the whole state.
    page.goto(f"{site}/t/aalund/meters/?q=ravnsgade&sort=cooling")
    page.locator("summary", has_text="Filter").first.click()
    page.fill("#narrow-cooling", "20")
    page.press("#narrow-cooling", "Enter")
    page.wait_for_url("**cooling=20**")
    expect(page.locator("tr[data-meter]")).to_have_count(1)
    # The drawer beside the list, by mouse; Escape closes it.
    page.locator("tr[data-meter] td.card-state").click()
    expect(page.locator("#drawer h2")).to_have_text("Ravnsgade 2")
    expect(page.locator("#drawer")).to_contain_text("62")
    page.wait_for_load_state("networkidle")
    assert visit.barriers() == []
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    # Ticked by Space, put into a group.
    page.locator("tr[data-meter]").first.focus()
    page.keyboard.press("Space")
    expect(page.locator("[data-selected]")).to_have_text("1")
    page.locator("#selection summary", has_text="Add to group").click()
    page.get_by_role("button", name="Observation list A").click()
    expect(page.locator(".message")).to_contain_text("1 meter is added")
    with tenant_context(aalund.pk):
        assert MeterGroup.objects.get().size == 1
    # The keyboard walks, Enter opens.
    page.goto(f"{site}/t/aalund/meters/")
    page.locator("tr[data-meter]").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/meters/{street[1].pk}/")
    assert visit.complaints == []
    visit.context.close()


def test_the_map_shows_them_and_its_list_opens_them(
    browser: Browser, site: str, alice: User, street: list[Meter]
) -> None:
    visit = Visit(browser, site, "desk", "dark")
    visit.log_in(alice)
    page = visit.page
    page.goto(f"{site}/t/aalund/meters/map/?layer=cooling")
    expect(page.locator("#map[data-drawn='3']")).to_be_attached()
    expect(page.locator(".map-row")).to_have_count(3)
    assert visit.barriers() == []
    # The legend filters both.
    page.locator("[data-level='1']").uncheck()
    expect(page.locator(".map-row")).to_have_count(1)
    # A marker is reached by keys and opens the meter.
    page.locator("#map .spot[role=button]").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#drawer h2")).to_have_text("Ravnsgade 2")
    assert visit.complaints == []
    visit.context.close()


@pytest.mark.parametrize(("size", "scheme"), [("desk", "dark"), ("phone", "light")])
def test_pages_of_the_desk_are_quiet_and_fit(
    browser: Browser, site: str, alice: User, street: list[Meter], size: str, scheme: str
) -> None:
    visit = Visit(browser, site, size, scheme)
    visit.log_in(alice)
    for path in (
        "meters/",
        "meters/?group=1&cooling=20",
        "meters/new/",
        f"meters/{street[0].pk}/edit/",
        "meters/groups/",
        "meters/groups/?rule=cooling%3D20",
        "meters/map/",
        "meters/priority/",
        "meters/import/",
    ):
        answer = visit.page.goto(f"{site}/t/aalund/{path}")
        assert answer is not None
        assert answer.status == 200, path
        visit.page.wait_for_load_state("networkidle")
        assert visit.complaints == [], path
        wide = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} is {wide} px too wide"
        assert visit.barriers() == [], path
    visit.context.close()
