"""Home, reports over many meters, and what goes on paper."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from meters.models import Meter
from meters.queries import meter_page
from readings import questions
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.tenancy.requests import tenant_of
from ready.web.lists import ListState, csv_file, is_fragment
from reports import meter_pdf
from reports.consumption import Question, every_row, media, report
from reports.forms import ConsumptionForm, LetterheadForm, periods
from reports.queries import morning
from reports.services import BadLogo, head_of, set_letterhead

_FILTERS = ("medium", "first", "last", "register", "side", "limit")


@access("meters.view")
@require_GET
def home(request: HttpRequest, tenant: str) -> HttpResponse:
    """The morning page."""
    zone = ZoneInfo(tenant_of(request).zone)
    return render(request, "reports/home.html", {"morning": morning(timezone.now(), zone)})


@access("reports.view")
@require_GET
def consumption(request: HttpRequest, tenant: str) -> HttpResponse:
    """What each place used in a period; htmx fetches the table again by itself."""
    form, question = _asked(request)
    context: dict[str, Any] = {"form": form}
    if question is not None:
        state = _state(request, question)
        context |= {
            "question": question,
            "state": state,
            "report": report(question, state),
            "periods": [
                (
                    label,
                    state.url(first=first.isoformat(), last=last.isoformat()),
                    (first, last) == (question.first, question.last),
                )
                for label, first, last in periods(timezone.localdate())
            ],
        }
    fragment = is_fragment(request) and question is not None
    template = "reports/_consumption.html" if fragment else "reports/consumption.html"
    return render(request, template, context, status=400 if form.errors else 200)


@access("reports.export")
@require_GET
def export_consumption(request: HttpRequest, tenant: str) -> HttpResponse:
    """The report as CSV: the same rows, columns and order, all pages; with each value's quality."""
    _form, question = _asked(request)
    if question is None:
        raise Http404
    head: list[object] = []
    for column in question.columns:
        head.append(column.label)
        if column.numeric:
            head.append(_("Quality"))
    name = f"{tenant}-{_('consumption')}-{question.first}-{question.last}.csv"
    rows = every_row(question, _state(request, question))
    return csv_file(
        name,
        head,
        (
            (
                row.address,
                row.customer,
                row.meter_type,
                row.serial,
                *(cell for one in row.amounts for cell in (one.plain, one.quality_text)),
            )
            for row in rows
        ),
    )


@access("meters.export")
@require_GET
def meter_report(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A meter's chart and its numbers as a PDF, to hand to the consumer."""
    utility = tenant_of(request)
    now = timezone.now()
    try:
        page = meter_page(pk, now)
    except Meter.DoesNotExist:
        raise Http404 from None
    zone = timezone.get_current_timezone()
    question = questions.ask(page, request.GET.dict(), timezone.localdate(now), zone)
    made = meter_pdf.meter_report(
        answer=questions.answer(question, now, utility.energy_unit),
        statistics=questions.statistics(question, now),
        head=head_of(utility.name),
        newest=questions.newest(question, now),
        energy_unit=utility.energy_unit,
        now=now,
    )
    window = question.window
    name = f"{page.meter.number}-{question.register.code}-{window.first}-{window.last}.pdf"
    response = HttpResponse(made, content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


@access("configuration.edit")
@require_http_methods(["GET", "POST"])
def letterhead(request: HttpRequest, tenant: str) -> HttpResponse:
    """What stands at the head of the utility's PDFs."""
    head = head_of(tenant_of(request).name)
    if request.method == "GET":
        form = LetterheadForm(initial={"lines": "\n".join(head.lines)})
        return render(request, "reports/letterhead.html", {"form": form, "head": head})
    form = LetterheadForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            set_letterhead(
                lines=form.cleaned_data["lines"], logo=form.logo(), actor=actor_of(request)
            )
        except BadLogo:
            form.add_error(
                "upload", _("This is no picture that can be read. Use a PNG or JPEG file.")
            )
        else:
            messages.success(request, _("Saved."))
            return redirect("reports:letterhead", tenant)
    context = {"form": form, "head": head}
    return render(request, "reports/letterhead.html", context, status=400)


@access("configuration.edit")
@require_GET
def logo(request: HttpRequest, tenant: str) -> HttpResponse:
    """The utility's logo, as it is on paper."""
    head = head_of(tenant_of(request).name)
    if not head.logo:
        raise Http404
    return HttpResponse(head.logo, content_type="image/png")


def _asked(request: HttpRequest) -> tuple[ConsumptionForm, Question | None]:
    """The form as it was filled in, and what it asks; None where it cannot be answered."""
    utility = tenant_of(request)
    form = ConsumptionForm(request.GET, tenant=utility, media=media(), today=timezone.localdate())
    if not form.fields["medium"].choices or not form.is_valid():  # type: ignore[attr-defined]
        return form, None
    return form, form.question(ZoneInfo(utility.zone))


def _state(request: HttpRequest, question: Question) -> ListState:
    return ListState.parse(
        request.GET, question.columns, sort=question.default_sort, filters=_FILTERS
    )
