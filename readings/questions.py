"""What a consumption chart is asked, and its answer: the same for the page, the figure and a PDF.

The question is a register of a meter over a window, all of it in the address. Consumption belongs
to the place: a mounted meter's chart goes on through the meters before it. The answer is bars in
one unit, the window's statistics, and on request the same days a year earlier and the outdoor
temperature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache
from importlib import import_module
from typing import Protocol, cast
from urllib.parse import urlencode

from django.apps import apps

from meters.queries import MeterPage
from meters.registers import BY_COLUMN, MAIN_REGISTERS, REGISTERS, Register, Unit, display_unit
from meters.values import decimals
from readings import charts, outdoors, queries
from readings.lines import line_through_exchanges
from readings.rules.values import Bucket
from readings.windows import Window, deeper, parse_window
from ready.web.units import UnitChoice


@dataclass(frozen=True, slots=True)
class ChartQuestion:
    """A register of a meter over a window. before: whether the year before is wanted beside it;
    outdoor: whether the outdoor temperature is."""

    page: MeterPage
    registers: Sequence[Register]
    register: Register
    window: Window
    before: bool
    zone: tzinfo
    outdoor: bool = False

    def address(
        self,
        window: Window | None = None,
        register: Register | None = None,
        before: bool | None = None,
        outdoor: bool | None = None,
    ) -> str:
        """The query of this chart with another window, register, comparison or option."""
        window = window or self.window
        asked = {
            "register": (register or self.register).column,
            "step": window.step.value,
            "from": window.first.isoformat(),
            "to": window.last.isoformat(),
        }
        if self.before if before is None else before:
            asked["before"] = "year"
        if self.outdoor if outdoor is None else outdoor:
            asked["outdoor"] = "yes"
        return "?" + urlencode(asked)

    def deeper(self, start: datetime) -> str:
        """The address of the finer chart that a bar opens."""
        window = deeper(self.window.step, start.astimezone(self.zone).date())
        return "" if window is None else self.address(window)


@dataclass(frozen=True, slots=True)
class ChartAnswer:
    """A window's bars, in one unit with one number of decimals.

    earlier: the bars of the same days a year before, one a bar (None where that day was not),
    in the same unit; empty where nobody asked. outdoor: the mean outdoor temperature of each bar,
    likewise empty; outdoor_mean: of the whole window.
    """

    question: ChartQuestion
    buckets: Sequence[Bucket]
    bars: Sequence[charts.Bar]
    unit: Unit
    decimals: int
    earlier: Sequence[charts.Bar | None]
    outdoor: Sequence[charts.Temperature] = ()
    outdoor_mean: charts.Temperature = charts.temperature(None)

    @property
    def knows_outdoor(self) -> bool:
        """Whether any bar has an outdoor temperature."""
        return any(one.value for one in self.outdoor)


class Teller(Protocol):
    """What a module offers that an app above this one names in its configuration
    (`chart_events = "notifications.events"`)."""

    def codes_between(
        self, meter_id: int, start: datetime, end: datetime, now: datetime
    ) -> Sequence[charts.Event]:
        """What a meter said of itself in [start, end): its info codes."""


@cache
def tellers() -> list[Teller]:
    """Every app's teller, in the order of the settings: the same in each process, whatever it is
    for."""
    return [
        cast(Teller, import_module(config.chart_events))
        for config in apps.get_app_configs()
        if hasattr(config, "chart_events")
    ]


def ask(page: MeterPage, data: Mapping[str, str], today: date, zone: tzinfo) -> ChartQuestion:
    """The question of an address; what it says wrongly is as if it were not there."""
    registers = counting_registers(page)
    wanted = data.get("register", "")
    return ChartQuestion(
        page=page,
        registers=registers,
        register=next((one for one in registers if one.column == wanted), registers[0]),
        window=parse_window(data.get("step", ""), data.get("from", ""), data.get("to", ""), today),
        before=data.get("before", "") == "year",
        zone=zone,
        outdoor=data.get("outdoor", "") == "yes",
    )


def counting_registers(page: MeterPage) -> list[Register]:
    """The counting registers that the meter has told, the medium's chief ones first."""
    chief = [BY_COLUMN[column] for column in MAIN_REGISTERS[page.meter.medium]]
    told = [one for one in REGISTERS if one.cumulative and page.values[one.column] is not None]
    first = [one for one in chief if one in told]
    found = first + [one for one in told if one not in first]
    # A meter that told nothing yet still has a chart, an empty one.
    return found or [one for one in chief if one.cumulative] or [BY_COLUMN["v1"]]


def answer(question: ChartQuestion, now: datetime, units: UnitChoice) -> ChartAnswer:
    """Fetch and draw what was asked."""
    zone, step = question.zone, question.window.step
    buckets = _buckets(question, question.window, now)
    unit = charts.chart_unit(question.register, buckets, units)
    start, end = question.window.bounds(zone, now)
    meter_id = question.page.meter.pk
    events = [
        event for teller in tellers() for event in teller.codes_between(meter_id, start, end, now)
    ]
    bars = charts.bars(buckets, step, unit, zone, question.deeper, events)
    earlier: Sequence[charts.Bar | None] = ()
    if question.before:
        old = _buckets(question, question.window.year_before(), now)
        drawn = charts.bars(old, step, unit, zone, lambda _start: "")
        earlier = charts.beside(bars, drawn, zone)
    outdoor: Sequence[charts.Temperature] = ()
    mean = None
    if question.outdoor:
        spans = [(one.start, one.end) for one in buckets]
        means, mean = outdoors.means(spans, step, zone, now)
        outdoor = [charts.temperature(one) for one in means]
    places = charts.chart_decimals(buckets, unit)
    return ChartAnswer(
        question, buckets, bars, unit, places, earlier, outdoor, charts.temperature(mean)
    )


def _buckets(question: ChartQuestion, window: Window, now: datetime) -> Sequence[Bucket]:
    start, end = window.bounds(question.zone, now)
    return queries.consumption(
        question.page.meter.pk,
        question.register,
        start,
        end,
        window.step,
        question.zone,
        line_through_exchanges,
    )


def statistics(question: ChartQuestion, now: datetime) -> queries.WindowStatistics:
    """The registers at both ends of the window and what was counted between."""
    start, end = question.window.bounds(question.zone, now)
    return queries.window_statistics(
        question.page.meter.pk,
        question.register,
        start,
        end,
        question.window.step,
        question.zone,
        line_through_exchanges,
    )


def newest(question: ChartQuestion, now: datetime) -> int | None:
    """The newest value of the register, for a window that is not over; else None."""
    read_at = question.page.state.read_at
    _start, end = question.window.bounds(question.zone, now)
    if read_at is None or read_at > end:
        return None
    return question.page.values[question.register.column]


def register_unit(register: Register, units: UnitChoice) -> tuple[Unit, int]:
    """The utility's unit for a register's standings, and its decimals."""
    unit = display_unit(register, units)
    return unit, decimals(0, unit)
