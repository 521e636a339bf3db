"""The meter list, its export and a meter's page, as people of two utilities see them."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from meters import services
from meters.listing import LIST_COLUMNS
from meters.models import Meter, MeterState
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/t/aalund/meters/"
EXPORT = "/t/aalund/meters/export.csv"
# A name that would be markup, and a formula, if anything let it through.
EVIL = "=<script>alert(1)</script>"


def make_meter(tenant: Tenant, **fields: Any) -> Meter:
    with tenant_context(tenant.pk):
        meter = factories.meter(**fields)
        person = services.register_customer(number="9645", name=EVIL, actor=factories.ACTOR)
        place = factories.place(street="Østergade 4", customer=person)
        services.install_meter(
            meter=meter,
            supply_point=place,
            at=datetime(2026, 1, 1, tzinfo=UTC),
            registers={},
            actor=factories.ACTOR,
        )
        now = timezone.now()
        MeterState.objects.filter(meter=meter).update(
            heard_at=now, read_at=now, e1=12_345 * 3_600_000, conditions=["leak"]
        )
    return meter


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    return make_meter(aalund, number="63006799")


def page(client: Client, who: User, address: str, **headers: str) -> Any:
    client.force_login(who)
    return client.get(address, headers=headers or None)


def _unmasked(text: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)


class TestList:
    def test_a_user_sees_the_meters(self, client: Client, bob: User, meter: Meter) -> None:
        answer = page(client, bob, LIST)
        assert answer.status_code == 200
        text = answer.content.decode()
        for shown in ("Østergade 4", "63006799", "9645", "Leak", "12.345", "MULTICAL 603"):
            assert shown in text
        assert f'data-href="/t/aalund/meters/{meter.pk}/"' in text

    def test_names_are_text_and_never_markup(self, client: Client, bob: User, meter: Meter) -> None:
        text = page(client, bob, LIST).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text

    def test_htmx_gets_the_very_part_that_the_page_includes(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        whole = page(client, bob, LIST + "?sort=serial").content.decode()
        part = page(client, bob, LIST + "?sort=serial", **{"HX-Request": "true"}).content.decode()
        assert "<html" not in part
        # The token that forms carry is masked anew in every answer.
        assert _unmasked(part).strip() in _unmasked(whole)

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("?q=nobody", "No meter found"),
            ("?show=stock", "None at the moment"),
            ("?show=unreadable&q=x", "No meter found"),
        ],
    )
    def test_an_empty_list_says_why(
        self, client: Client, bob: User, meter: Meter, address: str, words: str
    ) -> None:
        assert words in page(client, bob, LIST + address).content.decode()

    def test_a_utility_without_meters_says_so(self, client: Client, bob: User) -> None:
        assert "No meters yet" in page(client, bob, LIST).content.decode()

    def test_a_stranger_gets_404(self, client: Client, charlie: User, meter: Meter) -> None:
        assert page(client, charlie, LIST).status_code == 404

    def test_nobody_is_asked_to_log_in(self, client: Client, meter: Meter) -> None:
        assert client.get(LIST).status_code == 302

    def test_only_reads(self, client: Client, alice: User, meter: Meter) -> None:
        client.force_login(alice)
        assert client.post(LIST).status_code == 405

    def test_takes_a_fixed_number_of_statements(
        self,
        client: Client,
        bob: User,
        meter: Meter,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.force_login(bob)
        # Session, person, membership, savepoints and settings, the frame's memberships; 8 of ours:
        # columns, counts, groups, saved filters, meter types, and the page in up to 3.
        with django_assert_max_num_queries(28):
            assert client.get(LIST).status_code == 200


class TestExport:
    def rows(self, client: Client, who: User, address: str) -> list[list[str]]:
        answer = page(client, who, address, **{"Accept-Language": "da"})
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        text = answer.content.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text), delimiter=";"))

    def test_has_what_the_list_shows(self, client: Client, bob: User, meter: Meter) -> None:
        columns = [one.key for one in LIST_COLUMNS if one.default] + ["read_at"]
        head, row = self.rows(client, bob, f"{EXPORT}?q=63006799&cols={','.join(columns)}")
        assert len(head) == len(row) == 12
        assert row[0] == f"'{EVIL}"
        assert row[1:7] == ["Østergade 4", "9440", "9645", "MULTICAL 603", "63006799", ""]
        assert row[8:11] == ["E1", "12,345", "MWh"]
        read_at = datetime.fromisoformat(row[11])
        assert read_at.utcoffset() is not None
        assert timezone.now() - read_at < timedelta(minutes=5)

    def test_has_only_what_was_searched_for(self, client: Client, bob: User, meter: Meter) -> None:
        assert len(self.rows(client, bob, EXPORT + "?q=nobody")) == 1

    def test_a_stranger_gets_404(self, client: Client, charlie: User, meter: Meter) -> None:
        assert page(client, charlie, EXPORT).status_code == 404


class TestMeterPage:
    def test_tells_place_meter_and_values(self, client: Client, bob: User, meter: Meter) -> None:
        answer = page(client, bob, f"/t/aalund/meters/{meter.pk}/")
        assert answer.status_code == 200
        text = answer.content.decode()
        for shown in ("Østergade 4", "63006799", "9645", "Leak", "12.345", "No key", "01-01-2026"):
            assert shown in text
        assert "<script>alert" not in text
        for part in ("consumption", "telegrams", "heard", "values"):
            assert f'hx-get="/t/aalund/meters/{meter.pk}/{part}/' in text

    def test_a_meter_that_told_nothing_has_a_page(
        self, client: Client, bob: User, aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            silent = factories.meter(in_stock=True)
        text = page(client, bob, f"/t/aalund/meters/{silent.pk}/").content.decode()
        for shown in ("Not mounted anywhere", "No values yet", "In stock"):
            assert shown in text

    def test_the_live_part_has_values_and_state(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        answer = page(client, bob, f"/t/aalund/meters/{meter.pk}/values/")
        text = answer.content.decode()
        assert "12.345" in text
        assert 'id="signs" hx-swap-oob="true"' in text
        assert "<html" not in text

    @pytest.mark.parametrize("part", ["", "values/"])
    def test_another_utilitys_meter_is_not_found(
        self, client: Client, alice: User, birkelse: Tenant, part: str
    ) -> None:
        theirs = make_meter(birkelse)
        assert page(client, alice, f"/t/aalund/meters/{theirs.pk}/{part}").status_code == 404
        assert page(client, alice, f"/t/birkelse/meters/{theirs.pk}/{part}").status_code == 404

    def test_takes_a_fixed_number_of_statements(
        self,
        client: Client,
        bob: User,
        meter: Meter,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.force_login(bob)
        with django_assert_max_num_queries(20):
            assert client.get(f"/t/aalund/meters/{meter.pk}/").status_code == 200
