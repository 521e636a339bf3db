"""Bodies and quarantined telegrams end as promised, and what must stay stays."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from collectors import maintenance
from collectors.models import Collector, InboundBatch, Telegram
from collectors.outcomes import Outcome
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.conftest import as_admin

pytestmark = pytest.mark.usefixtures("committed")
NOW = datetime.now(UTC)
_ids = count(1)


def keep_up() -> list[str]:
    """One look; what it did."""
    done = []
    for work in maintenance.upkeep(NOW):
        work.carry_out(NOW)
        done.append(work.describe())
    return done


def batch(box: Collector, settled_days_ago: float | None, outcome: Outcome) -> int:
    """A batch received today, for which there is a partition, settled long ago."""
    number = next(_ids)
    settled = None if settled_days_ago is None else NOW - timedelta(days=settled_days_ago)
    InboundBatch.objects.create(
        tenant_id=box.tenant_id,
        received_on=NOW.date(),
        id=number,
        collector_id=box.pk,
        received_at=NOW,
        request_id="test",
        digest=b"",
        content_type="text/plain",
        body=b"body",
        items=1,
        answer={},
        outcomes=None if settled is None else bytes([outcome]),
        settled_at=settled,
    )
    return number


def test_bodies_go_seven_days_after_their_batch_was_settled(aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        box = factories.collector()
        gone = batch(box, 7.1, Outcome.NO_KEY)
        stay = {
            batch(box, 6.9, Outcome.STORED),
            batch(box, None, Outcome.PENDING),
            batch(box, 30, Outcome.UNREADABLE),
        }
    assert len(keep_up()) == 1
    with tenant_context(aalund.pk):
        kept = InboundBatch.objects.filter(body__isnull=False)
        assert set(kept.values_list("id", flat=True)) == stay
        assert InboundBatch.objects.filter(id=gone, outcomes=bytes([Outcome.NO_KEY])).exists()
    assert keep_up() == []


def telegrams(tenant: Tenant, box: Collector, days_ago: int) -> None:
    """One for each of three reasons, and one that was stored."""
    day = NOW.date() - timedelta(days=days_ago)
    with as_admin() as link:  # the past has no partition in the tests' database
        link.execute(
            f"""CREATE TABLE IF NOT EXISTS collectors_telegram_p{day:%Y%m%d} PARTITION OF
                collectors_telegram FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"""
        )
    with tenant_context(tenant.pk):
        for outcome in (Outcome.UNKNOWN_METER, Outcome.NO_KEY, Outcome.BROKEN, Outcome.STORED):
            Telegram.objects.create(
                tenant_id=box.tenant_id,
                received_on=day,
                batch_id=next(_ids),
                item=0,
                collector_id=box.pk,
                received_at=NOW,
                manufacturer="KAM",
                number="63000001",
                frame=b"",
                outcome=outcome,
                detail="",
            )


def forget_the_past() -> None:
    """Other tests know which partitions there are."""
    with as_admin() as link:
        for days in (7, 8, 21):
            link.execute(
                f"DROP TABLE collectors_telegram_p{NOW.date() - timedelta(days=days):%Y%m%d}"
            )


def test_telegrams_go_by_their_reason(
    aalund: Tenant, settings: Settings, request: pytest.FixtureRequest
) -> None:
    settings.QUARANTINE_DAYS = {"unknown_meter": 7, "broken": 20}
    with tenant_context(aalund.pk):
        box = factories.collector()
    for days in (7, 8, 21):
        telegrams(aalund, box, days)
    request.addfinalizer(forget_the_past)
    keep_up()
    with tenant_context(aalund.pk):
        left = {
            (one.outcome, (NOW.date() - one.received_on).days) for one in Telegram.objects.all()
        }
    everything = {
        (outcome, days)
        for outcome in (Outcome.UNKNOWN_METER, Outcome.NO_KEY, Outcome.BROKEN, Outcome.STORED)
        for days in (7, 8, 21)
    }
    assert everything - left == {
        (Outcome.UNKNOWN_METER, 8),
        (Outcome.UNKNOWN_METER, 21),
        (Outcome.BROKEN, 21),
    }
    assert keep_up() == []


def test_a_reason_that_is_none_stops_it(settings: Settings) -> None:
    settings.QUARANTINE_DAYS = {"stored": 1}
    with pytest.raises(ImproperlyConfigured):
        maintenance.plan(NOW)
