"""Readings corrected, set aside, entered by hand, and each of these taken back."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from meters.models import Meter
from meters.requests import meter_page_of
from readings import exchanges
from readings.correcting import CorrectForm, EnterForm, WhyForm
from readings.edits import edit_reading, enter_reading, set_aside, undo_edit
from readings.listing import ReadingRow, instant_of, key_of, reading_of
from readings.models import Reading, Version
from readings.stories import story_of
from ready.accounts.actors import actor_of
from ready.accounts.units import units_of
from ready.policy import access
from ready.tenancy.requests import tenant_of


@access("readings.edit")
@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, tenant: str, pk: int, key: int) -> HttpResponse:
    """Other values for a reading's registers."""
    row = row_of(request, pk, key)
    form = CorrectForm(request.POST if request.method == "POST" else None, row=row)

    def do() -> Version:
        return edit_reading(
            meter=Meter.objects.get(pk=pk),
            at=row.at,
            values=form.values,
            why=form.why(),
            actor=actor_of(request),
            now=timezone.now(),
        )

    return _decide(request, pk, row, form, "correct", do, _("The reading was corrected."))


@access("readings.edit")
@require_http_methods(["GET", "POST"])
def aside(request: HttpRequest, tenant: str, pk: int, key: int) -> HttpResponse:
    """None of a reading's registers shall count; its values stay on record."""
    row = row_of(request, pk, key)
    form = WhyForm(request.POST if request.method == "POST" else None)

    def do() -> Version:
        return set_aside(
            meter=Meter.objects.get(pk=pk),
            at=row.at,
            why=form.why(),
            actor=actor_of(request),
            now=timezone.now(),
        )

    return _decide(request, pk, row, form, "aside", do, _("The reading is set aside."))


@access("readings.edit")
@require_http_methods(["GET", "POST"])
def undo(request: HttpRequest, tenant: str, pk: int, key: int) -> HttpResponse:
    """Take the newest change of a reading back."""
    row = row_of(request, pk, key)
    form = WhyForm(request.POST if request.method == "POST" else None)

    def do() -> Version:
        return undo_edit(
            meter=Meter.objects.get(pk=pk),
            at=row.at,
            why=form.why(),
            actor=actor_of(request),
            now=timezone.now(),
        )

    return _decide(request, pk, row, form, "undo", do, _("The change was taken back."))


@access("readings.edit")
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A reading that a person took off the meter."""
    page = meter_page_of(pk)
    now = timezone.now()
    meter = Meter.objects.select_related("state").get(pk=pk)
    registers = exchanges.counting_registers([meter])
    units = units_of(request)
    form = EnterForm(
        request.POST if request.method == "POST" else None,
        registers=registers,
        units=units,
        told=exchanges.last_told(pk, registers, now, units),
        now=now,
        zone=timezone.get_current_timezone(),
    )
    context = {"page": page, "tab": "readings", "form": form}
    if request.method == "GET":
        return render(request, "readings/add.html", context)
    if form.is_valid():
        try:
            enter_reading(
                meter=meter,
                at=form.at,
                values=form.values,
                why=form.why(),
                actor=actor_of(request),
                now=now,
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The reading was added."))
            return redirect("readings:detail", tenant, pk, key_of(form.at))
    return render(request, "readings/add.html", context, status=400)


def row_of(request: HttpRequest, pk: int, key: int) -> ReadingRow:
    """The reading of an address. Raises Http404."""
    at = instant_of(key)
    if at is None:
        raise Http404
    try:
        return reading_of(pk, at, units_of(request))
    except Reading.DoesNotExist:
        raise Http404 from None


def _decide(
    request: HttpRequest,
    pk: int,
    row: ReadingRow,
    form: WhyForm,
    act: str,
    do: Callable[[], Version],
    done: str,
) -> HttpResponse:
    """Ask for what a decision needs, then carry it out and show the reading."""
    context = {
        "page": meter_page_of(pk),
        "tab": "readings",
        "row": row,
        "form": form,
        "act": act,
        "story": story_of(pk, row.at, row.status, units_of(request)),
    }
    if request.method == "GET":
        return render(request, "readings/change.html", context)
    if form.is_valid():
        try:
            do()
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, done)
            return redirect("readings:detail", tenant_of(request).slug, pk, row.key)
    return render(request, "readings/change.html", context, status=400)
