"""Passwords that are long and easy to guess all the same (NIST SP 800-63B, ASVS 6.2).

Beside the list of common passwords: what repeats itself, what counts up, and what anyone would try
who knows where they are. No rules about kinds of characters.
"""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_KEYBOARD = ("qwertyuiopå", "asdfghjklæø", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyzæøå")
_WORDS = re.compile(
    r"ready|password|passord|adgangskode|kodeord|varme|fjernvarme|vandværk|forsyning|"
    r"admin|administrator|welcome|velkommen|login|sommer|vinter|forår|efterår|"
    r"(19|20)\d\d"
)
_FEWEST_KINDS = 5  # different characters
_REST = 6  # characters that must remain when everything predictable is taken out


class PredictableValidator:
    """Refuses passwords made of runs, repetitions and READY's own words."""

    def validate(self, password: str, user: Any = None) -> None:
        text = password.casefold()
        if len(set(text)) < _FEWEST_KINDS or _repeats(text):
            raise ValidationError(_("This password repeats itself."), code="password_repeats")
        rest = _WORDS.sub("", text)
        for row in _KEYBOARD:
            rest = _without_runs(rest, row)
        if len(rest) < _REST:
            raise ValidationError(
                _("This password is made of words and rows that are tried first."),
                code="password_predictable",
            )

    def get_help_text(self) -> str:
        return _("A sentence of four or five unrelated words is long and easy to remember.")


def _repeats(text: str) -> bool:
    """Whether the whole is one piece again and again."""
    return re.fullmatch(r"(.{1,6}?)\1+.{0,2}", text, re.DOTALL) is not None


def _without_runs(text: str, row: str) -> str:
    """The text without stretches of four or more neighbours in a row, either way."""
    for line in (row + row, row[::-1] + row[::-1]):
        for length in range(min(len(text), len(row)), 3, -1):
            for start in range(len(row)):
                text = text.replace(line[start : start + length], "")
    return text
