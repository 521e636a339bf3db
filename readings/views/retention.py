"""How long readings are kept: the utility's decision, and what it will take."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_GET, require_POST

from readings import retention
from readings.models import KEEP_MONTHS
from readings.retention import Policy
from readings.rewriting import Level
from ready.accounts.actors import actor_of
from ready.policy import access


class RetentionForm(forms.Form):
    """Months of every reading, and months of any."""

    full_months = forms.IntegerField(
        label=_l("All readings, months"), min_value=1, max_value=KEEP_MONTHS
    )
    keep_months = forms.IntegerField(
        label=_l("One reading a day, until month"), min_value=1, max_value=KEEP_MONTHS
    )

    def clean(self) -> None:
        """Hold both against what READY offers."""
        if not self.errors:
            retention.check(self.policy())

    def policy(self) -> Policy:
        """What was entered."""
        return Policy(self.cleaned_data["full_months"], self.cleaned_data["keep_months"])


@access("configuration.view")
@require_GET
def keeping(request: HttpRequest, tenant: str) -> HttpResponse:
    """How long readings are kept, and what another choice would take; decides nothing."""
    policy = retention.policy()
    if "full_months" in request.GET:
        form = RetentionForm(request.GET)
        wanted = form.policy() if form.is_valid() else policy
        return _page(request, form, wanted, status=200 if form.is_valid() else 400)
    form = RetentionForm(
        initial={"full_months": policy.full_months, "keep_months": policy.keep_months}
    )
    return _page(request, form, policy)


@access("configuration.edit")
@require_POST
def keep(request: HttpRequest, tenant: str) -> HttpResponse:
    """Decide it."""
    form = RetentionForm(request.POST)
    if not form.is_valid():
        return _page(request, form, retention.policy(), status=400)
    try:
        changed = retention.set_policy(wanted=form.policy(), actor=actor_of(request))
    except ValidationError as error:
        form.add_error(None, error)
        return _page(request, form, retention.policy(), status=400)
    messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
    return redirect("readings:keeping", tenant)


def _page(
    request: HttpRequest, form: RetentionForm, wanted: Policy, status: int = 200
) -> HttpResponse:
    rows = retention.preview(wanted, timezone.now())
    policy = retention.policy()
    context = {
        "form": form,
        "policy": policy,
        "wanted": wanted,
        "asked": wanted != policy,
        "rows": [(row, row.level is Level.GONE) for row in rows],
        "going": sum(row.readings - row.staying for row in rows),
    }
    return render(request, "readings/keeping.html", context, status=status)
