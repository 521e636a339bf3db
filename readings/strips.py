"""The last hours of the priority meters: one line each, as their readings come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from meters.models import PRIORITY_INTERVAL_S, Installation, Meter
from meters.registers import Register
from meters.values import RegisterValue, value_of
from readings.models import Reading
from ready.tenancy.context import current_tenant_id
from ready.web.units import UnitChoice

HOURS = 6
WIDTH, HEIGHT = 360, 40
# What is shown of a meter: the first of these that it told.
_SHOWN = {
    "pressure": ("p1", "p2"),
    "electricity": ("p_pos", "p_neg"),
    "water": ("flow1", "p1", "t_water"),
}
_ELSE = ("power1", "flow1", "t1", "p1")


@dataclass(frozen=True, slots=True)
class Strip:
    """A meter's line: points for an SVG polyline ("x,y x,y"), and its numbers."""

    meter: Meter
    street: str
    register: Register | None
    points: str
    newest: RegisterValue | None
    lowest: RegisterValue | None
    highest: RegisterValue | None
    newest_at: datetime | None
    readings: int


def strips(now: datetime, units: UnitChoice) -> list[Strip]:
    """All priority meters by street, with their readings of the last hours."""
    meters = {meter.pk: meter for meter in Meter.objects.filter(interval_s=PRIORITY_INTERVAL_S)}
    streets = dict(
        Installation.objects.filter(meter__in=list(meters), ends_at=None).values_list(
            "meter", "supply_point__street"
        )
    )
    since = now - timedelta(hours=HOURS)
    columns = sorted({*_ELSE, *(one for some in _SHOWN.values() for one in some)})
    told: dict[int, list[tuple[datetime, dict[str, int | None]]]] = {}
    rows = (
        Reading.objects.filter(
            tenant_id=current_tenant_id(), meter_id__in=list(meters), ts__gt=since, ts__lte=now
        )
        .order_by("meter_id", "ts")
        .values_list("meter_id", "ts", *columns)
    )
    for meter_id, at, *values in rows:
        told.setdefault(meter_id, []).append((at, dict(zip(columns, values, strict=True))))
    found = [
        _strip(meter, streets.get(pk, ""), told.get(pk, []), since, units)
        for pk, meter in meters.items()
    ]
    return sorted(found, key=lambda one: (not one.street, one.street, one.meter.number))


def _strip(
    meter: Meter,
    street: str,
    rows: Sequence[tuple[datetime, dict[str, int | None]]],
    since: datetime,
    units: UnitChoice,
) -> Strip:
    wanted = _SHOWN.get(meter.medium, _ELSE)
    column = next((one for one in wanted if any(row[one] is not None for _at, row in rows)), "")
    known = [(at, value) for at, row in rows if column and (value := row[column]) is not None]
    if not known:
        at = rows[-1][0] if rows else None
        return Strip(meter, street, None, "", None, None, None, at, len(rows))
    values = [value for _at, value in known]
    low, high = min(values), max(values)
    span = timedelta(hours=HOURS) / WIDTH
    # A meter that does not change runs along the middle.
    points = " ".join(
        f"{(at - since) / span:.1f},"
        + (
            f"{HEIGHT - 3 - (value - low) / (high - low) * (HEIGHT - 6):.1f}"
            if high > low
            else "20"
        )
        for at, value in known
    )
    newest, lowest, highest = (value_of(column, value, units) for value in (values[-1], low, high))
    return Strip(
        meter=meter,
        street=street,
        register=newest.register,
        points=points,
        newest=newest,
        lowest=lowest,
        highest=highest,
        newest_at=known[-1][0],
        readings=len(rows),
    )
