"""How a meter stands: the one thing its list row says, and all of them on its page.

Pure: what the newest state says, and the time, in; shape and words out. In order of loudness: an
alarm (leak, burst, tampering, reverse flow) · telegrams that cannot be read · silence · other
info codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from meters.conditions import describe, is_current, severity

Shape = Literal["fine", "attention", "alarm", "unheard", "other"]
# After this a meter counts as not heard (Home, Meters).
SILENCE = timedelta(days=1)
# Why the last telegram could not be read, by outcome code. The codes are those of
# `collectors.outcomes`, which lies above this app; a test holds the two together.
TROUBLES: dict[int, Promise | str] = {
    17: _l("Cannot be read: no key"),
    18: _l("Cannot be read: wrong key"),
    19: _l("Waiting for a full frame"),
    20: _l("Cannot be read: broken frame"),
    21: _l("Cannot be read: unsupported telegram"),
    22: _l("Set aside: implausible values"),
    23: _l("Set aside: no reading time"),
    24: _l("Set aside: READY failed on it"),
}


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing to say about a meter: a shape of the design, and words."""

    shape: Shape
    words: str


def signs(
    *,
    in_stock: bool,
    heard_at: datetime | None,
    conditions: Sequence[str],
    trouble: int | None,
    now: datetime,
) -> list[Sign]:
    """Everything to say about a meter, the loudest first; never empty."""
    found: list[Sign] = []
    current = [code for code in conditions if is_current(code)]
    found += [Sign("alarm", describe(code)) for code in current if severity(code) == "alarm"]
    if trouble is not None:
        found.append(Sign("attention", str(TROUBLES.get(trouble, _("Cannot be read")))))
    if not in_stock:
        silence = silence_of(heard_at, now)
        if silence:
            found.append(Sign("unheard", silence))
    found += [Sign("attention", describe(code)) for code in current if severity(code) != "alarm"]
    if found:
        return found
    return [Sign("other", _("In stock")) if in_stock else Sign("fine", _("Fine"))]


def silence_of(heard_at: datetime | None, now: datetime) -> str:
    """How long a meter has been silent, in words; "" for one heard within the last day."""
    if heard_at is None:
        return _("Never heard")
    days = (now - heard_at).days
    if now - heard_at < SILENCE:
        return ""
    return ngettext("Not heard for a day", "Not heard for %(days)s days", days) % {"days": days}
