"""Data comparison: the page, its figure, its file, and choosing what to compare."""

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from meters import listing
from meters.requests import sees_customers
from ready.accounts.units import units_of
from ready.policy import access
from ready.tenancy.requests import tenant_of
from ready.web.lists import ListState, csv_file, is_fragment
from reports import comparison as comparisons

# Found meters that are offered; who wants another types more of it.
_FOUND = 8


def _asked(request: HttpRequest) -> comparisons.Comparison:
    data = request.GET
    return comparisons.ask(
        data.getlist("s"),
        data.get("step", ""),
        data.get("from", ""),
        data.get("to", ""),
        timezone.localdate(),
        timezone.get_current_timezone(),
    )


def _numbers(text: str) -> list[int]:
    some = [one for one in text.split(",") if one.isascii() and one.isdigit() and len(one) < 10]
    return [int(one) for one in some[: comparisons.MOST_SERIES]]


def _answered(request: HttpRequest) -> comparisons.Answer:
    return comparisons.answer(_asked(request), units_of(request), timezone.now())


def _for_file(request: HttpRequest) -> comparisons.Answer:
    """In the utility's units, whoever fetches the file."""
    return comparisons.answer(_asked(request), tenant_of(request).units, timezone.now())


@access("meters.view")
@require_GET
def comparison(request: HttpRequest, tenant: str) -> HttpResponse:
    """Several registers on shared time; the address holds all of it.

    `?meters=1,2` comes from the meter list, which knows no registers: chosen here, once.
    """
    ticked = request.GET.get("meters", "")
    if ticked:
        choices = comparisons.chief_choices(_numbers(ticked))
        return redirect(request.path + _asked(request).address(choices=choices))
    answer = _answered(request)
    question = answer.question
    context = {
        "answer": answer,
        "question": question,
        "here": question.address(),
        "steps": [
            (words, question.address(step=step), step is question.step)
            for step, words in comparisons.STEPS.items()
        ],
        "coarsened": question.coarsened_from and comparisons.STEPS[question.coarsened_from],
        "step_words": comparisons.STEPS[question.step],
        "earlier_url": question.moved(-1),
        "later_url": question.moved(1) if question.last < timezone.localdate() else "",
        "chosen": [(line, question.without(line.choice)) for line in answer.lines],
        "refused": [(line, question.without(line.choice)) for line in answer.refused],
        "most": comparisons.MOST_SERIES,
    }
    if is_fragment(request):
        response = render(request, "reports/_comparison.html", context)
        response["HX-Push-Url"] = request.path + question.address()
        return response
    return render(request, "reports/comparison.html", context)


@access("meters.view")
@require_GET
def figure(request: HttpRequest, tenant: str) -> JsonResponse:
    """The lines as a Plotly figure."""
    return JsonResponse(comparisons.figure(_answered(request)))


@access("meters.view")
@require_GET
def find(request: HttpRequest, tenant: str) -> HttpResponse:
    """Meters by what was typed, with the registers they have; each adds a line."""
    question = _asked(request)
    data = QueryDict(mutable=True)
    data["q"] = request.GET.get("q", "")
    columns = listing.columns_for(customers=sees_customers(request))
    state = ListState.parse(data, columns, sort=listing.DEFAULT_SORT)
    rows: list[listing.MeterRow] = []
    if state.query:
        now = timezone.now()
        found = listing.meter_list(state, now, units_of(request), {"": 0})
        rows = list(found.rows[:_FOUND])
    registers = comparisons.registers_of([row.id for row in rows])
    full = len(question.choices) >= comparisons.MOST_SERIES
    offered = []
    for row in rows:
        chips = []
        for register in registers.get(row.id, []):
            choice = comparisons.Choice(row.id, register)
            there = choice in question.choices
            url = "" if there or full else question.address(choices=[*question.choices, choice])
            chips.append((register, url))
        offered.append((row, chips))
    context = {"offered": offered, "query": state.query, "full": full}
    return render(request, "reports/_comparison_found.html", context)


@access("meters.export")
@require_GET
def export(request: HttpRequest, tenant: str) -> HttpResponse:
    """The same numbers as CSV; each step as an instant with its offset."""
    answer = _for_file(request)
    question = answer.question
    head: list[object] = [_("From"), *(line.head for line in answer.lines)]
    words = _("comparison")
    return csv_file(
        f"{tenant}-{words}-{question.first}-{question.last}.csv",
        head,
        (
            (
                start.astimezone(question.zone).isoformat(" ", "minutes"),
                *(line.plain(line.cells[at]) for line in answer.lines),
            )
            for at, start in enumerate(answer.bounds.instants[:-1])
        ),
    )
