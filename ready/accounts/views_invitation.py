"""Accepting an invitation.

The link's secret goes from the address into the session at once, so that it stands in no history,
log or Referer of the pages that follow.
"""

from dataclasses import dataclass

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import EmailAddress, Login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ready.accounts import people, providers
from ready.accounts.actors import address_of
from ready.accounts.forms import NewPersonForm
from ready.accounts.models import Invitation, User
from ready.audit.services import Actor
from ready.policy import PUBLIC, access
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

SESSION_KEY = "invitation"


@dataclass(frozen=True, slots=True)
class Offer:
    """The invitation that the session holds, and whom READY knows by its address."""

    tenant: Tenant
    invitation: Invitation
    person: User | None


@access(PUBLIC)
@require_GET
def invitation_link(request: HttpRequest, utility: str, secret: str) -> HttpResponse:
    """The address in the mail."""
    request.session[SESSION_KEY] = [utility, secret]
    return redirect("accounts:invitation")


def offer_of(request: HttpRequest, tenant: Tenant, secret: str) -> Offer | None:
    """What the secret offers now; call inside the utility's context."""
    invitation = people.find_invitation(secret)
    if invitation is None:
        return None
    return Offer(tenant, invitation, User.objects.filter(email=invitation.email).first())


def held(request: HttpRequest) -> tuple[Tenant, str] | None:
    """The utility and the secret that the session holds."""
    kept = request.session.get(SESSION_KEY)
    if not isinstance(kept, list) or len(kept) != 2:
        return None
    tenant = Tenant.objects.filter(slug=kept[0], suspended_at=None).first()
    return None if tenant is None else (tenant, str(kept[1]))


@access(PUBLIC)
@require_GET
def invitation(request: HttpRequest) -> HttpResponse:
    """Who invites, and the one thing to do next."""
    kept = held(request)
    if kept is None:
        return _gone(request)
    with tenant_context(kept[0].pk):
        offer = offer_of(request, *kept)
        if offer is None:
            return _gone(request)
        form = NewPersonForm(email=offer.invitation.email, initial={"name": offer.invitation.name})
        return _page(request, offer, form)


@access(PUBLIC)
@require_POST
def accept_invitation(request: HttpRequest) -> HttpResponse:
    """Become a member: as the person one is logged in as, or as a new one."""
    kept = held(request)
    if kept is None:
        return _gone(request)
    with tenant_context(kept[0].pk):
        offer = offer_of(request, *kept)
        if offer is None:
            return _gone(request)
        if request.user.is_authenticated:
            return _as_oneself(request, offer)
        if offer.person is not None:
            return redirect("accounts:invitation")
        form = NewPersonForm(request.POST, email=offer.invitation.email)
        if not form.is_valid():
            return _page(request, offer, form, status=400)
        person = User.objects.create_user(
            offer.invitation.email, form.cleaned_data["password"], name=form.cleaned_data["name"]
        )
        # The link came by mail, so the address is theirs.
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
        people.join(
            invitation=offer.invitation,
            user=person,
            actor=Actor(person.pk, person.email, address_of(request)),
        )
    request.session.pop(SESSION_KEY, None)
    login = Login(
        user=person, email=person.email, redirect_url=reverse("home", args=[offer.tenant.slug])
    )
    response: HttpResponse = perform_password_login(request, {"email": person.email}, login)
    return response


def _as_oneself(request: HttpRequest, offer: Offer) -> HttpResponse:
    person = request.user
    if not isinstance(person, User) or offer.person is None or person.pk != offer.person.pk:
        return redirect("accounts:invitation")
    try:
        people.join(
            invitation=offer.invitation,
            user=person,
            actor=Actor(person.pk, person.email, address_of(request)),
        )
    except people.NotPossible as error:
        messages.error(request, str(error))
        return redirect("accounts:switch")
    request.session.pop(SESSION_KEY, None)
    messages.success(request, _("You belong to %(tenant)s now.") % {"tenant": offer.tenant.name})
    return redirect("home", offer.tenant.slug)


def _page(
    request: HttpRequest, offer: Offer, form: NewPersonForm, status: int = 200
) -> HttpResponse:
    person = request.user if request.user.is_authenticated else None
    context = {
        "provider": providers.enabled_provider(),
        "utility": offer.tenant,
        "invitation": offer.invitation,
        "role": offer.invitation.get_role_display(),
        "form": form,
        "known": offer.person is not None,
        "myself": person is not None and offer.person is not None and person.pk == offer.person.pk,
        "somebody_else": person is not None
        and (offer.person is None or person.pk != offer.person.pk),
    }
    return render(request, "accounts/invitation.html", context, status=status)


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/invitation_gone.html")
