"""Configuration → Users, and Roles and permissions."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from ready.accounts import mails, people, queries, roles
from ready.accounts.actors import actor_of
from ready.accounts.forms import InviteForm
from ready.accounts.grouping import group_choices
from ready.accounts.models import Membership
from ready.accounts.proof import is_fresh
from ready.accounts.rights import codes_of, rights_for
from ready.policy import PERMISSIONS, Rights, Role, access
from ready.tenancy.requests import tenant_of


def _rights(request: HttpRequest) -> Rights:
    rights = rights_for(request)
    if rights is None:
        raise Http404
    return rights


@access("people.view")
@require_GET
def users(request: HttpRequest, tenant: str) -> HttpResponse:
    """Everybody, who is invited, and a form to invite."""
    return _users(request, InviteForm(initial={"role": Role.USER}))


@access("people.edit")
@require_POST
def invite(request: HttpRequest, tenant: str) -> HttpResponse:
    """Invite somebody by e-mail."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _users(request, form, status=400)
    utility = tenant_of(request)
    try:
        invitation, secret = people.invite(
            email=form.cleaned_data["email"],
            name=form.cleaned_data["name"],
            role=Role(form.cleaned_data["role"]),
            actor=actor_of(request),
            rights=_rights(request),
        )
        path = reverse("accounts:invitation_link", args=[utility.slug, secret])
        mails.send_invitation(
            tenant=utility, invitation=invitation, url=settings.BASE_URL.rstrip("/") + path
        )
    except people.NotPossible as error:
        form.add_error("email", str(error))
        return _users(request, form, status=400)
    except mails.NotSent:
        form.add_error(
            None, _("The mail server did not take the invitation. Nothing was changed; try later.")
        )
        return _users(request, form, status=502)
    messages.success(
        request, _("%(email)s is invited.") % {"email": form.cleaned_data["email"].lower()}
    )
    return redirect("configuration:users", tenant)


@access("people.edit")
@require_POST
def revoke_invitation(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """End an open invitation."""
    if not people.revoke_invitation(pk=pk, actor=actor_of(request)):
        raise Http404
    messages.success(request, _("The invitation opens nothing any more."))
    return redirect("configuration:users", tenant)


def _users(request: HttpRequest, form: InviteForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "members": queries.members(),
        "invited": queries.invited(),
        "fresh": is_fresh(request),
    }
    return render(request, "accounts/users.html", context, status=status)


@access("people.view")
@require_GET
def user(request: HttpRequest, tenant: str, user_id: int) -> HttpResponse:
    """One member, and what can be changed of them."""
    member = queries.member(user_id)
    if member is None:
        raise Http404
    context = {
        "member": member,
        "roles": Role.choices,
        "groups": group_choices(),
        "chosen": queries.groups_of(user_id),
        "myself": request.user.pk == user_id,
        "fresh": is_fresh(request),
    }
    return render(request, "accounts/user.html", context)


def _done(request: HttpRequest, tenant: str, user_id: int, act: Callable[[], str]) -> HttpResponse:
    """Carry an act on a member out and come back to them with its words, or with what is wrong."""
    try:
        words = act()
    except Membership.DoesNotExist:
        raise Http404 from None
    except people.NotPossible as error:
        messages.error(request, str(error))
    else:
        messages.success(request, words)
    return redirect("configuration:user", tenant, user_id)


@access("people.edit")
@require_POST
def change_role(request: HttpRequest, tenant: str, user_id: int) -> HttpResponse:
    """Give a member another role."""
    role = request.POST.get("role", "")
    if role not in Role.values:
        raise Http404

    def act() -> str:
        changed = people.change_role(
            user_id=user_id, role=Role(role), actor=actor_of(request), rights=_rights(request)
        )
        return _("The role is changed; it acts at once.") if changed else _("Nothing was changed.")

    return _done(request, tenant, user_id, act)


@access("people.edit")
@require_POST
def disable_user(request: HttpRequest, tenant: str, user_id: int) -> HttpResponse:
    """Shut a member out."""

    def act() -> str:
        people.disable(user_id=user_id, actor=actor_of(request), rights=_rights(request))
        return _("This person cannot open the utility any more.")

    return _done(request, tenant, user_id, act)


@access("people.edit")
@require_POST
def enable_user(request: HttpRequest, tenant: str, user_id: int) -> HttpResponse:
    """Let a member in again."""

    def act() -> str:
        people.enable(user_id=user_id, actor=actor_of(request), rights=_rights(request))
        return _("This person can open the utility again.")

    return _done(request, tenant, user_id, act)


@access("people.edit")
@require_POST
def end_user_sessions(request: HttpRequest, tenant: str, user_id: int) -> HttpResponse:
    """Make a member log in anew."""

    def act() -> str:
        people.end_sessions(user_id=user_id, actor=actor_of(request))
        return _("This person must log in anew.")

    return _done(request, tenant, user_id, act)


@access("people.edit")
@require_POST
def remove_user(request: HttpRequest, tenant: str, user_id: int) -> HttpResponse:
    """End a membership."""
    try:
        people.remove(user_id=user_id, actor=actor_of(request), rights=_rights(request))
    except Membership.DoesNotExist:
        raise Http404 from None
    except people.NotPossible as error:
        messages.error(request, str(error))
        return redirect("configuration:user", tenant, user_id)
    messages.success(request, _("This person does not belong to the utility any more."))
    return redirect("configuration:users", tenant)


@access("people.edit")
@require_POST
def limit_user(request: HttpRequest, tenant: str, user_id: int) -> HttpResponse:
    """Limit what a member sees to groups of meters, or lift the limit."""
    known = {group.pk for group in group_choices()}
    chosen = {
        int(text)
        for text in request.POST.getlist("group")
        if text.isascii() and text.isdigit() and len(text) <= 9
    }
    limited = request.POST.get("limited") == "on"

    def act() -> str:
        changed = people.limit(
            user_id=user_id,
            groups=chosen & known if limited else None,
            actor=actor_of(request),
            rights=_rights(request),
        )
        return _("Saved.") if changed else _("Nothing was changed.")

    return _done(request, tenant, user_id, act)


@access("people.view")
@require_GET
def role_grid(request: HttpRequest, tenant: str) -> HttpResponse:
    """What each role may do."""
    sections = roles.grid(_rights(request))
    context = {
        "sections": sections,
        "roles": Role.labels,
        "shown": " ".join(
            f"{cell.role.value}:{row.code}"
            for section in sections
            for row in section.rows
            for cell in row.cells
            if cell.held and not cell.reason
        ),
        "fresh": is_fresh(request),
    }
    return render(request, "accounts/roles.html", context)


@access("roles.edit")
@require_POST
def change_roles(request: HttpRequest, tenant: str) -> HttpResponse:
    """Set what was ticked or cleared on the grid; what others changed meanwhile stays."""
    shown = roles.wanted(request.POST.get("shown", "").split())
    ticked = roles.wanted(request.POST.getlist("held"))
    asked = {pair: pair in ticked for pair in shown ^ ticked}
    try:
        done = roles.change(changes=asked, actor=actor_of(request), rights=_rights(request))
    except roles.NotDelegable as error:
        messages.error(request, str(error))
        return redirect("configuration:roles", tenant)
    if done:
        messages.success(
            request,
            ngettext(
                "%(count)d permission is changed; it acts at once.",
                "%(count)d permissions are changed; they act at once.",
                len(done),
            )
            % {"count": len(done)},
        )
        for role, code in done:
            if (role, code) not in asked:
                messages.info(request, _along(role, code))
    else:
        messages.info(request, _("Nothing was changed."))
    return redirect("configuration:roles", tenant)


def _along(role: Role, code: str) -> str:
    """What the page says of a permission that went along with another."""
    words = {"role": role.label, "code": PERMISSIONS[code].label}
    if code in codes_of(role):
        return _("%(role)s: “%(code)s” was granted along, since what was granted needs it.") % words
    return _("%(role)s: “%(code)s” was taken along, since it needs what was taken.") % words
