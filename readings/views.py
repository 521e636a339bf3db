"""A meter's consumption chart, its figure as JSON, and its stored readings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from meters.models import Meter
from meters.queries import MeterPage, meter_page
from meters.registers import BY_COLUMN, MAIN_REGISTERS, REGISTERS, Register, Unit, display_unit
from meters.values import decimals
from readings import charts, queries
from readings.listing import columns_of, instant_of, reading_of, readings_of
from readings.models import Reading
from readings.rules.buckets import BucketSize
from readings.rules.values import Bucket
from readings.windows import STEPS, Window, deeper, parse_window
from ready.policy import access
from ready.tenancy.requests import tenant_of
from ready.web.lists import is_fragment

_STEPS: Mapping[BucketSize, Promise | str] = {
    BucketSize.HOUR: _("Hour"),
    BucketSize.DAY: _("Day"),
    BucketSize.MONTH: _("Month"),
    BucketSize.YEAR: _("Year"),
}
_PER_STEP: Mapping[BucketSize, Promise | str] = {
    BucketSize.HOUR: _("by hour"),
    BucketSize.DAY: _("by day"),
    BucketSize.MONTH: _("by month"),
    BucketSize.YEAR: _("by year"),
}


def _page_of(pk: int) -> MeterPage:
    try:
        return meter_page(pk, timezone.now())
    except Meter.DoesNotExist:
        raise Http404 from None


@dataclass(frozen=True, slots=True)
class _Question:
    """What a chart's address asks: a register of a meter over a window."""

    page: MeterPage
    registers: Sequence[Register]
    register: Register
    window: Window

    def address(self, window: Window | None = None, register: Register | None = None) -> str:
        """The query of this chart with another window or register."""
        window = window or self.window
        return "?" + urlencode(
            {
                "register": (register or self.register).column,
                "step": window.step.value,
                "from": window.first.isoformat(),
                "to": window.last.isoformat(),
            }
        )

    def deeper(self, start: datetime) -> str:
        """The address of the finer chart that a bar opens."""
        window = deeper(self.window.step, timezone.localdate(start))
        return "" if window is None else self.address(window)


def _registers(page: MeterPage) -> list[Register]:
    """The counting registers that the meter has told, the medium's chief ones first."""
    chief = [BY_COLUMN[column] for column in MAIN_REGISTERS[page.meter.medium]]
    told = [one for one in REGISTERS if one.cumulative and page.values[one.column] is not None]
    first = [one for one in chief if one in told]
    found = first + [one for one in told if one not in first]
    # A meter that told nothing yet still has a chart, an empty one.
    return found or [one for one in chief if one.cumulative] or [BY_COLUMN["v1"]]


def _question(request: HttpRequest, pk: int) -> _Question:
    page = _page_of(pk)
    registers = _registers(page)
    data = request.GET
    wanted = data.get("register", "")
    return _Question(
        page=page,
        registers=registers,
        register=next((one for one in registers if one.column == wanted), registers[0]),
        window=parse_window(
            data.get("step", ""), data.get("from", ""), data.get("to", ""), timezone.localdate()
        ),
    )


def _buckets(question: _Question, now: datetime) -> Sequence[Bucket]:
    zone = timezone.get_current_timezone()
    start, end = question.window.bounds(zone, now)
    return queries.consumption(
        question.page.meter.pk, question.register, start, end, question.window.step, zone
    )


def _newest(question: _Question, end: datetime) -> int | None:
    """The newest value of the register, for a window that is not over; else None."""
    read_at = question.page.state.read_at
    if read_at is None or read_at > end:
        return None
    return question.page.values[question.register.column]


def _drawn(
    request: HttpRequest, question: _Question, buckets: Sequence[Bucket]
) -> tuple[Sequence[charts.Bar], Unit]:
    unit = charts.chart_unit(question.register, buckets, tenant_of(request).energy_unit)
    zone = timezone.get_current_timezone()
    return charts.bars(buckets, question.window.step, unit, zone, question.deeper), unit


@access("meters.view")
@require_GET
def chart(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Consumption as bars, the window's statistics, and a table of the same numbers."""
    now = timezone.now()
    today = timezone.localdate(now)
    question = _question(request, pk)
    window = question.window
    zone = timezone.get_current_timezone()
    start, end = window.bounds(zone, now)
    buckets = _buckets(question, now)
    bars, unit = _drawn(request, question, buckets)
    utility_unit = display_unit(question.register, tenant_of(request).energy_unit)
    later = window.later(today)
    context = {
        "page": question.page,
        "tab": "visualisation",
        "register": question.register,
        "registers": question.registers,
        "window": window,
        "per_step": _PER_STEP[window.step],
        "steps": [
            (
                _STEPS[step],
                question.address(window.with_step(step, today)),
                step is window.step,
            )
            for step in STEPS
        ],
        "coarsened": _STEPS[window.coarsened_from] if window.coarsened_from else "",
        "earlier_url": question.address(window.earlier()),
        "later_url": question.address(later) if later else "",
        "here": question.address(),
        "bars": bars,
        "unit": unit,
        "decimals": charts.chart_decimals(buckets, unit),
        "statistics": queries.window_statistics(
            pk, question.register, start, end, window.step, zone
        ),
        "newest": _newest(question, end),
        "register_unit": utility_unit,
        "register_decimals": decimals(0, utility_unit),
        "highest": charts.highest(bars, buckets),
        "measured": sum(1 for bar in bars if bar.look is charts.MEASURED),
        "missing": sum(1 for bar in bars if bar.look is charts.MISSING),
    }
    if not is_fragment(request):
        return render(request, "readings/chart.html", context)
    response = render(request, "readings/_chart.html", context)
    here = question.address()
    if "step" in request.GET and not request.headers.get("HX-Current-URL", "").endswith(here):
        # The chart's state belongs to the address of whatever page holds it.
        response["HX-Push-Url"] = here
    return response


@access("meters.view")
@require_GET
def figure(request: HttpRequest, tenant: str, pk: int) -> JsonResponse:
    """The chart's bars as a Plotly figure; colours are names of design tokens."""
    question = _question(request, pk)
    bars, unit = _drawn(request, question, _buckets(question, timezone.now()))
    zone = timezone.get_current_timezone()
    return JsonResponse(charts.figure(bars, question.register, question.window.step, unit, zone))


@access("meters.view")
@require_GET
def reading_list(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A meter's stored readings, the newest first."""
    before = request.GET.get("before", "")
    at = instant_of(int(before)) if before.isdecimal() and len(before) < 20 else None
    rows = readings_of(pk, tenant_of(request).energy_unit, at)
    columns = columns_of(rows.rows)
    context = {
        "page": _page_of(pk),
        "tab": "readings",
        "columns": columns,
        "rows": [(row, [row.value(column.column) for column in columns]) for row in rows],
        "next_url": f"?before={rows.next_key}" if rows.next_key else "",
        "later": at is not None,
    }
    return render(request, "readings/list.html", context)


@access("meters.view")
@require_GET
def reading(request: HttpRequest, tenant: str, pk: int, key: int) -> HttpResponse:
    """One reading: every register, how it came and how far it can be trusted."""
    at = instant_of(key)
    if at is None:
        raise Http404
    try:
        row = reading_of(pk, at, tenant_of(request).energy_unit)
    except Reading.DoesNotExist:
        raise Http404 from None
    context = {"page": _page_of(pk), "tab": "readings", "row": row}
    return render(request, "readings/detail.html", context)
