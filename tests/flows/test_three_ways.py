"""One town's readings by three ways: the same totals, to the last digit.

Pushed live and in order; pushed in random order, every fifth batch by a second concentrator, too;
imported as a whole as history.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collectors import pipeline
from collectors.pipeline.history import import_history
from collectors.services import accept
from collectors.simulator.push import body_of
from collectors.simulator.radio import Delivery, Radio
from collectors.simulator.town import Town
from collectors.simulator.truth import observe, target_truth, truth
from collectors.tokens import Bearer
from meters.registers import BY_COLUMN, COLUMNS
from meters.state import Heard
from readings import queries, totals
from readings.models import Kind, Origin, Reading, Trust
from readings.rules import BucketSize
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

HOURS = 9
COPENHAGEN = ZoneInfo("Europe/Copenhagen")


@pytest.fixture
def town() -> Town:
    anchor = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return Town(7, meters=8, anchor=anchor)


def _utility(slug: str, town: Town) -> tuple[Tenant, dict[str, int], dict[str, Bearer]]:
    """A utility that owns the town's meters; their ids, and its concentrators."""
    tenant = Tenant.objects.create(slug=slug, name=slug)
    with tenant_context(tenant.pk):
        ids = {
            meter.number: factories.meter(
                manufacturer=meter.kind.manufacturer,
                number=meter.number,
                interval_s=meter.interval_s,
                key=meter.known_key,
            ).pk
            for meter in town.meters
        }
        boxes = {
            name: Bearer(tenant.pk, factories.collector(name=name).pk)
            for site in town.sites
            for name in (site.name, f"{site.name} too")
        }
    return tenant, ids, boxes


def _push(bearers: Sequence[Bearer], deliveries: Sequence[Delivery]) -> None:
    for bearer, delivery in zip(bearers, deliveries, strict=True):
        accept(
            bearer=bearer,
            content_type="application/json",
            body=body_of(delivery),
            now=datetime.now(UTC),
            request_id="test",
        )
    turns = pipeline.Turns()
    while pipeline.work_one(turns):
        pass


def _import(tenant: Tenant, ids: dict[str, int], town: Town, deliveries: Sequence[Any]) -> None:
    observations = observe(heard for delivery in deliveries for heard in delivery.heard)
    intervals = {meter.number: meter.interval_s for meter in town.meters}
    told = [
        (one.number, one.read_ms * 1000, one.registers, Kind.NOW)
        for one in truth(observations, intervals).values()
    ]
    told += [
        (number, instant * 1_000_000, registers, Kind.TARGET)
        for (number, instant), registers in target_truth(observations).items()
    ]
    rows = [
        (ids[number], at, at, *(registers.get(c) for c in COLUMNS), Origin.IMPORT, Trust.NONE, kind)
        for number, at, registers, kind in told
    ]
    newest = {number: max(at for n, at, _, _ in told if n == number) for number, *_ in told}
    with tenant_context(tenant.pk):
        import_history(
            rows,
            intervals={ids[number]: interval for number, interval in intervals.items()},
            start=min(at for _, at, _, _ in told),
            end=max(at for _, at, _, _ in told) + 1,
            newest=[
                Heard(ids[number], read_at=datetime.fromtimestamp(at / 1_000_000, UTC))
                for number, at in newest.items()
            ],
        )


def _answers(tenant: Tenant, ids: dict[str, int], town: Town, end: datetime) -> Any:
    """Every total, day and hour of every counting register, and the readings below them."""
    day, hour = BucketSize.DAY, BucketSize.HOUR
    start = end - timedelta(hours=HOURS)
    found: dict[Any, Any] = {}
    with tenant_context(tenant.pk):
        for meter in town.meters:
            meter_id = ids[meter.number]
            found[meter.number] = list(
                Reading.objects.filter(meter_id=meter_id)
                .order_by("ts")
                .values_list("ts", "kind", "fixed", *COLUMNS)
            )
            for column in meter.kind.registers:
                register = BY_COLUMN[column]
                if register.cumulative:
                    asked = (register, start, end)
                    found[meter.number, column] = (
                        [one.bucket for one in totals.totals([meter_id], *asked, day, COPENHAGEN)],
                        queries.consumption(meter_id, *asked, hour, COPENHAGEN),
                        queries.consumption(meter_id, *asked, day, COPENHAGEN),
                    )
    return found


def test_end_with_the_same_totals(committed: None, town: Town) -> None:
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = int((end - timedelta(hours=HOURS)).timestamp() * 1000)
    radio = Radio(town, interval_s=900)
    deliveries = list(radio.deliveries(start, start + HOURS * 3_600_000, batch_s=5400))
    numbers = random.Random(7)

    live, live_ids, boxes = _utility("live", town)
    _push([boxes[one.site] for one in deliveries], deliveries)

    mixed, mixed_ids, boxes = _utility("mixed", town)
    twice = [(boxes[one.site], one) for one in deliveries]
    twice += [(boxes[f"{one.site} too"], one) for one in deliveries if numbers.random() < 0.2]
    numbers.shuffle(twice)
    _push([box for box, _ in twice], [one for _, one in twice])

    past, past_ids, _ = _utility("past", town)
    _import(past, past_ids, town, deliveries)

    answers = _answers(live, live_ids, town, end)
    assert any(answers.values())
    for tenant, ids in ((mixed, mixed_ids), (past, past_ids)):
        others = _answers(tenant, ids, town, end)
        different = {key for key, answer in answers.items() if others[key] != answer}
        if tenant is past:
            # What an import knows of a meter are its registers; a telegram tells more beside them.
            different -= ids.keys()
        assert different == set(), tenant.slug
