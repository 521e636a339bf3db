"""Readings stored by hand and days made of them, for the tests of questions."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from meters.models import Meter
from meters.registers import BY_COLUMN
from readings import daily
from readings.models import Origin, Reading, Trust
from readings.rules import (
    Bucket,
    BucketSize,
    Point,
    Series,
    Source,
    series_of,
)
from tests import factories

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
E1, V1, E8, T1 = (BY_COLUMN[column] for column in ("e1", "v1", "e8", "t1"))
KWH = 3_600_000
BY_MONTH = (BucketSize.MONTH, COPENHAGEN)
HOUR = timedelta(hours=1)
# The clocks went back in Copenhagen in the night to 25 October 2026.
START = datetime(2026, 10, 20, tzinfo=COPENHAGEN).astimezone(UTC)
END = datetime(2026, 10, 30, tzinfo=COPENHAGEN).astimezone(UTC)


def store(meter: Meter, readings: Iterable[tuple[datetime, int]], column: str = "e1") -> None:
    Reading.objects.bulk_create(
        Reading(
            tenant=meter.tenant,
            meter_id=meter.pk,
            ts=at,
            received_at=at + timedelta(seconds=20),
            origin=Origin.FIXED_NETWORK,
            trust=Trust.PLAUSIBLE,
            **{column: value},
        )
        for at, value in readings
    )
    factories.mark_days()


def hourly(
    start: datetime, count: int, first: int = 1000, step: int = 2
) -> list[tuple[datetime, int]]:
    """Readings on the hour: `first` kWh, then `step` more each."""
    return [(start + HOUR * one, (first + step * one) * KWH) for one in range(count)]


def whole(readings: Iterable[tuple[datetime, int]]) -> Series:
    return series_of(Point(at, value, 1, Source.NETWORK, at) for at, value in readings)


def values(buckets: Iterable[Bucket]) -> list[Fraction | None]:
    """kWh a bucket."""
    return [None if one.value is None else one.value / KWH for one in buckets]


def make_daily_rows() -> None:
    while daily.refresh(datetime.now(UTC)):
        pass


# A fortnight as it comes: seconds past the hour, hours missing, an outlier low and one high, three
# days silent, a register that fell for good.
ROUGH = [
    (
        START - 3 * 24 * HOUR + HOUR * one + timedelta(seconds=(one * 37) % 600),
        (500 + 3 * one) * KWH,
    )
    for one in range(24 * 16)
    if one % 11 and not 150 < one < 222
]


ROUGH[60] = (ROUGH[60][0], 7 * KWH)


ROUGH[100] = (ROUGH[100][0], 90_000 * KWH)


ROUGH[230:] = [(at, value - 700 * KWH) for at, value in ROUGH[230:]]
