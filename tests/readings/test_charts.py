"""readings.charts: bars that tell what is known, as Plotly understands them."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest
from django.utils import translation

from meters.registers import BY_COLUMN, UNITS
from readings import axes, charts
from readings.rules.buckets import BucketSize
from readings.rules.curve import Flag
from readings.rules.values import Bucket, Quality
from ready.web.units import UnitChoice

ZONE = ZoneInfo("Europe/Copenhagen")
KWH, MWH, GJ = UNITS["energy"]
E1, V1, A_POS = BY_COLUMN["e1"], BY_COLUMN["v1"], BY_COLUMN["a_pos"]
START = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight of the day with 25 hours
HOUR = timedelta(hours=1)
KWH_IN_J = 3_600_000


def bucket(
    slot: int,
    kwh: int | Fraction | None,
    quality: Quality = Quality.MEASURED,
    flags: tuple[Flag, ...] = (),
    known: int | None = None,
) -> Bucket:
    value = None if kwh is None else Fraction(kwh) * KWH_IN_J
    return Bucket(
        START + slot * HOUR,
        START + (slot + 1) * HOUR,
        None if value is None else value.numerator,
        1 if value is None else value.denominator,
        Quality.NONE if kwh is None else quality,
        flags,
        None if known is None else Fraction(known * KWH_IN_J),
    )


DAY = (
    bucket(0, 3),
    bucket(1, Fraction(1, 3), Quality.INTERPOLATED),
    bucket(2, 5, Quality.ESTIMATED, (Flag.EXCHANGE,)),
    bucket(3, None),
    bucket(4, None, flags=(Flag.NEGATIVE_STEP,)),
    bucket(5, None, flags=(Flag.PARTIAL,), known=2),
)


def bars(buckets: tuple[Bucket, ...] = DAY) -> list[charts.Bar]:
    return charts.bars(buckets, BucketSize.HOUR, KWH, ZONE, lambda at: f"?from={at:%H}")


class TestBars:
    def test_each_quality_has_its_look(self) -> None:
        assert [bar.look.key for bar in bars()] == [
            "measured",
            "interpolated",
            "estimated",
            "missing",
            "missing",
            "incomplete",
        ]

    def test_missing_is_no_zero(self) -> None:
        assert [bar.value for bar in bars()] == ["3", "0", "5", "", "", "2"]
        assert [bar.text for bar in bars()][3:5] == ["–", "–"]

    def test_what_happened_is_told_in_words(self) -> None:
        assert [list(bar.marks) for bar in bars()][2] == ["Meter exchange"]
        assert [list(bar.marks) for bar in bars()][4] == ["The register fell"]

    def test_the_hour_that_comes_twice_has_two_bars(self) -> None:
        assert [bar.label for bar in bars()] == [
            "25-10-2026 00:00",
            "25-10-2026 01:00",
            "25-10-2026 02:00A",
            "25-10-2026 02:00B",
            "25-10-2026 03:00",
            "25-10-2026 04:00",
        ]

    def test_numbers_are_the_readers(self) -> None:
        half = (bucket(0, Fraction(5, 2)),)
        with translation.override("da"):
            (bar,) = bars(half)
        assert (bar.text, bar.value) == ("2,5", "2.5")

    def test_all_bars_have_the_decimals_of_the_measured_ones(self) -> None:
        mixed = (
            bucket(0, Fraction(5, 4)),
            bucket(1, 2),
            bucket(2, Fraction(1, 3), Quality.INTERPOLATED),
        )
        assert [bar.text for bar in bars(mixed)] == ["1.25", "2.00", "0.33"]

    @pytest.mark.parametrize(
        ("size", "label"),
        [
            (BucketSize.DAY, "25-10-2026"),
            (BucketSize.MONTH, "Oct 2026"),
            (BucketSize.YEAR, "2026"),
        ],
    )
    def test_a_period_has_a_name(self, size: BucketSize, label: str) -> None:
        assert axes.period_label(START.astimezone(ZONE), size, ZONE) == label


class TestUnit:
    def test_small_amounts_are_in_kwh(self) -> None:
        assert charts.chart_unit(E1, DAY, UnitChoice()) is KWH
        assert charts.chart_unit(E1, (bucket(0, 1500),), UnitChoice()) is MWH
        assert charts.chart_unit(E1, DAY, UnitChoice("GJ")) is GJ

    def test_nothing_known_leaves_the_utilitys_unit(self) -> None:
        assert charts.chart_unit(E1, (bucket(0, None),), UnitChoice()) is MWH

    def test_electricity_is_in_kwh(self) -> None:
        assert charts.chart_unit(A_POS, (bucket(0, 1500),), UnitChoice()) is KWH


class TestHighest:
    def test_is_the_greatest_bar(self) -> None:
        assert charts.highest(bars(), DAY) == charts.Highest("5", "25-10-2026 02:00A")

    def test_is_none_where_nothing_is_known(self) -> None:
        nothing = (bucket(0, None),)
        assert charts.highest(bars(nothing), nothing) is None


class TestFigure:
    def figure(self, buckets: tuple[Bucket, ...] = DAY) -> dict[str, object]:
        return charts.figure(bars(buckets), E1, BucketSize.HOUR, KWH, ZONE)

    def test_plotly_takes_it(self) -> None:
        # Design tokens are no colours to Plotly; the browser puts colours in their place.
        text = json.dumps(self.figure()).replace('"token:', '"#0').replace("-", "")
        for token in ("surface", "raised", "ink", "inkmuted", "line", "linestrong"):
            text = text.replace(f'"#0{token}"', '"#123456"')
        for token in ("energy", "unheard", "attention"):
            text = text.replace(f'"#0{token}"', '"#123456"')
        figure = go.Figure(json.loads(text))
        assert [trace.type for trace in figure.data] == ["bar"] * 4 + ["scatter"] * 2

    def test_every_bar_is_in_exactly_one_trace(self) -> None:
        found = self.figure()["data"]
        assert isinstance(found, list)
        drawn = [slot for trace in found if trace["type"] == "bar" for slot in trace["x"]]
        assert sorted(drawn) == [0, 1, 2, 5]
        gaps = next(trace for trace in found if trace["name"] == "Missing")
        assert gaps["x"] == [2.5, 3, 3.5, None, 3.5, 4, 4.5, None]
        assert {one for one in gaps["y"] if one is not None} == {0}

    def test_values_travel_as_exact_text(self) -> None:
        found = self.figure()["data"]
        assert isinstance(found, list)
        assert found[0]["y"] == ["3"]

    def test_a_bar_tells_its_period_amount_quality_and_what_it_opens(self) -> None:
        found = self.figure()["data"]
        assert isinstance(found, list)
        assert found[2]["customdata"] == [
            [
                "25-10-2026 02:00A<br>5 kWh<br>Estimated over a gap<br>Meter exchange",
                "?from=00",
            ]
        ]

    def test_quality_survives_without_colour(self) -> None:
        found = self.figure()["data"]
        assert isinstance(found, list)
        patterns = [trace["marker"].get("pattern", {}).get("shape") for trace in found[:4]]
        assert patterns == [None, ".", "/", None]
        assert found[3]["marker"]["color"] == "token:surface"

    def test_a_quiet_chart_needs_no_legend(self) -> None:
        layout = self.figure((bucket(0, 1), bucket(1, 2)))["layout"]
        assert isinstance(layout, dict)
        assert layout["showlegend"] is False

    def test_the_axis_says_the_day_where_it_begins(self) -> None:
        week = tuple(bucket(slot, 1) for slot in range(24 * 7 + 1))
        layout = self.figure(week)["layout"]
        assert isinstance(layout, dict)
        axis = layout["xaxis"]
        assert len(axis["ticktext"]) <= 13
        assert axis["ticktext"][0] == "00:00<br>25-10"
        # The first of these days has 25 hours.
        assert axis["tickvals"][:3] == [0, 25, 49]
        assert axis["ticktext"][1] == "00:00<br>26-10"

    def test_a_long_chart_of_hours_labels_some_midnights(self) -> None:
        month = tuple(bucket(slot, 1) for slot in range(24 * 31 + 1))
        layout = self.figure(month)["layout"]
        assert isinstance(layout, dict)
        assert layout["xaxis"]["tickvals"][:2] == [0, 73]

    def test_separators_are_the_readers(self) -> None:
        with translation.override("da"):
            layout = self.figure()["layout"]
        assert isinstance(layout, dict)
        assert layout["separators"] == ",\u202f"

    def test_an_empty_chart_is_one(self) -> None:
        assert charts.figure([], V1, BucketSize.DAY, UNITS["volume"][0], ZONE)["data"] == []

    def test_a_chart_without_values_says_so_and_makes_up_no_scale(self) -> None:
        layout = self.figure((bucket(0, None),))["layout"]
        assert isinstance(layout, dict)
        assert [note["text"] for note in layout["annotations"]] == ["No values in this period"]
        assert layout["yaxis"]["visible"] is False
        layout = self.figure()["layout"]
        assert isinstance(layout, dict)
        assert (layout["annotations"], layout["yaxis"]["visible"]) == ([], True)


class TestTheYearBefore:
    def _hours(self, start: datetime, count: int) -> list[charts.Bar]:
        buckets = tuple(
            Bucket(
                start + slot * HOUR,
                start + (slot + 1) * HOUR,
                (slot + 1) * KWH_IN_J,
                1,
                Quality.MEASURED,
                (),
                None,
            )
            for slot in range(count)
        )
        return charts.bars(buckets, BucketSize.HOUR, KWH, ZONE, lambda _at: "")

    def test_stands_beside_by_the_calendar_not_by_counting(self) -> None:
        # 25 October 2026 has 25 hours; the same day a year before had 24.
        today = self._hours(START, 25)
        earlier = self._hours(datetime(2025, 10, 24, 22, tzinfo=UTC), 24)
        beside = charts.beside(today, earlier, ZONE)
        repeated = next(slot for slot, bar in enumerate(today) if bar.label.endswith("02:00B"))
        assert beside[repeated] is None
        last = beside[-1]
        assert last is not None
        assert last.label == "25-10-2025 23:00"

    def test_is_a_thin_line_that_says_what_it_is(self) -> None:
        today = self._hours(START, 3)
        earlier = self._hours(datetime(2025, 10, 24, 22, tzinfo=UTC), 2)
        figure = charts.figure(
            today, E1, BucketSize.HOUR, KWH, ZONE, charts.beside(today, earlier, ZONE)
        )
        line = next(one for one in figure["data"] if one["name"] == "The year before")
        assert line["y"] == ["1", "2", None]
        assert line["customdata"][1][0].startswith("25-10-2025 01:00")


def test_an_info_code_is_told_by_the_bars_of_its_time() -> None:
    at = START + 2.5 * HOUR
    events = [
        charts.Event("Leak", START + 1.5 * HOUR, START + 3 * HOUR),
        charts.Event("Leak", at, at),
        charts.Event("Dry", at, at),
    ]
    found = charts.bars(
        [bucket(slot, 1) for slot in range(5)], BucketSize.HOUR, KWH, ZONE, lambda _: "", events
    )
    assert [list(bar.marks) for bar in found] == [[], ["Leak"], ["Leak", "Dry"], [], []]
