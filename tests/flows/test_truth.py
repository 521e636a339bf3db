"""What READY stored equals what the town's meters sent, to the last digit.

Real HTTP handling, a real worker process that is killed with -9 in the middle of its work, every
batch in a random order, some twice; the truth comes from the simulator's own, slow model.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from collectors.models import Collector, InboundBatch, PendingWork
from collectors.outcomes import Outcome
from collectors.simulator.push import body_of
from collectors.simulator.radio import Radio
from collectors.simulator.town import Town
from collectors.simulator.truth import observe, sums, target_truth, truth
from readings.models import Kind, Reading
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

HOURS = 3
WORKER = "import django; django.setup(); from collectors import worker; worker.start().join()"


@pytest.fixture
def workers(committed: None) -> Iterator["Workers"]:
    made = Workers()
    yield made
    made.kill()


class Workers:
    """Worker processes on the test database, as the run-time role."""

    def __init__(self) -> None:
        settings = connection.settings_dict
        query = f"?host={quote(settings['HOST'], safe='')}&port={settings['PORT']}"
        url = (
            f"postgres://{settings['USER']}:{quote(settings['PASSWORD'])}@/"
            f"{settings['NAME']}{query}"
        )
        self.environment = {**os.environ, "DATABASE_URL": url}
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self.running.append(subprocess.Popen([sys.executable, "-c", WORKER], env=self.environment))

    def kill(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.running = []


def waiting() -> int:
    return PendingWork.objects.count()


def wait_until(left: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while waiting() > left:
        assert time.monotonic() < end, f"{waiting()} batches still wait"
        time.sleep(0.05)


@pytest.mark.parametrize("seed", [3, 4])
def test_sums_equal_the_towns_truth(workers: Workers, aalund: Tenant, seed: int) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    town = Town(seed, meters=60, anchor=now)
    radio = Radio(town, interval_s=300)
    start = int((now - timedelta(hours=HOURS)).timestamp() * 1000)
    deliveries = radio.deliveries(start, start + HOURS * 3_600_000, batch_s=120)
    tokens = {}
    with tenant_context(aalund.pk):
        for site in town.sites:
            tokens[site.name] = factories.token(factories.collector(name=site.name))
        ids = {
            meter.number: factories.meter(
                manufacturer=meter.kind.manufacturer,
                number=meter.number,
                interval_s=meter.interval_s,
                key=meter.known_key,
            ).pk
            for meter in town.meters
        }
    order = list(deliveries)
    random.Random(seed).shuffle(order)
    client = Client()
    for position, delivery in enumerate(order):
        answer = client.post(
            "/api/v1/collect/telegrams",
            body_of(delivery),
            content_type="application/json",
            headers={"Authorization": f"Bearer {tokens[delivery.site]}"},
        )
        assert answer.status_code == 200, answer.content
        if position == len(order) // 3:
            workers.start()
    there = waiting()
    wait_until(there * 2 // 3)
    workers.kill()
    workers.start()
    workers.start()
    wait_until(0)

    observations = observe(heard for delivery in deliveries for heard in delivery.heard)
    intervals = {meter.number: meter.interval_s for meter in town.meters}
    expected = truth(observations, intervals)
    with tenant_context(aalund.pk):
        numbers = {pk: number for number, pk in ids.items()}
        stored = list(Reading.objects.filter(kind=Kind.NOW))
        assert len(stored) == len(expected)
        found: dict[tuple[str, str], int] = {}
        for reading in stored:
            for column in town.by_number[numbers[reading.meter_id]].kind.registers:
                place = numbers[reading.meter_id], column
                found[place] = found.get(place, 0) + getattr(reading, column)
        assert found == sums(expected.values())
        for (number, instant), registers in target_truth(observations).items():
            reading = Reading.objects.get(
                meter_id=ids[number], ts=datetime.fromtimestamp(instant, UTC)
            )
            assert {column: getattr(reading, column) for column in registers} == registers
        told = [
            code for batch in InboundBatch.objects.all() for code in bytes(batch.outcomes or b"")
        ]
        assert Outcome.PENDING not in told
        assert Outcome.FAILED not in told
        # Each delivered item is accounted for once; a batch sent twice is one batch.
        assert len(told) == sum(
            len(delivery.heard)
            for delivery in {(one.site, one.batch): one for one in deliveries}.values()
        )
        assert Collector.objects.filter(heard_at=None).count() <= len(town.sites) - len(
            {one.site for one in deliveries}
        )
