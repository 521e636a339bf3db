"""The meter list: its page, its drawer, its files, and what a person keeps about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from meters import counting, desk, listing, narrowing, queries
from meters.mapping import MICRO
from meters.models import Meter, MeterGroup
from meters.registers import MAIN_REGISTERS
from meters.requests import sees_customers
from meters.selection import COMPARED_MAX, state_of
from meters.values import shown_values
from ready.accounts.actors import actor_of
from ready.accounts.rights import rights_for
from ready.accounts.units import units_of
from ready.policy import access, can
from ready.tenancy.requests import tenant_of
from ready.web.formats import number
from ready.web.lists import ListState, csv_file, is_fragment, known_keys, list_part
from ready.web.sheets import xlsx_file

# What the drawer shows besides the medium's chief registers.
DRAWER_REGISTERS = ("t1", "t2", "flow1", "power1", "t_water", "t_ambient", "p1", "p_pos")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the left pane. colour: of a person's own group, else ""."""

    label: Promise | str
    count: int
    url: str
    current: bool
    colour: str = ""
    follows: bool = False


def _person(request: HttpRequest) -> int:
    person = actor_of(request).id
    assert person is not None
    return person


def _state(request: HttpRequest) -> ListState:
    layout = desk.layout_of(user_id=_person(request), list_key=listing.LIST_KEY)
    return state_of(request.GET, layout, customers=sees_customers(request))


def _pane(
    state: ListState, counts: dict[str, int], groups: list[MeterGroup], of_state: bool
) -> list[Line]:
    show, group = state.filters.get("show", ""), state.filters.get("group", "")
    return [
        Line(
            one.label,
            counts[one.key],
            state.url(show=one.key, group=""),
            one.key == show and not group,
        )
        for one in counting.SELECTIONS
        if one.of_state == of_state
    ]


def _own(state: ListState, groups: list[MeterGroup]) -> list[Line]:
    chosen = state.filters.get("group", "")
    return [
        Line(
            group.name,
            group.size,
            state.url(show="", group=str(group.pk)),
            chosen == str(group.pk),
            group.colour,
            group.kind == MeterGroup.Kind.FILTER,
        )
        for group in groups
    ]


def _shown(state: ListState, group: MeterGroup | None) -> Promise | str:
    """The list's name: its group's, or that of a line of READY's own."""
    if group is not None:
        return group.name
    show = state.filters.get("show", "")
    first = counting.SELECTIONS[0].label
    return next((one.label for one in counting.SELECTIONS if one.key == show), first)


@access("meters.view")
@require_GET
def meter_list(request: HttpRequest, tenant: str) -> HttpResponse:
    """The utility's meters; htmx fetches the same table again by itself."""
    now = timezone.now()
    state = _state(request)
    groups = listing.groups()
    counts = counting.counts(now)
    sizes = {str(group.pk): group.size for group in groups}
    group = next((one for one in groups if str(one.pk) == state.filters.get("group")), None)
    context = {
        "page": listing.meter_list(state, now, units_of(request), counts | sizes),
        "state": state,
        "pane": _pane(state, counts, groups, of_state=False),
        "states": _pane(state, counts, groups, of_state=True),
        "own": _own(state, groups),
        "group": group,
        "hand_groups": [one for one in groups if one.kind == MeterGroup.Kind.HAND],
        "shown": _shown(state, group),
        "chips": [
            (one.label, words, state.without(one.key))
            for one, words in narrowing.in_force(state.filters)
        ],
        "narrowings": [(one, state.filters.get(one.key, "")) for one in narrowing.NARROWINGS],
        "meter_types": listing.meter_types(),
        "compare_most": COMPARED_MAX,
        "kept": desk.filters_of(user_id=_person(request), list_key=listing.LIST_KEY),
    }
    if is_fragment(request):
        return list_part(request, "meters/_list.html", context, state.here)
    return render(request, "meters/list.html", context)


@access("meters.view")
@require_GET
def count(request: HttpRequest, tenant: str) -> HttpResponse:
    """How many meters a list has, where its page only says "more than"."""
    total = listing.how_many(_state(request), timezone.now())
    return JsonResponse({"total": total, "told": number(total)})


@access("meters.view")
@require_GET
def drawer(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A meter beside the list: how it stands, where it is, what it said last."""
    try:
        page = queries.meter_page(pk, timezone.now())
    except Meter.DoesNotExist:
        raise Http404 from None
    wanted = (*MAIN_REGISTERS[page.meter.medium], *DRAWER_REGISTERS)
    chief = {column: page.values[column] for column in wanted}
    values = shown_values(chief, units_of(request))
    position, street_view = _position(page)
    context = {
        "page": page,
        "values": values,
        "position": position,
        "street_view": street_view,
    }
    return render(request, "meters/_drawer.html", context)


def _position(page: queries.MeterPage) -> tuple[str, str]:
    """Where a meter is, "55.12345,9.12345", and the address of that street's picture."""
    place = page.place
    if place is None or place.latitude is None or place.longitude is None:
        return "", ""
    latitude, longitude = f"{place.latitude / MICRO:.6f}", f"{place.longitude / MICRO:.6f}"
    picture = settings.MAP_STREET_VIEW.replace("{latitude}", latitude)
    return f"{latitude},{longitude}", picture.replace("{longitude}", longitude)


# Column → what a file says of a row; an instant carries its offset: nobody can ask the file.
_CELLS: dict[str, Callable[[listing.MeterRow], tuple[object, ...]]] = {
    "state": lambda row: ("; ".join(sign.words for sign in row.signs),),
    "value": lambda row: (
        (row.value.register.code, row.value.plain, row.value.unit.name)
        if row.value
        else ("", "", "")
    ),
    "read_at": lambda row: (_instant(row.read_at),),
    "heard_at": lambda row: (_instant(row.heard_at),),
    "cooling": lambda row: ("" if row.cooling is None else number(row.cooling, 1),),
}


def _instant(at: datetime | None) -> str:
    return timezone.localtime(at).isoformat(" ", "seconds") if at else ""


@access("meters.export")
@require_GET
def export(request: HttpRequest, tenant: str, kind: str = "csv") -> HttpResponse:
    """The list as a file: the same columns, rows and order, all pages."""
    utility = tenant_of(request)
    now = timezone.now()
    state = _state(request)
    head: list[object] = []
    for column in state.visible:
        if column.key == "value":
            head += [_("Newest register"), _("Newest value"), _("Unit")]
        else:
            head.append(column.label)

    def rows() -> Iterator[list[object]]:
        for row in listing.exported_meters(state, now, utility.units):
            cells: list[object] = []
            for column in state.visible:
                told = _CELLS.get(column.key)
                cells += told(row) if told else (getattr(row, column.key),)
            yield cells

    name = f"{utility.slug}-{_('meters')}-{timezone.localdate(now)}"
    if kind == "xlsx":
        return xlsx_file(f"{name}.xlsx", _("Meters"), head, rows())
    return csv_file(f"{name}.csv", head, rows())


def _back(request: HttpRequest, tenant: str) -> HttpResponse:
    """To the list that the form came from."""
    query = request.POST.get("query", "")
    address = reverse("meters:list", args=[tenant])
    return redirect(address + (query if query.startswith("?") and query != "?" else ""))


@access("meters.view")
@require_POST
def keep_layout(request: HttpRequest, tenant: str) -> HttpResponse:
    """Remember which columns a person sees, in their order; none: READY's own."""
    chosen = known_keys(listing.LIST_COLUMNS, request.POST.getlist("column"))
    if "reset" in request.POST:
        chosen = ()
    desk.keep_layout(user_id=_person(request), list_key=listing.LIST_KEY, columns=chosen)
    return _back(request, tenant)


@access("meters.view")
@require_POST
def save_filter(request: HttpRequest, tenant: str) -> HttpResponse:
    """Keep the list as it is under a name."""
    try:
        kept = desk.save_filter(
            user_id=_person(request),
            list_key=listing.LIST_KEY,
            name=request.POST.get("name", ""),
            query=request.POST.get("query", ""),
            # What others see is theirs to change who may make groups.
            shared="shared" in request.POST and bool(can(rights_for(request), "groups.edit")),
            actor=actor_of(request),
        )
        messages.success(request, _("The filter “%(name)s” is saved.") % {"name": kept.name})
    except ValidationError as error:
        messages.error(request, error.messages[0])
    return _back(request, tenant)


@access("meters.view")
@require_POST
def delete_filter(request: HttpRequest, tenant: str) -> HttpResponse:
    """Forget one of the person's own filters; what is gone or another's is left as it is."""
    text = request.POST.get("filter", "")
    if text.isascii() and text.isdigit() and len(text) <= 9:
        desk.delete_filter(user_id=_person(request), pk=int(text), actor=actor_of(request))
    return _back(request, tenant)
