"""A gap estimated: looked at before it is stored, and taken back."""

from datetime import datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from meters.models import Meter
from meters.registers import BY_COLUMN, REGISTERS, Register
from meters.requests import meter_page_of
from meters.values import RegisterValue, value_of
from readings import exchanges
from readings.correcting import EstimateForm, MethodForm
from readings.estimates import Proposal, Wish, fill_gap, propose, weather_tells
from readings.estimation import MARKS, Method
from readings.giving_way import undo_estimate
from readings.listing import instant_of, key_of
from readings.models import Estimation
from readings.quality import METHODS
from ready.accounts.actors import actor_of
from ready.accounts.units import units_of
from ready.policy import access
from ready.web.units import UnitChoice


@access("readings.estimate")
@require_http_methods(["GET", "POST"])
def estimate(request: HttpRequest, tenant: str, pk: int, key: int) -> HttpResponse:
    """The gap around an instant: what would be filled in, and storing it."""
    inside = instant_of(key)
    if inside is None:
        raise Http404
    page = meter_page_of(pk)
    meter = Meter.objects.select_related("state").get(pk=pk)
    chosen = request.POST if request.method == "POST" else request.GET
    choice = MethodForm(
        chosen if "method" in chosen else None,
        meter=meter,
        weather=weather_tells(meter=meter, inside=inside, zone=timezone.get_current_timezone()),
    )
    wish = choice.wish()
    proposals, refusals = _proposals(meter, inside, wish) if wish else ([], [])
    storable = [one for one in proposals if one.stored]
    form = EstimateForm(
        request.POST if request.method == "POST" else None,
        registers=[one.register for one in storable],
    )
    context = {
        "page": page,
        "tab": "readings",
        "form": form,
        "choice": choice,
        "refusals": refusals,
        "storable": storable,
        "temporary": any(one.temporary for one in proposals),
        "proposals": [(one, METHODS[one.method], " ".join(MARKS[one.method])) for one in proposals],
        "rows": _rows(proposals, units_of(request)),
        "inside": inside,
    }
    if request.method == "GET":
        return render(request, "readings/estimate.html", context)
    if wish and form.is_valid():
        try:
            made = [
                fill_gap(
                    meter=meter,
                    register=BY_COLUMN[column],
                    inside=inside,
                    zone=timezone.get_current_timezone(),
                    reason=form.why().reason,
                    note=form.why().note,
                    actor=actor_of(request),
                    now=timezone.now(),
                    wish=wish,
                )
                for column in form.cleaned_data["registers"]
            ]
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The gap is estimated; the values are marked everywhere."))
            past_gap = key_of(max(one.ends_at for one in made)) + 1
            return redirect(f"{reverse('readings:list', args=[tenant, pk])}?before={past_gap}")
    return render(request, "readings/estimate.html", context, status=400)


@access("readings.estimate")
@require_POST
def undo(request: HttpRequest, tenant: str, pk: int, estimation: int) -> HttpResponse:
    """Take an estimate's values away again."""
    try:
        made = Estimation.objects.get(pk=estimation, meter_id=pk)
    except Estimation.DoesNotExist:
        raise Http404 from None
    try:
        undo_estimate(estimate=made, actor=actor_of(request), now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(
            request,
            _("The estimate of %(register)s was taken back; the gap is a gap again.")
            % {"register": BY_COLUMN[made.register].code},
        )
    return redirect(
        f"{reverse('readings:list', args=[tenant, pk])}?before={key_of(made.ends_at) + 1}"
    )


def _proposals(
    meter: Meter, inside: datetime, wish: Wish
) -> tuple[list[Proposal], list[tuple[Register, str]]]:
    """What can be filled, and why the other registers cannot."""
    found, refused = [], []
    for register in _registers(meter, wish):
        try:
            found.append(
                propose(
                    meter=meter,
                    register=register,
                    inside=inside,
                    zone=timezone.get_current_timezone(),
                    wish=wish,
                    now=timezone.now(),
                )
            )
        except ValidationError as error:
            refused.append((register, " ".join(error.messages)))
    return found, refused


def _registers(meter: Meter, wish: Wish) -> list[Register]:
    """Those that the method is for: measurements are held, what counts is shared out."""
    if wish.method is not Method.HOLD:
        return list(exchanges.counting_registers([meter]))
    return [
        one
        for one in REGISTERS
        if not one.cumulative
        and one.quantity != "bits"
        and getattr(meter.state, one.column) is not None
    ]


def _rows(
    proposals: list[Proposal], units: UnitChoice
) -> list[tuple[datetime, bool, list[RegisterValue | None]]]:
    """The preview, by time: (instant, whether it is estimated, a value a proposal)."""
    told: dict[datetime, dict[str, int]] = {}
    measured: set[datetime] = set()
    for one in proposals:
        column = one.register.column
        known = [one.before] if one.after is None else [one.before, one.after]
        measured |= {at for at, _value in known}
        for at, value in (*known, *one.points):
            told.setdefault(at, {})[column] = value
    columns = [one.register.column for one in proposals]
    return [
        (
            at,
            at not in measured,
            [
                value_of(column, told[at][column], units) if column in told[at] else None
                for column in columns
            ],
        )
        for at in sorted(told)
    ]
