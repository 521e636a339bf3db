"""Priority meters: their last hours, and choosing which they are."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from meters import priority
from meters.models import Meter
from readings.strips import HEIGHT, HOURS, WIDTH, strips
from ready.accounts.actors import actor_of
from ready.accounts.units import units_of
from ready.policy import access
from ready.web.lists import is_fragment


@access("meters.view")
@require_GET
def page(request: HttpRequest, tenant: str) -> HttpResponse:
    """All of them; htmx asks for the lines again as readings come."""
    context = {
        "strips": strips(timezone.now(), units_of(request)),
        "limit": priority.limit(),
        "hours": HOURS,
        "width": WIDTH,
        "height": HEIGHT,
    }
    template = "readings/_strips.html" if is_fragment(request) else "readings/priority.html"
    return render(request, template, context)


@access("meters.edit")
@require_POST
def add(request: HttpRequest, tenant: str) -> HttpResponse:
    """Make the meter with this serial number a priority meter."""
    number = request.POST.get("number", "").replace("\0", "").strip().upper()
    meters = Meter.objects.filter(number=number)
    try:
        if not meters.exists():
            raise ValidationError(
                _("There is no meter with the serial number “%(number)s”.") % {"number": number}
            )
        came = priority.make_priority(meters=meters, actor=actor_of(request))
        messages.success(
            request,
            _("%(number)s is a priority meter now.") % {"number": number}
            if came
            else _("%(number)s is a priority meter already.") % {"number": number},
        )
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return redirect("readings:priority", tenant)


@access("meters.edit")
@require_POST
def remove(request: HttpRequest, tenant: str) -> HttpResponse:
    """Let a meter be read hourly again."""
    text = request.POST.get("meter", "")
    pk = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
    priority.end_priority(meters=Meter.objects.filter(pk=pk), actor=actor_of(request))
    return redirect("readings:priority", tenant)
