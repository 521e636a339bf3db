"""What goes on paper: a meter's report, and the letterhead over it."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from meters.requests import meter_page_of, sees_customers
from notifications.mailing import Letter, ask_for_mail, newest
from notifications.tasks import ring_softly
from readings import questions
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.tenancy.models import Tenant
from ready.tenancy.requests import tenant_of
from ready.web.formats import date_text
from reports import meter_pdf
from reports.forms import LetterheadForm, SendReportForm
from reports.services import BadLogo, head_of, set_letterhead


@dataclass(frozen=True, slots=True)
class _Report:
    question: questions.ChartQuestion
    name: str
    content: bytes


def _question(request: HttpRequest, pk: int, now: datetime) -> questions.ChartQuestion:
    page = meter_page_of(pk)
    if not sees_customers(request):
        page = replace(page, customer=None)
    zone = timezone.get_current_timezone()
    return questions.ask(page, request.GET.dict(), timezone.localdate(now), zone)


def _report(question: questions.ChartQuestion, utility: Tenant, now: datetime) -> _Report:
    made = meter_pdf.meter_report(
        answer=questions.answer(question, now, utility.units),
        statistics=questions.statistics(question, now),
        head=head_of(utility.name),
        newest=questions.newest(question, now),
        units=utility.units,
        now=now,
    )
    window = question.window
    meter = question.page.meter
    name = f"{meter.number}-{question.register.code}-{window.first}-{window.last}.pdf"
    return _Report(question, name, made)


@access("meters.export")
@require_GET
def meter_report(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A meter's chart and its numbers as a PDF, to hand to the consumer."""
    now = timezone.now()
    report = _report(_question(request, pk, now), tenant_of(request), now)
    response = HttpResponse(report.content, content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(True, report.name) or "attachment"
    return response


@access("reports.send")
@require_http_methods(["GET", "POST"])
def send_report(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The same PDF by e-mail: to whom, and what stands above it."""
    now = timezone.now()
    question = _question(request, pk, now)
    utility = tenant_of(request)
    form = SendReportForm(request.POST or None, initial=_proposed(question, utility))
    if form.is_valid():
        report = _report(question, utility, now)
        letter = Letter(
            recipient=form.cleaned_data["recipient"],
            subject=form.cleaned_data["subject"],
            text=form.cleaned_data["text"],
            file_name=report.name,
            content=report.content,
        )
        try:
            ask_for_mail(meter=question.page.meter, letter=letter, actor=actor_of(request))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            transaction.on_commit(ring_softly)
            messages.success(
                request, _("The report is on its way to %(to)s.") % {"to": letter.recipient}
            )
            address = reverse("readings:chart", args=[tenant, pk])
            return redirect(address + question.address())
    context = {
        "page": question.page,
        "tab": "visualisation",
        "form": form,
        "question": question,
        "here": question.address(),
        "mails": newest(meter_id=pk),
        "answers_to": actor_of(request).name,
    }
    status = 400 if form.errors else 200
    return render(request, "reports/send.html", context, status=status)


def _proposed(question: questions.ChartQuestion, utility: Tenant) -> dict[str, str]:
    """What the form says before anybody wrote into it."""
    page, window = question.page, question.window
    period = f"{date_text(window.first)} – {date_text(window.last)}"
    where = page.place.street if page.place else page.meter.number
    text = _(
        "Hello,\n\nAttached is the consumption at %(where)s for %(period)s, as the meter "
        "%(number)s showed it.\n\nKind regards\n%(utility)s"
    )
    return {
        "recipient": page.customer.email if page.customer else "",
        "subject": _("Your consumption %(period)s") % {"period": period},
        "text": text
        % {
            "where": where,
            "period": period,
            "number": page.meter.number,
            "utility": utility.name,
        },
    }


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
