"""Operation's pages and a meter's telegrams, as people of two utilities see them."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from collectors import counts
from collectors.models import Collector, InboundBatch, PendingWork, Telegram
from collectors.outcomes import Outcome
from collectors.queries import TelegramKey, newest_key, outcomes_since, telegrams_of_meter
from meters.models import Meter, MeterState
from readings.listing import key_of
from readings.models import Trust
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web.lists import PAGE_SIZE
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()
READ_AT = NOW.replace(microsecond=123456) - timedelta(minutes=2)
TELEGRAMS = "/t/aalund/operation/telegrams/"
_batches = count(1)


@pytest.fixture
def collector(aalund: Tenant) -> Collector:
    with tenant_context(aalund.pk):
        return factories.collector(name="C-03")


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    with tenant_context(aalund.pk):
        return factories.meter(number="63006799")


def in_utility_of(collector: Collector) -> AbstractContextManager[None]:
    assert collector.tenant_id is not None
    return tenant_context(collector.tenant_id)


def telegram(
    collector: Collector, outcome: Outcome = Outcome.STORED, meter: Meter | None = None, **more: Any
) -> TelegramKey:
    """A telegram of the collector's utility."""
    at = more.pop("received_at", NOW)
    with in_utility_of(collector):
        made = Telegram.objects.create(
            tenant_id=collector.tenant_id,
            received_on=at.astimezone(UTC).date(),
            batch_id=next(_batches),
            item=0,
            collector_id=collector.pk,
            meter_id=meter.pk if meter else None,
            received_at=at,
            manufacturer="KAM",
            number=meter.number if meter else "12345678",
            frame=bytes.fromhex("2744ABCD"),
            outcome=outcome,
            **{"detail": "", "rssi_dbm": -71, **more},
        )
    return TelegramKey(made.received_on, made.batch_id, made.item)


def batch(collector: Collector, outcomes: list[Outcome] | None, items: int = 1) -> None:
    """A push; outcomes None: not worked on yet."""
    with in_utility_of(collector):
        made = InboundBatch.objects.create(
            tenant_id=collector.tenant_id,
            received_on=NOW.astimezone(UTC).date(),
            id=next(_batches),
            collector_id=collector.pk,
            received_at=NOW,
            request_id="test",
            digest=b"",
            content_type="text/plain",
            items=len(outcomes) if outcomes is not None else items,
            answer={},
            outcomes=bytes(outcomes) if outcomes is not None else None,
        )
        if outcomes is None:
            PendingWork.objects.create(
                tenant_id=made.tenant_id,
                received_on=made.received_on,
                batch_id=made.id,
                collector_id=collector.pk,
                received_at=NOW,
            )


def page(client: Client, who: User, address: str, **headers: str) -> Any:
    client.force_login(who)
    return client.get(address, headers=headers or None)


class TestTelegramKey:
    def test_reads_what_it_writes(self) -> None:
        key = TelegramKey(NOW.date(), 4711, 3)
        assert TelegramKey.parse(str(key)) == key

    @pytest.mark.parametrize(
        "text",
        ["", "x", "2026-11-23", "2026-11-23.1", "2026-11-23.1.x", "2026-13-01.1.1",
         "2026-11-23.-1.1", "2026-11-23.1.1.1", "2026-11-23." + "9" * 30 + ".1"],
    )  # fmt: skip
    def test_anything_else_is_none(self, text: str) -> None:
        assert TelegramKey.parse(text) is None


class TestTelegrams:
    @pytest.fixture(autouse=True)
    def _three(self, collector: Collector, meter: Meter) -> None:
        telegram(collector, meter=meter, reading_at=READ_AT)
        telegram(collector, Outcome.UNKNOWN_METER)
        telegram(collector, Outcome.WRONG_KEY, meter, detail="2F2F expected, 9F31 found")

    def listed(self, client: Client, who: User, query: str = "") -> list[str]:
        """The outcomes of the telegrams listed, in order."""
        answer = page(client, who, TELEGRAMS + query)
        assert answer.status_code == 200
        return [row.outcome.name for row in answer.context["page"]]

    def test_are_listed_newest_first_with_what_is_wrong(self, client: Client, bob: User) -> None:
        text = page(client, bob, TELEGRAMS).content.decode()
        assert text.index("9F31 found") < text.index("KAM 12345678")
        assert text.index("KAM 12345678") < text.rindex("63006799</a>")
        for shown in ("Wrong key", "Unknown meter", "Stored", "C-03", "−71"):
            assert shown in text

    @pytest.mark.parametrize(
        ("query", "outcomes"),
        [
            ("?outcome=wrong_key", ["WRONG_KEY"]),
            ("?outcome=quarantined", ["WRONG_KEY", "UNKNOWN_METER"]),
            ("?outcome=broken", []),
            ("?outcome=nonsense", ["WRONG_KEY", "UNKNOWN_METER", "STORED"]),
            ("?meter=63006799", ["WRONG_KEY", "STORED"]),
            ("?meter=12345678", ["UNKNOWN_METER"]),
            ("?meter=00000000", []),
            ("?collector=999999", []),
            ("?collector=x", ["WRONG_KEY", "UNKNOWN_METER", "STORED"]),
            ("?day=2020-01-01", []),
            ("?day=2020-99-01", ["WRONG_KEY", "UNKNOWN_METER", "STORED"]),
            ("?after=2000-01-01.1.1", []),
            ("?after=nonsense", ["WRONG_KEY", "UNKNOWN_METER", "STORED"]),
        ],
    )
    def test_are_filtered(self, client: Client, bob: User, query: str, outcomes: list[str]) -> None:
        assert self.listed(client, bob, query) == outcomes

    def test_of_a_collector(self, client: Client, bob: User, collector: Collector) -> None:
        assert len(self.listed(client, bob, f"?collector={collector.pk}")) == 3

    def test_a_day_is_the_utilitys_own(
        self, client: Client, bob: User, collector: Collector
    ) -> None:
        # 00:30 in Denmark: a day earlier in UTC, and so in its partition.
        local = datetime.now(ZoneInfo("Europe/Copenhagen"))
        half_past = local.replace(hour=0, minute=30)
        telegram(collector, Outcome.NO_TIME, received_at=half_past)
        day = local.date().isoformat()
        assert "NO_TIME" in self.listed(client, bob, f"?day={day}&outcome=quarantined")
        day = (local.date() - timedelta(days=1)).isoformat()
        assert "NO_TIME" not in self.listed(client, bob, f"?day={day}&outcome=quarantined")

    def test_pages_meet(self, client: Client, bob: User, collector: Collector) -> None:
        for _again in range(PAGE_SIZE):
            telegram(collector, Outcome.BROKEN)
        first = page(client, bob, TELEGRAMS)
        assert len(first.context["page"].rows) == PAGE_SIZE
        rest = page(client, bob, TELEGRAMS + first.context["next_url"])
        keys = [row.key for row in (*first.context["page"], *rest.context["page"])]
        assert len(keys) == len(set(keys)) == PAGE_SIZE + 3
        assert keys == sorted(keys, key=lambda key: key.batch_id, reverse=True)

    def test_htmx_gets_the_very_part(self, client: Client, bob: User) -> None:
        whole = page(client, bob, TELEGRAMS).content.decode()
        part = page(client, bob, TELEGRAMS, **{"HX-Request": "true"}).content.decode()
        assert "<html" not in part
        assert part.strip() in whole

    def test_a_stranger_gets_404(self, client: Client, charlie: User) -> None:
        assert page(client, charlie, TELEGRAMS).status_code == 404

    def test_the_neighbour_sees_none_of_them(self, client: Client, charlie: User) -> None:
        answer = page(client, charlie, TELEGRAMS.replace("aalund", "birkelse"))
        assert answer.status_code == 200
        assert answer.context["page"].rows == []

    def test_takes_a_fixed_number_of_statements(
        self, client: Client, bob: User, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        client.force_login(bob)
        with django_assert_max_num_queries(19):
            client.get(TELEGRAMS)


class TestOutcomes:
    def test_are_counted_from_the_batches(
        self, client: Client, bob: User, collector: Collector
    ) -> None:
        batch(collector, [Outcome.STORED, Outcome.CONDENSED, Outcome.CONDENSED, Outcome.NO_KEY])
        batch(collector, None, items=7)
        with in_utility_of(collector):
            counts = outcomes_since(NOW - timedelta(hours=1))
        told = {outcome.name: number for outcome, number in counts.items() if number}
        assert told == {"PENDING": 7, "STORED": 1, "CONDENSED": 2, "NO_KEY": 1}
        with in_utility_of(collector):
            assert not any(outcomes_since(NOW + timedelta(hours=1)).values())
        text = page(client, bob, TELEGRAMS).content.decode()
        assert "Telegrams today" in text


class TestTelegram:
    def test_tells_all(self, client: Client, bob: User, collector: Collector, meter: Meter) -> None:
        key = telegram(collector, meter=meter, reading_at=READ_AT, trust=Trust.MAC)
        answer = page(client, bob, f"{TELEGRAMS}{key}/")
        assert answer.status_code == 200
        text = answer.content.decode()
        for shown in ("2744ABCD", "63006799", "C-03", "Authenticated", "Stored"):
            assert shown in text
        assert f"/t/aalund/meters/{meter.pk}/readings/{key_of(READ_AT)}/" in text

    def test_of_an_unknown_meter(self, client: Client, bob: User, collector: Collector) -> None:
        key = telegram(collector, Outcome.UNKNOWN_METER)
        assert "not registered" in page(client, bob, f"{TELEGRAMS}{key}/").content.decode()

    @pytest.mark.parametrize("key", ["x", "2026-11-23.999999.0"])
    def test_that_is_not_there(self, client: Client, bob: User, key: str) -> None:
        assert page(client, bob, f"{TELEGRAMS}{key}/").status_code == 404

    def test_of_the_neighbour_is_not_found(
        self, client: Client, charlie: User, collector: Collector
    ) -> None:
        key = telegram(collector)
        address = f"/t/birkelse/operation/telegrams/{key}/"
        assert page(client, charlie, address).status_code == 404


class TestCollectors:
    def test_are_listed_with_their_work(
        self, client: Client, bob: User, collector: Collector, aalund: Tenant
    ) -> None:
        batch(collector, None, items=5)
        with tenant_context(aalund.pk):
            counts.count(collector.pk, [Outcome.STORED, Outcome.NO_KEY], batches=1)
            factories.collector(name="A-01")
            Collector.objects.filter(pk=collector.pk).update(
                heard_at=timezone.now() - timedelta(hours=2)
            )
        answer = page(client, bob, "/t/aalund/operation/collectors/")
        assert answer.status_code == 200
        first, second = answer.context["rows"]
        assert (first.collector.name, first.batches, first.telegrams) == ("A-01", 0, 0)
        assert (first.waiting, first.oldest_at, first.silent) == (0, None, True)
        assert (second.batches, second.telegrams, second.errors) == (1, 2, 1)
        assert (second.waiting, second.silent) == (1, True)
        assert second.oldest_at is not None
        text = answer.content.decode()
        for shown in ("Never heard", "Silent", "READY Concentrator", "2 h ago"):
            assert shown in text

    def test_none_yet(self, client: Client, bob: User) -> None:
        text = page(client, bob, "/t/aalund/operation/collectors/").content.decode()
        assert "No collectors yet" in text

    def test_a_stranger_gets_404(self, client: Client, charlie: User, aalund: Tenant) -> None:
        assert page(client, charlie, "/t/aalund/operation/collectors/").status_code == 404


class TestMeterTelegrams:
    def test_the_panel_has_the_newest_ten(
        self, client: Client, bob: User, collector: Collector, meter: Meter
    ) -> None:
        for _again in range(11):
            telegram(collector, meter=meter, reading_at=READ_AT)
        telegram(collector)
        address = f"/t/aalund/meters/{meter.pk}/telegrams/"
        panel = page(client, bob, address + "?few", **{"HX-Request": "true"})
        assert len(panel.context["telegrams"].rows) == 10
        text = panel.content.decode()
        assert "All telegrams" in text
        assert "<html" not in text
        whole = page(client, bob, address)
        assert len(whole.context["telegrams"].rows) == 11
        assert "<html" in whole.content.decode()

    def test_older_ones_begin_after_a_key(self, collector: Collector, meter: Meter) -> None:
        keys = [telegram(collector, meter=meter) for _again in range(3)]
        with in_utility_of(collector):
            first = telegrams_of_meter(meter.pk, size=2)
            rest = telegrams_of_meter(meter.pk, TelegramKey.parse(first.next_key), size=2)
        assert [row.key for row in (*first, *rest)] == keys[::-1]
        assert rest.next_key == ""

    def test_none_kept(self, client: Client, bob: User, meter: Meter) -> None:
        text = page(client, bob, f"/t/aalund/meters/{meter.pk}/telegrams/").content.decode()
        assert "No telegrams kept" in text

    def test_of_a_reading(
        self, client: Client, bob: User, collector: Collector, meter: Meter
    ) -> None:
        key = telegram(collector, meter=meter, reading_at=READ_AT)
        telegram(collector, meter=meter, reading_at=READ_AT - timedelta(hours=1))
        address = f"/t/aalund/meters/{meter.pk}/readings/{key_of(READ_AT)}/telegrams/"
        for headers in ({}, {"HX-Request": "true"}):
            answer = page(client, bob, address, **headers)
            assert [row.key for row in answer.context["telegrams"]] == [key]

    def test_of_the_neighbours_meter_are_not_found(
        self, client: Client, alice: User, birkelse: Tenant
    ) -> None:
        with tenant_context(birkelse.pk):
            theirs = factories.meter()
        for part in ("telegrams/", "heard/", f"readings/{key_of(READ_AT)}/telegrams/"):
            for headers in ({}, {"HX-Request": "true"}):
                address = f"/t/aalund/meters/{theirs.pk}/{part}"
                assert page(client, alice, address, **headers).status_code == 404, part


class TestHeard:
    @pytest.fixture
    def address(self, collector: Collector, meter: Meter, aalund: Tenant) -> str:
        with tenant_context(aalund.pk):
            MeterState.objects.filter(meter=meter).update(
                heard_at=timezone.now() - timedelta(minutes=12),
                collector_id=collector.pk,
                rssi_dbm=-71,
            )
        return f"/t/aalund/meters/{meter.pk}/heard/"

    def test_says_when_and_by_whom(self, client: Client, bob: User, address: str) -> None:
        answer = page(client, bob, address)
        text = answer.content.decode()
        for shown in ("12 min ago", "by C-03", "−71", "?seen="):
            assert shown in text
        assert "HX-Trigger" not in answer

    def test_says_nothing_to_a_page_that_knows(
        self, client: Client, bob: User, address: str
    ) -> None:
        seen = page(client, bob, address).context["seen"]
        answers = [page(client, bob, f"{address}?seen={seen}") for _again in range(2)]
        # A minute may pass between the two; not between all three.
        assert 204 in {answer.status_code for answer in answers}
        assert not any("HX-Trigger" in answer for answer in answers)

    def test_tells_the_other_parts_of_a_new_telegram(
        self, client: Client, bob: User, address: str, collector: Collector, meter: Meter
    ) -> None:
        seen = page(client, bob, address).context["seen"]
        key = telegram(collector, meter=meter)
        with in_utility_of(collector):
            assert newest_key(meter.pk, timezone.now()) == str(key)
        answer = page(client, bob, f"{address}?seen={seen}")
        assert answer.status_code == 200
        assert answer["HX-Trigger"] == "meter-changed"

    def test_a_minute_that_passed_is_no_news(self, client: Client, bob: User, address: str) -> None:
        news, _underscore, minute = page(client, bob, address).context["seen"].rpartition("_")
        answer = page(client, bob, f"{address}?seen={news}_{int(minute) - 1}")
        assert answer.status_code == 200
        assert "HX-Trigger" not in answer

    def test_never_heard(self, client: Client, bob: User, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            silent = factories.meter()
        assert "Never" in page(client, bob, f"/t/aalund/meters/{silent.pk}/heard/").content.decode()

    def test_is_cheap(
        self,
        client: Client,
        bob: User,
        address: str,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        seen = page(client, bob, address).context["seen"]
        with django_assert_max_num_queries(14):
            client.get(f"{address}?seen={seen}")
