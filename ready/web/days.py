"""Days as people type them: 18-04-2024 everywhere, and ISO in addresses.

A browser's own date field writes days as the computer's language does, and so in another form than
the rest of the page; this field is plain text with the browser's calendar beside it
(static/js/days.js).
"""

import re
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ready.web.formats import date_text

_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_DAY_FIRST = re.compile(r"\s*(\d{1,2})[-./ ](\d{1,2})[-./ ](\d{4})\s*")


def parse_day(text: str) -> date | None:
    """18-04-2024 (also with . or /) or 2024-04-18; None for what is no day, or none that anything
    could be about: the calendar's first and last days cannot even be turned into UTC."""
    told = _DAY_FIRST.fullmatch(text)
    try:
        if told:
            day = date(int(told[3]), int(told[2]), int(told[1]))
        else:
            day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


class DayInput(forms.TextInput):
    """The text field of a day, with a button for the calendar."""

    template_name = "components/day.html"

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, str):
            value = parse_day(value) or value
        return date_text(value) if isinstance(value, date) else value


class DayField(forms.Field):
    """A day in a form; cleans to a date."""

    widget = DayInput
    default_error_messages = {"invalid": _("Type a day as in 18-04-2024.")}

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values:
            return None
        if isinstance(value, date):
            return value
        found = parse_day(str(value))
        if found is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return found

    def prepare_value(self, value: Any) -> Any:
        return date_text(value) if isinstance(value, date) else value
