"""The info-code overview, as people of two utilities see it."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from meters import services
from meters.models import Meter, MeterState
from notifications.models import InfoCodePeriod
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LIST = "/t/aalund/operation/info-codes/"
DAY = timedelta(days=1)


def make(
    tenant: Tenant,
    street: str,
    *periods: tuple[str, timedelta, timedelta | None],
    conditions: list[str] | None = None,
) -> Meter:
    """A meter with codes: (code, how long ago it began, how long ago it ended)."""
    with tenant_context(tenant.pk):
        meter = factories.meter()
        services.install_meter(
            meter=meter,
            supply_point=factories.place(street=street),
            at=NOW - 400 * DAY,
            registers={},
            actor=factories.ACTOR,
        )
        for code, began, ended in periods:
            InfoCodePeriod.objects.create(
                meter=meter,
                code=code,
                starts_at=NOW - began,
                ends_at=None if ended is None else NOW - ended,
            )
        MeterState.objects.filter(meter=meter).update(
            read_at=NOW, conditions=conditions if conditions is not None else []
        )
    return meter


@pytest.fixture
def town(aalund: Tenant) -> None:
    make(aalund, "Battery 1", ("battery", DAY, None))
    make(aalund, "Østergade 4", ("leak", 5 * DAY, None), ("dry", 9 * DAY, 8 * DAY),
         conditions=["leak", "leak@7"])  # fmt: skip
    make(aalund, "Åvej 1", ("burst", 2 * DAY, None), ("leak", 40 * DAY, None))
    make(aalund, "Over 1", ("tamper", 4 * DAY, 3 * DAY))
    make(aalund, "Long ago 1", ("tamper", 80 * DAY, 70 * DAY))


def page(client: Client, who: User, address: str, **headers: str) -> Any:
    client.force_login(who)
    return client.get(address, headers=headers or None)


def streets(client: Client, who: User, query: str = "") -> list[str]:
    answer = page(client, who, LIST + query)
    assert answer.status_code == 200
    return [row.address for row in answer.context["page"]]


@pytest.mark.usefixtures("town")
class TestList:
    def test_alarms_come_first_then_the_newest(self, client: Client, bob: User) -> None:
        assert streets(client, bob) == ["Åvej 1", "Østergade 4", "Battery 1"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?show=alarms", ["Åvej 1", "Østergade 4"]),
            ("?show=past", ["Over 1"]),
            ("?show=nonsense", ["Åvej 1", "Østergade 4", "Battery 1"]),
            ("?sort=-code", ["Battery 1", "Åvej 1", "Østergade 4"]),
            ("?sort=address", ["Battery 1", "Østergade 4", "Åvej 1"]),
            ("?sort=-address", ["Åvej 1", "Østergade 4", "Battery 1"]),
            ("?sort=address&q=leak", ["Østergade 4", "Åvej 1"]),
            ("?q=leak&in=address", []),
            ("?q=BURST&in=code", ["Åvej 1"]),
            ("?q=%C3%B8sterg", ["Østergade 4"]),
        ],
    )
    def test_is_filtered_sorted_and_searched(
        self, client: Client, bob: User, query: str, found: list[str]
    ) -> None:
        assert streets(client, bob, query) == found

    @pytest.mark.parametrize("column", ["read_at", "serial"])
    def test_every_column_sorts_both_ways(self, client: Client, bob: User, column: str) -> None:
        up = streets(client, bob, f"?sort={column}")
        assert sorted(up) == sorted(streets(client, bob, f"?sort=-{column}"))

    def test_tells_codes_and_history(self, client: Client, bob: User) -> None:
        text = page(client, bob, LIST).content.decode()
        for shown in (
            "Burst",
            "Low battery level",
            "Leak has been recorded for more than 21 days within the last 30 days",
            "Dry: 24 hours within the last 30 days",
            "Leak: 30 days within the last 30 days",
        ):
            assert shown in text

    def test_counts_each_line_of_the_pane(self, client: Client, bob: User) -> None:
        pane = page(client, bob, LIST).context["pane"]
        assert [count for _label, count, _url, _current in pane] == [3, 2, 1]

    def test_htmx_gets_the_very_part(self, client: Client, bob: User) -> None:
        whole = page(client, bob, LIST).content.decode()
        part = page(client, bob, LIST, **{"HX-Request": "true"}).content.decode()
        assert part.strip() in whole

    def test_the_export_has_the_same(self, client: Client, bob: User) -> None:
        answer = page(client, bob, LIST + "export.csv?show=alarms")
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0] == [
            "Reading time",
            "Address",
            "Serial number",
            "Info code",
            "Info code (historical)",
        ]
        assert [row[1] for row in rows[1:]] == ["Åvej 1", "Østergade 4"]
        assert rows[1][3] == "Burst; Leak"

    def test_a_stranger_gets_404(self, client: Client, charlie: User) -> None:
        for address in (LIST, LIST + "export.csv"):
            assert page(client, charlie, address).status_code == 404

    def test_the_neighbour_sees_none_of_them(self, client: Client, charlie: User) -> None:
        answer = page(client, charlie, LIST.replace("aalund", "birkelse"))
        assert answer.context["page"].rows == []

    def test_takes_a_fixed_number_of_statements(
        self, client: Client, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        client.force_login(bob)
        with django_assert_max_num_queries(17):
            client.get(LIST)


def test_nothing_to_tell_is_said(client: Client, bob: User) -> None:
    assert "No info codes" in page(client, bob, LIST).content.decode()
