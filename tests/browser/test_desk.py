"""A day at the desk: find, look, tick, group, and see it on the map; by mouse and by keys."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from meters import groups, listing, searching
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


def test_all_that_match_words_that_very_many_have(
    browser: Browser,
    site: str,
    aalund: Tenant,
    alice: User,
    street: list[Meter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 63 of 64 meters have the words, and 64 are very many here.
    with tenant_context(aalund.pk):
        for number in range(60):
            factories.meter(number=f"7100{number:04}")
        factories.meter(number="99000000")
    monkeypatch.setattr(searching, "FEW", 20)
    monkeypatch.setattr(listing, "_STEPS", ((0, 60), (60, 500)))
    visit = Visit(browser, site, "desk", "light")
    visit.log_in(alice)
    page = visit.page
    page.goto(f"{site}/t/aalund/meters/?q=7&in=serial&sort=serial")
    expect(page.locator("#list-title")).to_contain_text("more than 50")
    expect(page.locator(".pager")).to_contain_text("1–50 of more than 50")
    page.locator("[data-tick-all]").check()
    expect(page.locator("[data-selected]")).to_have_text("50")
    page.get_by_role("button", name="Select all that match").click()
    expect(page.locator("[data-selected]")).to_have_text("63")
    assert visit.barriers() == []
    # All stay selected on the other pages of the same list, and what is done is done to all.
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".pager")).to_contain_text("51–63 of 63")
    expect(page.locator("[data-tick]:checked")).to_have_count(13)
    page.get_by_role("link", name="Previous").click()
    expect(page.locator(".pager")).to_contain_text("1–50 of more than 50")
    expect(page.locator("[data-selected]")).to_have_text("63")
    page.locator("#selection summary", has_text="Add to group").click()
    page.get_by_role("button", name="Observation list A").click()
    expect(page.locator(".message")).to_contain_text("63 meters are added")
    with tenant_context(aalund.pk):
        assert MeterGroup.objects.get().size == 63
    # Enter in the field makes the group that was typed; it does not press another one's button.
    page.locator("[data-tick]").first.check()
    page.locator("#selection summary", has_text="Add to group").click()
    page.fill("#new-group", "Observation list B")
    page.press("#new-group", "Enter")
    expect(page.locator(".message")).to_contain_text("added to “Observation list B”")
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
