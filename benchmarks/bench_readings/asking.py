"""Asking: what pages ask, through the functions that pages use."""

import itertools
import random
from collections.abc import Callable
from datetime import date, timedelta

from django.http import QueryDict
from django.utils import timezone

from benchmarks.bench_readings.database import ZONE, Utility, settle
from benchmarks.bench_readings.report import timed
from meters import listing
from meters.registers import BY_COLUMN
from readings import daily, maintenance, queries, totals
from readings.rules import BucketSize
from ready.tenancy.context import tenant_context
from ready.web.lists import ListState
from ready.web.units import UnitChoice

_E1 = BY_COLUMN["e1"]
Figures = dict[str, tuple[float, float]]


def ask(utility: Utility, present: date, months: int, samples: int) -> Figures:
    """p50 and p95 of each kind of question over closed months, in milliseconds."""
    settle()
    numbers = random.Random(1)
    count = len(utility.meters)
    first = maintenance.months_before(present, min(months, 12))
    month = maintenance.months_before(present, 1)
    end = daily.start_of(present, ZONE)
    starts = {day: daily.start_of(day, ZONE) for day in (first, month)}

    def chart(start: date | timedelta, size: BucketSize) -> Callable[[], object]:
        low = end - start if isinstance(start, timedelta) else starts[start]
        # Of all the meters some at random, each asked twice: only the second time counts.
        some = itertools.cycle(numbers.sample(utility.meters, min(samples, count)))
        return lambda: queries.consumption(next(some), _E1, low, end, size, ZONE)

    # By the daily rows at midnights, by the readings at any other time.
    by_month, noon = (BucketSize.MONTH, ZONE), timedelta(hours=12)
    now = timezone.now()
    page = ListState.parse(QueryDict(), listing.LIST_COLUMNS, sort=listing.DEFAULT_SORT)
    few = max(5, samples // 10)
    questions: list[tuple[str, Callable[[], object], int]] = [
        (f"chart of {min(months, 12)} months by day", chart(first, BucketSize.DAY), samples),
        ("chart of a month by hour", chart(month, BucketSize.HOUR), samples),
        (
            "chart of a week by quarter-hour",
            chart(timedelta(days=7), BucketSize.QUARTER_HOUR),
            samples,
        ),
        (
            "consumption of all meters for a month",
            lambda: totals.totals(None, _E1, starts[month], end, *by_month),
            few,
        ),
        (
            "the same from noon to noon",
            lambda: totals.totals(None, _E1, starts[month] + noon, end + noon, *by_month),
            few,
        ),
        (
            "newest values of a page of meters",
            lambda: listing.meter_list(page, now, UnitChoice(), {"": count}),
            samples,
        ),
    ]
    found: Figures = {}
    with tenant_context(utility.tenant.pk):
        for name, question, times in questions:
            found[name] = timed(f"{count:,} meters, {months} months: {name}", question, times)
    return found
