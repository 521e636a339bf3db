"""Operation → Telegram inspector: paste a telegram, or open one that is kept."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from collectors.explain import Inspection, NotATelegram, inspect_frame, inspect_text
from collectors.models import Telegram
from collectors.queries import TelegramKey
from collectors.queries import telegram as kept_telegram
from ready.accounts.actors import actor_of
from ready.policy import access

_LONGEST = 4_000


@access("inspector.use")
@sensitive_post_parameters("key")
@require_http_methods(["GET", "POST"])
def inspector(request: HttpRequest, tenant: str) -> HttpResponse:
    """A form, and after it the explanation. A key travels in the body only, and is not kept."""
    inspection: Inspection | None = None
    problem = ""
    text = request.POST.get("telegram", "")[:_LONGEST].strip()
    if request.method == "POST":
        key = request.POST.get("key", "")[:100]
        try:
            inspection = inspect_text(text, key, actor=actor_of(request))
        except NotATelegram as error:
            problem = str(error)
    return render(
        request,
        "collectors/inspector.html",
        {"inspection": inspection, "problem": problem, "text": text},
        status=422 if problem else 200,
    )


@access("inspector.use")
@require_http_methods(["GET", "POST"])
def inspect_kept(request: HttpRequest, tenant: str, key: str) -> HttpResponse:
    """A stored or quarantined telegram of the utility, explained.

    Opened by its address it is explained as far as it can be read without a key; posting uses the
    meter's key, which the audit trail remembers.
    """
    wanted = TelegramKey.parse(key)
    if wanted is None:
        raise Http404
    try:
        row = kept_telegram(wanted)
    except Telegram.DoesNotExist:
        raise Http404 from None
    actor = actor_of(request) if request.method == "POST" else None
    inspection = inspect_frame(bytes(row.frame), actor=actor)
    return render(
        request,
        "collectors/inspector.html",
        {"inspection": inspection, "problem": "", "text": row.hex, "row": row},
    )
