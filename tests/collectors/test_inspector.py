"""The Telegram inspector, as a person uses it."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

import wmbus
from collectors.models import Telegram
from collectors.outcomes import Outcome
from collectors.queries import TelegramKey
from meters.models import Meter
from ready.accounts.models import User
from ready.audit.models import AuditEntry
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
    assert used_keys(aalund) == []


def used_keys(tenant: Tenant) -> list[tuple[str, str, object]]:
    with tenant_context(tenant.pk):
        return [
            (entry.actor_name, entry.object_label, entry.details)
            for entry in AuditEntry.objects.filter(event="meter.key_used").order_by("pk")
        ]


def test_the_use_of_a_key_is_on_the_trail(
    client: Client, aalund: Tenant, meter: Meter, bob: User
) -> None:
    client.post(PAGE, {"telegram": frame().hex()})
    client.post(PAGE, {"telegram": frame("63000002").hex(), "key": "00" * 16})
    assert used_keys(aalund) == [
        (bob.get_username(), "KAM 63000001", {"key": "stored", "decoded": True}),
        (bob.get_username(), "KAM 63000002", {"key": "typed", "decoded": False}),
    ]


def test_a_telegram_that_needs_no_key_uses_none(
    client: Client, aalund: Tenant, meter: Meter
) -> None:
    plain = encode.frame(
        wmbus.Address("KAM", "63000001", 0x34, 4), bytes.fromhex("78 0406 67120000")
    )
    page = client.post(PAGE, {"telegram": plain.hex()}).content.decode()
    assert "4711" in page
    assert used_keys(aalund) == []


@pytest.fixture
def quarantined(aalund: Tenant) -> str:
    """The address of a telegram that was set aside."""
    now = timezone.now()
    with tenant_context(aalund.pk):
        made = Telegram.objects.create(
            tenant_id=aalund.pk,
            received_on=now.astimezone(UTC).date(),
            batch_id=1,
            item=0,
            collector_id=factories.collector(name="C-03").pk,
            received_at=now,
            manufacturer="KAM",
            number="63000001",
            frame=frame(),
            outcome=Outcome.NO_KEY,
            detail='{"fault":"no_key","layer":"extended link","offset":17,"with":{}}',
        )
    return f"/t/aalund/operation/telegrams/{TelegramKey(made.received_on, 1, 0)}/"


def test_opens_a_quarantined_telegram_without_using_a_key(
    client: Client, aalund: Tenant, meter: Meter, quarantined: str
) -> None:
    page = client.get(quarantined + "inspect/").content.decode()
    assert "4711" not in page
    assert "Explain with the meter" in page
    assert used_keys(aalund) == []


def test_decodes_a_quarantined_telegram_when_asked(
    client: Client, aalund: Tenant, meter: Meter, quarantined: str
) -> None:
    assert 'method="post" action="' + quarantined in client.get(quarantined).content.decode()
    page = client.post(quarantined + "inspect/").content.decode()
    assert "4711" in page
    assert 'aria-current="page">Telegram inspector' in page
    assert len(used_keys(aalund)) == 1


def test_speaks_the_readers_language(client: Client, meter: Meter, quarantined: str) -> None:
    client.cookies["django_language"] = "da"
    page = client.post(PAGE, {"telegram": frame().hex(), "key": "00" * 16}).content.decode()
    assert "forkert nøgle: indholdets kontrolsum passer ikke efter dekryptering" in page
    assert "Kontrolfelt (C)" in page
    for english in ("wrong key", "control field", "manufacturer", "not read"):
        assert english not in page
    assert "krypteret, og ingen nøgle er kendt" in client.get(quarantined).content.decode()


def test_a_strange_key_of_a_kept_telegram_is_not_found(client: Client, aalund: Tenant) -> None:
    today = datetime.now(UTC).date().isoformat()
    assert client.get(f"/t/aalund/operation/telegrams/{today}-1-1/inspect/").status_code == 404
    assert client.post(f"/t/aalund/operation/telegrams/{today}-1-1/inspect/").status_code == 404
    assert client.get("/t/aalund/operation/telegrams/nonsense/inspect/").status_code == 404
