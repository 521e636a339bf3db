"""Places and customers: pages, corrections, and who moves in or out."""

from datetime import datetime

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from meters.forms import CustomerForm, MoveForm, PlaceForm
from meters.models import Customer, SupplyPoint
from meters.occupancy import move_in
from meters.places import (
    CUSTOMER_COLUMNS,
    change_customer,
    change_supply_point,
    customer_list,
    customer_page,
    exported_customers,
    place_page,
)
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.tenancy.requests import tenant_of
from ready.web.lists import ListState, csv_file, is_fragment, list_part


@access("customers.view")
@require_GET
def place(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Where it is, which meters are and were there, and who lived there."""
    try:
        found = place_page(pk)
    except SupplyPoint.DoesNotExist:
        raise Http404 from None
    return render(request, "meters/place.html", {"found": found})


@access("customers.edit")
@require_http_methods(["GET", "POST"])
def edit_place(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Correct what is known of a place."""
    row = _place(pk)
    form = PlaceForm.of(row, request.POST if request.method == "POST" else None)
    if form.is_valid():
        changed = change_supply_point(place=row, actor=actor_of(request), **form.cleaned_data)
        messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
        return redirect("meters:place", tenant, pk)
    context = {"form": form, "place": row}
    status = 400 if form.errors else 200
    return render(request, "meters/place_edit.html", context, status=status)


@access("customers.edit")
@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Somebody else lives there from a day on, or nobody."""
    row = _place(pk)
    data = request.POST if request.method == "POST" else None
    form = MoveForm(data, initial={"day": timezone.localdate()})
    if form.is_valid():
        day = form.cleaned_data["day"]
        zone = timezone.get_current_timezone()
        try:
            move_in(
                supply_point=row,
                number=form.cleaned_data["number"],
                name=form.cleaned_data["name"],
                at=datetime(day.year, day.month, day.day, tzinfo=zone),
                actor=actor_of(request),
            )
        except ValidationError as error:
            form.add_error({"order": "day", "unknown": "name"}.get(error.code or ""), error)
        else:
            messages.success(request, _("Saved."))
            return redirect("meters:place", tenant, pk)
    context = {"form": form, "place": row}
    return render(request, "meters/move.html", context, status=400 if form.errors else 200)


def _place(pk: int) -> SupplyPoint:
    try:
        row: SupplyPoint = SupplyPoint.objects.get(pk=pk)
    except SupplyPoint.DoesNotExist:
        raise Http404 from None
    return row


def _state(request: HttpRequest) -> ListState:
    return ListState.parse(request.GET, CUSTOMER_COLUMNS, sort="name")


@access("customers.view")
@require_GET
def customers(request: HttpRequest, tenant: str) -> HttpResponse:
    """The utility's customers."""
    state = _state(request)
    context = {"state": state, "page": customer_list(state)}
    if is_fragment(request):
        return list_part(request, "meters/_customers.html", context, state.here)
    return render(request, "meters/customers.html", context)


@access("meters.export", "customers.view")
@require_GET
def export_customers(request: HttpRequest, tenant: str) -> HttpResponse:
    """The list as CSV, all pages; for who may both export and see customers."""
    words = _("customers")
    return csv_file(
        f"{tenant_of(request).slug}-{words}-{timezone.localdate()}.csv",
        [column.label for column in CUSTOMER_COLUMNS],
        (
            (row.number, row.name, row.email, row.phone, row.places)
            for row in exported_customers(_state(request))
        ),
    )


@access("customers.view")
@require_GET
def customer(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """One customer, and every place that is or was theirs."""
    try:
        found = customer_page(pk)
    except Customer.DoesNotExist:
        raise Http404 from None
    return render(request, "meters/customer.html", {"found": found})


@access("customers.edit")
@require_http_methods(["GET", "POST"])
def edit_customer(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Correct what is known of a customer."""
    try:
        row: Customer = Customer.objects.get(pk=pk)
    except Customer.DoesNotExist:
        raise Http404 from None
    initial = {name: getattr(row, name) for name in CustomerForm.base_fields}
    form = CustomerForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            changed = change_customer(customer=row, actor=actor_of(request), **form.cleaned_data)
        except ValidationError as error:
            form.add_error("number", error)
        else:
            messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
            return redirect("meters:customer", tenant, pk)
    context = {"form": form, "customer": row}
    status = 400 if form.errors else 200
    return render(request, "meters/customer_edit.html", context, status=status)
