"""The platform's own pages: utilities, their licences and limits, visits. For operators only."""

from datetime import timedelta
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ready.accounts import mails, people, platform
from ready.accounts.actors import actor_of
from ready.accounts.forms import NewUtilityForm, TermsForm, VisitForm
from ready.accounts.models import User
from ready.accounts.proof import is_fresh
from ready.policy import EVERYTHING, PLATFORM, Role, access
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant


@access(PLATFORM)
@require_GET
def utilities(request: HttpRequest) -> HttpResponse:
    """Every utility, and a form for a new one."""
    return _utilities(request, NewUtilityForm(initial=_defaults()))


@access(PLATFORM)
@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """A new utility, and an invitation to its first administrator."""
    form = NewUtilityForm(request.POST)
    if not form.is_valid():
        return _utilities(request, form, status=400)
    actor = actor_of(request)
    try:
        made = platform.create(
            slug=form.cleaned_data["slug"],
            name=form.cleaned_data["name"],
            terms=_terms(form),
            actor=actor,
        )
        with tenant_context(made.pk):
            invitation, secret = people.invite(
                email=form.cleaned_data["email"],
                name="",
                role=Role.ADMINISTRATOR,
                actor=actor,
                rights=EVERYTHING,
            )
            path = reverse("accounts:invitation_link", args=[made.slug, secret])
            mails.send_invitation(
                tenant=made, invitation=invitation, url=settings.BASE_URL.rstrip("/") + path
            )
    except (platform.NotAllowed, people.NotPossible) as error:
        form.add_error(None, str(error))
        return _utilities(request, form, status=400)
    except mails.NotSent:
        form.add_error(
            None, _("The mail server did not take the invitation. Nothing was changed; try later.")
        )
        return _utilities(request, form, status=502)
    messages.success(request, _("%(name)s is created.") % {"name": made.name})
    return redirect("platform:utility", made.slug)


@access(PLATFORM)
@require_GET
def utility(request: HttpRequest, utility: str) -> HttpResponse:
    """One utility: its terms, suspending it, visiting it."""
    return _utility(request, _found(utility))


@access(PLATFORM)
@require_POST
def change_terms(request: HttpRequest, utility: str) -> HttpResponse:
    """Set licence and limits."""
    tenant = _found(utility)
    form = TermsForm(request.POST)
    if not form.is_valid():
        return _utility(request, tenant, terms=form, status=400)
    try:
        changed = platform.change_terms(tenant=tenant, terms=_terms(form), actor=actor_of(request))
    except platform.NotAllowed as error:
        form.add_error(None, str(error))
        return _utility(request, tenant, terms=form, status=400)
    messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
    return redirect("platform:utility", utility)


@access(PLATFORM)
@require_POST
def suspend(request: HttpRequest, utility: str) -> HttpResponse:
    """Close a utility for its people, or open it again."""
    platform.suspend(
        tenant=_found(utility),
        suspended=request.POST.get("suspended") == "yes",
        actor=actor_of(request),
    )
    return redirect("platform:utility", utility)


@access(PLATFORM)
@require_POST
def enter(request: HttpRequest, utility: str) -> HttpResponse:
    """Look into a utility for a while."""
    tenant = _found(utility)
    form = VisitForm(request.POST)
    if not form.is_valid():
        return _utility(request, tenant, visit=form, status=400)
    try:
        platform.enter(
            tenant=tenant,
            operator=cast(User, request.user),
            reason=form.cleaned_data["reason"],
            lasts=timedelta(minutes=form.cleaned_data["minutes"]),
            actor=actor_of(request),
        )
    except platform.NotAllowed as error:
        form.add_error("reason", str(error))
        return _utility(request, tenant, visit=form, status=400)
    return redirect("home", tenant.slug)


@access(PLATFORM)
@require_POST
def leave(request: HttpRequest, utility: str) -> HttpResponse:
    """End a visit."""
    platform.leave(
        tenant=_found(utility), operator=cast(User, request.user), actor=actor_of(request)
    )
    return redirect("platform:utility", utility)


def _found(slug: str) -> Tenant:
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise Http404
    return tenant


def _terms(form: TermsForm) -> platform.Terms:
    return platform.Terms(**{name: form.cleaned_data[name] for name in platform.Terms.__slots__})


def _defaults() -> dict[str, object]:
    fresh = platform.terms_of(Tenant())
    return {name: getattr(fresh, name) for name in platform.Terms.__slots__}


def _utilities(request: HttpRequest, form: NewUtilityForm, status: int = 200) -> HttpResponse:
    context = {"utilities": platform.utilities(), "form": form, "fresh": is_fresh(request)}
    return render(request, "platform/utilities.html", context, status=status)


def _utility(
    request: HttpRequest,
    tenant: Tenant,
    *,
    terms: TermsForm | None = None,
    visit: VisitForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = platform.terms_of(tenant)
    context = {
        "utility": tenant,
        "terms": terms
        or TermsForm(initial={name: getattr(now, name) for name in platform.Terms.__slots__}),
        "visit_form": visit or VisitForm(),
        "fresh": is_fresh(request),
    }
    return render(request, "platform/utility.html", context, status=status)
