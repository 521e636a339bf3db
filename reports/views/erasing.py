"""A former resident's data: looked at, erased, and the certificate of it."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_GET, require_http_methods

from collectors.erasure import certificates_of, erase_period, preview
from meters.models import Occupancy, SupplyPoint
from meters.occupancy import occupancies_of
from readings.erasure import LABELS
from readings.models import ErasureCertificate
from ready.accounts.actors import actor_of
from ready.policy import access


class ErasureForm(forms.Form):
    """Whose wish it is, and that it is meant."""

    request = forms.CharField(
        label=_l("Case number or date of the request"),
        max_length=200,
        help_text=_l("No name: it stands in the certificate and in the audit log."),
    )
    confirmed = forms.BooleanField(label=_l("Erase these data for good"))


@access("readings.erase")
@require_GET
def residents(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Who lived at a place, whose data may be erased, and what was."""
    return render(request, "reports/residents.html", _context(_place(pk)))


@access("readings.erase")
@require_http_methods(["GET", "POST"])
def erasure(request: HttpRequest, tenant: str, pk: int, period: int) -> HttpResponse:
    """What is known of a former resident's time; a POST erases it."""
    place = _place(pk)
    try:
        occupancy = Occupancy.objects.select_related("supply_point", "customer").get(
            pk=period, supply_point=place
        )
        found = preview(occupancy)
    except (Occupancy.DoesNotExist, ValidationError):
        raise Http404 from None
    form = ErasureForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            # What is refused on the way is not half done: the answer below is no error.
            with transaction.atomic():
                made = erase_period(
                    occupancy=occupancy,
                    request=form.cleaned_data["request"],
                    actor=actor_of(request),
                    now=timezone.now(),
                )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("reports:residents", tenant, pk)
        return redirect("reports:certificate", tenant, made.pk)
    context = _context(place) | {
        "form": form,
        "occupancy": occupancy,
        "found": found,
        "counts": _counts(found.counts),
    }
    return render(
        request, "reports/erasure.html", context, status=400 if request.method == "POST" else 200
    )


@access("readings.erase")
@require_GET
def certificate(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """The certificate of an erasure, to print and file."""
    try:
        made = ErasureCertificate.objects.get(pk=pk)
    except ErasureCertificate.DoesNotExist:
        raise Http404 from None
    context = {"made": made, "counts": _counts(made.counts)}
    return render(request, "reports/certificate.html", context)


def _place(pk: int) -> SupplyPoint:
    try:
        place: SupplyPoint = SupplyPoint.objects.get(pk=pk)
    except SupplyPoint.DoesNotExist:
        raise Http404 from None
    return place


def _context(place: SupplyPoint) -> dict[str, object]:
    return {
        "place": place,
        "periods": occupancies_of(place.pk),
        "certificates": certificates_of(place.pk),
    }


def _counts(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(str(words), counts.get(key, 0)) for key, words in LABELS.items()]
