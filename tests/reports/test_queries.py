"""The morning page's figures, each from the rows it counts."""

from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from collectors.models import Collector, OutcomeHour, Telegram
from collectors.outcomes import Outcome
from meters.models import Meter, MeterState
from notifications.models import InfoCodePeriod
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from reports.queries import DAYS, HOURS, Morning, morning
from tests import factories

pytestmark = pytest.mark.django_db

ZONE = ZoneInfo("Europe/Copenhagen")
# 07:30 in Denmark, on a day whose midnight is the day before in UTC. Today's real date, because
# only the days around it have partitions.
NOW = datetime.now(ZONE).replace(hour=7, minute=30, second=0, microsecond=0).astimezone(UTC)
MIDNIGHT = NOW - timedelta(hours=7, minutes=30)
_batches = count(1)


def heard(meter: Meter, at: datetime | None) -> None:
    """Set when a meter was last heard."""
    MeterState.objects.update_or_create(meter=meter, defaults={"heard_at": at})


def telegram(tenant: Tenant, collector: Collector, outcome: Outcome, at: datetime) -> None:
    """A telegram that was received at an instant."""
    Telegram.objects.create(
        tenant=tenant,
        received_on=at.astimezone(UTC).date(),
        batch_id=next(_batches),
        item=0,
        collector_id=collector.pk,
        received_at=at,
        manufacturer="KAM",
        number="12345678",
        frame=b"\x00",
        outcome=outcome,
        detail="",
    )


def ended(tenant: Tenant, collector: Collector, outcome: Outcome, times: int, at: datetime) -> None:
    """So many telegrams came to this within the hour of an instant."""
    OutcomeHour.objects.create(
        tenant=tenant,
        hour=at.replace(minute=0, second=0, microsecond=0),
        collector_id=collector.pk,
        outcome=outcome,
        times=times,
    )


def in_aalund(aalund: Tenant) -> Morning:
    with tenant_context(aalund.pk):
        return morning(NOW, ZONE, keys=True)


def test_an_empty_utility_has_nothing_wrong(aalund: Tenant) -> None:
    page = in_aalund(aalund)
    assert page.nothing_wrong
    assert page.meters == page.telegrams_today == page.readings_today == 0
    assert page.codes_begun == page.quarantined_daily == [0] * DAYS
    assert page.telegrams_hourly == [0] * HOURS


def test_silence_counts_mounted_meters_only(aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        heard(factories.meter(), MIDNIGHT + timedelta(minutes=1))
        heard(factories.meter(), MIDNIGHT - timedelta(minutes=1))
        heard(factories.meter(), NOW - timedelta(days=2))
        heard(factories.meter(), None)
        heard(factories.meter(in_stock=True), None)
    page = in_aalund(aalund)
    assert (page.meters, page.heard_today, page.not_heard) == (4, 1, 2)
    assert not page.nothing_wrong


def test_info_codes_count_meters_and_put_alarms_first(aalund: Tenant) -> None:
    def begin(meter: Meter, code: str, days: int, over: bool = False) -> None:
        at = NOW - timedelta(days=days)
        InfoCodePeriod.objects.create(
            meter=meter, code=code, starts_at=at, ends_at=at + timedelta(hours=1) if over else None
        )

    with tenant_context(aalund.pk):
        one, other = factories.meter(), factories.meter()
        begin(one, "dry", 0)
        begin(other, "dry", 3)
        begin(other, "leak", 3)
        begin(other, "burst", 29, over=True)
        begin(other, "burst", 40, over=True)
    page = in_aalund(aalund)
    assert page.with_codes == 2
    assert [(row.code, row.meters) for row in page.codes] == [("leak", 1), ("dry", 2)]
    assert page.codes_begun[-1] == 1
    assert page.codes_begun[-4] == 2
    assert page.codes_begun[0] == 1
    assert sum(page.codes_begun) == 4


def test_quarantine_and_arrivals_are_those_since_local_midnight(aalund: Tenant) -> None:
    just_before, just_after = MIDNIGHT - timedelta(seconds=1), MIDNIGHT
    with tenant_context(aalund.pk):
        box = factories.collector()
        for outcome in (Outcome.NO_KEY, Outcome.NO_KEY, Outcome.BROKEN, Outcome.STORED):
            telegram(aalund, box, outcome, just_after)
        telegram(aalund, box, Outcome.MERGED, just_after)
        telegram(aalund, box, Outcome.NO_KEY, just_before)
        telegram(aalund, box, Outcome.STORED, just_before)
        ended(aalund, box, Outcome.PENDING, 9, just_after)  # batches are no telegrams
        ended(aalund, box, Outcome.STORED, 2, just_after)
        ended(aalund, box, Outcome.NO_KEY, 3, just_after)
        ended(aalund, box, Outcome.MERGED, 2, just_before)
    page = in_aalund(aalund)
    assert page.quarantined == 3
    assert [(row.outcome, row.telegrams) for row in page.reasons] == [
        (Outcome.NO_KEY, 2),
        (Outcome.BROKEN, 1),
    ]
    assert page.quarantined_daily[-2:] == [1, 3]
    assert (page.telegrams_today, page.readings_today) == (5, 2)
    assert page.telegrams_hourly[-8] == 5  # the hour of midnight, at 07:30
    assert page.telegrams_hourly[-9] == 2


def test_silent_collectors_come_first(aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        for name, at in (("A", NOW), ("B", None), ("C", NOW - timedelta(hours=2))):
            box = factories.collector(name=name)
            Collector.objects.filter(pk=box.pk).update(heard_at=at)
    page = in_aalund(aalund)
    assert [one.collector.name for one in page.collectors] == ["B", "C", "A"]
    assert page.silent_collectors == 2


def test_the_neighbours_trouble_is_not_ours(aalund: Tenant, birkelse: Tenant) -> None:
    with tenant_context(birkelse.pk):
        meter, box = factories.meter(), factories.collector()
        InfoCodePeriod.objects.create(meter=meter, code="leak", starts_at=NOW)
        telegram(birkelse, box, Outcome.NO_KEY, NOW)
        ended(birkelse, box, Outcome.STORED, 9, NOW)
    page = in_aalund(aalund)
    assert page.nothing_wrong, "leaked"
    assert (page.meters, page.telegrams_today, len(page.collectors)) == (0, 0, 0), "leaked"


def test_the_number_of_statements_does_not_grow(
    aalund: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with tenant_context(aalund.pk):
        for _ in range(3):
            heard(factories.meter(), NOW)
            telegram(aalund, factories.collector(), Outcome.NO_KEY, NOW)
        with django_assert_num_queries(12):
            morning(NOW, ZONE, keys=True)


def test_keys_to_repair_are_those_a_key_or_a_report_helps(aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        for trouble in (Outcome.NO_KEY, Outcome.WRONG_KEY, Outcome.WRONG_KEY, Outcome.WAITING):
            MeterState.objects.filter(meter=factories.meter()).update(
                heard_at=NOW, trouble=int(trouble)
            )
        factories.meter()  # never heard: a matter of reach, not of keys
        assert morning(NOW, ZONE, keys=False).keys is None
    told = in_aalund(aalund).keys
    assert told is not None
    assert told.meters == 3
    assert [(one.key, meters) for one, meters in told.ailments] == [("no_key", 1), ("wrong_key", 2)]
