"""Home as a page: each line leads to the list it counts."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from meters.models import MeterState
from notifications.models import InfoCodePeriod
from ready.accounts.models import RolePermission, User
from ready.policy import Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db


def home(client: Client) -> str:
    response = client.get(reverse("home", args=["aalund"]))
    assert response.status_code == 200
    return response.content.decode()


def lines(page: str) -> dict[str, tuple[str, str]]:
    """Each line of the page: its words → its count and its link."""
    found = re.findall(
        r'line-count">([^<]*)<.*?class="line-link" href="([^"]*)">([^<]*)<', page, re.DOTALL
    )
    return {words: (number, link.replace("&amp;", "&")) for number, link, words in found}


def test_a_new_utility_is_told_how_to_begin(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert "No meters yet" in home(client)


def test_nothing_wrong_is_said_plainly(client: Client, bob: User, aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        MeterState.objects.update_or_create(
            meter=factories.meter(), defaults={"heard_at": timezone.now()}
        )
    client.force_login(bob)
    page = home(client)
    assert "Nothing wrong." in page
    assert [number for number, _link in lines(page).values()] == ["0"] * 6


def test_every_line_leads_to_a_list_that_opens(client: Client, bob: User, aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        silent, leaking = factories.meter(), factories.meter()
        MeterState.objects.update_or_create(
            meter=leaking, defaults={"heard_at": timezone.now(), "conditions": ["leak"]}
        )
        InfoCodePeriod.objects.create(meter=leaking, code="leak", starts_at=timezone.now())
    client.force_login(bob)
    page = home(client)
    assert "Nothing wrong." not in page
    found = lines(page)
    assert len(found) == 6
    for words, (_number, link) in found.items():
        assert client.get(link).status_code == 200, words
    number, link = found["Meters not heard for a day"]
    assert number == "1"
    listed = client.get(link).content.decode()
    assert silent.number in listed
    assert leaking.number not in listed
    number, link = found["Meters with info codes"]
    assert number == "1"
    assert leaking.number in client.get(link).content.decode()


def test_lines_are_for_those_who_may_open_their_lists(
    client: Client, alice: User, bob: User, aalund: Tenant
) -> None:
    with tenant_context(aalund.pk):
        meter = factories.meter()
        MeterState.objects.filter(meter=meter).update(heard_at=timezone.now(), trouble=17)
        RolePermission.objects.create(role=Role.USER, code="operation.view", held=False)
        RolePermission.objects.create(role=Role.USER, code="reports.view", held=False)
    client.force_login(alice)
    found = lines(home(client))
    assert found["Keys to repair"] == ("1", "/t/aalund/meters/key-doctor/")
    assert client.get("/t/aalund/meters/key-doctor/?show=no_key").status_code == 200
    client.force_login(bob)
    page = home(client)
    assert list(lines(page)) == [
        "Meters not heard for a day",
        "Meters with info codes",
        "Unfinished meter exchanges",
    ]
    assert "/performance/" not in page
    assert "show=info_codes" in page


def test_a_stranger_gets_404(client: Client, charlie: User, alice: User) -> None:
    client.force_login(charlie)
    assert client.get(reverse("home", args=["aalund"])).status_code == 404


def test_only_reading_is_allowed(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.post(reverse("home", args=["aalund"])).status_code == 405
