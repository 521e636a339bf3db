"""The push endpoint under bad weather: no database, a full disk, a backlog, hostile bodies."""

import gzip
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from pytest_django import Settings

from collectors import api, pressure
from collectors.models import Collector, InboundBatch, PendingWork
from collectors.pressure import Limits, Waiting, judge
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web import health
from tests import factories
from tests.collectors.test_push import PUSH, Box, at, item, telegram

LIMITS = Limits(batches=100, oldest_s=300, free_percent=15, free_gb=50)
GB = 1 << 30


@pytest.fixture
def box(committed: None, aalund: Tenant) -> Box:
    with tenant_context(aalund.pk):
        return Box(factories.token(factories.collector()))


@pytest.fixture(autouse=True)
def fresh_look() -> Iterator[None]:
    api.gauge.forget()
    health.forget()
    yield
    api.gauge.forget()
    health.forget()


class TestWithoutADatabase:
    @pytest.fixture
    def gone(self, box: Box) -> Iterator[Box]:
        """A box that knows READY from better days."""
        known = connection.settings_dict["PORT"]
        connection.close()
        connection.settings_dict["PORT"] = "1"
        yield box
        connection.settings_dict["PORT"] = known

    def test_a_push_is_told_to_come_back(self, gone: Box) -> None:
        response = gone.client.post(
            PUSH, b"{}", content_type="application/json", headers=gone.headers
        )
        assert response.status_code == 503
        assert response["Content-Type"] == "application/problem+json"
        assert response["Retry-After"].isdigit()
        assert response.json()["code"] == "database"

    def test_readiness_says_so(self, gone: Box) -> None:
        response = gone.client.get("/healthz/ready")
        assert response.status_code == 503
        assert "does not answer" in response.json()["database"]
        assert "does not answer" in response.json()["worker"]

    def test_a_flood_of_questions_looks_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looks: list[int] = []

        def look() -> str:
            looks.append(1)
            return ""

        monkeypatch.setattr(health, "CHECKS", {"counted": look})
        monkeypatch.setattr(health, "KEPT_S", 3600.0)
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda _one: Client().get("/healthz/ready"), range(40))
            assert {answer.status_code for answer in answers} == {200}
        assert len(looks) == 1
        monkeypatch.setattr(health, "KEPT_S", 0.0)
        Client().get("/healthz/ready")
        assert len(looks) == 2

    def test_pages_say_so(self, gone: Box) -> None:
        gone.client.raise_request_exception = False
        gone.client.cookies["sessionid"] = "x" * 32
        response = gone.client.get("/accounts/switch/")
        assert response.status_code == 503
        assert response["Retry-After"].isdigit()
        assert b"away for a moment" in response.content

    def test_metrics_say_so(self, gone: Box) -> None:
        response = gone.client.get("/metrics")
        assert b"ready_database_up 0.0" in response.content


class TestABodyInChunks:
    def test_is_read_to_its_end(self, box: Box) -> None:
        """As gunicorn hands it over: no length, and an input that ends by itself."""
        body = json.dumps({"telegrams": [item(telegram("63000001", 1), at(9))]}).encode()
        response = Client().generic(
            "POST",
            PUSH,
            b"",
            content_type="application/json",
            headers=box.headers,
            **{
                "CONTENT_LENGTH": "",
                "HTTP_TRANSFER_ENCODING": "chunked",
                "wsgi.input": io.BytesIO(body),
                "wsgi.input_terminated": True,
            },  # type: ignore[arg-type]
        )
        assert (response.status_code, response.json()["accepted"]) == (200, 1)

    def test_is_bounded(self, box: Box, settings: Settings) -> None:
        settings.PUSH_MAX_BODY_BYTES = 10
        response = Client().generic(
            "POST",
            PUSH,
            b"",
            headers=box.headers,
            **{
                "CONTENT_LENGTH": "",
                "wsgi.input": io.BytesIO(b" " * 11),
                "wsgi.input_terminated": True,
            },  # type: ignore[arg-type]
        )
        assert response.status_code == 413


class TestPressure:
    @pytest.mark.parametrize(
        ("waiting", "free", "code"),
        [
            (None, (90, 100), None),
            (Waiting(99, 299), (90, 100), None),
            (Waiting(100, 0), (90, 100), "backlog"),
            (Waiting(1, 300), (90, 100), "backlog"),
            (Waiting(60, 0, {1: 51}), (90, 100), "backlog"),
            (Waiting(60, 0, {1: 50}), (90, 100), None),
            (Waiting(60, 0, {1: 26, 2: 34}), (90, 100), "backlog"),
            (Waiting(60, 0, {1: 25, 2: 35}), (90, 100), None),
            (None, (14 * GB, 100 * GB), "disk"),
            (None, (15 * GB, 100 * GB), None),
            (None, (60 * GB, 1000 * GB), None),  # little of a large disk is enough
        ],
    )
    def test_judges(self, waiting: Waiting | None, free: tuple[int, int], code: str | None) -> None:
        refusal = judge(1, waiting, free, LIMITS)
        assert (refusal and refusal.code) == code

    def test_spreads_those_who_come_back(self) -> None:
        waits = {
            refusal.retry_after
            for _ in range(100)
            if (refusal := judge(1, Waiting(100, 0), (1, 1), LIMITS))
        }
        assert len(waits) > 10
        assert min(waits) >= 30
        assert max(waits) <= 90

    def test_of_one_utility_is_not_felt_by_another(
        self, box: Box, aalund: Tenant, birkelse: Tenant, settings: Settings
    ) -> None:
        settings.PUSH_MAX_BACKLOG = 2
        with tenant_context(birkelse.pk):
            other = Box(factories.token(factories.collector()))
        for hour in (7, 8):
            box.push([item(telegram("63000001", hour), at(hour))])
        api.gauge.forget()
        problem = box.push([item(telegram("63000001", 9), at(9))], status=503)
        assert problem["code"] == "backlog"
        assert other.push([item(telegram("63000001", 9), at(9))])["accepted"] == 1
        assert pressure.waiting()[aalund.pk].batches == 2
        assert PendingWork.objects.count() == 3

    def test_by_age(self, box: Box) -> None:
        box.push([item(telegram("63000001", 1), at(9))])
        with tenant_context(PendingWork.objects.get().tenant_id):
            PendingWork.objects.update(received_at=datetime.now(UTC) - timedelta(minutes=6))
        api.gauge.forget()
        assert box.push([item(telegram("63000001", 2), at(9))], status=503)["code"] == "backlog"

    def test_of_a_full_disk(self, box: Box, settings: Settings) -> None:
        settings.MIN_FREE_DISK_PERCENT = 101
        settings.ENOUGH_FREE_DISK_GB = 1 << 20
        assert box.push([], status=503)["code"] == "disk"


class TestASecondSending:
    def later(self, box: Box, items: list[Any], **delta: int) -> tuple[dict[str, Any], int]:
        """Push, and push again later; the second answer, and how many batches there are."""
        box.push(items)
        with time_machine.travel(datetime.now(UTC) + timedelta(**delta), tick=True):
            answer = box.push(items)
        with tenant_context(self.tenant):
            return answer, InboundBatch.objects.count()

    @pytest.fixture(autouse=True)
    def _tenant(self, committed: None, aalund: Tenant) -> None:
        self.tenant = aalund.pk

    def test_of_dated_telegrams_is_a_repeat_for_days(self, box: Box) -> None:
        assert self.later(box, [item(telegram("63000001", 1), at(9))], hours=30)[1] == 1

    def test_of_a_box_without_a_clock_is_a_repeat_for_minutes(self, box: Box) -> None:
        with tenant_context(self.tenant):
            Collector.objects.update(forwards_at_once=True)
        undated = [{"telegram": telegram("63000001", 1).hex()}]
        assert self.later(box, undated, minutes=10)[1] == 1

    def test_of_a_box_without_a_clock_is_news_after_hours(self, box: Box) -> None:
        with tenant_context(self.tenant):
            Collector.objects.update(forwards_at_once=True)
        undated = [{"telegram": telegram("63000001", 1).hex()}]
        assert self.later(box, undated, hours=3)[1] == 2

    def test_of_undated_telegrams_that_arrival_does_not_date_is_a_repeat(self, box: Box) -> None:
        undated = [{"telegram": telegram("63000001", 1).hex()}]
        assert self.later(box, undated, hours=3)[1] == 1


class TestBombs:
    """Refused, and never a failure; how quickly and within what memory: `make load`."""

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"[" * 20_000, 400),
            (b'{"telegrams":' * 20_000, 400),
            (b'{"telegrams":[' + b"9" * 500_000 + b"]}", 400),
            (b'{"telegrams":[{"telegram":"\\ud800"}]}', 400),
            (b'{"status":{"a":"\\udfff"},"telegrams":[]}', 400),
            (b'{"telegrams":[NaN]}', 400),
            (b'{"telegrams":[1e999]}', 400),
            (b'{"telegrams":[' + b"[]," * 300_000 + b"[]]}", 413),
            (b'{"telegrams":[' + b"1," * 5_001 + b"1]}", 413),
            (b'{"a":1,' * 3 + b"}" * 3, 400),
            (b"\xff\xfe{\x00}\x00", 400),
            (b"\x00" * 100_000, 200),
            (b"ab" * 400_000, 413),  # one endless line
        ],
    )
    def test_json_and_lines(self, box: Box, body: bytes, status: int) -> None:
        kind = "application/json" if body[:1] in b"[{\xff" else "text/plain"
        answer = box.send(body, status=status, content_type=kind)
        if status == 200:
            assert answer["accepted"] == 0

    def test_an_endless_line_of_ndjson(self, box: Box) -> None:
        line = b'{"telegram":"' + b"0" * 900_000
        answer = box.send(line, status=413, content_type="application/x-ndjson")
        assert answer["code"] == "too_large"
        answer = box.send(line[:200_000], status=200, content_type="application/x-ndjson")
        assert [one["code"] for one in answer["rejected"]] == ["too_long"]

    @pytest.mark.parametrize("levels", [1, 2])
    def test_gzip(self, box: Box, levels: int) -> None:
        bomb = bytes(64 << 20)
        for _ in range(levels):
            bomb = gzip.compress(bomb)
        status = 413 if levels == 1 else 200  # inflated once, it is a line of no kind
        answer = box.send(
            bomb, status=status, content_type="text/plain", **{"Content-Encoding": "gzip"}
        )
        assert answer.get("accepted", 0) == 0
