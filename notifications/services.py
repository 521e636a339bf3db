"""Info codes over time: opened when first told, closed by the first reading without them."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from meters.conditions import ALARMS, is_current
from notifications.models import InfoCodePeriod
from notifications.outbox import Event, enqueue
from ready.tenancy.context import current_tenant_id
from ready.tenancy.staging import array


class Observation(NamedTuple):
    """The info codes (slugs) a meter told at a reading time; those now in force and past ones."""

    meter_id: int
    at: datetime
    codes: list[str]


def observe(observations: Iterable[Observation], *, since: Mapping[int, datetime | None]) -> None:
    """Open and close periods; an alarm that begins goes into the outbox, too.

    Readings older than what the meter's state knew (`since`) change nothing: late news about the
    past must not reopen what is over. The meters' state rows must be locked by the caller.
    """
    by_meter = _news(_of_concern(list(observations)), since)
    there = _open_periods(by_meter)
    begun: list[InfoCodePeriod] = []
    for meter_id, told in by_meter.items():
        periods = there.setdefault(meter_id, {})
        for one in told:
            current = {code for code in one.codes if is_current(code)}
            begun += _begin(periods, current, one)
            for code in periods.keys() - current:
                period = periods[code]
                if one.at > period.starts_at:
                    period.ends_at = one.at
                    del periods[code]
                    if period.pk is not None:
                        InfoCodePeriod.objects.filter(pk=period.pk).update(ends_at=one.at)
    _write(begun)


def _of_concern(observations: list[Observation]) -> Iterable[Observation]:
    """Nearly all meters tell no code and have none open: nothing to open, nothing to close."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT meter_id FROM notifications_infocodeperiod
               WHERE tenant_id = %s AND ends_at IS NULL AND meter_id = ANY(%s)""",
            [current_tenant_id(), array({one.meter_id for one in observations})],
        )
        concerned = {meter_id for (meter_id,) in cursor.fetchall()}
    concerned.update(one.meter_id for one in observations if one.codes)
    return (one for one in observations if one.meter_id in concerned)


def open_alarms(
    observations: Iterable[Observation], *, since: Mapping[int, datetime | None]
) -> None:
    """Open the periods of alarms alone, ahead of all else that these readings say.

    `observe` will come by the same readings later and find them open. Closes nothing: readings
    that lie between may not have been looked at. Locks as `observe`.
    """
    by_meter = _news(observations, since)
    there = _open_periods(by_meter)
    begun: list[InfoCodePeriod] = []
    for meter_id, told in by_meter.items():
        periods = there.setdefault(meter_id, {})
        for one in told:
            begun += _begin(periods, ALARMS.intersection(one.codes), one)
    _write(begun)


def _news(
    observations: Iterable[Observation], since: Mapping[int, datetime | None]
) -> dict[int, list[Observation]]:
    """What is new of each meter, the oldest first."""
    by_meter: dict[int, list[Observation]] = {}
    for one in sorted(observations, key=lambda one: one.at):
        known = since.get(one.meter_id)
        if known is None or one.at >= known:
            by_meter.setdefault(one.meter_id, []).append(one)
    return by_meter


def _open_periods(meters: Iterable[int]) -> dict[int, dict[str, InfoCodePeriod]]:
    found: dict[int, dict[str, InfoCodePeriod]] = {}
    wanted = list(meters)
    if wanted:
        for period in InfoCodePeriod.objects.filter(meter_id__in=wanted, ends_at=None):
            found.setdefault(period.meter_id, {})[period.code] = period
    return found


def _begin(
    periods: dict[str, InfoCodePeriod], codes: AbstractSet[str], told: Observation
) -> list[InfoCodePeriod]:
    """Begin what is not open; what is open from later on (an alarm told ahead) begins earlier."""
    begun = []
    for code in codes:
        period = periods.get(code)
        if period is None:
            period = InfoCodePeriod(meter_id=told.meter_id, code=code, starts_at=told.at)
            periods[code] = period
            begun.append(period)
        elif told.at < period.starts_at:
            period.starts_at = told.at
            if period.pk is not None:
                InfoCodePeriod.objects.filter(pk=period.pk).update(starts_at=told.at)
    return begun


def _write(begun: list[InfoCodePeriod]) -> None:
    InfoCodePeriod.objects.bulk_create(begun, ignore_conflicts=True)
    alarms = [
        Event(
            "info_code.began",
            f"{period.meter_id} {period.code} {period.starts_at.isoformat()}",
            {
                "meter": period.meter_id,
                "code": period.code,
                "starts_at": period.starts_at.isoformat(),
            },
        )
        for period in begun
        if period.code in ALARMS
    ]
    if alarms:
        enqueue(alarms)
