"""What people fill in about a collector."""

from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from collectors.models import Collector
from readings.models import Origin

_MICRO = Decimal(1_000_000)
# How what a box hands in can have been read; the rest comes by other doors.
_ORIGINS = (
    Origin.FIXED_NETWORK,
    Origin.DRIVE_BY,
    Origin.POINT_TO_POINT,
    Origin.WIRED,
)


@cache
def _zones() -> list[tuple[str, str]]:
    regions = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Pacific/")
    names = sorted(name for name in available_timezones() if name.startswith(regions))
    return [(name, name.replace("_", " ")) for name in ["UTC", *names]]


class CollectorForm(forms.Form):
    """A collector's name, kind, place and habits."""

    name = forms.CharField(label=_("Name"), max_length=80)
    type = forms.ChoiceField(label=_("Type"), choices=Collector.Type.choices)
    origin = forms.TypedChoiceField(
        label=_("Reading method"),
        choices=[(origin.value, origin.label) for origin in _ORIGINS],
        coerce=int,
    )
    zone = forms.ChoiceField(
        label=_("Time zone of its clock"),
        choices=_zones,
        help_text=_("For times that it writes without a zone."),
    )
    latitude = forms.DecimalField(
        label=_("Latitude"),
        required=False,
        min_value=-90,
        max_value=90,
        decimal_places=6,
        localize=True,
    )
    longitude = forms.DecimalField(
        label=_("Longitude"),
        required=False,
        min_value=-180,
        max_value=180,
        decimal_places=6,
        localize=True,
    )
    forwards_at_once = forms.BooleanField(
        label=_("Forwards at once and knows no time"),
        required=False,
        help_text=_("The time of arrival then counts as the time of reception."),
    )
    decrypts = forms.BooleanField(
        label=_("Decrypts by itself"),
        required=False,
        help_text=_("It hands in telegrams that say they are encrypted, and are not any more."),
    )

    @classmethod
    def of(cls, collector: Collector) -> "CollectorForm":
        """Filled with what is known."""
        initial: dict[str, Any] = {name: getattr(collector, name) for name in cls.base_fields}
        for name in ("latitude", "longitude"):
            if initial[name] is not None:
                initial[name] = Decimal(initial[name]) / _MICRO
        return cls(initial=initial)

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or {}
        if not self.errors and (told["latitude"] is None) != (told["longitude"] is None):
            raise forms.ValidationError(_("Give both latitude and longitude, or neither."))
        return told

    def fields_of_collector(self) -> dict[str, Any]:
        """Columns of Collector; degrees in millionths. After `is_valid()`."""
        told = dict(self.cleaned_data)
        for name in ("latitude", "longitude"):
            if told[name] is not None:
                told[name] = int(told[name] * _MICRO)
        return told
