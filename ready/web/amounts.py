"""Amounts as people type them: with comma or point, and spaces between thousands. Exact."""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from ready.web.formats import NARROW_SPACE

_MOST = 10**12


def parse_amount(text: str) -> Fraction:
    """12,5 or 12.5 or 1 234. Raises ValueError for anything else, and beyond 10¹²."""
    for space in (" ", "\u00a0", NARROW_SPACE):
        text = text.replace(space, "")
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        raise ValueError(text) from None
    if not value.is_finite() or abs(value) >= _MOST:
        raise ValueError(text)
    return Fraction(value)


class AmountField(forms.CharField):
    """A number in a form; cleans to a Fraction, None where nothing was typed."""

    default_error_messages = {"invalid": _("Type a number, such as 12.5.")}

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 24)
        super().__init__(**options)
        self.widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_amount(text)
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
