"""Info codes over time: opened when first told, closed by the first reading without them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from meters.conditions import is_current
from notifications.models import InfoCodePeriod


@dataclass(frozen=True, slots=True)
class Observation:
    """The info codes (slugs) a meter told at a reading time; those now in force and past ones."""

    meter_id: int
    at: datetime
    codes: list[str]


def observe(observations: Iterable[Observation], *, since: Mapping[int, datetime | None]) -> None:
    """Open and close periods. Readings older than what the meter's state knew (`since`) change
    nothing: late news about the past must not reopen what is over."""
    by_meter: dict[int, list[Observation]] = {}
    for one in observations:
        known = since.get(one.meter_id)
        if known is None or one.at >= known:
            by_meter.setdefault(one.meter_id, []).append(one)
    if not by_meter:
        return
    open_periods: dict[int, dict[str, InfoCodePeriod]] = {}
    for period in InfoCodePeriod.objects.filter(meter_id__in=by_meter, ends_at=None):
        open_periods.setdefault(period.meter_id, {})[period.code] = period
    begun: list[InfoCodePeriod] = []
    ended: list[InfoCodePeriod] = []
    for meter_id, told in by_meter.items():
        there = open_periods.get(meter_id, {})
        for one in sorted(told, key=lambda one: one.at):
            current = {code for code in one.codes if is_current(code)}
            for code in current - there.keys():
                there[code] = InfoCodePeriod(meter_id=meter_id, code=code, starts_at=one.at)
                begun.append(there[code])
            for code in there.keys() - current:
                period = there[code]
                if one.at > period.starts_at:
                    period.ends_at = one.at
                    del there[code]
                    if period.pk is not None:
                        ended.append(period)
    InfoCodePeriod.objects.bulk_create(begun, ignore_conflicts=True)
    for period in ended:
        InfoCodePeriod.objects.filter(pk=period.pk).update(ends_at=period.ends_at)
