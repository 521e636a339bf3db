"""What pages of meter exchanges show: meters to choose from, what they told last, history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from meters.models import Installation, Meter, SupplyPoint
from meters.registers import BY_COLUMN, MAIN_REGISTERS, REGISTERS, Register
from meters.values import RegisterValue, value_of
from readings.models import PlannedExchange, Reading
from ready.web.units import UnitChoice

MOST_OFFERED = 20


@dataclass(frozen=True, slots=True)
class LastTold:
    """A register as a meter told it last before an instant."""

    value: RegisterValue
    at: datetime


def counting_registers(meters: Sequence[Meter]) -> list[Register]:
    """The registers that are read off at an exchange: the medium's chief ones that count, and any
    other that one of the meters has told."""
    chief = [BY_COLUMN[column] for column in MAIN_REGISTERS[meters[0].medium]]
    found = [one for one in chief if one.cumulative]
    for register in REGISTERS:
        told = any(getattr(meter.state, register.column) is not None for meter in meters)
        if register.cumulative and told and register not in found:
            found.append(register)
    return found


def last_told(
    meter_id: int, registers: Sequence[Register], at: datetime, units: UnitChoice
) -> dict[str, LastTold]:
    """Register column → what the meter said last at or before an instant."""
    found = {}
    for register in registers:
        row = (
            Reading.objects.filter(
                meter_id=meter_id, ts__lte=at, **{f"{register.column}__isnull": False}
            )
            .order_by("-ts")
            .values_list("ts", register.column)
            .first()
        )
        if row is not None:
            value = value_of(register.column, row[1], units)
            found[register.column] = LastTold(value, row[0])
    return found


def candidates(old: Meter, words: str) -> list[Meter]:
    """Meters that could take a meter's place: of the same medium, in stock, by serial number."""
    meters = Meter.objects.filter(in_stock=True, medium=old.medium).exclude(pk=old.pk)
    if words:
        meters = meters.filter(number__contains=words)
    return list(meters.order_by("number", "pk")[:MOST_OFFERED])


@dataclass(frozen=True, slots=True)
class Stay:
    """An installation as its history shows it. mine: of the meter whose page this is.

    start, end: the registers read off, in the utility's units. undoable: it came by an exchange
    and nothing has happened to it since. open: an exchange whose registers are not entered yet.
    """

    installation: Installation
    mine: bool
    start: Sequence[RegisterValue]
    end: Sequence[RegisterValue]
    undoable: bool
    open: bool


def history(meter_id: int, units: UnitChoice) -> list[Stay]:
    """Where a meter was mounted, and every meter at the places it was in; the newest first."""
    places = Installation.objects.filter(meter=meter_id).values("supply_point")
    rows = list(
        Installation.objects.select_related("meter", "supply_point__customer")
        .filter(supply_point__in=places)
        .order_by("-starts_at", "-pk")
    )
    ended = {one.pk: one for one in rows}
    stays = []
    for one in rows:
        old = ended.get(one.replaces_id) if one.replaces_id else None
        stays.append(
            Stay(
                one,
                one.meter_id == meter_id,
                _shown(one.start_registers, units),
                _shown(one.end_registers, units),
                old is not None and one.ends_at is None,
                old is not None and not (one.start_registers and old.end_registers),
            )
        )
    return stays


def _shown(registers: Mapping[str, int], units: UnitChoice) -> list[RegisterValue]:
    return [
        value_of(column, value, units) for column, value in registers.items() if column in BY_COLUMN
    ]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Exchanges that wait for somebody: prepared ones (of which some are due: their day has come),
    and entered ones that lack a register."""

    planned: int
    due: int
    registers: int

    @property
    def pressing(self) -> int:
        """What somebody should see to today."""
        return self.due + self.registers


def unfinished(today: date) -> Unfinished:
    """Counted in two statements, on indexes of the few."""
    planned = PlannedExchange.objects.filter(state=PlannedExchange.State.PLANNED).aggregate(
        planned=Count("pk"), due=Count("pk", filter=Q(planned_on__lte=today))
    )
    return Unfinished(planned["planned"], planned["due"], _lacking().count())


def _lacking() -> QuerySet[Any]:
    """Installations that began by an exchange of which a register was never entered."""
    lacking = Q(start_registers={}) | Q(replaces__end_registers={})
    found: QuerySet[Any] = Installation.objects.filter(lacking, replaces__isnull=False)
    return found


MOST_SHOWN = 200
_RECENT = 10


@dataclass(frozen=True, slots=True)
class Planned:
    """A prepared exchange as the page lists it; due: its day has come."""

    plan: PlannedExchange
    old_meter: Meter
    place: SupplyPoint
    due: bool


@dataclass(frozen=True, slots=True)
class Entered:
    """An exchange that was entered."""

    new: Installation
    old_meter: Meter
    place: SupplyPoint


def planned(today: date) -> list[Planned]:
    """What is prepared, the earliest day first."""
    rows = (
        PlannedExchange.objects.select_related(
            "new_meter", "installation__meter", "installation__supply_point__customer"
        )
        .filter(state=PlannedExchange.State.PLANNED)
        .order_by("planned_on", "pk")[:MOST_SHOWN]
    )
    return [
        Planned(one, one.installation.meter, one.installation.supply_point, one.planned_on <= today)
        for one in rows
    ]


def lacking_registers() -> list[Entered]:
    """Entered exchanges of which a register is missing, the newest first."""
    return _entered(_lacking(), MOST_SHOWN)


def recent() -> list[Entered]:
    """The last exchanges that were entered."""
    return _entered(Installation.objects.filter(replaces__isnull=False), _RECENT)


def _entered(rows: QuerySet[Any], most: int) -> list[Entered]:
    found = rows.select_related("meter", "replaces__meter", "supply_point__customer")
    return [
        Entered(one, one.replaces.meter, one.supply_point)
        for one in found.order_by("-starts_at", "-pk")[:most]
    ]
