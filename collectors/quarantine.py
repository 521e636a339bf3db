"""Quarantine: why telegrams were set aside, which, and working on them once more."""

from datetime import UTC, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from collectors import queries
from collectors.services import request_replay
from collectors.views import address_of, filter_of
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.web.formats import number
from ready.web.lists import is_fragment, list_part


def _wanted(request: HttpRequest) -> queries.TelegramFilter:
    wanted = filter_of(request.GET if request.method == "GET" else request.POST)
    outcome = wanted.outcome if wanted.outcome and wanted.outcome.quarantined else None
    return queries.TelegramFilter(
        outcome, outcome is None, wanted.collector_id, wanted.number, wanted.day
    )


@access("operation.view")
@require_GET
def quarantine(request: HttpRequest, tenant: str) -> HttpResponse:
    """The reasons with their counts, and the telegrams of the chosen one."""
    wanted = _wanted(request)
    after = queries.TelegramKey.parse(request.GET.get("after", ""))
    page = queries.telegrams(wanted, after)
    reasons = queries.reasons(wanted)
    chosen = [one for one in reasons if wanted.outcome in (None, one.outcome)]
    context = {
        "page": page,
        "wanted": wanted,
        "reasons": [
            (
                one,
                address_of(wanted, outcome=one.outcome.name.lower()),
                one.outcome is wanted.outcome,
            )
            for one in reasons
        ],
        "everything": sum(one.telegrams for one in reasons),
        "all_url": address_of(wanted, outcome=""),
        "matching": sum(one.telegrams for one in chosen),
        "collectors": queries.collector_names(),
        "next_url": address_of(wanted, after=page.next_key) if page.next_key else "",
        "first_url": address_of(wanted) if after else "",
        "outcome": wanted.outcome.name.lower() if wanted.outcome else "",
    }
    if is_fragment(request):
        here = address_of(wanted, after=str(after or ""))
        return list_part(request, "collectors/_quarantine.html", context, here)
    return render(request, "collectors/quarantine.html", context)


@access("operation.replay")
@require_POST
def replay(request: HttpRequest, tenant: str) -> HttpResponse:
    """Ask for one telegram, or all of a filter, to be worked on once more."""
    wanted = _wanted(request)
    only = queries.TelegramKey.parse(request.POST.get("only", ""))
    if only is not None:
        count = request_replay(
            actor=actor_of(request), only=(only.received_on, only.batch_id, only.item)
        )
    else:
        first = last = None
        if wanted.day is not None:
            start, end = queries.day_bounds(wanted.day)
            # Days of arrival are UTC's: a local day lies in two of them.
            first = start.astimezone(UTC).date()
            last = (end - timedelta(microseconds=1)).astimezone(UTC).date()
        count = request_replay(
            actor=actor_of(request),
            outcome=wanted.outcome,
            number=wanted.number,
            collector_id=wanted.collector_id,
            received_from=first,
            received_to=last,
        )
    if count:
        text = ngettext(
            "%(count)s telegram is worked on again. Look once more in a moment.",
            "%(count)s telegrams are worked on again. Look once more in a moment.",
            count,
        ) % {"count": number(count)}
        messages.success(request, text)
    else:
        messages.info(request, _("Nothing matches any more."))
    return redirect(reverse("collectors:quarantine", args=[tenant]) + address_of(wanted))
