"""The consumption report: figures checked by hand, limits, order, export and rights."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from meters.groups import create_group
from meters.models import Customer, GroupMember, Installation, Medium, Meter, MeterGroup
from meters.registers import BY_CODE
from readings.models import Origin, Reading, Trust
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web.lists import ListState
from ready.web.units import UnitChoice
from reports.consumption import Limit, Question, Report, media, report
from reports.forms import ConsumptionForm, month_before, periods
from tests import factories

pytestmark = pytest.mark.django_db

ZONE = ZoneInfo("Europe/Copenhagen")
KWH, M3 = 3_600_000, 1_000_000
OCTOBER = (datetime(2026, 10, 1, tzinfo=ZONE), datetime(2026, 11, 1, tzinfo=ZONE))
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
E1, V1 = BY_CODE["E1"], BY_CODE["V1"]


@pytest.fixture(autouse=True)
def november() -> Iterator[None]:
    """The reports below are asked for on 15 November 2026."""
    with time_machine.travel(datetime(2026, 11, 15, 9, tzinfo=ZONE), tick=False):
        yield


def mounted(street: str, customer: str = "", **fields: object) -> Meter:
    """A heat meter at a place of its own, since long before the report."""
    meter = factories.meter(**fields)
    owner = Customer.objects.create(number=street, name=customer) if customer else None
    place = factories.place(street=street, customer=owner)
    Installation.objects.create(supply_point=place, meter=meter, starts_at=LONG_AGO)
    return meter


def read(meter: Meter, at: datetime, kwh: int, m3: int = 0) -> None:
    """A reading of both registers."""
    Reading.objects.create(
        tenant_id=meter.tenant_id,
        meter_id=meter.pk,
        ts=at,
        received_at=at,
        origin=Origin.FIXED_NETWORK,
        trust=Trust.MAC,
        e1=kwh * KWH,
        v1=m3 * M3,
    )
    factories.mark_days()


def used_in_october(meter: Meter, kwh: int, m3: int = 0) -> None:
    """Readings at both midnights that October lies between."""
    read(meter, OCTOBER[0], 1000, 100)
    read(meter, OCTOBER[1], 1000 + kwh, 100 + m3)


def question(**fields: object) -> Question:
    wanted: dict[str, object] = {
        "medium": Medium.HEAT,
        "first": date(2026, 10, 1),
        "last": date(2026, 10, 31),
        "zone": ZONE,
        "units": UnitChoice("kWh"),
    }
    return Question(**(wanted | fields))  # type: ignore[arg-type]


def answer(asked: Question, address: str = "") -> Report:
    state = ListState.parse(QueryDict(address), asked.columns, sort=asked.default_sort)
    return report(asked, state)


def serials(found: Report) -> list[str]:
    return [row.serial for row in found.page]


class TestFigures:
    def test_rows_and_totals_are_exact(self, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            used_in_october(mounted("Ågade 1", "Åse Lund", number="00000001"), 412, 9)
            used_in_october(mounted("Bakken 2", number="00000002"), 44, 1135)
            found = answer(question())
        first, second = found.page.rows
        assert (first.address, first.customer, first.serial) == ("Ågade 1", "Åse Lund", "00000001")
        assert [one.value for one in first.amounts] == [412 * KWH, 9 * M3]
        assert [one.text for one in second.amounts] == ["44", "1135.00"]
        assert [one.amount.value for one in found.totals] == [456 * KWH, 1144 * M3]
        assert found.incomplete == 0

    def test_a_large_total_is_told_in_the_larger_unit(self, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            for number in ("00000001", "00000002"):
                used_in_october(mounted(number, number=number), 6000)
            found = answer(question())
        energy = found.totals[0].amount
        assert (energy.text, energy.unit.name) == ("12.000", "MWh")
        assert found.page.rows[0].amounts[0].unit.name == "kWh"

    def test_consumption_goes_on_through_a_meter_exchange(self, aalund: Tenant) -> None:
        changed = datetime(2026, 10, 11, tzinfo=ZONE)
        with tenant_context(aalund.pk):
            old = mounted("Ågade 1", number="00000001")
            new = factories.meter(number="00000002")
            visit = Installation.objects.get(meter=old)
            Installation.objects.filter(pk=visit.pk).update(
                ends_at=changed, end_registers={"e1": 1100 * KWH, "v1": 110 * M3}
            )
            Installation.objects.create(
                supply_point=visit.supply_point,
                meter=new,
                starts_at=changed,
                start_registers={"e1": 5 * KWH, "v1": 0},
            )
            read(old, OCTOBER[0], 1000, 100)
            read(old, changed, 1100, 110)
            read(new, changed, 5, 0)
            read(new, OCTOBER[1], 205, 20)
            found = answer(question())
        (row,) = found.page.rows
        assert row.serial == "00000002"
        assert [one.value for one in row.amounts] == [300 * KWH, 30 * M3]

    def test_what_is_not_fully_known_is_listed_but_not_added(self, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            used_in_october(mounted("Ågade 1", number="00000001"), 10)
            late = mounted("Bakken 2", number="00000002")
            read(late, OCTOBER[0] + timedelta(days=10), 500)
            read(late, OCTOBER[1], 507)
            mounted("Dalen 3", number="00000003")
            found = answer(question())
        assert serials(found) == ["00000001", "00000002", "00000003"]
        partly, nothing = found.page.rows[1].amounts[0], found.page.rows[2].amounts[0]
        assert (partly.text, partly.known_text) == ("–", "7")
        assert (nothing.text, nothing.known_text, nothing.plain) == ("–", "", "")
        assert found.totals[0].amount.value == 10 * KWH
        assert found.incomplete == 2

    def test_days_are_the_utilitys(self, aalund: Tenant) -> None:
        """The hour before Danish midnight belongs to the day before, though UTC has both in one."""
        midnight = datetime(2026, 10, 2, tzinfo=ZONE)
        with tenant_context(aalund.pk):
            meter = mounted("Ågade 1")
            for hours, kwh in ((-24, 0), (-1, 23), (0, 100), (24, 107)):
                read(meter, midnight + timedelta(hours=hours), kwh)
            day = answer(question(first=date(2026, 10, 1), last=date(2026, 10, 1)))
        assert day.page.rows[0].amounts[0].value == 100 * KWH

    def test_each_medium_has_its_own_columns(self, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            used_in_october(mounted("Ågade 1", number="00000001"), 10, 2)
            used_in_october(mounted("Ågade 1b", number="00000002", medium=Medium.WATER), 0, 7)
            mounted("Ågade 2", number="00000003", medium=Medium.WATER)
            mounted("Ågade 3", number="00000004", medium=Medium.PRESSURE)
            assert media() == [Medium.WATER, Medium.HEAT]
            water = answer(question(medium=Medium.WATER))
        assert [one.amount.register for one in water.totals] == [V1]
        assert serials(water) == ["00000002", "00000003"]

    def test_the_neighbours_places_are_not_in_it(self, aalund: Tenant, birkelse: Tenant) -> None:
        with tenant_context(birkelse.pk):
            used_in_october(mounted("Havnen 1"), 10)
        with tenant_context(aalund.pk):
            assert answer(question()).page.rows == [], "leaked"
            assert media() == [], "leaked"


class TestLimitsAndOrder:
    @pytest.fixture
    def three(self, aalund: Tenant) -> Tenant:
        """Places that used 5, 10 and 20 kWh, and one of which nothing is known."""
        with tenant_context(aalund.pk):
            for street, kwh in (("Ågade 10", 5), ("Ågade 9", 10), ("Bakken 1", 20)):
                used_in_october(mounted(street, number=f"{kwh:08d}"), kwh)
            mounted("Dalen 1", number="99999999")
        return aalund

    @pytest.mark.parametrize(
        ("amount", "above", "kept"),
        [
            (10, True, ["00000020"]),
            (10, False, ["00000005"]),
            (0, True, ["00000020", "00000010", "00000005"]),
            (5, False, []),
        ],
    )
    def test_a_limit_keeps_those_beyond_it(
        self, three: Tenant, amount: int, above: bool, kept: list[str]
    ) -> None:
        limit = Limit(E1, Fraction(amount * KWH), above)
        with tenant_context(three.pk):
            found = answer(question(limit=limit))
        assert serials(found) == kept
        assert found.asked == 4

    @pytest.mark.parametrize(
        ("sort", "order"),
        [
            ("e1", ["00000005", "00000010", "00000020", "99999999"]),
            ("-e1", ["00000020", "00000010", "00000005", "99999999"]),
            ("address", ["00000020", "99999999", "00000010", "00000005"]),
            ("-address", ["00000005", "00000010", "99999999", "00000020"]),
            ("serial", ["00000005", "00000010", "00000020", "99999999"]),
            ("nonsense", ["00000020", "00000010", "00000005", "99999999"]),
        ],
    )
    def test_order(self, three: Tenant, sort: str, order: list[str]) -> None:
        with tenant_context(three.pk):
            assert serials(answer(question(), f"sort={sort}")) == order

    def test_a_page_beyond_the_last_is_empty_and_totals_stay(self, three: Tenant) -> None:
        with tenant_context(three.pk):
            found = answer(question(), "page=2")
        assert found.page.rows == []
        assert found.totals[0].amount.value == 35 * KWH


class TestForm:
    def form(self, tenant: Tenant, address: str) -> ConsumptionForm:
        return ConsumptionForm(
            QueryDict(address),
            tenant=tenant,
            media=[Medium.HEAT],
            groups=[],
            today=date(2026, 11, 15),
        )

    def test_without_words_it_asks_for_last_month(self, aalund: Tenant) -> None:
        form = self.form(aalund, "")
        assert form.is_valid(), form.errors
        asked = form.question(ZONE)
        assert (asked.first, asked.last) == (date(2026, 10, 1), date(2026, 10, 31))
        assert (asked.medium, asked.limit, asked.month) == (Medium.HEAT, None, date(2026, 10, 1))

    @pytest.mark.parametrize("text", ["1,5", "1.5", "1\u202f.5"])
    def test_a_limit_is_in_the_shown_unit_with_comma_or_point(
        self, aalund: Tenant, text: str
    ) -> None:
        form = self.form(aalund, f"limit={text}&side=below")
        assert form.is_valid(), form.errors
        assert form.question(ZONE).limit == Limit(E1, Fraction(1500 * KWH), above=False)

    def test_today_is_left_out_because_it_is_not_over(self, aalund: Tenant) -> None:
        form = self.form(aalund, "first=2026-11-01&last=2026-11-30")
        assert form.is_valid()
        assert form.question(ZONE).last == date(2026, 11, 14)

    @pytest.mark.parametrize(
        ("address", "field"),
        [
            ("limit=much", "limit"),
            ("limit=1e999", "limit"),
            ("limit=nan", "limit"),
            ("first=2026-11-15", "first"),
            ("first=2026-10-10&last=2026-10-09", "last"),
            ("first=2010-01-01", "last"),
            ("first=1066-10-14", "first"),
            ("first=yesterday", "first"),
            ("medium=air", "medium"),
            ("side=beside", "side"),
            ("group=7", "group"),
        ],
    )
    def test_what_is_wrong_is_named_at_its_field(
        self, aalund: Tenant, address: str, field: str
    ) -> None:
        form = self.form(aalund, address)
        assert not form.is_valid()
        assert list(form.errors) == [field]

    def test_a_register_left_over_from_another_medium_is_replaced(self, aalund: Tenant) -> None:
        form = self.form(aalund, "register=a_pos&limit=1")
        assert form.is_valid()
        limit = form.question(ZONE).limit
        assert limit is not None
        assert limit.register == E1

    def test_months_before(self) -> None:
        assert month_before(date(2026, 1, 31)) == (date(2025, 12, 1), date(2025, 12, 31))
        assert month_before(date(2024, 3, 1)) == (date(2024, 2, 1), date(2024, 2, 29))
        assert month_before(date(2026, 11, 15), 12)[0] == date(2025, 11, 1)

    def test_on_the_first_of_a_month_this_month_is_not_offered(self) -> None:
        assert "This month" not in [label for label, _first, _last in periods(date(2026, 11, 1))]
        assert "This month" in [label for label, _first, _last in periods(date(2026, 11, 2))]


class TestPages:
    @pytest.fixture
    def town(self, aalund: Tenant) -> Tenant:
        """Two places; the first one's name would be a formula in a spreadsheet."""
        with tenant_context(aalund.pk):
            used_in_october(mounted("Ågade 1", "=cmd()", number="00000001"), 1500, 9)
            late = mounted("Bakken 2", number="00000002")
            read(late, OCTOBER[1], 7)
        return aalund

    def test_the_report_shows_rows_totals_and_what_is_incomplete(
        self, client: Client, bob: User, town: Tenant
    ) -> None:
        client.force_login(bob)
        response = client.get(reverse("reports:consumption", args=["aalund"]))
        text = response.content.decode()
        assert response.status_code == 200
        assert "October 2026" in text
        assert "Consumption (E1), MWh" in text
        assert "1.500" in text
        assert "1 of 2 places is not fully known" in text

    def test_htmx_gets_the_very_table_of_the_page(
        self, client: Client, bob: User, town: Tenant
    ) -> None:
        client.force_login(bob)
        address = reverse("reports:consumption", args=["aalund"])
        whole = client.get(address).content.decode()
        part = client.get(address, headers={"HX-Request": "true"}).content.decode()
        assert part.strip() in whole
        assert "<html" not in part

    def test_the_file_has_what_is_shown(self, client: Client, bob: User, town: Tenant) -> None:
        client.force_login(bob)
        address = reverse("reports:consumption_export", args=["aalund"])
        response = client.get(address + "?sort=address")
        assert "aalund-consumption-2026-10-01-2026-10-31.csv" in response["Content-Disposition"]
        rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
        assert rows[0][:6] == [
            "Address",
            "Customer",
            "Meter type",
            "Serial number",
            "Consumption type",
            "Consumption (E1), MWh",
        ]
        assert rows[2] == [
            "Ågade 1",
            "'=cmd()",
            "MULTICAL 603",
            "00000001",
            "Heat",
            "1.500",
            "Measured",
            "9.00",
            "Measured",
        ]
        assert rows[1][3:7] == ["00000002", "Heat", "", "Incomplete"]
        assert len(rows) == 3

    def test_a_wrong_limit_is_told_and_nothing_is_reported(
        self, client: Client, bob: User, town: Tenant
    ) -> None:
        client.force_login(bob)
        address = reverse("reports:consumption", args=["aalund"])
        response = client.get(address + "?limit=much")
        assert response.status_code == 400
        assert "Type a number" in response.content.decode()
        export = reverse("reports:consumption_export", args=["aalund"])
        assert client.get(export + "?limit=much").status_code == 404

    def test_a_utility_without_meters_is_told_why_there_is_nothing(
        self, client: Client, alice: User
    ) -> None:
        client.force_login(alice)
        answer = client.get(reverse("reports:consumption", args=["aalund"]))
        assert answer.status_code == 200
        assert "No meters yet" in answer.content.decode()

    def test_the_places_found_go_into_a_group_and_a_report_is_made_of_it(
        self, client: Client, alice: User, town: Tenant
    ) -> None:
        client.force_login(alice)
        address = reverse("reports:consumption_group", args=["aalund"])
        limit = "?register=e1&side=above&limit=1"
        with tenant_context(town.pk):
            watched = create_group(name="Observation list A", actor=factories.ACTOR)
            used_in_october(mounted("Dalen 3", number="00000003"), 500)
        done = client.post(address + limit, {"group": watched.pk}, follow=True)
        assert done.redirect_chain[0][0] == reverse("reports:consumption", args=["aalund"]) + limit
        assert "1 meter is added to “Observation list A”." in done.content.decode()
        new = client.post(address, {"new_group": "All of October"}, follow=True)
        assert "3 meters are added to “All of October”." in new.content.decode()
        with tenant_context(town.pk):
            members = GroupMember.objects.filter(group=watched).values("meter__number")
            assert [one["meter__number"] for one in members] == ["00000001"]
        shown = client.get(
            reverse("reports:consumption", args=["aalund"]), {"group": watched.pk}
        ).content.decode()
        assert "Heat · Observation list A · October 2026 · 1 place" in shown
        assert "00000001" in shown
        assert "00000003" not in shown

    def test_no_place_found_and_no_name_change_no_group(
        self, client: Client, alice: User, town: Tenant
    ) -> None:
        client.force_login(alice)
        address = reverse("reports:consumption_group", args=["aalund"])
        with tenant_context(town.pk):
            watched = create_group(name="Observation list A", actor=factories.ACTOR)
        nobody = client.post(address + "?limit=9999", {"group": watched.pk}, follow=True)
        assert "0 meters are added" in nobody.content.decode()
        nameless = client.post(address, {"new_group": " "}, follow=True)
        assert 'class="message message-error' in nameless.content.decode()
        assert client.post(address, {"group": watched.pk + 1}).status_code == 404
        assert client.post(address + "?limit=much", {"group": watched.pk}).status_code == 404
        with tenant_context(town.pk):
            assert MeterGroup.objects.get().size == 0

    def test_who_may_not_change_groups_puts_nothing_into_one(
        self, client: Client, bob: User, town: Tenant
    ) -> None:
        client.force_login(bob)
        address = reverse("reports:consumption_group", args=["aalund"])
        assert client.post(address, {"new_group": "Mine"}).status_code == 403
        with tenant_context(town.pk):
            assert not MeterGroup.objects.exists()

    @pytest.mark.parametrize("name", ["reports:consumption", "reports:consumption_export"])
    def test_a_stranger_gets_404_and_other_verbs_405(
        self, client: Client, charlie: User, alice: User, town: Tenant, name: str
    ) -> None:
        address = reverse(name, args=["aalund"])
        client.force_login(charlie)
        assert client.get(address).status_code == 404
        client.force_login(alice)
        assert client.post(address).status_code == 405
