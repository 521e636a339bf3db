"""What a person does at the desk, from the first click to the last: one walk a feature.

Each walk ends without a message in the console, a breach of the content security policy, or
anything that axe-core calls serious on the pages it came through.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from collectors.pipeline import import_readings
from meters import groups
from meters.imports import jobs
from meters.models import Customer, Installation, Meter, MeterGroup, MeterState, SupplyPoint
from meters.registers import COLUMNS
from meters.services import install_meter, register_customer
from notifications import mailing
from notifications.models import OutgoingMail
from readings.models import Origin, PlannedExchange, Trust
from readings.services import NewReading
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.browser.visit import Visit

pytestmark = pytest.mark.browser
DAYS = 6
KWH = 3_600_000


def house(number: int, return_temperature: int) -> Meter:
    """A mounted heat meter with a few days of hourly readings; flow 70 °C."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = now - timedelta(days=DAYS)
    meter = factories.meter(number=f"7100000{number}")
    customer = register_customer(number=f"20{number}", name=f"Ida {number}", actor=factories.ACTOR)
    Customer.objects.filter(pk=customer.pk).update(email=f"ida{number}@example.org")
    place = factories.place(street=f"Ravnsgade {number}", customer=customer)
    SupplyPoint.objects.filter(pk=place.pk).update(
        latitude=55_000_000 + number * 1000, longitude=9_000_000 + number * 1000
    )
    install_meter(meter=meter, supply_point=place, at=start, registers={}, actor=factories.ACTOR)
    readings = []
    for hour in range(0, DAYS * 24 + 1, 6):
        values: list[int | None] = [None] * len(COLUMNS)
        values[COLUMNS.index("e1")] = (1000 + 2 * hour) * KWH
        values[COLUMNS.index("t1")] = 70_000
        values[COLUMNS.index("t2")] = return_temperature if hour > 72 else 35_000
        at = start + timedelta(hours=hour)
        readings.append(
            NewReading(meter.pk, at, now, values, Origin.IMPORT, Trust.NONE, 3600, own_time=True)
        )
    import_readings(readings)
    MeterState.objects.filter(meter=meter).update(
        heard_at=timezone.now(), read_at=now, e1=(1000 + 48 * DAYS) * KWH,
        t1=70_000, t2=return_temperature,
    )  # fmt: skip
    return meter


@pytest.fixture
def street(site: str, aalund: Tenant) -> list[Meter]:
    """Three houses; the third cools worst, the second badly. A meter in stock, and a list."""
    with tenant_context(aalund.pk):
        made = [house(1, 35_000), house(2, 58_000), house(3, 64_000)]
        groups.create_group(name="Observation list A", actor=factories.ACTOR)
        factories.meter(number="72000009", in_stock=True)
    return made


@pytest.fixture
def visit(browser: Browser, site: str, alice: User, street: list[Meter]) -> Iterator[Visit]:
    made = Visit(browser, site, "desk", "light")
    made.log_in(alice)
    yield made
    assert made.complaints == []
    made.context.close()


class Hand:
    """A hand that counts its clicks."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1


def looked_at(visit: Visit) -> None:
    """The page as it stands is quiet and keeps nobody out."""
    visit.page.wait_for_load_state("networkidle")
    assert visit.barriers() == []
    assert visit.complaints == []


def test_worst_cooling_of_a_street_its_beginning_a_report_and_an_observation_list(
    visit: Visit, aalund: Tenant, street: list[Meter]
) -> None:
    page, hand = visit.page, Hand(visit.page)
    hand.click(page.get_by_role("link", name="Meters", exact=True))
    page.get_by_role("searchbox", name="Search in this list").fill("ravnsgade")
    page.keyboard.press("Enter")
    rows = page.locator("tr[data-meter]")
    expect(rows).to_have_count(3)
    hand.click(page.locator("summary", has_text="Filter").first)
    page.fill("#narrow-cooling", "20")
    page.keyboard.press("Enter")
    # The worst stands first, with its number; it goes into the list.
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Ravnsgade 3")
    expect(rows.first).to_contain_text("6.0")
    hand.click(rows.first.locator("[data-tick]"))
    hand.click(page.locator("#selection summary", has_text="Add to group"))
    looked_at(visit)
    hand.click(page.get_by_role("button", name="Observation list A"))
    expect(page.locator(".message")).to_contain_text("1 meter is added")
    with tenant_context(aalund.pk):
        assert MeterGroup.objects.get().size == 1
    # Its page has the report; its temperatures tell since when.
    hand.click(page.get_by_role("link", name="Ravnsgade 3"))
    with page.expect_download() as download:
        hand.click(page.get_by_role("link", name="Report", exact=True))
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    hand.click(page.get_by_role("link", name="Temperatures"))
    page.wait_for_url("**/analysis/comparison/?s=*")
    for degrees in (64, 35):
        told = page.locator("td.num", has_text=re.compile(rf"^{degrees}(\.0)?$"))
        expect(told).not_to_have_count(0)
    looked_at(visit)
    assert hand.clicks == 8


def test_meters_are_compared_from_the_list(visit: Visit, street: list[Meter]) -> None:
    page = visit.page
    page.goto(f"{visit.site}/t/aalund/meters/?q=ravnsgade")
    page.locator("[data-tick-all]").check()
    expect(page.locator("[data-selected]")).to_have_text("3")
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url("**/analysis/comparison/?s=*")
    for meter in street:
        expect(page.locator("table thead")).to_contain_text(meter.number)
    looked_at(visit)


def test_an_exchange_is_prepared_entered_and_taken_back(
    visit: Visit, aalund: Tenant, street: list[Meter]
) -> None:
    page = visit.page
    page.goto(f"{visit.site}/t/aalund/meters/?q=ravnsgade+1")
    page.locator("[data-tick]").first.check()
    page.locator("#selection summary", has_text="Meter exchange actions").click()
    page.get_by_role("link", name="Prepare an exchange").click()
    page.get_by_label("Planned day").fill(f"{timezone.localdate():%d-%m-%Y}")
    page.get_by_label("Serial number of the new meter").fill("72000009")
    page.get_by_label("Note for the visit").fill("Gate code 12")
    looked_at(visit)
    page.get_by_role("button", name="Prepare the exchange").click()
    expect(page.locator("main")).to_contain_text("Gate code 12")
    looked_at(visit)
    # Home leads there in the morning.
    page.goto(f"{visit.site}/t/aalund/")
    expect(page.locator(".line", has_text="Unfinished meter exchanges")).to_contain_text("1 due")
    expect(page.locator("#performance-title")).to_be_visible()
    looked_at(visit)
    page.get_by_role("link", name="Unfinished meter exchanges").click()
    page.get_by_role("link", name="Enter the exchange").click()
    looked_at(visit)
    page.locator("input[name^=start_]").first.fill("0")
    page.get_by_role("button", name="Check the exchange").click()
    looked_at(visit)
    page.get_by_role("button", name="Exchange the meter").click()
    expect(page.locator(".message").first).to_contain_text("was exchanged for 72000009")
    with tenant_context(aalund.pk):
        assert PlannedExchange.objects.get().state == "done"
    looked_at(visit)
    page.get_by_role("button", name="Take the exchange back").click()
    expect(page.locator(".message").first).to_contain_text("taken back")
    with tenant_context(aalund.pk):
        assert Installation.objects.get(meter=street[0]).ends_at is None
        assert PlannedExchange.objects.get().state == "planned"


def test_a_report_goes_to_the_consumer(
    visit: Visit, aalund: Tenant, street: list[Meter], tmp_path: Path, settings: object
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_FILE_PATH = tmp_path  # type: ignore[attr-defined]
    page = visit.page
    page.goto(f"{visit.site}/t/aalund/meters/{street[0].pk}/consumption/")
    page.get_by_role("switch", name="The year before").click()
    expect(page.locator("[role=switch][aria-checked=true]")).to_be_visible()
    looked_at(visit)
    page.get_by_role("link", name="Send by e-mail").click()
    expect(page.get_by_label("E-mail address")).to_have_value("ida1@example.org")
    page.get_by_label("E-mail address").fill("ida1@example")
    page.get_by_role("button", name="Send the report").click()
    expect(page.locator(".invalid-feedback")).to_contain_text("This is no e-mail address")
    # The browser itself remarks that the form came back with 400.
    assert [one for one in visit.complaints if "400 (Bad Request)" not in one] == []
    visit.complaints.clear()
    looked_at(visit)
    page.get_by_label("E-mail address").fill("ida1@example.org")
    page.get_by_role("button", name="Send the report").click()
    expect(page.locator(".message").first).to_contain_text("on its way to ida1@example.org")
    assert mailing.send_all() == 1
    with tenant_context(aalund.pk):
        assert OutgoingMail.objects.get().state == "sent"
    assert b"application/pdf" in next(tmp_path.iterdir()).read_bytes()


def test_meters_are_imported_undone_and_grouped(visit: Visit, aalund: Tenant) -> None:
    page = visit.page
    page.goto(f"{visit.site}/t/aalund/meters/import/")
    looked_at(visit)
    body = "Serial;Address;Postal code;Meter type;Group\n73000001;Nygade 1;9440;MULTICAL 603;New\n"
    page.set_input_files(
        "input[type=file]",
        {"name": "new.csv", "mimeType": "text/csv", "buffer": body.encode()},
    )
    page.get_by_role("button", name="Choose columns").click()
    page.wait_for_url("**/meters/import/*/")
    looked_at(visit)
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    jobs.work_all()
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    jobs.work_all()
    expect(page.locator("main")).to_contain_text("The file is imported.")
    looked_at(visit)
    page.get_by_role("link", name="Last imported meters").click()
    expect(page.locator("tr[data-meter]")).to_have_count(1)
    page.go_back()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.locator("main")).to_contain_text("Undone")
    with tenant_context(aalund.pk):
        assert not Meter.objects.filter(number="73000001").exists()


def test_groups_are_made_coloured_and_deleted(visit: Visit, aalund: Tenant) -> None:
    page = visit.page
    page.goto(f"{visit.site}/t/aalund/meters/groups/")
    page.get_by_label("Name").first.fill("North area")
    page.get_by_role("button", name="Create").first.click()
    expect(page.locator("main")).to_contain_text("North area")
    looked_at(visit)
    page.get_by_role("link", name="Edit groups").click()
    looked_at(visit)
    page.get_by_role("link", name="Edit North area").click()
    page.get_by_label("Name").first.fill("Northern area")
    page.get_by_role("button", name="Save").first.click()
    with tenant_context(aalund.pk):
        assert MeterGroup.objects.filter(name="Northern area").exists()


def test_a_resident_moves_and_the_history_stays(visit: Visit, street: list[Meter]) -> None:
    page = visit.page
    page.goto(f"{visit.site}/t/aalund/meters/{street[0].pk}/")
    page.get_by_role("link", name="Ravnsgade 1").first.click()
    looked_at(visit)
    page.get_by_role("link", name="Move in or out").click()
    looked_at(visit)
    page.locator("input[name=number]").fill("999")
    page.locator("input[name=name]").fill("Ellen Overgaard")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Ellen Overgaard")
    expect(page.locator("main")).to_contain_text("Ida 1")
    page.get_by_role("link", name="Ellen Overgaard").first.click()
    looked_at(visit)


def test_a_priority_meter_is_chosen_and_let_go(
    visit: Visit, aalund: Tenant, street: list[Meter]
) -> None:
    page = visit.page
    page.goto(f"{visit.site}/t/aalund/meters/priority/")
    page.locator("input[name=number]").fill(street[0].number)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("is a priority meter now")
    looked_at(visit)
    with tenant_context(aalund.pk):
        assert Meter.objects.get(pk=street[0].pk).interval_s == 300


def test_help_is_the_same_on_every_page(visit: Visit) -> None:
    page = visit.page
    told = []
    for path in ("", "meters/", "analysis/comparison/", "meters/exchanges/"):
        page.goto(f"{visit.site}/t/aalund/{path}")
        page.get_by_role("button", name="Help").click()
        expect(page.locator("#help")).to_be_visible()
        told.append(page.locator("#help").inner_text())
        looked_at(visit)
    assert len(set(told)) == 1
