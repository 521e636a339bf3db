"""What a batch leaves behind: newest values, info codes, kept telegrams, outcomes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from django.db import transaction
from psycopg.errors import UniqueViolation

from collectors.models import Telegram
from collectors.outcomes import Outcome
from collectors.pipeline.interpret import TRUSTS
from collectors.pipeline.items import Item, Source
from meters import state
from meters.state import Counted, Heard, Known
from notifications.services import Observation, observe
from readings.models import Kind
from readings.rules.buckets import midnight
from readings.rules.points import instant
from readings.services import NewReading, Stored, Superseded
from readings.statistics import note_heard
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import Stage, day_number, driver_cursor, stamp
from wmbus import RegisterLayout
from wmbus.conditions import conditions_of
from wmbus.words import Words
from wmbus.words import marked as _

_OUTCOMES = {
    Stored.STORED: Outcome.STORED,
    Stored.MERGED: Outcome.MERGED,
    Stored.DUPLICATE: Outcome.DUPLICATE,
    Stored.CONDENSED: Outcome.CONDENSED,
}
# Of several readings in one telegram the most that happened to any names the outcome.
_WEIGHT = [Stored.CONFLICT, Stored.DUPLICATE, Stored.CONDENSED, Stored.MERGED, Stored.STORED]


def conclude(items: Iterable[Item]) -> None:
    """Turn what became of its readings into each item's outcome.

    A telegram of which something was taken is not quarantined for what contradicted.
    """
    for item in items:
        if not item.pending:
            continue
        if not item.readings:
            item.end(Outcome.NO_VALUES)
            continue
        outcomes = [reading.outcome for reading in item.readings]
        most = outcomes[0] if len(outcomes) == 1 else max(outcomes, key=_WEIGHT.index)
        detail = ""
        if Stored.CONFLICT in outcomes:
            against = item.readings[outcomes.index(Stored.CONFLICT)]
            at = f"{against.at:%Y-%m-%d %H:%M:%S}"
            detail = Words(_("another value is stored for %(time)s UTC"), time=at)
        item.end(Outcome.IMPLAUSIBLE if most is Stored.CONFLICT else _OUTCOMES[most], detail)


def tell_meters(
    items: Sequence[Item], known: Mapping[int, Known], counted: Mapping[int, Counted]
) -> None:
    """Newest values, last heard and info codes, one row a meter."""
    heard: dict[int, Heard] = {}
    current: dict[int, list[tuple[NewReading, list[str] | None]]] = {}
    observations: list[Observation] = []
    for item in items:
        if item.meter is None:
            continue
        meter_id = item.meter.id
        quarantined = item.outcome.quarantined
        one = heard.get(meter_id)
        if one is None:
            one = heard[meter_id] = Heard(meter_id, counted=counted.get(meter_id))
        at = item.heard_at or item.source.received_at
        if one.heard_at is None or at >= one.heard_at:
            one.heard_at = at
            one.collector_id = item.source.collector_id
            one.rssi_dbm = item.rssi_dbm
            one.trouble = int(item.outcome) if quarantined else None
        if quarantined or not item.readings:
            continue
        codes = codes_of(item)
        for reading in item.readings:
            if reading.kind is not Kind.NOW or reading.outcome is Stored.CONFLICT:
                continue
            if codes is not None:
                observations.append(Observation(meter_id, reading.at, codes))
            current.setdefault(meter_id, []).append((reading, codes))
    for meter_id, told in current.items():
        _newest(heard[meter_id], told)
    state.update(heard.values())
    observe(observations, since={meter_id: was.read_at for meter_id, was in known.items()})


def tell_imported(readings: Iterable[NewReading], newest: Mapping[int, int]) -> None:
    """Newest values of readings that no telegram brought. newest: as `readings.services.store`."""
    current: dict[int, list[tuple[NewReading, list[str] | None]]] = {}
    for reading in readings:
        if reading.kind is not Kind.NOW or reading.outcome is Stored.CONFLICT:
            continue
        if stamp(reading.at) > newest[reading.meter_id]:
            current.setdefault(reading.meter_id, []).append((reading, None))
    heard = {meter_id: Heard(meter_id) for meter_id in current}
    for meter_id, told in current.items():
        _newest(heard[meter_id], told)
    state.update(heard.values())


def _newest(meter: Heard, told: list[tuple[NewReading, list[str] | None]]) -> None:
    """Each register's newest value, and the newest info codes: a telegram need not tell all."""
    if len(told) > 1:
        told.sort(key=lambda one: one[0].at, reverse=True)
    newest, meter.conditions = told[0]
    meter.read_at, meter.values = newest.at, newest.values
    for reading, codes in told[1:]:
        if meter.conditions is None:
            meter.conditions = codes
        meter.values = [
            older if newer is None else newer
            for newer, older in zip(meter.values, reading.values, strict=True)
        ]


# A box whose clock is further off than this says nothing about the day of reception.
_LATE = timedelta(days=365)


def note_reception(items: Iterable[Item]) -> None:
    """Count the telegrams of known meters by collector and local day, whatever they said."""
    days = _LocalDays()
    note_heard(
        (
            item.meter.id,
            days.of(_heard(item), item.source.zone),
            item.source.collector_id,
            item.rssi_dbm,
        )
        for item in items
        if item.meter is not None
    )


def _heard(item: Item) -> datetime:
    """When it was heard, as far as that can be believed."""
    arrived = item.source.received_at
    at = item.heard_at or arrived
    return at if arrived - _LATE < at <= arrived else arrived


class _LocalDays:
    """Days of instants, nearly all of which lie within the day of the one before."""

    def __init__(self) -> None:
        self._day = date.min
        self._zone: tzinfo = UTC
        self._begin = self._end = datetime.max.replace(tzinfo=UTC)

    def of(self, at: datetime, zone: tzinfo) -> date:
        if not (self._begin <= at < self._end and zone is self._zone):
            self._day, self._zone = at.astimezone(zone).date(), zone
            self._begin = instant(midnight(self._day, zone))
            self._end = instant(midnight(self._day + timedelta(days=1), zone))
        return self._day


def codes_of(item: Item) -> list[str] | None:
    """Info codes of a telegram as slugs; "leak@7" for one of the last 30 days that is over.

    None where the telegram tells no info code at all.
    """
    if item.telegram is None:
        return None
    found: list[str] | None = None
    for register_set in item.telegram.register_sets:
        if register_set.kind == "now":
            for place, table in _info_places(register_set.layout):
                value = register_set.values[place]
                if value is not None:
                    found = [*(found or ()), *_codes(table, value)]
    return found


@lru_cache(maxsize=4096)
def _info_places(layout: RegisterLayout) -> tuple[tuple[int, str], ...]:
    """Where a layout has info codes, and by which table they are read."""
    return tuple(
        (place, register.unit)
        for place, register in enumerate(layout.registers)
        if register.code == "INFO"
    )


@lru_cache(maxsize=4096)
def _codes(table: str, value: int) -> tuple[str, ...]:
    return tuple(
        condition.slug if condition.current else f"{condition.slug}@{condition.duration}"
        for condition in conditions_of(table, value)
    )


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
_COLUMNS = ", ".join(_STAGE.columns)
_INSERT = f"""
    INSERT INTO collectors_telegram (tenant_id, {_COLUMNS})
    SELECT %s, {_COLUMNS} FROM stage_telegram"""
# Replaying a quarantined telegram writes over its row. Looking whether there is one takes
# PostgreSQL as long as the row itself, so what comes for the first time does without.
_AGAIN = f"""{_INSERT}
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
    _STAGE.load(_STAGE.columns, _rows(kept))
    cursor = driver_cursor()
    if not all_of_them:
        try:
            with transaction.atomic():
                cursor.execute(_INSERT, [current_tenant_id()])
                return
        except UniqueViolation:
            pass  # parts of the batch were worked on before it was set aside as a whole
    cursor.execute(_AGAIN, [current_tenant_id()])


def _rows(items: Iterable[Item]) -> Iterator[tuple[object, ...]]:
    source: Source | None = None
    received_on = received_at = 0
    for item in items:
        if item.source is not source:  # mostly it is the same for all
            source = item.source
            received_on, received_at = day_number(source.received_on), stamp(source.received_at)
        maker, number = item.identity or ("", "")
        reading_at = None
        for reading in item.readings:
            if reading.outcome is not Stored.CONDENSED:
                reading_at = stamp(reading.at)
                break
        yield (
            received_on,
            source.batch_id,
            item.index,
            source.collector_id,
            None if item.meter is None else item.meter.id,
            received_at,
            None if item.heard_at is None else stamp(item.heard_at),
            reading_at,
            item.signature,
            item.outcome,
            item.rssi_dbm,
            None if item.telegram is None else TRUSTS[item.telegram.trust],
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
