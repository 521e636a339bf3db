"""Every page, asked with nonsense, answers something other than 500.

Pages come from the URL map and names of parameters from the sources, so that tomorrow's page is
asked without a line here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
APPS = ("ready", "meters", "readings", "notifications", "collectors", "reports")
HOSTILE = (
    "",
    "0001-01-01",
    "9999-12-31",
    "99999999999999999999",
    "\x00",
    "²",  # isdigit() says yes, int() says no
    "0001-01-01.1.1",
)
NAME = re.compile(r"""(?:GET|data|query|params)(?:\.get|\.getlist)?[(\[]\s*["'](\w+)["']""")


def names() -> list[str]:
    """What the sources ask a query for, and every field of a form."""
    found = {"page", "sort", "q", "after", "part", "id"}
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text()
            found.update(NAME.findall(text))
            if "forms" in path.parts or path.name.startswith(("forms", "filters")):
                found.update(re.findall(r"^    (\w+) = (?:forms\.)?\w*Field\(", text, re.M))
    return sorted(found)


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, route)
        else:
            yield route


def addresses() -> list[str]:
    """The site's addresses; what is in angle brackets is yet to be filled in."""
    return sorted(route for route in routes(get_resolver().url_patterns) if "(?P" not in route)


def filled(route: str, number: str, text: str) -> str:
    def value(match: re.Match[str]) -> str:
        kind, _, name = match[1].rpartition(":")
        if name == "tenant":
            return "aalund"
        return number if kind == "int" else text

    return "/" + re.sub(r"<([^>]+)>", value, route)


@pytest.fixture
def alice_s(client: Client, alice: User) -> Client:
    client.force_login(alice)
    client.raise_request_exception = False
    return client


def failed(client: Client, address: str, query: dict[str, str]) -> bool:
    return client.get(address, query).status_code == 500


def test_no_page_fails_on_a_hostile_query(alice_s: Client, aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        meter = factories.meter()
    asked = names()
    found = []
    for route in addresses():
        address = filled(route, str(meter.pk), str(meter.pk))
        found += [
            f"{address}?…={value[:20]!r}"
            for value in HOSTILE
            if failed(alice_s, address, dict.fromkeys(asked, value))
        ]
    assert found == []


@pytest.mark.parametrize("number", ["0", "2147483648", "9" * 40])
def test_no_page_fails_on_a_hostile_number(alice_s: Client, number: str) -> None:
    found = [
        address
        for route in addresses()
        if "<int:" in route and failed(alice_s, address := filled(route, number, number), {})
    ]
    assert found == []


@pytest.mark.parametrize("text", ["\x00", "²", "9" * 20, "0001-01-01.1.1", "x" * 500])
def test_no_page_fails_on_a_hostile_key(alice_s: Client, text: str) -> None:
    found = [
        address[:100]
        for route in addresses()
        if re.search(r"<(?!int:)(?!slug:tenant)", route)
        and failed(alice_s, address := filled(route, "1", text), {})
    ]
    assert found == []
