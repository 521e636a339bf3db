"""The Telegram inspector, as a person uses it."""

from datetime import UTC, datetime

import pytest
from django.test import Client

import wmbus
from meters.models import Meter
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from wmbus import encode

pytestmark = pytest.mark.django_db
KEY = bytes(range(16))
PAGE = "/t/aalund/operation/inspector/"


def frame(number: str = "63000001") -> bytes:
    headers = bytes.fromhex("040604140259025D")
    return encode.kamstrup_full(
        wmbus.Address("KAM", number, 0x34, 4),
        wmbus.Key(KEY),
        encode.records(headers, [4711, 1234, 6512, 3456]),
        session=1,
        access=1,
    )


@pytest.fixture
def client(client: Client, bob: User) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    with tenant_context(aalund.pk):
        return factories.meter(number="63000001", key=KEY)


def test_explains_with_the_meters_own_key(client: Client, meter: Meter) -> None:
    page = client.post(PAGE, {"telegram": frame().hex()}).content.decode()
    assert "Decoded" in page
    assert "4711" in page
    assert KEY.hex() not in page.lower()


def test_explains_with_a_typed_key_and_keeps_it_to_itself(client: Client, aalund: Tenant) -> None:
    answer = client.post(PAGE, {"telegram": frame().hex(), "key": KEY.hex()})
    page = answer.content.decode()
    assert "4711" in page
    assert KEY.hex() not in page.lower()


def test_says_where_it_failed(client: Client, aalund: Tenant) -> None:
    page = client.post(PAGE, {"telegram": frame().hex(), "key": "00" * 16}).content.decode()
    assert "wrong key" in page
    assert "byte" in page


@pytest.mark.parametrize(
    ("telegram", "key", "words"),
    [
        ("hello", "", ""),
        ("", "", ""),
        ("2A44ABCD", "", ""),
        (frame().hex(), "xyz", "0–9 and A–F"),
        (frame().hex(), "0011", "32 digits"),
    ],
)
def test_refuses_what_is_none_in_words(
    client: Client, aalund: Tenant, telegram: str, key: str, words: str
) -> None:
    answer = client.post(PAGE, {"telegram": telegram, "key": key})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert words in answer.content.decode()


def test_uses_no_key_of_another_utility(client: Client, aalund: Tenant, birkelse: Tenant) -> None:
    with tenant_context(birkelse.pk):
        factories.meter(number="63000001", key=KEY)
    page = client.post(PAGE, {"telegram": frame().hex()}).content.decode()
    assert "4711" not in page
    assert "no key" in page


def test_a_strange_key_of_a_kept_telegram_is_not_found(client: Client, aalund: Tenant) -> None:
    today = datetime.now(UTC).date().isoformat()
    assert client.get(f"/t/aalund/operation/telegrams/{today}-1-1/inspect/").status_code == 404
    assert client.get("/t/aalund/operation/telegrams/nonsense/inspect/").status_code == 404
