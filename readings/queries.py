"""What the meters said and what was used: consumption, registers, series.

Every answer comes out of `readings.rules`, exact and with its quality; here it is only fetched,
from the columns and partitions that the question needs. All amounts are base units
(`meters.registers`). Runs in a tenant's context.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from fractions import Fraction

from django.db import connection

from meters.registers import Register
from readings.lines import MeterLine, add_lines, check_counts, meter_line, place_lines
from readings.rules.buckets import BucketSize, Days, whole_days
from readings.rules.curve import Curve
from readings.rules.intervals import DEFAULT_THRESHOLDS, buckets_of, whole_window
from readings.rules.points import Series, instant
from readings.rules.registers import RegisterValue, per_day, register_value
from readings.rules.values import Bucket, Quality
from readings.series import instants
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import integers

# How a question finds the line of a meter: its own, or on through the meters before it.
LineOf = Callable[[int, Register, datetime, datetime, Days | None], MeterLine]
# What int8send writes for a register that a reading does not have.
_NOT_TOLD = -(2**63)


# ── One meter, one place ────────────────────────────────────────────────────────────────────────
def consumption(
    meter_id: int,
    register: Register,
    start: datetime,
    end: datetime,
    size: BucketSize,
    zone: tzinfo,
    line_of: LineOf = meter_line,
) -> tuple[Bucket, ...]:
    """What a meter counted in [start, end), bucket by bucket.

    line_of: `lines.line_through_exchanges` for what was used where the meter is now, through the
    meters before it. Raises ValueError for an empty window or a register that does not count up.
    """
    check_counts(register)
    days = _days(start, end, size, zone)
    curve = line_of(meter_id, register, start, end, days).curve
    return buckets_of(curve, start, end, size, zone)


def consumption_of_supply_point(
    supply_point_id: int,
    medium: str,
    register: Register,
    start: datetime,
    end: datetime,
    size: BucketSize,
    zone: tzinfo,
) -> tuple[Bucket, ...]:
    """What a place used of a medium (`meters.models.Medium`), through all meter exchanges.

    Meters that measure beside each other are added up. Raises ValueError as `consumption`.
    """
    check_counts(register)
    days = _days(start, end, size, zone)
    lines = place_lines(supply_point_id, medium, register, start, end, days)
    if not lines:
        # Such a meter never was here: buckets without values.
        return buckets_of(Curve(()), start, end, size, zone)
    return add_lines(lines, [buckets_of(one.curve, start, end, size, zone) for one in lines])


def _days(start: datetime, end: datetime, size: BucketSize, zone: tzinfo) -> Days | None:
    """The window's days, where its buckets are made of days."""
    by_day = size in (BucketSize.DAY, BucketSize.MONTH, BucketSize.YEAR)
    return whole_days(start, end, zone) if by_day else None


@dataclass(frozen=True, slots=True)
class WindowStatistics:
    """A window in a few numbers.

    start, end: the register then. known_from, known_until: the part of the window that readings
    cover; consumption and per_day (a day of 24 hours) are of that part. They are None where
    nothing is known, or where the register fell without a reason.
    """

    start: RegisterValue
    end: RegisterValue
    known_from: datetime | None
    known_until: datetime | None
    consumption: Fraction | None
    per_day: Fraction | None
    quality: Quality

    @property
    def complete(self) -> bool:
        """Whether the whole window is known."""
        return self.quality is not Quality.NONE


def window_statistics(
    meter_id: int,
    register: Register,
    start: datetime,
    end: datetime,
    size: BucketSize,
    zone: tzinfo,
    line_of: LineOf = meter_line,
) -> WindowStatistics:
    """A meter's registers at both ends of a window and what it counted between.

    size: whose thresholds tell interpolated from estimated. line_of: as for `consumption`; then
    each register is that of the meter that was there. Raises ValueError as `consumption`.
    """
    check_counts(register)
    # Two instants of one zone would be compared by the wall clock, which an hour repeats.
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    line = line_of(meter_id, register, start, end, _days(start, end, size, zone))
    bucket = whole_window(line.curve, start, end, size)
    known_from = max(start, instant(line.known[0])) if line.known else end
    known_until = min(end, instant(line.known[1])) if line.known else start
    used = bucket.value
    if used is None and known_from < known_until:
        used = line.curve.difference(known_from, known_until)
    known = used is not None
    return WindowStatistics(
        _register_at(line.first, start, size),
        _register_at(line.last, end, size),
        known_from if known else None,
        known_until if known else None,
        used,
        None if used is None else per_day(used, known_from, known_until),
        bucket.quality,
    )


def _register_at(series: Series, at: datetime, size: BucketSize) -> RegisterValue:
    return register_value(
        series,
        at,
        interpolate=True,
        max_gap=DEFAULT_THRESHOLDS.max_gap[size],
        look_back=DEFAULT_THRESHOLDS.label_tolerance[size],
    )


# ── Series ──────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class MeterSeries:
    """A meter's readings in columns, by time.

    times: microseconds since 1970 UTC. values: register column → base units, None where a
    reading did not tell it; each as long as `times`.
    """

    meter_id: int
    times: Sequence[int]
    values: Mapping[str, Sequence[int | None]]

    @property
    def instants(self) -> list[datetime]:
        """The times as datetimes, UTC."""
        return [instant(time) for time in self.times]


def series(
    meter_ids: Sequence[int], registers: Sequence[Register], start: datetime, end: datetime
) -> tuple[MeterSeries, ...]:
    """The readings of some registers of some meters in [start, end), a series a meter in the
    order asked for; readings that have none of the registers are left out.

    Raises ValueError for no registers or an empty window.
    """
    if not registers:
        raise ValueError("a series has at least one register")
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if start >= end:
        raise ValueError(f"the window ends ({end}) before it begins ({start})")
    columns = [register.column for register in registers]
    packed = ", ".join(
        f"string_agg(int8send(coalesce({column}::int8, {_NOT_TOLD})), ''::bytea ORDER BY ts)"
        for column in columns
    )
    told = " OR ".join(f"{column} IS NOT NULL" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT meter_id, string_agg(timestamptz_send(ts), ''::bytea ORDER BY ts), {packed}
                FROM readings_reading
                WHERE tenant_id = %s AND meter_id = ANY(%s) AND ts >= %s AND ts < %s
                  AND ({told})
                GROUP BY meter_id""",  # noqa: S608  our own column names
            [current_tenant_id(), list(meter_ids), start, end],
        )
        found = {row[0]: _meter_series(row[0], row[1], columns, row[2:]) for row in cursor}
    nothing: Mapping[str, Sequence[int | None]] = dict.fromkeys(columns, ())
    return tuple(found.get(one, MeterSeries(one, (), nothing)) for one in meter_ids)


def _meter_series(
    meter_id: int, packed_times: bytes, columns: Sequence[str], packed: Sequence[bytes]
) -> MeterSeries:
    values: dict[str, Sequence[int | None]] = {
        column: [None if value == _NOT_TOLD else value for value in integers(one)]
        for column, one in zip(columns, packed, strict=True)
    }
    return MeterSeries(meter_id, instants(packed_times), values)
