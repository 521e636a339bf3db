"""The consumption report: what each place used in a period, and all of them together (seed R51).

Consumption belongs to places: it is followed through meter exchanges. Every register that a medium
is billed by gets a column; one of them may be held against a limit, to find unusual use. A place
whose use is not fully known is listed with what is known, never taken for zero, and counted apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from meters.models import GroupMember, Medium, Meter, MeterGroup, SupplyPoint
from meters.registers import BY_COLUMN, MAIN_REGISTERS, UNITS, Register, Unit, display_unit
from meters.values import decimals
from readings.charts import chart_decimals
from readings.rules.buckets import BucketSize
from readings.rules.values import Bucket, Quality, total
from readings.totals import totals_of_supply_points
from ready.web import formats
from ready.web.lists import PAGE_SIZE, Column, ListState, Page
from ready.web.units import UnitChoice

# A total of so many of the row's unit is easier read in the next larger one.
_LARGE = 10_000
_LARGER: Mapping[str, Unit] = {
    "kWh": next(unit for unit in UNITS["energy"] if unit.name == "MWh"),
    "L": UNITS["volume"][0],
}
_NAMED = 1000
_TEXT_COLUMNS = (
    Column("address", _("Address")),
    Column("customer", _("Customer")),
    Column("meter_type", _("Meter type")),
    Column("serial", _("Serial number")),
    # One for the whole report; a file put beside others must say it in every row.
    Column("consumption_type", _("Consumption type"), sortable=False),
)
_QUALITIES: Mapping[Quality, Promise | str] = {
    Quality.MEASURED: _("Measured"),
    Quality.INTERPOLATED: _("Interpolated between readings"),
    Quality.ESTIMATED: _("Estimated over a gap"),
    Quality.NONE: _("Incomplete"),
}


def registers_of(medium: str) -> tuple[Register, ...]:
    """The registers a medium's report has columns for: its chief ones that count up."""
    main = (BY_COLUMN[column] for column in MAIN_REGISTERS[medium])
    return tuple(register for register in main if register.cumulative)


def media() -> list[Medium]:
    """The media that the utility supplies and a report can be made of, the most frequent first."""
    counted = dict(
        Meter.objects.filter(in_stock=False)
        .values("medium")
        .annotate(meters=Count("pk"))
        .order_by("-meters", "medium")
        .values_list("medium", "meters")
    )
    return [Medium(one) for one in counted if registers_of(one)]


@dataclass(frozen=True, slots=True)
class Limit:
    """Keep places that used more (above) or less than an amount, base units."""

    register: Register
    amount: Fraction
    above: bool

    def holds(self, bucket: Bucket) -> bool:
        """Whether the place is kept; one whose use is not known is not."""
        value = bucket.value
        if value is None:
            return False
        return value > self.amount if self.above else value < self.amount


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is asked: days `first` to `last` of `zone`, both included, of a medium.

    customers: whether who asks may see who lives where. group: only places whose last meter in the
    period is in it.
    """

    medium: Medium
    first: date
    last: date
    zone: tzinfo
    units: UnitChoice
    limit: Limit | None = None
    customers: bool = True
    group: MeterGroup | None = None

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """From local midnight to local midnight."""
        after = self.last + timedelta(days=1)
        return (
            datetime(self.first.year, self.first.month, self.first.day, tzinfo=self.zone),
            datetime(after.year, after.month, after.day, tzinfo=self.zone),
        )

    @property
    def month(self) -> date | None:
        """The month that the period is, if it is a whole one."""
        after = self.last + timedelta(days=1)
        whole = self.first.day == 1 and after.day == 1 and (after - self.first).days <= 31
        return self.first if whole else None

    @property
    def registers(self) -> tuple[Register, ...]:
        return registers_of(self.medium)

    @property
    def chart_query(self) -> str:
        """What a meter's page needs to show the chart of the same period."""
        days = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        return "?" + urlencode({"step": "day", **days})

    @property
    def columns(self) -> tuple[Column, ...]:
        """The report's columns: the place and its meter, then a register each."""
        told = tuple(one for one in _TEXT_COLUMNS if self.customers or one.key != "customer")
        return told + tuple(
            Column(
                register.column,
                _("Consumption (%(register)s), %(unit)s")
                % {
                    "register": register.code,
                    "unit": display_unit(register, self.units).name,
                },
                numeric=True,
            )
            for register in self.registers
        )

    @property
    def default_sort(self) -> str:
        """The largest first; the smallest first where a limit asks for those below."""
        column = self.limit.register.column if self.limit else self.registers[0].column
        return column if self.limit and not self.limit.above else f"-{column}"


@dataclass(frozen=True, slots=True)
class Amount:
    """What was used of a register, as it is shown. value: base units, None where it is not fully
    known; known: what is known of it then."""

    register: Register
    value: Fraction | None
    known: Fraction | None
    unit: Unit
    decimals: int
    quality: Quality

    @property
    def label(self) -> str:
        """The register and unit, where no column head says them."""
        return f"{self.register.code}, {self.unit.name}"

    @property
    def text(self) -> str:
        """The number in the reader's language; a dash where there is none."""
        return "–" if self.value is None else self._number(self.value)

    @property
    def known_text(self) -> str:
        """What is known of an incomplete amount; "" where nothing is."""
        return "" if self.value is not None or self.known is None else self._number(self.known)

    @property
    def plain(self) -> str:
        """The number for a file: no grouping, the language's decimal sign; "" for none."""
        if self.value is None:
            return ""
        return self.text.replace(formats.NARROW_SPACE, "").replace(formats.MINUS, "-")

    @property
    def quality_text(self) -> Promise | str:
        return _QUALITIES[self.quality]

    @property
    def estimated(self) -> bool:
        return self.quality is Quality.ESTIMATED

    def _number(self, value: Fraction) -> str:
        return formats.quantity(value, self.unit, self.decimals)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A place, the meter that is there last in the period, and its use by register."""

    supply_point_id: int
    meter_id: int
    address: str
    customer: str
    meter_type: str
    serial: str
    amounts: Sequence[Amount]


@dataclass(frozen=True, slots=True)
class RegisterTotal:
    """The sum of a register over the report; incomplete: places that could not be added."""

    amount: Amount
    incomplete: int


@dataclass(frozen=True, slots=True)
class Report:
    """A page of the report, and the totals over all of its pages."""

    page: Page[ReportRow]
    totals: Sequence[RegisterTotal]
    asked: int  # places with the medium, before the limit

    @property
    def incomplete(self) -> int:
        """Places of the report whose use is not fully known for some register."""
        return max((total.incomplete for total in self.totals), default=0)


@dataclass(frozen=True, slots=True)
class _Place:
    """A place with what it used by register column."""

    id: int
    meter_id: int
    used: Mapping[str, Bucket]


@dataclass(frozen=True, slots=True)
class _Shown:
    """How a register's column is written."""

    register: Register
    unit: Unit
    decimals: int

    def amount(self, bucket: Bucket) -> Amount:
        return Amount(
            self.register, bucket.value, bucket.known, self.unit, self.decimals, bucket.quality
        )


def report(question: Question, state: ListState) -> Report:
    """One page of the report."""
    places = _places(question)
    kept = _kept(places, question.limit)
    columns = _shown(kept, question)
    page = _ordered(kept, state)[state.offset : state.offset + PAGE_SIZE]
    return Report(
        Page(_rows(page, columns), len(kept), state),
        [_total(kept, column) for column in columns],
        len(places),
    )


def every_row(question: Question, state: ListState) -> list[ReportRow]:
    """All pages of the report, for a file."""
    kept = _kept(_places(question), question.limit)
    return _rows(_ordered(kept, state), _shown(kept, question))


def found_meters(question: Question) -> QuerySet[Any]:
    """The meters of the report's places, all pages: each place's last one in the period."""
    kept = _kept(_places(question), question.limit)
    meters: QuerySet[Any] = Meter.objects.filter(pk__in=[one.meter_id for one in kept])
    return meters


def _places(question: Question) -> list[_Place]:
    start, end = question.bounds
    used: dict[int, dict[str, Bucket]] = {}
    meters: dict[int, int] = {}
    for register in question.registers:
        for place in totals_of_supply_points(
            question.medium,
            register,
            start,
            end,
            BucketSize.MONTH,
            timezone.get_current_timezone(),
        ):
            used.setdefault(place.supply_point_id, {})[register.column] = place.bucket
            meters[place.supply_point_id] = place.meter_id
    members = None
    if question.group is not None:
        members = set(
            GroupMember.objects.filter(group=question.group).values_list("meter", flat=True)
        )
    return [
        _Place(one, meters[one], buckets)
        for one, buckets in used.items()
        if members is None or meters[one] in members
    ]


def _kept(places: Sequence[_Place], limit: Limit | None) -> Sequence[_Place]:
    if limit is None:
        return places
    return [one for one in places if limit.holds(one.used[limit.register.column])]


def _ordered(places: Sequence[_Place], state: ListState) -> list[_Place]:
    """In the order asked for; who lacks what is sorted by comes last in either direction."""
    keys: dict[int, Any] = (
        _amounts(state.sort, places) if state.sort in BY_COLUMN else _texts(state.sort, places)
    )
    by_id = sorted(places, key=lambda one: one.id)
    having = [one for one in by_id if keys.get(one.id) not in (None, "")]
    having.sort(key=lambda one: keys[one.id], reverse=state.descending)
    return having + [one for one in by_id if keys.get(one.id) in (None, "")]


def _amounts(column: str, places: Sequence[_Place]) -> dict[int, int]:
    """What is sorted by, in thousandths of a base unit: fractions compare ten times as slowly."""
    return {
        one.id: bucket.numerator * 1000 // bucket.denominator
        for one in places
        if (bucket := one.used[column]).numerator is not None
    }


def _texts(column: str, places: Sequence[_Place]) -> dict[int, str]:
    """What a column of words is sorted by, place by place."""
    if column in ("meter_type", "serial"):
        field = "meter_type" if column == "meter_type" else "number"
        by_meter = dict(Meter.objects.values_list("pk", field))
        return {one.id: by_meter.get(one.meter_id, "") for one in places}
    field = "street_key" if column == "address" else "customer__name_key"
    return {pk: key or "" for pk, key in SupplyPoint.objects.values_list("pk", field)}


def _rows(places: Sequence[_Place], columns: Sequence[_Shown]) -> list[ReportRow]:
    names = {
        pk: (street, customer or "")
        for pk, street, customer in SupplyPoint.objects.filter(
            _among([one.id for one in places])
        ).values_list("pk", "street", "customer__name")
    }
    meters = {
        pk: (meter_type, number)
        for pk, meter_type, number in Meter.objects.filter(
            _among([one.meter_id for one in places])
        ).values_list("pk", "meter_type", "number")
    }
    return [
        ReportRow(
            one.id,
            one.meter_id,
            *names[one.id],
            *meters[one.meter_id],
            [column.amount(one.used[column.register.column]) for column in columns],
        )
        for one in places
    ]


def _among(ids: Sequence[int]) -> Q:
    """The rows of these ids; of so many that naming each costs more than reading all: every row."""
    return Q(pk__in=ids) if len(ids) <= _NAMED else Q()


def _shown(places: Sequence[_Place], question: Question) -> list[_Shown]:
    """How each register's column is written: over all pages with the same decimals."""
    columns = []
    for register in question.registers:
        unit = display_unit(register, question.units)
        buckets = [one.used[register.column] for one in places]
        columns.append(_Shown(register, unit, chart_decimals(buckets, unit)))
    return columns


def _total(places: Sequence[_Place], column: _Shown) -> RegisterTotal:
    summed = total([one.used[column.register.column] for one in places])
    unit, places_shown = column.unit, column.decimals
    if abs(summed.value) >= _LARGE * unit.base:
        larger = _LARGER.get(unit.name)
        if larger is not None:
            unit, places_shown = larger, max(column.decimals, decimals(0, larger))
    amount = Amount(column.register, summed.value, None, unit, places_shown, summed.quality)
    return RegisterTotal(amount, summed.missing)
