"""Logging in to one utility through its identity provider (OpenID Connect)."""

import time
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import EmailAddress, Login
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ready.accounts import floods, oidc, people, providers, sealing, sessions
from ready.accounts.actors import actor_of, address_of
from ready.accounts.forms import ProviderForm
from ready.accounts.models import IdentityProvider, User
from ready.accounts.proof import is_fresh, proof_url
from ready.accounts.views_invitation import SESSION_KEY, Offer, held, offer_of
from ready.audit.services import Actor, record
from ready.policy import PUBLIC, access
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web import errands

_TRIED = "sign_in"
_LASTS_S = 600
LOG_IN, LINK, INVITATION = "log-in", "link", "invitation"


def _tenant(slug: str) -> Tenant | None:
    return Tenant.objects.filter(slug=slug, suspended_at=None).first()


@access(PUBLIC)
@require_GET
def log_in(request: HttpRequest, tenant: str) -> HttpResponse:
    """A utility's own log-in page; one that does not exist looks like one without a provider."""
    utility, row, linked = _tenant(tenant), None, False
    if utility is not None:
        with tenant_context(utility.pk):
            row = providers.enabled_provider()
            if isinstance(request.user, User):
                linked = providers.is_linked(request.user.pk)
    context = {
        "provider": row,
        "utility": utility if row is not None else None,
        "linked": linked,
        "slug": tenant,
        "member": isinstance(request.user, User),
    }
    return render(request, "sign_in/log_in.html", context)


@access(PUBLIC)
@require_POST
def start(request: HttpRequest, tenant: str) -> HttpResponse:
    """Lead to the provider; what comes back must belong to this very try."""
    wanted = request.POST.get("for", LOG_IN)
    if isinstance(request.user, User):
        if wanted != LINK:
            return redirect("home", tenant)
        if not is_fresh(request):
            messages.info(request, _("Confirm that it is you, then do it again."))
            return redirect(proof_url(request, reverse("sign_in:log_in", args=[tenant])))
    elif wanted == LINK:
        return redirect("sign_in:log_in", tenant)
    utility = _tenant(tenant)
    if utility is None:
        return redirect("sign_in:log_in", tenant)
    with tenant_context(utility.pk):
        row = providers.enabled_provider()
    if row is None:
        return redirect("sign_in:log_in", tenant)
    tried = oidc.attempt()
    endpoints = errands.result_of(request, lambda: _discovered(row.issuer))
    if isinstance(endpoints, errands.Errand):
        return endpoints
    if isinstance(endpoints, oidc.Failed):
        return _failed(request, utility, endpoints)
    request.session[_TRIED] = {
        "tenant": utility.pk,
        "issuer": row.issuer,
        "for": wanted if wanted in (LINK, INVITATION) else LOG_IN,
        "user": request.user.pk if isinstance(request.user, User) else None,
        "at": time.time(),
        "tried": [tried.state, tried.nonce, tried.verifier],
    }
    target = oidc.address(
        endpoints, client_id=row.client_id, back=_back(request, tenant), tried=tried
    )
    # A page that leads on, not a redirect: the policy forbids forms that end elsewhere.
    return render(request, "sign_in/onward.html", {"target": target, "provider": row})


@access(PUBLIC)
@require_GET
def back(request: HttpRequest, tenant: str) -> HttpResponse:
    """From the provider. The one GET that logs somebody in: the protocol wants it so, and a state
    that only this session knows keeps others from sending anybody here."""
    kept = request.session.pop(_TRIED, None)
    code = request.GET.get("code", "")[:4000]
    utility = _tenant(tenant)
    if utility is None:
        return redirect("sign_in:log_in", tenant)
    tried = _tried(request, kept, utility)
    if tried is None:
        return _failed(request, utility, oidc.Failed("state", "not the try that was begun here"))
    with tenant_context(utility.pk):
        row = providers.enabled_provider()
    if row is None or row.issuer != kept["issuer"]:
        return _failed(request, utility, oidc.Failed("state", "the provider was changed"))
    try:
        with tenant_context(utility.pk):
            secret = providers.secret_of(row)
    except sealing.SealBroken as error:
        return _failed(request, utility, oidc.Failed("secret", str(error)))
    if "error" in request.GET:
        return _failed(request, utility, oidc.Failed("refused", request.GET["error"][:60]))
    found = errands.result_of(
        request, lambda: _redeemed(row, secret, _back(request, tenant), code, tried)
    )
    if isinstance(found, errands.Errand):
        request.session[_TRIED] = kept  # it is taken out when the answer is there
        return found
    if isinstance(found, oidc.Failed):
        return _failed(request, utility, found)
    if kept["for"] == LINK:
        return _link(request, utility, found)
    if kept["for"] == INVITATION:
        return _accept(request, utility, found)
    with tenant_context(utility.pk):
        membership = providers.member_of(found)
        person = None if membership is None else membership.user
    if person is None:
        return _failed(request, utility, oidc.Failed("unknown", "the subject is nobody here"))
    return _enter(request, utility, person, found)


def _discovered(issuer: str) -> oidc.Endpoints | oidc.Failed:
    """The provider's addresses, or why there are none."""
    try:
        return oidc.discover(issuer)
    except oidc.Failed as error:
        return error


def _redeemed(
    row: IdentityProvider, secret: str, back: str, code: str, tried: oidc.Attempt
) -> oidc.Subject | oidc.Failed:
    """Whom the provider vouches for, or why for nobody."""
    try:
        return oidc.redeem(
            oidc.discover(row.issuer),
            client_id=row.client_id,
            secret=secret,
            back=back,
            code=code,
            tried=tried,
        )
    except oidc.Failed as error:
        return error


def _tried(request: HttpRequest, kept: Any, utility: Tenant) -> oidc.Attempt | None:
    """The try that the answer belongs to; None where it is not this session's, or too old."""
    if not isinstance(kept, dict) or kept.get("tenant") != utility.pk:
        return None
    tried = oidc.Attempt(*kept["tried"])
    person = request.user.pk if isinstance(request.user, User) else None
    if (
        request.GET.get("state") != tried.state
        or time.time() - kept["at"] > _LASTS_S
        or kept["user"] != person
        # Who says which provider it is (RFC 9207) must be the right one.
        or request.GET.get("iss", kept["issuer"]) != kept["issuer"]
    ):
        return None
    return tried


def _enter(
    request: HttpRequest, utility: Tenant, person: User, found: oidc.Subject
) -> HttpResponse:
    """Begin a session for this utility only; READY's own second factor is asked for as ever."""
    sessions.begin_for(request, utility.pk)
    sessions.vouch(request, utility.pk, person.pk, second_factor=found.second_factor)
    record_authentication(request, person, method="socialaccount", provider="oidc")
    login = Login(
        user=person, email=person.email, redirect_url=reverse("home", args=[utility.slug])
    )
    response: HttpResponse = perform_login(request, login)
    if not isinstance(request.user, User):
        return response  # READY's own second factor comes first
    with tenant_context(utility.pk):
        record(
            event="session.began",
            actor=Actor(person.pk, person.email, address_of(request)),
            object_type="person",
            object_id=person.pk,
            object_label=person.email,
            details={"issuer": found.issuer, "second_factor": found.second_factor},
        )
    return response


def _link(request: HttpRequest, utility: Tenant, found: oidc.Subject) -> HttpResponse:
    """Tie the identity to the member who asked for it, in this very session."""
    person = request.user
    if not isinstance(person, User) or getattr(request, "membership", None) is None:
        raise Http404
    try:
        providers.link(user_id=person.pk, email=person.email, found=found, actor=actor_of(request))
    except providers.NotLinked as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("From now on you can log in this way, too."))
    return redirect("sign_in:log_in", utility.slug)


def _accept(request: HttpRequest, utility: Tenant, found: oidc.Subject) -> HttpResponse:
    """Become a member by the invitation that the session holds; new people get no password."""
    kept = held(request)
    if kept is None or kept[0].pk != utility.pk:
        return redirect("accounts:invitation")
    with tenant_context(utility.pk):
        offer = offer_of(request, *kept)
        if offer is None or offer.person is not None:
            # Who has an account logs in as themselves first.
            return redirect("accounts:invitation")
        if providers.member_of(found) is not None:
            messages.error(request, _("That log-in belongs to somebody already."))
            return redirect("accounts:invitation")
        try:
            with transaction.atomic():
                person = _joined(request, offer, found)
        except providers.NotLinked as error:
            messages.error(request, str(error))
            return redirect("accounts:invitation")
    request.session.pop(SESSION_KEY, None)
    return _enter(request, utility, person, found)


def _joined(request: HttpRequest, offer: Offer, found: oidc.Subject) -> User:
    """A new person, member by the invitation, who logs in outside. Raises NotLinked where the
    subject is somebody who was shut out: then nothing of it stays."""
    person = User.objects.create_user(offer.invitation.email, name=offer.invitation.name)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    actor = Actor(person.pk, person.email, address_of(request))
    people.join(invitation=offer.invitation, user=person, actor=actor)
    providers.link(user_id=person.pk, email=person.email, found=found, actor=actor)
    return person


@access("meters.view")
@require_POST
def unlink(request: HttpRequest, tenant: str) -> HttpResponse:
    """Log in with a password only, from now on."""
    person = request.user
    if not isinstance(person, User):
        raise Http404
    if not person.has_usable_password():
        messages.error(request, _("You have no password: this is your only way to log in."))
    elif providers.unlink(user_id=person.pk, email=person.email, actor=actor_of(request)):
        messages.success(request, _("You log in with your password only, from now on."))
    return redirect("sign_in:log_in", tenant)


@access("sign_in.edit")
@require_GET
def settings_page(request: HttpRequest, tenant: str) -> HttpResponse:
    """The utility's identity provider."""
    return _settings(request, ProviderForm.of(providers.provider()), tenant)


@access("sign_in.edit")
@require_POST
def configure(request: HttpRequest, tenant: str) -> HttpResponse:
    """Set the utility's identity provider."""
    form = ProviderForm(request.POST)
    if not form.is_valid():
        return _settings(request, form, tenant, status=400)
    endpoints: oidc.Endpoints | oidc.Failed | errands.Errand | None = None
    if form.cleaned_data["enabled"]:
        issuer = form.cleaned_data["issuer"]
        endpoints = errands.result_of(request, lambda: _discovered(issuer))
    if isinstance(endpoints, errands.Errand):
        return endpoints
    try:
        if isinstance(endpoints, oidc.Failed):
            raise endpoints
        changed = providers.configure(
            **form.cleaned_data, endpoints=endpoints, actor=actor_of(request)
        )
    except oidc.Failed as error:
        words = _("The provider cannot be used: %(why)s") % {"why": error}
        form.add_error("secret" if error.code == "secret" else "issuer", words)
        return _settings(request, form, tenant, status=400)
    messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
    return redirect("configuration:sign_in", tenant)


def _settings(
    request: HttpRequest, form: ProviderForm, tenant: str, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "fresh": is_fresh(request),
        "back": _back(request, tenant),
        "page": request.build_absolute_uri(reverse("sign_in:log_in", args=[tenant])),
    }
    return render(request, "sign_in/settings.html", context, status=status)


def _back(request: HttpRequest, tenant: str) -> str:
    return request.build_absolute_uri(reverse("sign_in:back", args=[tenant]))


def _failed(request: HttpRequest, utility: Tenant, error: oidc.Failed) -> HttpResponse:
    """Back to the log-in page with plain words; the trail has the reason."""
    # Anybody may come with an answer to no try, as often as they like.
    named = isinstance(request.user, User)
    if named or floods.told("sign-in", utility.pk, error.code) is not None:
        with tenant_context(utility.pk):
            providers.note_refusal(error.code, str(error))
    messages.error(
        request,
        _("Your organisation's log-in does not answer. Try again in a while.")
        if error.code == "unreachable"
        else _(
            "Logging in did not succeed. If you have not done so yet, log in with your password "
            "first and link your organisation's log-in; else ask an administrator."
        ),
    )
    return redirect("sign_in:log_in", utility.slug)
