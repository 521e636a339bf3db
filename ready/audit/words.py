"""Names and values in the trail's entries, in words: what people read of `before`, `after` and
`details`.

Names that only an app above this one knows are told by that app (`trail_words`); a name that
nobody knows shows as it is stored. Codes, degrees, yes or no, and the times and days of the names
in `TIMES` become words; any other value, free text above all, stays what it was. Files that are
handed out hold what is stored (`stored_value`).
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from ready.web import formats

NAMES: dict[str, Promise | str] = {
    "accepted": _("Accepted"),
    "at": _("Time"),
    "attempts": _("Attempts"),
    "billing_email": _("E-mail for invoices"),
    "bridges": _("Registers carried over"),
    "broken": _("Cannot be opened"),
    "certificate": _("Certificate"),
    "city": _("City"),
    "client_id": _("Client ID"),
    "clock_zone": _("Time zone of its clock"),
    "collector": _("Collector"),
    "colour": _("Colour"),
    "comparison_meter": _("Meter compared with"),
    "count": _("Count"),
    "counts": _("Counts"),
    "customer": _("Customer"),
    "customer_name": _("Customer"),
    "customer_number": _("Customer number"),
    "days": _("Days"),
    "decoded": _("Decoded"),
    "decrypts": _("Decrypts itself"),
    "detail": _("What is wrong"),
    "email": _("E-mail"),
    "enabled": _("Users can log in with it"),
    "end": _("End registers"),
    "end_registers": _("End registers"),
    "energy": _("Unit of energy"),
    "energy_unit": _("Unit of energy"),
    "entries": _("Entries"),
    "expires_at": _("Expires"),
    "factor": _("Factor"),
    "file": _("File"),
    "filter": _("Filter"),
    "flow": _("Unit of flow"),
    "flow_unit": _("Unit of flow"),
    "for": _("Acts as"),
    "from": _("From"),
    "full_months": _("Months with all readings"),
    "groups": _("Groups"),
    "held": pgettext_lazy("audit", "Held by the role"),
    "hours": _("Hours"),
    "interval_s": _("Reading interval (seconds)"),
    "issuer": _("Issuer"),
    "keep_months": _("Months with one reading a day"),
    "kept_billed": _("Kept, because billed"),
    "key": _("Key"),
    "keys": _("Keys"),
    "kind": _("Kind"),
    "known_customers": _("Known customers"),
    "known_meters": _("Known meters"),
    "label": _("Label"),
    "language": _("Language"),
    "latitude": _("Latitude"),
    "left_out": _("Left out"),
    "licence": _("Licence"),
    "alarm_meters": _("Meters with alarms, at most"),
    "priority_meters": _("Priority meters, at most"),
    "lines": _("Address and telephone"),
    "list": _("List"),
    "logo": _("Logo (bytes)"),
    "longitude": _("Longitude"),
    "manufacturer": _("Manufacturer"),
    "medium": _("Medium"),
    "meter": _("Meter"),
    "meter_type": _("Meter type"),
    "meters": _("Meters"),
    "method": _("Method"),
    "mounted_at": pgettext_lazy("meter", "Mounted"),
    "name": _("Name"),
    "needs": _("Needs the permission"),
    "new_customers": _("New customers"),
    "new_meter": _("New meter"),
    "new_meters": _("New meters"),
    "note": _("Note for the visit"),
    "number": _("Number"),
    "numbers": _("Serial numbers"),
    "outcome": _("Outcome"),
    "page": _("Page"),
    "path": _("Page"),
    "phone": _("Telephone"),
    "places": _("Places"),
    "planned_on": _("Planned day"),
    "postal_code": _("Postal code"),
    "power": _("Unit of power"),
    "power_unit": _("Unit of power"),
    "prefix": _("Begins with"),
    "pressure": _("Unit of pressure"),
    "pressure_unit": _("Unit of pressure"),
    "query": _("Filter"),
    "reading_method": _("Reading method"),
    "reason": _("Reason"),
    "received_at": _("Received"),
    "recipient": _("Recipient"),
    "register": _("Register"),
    "rejected": _("Refused"),
    "relays": _("Forwards at once"),
    "removed_at": _("Removed"),
    "replaced": _("Replaced"),
    "role": _("Role"),
    "rule": _("Filter"),
    "scopes": pgettext_lazy("token", "May"),
    "sealed": _("Sealed"),
    "second_factor": _("Second factor"),
    "secret_changed": _("Secret changed"),
    "start": _("Start registers"),
    "start_registers": _("Start registers"),
    "state": _("State"),
    "status": _("Status"),
    "street": _("Address"),
    "supply_point": _("Place"),
    "telegrams": _("Telegrams"),
    "times": _("Times"),
    "temporary": _("Gives way to measured values"),
    "timezone": _("Time zone"),
    "to": _("To"),
    "token": _("API token"),
    "type": _("Type"),
    "unit": _("Unit"),
    "until": _("Until"),
    "values": _("Values"),
    "version": _("Version"),
    "volume": _("Unit of volume"),
    "volume_unit": _("Unit of volume"),
    "why": _("Reason"),
    "zone": _("Time zone"),
    # What was found of the lines of a key file.
    "new": _("First key of this meter"),
    "replaces": _("Replaces the key in force"),
    "same": _("The meter has this key already"),
    "unknown": _("The meter is not registered"),
    "shared": _("Another meter has the same key"),
    "twice": _("The meter stands in the file twice"),
    "no_key": _("The line has no key"),
    "bad_key": _("A key has 32 hexadecimal digits"),
}

# The values that some names take, where they are codes.
_MEDIA = {
    "heat": _("Heat"),
    "cooling": _("Cooling"),
    "heat_cooling": _("Heat and cooling"),
    "water": _("Water"),
    "electricity": _("Electricity"),
    "pressure": _("Pressure"),
    "other": _("Other"),
}
_ROLES = {
    "user": _("User"),
    "super_user": _("Super user"),
    "administrator": _("Administrator"),
    "person": _("Person"),
}
_PAGES = {
    "account_login": _("Log in"),
    "account_change_password": _("Change password"),
    "account_reauthenticate": _("Confirm that it is you"),
    "mfa_reauthenticate": _("Confirm that it is you"),
    "accounts:save_profile": _("Your profile"),
}
CODES: dict[str, Mapping[str, Promise | str]] = {
    "colour": {
        "grey": _("Grey"),
        "blue": _("Blue"),
        "teal": _("Teal"),
        "green": _("Green"),
        "ochre": _("Ochre"),
        "red": _("Red"),
        "pink": _("Pink"),
        "violet": _("Violet"),
    },
    "for": _ROLES,
    "kind": {"hand": _("By hand"), "filter": _("By a filter")},
    "medium": _MEDIA,
    "page": _PAGES,
    "reading_method": {"drive_by": _("Drive-by"), "fixed_network": _("Fixed Network")},
    "reason": {
        "Z74": _("No access"),
        "Z75": _("Communication fault"),
        "Z77": _("Power failure"),
        "Z78": _("Meter exchange"),
        "Z80": _("Out of range"),
        "Z81": _("Defective meter"),
        "ZA0": _("Clock was set"),
        "ZA1": _("Implausible"),
        "ZA3": _("Wrong factor"),
        "ZA4": _("Misread"),
        "ZA7": _("Processing error"),
    },
    "role": _ROLES,
    "type": {
        "concentrator": "READY Concentrator",
        "mini": "READY Mini Concentrator",
        "bridge": "READY 4G Bridge",
        "gateway": _("Other gateway"),
    },
}
# Names whose values are times or days as READY itself wrote them (ISO 8601); no others are.
TIMES = frozenset(
    {
        "at",
        "expires_at",
        "from",
        "mounted_at",
        "planned_on",
        "received_at",
        "removed_at",
        "to",
        "until",
    }
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
_DEGREES = ("latitude", "longitude")

Words = Mapping[str, Promise | str]


class TrailWords(Protocol):
    """What a module offers that an app names in its configuration (`trail_words =
    "meters.trail_words"`): this app stands below them and knows none of them."""

    PARTS: Mapping[str, Words]
    """The names inside a value, by the name of that value."""
    CODES: Mapping[str, Words]
    """The values that are codes, by their name."""


@cache
def _told() -> list[TrailWords]:
    return [
        cast(TrailWords, import_module(config.trail_words))
        for config in apps.get_app_configs()
        if hasattr(config, "trail_words")
    ]


def name_of(name: str, inside: str = "") -> str:
    """A stored name in the reader's language; inside: the name of the value it is a part of."""
    for told in _told():
        found = told.PARTS.get(inside, {}).get(name)
        if found is not None:
            return str(found)
    return str(NAMES.get(name, name))


def stored_value(value: object) -> str:
    """A value as it is stored, in no language: text as it stands, anything else as JSON. An empty
    text has its quotation marks."""
    if isinstance(value, str) and value:
        return value
    return json.dumps(value, ensure_ascii=False)


def value_of(name: str, value: object) -> str:
    """A stored value in the reader's language; "–" for nothing, which an empty text is not."""
    if value is None:
        return "–"
    if value in ("", [], {}):
        return gettext("(empty)")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int):
        # Plain digits: many of these number a row, and are looked up as they stand.
        return formats.number(Fraction(value, 10**6), 6) if name in _DEGREES else str(value)
    if isinstance(value, str):
        return _text(name, value)
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name_of(part, name)} {value_of(part, one)}" for part, one in value.items()
        )
    if isinstance(value, list):
        return ", ".join(value_of(name, one) for one in value)
    return str(value)


def _text(name: str, value: str) -> str:
    if name == "file":  # of a file handed out, its header was kept
        value = value.removeprefix("attachment; filename=").strip('"')
    for codes in (CODES, *(told.CODES for told in _told())):
        code = codes.get(name, {}).get(value)
        if code is not None:
            return str(code)
    if name in TIMES:
        # No day of that number, or none in this zone: it stays as it stands.
        with suppress(ValueError, OverflowError):
            if _DAY.fullmatch(value):
                return formats.date_text(date.fromisoformat(value))
            if _MOMENT.fullmatch(value):
                return formats.exact_moment(datetime.fromisoformat(value))
    return value
