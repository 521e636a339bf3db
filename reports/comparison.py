"""Data comparison: registers of one or several meters on shared time (seed R48, R49).

A register that counts is shown as what was used in each step, with its quality; one that measures
as the mean of its readings there. All series share one time axis in steps; there are two axes of
amounts, one a unit.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from meters.models import Installation, Meter
from meters.registers import (
    BY_COLUMN,
    MAIN_REGISTERS,
    REGISTERS,
    Register,
    Unit,
    display_unit,
)
from meters.selection import COMPARED_MAX
from readings import axes, charts, queries
from readings.rules.buckets import Boundaries, BucketSize, boundaries
from ready.web import formats
from ready.web.days import parse_day
from ready.web.units import UnitChoice

MOST_SERIES = COMPARED_MAX
# More points than pixels show nothing; a coarser step does.
MOST_STEPS = 2500
STEPS: Mapping[BucketSize, Promise | str] = {
    BucketSize.FIVE_MINUTES: _l("5 min"),
    BucketSize.QUARTER_HOUR: _l("15 min"),
    BucketSize.HOUR: _l("Hour"),
    BucketSize.DAY: _l("Day"),
    BucketSize.MONTH: _l("Month"),
}
_LENGTHS: Mapping[BucketSize, timedelta] = {
    BucketSize.FIVE_MINUTES: timedelta(minutes=5),
    BucketSize.QUARTER_HOUR: timedelta(minutes=15),
    BucketSize.HOUR: timedelta(hours=1),
    BucketSize.DAY: timedelta(days=1),
    BucketSize.MONTH: timedelta(days=28),
}
_EARLIEST, _LATEST = date(1990, 1, 1), date(2200, 1, 1)
_DEFAULT_DAYS = 7
_NOT_COMPARED = frozenset({"info", "hours"})
# A register's own colour the first time it is drawn, then the ones that are left.
_OWN: Mapping[str, str] = {
    "t1": "flow-temperature",
    "t2": "return-temperature",
    "power1": "power",
    "p1": "collector",
}
_BY_QUANTITY: Mapping[str, str] = {
    "energy": "energy",
    "volume": "volume",
    "flow": "volume",
    "power": "power",
    "reactive": "electricity",
}
_TOKENS = (
    "flow-temperature",
    "return-temperature",
    "energy",
    "volume",
    "power",
    "electricity",
    "attention",
    "unheard",
)
_DASHES = ("solid", "dash", "dot", "dashdot")
_MOST_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """One register of one meter, as the address names it: "12.t1"."""

    meter_id: int
    register: Register

    @property
    def key(self) -> str:
        return f"{self.meter_id}.{self.register.column}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared, over which days (both included), in which steps.

    coarsened_from: the step that was asked for, where it would have made too many points.
    left_out: how many choices were not taken, being too many.
    """

    choices: tuple[Choice, ...]
    first: date
    last: date
    step: BucketSize
    zone: tzinfo
    coarsened_from: BucketSize | None = None
    left_out: int = 0

    def address(
        self,
        *,
        choices: Sequence[Choice] | None = None,
        step: BucketSize | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> str:
        """The query of this comparison with something changed."""
        chosen = self.choices if choices is None else choices
        pairs = [("s", one.key) for one in chosen]
        pairs += [
            ("step", (step or self.step).value),
            ("from", (first or self.first).isoformat()),
            ("to", (last or self.last).isoformat()),
        ]
        return "?" + urlencode(pairs)

    def moved(self, direction: int) -> str:
        """The address of the window just before (-1) or after (1), equally long."""
        days = (self.last - self.first + timedelta(days=1)) * direction
        return self.address(first=self.first + days, last=self.last + days)

    def without(self, choice: Choice) -> str:
        """The address without one of the series."""
        return self.address(choices=[one for one in self.choices if one != choice])


def ask(
    wanted: Sequence[str], step: str, first_text: str, last_text: str, today: date, zone: tzinfo
) -> Comparison:
    """The comparison of an address; what it says wrongly is as if it were not there."""
    choices: list[Choice] = []
    for text in wanted:
        choice = _choice(text)
        if choice is not None and choice not in choices:
            choices.append(choice)
    first, last = _day(first_text), _day(last_text)
    last = last or (max(first, today) if first else today)
    first = first or last - timedelta(days=_DEFAULT_DAYS - 1)
    first, last = min(first, last), max(first, last)
    asked = next((one for one in STEPS if one.value == step), BucketSize.HOUR)
    size = _fitting(asked, last - first + timedelta(days=1))
    return Comparison(
        tuple(choices[:MOST_SERIES]),
        first,
        last,
        size,
        zone,
        asked if size is not asked else None,
        max(0, len(choices) - MOST_SERIES),
    )


def _choice(text: str) -> Choice | None:
    meter, _dot, column = text.partition(".")
    register = BY_COLUMN.get(column)
    if register is None or column in _NOT_COMPARED:
        return None
    if not (meter.isascii() and meter.isdigit() and len(meter) < 10):
        return None
    return Choice(int(meter), register)


def _day(text: str) -> date | None:
    day = parse_day(text)
    return None if day is None else min(max(day, _EARLIEST), _LATEST)


def _fitting(asked: BucketSize, span: timedelta) -> BucketSize:
    """The asked step, or the finest coarser one that makes few enough points."""
    sizes = list(STEPS)
    for size in sizes[sizes.index(asked) :]:
        if span / _LENGTHS[size] <= MOST_STEPS:
            return size
    return BucketSize.MONTH


# ── The answer ──────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Cell:
    """What a series has in one step, in its unit; estimated: not measured there."""

    value: Fraction | None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One series. places: decimals of all its numbers. axis: 1 left, 2 right."""

    choice: Choice
    place: str  # the address, or "" for a meter that is mounted nowhere
    number: str
    unit: Unit
    places: int
    axis: int
    token: str
    dash: str
    cells: Sequence[Cell]

    @property
    def name(self) -> str:
        """The series in words: where, which meter, which register."""
        return " · ".join(
            part for part in (self.place, self.number, self.choice.register.code) if part
        )

    @property
    def head(self) -> str:
        return f"{self.name} ({self.unit.name})" if self.unit.name else self.name

    def text(self, cell: Cell) -> str:
        """A number as it is read, or a dash."""
        if cell.value is None:
            return "–"
        return formats.number(cell.value, self.places)

    def plain(self, cell: Cell) -> str:
        """A number for a file."""
        if cell.value is None:
            return ""
        return formats.fixed(cell.value, self.places).replace(".", formats.decimal_sign())


@dataclass(frozen=True, slots=True)
class Answer:
    """All series over the same steps. refused: those of a third unit: no axis is left for it."""

    question: Comparison
    bounds: Boundaries
    lines: Sequence[Line]
    refused: Sequence[Line]

    @property
    def labels(self) -> list[str]:
        """Each step in words."""
        zone, step = self.question.zone, self.question.step
        return [
            axes.period_label(at.astimezone(zone), step, zone) for at in self.bounds.instants[:-1]
        ]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The table of the same numbers: the step, then a number a series."""
        return [
            (label, [line.text(line.cells[at]) for line in self.lines])
            for at, label in enumerate(self.labels)
        ]


def answer(question: Comparison, units: UnitChoice, now: datetime) -> Answer:
    """Fetch what was asked; meters that are not the utility's are left out."""
    bounds = _bounds(question, now)
    names = _names([one.meter_id for one in question.choices])
    choices = [one for one in question.choices if one.meter_id in names]
    measured = _measured(choices, bounds)
    axes: list[str] = []
    lines: list[Line] = []
    refused: list[Line] = []
    used: list[str] = []
    for choice in choices:
        place, number = names[choice.meter_id]
        unit = display_unit(choice.register, units)
        if choice.register.cumulative:
            unit, cells = _used(choice, question, bounds, units)
        else:
            cells = [Cell(None if one is None else one / unit.base) for one in measured[choice]]
        if unit.name not in axes:
            axes.append(unit.name)
        axis = axes.index(unit.name) + 1
        token, dash = _look(choice.register, used)
        used.append(token)
        line = Line(choice, place, number, unit, _places(cells), axis, token, dash, cells)
        (lines if axis <= 2 else refused).append(line)
    return Answer(question, bounds, lines, refused)


def _bounds(question: Comparison, now: datetime) -> Boundaries:
    """From local midnight to local midnight, but no step that lies in the future."""
    zone = question.zone
    start = datetime(question.first.year, question.first.month, question.first.day, tzinfo=zone)
    after = question.last + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=zone)
    whole = boundaries(start, end, question.step, zone)
    running = bisect_left(whole.instants, now.astimezone(UTC))
    count = max(2, min(len(whole.times), running + 1))
    return Boundaries(whole.times[:count], whole.instants[:count])


def _names(meter_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Meter → the street it is mounted in, and its number; foreign meters are not found."""
    found = {
        pk: ("", number)
        for pk, number in Meter.objects.filter(pk__in=meter_ids).values_list("pk", "number")
    }
    places = Installation.objects.filter(meter__in=found, ends_at=None)
    for pk, street in places.values_list("meter", "supply_point__street"):
        found[pk] = (street, found[pk][1])
    return found


def _measured(choices: Sequence[Choice], bounds: Boundaries) -> dict[Choice, list[Fraction | None]]:
    """The mean of each step's readings of the registers that measure, base units."""
    wanted = [one for one in choices if not one.register.cumulative]
    if not wanted:
        return {}
    registers = list({one.register.column: one.register for one in wanted}.values())
    meters = list({one.meter_id: None for one in wanted})
    start, end = bounds.instants[0], bounds.instants[-1]
    found = {one.meter_id: one for one in queries.series(meters, registers, start, end)}
    return {
        one: _means(
            found[one.meter_id].times, found[one.meter_id].values[one.register.column], bounds
        )
        for one in wanted
    }


def _means(
    times: Sequence[int], values: Sequence[int | None], bounds: Boundaries
) -> list[Fraction | None]:
    means: list[Fraction | None] = []
    at = 0
    for end in bounds.times[1:]:
        until = bisect_left(times, end, at)
        told = [value for value in values[at:until] if value is not None]
        means.append(Fraction(sum(told), len(told)) if told else None)
        at = until
    return means


def _used(
    choice: Choice, question: Comparison, bounds: Boundaries, units: UnitChoice
) -> tuple[Unit, list[Cell]]:
    buckets = queries.consumption(
        choice.meter_id,
        choice.register,
        bounds.instants[0],
        bounds.instants[-1],
        question.step,
        question.zone,
    )
    unit = charts.chart_unit(choice.register, buckets, units)
    cells = []
    for bucket in buckets:
        value = bucket.value
        cells.append(
            Cell(
                None if value is None else value / unit.base,
                charts.look_of(bucket) is not charts.MEASURED,
            )
        )
    return unit, cells


def _places(cells: Sequence[Cell]) -> int:
    """As many decimals as the numbers have, three at most."""
    most = 0
    for cell in cells:
        if cell.value is None or cell.estimated:
            continue
        while most < _MOST_DECIMALS and (cell.value * 10**most).denominator != 1:
            most += 1
    return most


def _look(register: Register, used: Sequence[str]) -> tuple[str, str]:
    own = _OWN.get(register.column) or _BY_QUANTITY.get(register.quantity, _TOKENS[0])
    free = own if own not in used else next((one for one in _TOKENS if one not in used), own)
    return free, _DASHES[min(used.count(free), len(_DASHES) - 1)]


# ── Choosing ────────────────────────────────────────────────────────────────────────────────────
def registers_of(meter_ids: Sequence[int]) -> dict[int, list[Register]]:
    """The registers that meters have told, by the newest values."""
    columns = [one.column for one in REGISTERS if one.column not in _NOT_COMPARED]
    rows = Meter.objects.filter(pk__in=meter_ids).values_list(
        "pk", *(f"state__{column}" for column in columns)
    )
    return {
        row[0]: [
            BY_COLUMN[column]
            for column, value in zip(columns, row[1:], strict=True)
            if value is not None
        ]
        for row in rows
    }


def chief_choices(meter_ids: Sequence[int]) -> list[Choice]:
    """What meters are compared by when nobody said: several by their medium's chief register, one
    by its flow and return temperature where it tells them."""
    told = registers_of(meter_ids)
    media = dict(Meter.objects.filter(pk__in=meter_ids).values_list("pk", "medium"))
    choices = []
    for meter_id in meter_ids:
        if meter_id not in media:
            continue
        chief = [BY_COLUMN[column] for column in MAIN_REGISTERS[media[meter_id]]]
        wanted = [BY_COLUMN["t1"], BY_COLUMN["t2"]] if len(meter_ids) == 1 else []
        wanted = wanted if set(wanted) <= set(told[meter_id]) and wanted else chief[:1]
        choices += [Choice(meter_id, register) for register in wanted]
    return choices


# ── Plotly ──────────────────────────────────────────────────────────────────────────────────────
def figure(found: Answer) -> dict[str, Any]:
    """Lines over slots of equal width, as in `readings.charts`; a missing value is a gap."""
    labels = found.labels
    zone, step = found.question.zone, found.question.step
    starts = found.bounds.instants[:-1]
    units = {line.axis: line.unit.name for line in found.lines}
    axis = {
        "type": "linear",
        "fixedrange": True,
        "gridcolor": "token:line",
        "zerolinecolor": "token:line",
        "automargin": True,
    }
    layout: dict[str, Any] = {
        **axes.LAYOUT,
        "separators": axes.separators(),
        "showlegend": True,
        "hovermode": "closest",
        "xaxis": axes.xaxis(starts, step, zone),
        "yaxis": {**axis, "title": {"text": units.get(1, "")}},
    }
    if 2 in units:
        layout["yaxis2"] = {
            **axis,
            "title": {"text": units[2]},
            "overlaying": "y",
            "tickmode": "auto",  # round numbers of its own, not the left axis' lines
            "side": "right",
            "showgrid": False,
        }
    return {"data": [_trace(line, labels) for line in found.lines], "layout": layout}


def _trace(line: Line, labels: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(labels) <= 62 else "lines",
        "name": axes.plain(line.head),
        "x": list(range(len(labels))),
        "y": [
            None if cell.value is None else formats.fixed(cell.value, line.places)
            for cell in line.cells
        ],
        "customdata": [
            [label, _told(line, cell)] for label, cell in zip(labels, line.cells, strict=True)
        ],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<extra>"
        + axes.plain(line.name)
        + "</extra>",
        "yaxis": "y" if line.axis == 1 else "y2",
        "line": {
            "color": f"token:{line.token}",
            "width": 2,
            "dash": line.dash,
            "shape": "hvh" if line.choice.register.cumulative else "linear",
        },
        "marker": {"size": 5},
        "connectgaps": False,
    }


def _told(line: Line, cell: Cell) -> str:
    text = f"{line.text(cell)} {line.unit.name}".rstrip()
    if not cell.estimated or cell.value is None:
        return text
    return _("%(value)s, estimated") % {"value": text}
