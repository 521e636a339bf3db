"""The arithmetic of consumption: pure functions over whole numbers, no database and no clock.

points       what a reading is; which of several for one instant counts
steps        from one reading to the next: rollover, spike, negative step
curve        the registers of all meters of a place joined into one rising line
buckets      quarter-hours, hours, days, months and years of a time zone
intervals    the line read off at the buckets' boundaries, with a quality for each
values       what comes out: buckets, their qualities, their sums
registers    a register's own value at an instant

The rule and its worked cases: ../shared/analysis/vectors/01_consumption.json; the reasons:
docs/explanation/consumption.md.
"""

from readings.rules.buckets import BucketSize, Days, boundaries, label, whole_days
from readings.rules.curve import Curve, Flag, Installation, join
from readings.rules.intervals import Thresholds, buckets_of, consumption, whole_window
from readings.rules.points import (
    FUTURE_TOLERANCE,
    Note,
    NoteCode,
    Point,
    Series,
    Source,
    prefer,
    series_of,
)
from readings.rules.registers import RegisterValue, per_day, register_value
from readings.rules.steps import RegisterLimits, observed_limits
from readings.rules.values import Bucket, Quality, Total, add, add_parts, total

__all__ = [
    "FUTURE_TOLERANCE",
    "Bucket",
    "BucketSize",
    "Curve",
    "Days",
    "Flag",
    "Installation",
    "Note",
    "NoteCode",
    "Point",
    "Quality",
    "RegisterLimits",
    "RegisterValue",
    "Series",
    "Source",
    "Thresholds",
    "Total",
    "add",
    "add_parts",
    "boundaries",
    "buckets_of",
    "consumption",
    "join",
    "label",
    "observed_limits",
    "per_day",
    "prefer",
    "register_value",
    "series_of",
    "total",
    "whole_days",
    "whole_window",
]
