"""The window of a consumption chart: which days, in which steps, and where the arrows lead.

Pure. Days are the utility's own, both ends included, as people say them: "1 to 30 April". Months
and years are shown whole.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from readings.rules.buckets import BucketSize
from ready.web.days import parse_day

STEPS = (BucketSize.HOUR, BucketSize.DAY, BucketSize.MONTH, BucketSize.YEAR)
# More bars than pixels show nothing; a coarser step does.
MOST_BARS = 800
_EARLIEST = date(1990, 1, 1)
_YEARS = 5
_HOURS_A_DAY = 24
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Days `first` to `last`, both included, in steps. coarsened_from: the step that was asked
    for, where it would have made too many bars."""

    step: BucketSize
    first: date
    last: date
    coarsened_from: BucketSize | None = None

    def bounds(self, zone: tzinfo, now: datetime) -> tuple[datetime, datetime]:
        """From local midnight to local midnight, but not beyond the step that is running now."""
        start = datetime(self.first.year, self.first.month, self.first.day, tzinfo=zone)
        end = _midnight(self.last + _DAY, zone)
        if end > now > start:
            end = min(end, self._running_until(zone, now))
        return start, end

    def _running_until(self, zone: tzinfo, now: datetime) -> datetime:
        local = now.astimezone(zone)
        if self.step is BucketSize.HOUR:
            whole = local.replace(minute=0, second=0, microsecond=0)
            # Counted in UTC: the wall clock may be about to jump.
            return (whole.astimezone(UTC) + timedelta(hours=1)).astimezone(zone)
        return _midnight(_whole(self.step, local.date(), local.date())[1] + _DAY, zone)

    def earlier(self) -> "Window":
        """The window just before this one, equally long."""
        return self._moved(-1)

    def later(self, today: date) -> "Window | None":
        """The window just after this one; None when that lies in the future."""
        moved = self._moved(1)
        return moved if moved.first <= today else None

    def year_before(self) -> "Window":
        """The same days a year earlier; 29 February becomes the 28th."""
        return Window(self.step, _add_years(self.first, -1), _add_years(self.last, -1))

    def _moved(self, direction: int) -> "Window":
        months = self._months()
        if months:
            first = _add_months(self.first, direction * months)
            last = _add_months(first, months) - _DAY
        else:
            length = direction * ((self.last - self.first) + _DAY)
            first, last = self.first + length, self.last + length
        return Window(self.step, first, last)

    def _months(self) -> int:
        """How many whole months the window is; 0 when it is not."""
        after = self.last + _DAY
        if self.first.day != 1 or after.day != 1:
            return 0
        return (after.year - self.first.year) * 12 + after.month - self.first.month

    def with_step(self, step: BucketSize, today: date) -> "Window":
        """What the button of another step leads to: the unit above it around the same time."""
        if self.last >= today:
            return default_window(step, today)
        return unit_around(step, self.last)


def unit_around(step: BucketSize, day: date) -> Window:
    """The next larger unit that holds the day, in steps: a day in hours, a month in days, …"""
    if step is BucketSize.HOUR:
        return Window(step, day, day)
    if step is BucketSize.DAY:
        return Window(step, *_whole(BucketSize.MONTH, day, day))
    if step is BucketSize.MONTH:
        return Window(step, *_whole(BucketSize.YEAR, day, day))
    return Window(step, date(day.year - _YEARS + 1, 1, 1), date(day.year, 12, 31))


def default_window(step: BucketSize, today: date) -> Window:
    """The latest: two days in hours, 31 days, 13 months, five years."""
    if step is BucketSize.HOUR:
        return Window(step, today - _DAY, today)
    if step is BucketSize.DAY:
        return Window(step, today - 30 * _DAY, today)
    if step is BucketSize.MONTH:
        return Window(step, *_whole(step, _add_months(today.replace(day=1), -12), today))
    return unit_around(step, today)


def deeper(step: BucketSize, day: date) -> Window | None:
    """What a bar that begins on `day` opens into; None below hours."""
    below = {
        BucketSize.YEAR: BucketSize.MONTH,
        BucketSize.MONTH: BucketSize.DAY,
        BucketSize.DAY: BucketSize.HOUR,
    }.get(step)
    return None if below is None else unit_around(below, day)


def parse_window(step_text: str, first_text: str, last_text: str, today: date) -> Window:
    """The window of an address; what it says wrongly is as if it were not there."""
    step = next((one for one in STEPS if one.value == step_text), BucketSize.DAY)
    first, last = _day(first_text), _day(last_text)
    if first is None and last is None:
        return default_window(step, today)
    if first is None or last is None:
        return unit_around(step, first or last or today)
    if first > last:
        first, last = last, first
    wanted = step
    while _bars(step, first, last) > MOST_BARS:
        step = STEPS[STEPS.index(step) + 1]
    return Window(step, *_whole(step, first, last), None if step is wanted else wanted)


def _day(text: str) -> date | None:
    day = parse_day(text)
    if day is None:
        return None
    return max(day, _EARLIEST) if day.year < 2200 else None


def _bars(step: BucketSize, first: date, last: date) -> int:
    days = (last - first).days + 1
    if step is BucketSize.HOUR:
        return days * _HOURS_A_DAY
    return days if step is BucketSize.DAY else 0


def _whole(step: BucketSize, first: date, last: date) -> tuple[date, date]:
    """The days widened to whole months or years, as the step wants."""
    if step is BucketSize.MONTH:
        end = monthrange(last.year, last.month)[1]
        return first.replace(day=1), last.replace(day=end)
    if step is BucketSize.YEAR:
        return date(first.year, 1, 1), date(last.year, 12, 31)
    return first, last


def _add_months(day: date, count: int) -> date:
    months = day.year * 12 + day.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _add_years(day: date, count: int) -> date:
    last = monthrange(day.year + count, day.month)[1]
    return day.replace(year=day.year + count, day=min(day.day, last))
