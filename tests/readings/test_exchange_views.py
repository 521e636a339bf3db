"""Meter exchange as people walk through it: choose, enter, check, confirm, take back."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from meters import services
from meters.models import Installation, Medium, Meter, MeterState, SupplyPoint
from readings.exchange import Visit, exchange_meter
from readings.exchanges import Unfinished, unfinished
from readings.models import Origin, Reading, Trust
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
KWH = 3_600_000


def tell(tenant: Tenant, meter: Meter, at: datetime, kwh: int) -> None:
    Reading.objects.create(
        tenant_id=tenant.pk,
        meter_id=meter.pk,
        ts=at,
        received_at=at,
        origin=Origin.FIXED_NETWORK,
        trust=Trust.MAC,
        e1=kwh * KWH,
    )
    MeterState.objects.filter(meter=meter).update(e1=kwh * KWH, read_at=at)


class Desk:
    """A place with a meter that has told 1,000 kWh an hour ago, and a meter in stock."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.at = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=30)
        with tenant_context(tenant.pk):
            Tenant.objects.filter(pk=tenant.pk).update(zone="UTC", energy_unit="kWh")
            self.place: SupplyPoint = factories.place(street="Lærkevej 4")
            self.old = factories.meter(number="71000001")
            self.installation = services.install_meter(
                meter=self.old,
                supply_point=self.place,
                at=datetime(2024, 1, 1, tzinfo=UTC),
                registers={},
                actor=factories.ACTOR,
            )
            tell(tenant, self.old, self.at - timedelta(minutes=30), 1_000)
            self.new = factories.meter(number="72000002", in_stock=True)
            factories.meter(number="72000003", in_stock=True, medium=Medium.WATER)

    @property
    def address(self) -> str:
        return f"/t/aalund/meters/{self.old.pk}/exchange/"

    def visit(self, **changed: str) -> dict[str, str]:
        given = {
            "removed_day": f"{self.at:%d-%m-%Y}",
            "removed_time": f"{self.at:%H:%M}",
            "end_e1": "1001,5",
            "start_e1": "0",
        }
        return given | changed


@pytest.fixture
def desk(aalund: Tenant) -> Desk:
    return Desk(aalund)


def page(answer: Any) -> str:
    return str(answer.content.decode())


class TestExchange:
    def test_meters_in_stock_of_the_same_medium_are_offered(
        self, client: Client, alice: User, desk: Desk
    ) -> None:
        client.force_login(alice)
        text = page(client.get(desk.address))
        assert "72000002" in text
        assert "72000003" not in text  # measures water
        nothing = client.get(f"{desk.address}?q=99", headers={"HX-Request": "true"})
        assert "No meter in stock has “99”" in page(nothing)

    def test_the_registers_are_filled_in_with_what_was_told_last(
        self, client: Client, alice: User, desk: Desk
    ) -> None:
        client.force_login(alice)
        text = page(client.get(f"{desk.address}?new={desk.new.pk}"))
        assert 'name="end_e1" value="1000"' in text

    def test_what_was_filled_in_is_believed_though_it_is_shown_rounded(
        self, client: Client, alice: User, desk: Desk
    ) -> None:
        """A meter that counts in GJ, seen in MWh: the decimals never end."""
        client.force_login(alice)
        told = 6_050_141_000_000  # J; 1680.5947222… MWh, shown a little below
        with tenant_context(desk.tenant.pk):
            Tenant.objects.filter(pk=desk.tenant.pk).update(energy_unit="MWh")
            Reading.objects.filter(meter_id=desk.old.pk).update(e1=told)
            MeterState.objects.filter(meter=desk.old).update(e1=told)
        address = f"{desk.address}?new={desk.new.pk}"
        shown = re.search(r'name="end_e1" value="([0-9.]+)"', page(client.get(address)))
        assert shown is not None
        done = client.post(address, desk.visit(end_e1=shown[1], confirmed="yes"))
        assert done.status_code == 302, page(done)
        with tenant_context(desk.tenant.pk):
            assert Installation.objects.get(meter=desk.old).end_registers == {"e1": told}

    def test_is_looked_at_before_it_is_done(self, client: Client, alice: User, desk: Desk) -> None:
        client.force_login(alice)
        address = f"{desk.address}?new={desk.new.pk}"
        review = client.post(address, desk.visit())
        assert review.status_code == 200
        assert "Is this right?" in page(review)
        with tenant_context(desk.tenant.pk):
            assert Installation.objects.get(meter=desk.old).ends_at is None
        done = client.post(address, desk.visit(confirmed="yes"))
        assert done.status_code == 302
        with tenant_context(desk.tenant.pk):
            old = Installation.objects.get(meter=desk.old)
            new = Installation.objects.get(meter=desk.new)
            assert (old.ends_at, new.starts_at) == (desk.at, desk.at)
            assert old.end_registers == {"e1": 1001 * KWH + KWH // 2}
            assert (new.replaces_id, new.start_registers) == (old.pk, {"e1": 0})

    def test_a_register_below_what_the_meter_told_is_refused_in_words(
        self, client: Client, alice: User, desk: Desk
    ) -> None:
        client.force_login(alice)
        answer = client.post(f"{desk.address}?new={desk.new.pk}", desk.visit(end_e1="999"))
        assert answer.status_code == 400
        assert "E1 was 1000 kWh" in page(answer)

    @pytest.mark.parametrize(
        ("field", "text", "says"),
        [
            ("end_e1", "many", "Type a number"),
            ("end_e1", "0,00000001", "fewer decimals"),
            ("end_e1", "-1", "cannot be below zero"),
            ("removed_day", "31-02-2026", "Type a day"),
            ("removed_day", "01-01-2023", "cannot leave before it came"),
            ("removed_day", "01-01-2199", "still to come"),
        ],
    )
    def test_what_cannot_be_is_said_where_it_stands(
        self, client: Client, alice: User, desk: Desk, field: str, text: str, says: str
    ) -> None:
        client.force_login(alice)
        address = f"{desk.address}?new={desk.new.pk}"
        answer = client.post(address, desk.visit(**{field: text, "confirmed": "yes"}))
        assert answer.status_code == 400
        assert says in page(answer)
        with tenant_context(desk.tenant.pk):
            assert Installation.objects.get(meter=desk.old).ends_at is None

    def test_a_register_left_empty_is_an_exchange_unfinished(
        self, client: Client, alice: User, desk: Desk
    ) -> None:
        client.force_login(alice)
        address = f"{desk.address}?new={desk.new.pk}"
        client.post(address, desk.visit(confirmed="yes", end_e1=""))
        with tenant_context(desk.tenant.pk):
            assert unfinished(timezone.localdate()) == Unfinished(planned=0, due=0, registers=1)
        text = page(client.get(f"/t/aalund/meters/{desk.new.pk}/history/"))
        assert "is not entered yet" in text
        overview = page(client.get("/t/aalund/meters/exchanges/"))
        found = re.search(r'href="(/t/aalund/meters/\d+/history/\d+/registers/)"', overview)
        assert found
        wrong = client.post(found[1], {"end_e1": "999", "start_e1": "0"})
        assert wrong.status_code == 400
        assert "E1 was 1000 kWh" in page(wrong)
        assert client.post(found[1], {"end_e1": "1001", "start_e1": "0"}).status_code == 302
        with tenant_context(desk.tenant.pk):
            assert unfinished(timezone.localdate()).registers == 0
            assert Installation.objects.get(meter=desk.old).end_registers == {"e1": 1001 * KWH}

    def test_is_taken_back_while_nothing_was_built_on_it(
        self, client: Client, alice: User, desk: Desk
    ) -> None:
        client.force_login(alice)
        client.post(f"{desk.address}?new={desk.new.pk}", desk.visit(confirmed="yes"))
        history = f"/t/aalund/meters/{desk.new.pk}/history/"
        assert "Take the exchange back" in page(client.get(history))
        with tenant_context(desk.tenant.pk):
            newer = Installation.objects.get(meter=desk.new)
        assert client.post(f"{history}{newer.pk}/undo/").status_code == 302
        with tenant_context(desk.tenant.pk):
            assert Installation.objects.get(meter=desk.old).ends_at is None
            assert not Installation.objects.filter(meter=desk.new).exists()

    def test_a_meter_that_is_nowhere_cannot_be_exchanged(
        self, client: Client, alice: User, desk: Desk
    ) -> None:
        client.force_login(alice)
        text = page(client.get(f"/t/aalund/meters/{desk.new.pk}/exchange/"))
        assert "not mounted anywhere" in text

    def test_is_not_for_those_who_only_look(self, client: Client, bob: User, desk: Desk) -> None:
        client.force_login(bob)
        assert client.get(desk.address).status_code == 403
        assert "Take the exchange back" not in page(
            client.get(f"/t/aalund/meters/{desk.old.pk}/history/")
        )

    def test_a_neighbours_meter_is_no_new_meter(
        self, client: Client, alice: User, birkelse: Tenant, desk: Desk
    ) -> None:
        with tenant_context(birkelse.pk):
            foreign = factories.meter(in_stock=True)
        client.force_login(alice)
        assert client.get(f"{desk.address}?new={foreign.pk}").status_code == 404


class TestChart:
    """Consumption belongs to the place: the new meter's chart goes on through the old one."""

    def told(self, client: Client, address: str) -> list[tuple[str, str]]:
        text = page(client.get(f"/t/aalund{address}"))
        rows = re.findall(r'<td class="nowrap">.*?</td>\s*<td class="num">([^<]*)</td>', text, re.S)
        events = re.findall(r"<td>([^<]*)</td>\s*</tr>", text)
        return list(zip(rows, events, strict=True))

    def test_goes_on_through_the_exchange_and_never_falls(
        self, client: Client, alice: User, desk: Desk
    ) -> None:
        day = (desk.at - timedelta(days=2)).replace(hour=0, minute=0)
        with tenant_context(desk.tenant.pk):
            for hours, kwh in ((0, 900), (24, 930)):
                tell(desk.tenant, desk.old, day + timedelta(hours=hours), kwh)
            visit = day + timedelta(hours=30)
            Reading.objects.filter(meter_id=desk.old.pk, ts__gt=visit).delete()
            exchange_meter(
                installation=desk.installation,
                new_meter=desk.new,
                visit=Visit(visit, visit, {"e1": 940 * KWH}, {"e1": 5 * KWH}, {}),
                actor=factories.ACTOR,
                now=timezone.now(),
            )
            tell(desk.tenant, desk.new, day + timedelta(hours=48), 25)
            factories.mark_days()
        client.force_login(alice)
        address = f"/meters/{desk.new.pk}/consumption/?register=e1&step=day&from={day:%Y-%m-%d}"
        rows = self.told(client, f"{address}&to={day + timedelta(days=1):%Y-%m-%d}")
        # 30 kWh on the first day; 10 kWh by the old and 20 kWh by the new meter on the second.
        assert rows == [("30", ""), ("30", "Meter exchange")]
