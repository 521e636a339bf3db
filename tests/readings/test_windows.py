"""readings.windows: days, steps, arrows."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from readings.rules.buckets import BucketSize
from readings.windows import MOST_BARS, Window, deeper, default_window, parse_window, unit_around

ZONE = ZoneInfo("Europe/Copenhagen")
TODAY = date(2026, 11, 23)
HOUR, DAY, MONTH, YEAR = BucketSize.HOUR, BucketSize.DAY, BucketSize.MONTH, BucketSize.YEAR


def window(step: BucketSize, first: str, last: str) -> Window:
    return Window(step, date.fromisoformat(first), date.fromisoformat(last))


class TestParse:
    def test_without_an_address_it_is_the_last_31_days(self) -> None:
        assert parse_window("", "", "", TODAY) == window(DAY, "2026-10-24", "2026-11-23")

    @pytest.mark.parametrize(
        ("step", "first", "last"),
        [
            (HOUR, "2026-11-22", "2026-11-23"),
            (MONTH, "2025-11-01", "2026-11-30"),
            (YEAR, "2022-01-01", "2026-12-31"),
        ],
    )
    def test_each_step_has_its_latest(self, step: BucketSize, first: str, last: str) -> None:
        assert parse_window(step.value, "", "", TODAY) == window(step, first, last)

    def test_months_and_years_are_whole(self) -> None:
        assert parse_window("month", "2026-01-15", "2026-02-10", TODAY) == window(
            MONTH, "2026-01-01", "2026-02-28"
        )
        assert parse_window("year", "2024-05-05", "2025-05-05", TODAY) == window(
            YEAR, "2024-01-01", "2025-12-31"
        )

    def test_ends_given_the_wrong_way_round_are_turned(self) -> None:
        assert parse_window("day", "2026-11-05", "2026-11-01", TODAY) == window(
            DAY, "2026-11-01", "2026-11-05"
        )

    def test_one_end_alone_means_the_unit_around_it(self) -> None:
        assert parse_window("day", "2026-02-10", "", TODAY) == window(
            DAY, "2026-02-01", "2026-02-28"
        )

    @pytest.mark.parametrize("wrong", ["x", "2026-13-01", "9999-12-31", "2026-11-23T10:00", "\x00"])
    def test_what_is_wrong_is_as_if_it_were_not_there(self, wrong: str) -> None:
        assert parse_window(wrong, wrong, wrong, TODAY) == default_window(DAY, TODAY)

    def test_too_many_bars_make_a_coarser_step_and_say_so(self) -> None:
        found = parse_window("hour", "2026-01-01", "2026-03-01", TODAY)
        assert (found.step, found.coarsened_from) == (DAY, HOUR)
        found = parse_window("hour", "1990-01-01", "2026-03-01", TODAY)
        assert (found.step, found.coarsened_from) == (MONTH, HOUR)
        days = MOST_BARS // 24
        enough = parse_window("hour", "2026-01-01", f"2026-02-{days - 31:02d}", TODAY)
        assert (enough.step, enough.coarsened_from) == (HOUR, None)


class TestArrows:
    @pytest.mark.parametrize(
        ("this", "before"),
        [
            (window(HOUR, "2026-11-23", "2026-11-23"), window(HOUR, "2026-11-22", "2026-11-22")),
            (window(DAY, "2026-03-01", "2026-03-31"), window(DAY, "2026-02-01", "2026-02-28")),
            (window(DAY, "2026-03-05", "2026-03-11"), window(DAY, "2026-02-26", "2026-03-04")),
            (window(MONTH, "2026-01-01", "2026-12-31"), window(MONTH, "2025-01-01", "2025-12-31")),
            (window(YEAR, "2022-01-01", "2026-12-31"), window(YEAR, "2017-01-01", "2021-12-31")),
        ],
    )
    def test_one_step_back_and_forth(self, this: Window, before: Window) -> None:
        assert this.earlier() == before
        assert before.later(TODAY) == this

    def test_not_into_the_future(self) -> None:
        assert window(DAY, "2026-11-01", "2026-11-30").later(TODAY) is None
        assert window(DAY, "2026-10-01", "2026-10-31").later(TODAY) is not None


class TestSteps:
    def test_another_step_stays_in_the_past_that_is_looked_at(self) -> None:
        march = window(DAY, "2026-03-01", "2026-03-31")
        assert march.with_step(MONTH, TODAY) == window(MONTH, "2026-01-01", "2026-12-31")
        assert march.with_step(HOUR, TODAY) == window(HOUR, "2026-03-31", "2026-03-31")

    def test_and_with_today_when_today_is_looked_at(self) -> None:
        assert default_window(DAY, TODAY).with_step(MONTH, TODAY) == default_window(MONTH, TODAY)

    def test_a_bar_opens_what_it_consists_of(self) -> None:
        assert deeper(YEAR, date(2026, 1, 1)) == window(MONTH, "2026-01-01", "2026-12-31")
        assert deeper(MONTH, date(2026, 2, 1)) == window(DAY, "2026-02-01", "2026-02-28")
        assert deeper(DAY, date(2026, 2, 3)) == window(HOUR, "2026-02-03", "2026-02-03")
        assert deeper(HOUR, date(2026, 2, 3)) is None

    def test_years_are_five(self) -> None:
        assert unit_around(YEAR, date(2026, 5, 5)) == window(YEAR, "2022-01-01", "2026-12-31")


class TestBounds:
    def test_are_midnights_of_the_utility(self) -> None:
        now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        start, end = window(DAY, "2026-10-25", "2026-10-25").bounds(ZONE, now)
        assert (start.astimezone(UTC), end.astimezone(UTC)) == (
            datetime(2026, 10, 24, 22, tzinfo=UTC),
            datetime(2026, 10, 25, 23, tzinfo=UTC),
        )

    @pytest.mark.parametrize(
        ("step", "end"),
        [
            (HOUR, datetime(2026, 11, 23, 13, tzinfo=UTC)),
            (DAY, datetime(2026, 11, 23, 23, tzinfo=UTC)),
            (MONTH, datetime(2026, 11, 30, 23, tzinfo=UTC)),
            (YEAR, datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ],
    )
    def test_end_with_the_bar_that_is_running(self, step: BucketSize, end: datetime) -> None:
        now = datetime(2026, 11, 23, 12, 20, tzinfo=UTC)
        long = Window(step, date(2026, 1, 1), date(2027, 12, 31))
        assert long.bounds(ZONE, now)[1].astimezone(UTC) == end

    def test_the_running_hour_ends_an_hour_later_when_the_clocks_are_put_back(self) -> None:
        now = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 for the first time
        end = Window(HOUR, date(2026, 10, 25), date(2026, 10, 25)).bounds(ZONE, now)[1]
        assert end.astimezone(UTC) == datetime(2026, 10, 25, 1, tzinfo=UTC)

    def test_a_window_in_the_future_stays_one(self) -> None:
        now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        start, end = window(DAY, "2026-12-01", "2026-12-02").bounds(ZONE, now)
        assert (end - start).days == 2


def test_the_year_before_a_leap_day_ends_on_the_28th() -> None:
    asked = parse_window("day", "2028-02-01", "29-02-2028", date(2028, 3, 1))
    before = asked.year_before()
    assert (before.first, before.last) == (date(2027, 2, 1), date(2027, 2, 28))
