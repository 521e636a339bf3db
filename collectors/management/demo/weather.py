"""The demo's outdoor temperature: the weather that the town's houses are heated against."""

from datetime import UTC, datetime, timedelta

from collectors.management.demo.history import MONTHS, Past
from collectors.simulator import EPOCH, hour_of, start_of
from collectors.simulator.weather import Weather
from readings.models import OutdoorHour
from ready.tenancy.context import tenant_context

_BACK = timedelta(days=31 * MONTHS)


def tell_weather(past: Past, now: datetime) -> int:
    """Write the hours that ended since the newest that is known, or of thirteen months; how many.

    What people took away before the newest hour stays away.
    """
    with tenant_context(past.tenant.pk):
        newest = OutdoorHour.objects.order_by("ts").values_list("ts", flat=True).last()
        begin = max(EPOCH, now - _BACK) if newest is None else newest + timedelta(hours=1)
        first, end = hour_of(int(begin.timestamp())), hour_of(int(now.timestamp()))
        # Of its own: the one of the town's houses belongs to other threads.
        weather = Weather(past.radio.town.streams.seed)
        weather.reach(max(first, end))
        rows = [
            OutdoorHour(
                tenant_id=past.tenant.pk,
                ts=datetime.fromtimestamp(start_of(hour), UTC),
                temperature=weather.hourly[hour],
            )
            for hour in range(first, end)
        ]
        OutdoorHour.objects.bulk_create(rows, batch_size=2000, ignore_conflicts=True)
    return len(rows)
