"""The utility's own groups: a page to make, change and delete them."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from meters import counting, groups, listing, narrowing
from meters.forms import GroupForm
from meters.models import MeterGroup
from meters.requests import sees_customers
from meters.selection import state_of
from ready.accounts.actors import actor_of
from ready.policy import access

_SEEN_BY_ALL = frozenset(one.key for one in listing.columns_for(customers=False))


def _group(pk: int) -> MeterGroup:
    try:
        found: MeterGroup = MeterGroup.objects.get(pk=pk)
    except MeterGroup.DoesNotExist:
        raise Http404 from None
    return found


def rule_of(query: str, *, customers: bool) -> str:
    """A list's address as a group's rule: what it finds, without groups, order and columns.

    A group cannot follow a list that groups decide: it would chase itself. Rules are followed by
    READY, which sees everything: who may not see customers (`customers`) must not ask it for the
    meters of a name. Raises ValidationError for such a rule.
    """
    sought = state_of(QueryDict(query.removeprefix("?")), customers=customers)
    if sought.query and not sought.search_in and not customers:
        raise ValidationError(
            _(
                "Your role does not show you customers: choose the column that is searched, so "
                "that the group does not follow their names."
            ),
            code="customers",
        )
    state = state_of(QueryDict(query.removeprefix("?")))
    show = "" if state.filters.get("show") == "ungrouped" else state.filters.get("show", "")
    rule = state_of(QueryDict(state.what[1:])).url(group="", show=show)
    return state_of(QueryDict(rule[1:])).what.removeprefix("?")


def rule_words(rule: str, *, customers: bool) -> list[str]:
    """A group's rule in words, one for each part; whom it looks for, for who may know."""
    state = state_of(QueryDict(rule))
    words = [
        str(one.label)
        for one in counting.SELECTIONS
        if one.key and one.key == state.filters.get("show")
    ]
    words += [f"{one.label} {told}" for one, told in narrowing.in_force(state.filters)]
    if state.query and (customers or state.search_in in _SEEN_BY_ALL):
        words.append(f"“{state.query}”")
    elif state.query:
        words.append(_("words searched for"))
    return words


@access("meters.view")
@require_GET
def group_list(request: HttpRequest, tenant: str) -> HttpResponse:
    """All groups, and a form for a new one (?rule=… makes it follow a list)."""
    return _page(request, GroupForm(), rule=request.GET.get("rule"))


def _page(
    request: HttpRequest, form: GroupForm, rule: str | None = None, status: int = 200
) -> HttpResponse:
    customers = sees_customers(request)
    clean: str | None = None
    try:
        clean = None if rule is None else rule_of(rule, customers=customers)
    except ValidationError as error:
        if error.messages[0] not in form.errors.get("name", []):
            messages.error(request, error.messages[0])
    context = {
        "form": form,
        "rule": clean,
        "rule_words": rule_words(clean, customers=customers) if clean else [],
        "groups": [
            (group, rule_words(group.rule, customers=customers)) for group in listing.groups()
        ],
    }
    return render(request, "meters/groups.html", context, status=status)


@access("groups.edit")
@require_POST
def create(request: HttpRequest, tenant: str) -> HttpResponse:
    """Make a group, and go to its list."""
    form = GroupForm(request.POST)
    rule = request.POST.get("rule")
    if not form.is_valid():
        return _page(request, form, rule, status=400)
    try:
        clean = None if rule is None else rule_of(rule, customers=sees_customers(request))
        if clean is not None and not clean:
            raise ValidationError(_("Filter the list first; a group cannot follow all meters."))
        group = groups.create_group(
            **form.cleaned_data,
            rule=clean,
            find=None if clean is None else listing.find,
            actor=actor_of(request),
        )
    except ValidationError as error:
        form.add_error("name", error)
        return _page(request, form, rule, status=400)
    messages.success(request, _("The group “%(group)s” is made.") % {"group": group})
    return redirect(f"{reverse('meters:list', args=[tenant])}?group={group.pk}")


@access("groups.edit")
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Rename or recolour a group, or delete it."""
    group = _group(pk)
    if request.method != "POST":
        form = GroupForm(initial={"name": group.name, "colour": group.colour})
        return _change_page(request, group, form)
    form = GroupForm(request.POST)
    if not form.is_valid():
        return _change_page(request, group, form, status=400)
    try:
        groups.change_group(group=group, **form.cleaned_data, actor=actor_of(request))
    except ValidationError as error:
        form.add_error("name", error)
        return _change_page(request, group, form, status=400)
    messages.success(request, _("Saved."))
    return redirect("meters:groups", tenant)


def _change_page(
    request: HttpRequest, group: MeterGroup, form: GroupForm, status: int = 200
) -> HttpResponse:
    words = rule_words(group.rule, customers=sees_customers(request))
    context = {"group": group, "form": form, "rule_words": words}
    return render(request, "meters/group.html", context, status=status)


@access("groups.edit")
@require_POST
def delete(request: HttpRequest, tenant: str, pk: int) -> HttpResponse:
    """Delete a group; its meters stay."""
    group = _group(pk)
    groups.delete_group(group=group, actor=actor_of(request))
    messages.success(
        request, _("The group “%(group)s” is deleted; its meters stay.") % {"group": group}
    )
    return redirect("meters:groups", tenant)
