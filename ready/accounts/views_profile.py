"""A person's own things: name and language, second factor, sessions."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from ready.accounts import providers, sessions
from ready.accounts.forms import ProfileForm
from ready.accounts.models import Membership, User
from ready.accounts.proof import proof_url, second_factors
from ready.accounts.services import change_profile
from ready.policy import SIGNED_IN, access
from ready.tenancy.context import tenant_context


@access(SIGNED_IN)
@require_GET
def profile(request: HttpRequest) -> HttpResponse:
    """Name and language, second factor, and where one is logged in."""
    person = cast(User, request.user)
    form = ProfileForm(
        initial={"name": person.name, "language": person.language or translation.get_language()}
        | {f"{quantity}_unit": unit for quantity, unit in person.own_units.items()}
    )
    return _profile(request, form)


@access(SIGNED_IN)
@require_GET
def prove(request: HttpRequest) -> HttpResponse:
    """Lead to where one proves who one is, and back to `next`."""
    target = request.GET.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    return redirect(proof_url(request, target))


@access(SIGNED_IN)
@require_POST
def save_profile(request: HttpRequest) -> HttpResponse:
    """Set name, language and units."""
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return _profile(request, form, status=400)
    change_profile(
        user=cast(User, request.user),
        name=form.cleaned_data["name"],
        language=form.cleaned_data["language"],
        units=form.chosen_units(),
    )
    messages.success(request, _("Saved."))
    return redirect("accounts:profile")


@access(SIGNED_IN)
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """End one of one's sessions."""
    wanted = request.POST.get("session", "")
    pk = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else 0
    if sessions.end(user=cast(User, request.user), pk=pk):
        messages.success(request, _("That session is ended."))
    else:
        messages.info(request, _("That session is over already."))
    return redirect("accounts:profile")


@access(SIGNED_IN)
@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all of one's sessions but this."""
    ended = sessions.end_others(request, cast(User, request.user))
    messages.success(
        request,
        ngettext("%(count)d session is ended.", "%(count)d sessions are ended.", ended)
        % {"count": ended},
    )
    return redirect("accounts:profile")


def _profile(request: HttpRequest, form: ProfileForm, status: int = 200) -> HttpResponse:
    person = cast(User, request.user)
    context = {
        "form": form,
        "sessions": sessions.of_person(request, person),
        "factors": second_factors(person.pk),
        "ways": _ways_in(request, person),
    }
    # No utility is open here: times are those of the one the person works for.
    zone = (
        Membership.objects.filter(user_id=person.pk, disabled_at=None)
        .order_by("tenant__name", "tenant_id")
        .values_list("tenant__zone", flat=True)
        .first()
    )
    with timezone.override(zone or timezone.get_default_timezone()):
        return render(request, "accounts/profile.html", context, status=status)


def _ways_in(request: HttpRequest, person: User) -> list[tuple[str, str, bool]]:
    """Slug, provider's name and whether it is linked, for each utility of the person that has
    single sign-on and that this session opens."""
    found = []
    for one in Membership.objects.select_related("tenant").filter(
        user_id=person.pk, disabled_at=None, tenant__suspended_at=None
    ):
        if not sessions.may_open(request, one.tenant_id):
            continue
        with tenant_context(one.tenant_id):
            row = providers.enabled_provider()
            if row is not None:
                found.append((one.tenant.slug, row.name, providers.is_linked(person.pk)))
    return found
