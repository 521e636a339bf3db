"""Operation: what came in, what became of it, and the collectors; a meter's raw telegrams."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from collectors import queries
from collectors.models import Collector, Telegram
from collectors.outcomes import Outcome
from meters.models import Meter, MeterState
from meters.queries import MeterPage, meter_page
from readings.listing import instant_of
from ready.policy import access
from ready.web.days import parse_day
from ready.web.lists import is_fragment, list_part

# So many on a meter's overview; its own page has all.
_FEW = 10


def _midnight(now: datetime) -> datetime:
    return queries.day_bounds(timezone.localdate(now))[0]


def filter_of(data: Mapping[str, str]) -> queries.TelegramFilter:
    """The filter that a query or form says; what it says wrongly is as if it were not there."""
    outcome = data.get("outcome", "")
    collector = data.get("collector", "")
    return queries.TelegramFilter(
        outcome=next((one for one in Outcome if one.name.lower() == outcome), None),
        quarantined=outcome == "quarantined",
        collector_id=int(collector) if collector.isdecimal() and len(collector) < 10 else None,
        number=data.get("meter", "").replace("\x00", "").strip()[:8].upper(),
        day=parse_day(data.get("day", "")),
    )


def address_of(wanted: queries.TelegramFilter, **changes: str) -> str:
    """The query of a filtered list, with changes; empty parts are left out."""
    outcome = wanted.outcome.name.lower() if wanted.outcome is not None else ""
    parts = {
        "outcome": "quarantined" if wanted.quarantined else outcome,
        "collector": "" if wanted.collector_id is None else str(wanted.collector_id),
        "meter": wanted.number,
        "day": wanted.day.isoformat() if wanted.day else "",
        **changes,
    }
    return "?" + urlencode({name: value for name, value in parts.items() if value})


@access("operation.view")
@require_GET
def telegrams(request: HttpRequest, tenant: str) -> HttpResponse:
    """Every telegram that was stored or set aside, and how many ended otherwise today."""
    now = timezone.now()
    wanted = filter_of(request.GET)
    counts = queries.outcomes_since(_midnight(now))
    after = queries.TelegramKey.parse(request.GET.get("after", ""))
    page = queries.telegrams(wanted, after)
    kept = [outcome for outcome in Outcome if outcome not in queries.COUNTED_ONLY]
    quarantined = sum(count for outcome, count in counts.items() if outcome.quarantined)
    pane = [
        (
            outcome.label,
            counts[outcome],
            address_of(wanted, outcome=outcome.name.lower()),
            outcome == wanted.outcome,
            outcome.quarantined,
        )
        for outcome in kept
    ]
    context = {
        "page": page,
        "wanted": wanted,
        "stored": [line for line in pane if not line[4]],
        "reasons": [line for line in pane if line[4]],
        "quarantined": (quarantined, address_of(wanted, outcome="quarantined")),
        "all_url": address_of(wanted, outcome=""),
        "counted": [
            (outcome.label, counts[outcome])
            for outcome in Outcome
            if outcome in queries.COUNTED_ONLY
        ],
        "items": sum(counts.values()),
        "collectors": queries.collector_names(),
        "next_url": address_of(wanted, after=page.next_key) if page.next_key else "",
        "first_url": address_of(wanted) if after else "",
        "outcome": request.GET.get("outcome", ""),
    }
    if is_fragment(request):
        here = address_of(wanted, after=str(after or ""))
        return list_part(request, "collectors/_telegrams.html", context, here)
    return render(request, "collectors/telegrams.html", context)


@access("operation.view")
@require_GET
def telegram(request: HttpRequest, tenant: str, key: str) -> HttpResponse:
    """One telegram: when, from whom, what became of it and why, and its bytes."""
    wanted = queries.TelegramKey.parse(key)
    if wanted is None:
        raise Http404
    try:
        row = queries.telegram(wanted)
    except Telegram.DoesNotExist:
        raise Http404 from None
    return render(request, "collectors/telegram.html", {"row": row})


# What the overview counts: the day so far, or so many days back.
_PERIODS = {"today": 0, "week": 7, "month": 30}


@access("operation.view")
@require_GET
def collector_list(request: HttpRequest, tenant: str) -> HttpResponse:
    """The boxes that hand telegrams in: last heard, what they sent in a period, what waits."""
    now = timezone.now()
    period = request.GET.get("period", "")
    period = period if period in _PERIODS else "today"
    since = _midnight(now - timedelta(days=_PERIODS[period]))
    labels = {"today": _("Today"), "week": _("7 days"), "month": _("30 days")}
    rows = queries.collectors(since, now)
    context = {
        "rows": rows,
        "since": since,
        "periods": [(name, label, name == period) for name, label in labels.items()],
        "batches": sum(row.batches for row in rows),
        "telegrams": sum(row.telegrams for row in rows),
        "errors": sum(row.errors for row in rows),
        "waiting": sum(row.waiting for row in rows),
        "oldest_at": min((row.oldest_at for row in rows if row.oldest_at), default=None),
        "silent": sum(row.silent for row in rows),
    }
    return render(request, "collectors/list.html", context)


def _meter(pk: int) -> MeterPage:
    try:
        return meter_page(pk, timezone.now())
    except Meter.DoesNotExist:
        raise Http404 from None


@access("operation.view")
@require_GET
def meter_telegrams(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A meter's raw telegrams: the panel of its overview (?few), and the tab of its own."""
    few = "few" in request.GET
    fragment = is_fragment(request)
    after = queries.TelegramKey.parse(request.GET.get("after", ""))
    # A fragment needs no head, yet a stranger's meter must not look like one without telegrams.
    head = None if fragment else _meter(pk)
    if head is None and not Meter.objects.filter(pk=pk).exists():
        raise Http404
    page = queries.telegrams_of_meter(pk, after, *([_FEW] if few else []))
    context = {
        "page": head,
        "tab": "telegrams",
        "telegrams": page,
        "meter_id": pk,
        "few": few,
        "more": bool(page.next_key),
        "next_url": f"?after={page.next_key}" if page.next_key and not few else "",
        "later": after is not None,
    }
    template = "collectors/_meter.html" if fragment else "collectors/meter.html"
    return render(request, template, context)


@access("meters.view")
@require_GET
def heard(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """When and by whom a meter was last heard; asked every second by an open page.

    Answers 204 when the page knows it all (?seen=), and else tells the page's other parts, by
    the event meter-changed, that they are out of date.
    """
    now = timezone.now()
    state = MeterState.objects.filter(meter=pk).values("heard_at", "collector_id", "rssi_dbm")
    known = state.first()
    if known is None:
        raise Http404
    heard_at = known["heard_at"]
    news = f"{heard_at.timestamp() if heard_at else ''}_{queries.newest_key(pk, now)}"
    # "12 min ago" must go on counting by itself.
    seen = f"{news}_{int(now.timestamp()) // 60}"
    last_seen = request.GET.get("seen", "")
    if last_seen == seen:
        return HttpResponse(status=204)
    response = render(
        request,
        "collectors/_heard.html",
        {
            "meter_id": pk,
            "heard_at": heard_at,
            "rssi_dbm": known["rssi_dbm"],
            "collector": queries.collector_names().get(known["collector_id"] or 0, ""),
            "seen": seen,
        },
    )
    if last_seen and last_seen.rpartition("_")[0] != news:
        response["HX-Trigger"] = "meter-changed"
    return response


@access("operation.view")
@require_GET
def reading_telegrams(request: HttpRequest, tenant: str, pk: int, key: int) -> HttpResponse:
    """The telegrams behind a reading, while they are kept."""
    at = instant_of(key)
    if at is None or not Meter.objects.filter(pk=pk).exists():
        raise Http404
    fragment = is_fragment(request)
    context = {
        "page": None if fragment else _meter(pk),
        "tab": "readings",
        "telegrams": queries.telegrams_of_reading(pk, at),
    }
    template = "collectors/_reading.html" if fragment else "collectors/reading.html"
    return render(request, template, context)


@access("operation.view")
@require_GET
def positions(request: HttpRequest, tenant: str) -> JsonResponse:
    """The collectors that have a position, for the map: [latitude, longitude, name, address]."""
    address = reverse("collectors:list", args=[tenant])
    placed = Collector.objects.filter(latitude__isnull=False, longitude__isnull=False)
    found = placed.order_by("name").values_list("latitude", "longitude", "name")
    return JsonResponse(
        {"collectors": [(at / 1e6, beside / 1e6, name, address) for at, beside, name in found]}
    )
