"""Meter exchange: prepare, choose the new meter, enter the visit, look, confirm; take it back."""

from datetime import timedelta

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
from readings.exchange import enter_registers, exchange_meter, undo_exchange
from readings.forms import ExchangeForm, PlanForm, RegistersForm
from readings.models import PlannedExchange
from readings.planning import cancel_plan, plan_exchange, planned_for
from ready.accounts.actors import actor_of
from ready.accounts.units import units_of
from ready.policy import access
from ready.web.formats import date_text
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
        "there": _prepared(pk),
    }
    return render(request, "readings/history.html", context)


@access("meters.exchange")
@require_http_methods(["GET", "POST"])
def exchange(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The old meter is the page's; the address holds the new one."""
    page = meter_page_of(pk)
    installation = _mounted(pk)
    context: dict[str, object] = {"page": page, "tab": "history", "installation": installation}
    if installation is None:
        return render(request, "readings/exchange_nowhere.html", context)
    new = _chosen(request.POST.get("new", "") or request.GET.get("new", ""))
    if new is None:
        words = request.GET.get("q", "").replace("\x00", "").strip()[:_WORDS]
        context |= {"words": words, "offered": exchanges.candidates(page.meter, words)}
        context["there"] = planned_for(installation.pk)
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


@access("meters.exchange")
@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Prepare the exchange of a meter before the visit, or change what is prepared."""
    page = meter_page_of(pk)
    installation = _mounted(pk)
    context: dict[str, object] = {"page": page, "tab": "history", "installation": installation}
    if installation is None:
        return render(request, "readings/exchange_nowhere.html", context)
    today = timezone.localdate()
    there = planned_for(installation.pk)
    initial: dict[str, object] = {"planned_on": today + timedelta(days=1)}
    if there is not None:
        number = there.new_meter.number if there.new_meter else ""
        initial = {"planned_on": there.planned_on, "number": number, "note": there.note}
    form = PlanForm(request.POST if request.method == "POST" else None, initial=initial)
    context |= {"form": form, "there": there, "offered": exchanges.candidates(page.meter, "")}
    if not form.is_valid():
        status = 400 if form.is_bound else 200
        return render(request, "readings/exchange_plan.html", context, status=status)
    day = form.cleaned_data["planned_on"]
    try:
        plan_exchange(
            installation=installation,
            new_meter=form.new_meter(),
            planned_on=day,
            note=form.cleaned_data["note"],
            actor=actor_of(request),
            today=today,
        )
    except ValidationError as error:
        form.add_error(_FIELD_OF.get(error.code or ""), error)
        return render(request, "readings/exchange_plan.html", context, status=400)
    messages.success(
        request,
        _("The exchange of meter %(number)s is planned for %(day)s.")
        % {"number": page.meter.number, "day": date_text(day)},
    )
    return redirect("readings:exchanges", tenant)


# What `plan_exchange` refuses → the field that it is about.
_FIELD_OF = {
    "past": "planned_on",
    "far": "planned_on",
    "same": "number",
    "medium": "number",
    "mounted": "number",
    "kept": "number",
}


@access("meters.exchange")
@require_POST
def cancel(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Give up what is prepared for a meter."""
    meter_page_of(pk)
    there = _prepared(pk)
    try:
        if there is None:
            raise ValidationError(_("This exchange is no longer prepared."))
        cancel_plan(plan=there, actor=actor_of(request), now=timezone.now())
        messages.success(request, _("The prepared exchange is cancelled."))
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return redirect("readings:exchanges", tenant)


@access("meters.view")
@require_GET
def overview(request: HttpRequest, tenant: str) -> HttpResponse:
    """Meter exchange actions: what is prepared, what lacks a register, what was done last."""
    today = timezone.localdate()
    context = {
        "planned": exchanges.planned(today),
        "lacking": exchanges.lacking_registers(),
        "recent": exchanges.recent(),
    }
    return render(request, "readings/exchanges.html", context)


@access("meters.exchange")
@require_http_methods(["GET", "POST"])
def registers(request: HttpRequest, tenant: str, pk: int, installation: int) -> HttpResponse:
    """Enter, or put right, what was read off at an exchange; pk: the new meter's."""
    page = meter_page_of(pk)
    newer = (
        Installation.objects.select_related("replaces__meter", "supply_point")
        .filter(pk=installation, meter=pk, replaces__isnull=False)
        .first()
    )
    if newer is None:
        raise Http404
    units = units_of(request)
    meters = list(
        Meter.objects.select_related("state").filter(pk__in=[newer.replaces.meter_id, pk])
    )
    form = RegistersForm(
        request.POST if request.method == "POST" else None,
        old=newer.replaces,
        new=newer,
        registers=exchanges.counting_registers(meters),
        units=units,
    )
    context = {"page": page, "tab": "history", "form": form, "newer": newer}
    if form.is_valid():
        try:
            enter_registers(
                installation=newer,
                end_registers=form.amounts("end"),
                start_registers=form.amounts("start"),
                actor=actor_of(request),
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The registers of the exchange are entered."))
            return redirect("readings:history", tenant, pk)
    status = 400 if form.errors else 200
    return render(request, "readings/exchange_registers.html", context, status=status)


def _prepared(pk: int) -> PlannedExchange | None:
    installation = _mounted(pk)
    return None if installation is None else planned_for(installation.pk)


def _mounted(pk: int) -> Installation | None:
    found: Installation | None = (
        Installation.objects.select_related("meter", "supply_point")
        .filter(meter=pk, ends_at=None)
        .first()
    )
    return found
