"""The outbox: what waits to be told to the outside, tried again or given up."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from notifications import mailing, outbox, waiting
from notifications.models import OutboxEntry
from ready.accounts.actors import actor_of
from ready.policy import access
from ready.web.lists import ListState, is_fragment, list_part


@access("operation.view")
@require_GET
def page(request: HttpRequest, tenant: str) -> HttpResponse:
    """What waits, what was given up and why, and what was delivered lately."""
    state = ListState.parse(
        request.GET, waiting.COLUMNS, sort=waiting.DEFAULT_SORT, filters=("show",)
    )
    rows, counts = waiting.outbox(state)
    shown = waiting.shown_of(state)
    context = {
        "page": rows,
        "state": state,
        "shown": shown,
        "shown_words": waiting.LABELS[shown],
        "pane": [
            (waiting.LABELS[one], counts[one], state.url(show=one), one is shown)
            for one in waiting.State
        ],
    }
    if is_fragment(request):
        return list_part(request, "notifications/_outbox.html", context, state.here)
    return render(request, "notifications/outbox.html", context)


@access("notifications.edit")
@require_POST
def again(request: HttpRequest, tenant: str, entry: int) -> HttpResponse:
    """Have one tried at once."""
    try:
        outbox.try_again(entry=_entry(entry), actor=actor_of(request), now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("It waits for its next attempt."))
    return _back(request, tenant)


@access("notifications.edit")
@require_POST
def give_up(request: HttpRequest, tenant: str, entry: int) -> HttpResponse:
    """Let one go undelivered."""
    given_up, now = _entry(entry), timezone.now()
    try:
        outbox.give_up(entry=given_up, actor=actor_of(request), now=now)
        mailing.give_up_mail(entry=given_up, now=now)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("It is given up, and will not be delivered."))
    return _back(request, tenant)


def _entry(pk: int) -> OutboxEntry:
    try:
        found: OutboxEntry = OutboxEntry.objects.get(pk=pk)
    except OutboxEntry.DoesNotExist:
        raise Http404 from None
    return found


def _back(request: HttpRequest, tenant: str) -> HttpResponse:
    shown = request.POST.get("show", "")
    query = f"?show={shown}" if shown in set(waiting.State) else ""
    return redirect(reverse("notifications:outbox", args=[tenant]) + query)
