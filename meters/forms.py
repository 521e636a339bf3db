"""What people fill in about meters and groups."""

from datetime import date, datetime, time
from fractions import Fraction
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _l

from meters.models import GroupColour, Medium, SupplyPoint
from ready.web.amounts import AmountField
from ready.web.days import DayField
from ready.web.formats import number as number_text
from ready.web.mail_addresses import AddressField

MAKER = r"^[A-Za-z]{3}$"
NUMBER = r"^[0-9A-Fa-f]{8}$"


class _Colours(forms.RadioSelect):
    template_name = "meters/_colours.html"


class GroupForm(forms.Form):
    """A group's name and colour."""

    name = forms.CharField(label=_l("Name"), max_length=80)
    colour = forms.ChoiceField(
        label=_l("Colour"), choices=GroupColour.choices, initial=GroupColour.GREY, widget=_Colours
    )


class NewMeterForm(forms.Form):
    """A meter, and where it is mounted; without a street it lies in stock."""

    manufacturer = forms.RegexField(
        MAKER,
        label=_l("Manufacturer"),
        initial="KAM",
        help_text=_l("Three letters, as on the meter: KAM is Kamstrup."),
        error_messages={"invalid": _l("A manufacturer's code has three letters, such as KAM.")},
    )
    number = forms.RegexField(
        NUMBER,
        label=_l("Serial number"),
        help_text=_l("The 8 digits on the meter's face."),
        error_messages={"invalid": _l("A meter number has 8 digits.")},
    )
    meter_type = forms.CharField(label=_l("Meter type"), max_length=60, required=False)
    medium = forms.ChoiceField(label=_l("Medium"), choices=Medium.choices, initial=Medium.HEAT)
    street = forms.CharField(
        label=_l("Address"),
        max_length=120,
        required=False,
        help_text=_l("Leave it empty for a meter in stock."),
    )
    postal_code = forms.CharField(label=_l("Postal code"), max_length=12, required=False)
    city = forms.CharField(label=_l("City"), max_length=80, required=False)
    label = forms.CharField(label=_l("Label"), max_length=80, required=False)
    customer_number = forms.CharField(
        label=_l("Customer number"),
        max_length=40,
        required=False,
        help_text=_l("A number that is known already is that customer."),
    )
    customer = forms.CharField(label=_l("Customer"), max_length=120, required=False)
    mounted_on = DayField(label=_l("Mounted on"), required=False)

    def __init__(self, data: QueryDict | None = None, *, today: date) -> None:
        super().__init__(data)
        self.today = today
        self.fields["mounted_on"].initial = today

    def clean_manufacturer(self) -> str:
        return str(self.cleaned_data["manufacturer"]).upper()

    def clean_number(self) -> str:
        return str(self.cleaned_data["number"]).upper()

    def clean_mounted_on(self) -> date | None:
        day: date | None = self.cleaned_data["mounted_on"]
        if day is not None and day > self.today:
            raise forms.ValidationError(_l("A meter cannot be mounted in the future."))
        return day

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("street"):
            for name in ("postal_code", "city", "label", "customer_number", "customer"):
                if data.get(name):
                    self.add_error(
                        "street", _l("Give the address, too; or leave all of the place empty.")
                    )
                    break
        if data.get("customer") and not data.get("customer_number"):
            self.add_error("customer_number", _l("A customer needs a customer number."))
        return data

    @property
    def mounted_at(self) -> datetime:
        """The midnight on which it was mounted, in the utility's zone."""
        day = self.cleaned_data["mounted_on"] or self.today
        return timezone.make_aware(datetime.combine(day, time.min))


class EditMeterForm(forms.Form):
    """What a person may correct of a meter; who it is stays."""

    meter_type = forms.CharField(label=_l("Meter type"), max_length=60, required=False)
    medium = forms.ChoiceField(label=_l("Medium"), choices=Medium.choices)


class EditMetersForm(forms.Form):
    """The same of many meters at once: what stays empty stays as it is."""

    meter_type = forms.CharField(label=_l("Meter type"), max_length=60, required=False)
    medium = forms.ChoiceField(
        label=_l("Medium"), choices=[("", _l("leave as it is")), *Medium.choices], required=False
    )
    label = forms.CharField(label=_l("Label"), max_length=80, required=False)

    def wanted(self) -> dict[str, str]:
        """What was filled in; after `is_valid()`."""
        return {name: value for name, value in self.cleaned_data.items() if value}


_DEGREE = 1_000_000


class PlaceForm(forms.Form):
    """What is known of a place. Latitude and longitude are degrees, WGS 84."""

    street = forms.CharField(label=_l("Address"), max_length=120)
    postal_code = forms.CharField(label=_l("Postal code"), max_length=12, required=False)
    city = forms.CharField(label=_l("City"), max_length=80, required=False)
    label = forms.CharField(label=_l("Label"), max_length=80, required=False)
    latitude = AmountField(label=_l("Latitude"), required=False)
    longitude = AmountField(label=_l("Longitude"), required=False)

    @classmethod
    def of(cls, place: SupplyPoint, data: QueryDict | None = None) -> "PlaceForm":
        """The form of a place as it is known."""
        return cls(
            data,
            initial={
                "street": place.street,
                "postal_code": place.postal_code,
                "city": place.city,
                "label": place.label,
                "latitude": _degrees(place.latitude),
                "longitude": _degrees(place.longitude),
            },
        )

    def clean_latitude(self) -> int | None:
        return self._millionths("latitude", 90)

    def clean_longitude(self) -> int | None:
        return self._millionths("longitude", 180)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and (cleaned["latitude"] is None) != (cleaned["longitude"] is None):
            self.add_error("longitude", _l("A place on the map has both latitude and longitude."))
        return cleaned

    def _millionths(self, name: str, most: int) -> int | None:
        degrees = self.cleaned_data[name]
        if degrees is None:
            return None
        if abs(degrees) > most:
            raise forms.ValidationError(
                _l("It lies between −%(most)s and %(most)s."), params={"most": most}
            )
        return int(round(degrees * _DEGREE))


def _degrees(millionths: int | None) -> str:
    return "" if millionths is None else number_text(Fraction(millionths, _DEGREE), 6)


class CustomerForm(forms.Form):
    """What is known of a customer."""

    number = forms.CharField(label=_l("Customer number"), max_length=40)
    name = forms.CharField(label=_l("Customer"), max_length=120)
    email = AddressField(label=_l("E-mail"), required=False)
    phone = forms.CharField(label=_l("Telephone"), max_length=40, required=False)


class MoveForm(forms.Form):
    """Somebody moves in or out: who lives at a place from a day on."""

    day = DayField(label=_l("From"))
    number = forms.CharField(
        label=_l("Customer number"),
        max_length=40,
        required=False,
        help_text=_l("Leave it empty when the place stands empty from then on."),
    )
    name = forms.CharField(
        label=_l("Customer"),
        max_length=120,
        required=False,
        help_text=_l("Only for a customer number that is new."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("name") and not cleaned.get("number"):
            self.add_error("number", _l("A customer has a number."))
        return cleaned
