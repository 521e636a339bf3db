"""What people fill in about a utility."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ready.accounts.models import IdentityProvider, User
from ready.accounts.services import Customs, customs_of
from ready.policy import Role
from ready.tenancy.models import Tenant
from ready.web.mail_addresses import AddressField
from ready.web.units import CHOICES, QUANTITIES, UnitChoice


@cache
def _zones() -> list[tuple[str, str]]:
    # Regions people live in; the rest are aliases and offsets whose sign misleads.
    regions = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Pacific/")
    names = sorted(name for name in available_timezones() if name.startswith(regions))
    return [(name, name.replace("_", " ")) for name in ["UTC", *names]]


_UNIT_OF = {
    "energy": _("Unit of energy"),
    "volume": _("Unit of volume"),
    "flow": _("Unit of flow"),
    "power": _("Unit of power"),
    "pressure": _("Unit of pressure"),
}


class _UnitsForm(forms.Form):
    """A field for each quantity that has several units."""

    energy_unit = forms.ChoiceField()
    volume_unit = forms.ChoiceField()
    flow_unit = forms.ChoiceField()
    power_unit = forms.ChoiceField()
    pressure_unit = forms.ChoiceField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for quantity in QUANTITIES:
            field = self.fields[f"{quantity}_unit"]
            field.label = _UNIT_OF[quantity]
            field.choices = self.choices_of(quantity)  # type: ignore[attr-defined]

    def choices_of(self, quantity: str) -> list[tuple[str, Any]]:
        """What is offered for a quantity."""
        return [(unit, unit) for unit in CHOICES[quantity]]

    def unit_fields(self) -> list[forms.BoundField]:
        """The fields of the units, for the page to set apart."""
        return [self[f"{quantity}_unit"] for quantity in QUANTITIES]

    def other_fields(self) -> list[forms.BoundField]:
        """The fields of everything else."""
        return [field for field in self if not field.name.endswith("_unit")]

    def chosen_units(self) -> dict[str, str]:
        """{quantity: unit}; after `is_valid()`."""
        return {quantity: self.cleaned_data[f"{quantity}_unit"] for quantity in QUANTITIES}


class CustomsForm(_UnitsForm):
    """A utility's name, time zone, language and units."""

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

    @classmethod
    def of(cls, tenant: Tenant) -> "CustomsForm":
        """Filled with what is in force."""
        customs = customs_of(tenant)
        units = {f"{one}_unit": getattr(customs.units, one) for one in QUANTITIES}
        told = {"name": customs.name, "zone": customs.zone, "language": customs.language}
        return cls(initial=told | units)

    def customs(self) -> Customs:
        """What was filled in; after `is_valid()`."""
        told = self.cleaned_data
        units = UnitChoice(**self.chosen_units())
        return Customs(told["name"], told["zone"], told["language"], units)


class InviteForm(forms.Form):
    """Who is invited, and as what."""

    email = AddressField(label=_("E-mail"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class ProfileForm(_UnitsForm):
    """A person's own name, language and units."""

    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    language = forms.ChoiceField(label=_("Language of the pages"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for quantity in QUANTITIES:
            self.fields[f"{quantity}_unit"].required = False

    def choices_of(self, quantity: str) -> list[tuple[str, Any]]:
        return [("", _("As the utility")), *super().choices_of(quantity)]


class NewPersonForm(forms.Form):
    """Who accepts an invitation and is new to READY."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput({"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. Four or five unrelated words are easy to remember."),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "password" in data:
            person = User(email=self._email, name=data.get("name", ""))
            try:
                validate_password(data["password"], person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return data


class TokenForm(forms.Form):
    """A new API token: whose, what it may do, for how long."""

    name = forms.CharField(label=_("What it is for"), max_length=80)
    whose = forms.ChoiceField(
        label=_("Acts as"),
        help_text=_("A token never may more than its person or role may when it is used."),
    )
    days = forms.IntegerField(label=_("Days it lasts"), min_value=1, max_value=366, initial=90)
    scopes = forms.MultipleChoiceField(
        label=pgettext_lazy("token", "May"), widget=forms.CheckboxSelectMultiple, choices=()
    )

    def __init__(self, *args: Any, scopes: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        whose = [("me", _("Me")), *((value, label) for value, label in Role.choices)]
        self.fields["whose"].choices = whose  # type: ignore[attr-defined]
        self.fields["scopes"].choices = scopes  # type: ignore[attr-defined]


class ProviderForm(forms.Form):
    """A utility's identity provider."""

    name = forms.CharField(
        label=_("Name on the log-in page"), max_length=80, help_text=_("For instance: Entra ID")
    )
    issuer = forms.URLField(
        label=_("Issuer"),
        max_length=255,
        assume_scheme="https",
        help_text=_("The provider's address, exactly as it writes it; begins with https://"),
    )
    client_id = forms.CharField(label=_("Client ID"), max_length=255)
    secret = forms.CharField(
        label=_("Client secret"),
        max_length=1000,
        required=False,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        help_text=_("Never shown again. Leave it empty to keep the one there is."),
    )
    enabled = forms.BooleanField(label=_("People may log in this way"), required=False)

    @classmethod
    def of(cls, row: IdentityProvider | None) -> "ProviderForm":
        """Filled with what is in force, but for the secret."""
        if row is None:
            return cls(initial={"enabled": True})
        names = ("name", "issuer", "client_id", "enabled")
        return cls(initial={name: getattr(row, name) for name in names})


class TermsForm(forms.Form):
    """What the platform allows a utility."""

    licence = forms.ChoiceField(label=_("Licence"), choices=Tenant.Licence.choices)
    priority_meters = forms.IntegerField(label=_("Priority meters, at most"), min_value=0)
    alarm_meters = forms.IntegerField(label=_("Meters with alarms, at most"), min_value=0)


class NewUtilityForm(TermsForm):
    """A new utility and who shall be its first administrator."""

    name = forms.CharField(label=_("Name of the utility"), max_length=120)
    slug = forms.SlugField(
        label=_("Short name"), max_length=40, help_text=_("Stands in its addresses: /t/name/")
    )
    email = AddressField(label=_("E-mail of its first administrator"), max_length=254)

    field_order = ("name", "slug", "email", "licence", "priority_meters", "alarm_meters")


class VisitForm(forms.Form):
    """Why an operator looks into a utility, and for how long."""

    reason = forms.CharField(
        label=_("Why"), max_length=500, help_text=_("The utility's people read it.")
    )
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=60, initial=30)
