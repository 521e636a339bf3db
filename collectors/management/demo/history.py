"""The demo's past: an hourly reading of every meter, by the pipeline's door, newest first.

Which stretches are there already is asked of the database, so an interrupted run goes on where
it was, and a repeated one changes nothing. A stretch is written for a few meters at a time: the
pipeline locks the meters it writes, and live telegrams of the others must not wait.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, compress, repeat
from operator import itemgetter

from collectors.management.demo.utilities import INTERVAL_S, Utility, radio_of, tenant_of
from collectors.models import Collector
from collectors.pipeline.history import import_history
from collectors.simulator import EPOCH, HOUR_S, Radio, SimulatedMeter, hour_of, start_of
from collectors.simulator.seeded import mixed
from meters.models import Meter, MeterState
from meters.registers import COLUMNS
from meters.state import Heard
from readings.history import MICROSECONDS, HistoryRow
from readings.models import Kind, Origin, Reading, Trust
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

MONTHS = 13
_AT_ONCE = 16  # meters written in one transaction
_ON_THE_WAY = 4 * MICROSECONDS  # from the collector to READY
_MISSING = 200  # radio is not perfect: one hour in so many has no reading


@dataclass(frozen=True, slots=True)
class Past:
    """A demo utility whose past is to be written: its town and the rows of its meters and
    collectors, by number and name."""

    tenant: Tenant
    radio: Radio
    ids: dict[str, int]
    collectors: dict[str, int]

    @classmethod
    def of(cls, utility: Utility) -> "Past":
        """With the meters' ids looked up. Raises LookupError while it is not set up."""
        tenant = tenant_of(utility)
        if tenant is None:
            raise LookupError(f"the demo utility {utility.plan.slug} is not set up: run demo_seed")
        with tenant_context(tenant.pk):
            ids = dict(Meter.objects.values_list("number", "pk"))
            collectors = dict(Collector.objects.values_list("name", "pk"))
        return cls(tenant, radio_of(utility, tenant.created_at), ids, collectors)

    def groups(self) -> list[list[SimulatedMeter]]:
        """The readable meters, a few at a time; the first of each group is always on the air."""
        readable = [meter for meter in self.radio.town.meters if meter.known_key == meter.key]
        steady = [m for m in readable if m.removed is None and m.silent_from is None]
        steady = [m for m in steady if m.installed < start_of(0)]
        others = [meter for meter in readable if meter not in steady]
        count = max(1, -(-len(readable) // _AT_ONCE))
        return [[*steady[number::count], *others[number::count]] for number in range(count)]


def newest_days(past: Past, now: datetime, days: int = 7) -> int:
    """Write the newest days of meters that have no reading at all; how many readings."""
    return sum(
        write(past, group, now - timedelta(days=days), now)
        for group in past.groups()
        if _read_at(past, group[0]) is None
    )


def catch_up(past: Past, now: datetime) -> int:
    """Write what was missed since the newest reading; how many readings."""
    stored = 0
    for group in past.groups():
        last = _read_at(past, group[0])
        if last is not None and now - last > timedelta(seconds=2 * INTERVAL_S):
            stored += write(past, group, last, now)
    return stored


def months(past: Past, now: datetime) -> Iterator[int]:
    """Write the months before, newest first; yields how many readings each stretch had."""
    month = datetime(now.year, now.month, 1, tzinfo=UTC)
    end = now
    for _ in range(MONTHS + 1):
        if month < EPOCH:
            return
        for group in past.groups():
            if not _there(past, group[0], month):
                yield write(past, group, month, end, hourly=True)
        end = month
        month = (month - timedelta(days=1)).replace(day=1)


def _read_at(past: Past, meter: SimulatedMeter) -> datetime | None:
    with tenant_context(past.tenant.pk):
        found: datetime | None = MeterState.objects.get(meter=past.ids[meter.number]).read_at
        return found


def _there(past: Past, meter: SimulatedMeter, month: datetime) -> bool:
    """Whether a month's first days are stored; a stretch is stored whole or not at all."""
    with tenant_context(past.tenant.pk):
        return bool(
            Reading.objects.filter(
                meter_id=past.ids[meter.number],
                kind=Kind.NOW,
                ts__gte=month,
                ts__lt=month + timedelta(days=2),
            ).exists()
        )


def write(
    past: Past,
    meters: Sequence[SimulatedMeter],
    start: datetime,
    end: datetime,
    *,
    hourly: bool = False,
) -> int:
    """Store these meters' readings in [start, end) where there are none; how many were stored.

    hourly: also those of priority meters, of which each five minutes would be a long history.
    """
    low, high = int(start.timestamp() * MICROSECONDS), int(end.timestamp() * MICROSECONDS)
    rows: list[HistoryRow] = []
    newest: list[Heard] = []
    for meter in meters:
        own = list(_rows(past, meter, low, high, HOUR_S if hourly else meter.interval_s))
        rows += own
        if own:
            newest.append(_newest(past, meter, own[-1]))
    with tenant_context(past.tenant.pk):
        return import_history(
            rows,
            intervals={past.ids[meter.number]: meter.interval_s for meter in meters},
            start=low,
            end=high,
            newest=newest,
        )


def _rows(
    past: Past, meter: SimulatedMeter, low: int, high: int, every_s: int
) -> Iterable[HistoryRow]:
    """A meter's first telegram of each `every_s` seconds in [low, high) microseconds, by time."""
    pieces = [_rows_at(past, meter, low, high, offset) for offset in range(0, HOUR_S, every_s)]
    if len(pieces) == 1:
        return pieces[0]
    return sorted(chain.from_iterable(pieces), key=itemgetter(1))


def _rows_at(
    past: Past, meter: SimulatedMeter, low: int, high: int, offset_s: int
) -> Iterator[HistoryRow]:
    """One row an hour, at the first telegram from `offset_s` after the hour on.

    Nothing here is done row by row: `zip` and `compress` make the rows from whole columns.
    """
    radio = past.radio
    first = hour_of(low // MICROSECONDS)
    end = hour_of(-(-high // MICROSECONDS) + HOUR_S - 1)
    sent_ms = offset_s * 1000 + radio.phase_ms(meter)
    heard_ms = max(0, sent_ms + radio.best_site(meter).clock_offset_ms)
    second = sent_ms // 1000
    if meter.kind.has_clock:
        second -= second % 60
        heard_ms = second * 1000
    told = dict(zip(meter.kind.registers, meter.hourly_columns(first, end, second), strict=True))
    nothing = repeat(None)
    values: list[Iterable[int | None]] = [told.get(column, nothing) for column in COLUMNS]
    begin, stop = start_of(first), start_of(end)
    instants = [(hour_s * 1000 + heard_ms) * 1000 for hour_s in range(begin, stop, HOUR_S)]
    rows = zip(
        repeat(past.ids[meter.number]),
        instants,
        [instant + _ON_THE_WAY for instant in instants],
        *values,
        repeat(Origin.FIXED_NETWORK.value),
        repeat(Trust.PLAUSIBLE.value),
        repeat(Kind.NOW.value),
        strict=False,
    )
    number = int(meter.number) * 131
    arrived = [
        low <= instant < high
        and mixed(number + hour) % _MISSING != 0
        and meter.on_air(start_of(hour) + second)
        for hour, instant in zip(range(first, end), instants, strict=True)
    ]
    return compress(rows, arrived)


def _newest(past: Past, meter: SimulatedMeter, row: HistoryRow) -> Heard:
    meter_id, instant = row[0], row[1]
    if meter_id is None or instant is None:
        raise ValueError("a row without meter or instant")
    at = datetime.fromtimestamp(instant // MICROSECONDS, UTC) + timedelta(
        microseconds=instant % MICROSECONDS
    )
    radio = past.radio
    site = radio.best_site(meter)
    return Heard(
        meter_id,
        heard_at=at,
        collector_id=past.collectors[site.name],
        rssi_dbm=radio.level(meter, site),
        read_at=at,
        values=row[3 : 3 + len(COLUMNS)],
    )
