"""From a decoded telegram to readings: registers become columns, meter times become instants.

A layout of registers is looked at once; what to do with its values is then a list of whole-number
factors. Nothing is rounded: what does not come out even, or does not fit, goes into `extra` as
[mantissa, exponent, unit].
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from meters.registers import BY_CODE, COLUMNS, DECODER_UNITS, REGISTERS
from readings.models import Kind, Origin, Trust
from readings.services import NewReading
from wmbus import MeterTime, RegisterLayout, RegisterSet, Telegram
from wmbus import Trust as TelegramTrust
from wmbus.words import Words
from wmbus.words import marked as _

KINDS = {"now": Kind.NOW, "target": Kind.TARGET, "log": Kind.LOG}
TRUSTS = {
    TelegramTrust.MAC: Trust.MAC,
    TelegramTrust.PLAUSIBLE: Trust.PLAUSIBLE,
    TelegramTrust.NONE: Trust.NONE,
}
_WIDTH = len(COLUMNS)
_INT4 = 2**31 - 1
_INT8 = 2**63 - 1
_SECONDS = {"s": Fraction(1, 3600), "min": Fraction(1, 60), "d": Fraction(24)}


class Move(NamedTuple):
    """Where the value at `source` goes: into `column` times `factor` / `divisor`, or to extra."""

    source: int
    column: int  # place in COLUMNS, -1: none
    factor: int
    divisor: int
    most: int
    code: str
    exponent: int
    unit: str


@lru_cache(maxsize=4096)
def plan(layout: RegisterLayout) -> tuple[Move, ...]:
    """What to do with the values of a layout; layouts are interned, so this is asked once each."""
    moves = []
    for source, told in enumerate(layout.registers):
        register = BY_CODE.get(told.code)
        factor = Fraction(10) ** told.exponent
        column = -1
        if register is not None:
            quantity, base = DECODER_UNITS.get(told.unit, (None, Fraction(0)))
            if register.quantity == "hours" and told.unit in _SECONDS:
                quantity, base = "hours", _SECONDS[told.unit]
            elif register.quantity in ("bits", "count"):
                # An INFO register's unit names its table of bits; counts are taken as they come.
                quantity, base = register.quantity, Fraction(1)
            if quantity == register.quantity:
                factor *= base
                column = COLUMNS.index(register.column)
        moves.append(
            Move(
                source=source,
                column=column,
                factor=factor.numerator,
                divisor=factor.denominator,
                most=_INT8 if register is not None and register.wide else _INT4,
                code=told.code,
                exponent=told.exponent,
                unit=told.unit,
            )
        )
    return tuple(moves)


def columns_of(
    register_set: RegisterSet,
) -> tuple[list[int | None], dict[str, list[object]] | None]:
    """A register set as values in the order of COLUMNS, and what no column holds exactly."""
    row: list[int | None] = [None] * _WIDTH
    extra: dict[str, list[object]] | None = None
    values = register_set.values
    for source, column, factor, divisor, most, code, exponent, unit in plan(register_set.layout):
        value = values[source]
        if value is None:
            continue
        if column >= 0:
            scaled, rest = divmod(value * factor, divisor)
            if not rest and -most <= scaled <= most:
                row[column] = scaled
                continue
        extra = extra if extra is not None else {}
        extra[code] = [value, exponent, unit]
    return row, extra


def instant_of(time: MeterTime, zone: tzinfo) -> datetime | None:
    """The UTC instant a meter means, or None where it named none.

    A time of day counts in the zone's standard time, plus an hour when the meter says summer: so
    the doubled hour in October is no riddle. A bare date means local midnight.
    """
    moment = time.moment
    if moment is None or time.invalid:
        return None
    if time.date_only:
        return moment.replace(tzinfo=zone).astimezone(UTC)
    local = moment.replace(tzinfo=zone)
    offset = local.utcoffset() or timedelta(0)
    standard = offset - (local.dst() or timedelta(0))
    summer = timedelta(hours=1) if time.summer else timedelta(0)
    return (moment - standard - summer).replace(tzinfo=UTC)


def readings_of(
    telegram: Telegram,
    *,
    meter_id: int,
    interval_s: int,
    heard_at: datetime | None,
    received_at: datetime,
    origin: Origin,
    zone: tzinfo,
) -> list[NewReading]:
    """A telegram's register sets as readings; a set without any time to its name is left out.

    The time of a current set is the meter's own, else the receiver's; a target date or log entry
    has its own or is nothing.
    """
    readings = []
    for register_set in telegram.register_sets:
        kind = KINDS[register_set.kind]
        own = _own_time(register_set, zone)
        at = own if own is not None or kind is not Kind.NOW else heard_at
        if at is None:
            continue
        values, extra = columns_of(register_set)
        if extra is None and all(value is None for value in values):
            continue
        readings.append(
            NewReading(
                meter_id=meter_id,
                at=at,
                received_at=received_at,
                values=values,
                origin=origin,
                trust=TRUSTS[telegram.trust],
                interval_s=interval_s,
                kind=kind,
                own_time=own is not None,
                extra=extra,
            )
        )
    return readings


def _own_time(register_set: RegisterSet, zone: tzinfo) -> datetime | None:
    time = register_set.time
    if time is None or (register_set.kind == "now" and time.date_only):
        return None  # today's date says nothing of the hour
    return instant_of(time, zone)


_AHEAD = timedelta(minutes=10)


def implausible(readings: Sequence[NewReading], now: datetime, oldest: datetime) -> str:
    """Why these readings cannot be believed, or ""."""
    for reading in readings:
        if reading.at > now + _AHEAD:
            return Words(
                _("reading time %(time)s lies in the future"), time=f"{reading.at:%Y-%m-%d %H:%M}"
            )
        if reading.at < oldest:
            return Words(
                _("reading time %(time)s lies too far back"), time=f"{reading.at:%Y-%m-%d %H:%M}"
            )
        # Nearly always nothing is: the registers are only looked at one by one where something is.
        if min(filter(None, reading.values), default=0) < 0:
            for register, value in zip(REGISTERS, reading.values, strict=True):
                if register.cumulative and value is not None and value < 0:
                    return Words(_("%(register)s is negative"), register=register.code)
    return ""
