"""A meter's consumption chart, its figure as JSON, and the month in the meter list's drawer."""

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from meters.registers import Register
from meters.requests import meter_page_of
from readings import charts, questions
from readings.listing import key_of
from readings.month import month_of
from readings.rules.buckets import BucketSize
from readings.rules.curve import Flag
from readings.rules.values import Bucket, Quality
from readings.windows import STEPS
from ready.accounts.units import units_of
from ready.policy import access
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


def _question(request: HttpRequest, pk: int) -> questions.ChartQuestion:
    zone = timezone.get_current_timezone()
    return questions.ask(meter_page_of(pk), request.GET.dict(), timezone.localdate(), zone)


@access("meters.view")
@require_GET
def chart(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Consumption as bars, the window's statistics, and a table of the same numbers."""
    now = timezone.now()
    today = timezone.localdate(now)
    question = _question(request, pk)
    window = question.window
    answer = questions.answer(question, now, units_of(request))
    unit, unit_decimals = questions.register_unit(question.register, units_of(request))
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
        "before": question.before,
        "before_url": question.address(before=not question.before),
        "outdoor": question.outdoor,
        "outdoor_url": question.address(outdoor=not question.outdoor),
        "outdoor_known": answer.knows_outdoor,
        "outdoor_mean": answer.outdoor_mean,
        "rows": [
            (
                bar,
                answer.earlier[slot] if answer.earlier else None,
                answer.outdoor[slot] if answer.outdoor else None,
            )
            for slot, bar in enumerate(answer.bars)
        ],
        "bars": answer.bars,
        "unit": answer.unit,
        "decimals": answer.decimals,
        "statistics": questions.statistics(question, now),
        "newest": questions.newest(question, now),
        "register_unit": unit,
        "register_decimals": unit_decimals,
        "highest": charts.highest(answer.bars, answer.buckets),
        "measured": sum(1 for bar in answer.bars if bar.look is charts.MEASURED),
        "temperatures": question.page.state.t1 is not None and question.page.state.t2 is not None,
        "gap": _gap(answer.buckets, question.register),
        "missing": sum(1 for bar in answer.bars if bar.look is charts.MISSING),
    }
    if not is_fragment(request):
        return render(request, "readings/chart.html", context)
    response = render(request, "readings/_chart.html", context)
    here = question.address()
    if "step" in request.GET and not request.headers.get("HX-Current-URL", "").endswith(here):
        # The chart's state belongs to the address of whatever page holds it.
        response["HX-Push-Url"] = here
    return response


def _gap(buckets: Sequence[Bucket], register: Register) -> int | None:
    """The key of the first instant in a gap between readings that nobody has estimated yet."""
    if not register.cumulative:
        return None
    known = [
        slot
        for slot, one in enumerate(buckets)
        if one.quality in (Quality.MEASURED, Quality.INTERPOLATED)
    ]
    for slot, one in enumerate(buckets):
        if (
            known
            and known[0] < slot < known[-1]
            and one.quality in (Quality.NONE, Quality.ESTIMATED)
            and Flag.ESTIMATED not in one.flags
        ):
            return key_of(one.start)
    return None


@access("meters.view")
@require_GET
def figure(request: HttpRequest, tenant: str, pk: int) -> JsonResponse:
    """The chart's bars as a Plotly figure; colours are names of design tokens."""
    question = _question(request, pk)
    answer = questions.answer(question, timezone.now(), units_of(request))
    return JsonResponse(
        charts.figure(
            answer.bars,
            question.register,
            question.window.step,
            answer.unit,
            question.zone,
            answer.earlier,
            answer.outdoor,
        )
    )


@access("meters.view")
@require_GET
def month(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The last 30 days as little bars, for the drawer beside the meter list."""
    found = month_of(
        meter_page_of(pk),
        timezone.now(),
        timezone.get_current_timezone(),
        units_of(request),
    )
    return render(request, "readings/_month.html", {"month": found, "pk": pk})
