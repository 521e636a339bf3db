"""A row's cells as facts about a meter and a customer, and what is wrong with them in plain words.

Pure: no database. Which column is which field a person says; a first guess comes from the head.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from meters.imports.reading import Options
from meters.models import Medium
from ready.web.days import parse_day
from ready.web.mail_addresses import validate_address

# Field → its words, and heads by which it is known (lower case, letters and digits alone).
FIELDS: dict[str, tuple[Promise | str, frozenset[str]]] = {
    "number": (
        _l("Serial number"),
        frozenset(
            {
                "serialnumber",
                "serialno",
                "serial",
                "meternumber",
                "serienummer",
                "serienr",
                "maalernummer",
                "målernummer",
                "målernr",
                "meterno",
            }
        ),
    ),
    "manufacturer": (
        _l("Manufacturer"),
        frozenset({"manufacturer", "make", "fabrikant", "fabrikat"}),
    ),
    "meter_type": (_l("Meter type"), frozenset({"metertype", "type", "målertype", "maalertype"})),
    "medium": (_l("Medium"), frozenset({"medium", "medie", "forsyningsart", "consumptiontype"})),
    "street": (_l("Address"), frozenset({"address", "street", "adresse", "vej", "gade"})),
    "postal_code": (
        _l("Postal code"),
        frozenset({"postalcode", "zip", "zipcode", "postcode", "postnummer", "postnr"}),
    ),
    "city": (_l("City"), frozenset({"city", "town", "by", "bynavn"})),
    "label": (_l("Label"), frozenset({"label", "mærkat", "note", "bemærkning"})),
    "latitude": (_l("Latitude"), frozenset({"latitude", "lat", "breddegrad"})),
    "longitude": (_l("Longitude"), frozenset({"longitude", "lon", "lng", "long", "længdegrad"})),
    "customer_number": (
        _l("Customer number"),
        frozenset({"customernumber", "customerno", "customerid", "kundenummer", "kundenr"}),
    ),
    "customer": (
        _l("Customer"),
        frozenset({"customer", "customername", "name", "kunde", "navn", "kundenavn"}),
    ),
    "email": (_l("E-mail"), frozenset({"email", "mail", "epost"})),
    "phone": (_l("Phone"), frozenset({"phone", "telephone", "mobile", "telefon", "tlf", "mobil"})),
    "group": (_l("Group"), frozenset({"group", "groups", "gruppe", "område", "area"})),
    "mounted_on": (
        _l("Mounted on"),
        frozenset({"mountedon", "installed", "installationdate", "monteret", "monteringsdato"}),
    ),
}
_LENGTHS = {
    "meter_type": 60,
    "street": 120,
    "postal_code": 12,
    "city": 80,
    "label": 80,
    "customer_number": 40,
    "customer": 120,
    "email": 254,
    "phone": 40,
}
_NUMBER = re.compile(r"[0-9A-F]{8}")
_MAKER = re.compile(r"[A-Z]{3}")
# How other systems and people write a medium.
_MEDIA = {
    "heat": Medium.HEAT, "varme": Medium.HEAT, "fjernvarme": Medium.HEAT,
    "cooling": Medium.COOLING, "køling": Medium.COOLING, "kulde": Medium.COOLING,
    "heat_cooling": Medium.HEAT_COOLING, "heat/cooling": Medium.HEAT_COOLING,
    "varme/køling": Medium.HEAT_COOLING,
    "water": Medium.WATER, "vand": Medium.WATER, "cold water": Medium.WATER,
    "koldt vand": Medium.WATER, "hot water": Medium.WATER, "varmt vand": Medium.WATER,
    "electricity": Medium.ELECTRICITY, "el": Medium.ELECTRICITY, "power": Medium.ELECTRICITY,
    "pressure": Medium.PRESSURE, "tryk": Medium.PRESSURE,
    "other": Medium.OTHER, "andet": Medium.OTHER,
}  # fmt: skip
GROUP_SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing wrong: the line (from 1, the head included), the field, its value, in words."""

    line: int
    field: str
    value: str
    words: str

    def stored(self) -> list[object]:
        """For a JSON column."""
        return [self.line, self.field, self.value[:120], self.words]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row says; "" and None where it says nothing. Positions in millionths of a degree."""

    line: int
    number: str = ""
    manufacturer: str = "KAM"
    meter_type: str = ""
    medium: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    label: str = ""
    latitude: int | None = None
    longitude: int | None = None
    customer_number: str = ""
    customer: str = ""
    email: str = ""
    phone: str = ""
    groups: tuple[str, ...] = ()
    mounted_on: date | None = None


def guess_columns(head: Sequence[str]) -> list[str]:
    """The field that each column most likely is, no field twice."""
    found: list[str] = []
    for name in head:
        plain = re.sub(r"[^0-9a-zæøå]", "", name.lower())
        fits = (key for key, (_words, names) in FIELDS.items() if plain in names)
        found.append(next((key for key in fits if key not in found), ""))
    return found


def facts_of(
    line: int, cells: Sequence[str], options: Options, today: date
) -> tuple[Facts, list[Wrong]]:
    """A row's facts, as far as they can be understood, and everything that is wrong."""
    told = {key: cells[at] for at, key in enumerate(options.columns) if key and at < len(cells)}
    wrong: list[Wrong] = []

    def complain(field: str, words: str) -> None:
        wrong.append(Wrong(line, field, told.get(field, ""), words))

    for field, most in _LENGTHS.items():
        if len(told.get(field, "")) > most:
            complain(field, _("Longer than %(max)s letters.") % {"max": most})
    number = told.get("number", "").replace(" ", "").upper()
    if number and number.isdigit() and len(number) < 8:
        number = number.rjust(8, "0")  # spreadsheets eat leading zeros
    if number and not _NUMBER.fullmatch(number):
        complain("number", _("A meter number has 8 digits."))
    maker = told.get("manufacturer", "").upper() or "KAM"
    maker = {"KAMSTRUP": "KAM", "KAW": "KAM"}.get(maker, maker)
    if not _MAKER.fullmatch(maker):
        complain("manufacturer", _("A manufacturer's code has three letters, such as KAM."))
    medium = ""
    if told.get("medium"):
        known = _MEDIA.get(told["medium"].lower())
        if known is None:
            complain("medium", _("Write heat, cooling, water, electricity, pressure or other."))
        else:
            medium = str(known.value)
    if told.get("email"):
        try:
            validate_address(told["email"])
        except ValidationError:
            complain("email", _("This is no e-mail address."))
    day = None
    if told.get("mounted_on"):
        day = parse_day(told["mounted_on"])
        if day is None:
            complain("mounted_on", _("Write a day as 18-04-2024."))
        elif day > today:
            complain("mounted_on", _("A meter cannot be mounted in the future."))
        elif day.year < 1970:
            complain("mounted_on", _("This day is too long ago."))
    position: dict[str, int | None] = {}
    for field, most in (("latitude", 90), ("longitude", 180)):
        position[field] = None
        if told.get(field):
            degrees = _decimal(told[field], options.decimal)
            if degrees is None or abs(degrees) > most:
                complain(field, _("Write degrees between −%(max)s and %(max)s.") % {"max": most})
            else:
                position[field] = int((degrees * 1_000_000).to_integral_value())
    if bool(told.get("latitude")) != bool(told.get("longitude")):
        complain("latitude", _("Latitude and longitude come together."))
    if not number and not told.get("customer_number"):
        complain("number", _("The row names neither a meter nor a customer."))
    if told.get("customer") and not told.get("customer_number"):
        complain("customer_number", _("A customer needs a customer number."))
    if number and not told.get("street") and told.get("customer_number"):
        complain("street", _("A meter of a customer needs an address."))
    groups = tuple(
        dict.fromkeys(
            " ".join(name.split())
            for name in told.get("group", "").split(GROUP_SEPARATOR)
            if name.strip()
        )
    )
    if any(len(name) > 80 for name in groups):
        complain("group", _("Longer than %(max)s letters.") % {"max": 80})
    facts = Facts(
        line=line,
        number=number,
        manufacturer=maker,
        medium=medium,
        groups=groups,
        mounted_on=day,
        latitude=position["latitude"],
        longitude=position["longitude"],
        **{key: told.get(key, "") for key in _LENGTHS},
    )
    return facts, wrong


def _decimal(text: str, sign: str) -> Decimal | None:
    other = "." if sign == "," else ","
    if other in text:
        return None  # a wrong sign must not turn 55,4 into 554
    try:
        value = Decimal(text.replace(sign, ".").replace("−", "-"))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
