"""Meter exchange: choose the new meter, enter the visit, look, confirm; and taking it back."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from meters.models import Installation, Meter
from meters.requests import meter_page_of
from readings import exchanges
from readings.exchange import exchange_meter, undo_exchange
from readings.forms import ExchangeForm
from ready.accounts.actors import actor_of
from ready.accounts.units import units_of
from ready.policy import access
from ready.web.lists import is_fragment

_WORDS = 20


@access("meters.view")
@require_GET
def history(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Where the meter was mounted, and who stood there before and after it."""
    context = {
        "page": meter_page_of(pk),
        "tab": "history",
        "stays": exchanges.history(pk, units_of(request)),
    }
    return render(request, "readings/history.html", context)


@access("meters.exchange")
@require_http_methods(["GET", "POST"])
def exchange(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The old meter is the page's; the address holds the new one."""
    page = meter_page_of(pk)
    installation = (
        Installation.objects.select_related("meter", "supply_point")
        .filter(meter=pk, ends_at=None)
        .first()
    )
    context: dict[str, object] = {"page": page, "tab": "history", "installation": installation}
    if installation is None:
        return render(request, "readings/exchange_nowhere.html", context)
    new = _chosen(request.POST.get("new", "") or request.GET.get("new", ""))
    if new is None:
        words = request.GET.get("q", "").replace("\x00", "").strip()[:_WORDS]
        context |= {"words": words, "offered": exchanges.candidates(page.meter, words)}
        part = "_exchange_offered" if is_fragment(request) else "exchange_choose"
        return render(request, f"readings/{part}.html", context)
    form = _form(request, installation, new)
    context |= {"form": form, "new": new}
    if request.method == "GET":
        return render(request, "readings/exchange.html", context)
    if not form.is_valid() or form.visit is None:
        return render(request, "readings/exchange.html", context, status=400)
    if "confirmed" not in request.POST:
        context |= {"planned": form.visit, "given": _given(request)}
        return render(request, "readings/exchange_review.html", context)
    try:
        exchange_meter(
            installation=installation,
            new_meter=new,
            visit=form.visit,
            actor=actor_of(request),
            now=timezone.now(),
        )
    except ValidationError as error:
        form.add_error(None, error)
        return render(request, "readings/exchange.html", context, status=409)
    messages.success(
        request,
        _("Meter %(old)s was exchanged for %(new)s.")
        % {"old": page.meter.number, "new": new.number},
    )
    return redirect("readings:history", tenant, new.pk)


def _chosen(text: str) -> Meter | None:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return None
    try:
        meter: Meter = Meter.objects.select_related("state").get(pk=int(text))
    except Meter.DoesNotExist:
        raise Http404 from None
    return meter


def _form(request: HttpRequest, installation: Installation, new: Meter) -> ExchangeForm:
    now = timezone.now()
    units = units_of(request)
    old = Meter.objects.select_related("state").get(pk=installation.meter_id)
    registers = exchanges.counting_registers([old, new])
    return ExchangeForm(
        request.POST if request.method == "POST" else None,
        installation=installation,
        new_meter=new,
        registers=registers,
        units=units,
        old_told=exchanges.last_told(old.pk, registers, now, units),
        new_told=exchanges.last_told(new.pk, registers, now, units),
        now=now,
        zone=timezone.get_current_timezone(),
    )


def _given(request: HttpRequest) -> list[tuple[str, str]]:
    """What was entered, to be sent again with the confirmation."""
    return [
        (name, value)
        for name, value in request.POST.items()
        if name != "csrfmiddlewaretoken" and isinstance(value, str)
    ]


@access("meters.exchange")
@require_POST
def undo(request: HttpRequest, tenant: str, pk: int, installation: int) -> HttpResponse:
    """Take an exchange back; pk: the new meter's."""
    try:
        newer = Installation.objects.get(pk=installation, meter=pk)
    except Installation.DoesNotExist:
        raise Http404 from None
    try:
        lasting = undo_exchange(installation=newer, actor=actor_of(request), now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("readings:history", tenant, pk)
    messages.success(request, _("The exchange was taken back; the old meter is there again."))
    return redirect("readings:history", tenant, lasting.meter_id)
