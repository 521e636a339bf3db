"""Operation's pages: quarantine, replay, collectors and their tokens."""

import re
from typing import Any

import pytest
from django.test import Client

from collectors.models import Collector, CollectorToken, OutcomeHour
from collectors.outcomes import Outcome
from meters.models import ReplayWanted
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web.middleware import RequestIdFilter
from tests import factories
from tests.collectors.test_push import PUSH, Box, at, item, telegram, work

QUARANTINE = "/t/aalund/operation/quarantine/"
REPLAY = "/t/aalund/operation/quarantine/replay/"
COLLECTORS = "/t/aalund/operation/collectors/"
FORM = {
    "name": "Tower",
    "type": "concentrator",
    "origin": "1",
    "zone": "Europe/Copenhagen",
    "latitude": "56.123456",
    "longitude": "9.9",
}


@pytest.fixture
def box(committed: None, aalund: Tenant) -> Box:
    """A collector that has pushed one telegram of an unknown meter, and one without a key."""
    with tenant_context(aalund.pk):
        factories.meter(number="63000002")
        pushing = Box(factories.token(factories.collector(name="North")))
    pushing.push([item(telegram("63000009", 1), at(9)), item(telegram("63000002", 1), at(9))])
    work()
    return pushing


def events(tenant: Tenant) -> list[str]:
    with tenant_context(tenant.pk):
        return list(AuditEntry.objects.order_by("pk").values_list("event", flat=True))


def asked() -> Any:
    """What people asked for; meters and keys ask by themselves."""
    return ReplayWanted.objects.filter(because=ReplayWanted.Because.ASKED)


class TestQuarantine:
    def test_shows_reasons_and_narrows(self, box: Box, bob: User, client: Client) -> None:
        client.force_login(bob)
        text = client.get(QUARANTINE).content.decode()
        assert "63000009" in text
        assert "63000002" in text
        text = client.get(QUARANTINE, {"outcome": "no_key"}).content.decode()
        assert "63000009" not in text
        assert "63000002" in text
        assert "63000002" not in client.get(QUARANTINE, {"meter": "1"}).content.decode()

    def test_of_another_utility_is_absent(self, box: Box, charlie: User, client: Client) -> None:
        client.force_login(charlie)
        assert client.get(QUARANTINE).status_code == 404
        own = client.get("/t/birkelse/operation/quarantine/").content.decode()
        assert "63000009" not in own, "leaked"

    def test_is_replayed_by_who_may(
        self, box: Box, alice: User, bob: User, aalund: Tenant, client: Client
    ) -> None:
        client.force_login(bob)
        assert client.post(REPLAY, {"outcome": "no_key"}).status_code == 403
        client.force_login(alice)
        assert client.get(REPLAY).status_code == 405
        response = client.post(REPLAY, {"outcome": "no_key"}, follow=True)
        assert response.redirect_chain[-1][0] == f"{QUARANTINE}?outcome=no_key"
        with tenant_context(aalund.pk):
            assert asked().get().outcome == Outcome.NO_KEY
        assert events(aalund).count("telegrams.replay_requested") == 1

    def test_is_replayed_one_by_one(
        self, box: Box, alice: User, aalund: Tenant, client: Client
    ) -> None:
        client.force_login(alice)
        page = client.get(QUARANTINE, {"meter": "63000009"}).content.decode()
        found = re.search(r"operation/telegrams/([-.0-9]+)/", page)
        assert found
        client.post(REPLAY, {"only": found[1]})
        with tenant_context(aalund.pk):
            assert asked().get().item == 0

    def test_without_a_match_asks_for_nothing(
        self, box: Box, alice: User, aalund: Tenant, client: Client
    ) -> None:
        client.force_login(alice)
        client.post(REPLAY, {"outcome": "broken"})
        with tenant_context(aalund.pk):
            assert not asked().exists()


class TestCounts:
    def test_are_by_collector_and_outcome(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            counted = dict(OutcomeHour.objects.values_list("outcome", "times"))
        assert counted == {Outcome.PENDING: 1, Outcome.UNKNOWN_METER: 1, Outcome.NO_KEY: 1}

    def test_show_in_the_overview(self, box: Box, bob: User, client: Client) -> None:
        client.force_login(bob)
        for period in ("today", "week", "month", "nonsense"):
            text = client.get(COLLECTORS, {"period": period}).content.decode()
            assert re.search(r'data-label="Telegrams">2<', text)

    def test_show_in_the_metrics(self, box: Box, client: Client) -> None:
        text = client.get("/metrics").content.decode()
        assert (
            'ready_telegrams_total{collector="North",outcome="no_key",utility="aalund"} 1.0' in text
        )
        assert 'ready_batches_total{collector="North",utility="aalund"} 1.0' in text
        assert 'ready_backlog_batches{utility="aalund"} 0.0' in text
        assert client.get("/metrics", REMOTE_ADDR="203.0.113.9").status_code == 404

    def test_open_with_a_token_only(self, box: Box, client: Client, settings: object) -> None:
        settings.METRICS_NETWORKS = []  # type: ignore[attr-defined]
        settings.METRICS_TOKEN = "s" * 20  # type: ignore[attr-defined]
        assert client.get("/metrics").status_code == 404
        for token, status in (("s" * 20, 200), ("s" * 19, 404), ("é", 404)):
            headers = {"Authorization": f"Bearer {token}"}
            assert client.get("/metrics", headers=headers).status_code == status


class TestACollector:
    @pytest.fixture(autouse=True)
    def _committed(self, committed: None) -> None:
        """Log-in and trail are real."""

    def test_is_registered_with_a_token_shown_once(
        self, alice: User, aalund: Tenant, client: Client
    ) -> None:
        client.force_login(alice)
        assert client.get(f"{COLLECTORS}new/").status_code == 200
        response = client.post(f"{COLLECTORS}create/", FORM)
        with tenant_context(aalund.pk):
            made = Collector.objects.get()
        assert (made.name, made.latitude, made.longitude) == ("Tower", 56_123_456, 9_900_000)
        page = f"{COLLECTORS}{made.pk}/"
        assert response["Location"] == page
        shown = client.post(f"{page}tokens/")
        assert shown["Cache-Control"] == "no-store"
        found = re.search(r"rdy_\w+_[\w-]+", shown.content.decode())
        assert found
        assert Box(found[0]).push([item(telegram("63000001", 1), at(9))])["accepted"] == 1
        later = client.get(page).content.decode()
        assert found[0] not in later
        prefix = found[0].split("_")[1]
        assert client.post(f"{page}tokens/{prefix}/revoke/").status_code == 302
        Box(found[0]).push([], status=401)
        assert client.post(f"{page}tokens/{prefix}/revoke/").status_code == 404
        assert [event for event in events(aalund) if event.startswith("collector.")] == [
            "collector.registered",
            "collector.token_issued",
            "collector.token_revoked",
            "collector.token_refused",
        ]

    def test_is_edited_and_its_name_is_its_own(
        self, alice: User, aalund: Tenant, client: Client
    ) -> None:
        client.force_login(alice)
        with tenant_context(aalund.pk):
            factories.collector(name="North")
            tower = factories.collector(name="Tower")
        change = f"{COLLECTORS}{tower.pk}/change/"
        assert client.post(change, FORM | {"forwards_at_once": "on"}).status_code == 302
        assert client.post(change, FORM | {"name": "North"}).status_code == 400
        assert client.post(change, FORM | {"longitude": ""}).status_code == 400
        assert client.post(change, FORM | {"zone": "Mars/Olympus"}).status_code == 400
        with tenant_context(aalund.pk):
            tower.refresh_from_db()
            entry = AuditEntry.objects.get(event="collector.changed")
        assert (tower.name, tower.forwards_at_once) == ("Tower", True)
        assert entry.after["forwards_at_once"] is True

    def test_belongs_to_who_may(
        self, bob: User, charlie: User, aalund: Tenant, client: Client
    ) -> None:
        with tenant_context(aalund.pk):
            tower = factories.collector()
        client.force_login(bob)
        for path in ("", "change/", "tokens/", "tokens/x/revoke/"):
            ask = client.get if path == "" else client.post
            assert ask(f"{COLLECTORS}{tower.pk}/{path}").status_code == 403
        client.force_login(charlie)
        theirs = "/t/birkelse/operation/collectors/"
        assert client.get(f"{theirs}{tower.pk}/").status_code == 404
        assert client.post(f"{theirs}{tower.pk}/tokens/").status_code == 404
        assert not CollectorToken.objects.exists()


def test_worker_lines_carry_the_push_s_request_id(
    box: Box, aalund: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    response = box.client.post(
        PUSH,
        b'{"telegrams":[{"telegram":"00"}]}',
        content_type="application/json",
        headers=box.headers,
    )
    caplog.handler.addFilter(RequestIdFilter())
    caplog.set_level("INFO", "collectors.pipeline")
    work()
    told = [one for one in caplog.records if one.name == "collectors.pipeline"]
    assert {one.request_id for one in told} == {response["X-Request-ID"]}  # type: ignore[attr-defined]
