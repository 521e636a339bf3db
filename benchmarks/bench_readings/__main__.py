"""The measurements in their order; see the package."""

import argparse
import gc
import logging
import os
import time
from datetime import UTC, date, datetime, timedelta

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ready.settings")
os.environ.setdefault("READY_ENV", "test")

import django

django.setup()

# ruff: noqa: E402  READY's modules can only be imported once Django is set up.
from django.db import connection
from django.utils import timezone

from benchmarks import bench_readings, server_log
from benchmarks.bench_readings import writing
from benchmarks.bench_readings.asking import Figures, ask
from benchmarks.bench_readings.database import ZONE, analyze, database, settle, utility
from benchmarks.bench_readings.loader import load_as_it_arrives, load_months, load_thinned
from benchmarks.bench_readings.report import say
from benchmarks.bench_readings.upkeep import HOURS, bytes_a_reading, database_size, rewritten
from readings import daily, maintenance
from readings.models import KEEP_MONTHS

_FEWER = (105, 1_050)
# So long a month is over when it is rewritten.
_SETTLED = timedelta(days=3)
_CHARTS = ("months by day", "month by hour", "week by quarter-hour")


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=(bench_readings.__doc__ or "").partition("\n")[0])
    parser.add_argument("--meters", type=int, default=300)
    parser.add_argument("--months", type=int, default=2, choices=range(1, 14), metavar="1..13")
    parser.add_argument("--years", action="store_true")
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    if options.meters < _FEWER[0]:
        parser.error(f"--meters: {_FEWER[0]} at least")
    logging.disable(logging.DEBUG)
    logging.getLogger("collectors").setLevel(logging.WARNING)
    # At least so many days of the month that is written to are over.
    present = (timezone.now() - timedelta(days=24)).date().replace(day=1)
    gc.collect()
    gc.freeze()  # as the web's processes do
    with connection.cursor() as cursor:
        server_log.fill(cursor.execute)
    fewest: Figures | None = None
    for meters in (count for count in _FEWER if count < options.meters):
        with database():
            made = utility(meters)
            load_months(made, present, 1, options.months)
            load_as_it_arrives(made, present, 0, present + _SETTLED)
            analyze(made)
            found = ask(made, present, options.months, options.samples)
            fewest = fewest or found
    with database(keep=options.keep):
        _all_meters(options, present, fewest)


def _all_meters(options: argparse.Namespace, present: date, fewest: Figures | None) -> None:
    """Asked with 2 months stored and with all of them; written to, and thinned.

    From the rewriting on in the order of time, as it is for a utility: the readings of a month and
    of three days of the next have come in by then; others come in meanwhile, then those that are
    measured, each newer than what is known of its meter.
    """
    start = time.perf_counter()
    months: int = options.months
    made = utility(options.meters)
    load_months(made, present, 2, min(2, months))
    load_as_it_arrives(made, present, 1, present + _SETTLED)
    analyze(made)
    settle()
    fresh = daily.start_of(present + _SETTLED, ZONE)
    newest = f"_p{maintenance.months_before(present, 1):%Y%m}"
    say("bytes a reading, open month", f"{bytes_a_reading(f'readings_reading{newest}'):.0f}")
    measured = rewritten(made, fresh + timedelta(hours=3), fresh, "in key order")
    say("bytes a reading, closed month", f"{bytes_a_reading(f'readings_reading{newest}'):.0f}")
    say("bytes a daily row", f"{bytes_a_reading(f'readings_dailyreading{newest}'):.0f}")
    short = ask(made, present, min(2, months), options.samples)
    load_months(made, present, 3, months)
    if options.years:
        load_thinned(made, present, months + 1, KEEP_MONTHS - 1)
    analyze(made)
    hours = (_utc(present) - _utc(maintenance.months_before(present, months))) // timedelta(hours=1)
    say("readings of whole months", f"{hours * options.meters:,}")
    say("built, rewritten and asked once in", f"{time.perf_counter() - start:,.0f} s")
    say("database", f"{database_size() / 1e9:.1f} GB")
    whole = ask(made, present, months, options.samples)
    _growth("from 2 months to all", short, whole)
    if fewest is not None:
        _growth(f"from {_FEWER[0]} to {options.meters:,} meters", fewest, whole)
    until = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS + 2)
    writing.measure(made, measured, until)
    # When the oldest month is due: all but a reading a day of it goes.
    due = maintenance.months_before(present, months - 14)
    rewritten(made, _utc(due) + timedelta(days=1), until, "thinned")


def _growth(name: str, before: Figures, after: Figures) -> None:
    for question, (p50, _) in after.items():
        for kind in _CHARTS:
            if question.endswith(kind):
                was = next(v for k, v in before.items() if k.endswith(kind))
                say(f"growth of the chart, {kind}, {name}", f"{p50 / was[0]:.2f} times (p50)")


def _utc(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


if __name__ == "__main__":
    main()
