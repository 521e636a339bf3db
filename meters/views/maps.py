"""The map: its page, what to draw in a window, and the list beside it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from meters import counting, listing, mapping, narrowing
from meters.mapping import LAYERS, LEVELS, OTHER, Layer, Window, shape_of
from meters.requests import sees_customers
from meters.selection import state_of
from ready.policy import access
from ready.web.lists import ListState


def _layer(request: HttpRequest) -> Layer:
    wanted = request.GET.get("layer", "")
    return next((key for key in LAYERS if key == wanted), "state")


def _levels(request: HttpRequest) -> list[int]:
    told = request.GET.get("levels", "").split(",")
    return [level for level in (*LEVELS, OTHER) if str(level) in told]


def _asked(request: HttpRequest) -> tuple[ListState, Window | None]:
    # Without a window: all of the world.
    window = Window.parse(
        request.GET.get("window", "-90,-180,90,180"), request.GET.get("zoom", "3")
    )
    return state_of(request.GET, customers=sees_customers(request)), window


@access("meters.view")
@require_GET
def page(request: HttpRequest, tenant: str) -> HttpResponse:
    """The map of a list's meters; the address says which, like the list's own."""
    state = state_of(request.GET, customers=sees_customers(request))
    layer = _layer(request)
    groups = listing.groups()
    group = next((one for one in groups if str(one.pk) == state.filters.get("group")), None)
    show = state.filters.get("show", "")
    first = counting.SELECTIONS[0].label
    shown = next((one.label for one in counting.SELECTIONS if one.key == show), first)
    context = {
        "state": state,
        "layer": layer,
        "layers": [(key, label) for key, (label, _words) in LAYERS.items()],
        "legend": [
            (level, shape_of(layer, level), words) for level, words in LAYERS[layer][1].items()
        ],
        "groups": groups,
        "group": group,
        "selections": counting.SELECTIONS,
        "shown": group.name if group else shown,
        "chips": [
            (one.label, words, state.without(one.key))
            for one, words in narrowing.in_force(state.filters)
        ],
        "reach": mapping.reach(),
        "tiles": settings.MAP_TILES,
        "attribution": settings.MAP_ATTRIBUTION,
    }
    return render(request, "meters/map.html", context)


@access("meters.view")
@require_GET
def spots(request: HttpRequest, tenant: str) -> JsonResponse:
    """What to draw in a window: [latitude, longitude, count, level, meter, title] each."""
    state, window = _asked(request)
    if window is None:
        return JsonResponse({"error": _("The window of the map is not understood.")}, status=400)
    found = mapping.spots(state, _layer(request), window, _levels(request), timezone.now())
    return JsonResponse(
        {
            "spots": [
                (one.latitude, one.longitude, one.count, one.level, one.meter, one.title)
                if one.count == 1
                else (one.latitude, one.longitude, one.count, one.level)
                for one in found
            ],
            "total": sum(one.count for one in found),
        },
        json_dumps_params={"ensure_ascii": False, "separators": (",", ":")},
    )


@access("meters.view")
@require_GET
def beside(request: HttpRequest, tenant: str) -> HttpResponse:
    """The list beside the map: the meters in its window."""
    state, window = _asked(request)
    rows = (
        []
        if window is None
        else mapping.rows(state, _layer(request), window, _levels(request), timezone.now())
    )
    return render(request, "meters/_map_list.html", {"rows": rows, "most": mapping.ROWS_MAX})
