"""What a batch leaves behind: newest values, info codes, kept telegrams, outcomes."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from django.db import connection

from collectors.models import Telegram
from collectors.outcomes import Outcome
from collectors.pipeline.interpret import TRUSTS
from collectors.pipeline.items import Item
from meters import state
from meters.state import Heard, Known
from notifications.services import Observation, observe
from readings.models import Kind
from readings.services import NewReading, Stored, Superseded
from readings.statistics import HeardTelegram, note_heard
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import Stage
from wmbus.conditions import conditions_of

_OUTCOMES = {
    Stored.STORED: Outcome.STORED,
    Stored.MERGED: Outcome.MERGED,
    Stored.DUPLICATE: Outcome.DUPLICATE,
    Stored.CONDENSED: Outcome.CONDENSED,
}
# Of several readings in one telegram the most that happened to any names the outcome.
_WEIGHT = [Stored.DUPLICATE, Stored.CONDENSED, Stored.MERGED, Stored.STORED, Stored.CONFLICT]


def conclude(items: Iterable[Item]) -> None:
    """Turn what became of its readings into each item's outcome."""
    for item in items:
        if not item.pending:
            continue
        if not item.readings:
            item.end(Outcome.NO_VALUES)
            continue
        most = max((reading.outcome for reading in item.readings), key=_WEIGHT.index)
        if most is Stored.CONFLICT:
            at = next(r.at for r in item.readings if r.outcome is Stored.CONFLICT)
            item.end(Outcome.IMPLAUSIBLE, f"another value is stored for {at:%Y-%m-%d %H:%M:%S} UTC")
        else:
            item.end(_OUTCOMES[most])


def tell_meters(items: Sequence[Item], known: dict[int, Known]) -> None:
    """Newest values, last heard and info codes, one row a meter."""
    heard: dict[int, Heard] = {}
    newest: dict[int, NewReading] = {}
    observations: list[Observation] = []
    for item in items:
        if item.meter is None:
            continue
        one = heard.setdefault(item.meter.id, Heard(item.meter.id))
        at = item.heard_at or item.source.received_at
        if one.heard_at is None or at >= one.heard_at:
            one.heard_at = at
            one.collector_id = item.source.collector_id
            one.rssi_dbm = item.rssi_dbm
            one.trouble = int(item.outcome) if item.outcome.quarantined else None
        if item.outcome.quarantined:
            continue
        for reading in item.readings:
            if reading.kind is not Kind.NOW:
                continue
            current = _conditions(item)
            if current is not None:
                observations.append(Observation(item.meter.id, reading.at, current))
            last = newest.get(item.meter.id)
            if last is None or reading.at > last.at:
                newest[item.meter.id] = reading
                one.read_at = reading.at
                one.values = reading.values
                one.conditions = current
    state.update(heard.values())
    observe(observations, since={meter_id: was.read_at for meter_id, was in known.items()})


# A box whose clock is further off than this says nothing about the day of reception.
_LATE = timedelta(days=365)


def note_reception(items: Iterable[Item]) -> None:
    """Count the telegrams of known meters by collector and local day, whatever they said."""
    note_heard(
        HeardTelegram(item.meter.id, item.source.collector_id, _day_heard(item), item.rssi_dbm)
        for item in items
        if item.meter is not None
    )


def _day_heard(item: Item) -> date:
    arrived = item.source.received_at
    at = item.heard_at or arrived
    believed = arrived - _LATE < at <= arrived
    return (at if believed else arrived).astimezone(item.source.zone).date()


def _conditions(item: Item) -> list[str] | None:
    """Info codes of a telegram as slugs; "leak@7" for one of the last 30 days that is over.

    None where the telegram tells no info code at all.
    """
    if item.telegram is None:
        return None
    found: list[str] | None = None
    for register_set in item.telegram.register_sets:
        if register_set.kind != "now":
            continue
        for register, value in zip(register_set.layout.registers, register_set.values, strict=True):
            if register.code == "INFO" and value is not None:
                found = found if found is not None else []
                for condition in conditions_of(register.unit, value):
                    past = "" if condition.current else f"@{condition.duration}"
                    found.append(condition.slug + past)
    return found


_STAGE = Stage(
    "stage_telegram",
    {
        "received_on": "date",
        "batch_id": "int8",
        "item": "int4",
        "collector_id": "int4",
        "meter_id": "int4",
        "received_at": "timestamptz",
        "heard_at": "timestamptz",
        "reading_at": "timestamptz",
        "signature": "int4",
        "outcome": "int2",
        "rssi_dbm": "int2",
        "trust": "int2",
        "manufacturer": "text",
        "number": "text",
        "frame": "bytea",
        "detail": "text",
    },
)
_COLUMNS = (
    "received_on, batch_id, item, collector_id, meter_id, received_at, heard_at, reading_at, "
    "signature, outcome, rssi_dbm, trust, manufacturer, number, frame, detail"
)
# Replaying a quarantined telegram writes over its row.
_INSERT = f"""
    INSERT INTO collectors_telegram (tenant_id, {_COLUMNS})
    SELECT %s, {_COLUMNS} FROM stage_telegram
    ON CONFLICT (tenant_id, received_on, batch_id, item) DO UPDATE SET
        meter_id = excluded.meter_id, reading_at = excluded.reading_at,
        signature = excluded.signature, outcome = excluded.outcome, trust = excluded.trust,
        detail = excluded.detail"""
_KEPT = (Outcome.STORED, Outcome.MERGED)


def keep_telegrams(items: Iterable[Item], *, all_of_them: bool = False) -> None:
    """A row for each telegram stored or quarantined (all: also for what became of a replay)."""
    kept = [
        item for item in items if all_of_them or item.outcome in _KEPT or item.outcome.quarantined
    ]
    if not kept:
        return
    with connection.cursor() as cursor:
        _STAGE.load(cursor, (_row(item) for item in kept))
        cursor.execute(_INSERT, [current_tenant_id()])


def _row(item: Item) -> tuple[object, ...]:
    maker, number = item.identity or ("", "")
    stored = [reading for reading in item.readings if reading.outcome is not Stored.CONDENSED]
    trust = None if item.telegram is None else TRUSTS[item.telegram.trust]
    return (
        item.source.received_on,
        item.source.batch_id,
        item.index,
        item.source.collector_id,
        None if item.meter is None else item.meter.id,
        item.source.received_at,
        item.heard_at,
        stored[0].at if stored else None,
        item.signature,
        item.outcome,
        item.rssi_dbm,
        trust,
        maker,
        number,
        item.frame,
        item.detail,
    )


def note_superseded(gone: Iterable[Superseded]) -> None:
    """The telegrams whose readings gave way to an earlier one are condensed after all."""
    for one in gone:
        Telegram.objects.filter(
            meter_id=one.meter_id,
            reading_at=one.at,
            received_on__gte=one.received_at.date() - timedelta(days=1),
            received_on__lte=one.received_at.date() + timedelta(days=1),
            outcome__in=(Outcome.STORED, Outcome.MERGED),
        ).update(outcome=Outcome.CONDENSED, reading_at=None)
