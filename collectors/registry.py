"""Making and editing collectors, and their tokens; a token is shown once, when it is made."""

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from collectors import queries, tokens
from collectors.forms import CollectorForm
from collectors.models import Collector
from collectors.services import edit_collector, register_collector
from ready.accounts.actors import actor_of
from ready.policy import access


def _collector(pk: int) -> Collector:
    try:
        found: Collector = Collector.objects.get(pk=pk)
    except Collector.DoesNotExist:
        raise Http404 from None
    return found


def _page(
    request: HttpRequest,
    form: CollectorForm,
    collector: Collector | None,
    *,
    token: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "collector": collector,
        "tokens": queries.tokens_of(collector) if collector else [],
        "token": token,
        "push_url": request.build_absolute_uri("/api/v1/collect/telegrams"),
    }
    return render(request, "collectors/edit.html", context, status=status)


def _taken(form: CollectorForm) -> None:
    form.add_error("name", _("Another collector has this name."))


@access("collectors.edit")
@require_safe
def new(request: HttpRequest, tenant: str) -> HttpResponse:
    """The form of a collector to be."""
    initial = {"zone": "UTC", "type": Collector.Type.CONCENTRATOR}
    return _page(request, CollectorForm(initial=initial), None)


@access("collectors.edit")
@require_POST
def create(request: HttpRequest, tenant: str) -> HttpResponse:
    """Register a collector; its first token is the next step."""
    form = CollectorForm(request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                made = register_collector(actor=actor_of(request), **form.fields_of_collector())
        except IntegrityError:
            _taken(form)
        else:
            messages.success(request, _("The collector is registered. Make its token next."))
            return redirect("collectors:edit", tenant, made.pk)
    return _page(request, form, None, status=400)


@access("collectors.edit")
@require_GET
def edit(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """A collector's form and its tokens."""
    collector = _collector(pk)
    return _page(request, CollectorForm.of(collector), collector)


@access("collectors.edit")
@require_POST
def change(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Change what is known of a collector."""
    collector = _collector(pk)
    form = CollectorForm(request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                changed = edit_collector(
                    collector=collector, actor=actor_of(request), **form.fields_of_collector()
                )
        except IntegrityError:
            _taken(form)
        else:
            messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
            return redirect("collectors:edit", tenant, pk)
    return _page(request, form, collector, status=400)


@access("collectors.edit")
@require_POST
def issue_token(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Make a token and show it, this once: the page is the answer itself and is kept nowhere."""
    collector = _collector(pk)
    token = tokens.issue(collector=collector, actor=actor_of(request))
    return _page(request, CollectorForm.of(collector), collector, token=token)


@access("collectors.edit")
@require_POST
def revoke_token(request: HttpRequest, tenant: str, pk: int, prefix: str) -> HttpResponse:
    """End a token at once."""
    collector = _collector(pk)
    if not tokens.revoke(
        collector=collector, prefix=prefix.replace("\0", ""), actor=actor_of(request)
    ):
        raise Http404
    messages.success(request, _("The token is revoked. Pushes with it are refused from now on."))
    return redirect("collectors:edit", tenant, pk)
