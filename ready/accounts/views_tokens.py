"""Configuration → API tokens."""

from datetime import timedelta
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ready.accounts import api_tokens
from ready.accounts.actors import actor_of
from ready.accounts.forms import TokenForm
from ready.accounts.models import User
from ready.accounts.proof import is_fresh
from ready.accounts.rights import rights_for
from ready.policy import PERMISSIONS, Rights, Role, access


def _rights(request: HttpRequest) -> Rights:
    rights = rights_for(request)
    if rights is None:
        raise Http404
    return rights


def _scopes(request: HttpRequest) -> list[tuple[str, Any]]:
    return [(code, PERMISSIONS[code].label) for code in api_tokens.grantable(_rights(request))]


@access("api_tokens.edit")
@require_GET
def tokens(request: HttpRequest, tenant: str) -> HttpResponse:
    """The utility's tokens, and a form for a new one."""
    return _tokens(request, TokenForm(scopes=_scopes(request)))


@access("api_tokens.edit")
@require_POST
def issue_token(request: HttpRequest, tenant: str) -> HttpResponse:
    """Make a token; its text is on this one answer and nowhere else."""
    form = TokenForm(request.POST, scopes=_scopes(request))
    if not form.is_valid():
        return _tokens(request, form, status=400)
    whose = form.cleaned_data["whose"]
    try:
        text = api_tokens.issue(
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            lasts=timedelta(days=form.cleaned_data["days"]),
            user=cast(User, request.user) if whose == "me" else None,
            role=None if whose == "me" else Role(whose),
            actor=actor_of(request),
            rights=_rights(request),
        )
    except api_tokens.NotIssued as error:
        form.add_error(None, str(error))
        return _tokens(request, form, status=400)
    return _tokens(request, TokenForm(scopes=_scopes(request)), text=text)


@access("api_tokens.edit")
@require_POST
def revoke_token(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """End a token."""
    if not api_tokens.revoke(pk=pk, actor=actor_of(request)):
        raise Http404
    messages.success(request, _("The token opens nothing any more."))
    return redirect("configuration:tokens", tenant)


def _tokens(
    request: HttpRequest, form: TokenForm, *, text: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "tokens": api_tokens.listed(),
        "text": text,
        "fresh": is_fresh(request),
    }
    return render(request, "accounts/tokens.html", context, status=status)
