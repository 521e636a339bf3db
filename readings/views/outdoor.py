"""The outdoor temperature under Configuration: what is known, a file checked and imported, a
period taken away."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from meters.imports.reading import Unreadable
from readings import outdoors, retention
from readings.maintenance import months_before
from readings.outdoor_files import SIZE_MAX, OutdoorFile, read_file
from readings.outdoors import Series
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.tenancy.context import current_tenant_id
from ready.web.days import DayField
from ready.web.formats import date_text, moment, number

SHOWN_ERRORS = 100
_SHOWN_ROWS = 5
# So long a preview may be looked at before it is imported.
_PREVIEW_S = 3600


class PeriodForm(forms.Form):
    """Local days, both ends included."""

    first = DayField(label=_l("From"))
    last = DayField(label=_l("To"))

    def clean(self) -> None:
        """From is not after To."""
        if not self.errors and self.cleaned_data["first"] > self.cleaned_data["last"]:
            self.add_error("last", _("This is before the first day."))


@access("configuration.view")
@require_GET
def page(request: HttpRequest, tenant: str) -> HttpResponse:
    """What is known; with a period in the address, what taking it away would take."""
    if "first" not in request.GET:
        return _page(request, PeriodForm())
    form = PeriodForm(request.GET)
    if not form.is_valid():
        return _page(request, form, status=400)
    return _page(request, form, going=_going(form))


@access("configuration.edit")
@require_POST
def check(request: HttpRequest, tenant: str) -> HttpResponse:
    """Read a file and show what it says; stores nothing. What is shown goes along, signed, and is
    what is imported: the file need not be chosen again and cannot be another one."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return _page(request, PeriodForm(), error=_("Choose a file first."), status=400)
    now, zone = timezone.now(), timezone.get_current_timezone()
    oldest = months_before(now.astimezone(zone).date(), retention.policy().keep_months)
    try:
        found = read_file(file.read(SIZE_MAX + 1), zone, now, oldest)
    except Unreadable as error:
        return _page(request, PeriodForm(), error=str(error), status=400)
    context = {
        "name": file.name or "",
        "found": found,
        "errors": found.errors[:SHOWN_ERRORS],
        "wrong": len(found.errors),
    }
    if not found.errors:
        context |= _preview(found)
        context["signed"] = sign_series(current_tenant_id(), file.name or "", found.series)
    status = 400 if found.errors else 200
    return render(request, "readings/outdoor_check.html", context, status=status)


@access("configuration.edit")
@require_POST
def store(request: HttpRequest, tenant: str) -> HttpResponse:
    """Import what was shown."""
    try:
        told = signing.loads(
            request.POST.get("series", ""), salt=_salt(current_tenant_id()), max_age=_PREVIEW_S
        )
    except signing.BadSignature:
        words = _("That was shown too long ago; choose the file again.")
        return _page(request, PeriodForm(), error=words, status=400)
    series = _unpacked(told)
    outdoors.store_series(
        series=series,
        source=told["name"],
        actor=actor_of(request),
        zone=timezone.get_current_timezone(),
    )
    text = ngettext(
        "%(count)s temperature imported.", "%(count)s temperatures imported.", len(series)
    )
    messages.success(request, text % {"count": number(len(series))})
    return redirect("readings:outdoor", tenant)


@access("configuration.edit")
@require_POST
def remove(request: HttpRequest, tenant: str) -> HttpResponse:
    """Take a period away."""
    form = PeriodForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    gone = outdoors.remove_period(
        first=form.cleaned_data["first"],
        last=form.cleaned_data["last"],
        actor=actor_of(request),
        zone=timezone.get_current_timezone(),
    )
    text = ngettext("%(count)s temperature removed.", "%(count)s temperatures removed.", gone)
    messages.success(request, text % {"count": number(gone)})
    return redirect("readings:outdoor", tenant)


def _page(
    request: HttpRequest,
    form: PeriodForm,
    *,
    error: str = "",
    going: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    months = [
        (one, number(one.lowest, 1), number(one.highest, 1))
        for one in outdoors.known_months(timezone.get_current_timezone())
    ]
    context = {"form": form, "months": months, "error": error, "going": going}
    return render(request, "readings/outdoor.html", context, status=status)


def _going(form: PeriodForm) -> dict[str, Any]:
    first, last = form.cleaned_data["first"], form.cleaned_data["last"]
    hours, days = outdoors.known_between(first, last, timezone.get_current_timezone())
    return {"first": first, "last": last, "hours": hours, "days": days}


def _preview(found: OutdoorFile) -> dict[str, Any]:
    """What is worth knowing of a series before it is imported."""
    series = found.series
    zone = timezone.get_current_timezone()
    rows: list[tuple[str, str]]
    if series.hours:
        rows = [(moment(at), _degrees(value)) for at, value in series.hours.items()]
        instants = list(series.hours)
        expected = (instants[-1] - instants[0]) // timedelta(hours=1) + 1
        first, last = (at.astimezone(zone).date() for at in (instants[0], instants[-1]))
    else:
        rows = [(date_text(day), _degrees(value)) for day, value in series.days.items()]
        first, last = min(series.days), max(series.days)
        expected = (last - first).days + 1
    values = [*series.hours.values(), *series.days.values()]
    few = len(rows) <= 2 * _SHOWN_ROWS
    return {
        "difference": outdoors.difference(series),
        "count": len(rows),
        "missing": expected - len(rows),
        "first": first,
        "last": last,
        "lowest": _degrees(min(values)),
        "highest": _degrees(max(values)),
        "head": rows if few else rows[:_SHOWN_ROWS],
        "tail": [] if few else rows[-_SHOWN_ROWS:],
    }


def _degrees(value: int) -> str:
    return number(Fraction(value, 100), 2 if value % 10 else 1)


def sign_series(tenant_id: int, name: str, series: Series) -> str:
    """A series as it travels through the page: nobody can change it, and no other utility's page
    takes it."""
    told = {
        "name": name[:200],
        "hours": [[int(at.timestamp()), value] for at, value in series.hours.items()],
        "days": [[day.isoformat(), value] for day, value in series.days.items()],
    }
    return signing.dumps(told, salt=_salt(tenant_id), compress=True)


def _salt(tenant_id: int) -> str:
    return f"readings.outdoor.{tenant_id}"


def _unpacked(told: dict[str, Any]) -> Series:
    return Series(
        {datetime.fromtimestamp(at, UTC): value for at, value in told["hours"]},
        {date.fromisoformat(day): value for day, value in told["days"]},
    )
