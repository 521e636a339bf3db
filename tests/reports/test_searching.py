"""One search finds each kind of thing, and nothing of a neighbour's."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from meters import groups, services
from meters.models import Meter
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    with tenant_context(aalund.pk):
        ida = services.register_customer(number="9645", name="Ida Ravn", actor=factories.ACTOR)
        meter = factories.meter(number="63006799")
        services.install_meter(
            meter=meter,
            supply_point=factories.place(street="Ravnsgade 4", customer=ida),
            at=datetime(2026, 1, 1, tzinfo=UTC),
            registers={},
            actor=factories.ACTOR,
        )
        groups.create_group(name="Ravnens kvarter", actor=factories.ACTOR)
        factories.collector(name="Ravnshøj")
    return meter


def found(client: Client, who: User, words: str) -> str:
    client.force_login(who)
    answer = client.get("/t/aalund/search/", {"q": words})
    assert answer.status_code == 200
    text: str = answer.content.decode()
    return text


def test_words_find_every_kind(client: Client, bob: User, meter: Meter) -> None:
    text = found(client, bob, "ravn")
    for head, name in (
        ("Customers", "Ida Ravn"),
        ("Addresses", "Ravnsgade 4"),
        ("Groups", "Ravnens kvarter"),
        ("Collectors", "Ravnshøj"),
    ):
        assert head in text
        assert name in text
    assert "Telegrams" not in text
    # A place with one meter leads straight to it.
    assert f'href="/t/aalund/meters/{meter.pk}/"' in text


def test_a_serial_number_finds_its_meter_and_its_telegrams(
    client: Client, bob: User, meter: Meter
) -> None:
    text = found(client, bob, "63006799")
    assert "MULTICAL 603 · Ravnsgade 4" in text
    assert "/operation/telegrams/?meter=63006799" in text
    assert "Telegrams" not in found(client, bob, "630067")
    assert "63006799" in found(client, bob, "6300 67")


@pytest.mark.parametrize("words", ["", " ", "r", "\x00"])
def test_too_few_letters_find_nothing(client: Client, bob: User, meter: Meter, words: str) -> None:
    assert "role=" not in found(client, bob, words).replace('role="option" aria-sel', "")


def test_nothing_found_is_said_without_markup(client: Client, bob: User, meter: Meter) -> None:
    text = found(client, bob, "<b>zz")
    assert "Nothing found for “&lt;b&gt;zz”." in text


def test_many_lead_to_the_list_of_all(client: Client, bob: User, aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        for number in range(7):
            factories.meter(number=f"6300000{number}")
    text = found(client, bob, "6300")
    assert text.count('class="found"') == 5
    assert "/t/aalund/meters/?q=6300&amp;in=serial" in text


def test_a_neighbour_finds_nothing(client: Client, charlie: User, meter: Meter) -> None:
    client.force_login(charlie)
    assert client.get("/t/aalund/search/?q=ravn").status_code == 404
    answer = client.get("/t/birkelse/search/?q=ravn")
    assert "Nothing found" in answer.content.decode()


def test_takes_a_fixed_number_of_statements(
    client: Client,
    bob: User,
    meter: Meter,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client.force_login(bob)
    with django_assert_max_num_queries(25):
        client.get("/t/aalund/search/?q=ravn")
