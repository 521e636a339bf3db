"""Consumption as one would do it by hand: no columns, no sweep, no search, only the definitions.

C(t0, t1) is added up over installations and over the steps between their readings, each step
giving the part of it that lies in the interval. Slow and obvious on purpose: the tests hold
`readings.rules` against it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from fractions import Fraction

from readings.rules import BucketSize, Point, RegisterLimits

GAP = {"5min": 600, "15min": 1800, "hour": 7200, "day": 129600, "month": 259200, "year": 604800}
NEAR = {"5min": 5, "15min": 15, "hour": 60, "day": 900, "month": 10800, "year": 86400}
RANK = "MIEX"


@dataclass
class Place:
    """One meter's stay: its readings in any order, and what was noted at the visits."""

    points: list[Point]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    start_register: int | None = None
    end_register: int | None = None
    limits: RegisterLimits = RegisterLimits()
    bridge: int = 0


@dataclass
class Step:
    start: datetime
    end: datetime
    rise: int | None
    rollover: bool = False


def chosen(one: Place) -> dict[datetime, tuple[int, int]]:
    """Instant → (value, resolution) of the readings that count."""
    found: dict[datetime, tuple[int, int]] = {}
    for at in {point.at for point in one.points}:
        if one.starts_at is not None and at < one.starts_at:
            continue
        if one.ends_at is not None and at > one.ends_at:
            continue
        rivals = [
            point
            for point in one.points
            if point.at == at and at - point.received_at <= timedelta(minutes=10) and point.valid
        ]
        if not rivals:
            continue
        rivals.sort(key=lambda point: (point.source, point.received_at))
        best = rivals[0]
        finer = [
            point
            for point in rivals
            if point.resolution < best.resolution
            and abs(point.value - best.value) <= best.resolution
        ]
        finer.sort(key=lambda point: (point.resolution, point.source, point.received_at))
        best = finer[0] if finer else best
        found[at] = (best.value, best.resolution)
    if one.starts_at is not None and one.start_register is not None:
        found[one.starts_at] = (one.start_register, 1)
    if one.ends_at is not None and one.end_register is not None:
        found[one.ends_at] = (one.end_register, 1)
    return found


def rise(
    found: dict[datetime, tuple[int, int]], start: datetime, end: datetime, limits: RegisterLimits
) -> tuple[int | None, bool]:
    """(what was counted from one reading to the next, whether it began again); None: a fall."""
    difference = found[end][0] - found[start][0]
    if difference >= 0:
        return difference, False
    if limits.max_rate is None or limits.digits is None:
        return None, False
    difference += 10**limits.digits * max(found[start][1], found[end][1])
    if difference < 0 or not possible(difference, start, end, limits):
        return None, False
    return difference, True


def possible(difference: int, start: datetime, end: datetime, limits: RegisterLimits) -> bool:
    if limits.max_rate is None:
        return True
    hours = Fraction((end - start) // timedelta(microseconds=1), 3_600_000_000)
    return difference <= Fraction("1.2") * limits.max_rate * hours


def steps(one: Place) -> list[Step]:
    """From reading to reading by time, after leaving out single outliers."""
    found = chosen(one)
    checked: set[tuple[datetime, datetime]] = set()

    def fine(start: datetime, end: datetime) -> bool:
        counted, _ = rise(found, start, end, one.limits)
        return counted is not None and possible(counted, start, end, one.limits)

    while True:
        order = sorted(found)
        wrong = [
            index
            for index, step in enumerate(zip(order, order[1:], strict=False))
            if rise(found, *step, one.limits)[0] is None and step not in checked
        ]
        if not wrong:
            break
        index = wrong[0]
        start, end = order[index], order[index + 1]
        first_wrong = index > 0 and fine(order[index - 1], end)
        second_wrong = index + 2 < len(order) and fine(start, order[index + 2])
        if first_wrong != second_wrong:
            del found[start if first_wrong else end]
        else:
            checked.add((start, end))
    order = sorted(found)
    return [
        Step(start, end, *rise(found, start, end, one.limits))
        for start, end in zip(order, order[1:], strict=False)
    ] or [Step(at, at, 0) for at in order]


def counted(all_steps: list[Step], start: datetime, end: datetime) -> Fraction | None:
    """What one meter counted from start to end; None unless its readings reach that far."""
    if not all_steps or start < all_steps[0].start or end > all_steps[-1].end:
        return None
    sum_ = Fraction(0)
    for step in all_steps:
        low, high = max(start, step.start), min(end, step.end)
        if low < high:
            if step.rise is None:
                return None
            sum_ += part(step, low, high)
    return sum_


def part(step: Step, low: datetime, high: datetime) -> Fraction:
    assert step.rise is not None
    microsecond = timedelta(microseconds=1)
    return Fraction(
        step.rise * ((high - low) // microsecond), (step.end - step.start) // microsecond
    )


def amount(places: list[Place], start: datetime, end: datetime) -> Fraction | None:
    """What the place used from start to end: Σ over its meters, and the bridges between them."""
    sum_ = Fraction(0)
    reached = start
    former: Place | None = None
    for one in places:
        if former is not None and former.ends_at is not None and one.starts_at is not None:
            low, high = max(start, former.ends_at), min(end, one.starts_at)
            if low < high:
                ends, starts = steps(former), steps(one)
                if not ends or not starts:
                    return None
                if ends[-1].end != former.ends_at or starts[0].start != one.starts_at:
                    return None
                bridge = Step(former.ends_at, one.starts_at, one.bridge)
                sum_ += part(bridge, low, high)
                reached = high
        former = one
        low = start if one.starts_at is None else max(start, one.starts_at)
        high = end if one.ends_at is None else min(end, one.ends_at)
        if low >= high:
            continue
        own = counted(steps(one), low, high)
        if own is None:
            return None
        sum_ += own
        reached = high
    return sum_ if reached == end else None


def quality(places: list[Place], at: datetime, size: str) -> str:
    """How the line is known at a boundary."""
    near, far = timedelta(seconds=NEAR[size]), timedelta(seconds=GAP[size])
    known = sorted({end for one in places for step in steps(one) for end in (step.start, step.end)})
    before = [one for one in known if one <= at]
    after = [one for one in known if one >= at]
    if not before or not after:
        return "X"
    if at - before[-1] <= near or after[0] - at <= near:
        return "M"
    return "I" if after[0] - before[-1] <= far else "E"


def bounds(start: datetime, end: datetime, size: BucketSize, zone: tzinfo) -> list[datetime]:
    """Look at the wall clock every five minutes and note when a new bucket begins."""
    found = [start]
    at = start
    while at < end:
        if at > start and begins(at, size, zone):
            found.append(at)
        # On to the next multiple of five minutes of UTC.
        at = at - timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
        at += timedelta(minutes=5)
    return [*found, end]


def begins(at: datetime, size: BucketSize, zone: tzinfo) -> bool:
    now = at.astimezone(zone)
    if size == "5min":
        return now.minute % 5 == 0
    if size == "15min":
        return now.minute % 15 == 0
    if size == "hour":
        return now.minute == 0
    before = (at - timedelta(minutes=5)).astimezone(zone)
    fields = {"day": 3, "month": 2, "year": 1}[size]
    return now.timetuple()[:fields] != before.timetuple()[:fields]


def consumption(
    places: list[Place], start: datetime, end: datetime, size: BucketSize, zone: tzinfo
) -> list[tuple[datetime, datetime, Fraction | None, str, list[str]]]:
    """(start, end, value, quality, flags other than partial) of each bucket."""
    edges = bounds(start, end, size, zone)
    rows = []
    for low, high in zip(edges, edges[1:], strict=False):
        value = amount(places, low, high)
        worst = max((quality(places, at, size) for at in (low, high)), key=RANK.index)
        flags = set()
        for former, latter in zip(places, places[1:], strict=False):
            left, came = former.ends_at, latter.starts_at
            assert left is not None
            assert came is not None
            if left < came and left < high and low < came:
                flags |= {"bridge", "exchange"}
                worst = max(worst, "E", key=RANK.index)
            if left == came and low <= left < high:
                flags.add("exchange")
        for one in places:
            for step in steps(one):
                if step.start < high and low < step.end:
                    if step.rise is None:
                        flags.add("negative_step")
                    if step.rollover:
                        flags.add("rollover")
        rows.append((low, high, value, "X" if value is None else worst, sorted(flags)))
    return rows
