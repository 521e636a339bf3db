"""What became of a telegram: one byte an item, a closed list.

Below QUARANTINE the telegram has done its work; from there on it waits, with a reason, for what
would repair it.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

QUARANTINE = 16


class Outcome(models.IntegerChoices):
    """The byte that stands for an item in its batch's row."""

    PENDING = 0, _("Pending")
    STORED = 1, _("Stored")
    MERGED = 2, _("Merged into a reading")
    DUPLICATE = 3, _("Duplicate")
    CONDENSED = 4, _("Condensed: its interval has an earlier reading")
    NO_VALUES = 5, _("Heard: carries no register")
    ELSEWHERE = 6, _("Belongs to another utility")
    UNKNOWN_METER = 16, _("Unknown meter")
    NO_KEY = 17, _("No key")
    WRONG_KEY = 18, _("Wrong key")
    WAITING = 19, _("Waiting for full frame")
    BROKEN = 20, _("Broken frame")
    UNSUPPORTED = 21, _("Unsupported")
    IMPLAUSIBLE = 22, _("Implausible")
    NO_TIME = 23, _("No reading time")
    FAILED = 24, _("READY failed on it")
    UNREADABLE = 25, _("READY could not open its batch")

    @property
    def quarantined(self) -> bool:
        """Whether the telegram is kept for repair and replay."""
        return self >= QUARANTINE  # not `.value`, which an enumeration looks up in Python
