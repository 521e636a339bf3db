"""The lines of the meter list's left pane: what each selects, and how many meters it has."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from meters.models import PRIORITY_INTERVAL_S, Meter, MeterState
from meters.standing import SILENCE
from ready.tenancy.context import current_tenant_id, sight


def utc_day(at: datetime) -> date:
    """The day of `MeterState.heard_on`."""
    return at.astimezone(UTC).date()


def not_heard(now: datetime) -> Q:
    """Mounted meters that were not heard for a day, or never.

    The silent are looked up by themselves: an OR over a joined row would have both tables joined
    whole first.
    """
    silent = MeterState.objects.filter(
        Q(heard_on__lte=utc_day(now - SILENCE), heard_at__lt=now - SILENCE)
        | Q(heard_on__isnull=True)
    )
    return Q(in_stock=False, pk__in=silent.values("meter"))


@dataclass(frozen=True, slots=True)
class Selection:
    """One line of the left pane. `key` is its name in the address: ?show=key."""

    key: str
    label: Promise | str
    of_state: bool = False


# READY's own groups, then what the states of meters make of them.
SELECTIONS = (
    Selection("", _("All meters")),
    Selection("ungrouped", _("Non-grouped meters")),
    Selection("imported", _("Last imported meters")),
    Selection("priority", _("Priority meters")),
    Selection("stock", _("Meters in stock")),
    Selection("not_heard", pgettext_lazy("list", "Not heard for a day"), of_state=True),
    Selection("info_codes", _("With info codes"), of_state=True),
    Selection("unreadable", _("Cannot be read"), of_state=True),
)
OF_STATE = frozenset(one.key for one in SELECTIONS if one.of_state)


def _last_import() -> QuerySet[Any]:
    return (
        Meter.objects.filter(imported_at__isnull=False)
        .order_by("-imported_at")
        .values("imported_at")[:1]
    )


def selected(key: str, now: datetime) -> Q:
    """The condition of a line of the pane; an unknown key selects all."""
    return {
        "ungrouped": Q(grouped=False),
        "imported": Q(imported_at=_last_import()),
        "stock": Q(in_stock=True),
        "priority": Q(interval_s=PRIORITY_INTERVAL_S),
        "not_heard": not_heard(now),
        "info_codes": Q(state__has_codes=True),
        "unreadable": Q(state__trouble__isnull=False),
    }.get(key, Q())


# Up to so many meters every page counts anew. Of more, what was counted is told again for some
# seconds, because counting a hundred thousand rows costs more than the rest of a page.
LARGE = 20_000
_AGAIN_S = 5.0
_told: dict[tuple[int, str | None], tuple[float, dict[str, int]]] = {}


def counts(now: datetime, clock: Callable[[], float] = time.monotonic) -> dict[str, int]:
    """How many meters each line of the left pane has; of a large utility as of the last seconds.

    clock: seconds, of any beginning.
    """
    key, at = sight(), clock()
    when, told = _told.get(key, (0.0, {}))
    if told and 0 <= at - when < _AGAIN_S:
        return dict(told)
    told = _counted(now)
    _told.pop(key, None)
    if told[""] > LARGE:
        _told[key] = at, told
    return dict(told)


def _counted(now: datetime) -> dict[str, int]:
    """One statement, from indexes only."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT
                (SELECT count(*) FROM meters_meter WHERE tenant_id = %(tenant)s),
                (SELECT count(*) FROM meters_meter
                 WHERE tenant_id = %(tenant)s AND NOT grouped),
                (SELECT count(*) FROM meters_meter
                 WHERE tenant_id = %(tenant)s AND imported_at = (
                     SELECT max(imported_at) FROM meters_meter
                     WHERE tenant_id = %(tenant)s AND imported_at IS NOT NULL)),
                (SELECT count(*) FROM meters_meter
                 WHERE tenant_id = %(tenant)s AND interval_s = %(priority)s),
                (SELECT count(*) FROM meters_meter WHERE tenant_id = %(tenant)s AND in_stock),
                -- All silent ones less those in stock: both sides are few, the mounted are not.
                (SELECT count(*) FROM meters_meterstate
                 WHERE tenant_id = %(tenant)s AND (heard_on <= %(day)s AND heard_at < %(since)s
                                               OR heard_on IS NULL))
                - (SELECT count(*) FROM meters_meter m
                   JOIN meters_meterstate s ON s.tenant_id = m.tenant_id AND s.meter_id = m.id
                   WHERE m.tenant_id = %(tenant)s AND m.in_stock
                     AND (s.heard_on <= %(day)s AND s.heard_at < %(since)s
                          OR s.heard_on IS NULL)),
                (SELECT count(*) FROM meters_meterstate
                 WHERE tenant_id = %(tenant)s AND has_codes),
                (SELECT count(*) FROM meters_meterstate
                 WHERE tenant_id = %(tenant)s AND trouble IS NOT NULL)
            """,
            {
                "tenant": current_tenant_id(),
                "priority": PRIORITY_INTERVAL_S,
                "since": now - SILENCE,
                "day": utc_day(now - SILENCE),
            },
        )
        return dict(zip((one.key for one in SELECTIONS), cursor.fetchone(), strict=True))
