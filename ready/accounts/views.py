"""Choosing a utility, and a person's own settings."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ready.accounts.actors import actor_of
from ready.accounts.forms import CustomsForm
from ready.accounts.models import Membership, User
from ready.accounts.platform import is_operator, visits
from ready.accounts.services import change_customs
from ready.policy import PUBLIC, SIGNED_IN, access
from ready.tenancy.requests import tenant_of


@access(PUBLIC)
@require_GET
def root(request: HttpRequest) -> HttpResponse:
    """The bare address leads to the person's utility; who is not logged in gets there first."""
    return redirect("accounts:switch")


@access(SIGNED_IN)
@require_GET
def switch(request: HttpRequest) -> HttpResponse:
    """The person's utilities; with a single one, straight into it."""
    person = cast(User, request.user)
    memberships = list(
        Membership.objects.select_related("tenant")
        .filter(user_id=person.pk, disabled_at=None)
        .order_by("tenant__name", "tenant_id")
    )
    if not memberships and is_operator(person):
        return redirect("platform:utilities")
    if len(memberships) == 1 and "stay" not in request.GET:
        return redirect("home", memberships[0].tenant.slug)
    return render(request, "accounts/switch.html", {"choices": memberships})


@access(PUBLIC)
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language: with the person when logged in, else in a cookie."""
    language = request.POST.get("language", "")
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    # Not `redirect`: it takes what has no slash for the name of a view.
    response = HttpResponseRedirect(target)
    if language in dict(settings.LANGUAGES):
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=language)
        response.set_cookie(
            "language",
            language,
            max_age=365 * 24 * 3600,
            samesite="Lax",
            httponly=True,
            secure=request.is_secure(),
        )
    return response


@access("configuration.view")
@require_GET
def configuration(request: HttpRequest, tenant: str) -> HttpResponse:
    """The utility's customs."""
    return _configuration(request, CustomsForm.of(tenant_of(request)))


@access("configuration.edit")
@require_POST
def change_configuration(request: HttpRequest, tenant: str) -> HttpResponse:
    """Set the utility's customs."""
    form = CustomsForm(request.POST)
    if not form.is_valid():
        return _configuration(request, form, status=400)
    changed = change_customs(
        tenant=tenant_of(request), customs=form.customs(), actor=actor_of(request)
    )
    messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
    return redirect("configuration", tenant)


def _configuration(request: HttpRequest, form: CustomsForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "visits": visits()}
    return render(request, "accounts/configuration.html", context, status=status)
