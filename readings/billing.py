"""Values as they were exported for billing: kept with the export, whatever becomes of readings.

An export calls `note_billed` in the transaction that freezes its run. The readings behind the
values are then kept from thinning (`KeptReading`); the values themselves outlive even the erasure
of a resident's readings, because the bill and its vouchers must be kept. Forgetting the export
(`forget_export`) ends both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from meters import state
from readings.marks import marking
from readings.models import BilledValue
from readings.rules.values import Quality
from ready.tenancy.context import current_tenant_id

_CLASS = 0x42494C4C  # "BILL": exports among advisory locks
_AT_ONCE = 5000  # rows a statement


@dataclass(frozen=True, slots=True)
class Billed:
    """One exported value. at: the instant it is billed for; read_at: of the actual reading behind
    it, None where it was interpolated. register: a column; value: base units as exported."""

    meter_id: int
    register: str
    at: datetime
    value: int
    quality: Quality
    read_at: datetime | None
    supply_point_id: int | None = None


def note_billed(*, export_id: int, values: Iterable[Billed]) -> int:
    """Keep the values of an export, and from now on the readings behind them; how many are new.

    The same export may be noted again: what it said first stays. An export that reads what it
    notes calls `take_turn` before it reads, so that no thinning comes between.
    """
    tenant = current_tenant_id()
    told = list(values)
    take_turn()
    of_export = BilledValue.objects.filter(export_id=export_id)
    before = of_export.count()
    BilledValue.objects.bulk_create(
        [
            BilledValue(
                tenant_id=tenant,
                meter_id=one.meter_id,
                ts=one.at,
                register=one.register,
                export_id=export_id,
                supply_point_id=one.supply_point_id,
                value=one.value,
                quality=one.quality,
                read_at=one.read_at,
            )
            for one in told
        ],
        batch_size=_AT_ONCE,
        ignore_conflicts=True,
    )
    _keep({(one.meter_id, one.read_at) for one in told if one.read_at is not None})
    added: int = of_export.count() - before
    return added


def billed_by(export_id: int) -> list[BilledValue]:
    """What an export said, by meter, instant and register."""
    rows = BilledValue.objects.filter(export_id=export_id)
    return list(rows.order_by("meter_id", "ts", "register"))


def billed_of(meter_id: int, start: datetime, end: datetime) -> list[BilledValue]:
    """What was billed of a meter for instants in [start, end), by time."""
    rows = BilledValue.objects.filter(meter_id=meter_id, ts__gte=start, ts__lt=end)
    return list(rows.order_by("ts", "register", "export_id"))


def forget_export(export_id: int) -> None:
    """End what an export kept; readings that another export used stay kept."""
    take_turn()
    BilledValue.objects.filter(export_id=export_id).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM readings_keptreading k WHERE k.tenant_id = %s
               AND NOT EXISTS (SELECT 1 FROM readings_billedvalue b
                               WHERE b.tenant_id = k.tenant_id AND b.meter_id = k.meter_id
                                 AND b.read_at = k.ts)""",
            [current_tenant_id()],
        )


def take_turn() -> None:
    """Until this transaction ends, no other export of the utility notes or forgets anything, and
    no month of readings is thinned or takes another's place.

    One that is forgotten must see which readings another, not committed yet, relies on; and so
    must whoever takes readings away (`readings.rewriting`).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_CLASS, current_tenant_id()])
        # A month's new table, made while this was not committed, waits for it before it takes the
        # old one's place; then it finds the marks below.
        cursor.execute("LOCK TABLE ONLY readings_reading IN ACCESS SHARE MODE")


def _keep(behind: set[tuple[int, datetime]]) -> None:
    """Keep these readings (meter, instant) from thinning, and mark their days: a month that is
    being written anew has perhaps been copied without them, and copies marked days once more."""
    state.lock_times({meter for meter, _at in behind})
    rows = sorted(behind)
    change = """INSERT INTO readings_keptreading (tenant_id, meter_id, ts)
                SELECT %s, u.meter_id, u.ts
                FROM unnest(%s::int[], %s::timestamptz[]) AS u(meter_id, ts)
                ON CONFLICT DO NOTHING RETURNING meter_id, ts"""
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            cursor.execute(
                f"{marking(change)} SELECT count(*) FROM changed",  # noqa: S608
                [current_tenant_id(), [one for one, _at in some], [at for _one, at in some]],
            )
