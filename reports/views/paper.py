"""What goes on paper: a meter's report, and the letterhead over it."""

from dataclasses import replace

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from meters.requests import meter_page_of, sees_customers
from readings import questions
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.tenancy.requests import tenant_of
from reports import meter_pdf
from reports.forms import LetterheadForm
from reports.services import BadLogo, head_of, set_letterhead


@access("meters.export")
@require_GET
def meter_report(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A meter's chart and its numbers as a PDF, to hand to the consumer."""
    utility = tenant_of(request)
    now = timezone.now()
    page = meter_page_of(pk)
    if not sees_customers(request):
        page = replace(page, customer=None)
    zone = timezone.get_current_timezone()
    question = questions.ask(page, request.GET.dict(), timezone.localdate(now), zone)
    made = meter_pdf.meter_report(
        answer=questions.answer(question, now, utility.units),
        statistics=questions.statistics(question, now),
        head=head_of(utility.name),
        newest=questions.newest(question, now),
        units=utility.units,
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
