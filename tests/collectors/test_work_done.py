"""However far the statistics are behind, a batch reads a few rows an item, and no table through.

Told by PostgreSQL's own counts of rows read in a transaction, not by a clock.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

import wmbus
from collectors.outcomes import Outcome
from collectors.pipeline import import_readings
from collectors.pipeline.batches import settle_whole, unpack
from collectors.pipeline.claims import Turns, begin, claim, settle
from collectors.pipeline.path import process
from meters import keys
from meters.models import Medium, Meter, MeterAddress, MeterKey, MeterState
from meters.registers import COLUMNS
from readings.models import Origin, Trust
from readings.services import NewReading
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.collectors.boxes import KEY, Box
from tests.conftest import as_admin
from wmbus import encode

pytestmark = pytest.mark.usefixtures("committed")

HEADERS = bytes.fromhex("040604FF0704FF080414043B0259025D04FF22")
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=60)
METERS, HOURS, BATCH = 1500, 6, 100
# Rows an item: those it meets in all tables together. Reading one table through would be more.
FEW = 12


def registered(tenant: Tenant, first: int) -> list[Meter]:
    """Meters with keys, numbered from `first`."""
    with tenant_context(tenant.pk):
        made = Meter.objects.bulk_create(
            Meter(manufacturer="KAM", number=str(first + place), medium=Medium.HEAT)
            for place in range(METERS)
        )
        MeterState.objects.bulk_create(MeterState(meter=meter) for meter in made)
        MeterAddress.objects.bulk_create(
            MeterAddress(tenant=tenant, meter=meter, manufacturer="KAM", number=meter.number)
            for meter in made
        )
        MeterKey.objects.bulk_create(
            MeterKey(
                meter=meter,
                sealed=keys.seal(KEY, tenant_id=tenant.pk, meter_id=meter.pk, version=1),
            )
            for meter in made
        )
    return made


def fill(tenant: Tenant, meters: Sequence[Meter]) -> None:
    """Hourly readings."""
    with tenant_context(tenant.pk):
        for hour in range(HOURS):
            at = START + timedelta(hours=hour)
            import_readings([reading(meter, at, hour) for meter in meters])


def reading(meter: Meter, at: datetime, energy: int) -> NewReading:
    return NewReading(
        meter_id=meter.pk,
        at=at,
        received_at=at,
        values=[energy * 3_600_000 if column == "e1" else None for column in COLUMNS],
        origin=Origin.FIXED_NETWORK,
        trust=Trust.PLAUSIBLE,
        interval_s=3600,
    )


def telegrams(first: int, energy: int) -> list[bytes]:
    values = [energy, energy * 2, energy, energy * 3, 120, 6512, 3456, 0]
    return [
        encode.kamstrup_full(
            wmbus.Address("KAM", str(first + place), 0x34, 0x04),
            wmbus.Key(KEY),
            encode.records(HEADERS, values),
            session=energy,
            access=energy & 255,
        )
        for place in range(BATCH)
    ]


def rows_read() -> Counter[str]:
    """By table, of what this session has not reported yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0)
               FROM pg_stat_xact_user_tables WHERE schemaname = 'public'"""
        )
        return Counter(dict(cursor.fetchall()))


def worked_on() -> tuple[set[Outcome], Counter[str]]:
    """Work on the one batch that waits: how its items ended, and rows read by table."""
    claimed = claim(Turns())
    assert claimed is not None
    with tenant_context(claimed.tenant_id):
        begin(claimed)
        before = rows_read()
        batch, items = unpack(claimed)
        process(items)
        settle_whole(batch, items)
        settle(claimed)
        read = rows_read() - before
    return {item.outcome for item in items}, read


def analyse() -> None:
    """What autovacuum does of its own accord now and then."""
    with as_admin() as link:
        link.execute("ANALYZE")


@pytest.mark.parametrize("analysed", ["before", "between"])
def test_a_batch_reads_a_few_rows_an_item(aalund: Tenant, birkelse: Tenant, analysed: str) -> None:
    """New, told again by another collector, and late: whether PostgreSQL last looked at empty
    tables, or at another utility's readings of an earlier day."""

    ours, theirs = registered(aalund, 63_000_000), registered(birkelse, 64_000_000)
    analyse()
    fill(aalund, ours)
    if analysed == "between":
        analyse()
    fill(birkelse, theirs)

    def told(frames: Sequence[bytes], minute: int) -> tuple[set[Outcome], Counter[str]]:
        Box(birkelse, start=START).hand_in(*frames, minute=minute, apart=0)
        return worked_on()

    frames = telegrams(64_000_000, 100)
    outcome, read = told(frames, 60 * HOURS + 5)
    assert outcome == {Outcome.STORED}
    assert read.total() <= FEW * BATCH, read
    outcome, read = told(frames, 60 * HOURS + 5)
    assert outcome == {Outcome.DUPLICATE}
    assert read.total() <= FEW * BATCH, read
    with as_admin() as link:
        # Of two indexes with the utility in front PostgreSQL needs to know which is the shorter
        # way; it looks within a minute of a day's beginning.
        link.execute("ANALYZE collectors_telegram")
    outcome, read = told(frames, 60 * HOURS + 2)
    assert outcome == {Outcome.STORED}  # and what came first gave way
    assert read.total() <= FEW * BATCH, read
