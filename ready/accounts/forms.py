"""What people fill in about a utility."""

from functools import cache
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from ready.accounts.services import ENERGY_UNITS, Customs, customs_of
from ready.tenancy.models import Tenant


@cache
def _zones() -> list[tuple[str, str]]:
    # Regions people live in; the rest are aliases and offsets whose sign misleads.
    regions = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Pacific/")
    names = sorted(name for name in available_timezones() if name.startswith(regions))
    return [(name, name.replace("_", " ")) for name in ["UTC", *names]]


class CustomsForm(forms.Form):
    """A utility's name, time zone, language and energy unit."""

    name = forms.CharField(label=_("Name of the utility"), max_length=120)
    zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=_zones,
        help_text=_("Days, months and clock times follow it, summer time included."),
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("For what READY sends. Each person chooses a language for the pages."),
    )
    energy_unit = forms.ChoiceField(
        label=_("Unit of energy"),
        choices=[(unit, unit) for unit in ENERGY_UNITS],
        help_text=_("For heat and cooling. Stored values do not change."),
    )

    @classmethod
    def of(cls, tenant: Tenant) -> "CustomsForm":
        """Filled with what is in force."""
        customs = customs_of(tenant)
        return cls(initial={name: getattr(customs, name) for name in Customs.__slots__})

    def customs(self) -> Customs:
        """What was filled in; after `is_valid()`."""
        return Customs(**{name: self.cleaned_data[name] for name in Customs.__slots__})
