"""Forms about one meter: a new one, and corrections."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from meters import queries
from meters.editing import add_meter, change_meter
from meters.forms import EditMeterForm, NewMeterForm
from meters.listing import meter_types
from meters.models import Meter
from ready.accounts.actors import actor_of
from ready.policy import access


@access("meters.create")
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, tenant: str) -> HttpResponse:
    """Make a meter known, in stock or mounted."""
    today = timezone.localdate()
    form = NewMeterForm(request.POST if request.method == "POST" else None, today=today)
    if form.is_valid():
        facts = {key: value for key, value in form.cleaned_data.items() if key != "mounted_on"}
        try:
            meter = add_meter(**facts, mounted_at=form.mounted_at, actor=actor_of(request))
        except ValidationError as error:
            form.add_error("number" if error.code in ("known", "number") else None, error)
        else:
            messages.success(request, _("Meter %(meter)s is registered.") % {"meter": meter})
            return redirect("meters:detail", tenant, meter.pk)
    context = {"form": form, "meter_types": meter_types()}
    return render(request, "meters/new.html", context, status=400 if form.errors else 200)


@access("meters.edit")
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Correct what is known of one meter."""
    try:
        page = queries.meter_page(pk, timezone.now())
    except Meter.DoesNotExist:
        raise Http404 from None
    initial = {"meter_type": page.meter.meter_type, "medium": page.meter.medium}
    form = EditMeterForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        changed = change_meter(meter=page.meter, actor=actor_of(request), **form.cleaned_data)
        messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
        return redirect("meters:detail", tenant, pk)
    context = {"form": form, "page": page, "meter_types": meter_types()}
    return render(request, "meters/edit.html", context, status=400 if form.errors else 200)
