"""The outdoor temperature: read from files, stored whole, shown with a chart, taken away again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from meters.imports.reading import Unreadable
from meters.models import Meter
from readings import charts, outdoors
from readings.ending import end_belonging
from readings.models import OutdoorDay, OutdoorHour
from readings.outdoor_files import OutdoorFile, read_file
from readings.outdoors import Difference, Series, means, remove_period, store_series
from readings.rules.buckets import BucketSize, boundaries
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.factories import ACTOR
from tests.readings.test_charts import DAY, E1, KWH, ZONE

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLDEST = date(2021, 11, 1)
HOUR = timedelta(hours=1)
PAGE = "/t/aalund/configuration/outdoor-temperature/"


def read(text: str | bytes, zone: ZoneInfo = COPENHAGEN) -> OutdoorFile:
    content = text if isinstance(text, bytes) else text.encode()
    return read_file(content, zone, NOW, OLDEST)


def words(text: str) -> list[tuple[int, str]]:
    return [(error.line, error.words) for error in read(text).errors]


def utc(day: int, hour: int, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


class TestFiles:
    @pytest.mark.parametrize(
        "text",
        [
            "18-10-2026 16:00;7,4\n18-10-2026 17:00;-0,25\n",
            "Time;Temp\n18-10-2026 16:00;7.4\n18-10-2026 17:00;-0.25\n",
            "Day,Hour,C\r\n2026-10-18,16:00,7.4\r\n\r\n2026-10-18,17:00,−0.25\r\n",
            "18/10/2026 16.00\t7,40\n18.10.2026 17:00:00\t-0,25 °C\n",
            "2026-10-18T14:00Z;7,4\n2026-10-18T15:00:00.000Z;-0,25\n",
            "2026-10-18T16:00+02:00;7,4\n2026-10-18T14:00-0100;-0,25\n",
            "\ufeff18-10-2026 17:00;-0,25\n18-10-2026 16:00;7,4;\n",
        ],
    )
    def test_hours_as_people_write_them(self, text: str) -> None:
        found = read(text)
        assert found.errors == []
        assert found.series == Series({utc(18, 14): 740, utc(18, 15): -25}, {})

    def test_days(self) -> None:
        found = read("Dag;°C\n2026-10-19;5,2\n18-10-2026;-1\n")
        assert found.series == Series({}, {date(2026, 10, 18): -100, date(2026, 10, 19): 520})
        assert found.lines == 2

    def test_an_old_systems_encoding(self) -> None:
        assert read("Døgn;°C\n18-10-2026;5,2\n".encode("cp1252")).series.days

    def test_finer_than_a_hundredth_is_rounded(self) -> None:
        assert read("18-10-2026;5,126\n").series.days == {date(2026, 10, 18): 513}

    @pytest.mark.parametrize(
        ("line", "told"),
        [
            ("18-10-2026 16:00", "Two columns"),
            ("18-10-2026;16:00;7;4", "Two columns"),
            ("31-11-2025 16:00;7", "“31-11-2025 16:00” is no day"),
            ("soon;7", "“soon” is no day and no time"),
            ("18-10-2026 25:00;7", "is no time of day"),
            ("18-10-2026 16:10;7", "is no full hour"),
            ("18-10-2026 16:00:30;7", "is no full hour"),
            ("2026-10-18T16:30+02:00;7", "is no full hour"),
            ("18-10-2026 16:00+20:00;7", "is no offset"),
            ("18-10-2026 16:00;cold", "“cold” is no number"),
            ("18-10-2026 16:00;", "Two columns"),
            ("18-10-2026 16:00;NaN", "is no number"),
            ("18-10-2026 16:00;74", "74 °C is no outdoor temperature"),
            ("18-10-2026 16:00A;7", "comes only once"),
            ("21-11-2026 16:00;7", "in the future"),
            ("31-10-2021 16:00;7", "keeps nothing from before 01-11-2021"),
            ("18-10-2026;7", "hours as well as days"),
            ("17-10-2026 16:00;7", "stands in line 1 already"),
        ],
    )
    def test_a_bad_line_is_named_with_what_is_wrong(self, line: str, told: str) -> None:
        ((number, text),) = words(f"17-10-2026 16:00;5\n{line}\n")
        assert number == 2
        assert told in text

    def test_every_bad_line_is_named(self) -> None:
        assert [line for line, _text in words("a1;b\n18-10-2026;5\n\nx;y\n")] == [1, 4]

    @pytest.mark.parametrize("content", [b"", b"\n\n", b"Time;C\n", b"PK\x03\x04xlsx"])
    def test_what_is_no_such_file(self, content: bytes) -> None:
        with pytest.raises(Unreadable):
            read(content)

    def test_more_than_five_years_of_hours_are_too_many(self) -> None:
        with pytest.raises(Unreadable, match="50,000"):
            read("18-10-2026;5\n" * 50_001)


class TestClocks:
    """25 October 2026 has 25 hours in Denmark, 29 March 23."""

    @pytest.mark.parametrize(
        "night",
        [
            ("01:00", "02:00", "02:00", "03:00"),
            ("01:00", "02:00A", "02:00B", "03:00"),
            ("01:00", "02:00 b", "02:00 a", "03:00"),
            ("01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00"),
        ],
    )
    def test_the_hour_that_comes_twice(self, night: tuple[str, ...]) -> None:
        told = "".join(f"25-10-2026 {at};{place}\n" for place, at in enumerate(night))
        found = read(told)
        assert found.errors == []
        assert list(found.series.hours) == [utc(24, 23), utc(25, 0), utc(25, 1), utc(25, 2)]
        turned = "b" in night[1]
        assert list(found.series.hours.values())[1:3] == ([200, 100] if turned else [100, 200])

    def test_the_newest_hour_may_come_first(self) -> None:
        told = ("03:00;3", "02:00;2", "02:00;1", "01:00;0")
        found = read("".join(f"25-10-2026 {line}\n" for line in told))
        assert list(found.series.hours.values()) == [0, 100, 200, 300]

    def test_once_alone_it_is_asked_which_it_is(self) -> None:
        ((line, text),) = words("25-10-2026 01:00;5\n25-10-2026 02:00;5\n")
        assert line == 2
        assert "comes twice" in text
        assert "02:00A" in text

    def test_three_times_is_wrong_each_time(self) -> None:
        assert [line for line, _text in words("25-10-2026 02:00;5\n" * 3)] == [1, 2, 3]

    def test_the_hour_that_never_was(self) -> None:
        found = read("29-03-2026 01:00;1\n29-03-2026 02:00;2\n29-03-2026 03:00;3\n")
        assert [(one.line, "never was" in one.words) for one in found.errors] == [(2, True)]
        short = read("29-03-2026 01:00;1\n29-03-2026 03:00;3\n")
        assert list(short.series.hours) == [utc(29, 0, 3), utc(29, 1, 3)]

    def test_a_zone_of_half_hours(self) -> None:
        found = read("18-10-2026 16:00;7\n", ZoneInfo("Asia/Kolkata"))
        assert list(found.series.hours) == [datetime(2026, 10, 18, 10, 30, tzinfo=UTC)]


@pytest.fixture
def utility(db: None, aalund: Tenant) -> Iterator[Tenant]:
    with tenant_context(aalund.pk):
        yield aalund


def store(hours: dict[datetime, int] | None = None, days: dict[date, int] | None = None) -> None:
    store_series(series=Series(hours or {}, days or {}), source="x", actor=ACTOR, zone=COPENHAGEN)


def mean_of(start: datetime, end: datetime, size: BucketSize, now: datetime = NOW) -> object:
    instants = boundaries(start, end, size, COPENHAGEN).instants
    return means(list(zip(instants, instants[1:], strict=False)), size, COPENHAGEN, now)[0]


class TestStored:
    def test_a_series_takes_the_place_of_what_was_and_says_so(self, utility: Tenant) -> None:
        store({utc(18, 14): 740, utc(18, 15): 700})
        wanted = Series({utc(18, 14): 740, utc(18, 15): 600, utc(18, 16): 500}, {})
        told = Difference(new=1, replacing=1, same=1)
        assert outdoors.difference(wanted) == told
        assert store_series(series=wanted, source="f.csv", actor=ACTOR, zone=COPENHAGEN) == told
        assert dict(OutdoorHour.objects.values_list("ts", "temperature")) == wanted.hours
        entry = AuditEntry.objects.filter(event="outdoor.imported").latest("pk")
        assert entry.after == {"hours": 3, "days": 0, "replaced": 1}
        assert entry.details == {"file": "f.csv"}

    def test_a_period_of_local_days_goes(self, utility: Tenant) -> None:
        store({utc(17, 21): 1, utc(17, 22): 2, utc(18, 21): 3, utc(18, 22): 4})
        store(days={date(2026, 10, 17): 1, date(2026, 10, 18): 2, date(2026, 10, 19): 3})
        day = date(2026, 10, 18)
        assert outdoors.known_between(day, day, COPENHAGEN) == (2, 1)
        assert remove_period(first=day, last=day, actor=ACTOR, zone=COPENHAGEN) == 3
        assert list(OutdoorHour.objects.order_by("ts").values_list("temperature", flat=True)) == [
            1,
            4,
        ]
        assert set(OutdoorDay.objects.values_list("temperature", flat=True)) == {1, 3}
        assert AuditEntry.objects.get(event="outdoor.removed").before == {"hours": 2, "days": 1}
        assert remove_period(first=day, last=day, actor=ACTOR, zone=COPENHAGEN) == 0
        assert AuditEntry.objects.filter(event="outdoor.removed").count() == 1

    def test_months_are_the_utilitys_own(self, utility: Tenant) -> None:
        store({utc(31, 22): 100, utc(31, 23): -250}, {date(2026, 11, 2): 300})
        november, october = outdoors.known_months(COPENHAGEN)
        assert (november.month, november.hours, november.days) == (date(2026, 11, 1), 1, 1)
        assert [november.lowest, november.highest] == [Fraction(-5, 2), Fraction(3)]
        assert (october.month, october.hours, october.days) == (date(2026, 10, 1), 1, 0)

    def test_ends_with_the_readings(self, utility: Tenant) -> None:
        store({utc(17, 21): 1, utc(17, 22): 2}, {date(2026, 10, 17): 1, date(2026, 10, 18): 2})
        assert end_belonging(date(2026, 10, 18), COPENHAGEN) == 2
        assert OutdoorHour.objects.get().temperature == 2
        assert OutdoorDay.objects.get().temperature == 2


class TestMeans:
    def test_an_hour_is_what_was_told_of_it_and_a_gap_is_one(self, utility: Tenant) -> None:
        store({utc(18, 10): 740, utc(18, 12): -125})
        found = mean_of(utc(18, 10), utc(18, 13), BucketSize.HOUR)
        assert found == [740, None, -125]

    def test_a_day_of_25_hours_is_the_mean_of_25(self, utility: Tenant) -> None:
        store({utc(24, 22) + number * HOUR: number * 100 for number in range(25)})
        found = mean_of(utc(24, 22), utc(26, 23), BucketSize.DAY)
        assert found == [1200, None]

    def test_a_day_of_which_too_little_is_known_is_none(self, utility: Tenant) -> None:
        store({utc(17, 22) + number * HOUR: 100 for number in range(17)})
        assert mean_of(utc(17, 22), utc(18, 22), BucketSize.DAY) == [None]
        store({utc(18, 21): 460})
        assert mean_of(utc(17, 22), utc(18, 22), BucketSize.DAY) == [120]

    def test_today_is_judged_by_what_has_passed_of_it(self, utility: Tenant) -> None:
        store({utc(17, 22) + number * HOUR: 100 for number in range(6)})
        now = utc(18, 5)
        assert mean_of(utc(17, 22), utc(18, 22), BucketSize.DAY, now) == [100]
        later = utc(18, 8)
        assert mean_of(utc(17, 22), utc(18, 22), BucketSize.DAY, later) == [None]

    def test_a_day_that_was_told_counts_before_its_hours(self, utility: Tenant) -> None:
        store({utc(17, 22) + number * HOUR: 100 for number in range(24)})
        store(days={date(2026, 10, 18): -300})
        assert mean_of(utc(17, 22), utc(18, 22), BucketSize.DAY) == [-300]

    def test_a_month_is_the_mean_of_its_days(self, utility: Tenant) -> None:
        # One day by two hours too few, one told as a day: each weighs as much as another.
        store({utc(17, 22) + number * HOUR: 2200 for number in range(22)})
        store(days={date(2026, 10, day): 100 for day in range(1, 32) if day != 18})
        assert mean_of(utc(1, 0) - 2 * HOUR, utc(31, 23), BucketSize.MONTH) == [
            Fraction(30 * 100 + 2200, 31)
        ]

    def test_three_weeks_are_a_month_and_half_a_month_is_none(self, utility: Tenant) -> None:
        store(days={date(2026, 10, day): 100 for day in range(1, 24)})
        whole = (utc(1, 0) - 2 * HOUR, utc(31, 23), BucketSize.MONTH)
        assert mean_of(*whole) == [None]
        store(days={date(2026, 10, 24): 100})
        assert mean_of(*whole) == [100]

    def test_what_lies_ahead_is_not_known(self, utility: Tenant) -> None:
        assert mean_of(utc(1, 0, 12), utc(3, 0, 12), BucketSize.DAY) == [None] * 3
        assert means([], BucketSize.DAY, COPENHAGEN, NOW) == ([], None)


class TestFigure:
    def figure(self, *values: int | None) -> dict[str, object]:
        bars = charts.bars(DAY, BucketSize.HOUR, KWH, ZONE, lambda _at: "?")
        told = [charts.temperature(None if one is None else Fraction(one)) for one in values]
        return charts.figure(bars, E1, BucketSize.HOUR, KWH, ZONE, (), told)

    def test_is_a_line_on_an_axis_of_its_own_with_gaps(self) -> None:
        figure = self.figure(740, None, -125, None, 0, 10)
        assert isinstance(figure["data"], list)
        line = figure["data"][-1]
        assert line["name"] == "Outdoor temperature"
        assert (line["yaxis"], line["connectgaps"]) == ("y2", False)
        assert line["y"] == ["7.4", None, "-1.3", None, "0.0", "0.1"]
        assert line["customdata"][2][0].endswith("<br>−1.3 °C<br>Outdoor temperature")
        layout = figure["layout"]
        assert isinstance(layout, dict)
        assert layout["yaxis2"]["side"] == "right"
        assert layout["yaxis2"]["title"]["text"] == "°C"

    def test_is_absent_where_nothing_is_known(self) -> None:
        figure = self.figure(*[None] * 6)
        assert isinstance(figure["data"], list)
        assert all("yaxis" not in trace for trace in figure["data"])
        assert isinstance(figure["layout"], dict)
        assert "yaxis2" not in figure["layout"]


@pytest.fixture
def meter(utility: Tenant) -> Meter:
    Tenant.objects.filter(pk=utility.pk).update(zone="UTC")
    return factories.meter()


def chart_of(meter: Meter, extra: str = "", path: str = "consumption/") -> str:
    return (
        f"/t/aalund/meters/{meter.pk}/{path}?register=e1&step=day&from=2026-10-01&to=2026-10-03"
        + extra
    )


def asked(client: Client, address: str) -> tuple[str, int]:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode(), len(captured)


@pytest.mark.django_db
class TestChart:
    def test_the_switch_is_in_the_address_and_the_table_has_the_numbers(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        store(days={date(2026, 10, 1): 740, date(2026, 10, 3): -125})
        client.force_login(bob)
        client.get(chart_of(meter))
        without, few = asked(client, chart_of(meter))
        assert "7.4" not in without
        assert "&amp;outdoor=yes" in without
        shown, more = asked(client, chart_of(meter, "&outdoor=yes"))
        assert more == few + 2
        assert shown.count('<td class="num">7.4</td>') == 1
        assert shown.count('<td class="num">−1.3</td>') == 1
        # The way back, and on: to other windows with the option kept.
        assert 'name="outdoor" value="yes"' in shown
        assert "from=2026-09-28&amp;to=2026-09-30&amp;outdoor=yes" in shown

    def test_says_so_where_nothing_is_known(
        self, client: Client, alice: User, bob: User, meter: Meter
    ) -> None:
        client.force_login(bob)
        shown, _count = asked(client, chart_of(meter, "&outdoor=yes"))
        assert "No outdoor temperature is known" in shown
        assert PAGE not in shown.partition("No outdoor temperature is known")[2]
        client.force_login(alice)
        shown, _count = asked(client, chart_of(meter, "&outdoor=yes"))
        assert PAGE in shown.partition("No outdoor temperature is known")[2]

    def test_the_figure_has_it(self, client: Client, bob: User, meter: Meter) -> None:
        store(days={date(2026, 10, 1): 740})
        client.force_login(bob)
        figure = client.get(chart_of(meter, "&outdoor=yes", "consumption/figure.json")).json()
        assert figure["data"][-1]["y"] == ["7.4", None, None]
        assert "yaxis2" not in client.get(chart_of(meter, "", "consumption/figure.json")).json()

    def test_a_neighbours_weather_is_not_shown(
        self, client: Client, bob: User, meter: Meter, birkelse: Tenant
    ) -> None:
        with tenant_context(birkelse.pk):
            store(days={date(2026, 10, 1): 740})
        client.force_login(bob)
        shown, _count = asked(client, chart_of(meter, "&outdoor=yes"))
        assert "No outdoor temperature is known" in shown


def upload(client: Client, text: str) -> tuple[int, str, dict[str, object]]:
    file = SimpleUploadedFile("weather.csv", text.encode())
    answer = client.post(f"{PAGE}check/", {"file": file})
    assert answer.context is not None
    return answer.status_code, answer.content.decode(), {"signed": answer.context.get("signed")}


def yesterday() -> str:
    return f"{timezone.now() - timedelta(days=1):%d-%m-%Y}"


@pytest.mark.django_db
class TestPages:
    def test_a_file_is_shown_then_imported_then_taken_away(
        self, client: Client, alice: User, utility: Tenant
    ) -> None:
        client.force_login(alice)
        status, page, told = upload(client, f"{yesterday()} 10:00;7,4\n{yesterday()} 12:00;-1,25\n")
        assert status == 200
        for words_ in (f"{yesterday()} 10:00", "−1.25", "1 missing", "weather.csv"):
            assert words_ in page
        assert not OutdoorHour.objects.exists()
        answer = client.post(f"{PAGE}import/", {"series": told["signed"]}, follow=True)
        assert "2 temperatures imported." in answer.content.decode()
        assert OutdoorHour.objects.count() == 2
        period = {"first": yesterday(), "last": yesterday()}
        assert "2 hours and 0 days" in client.get(PAGE, period).content.decode()
        answer = client.post(f"{PAGE}remove/", period, follow=True)
        assert "2 temperatures removed." in answer.content.decode()
        assert not OutdoorHour.objects.exists()

    def test_a_file_with_one_bad_line_is_not_imported_at_all(
        self, client: Client, alice: User, utility: Tenant
    ) -> None:
        client.force_login(alice)
        status, page, told = upload(client, f"{yesterday()};7,4\n{yesterday()};<b>\n")
        assert status == 400
        assert "“&lt;b&gt;” is no number." in page
        assert told["signed"] is None

    @pytest.mark.parametrize("signed", ["", "forged", "e30:1abc:def"])
    def test_only_what_was_shown_is_imported(
        self, client: Client, alice: User, utility: Tenant, signed: str
    ) -> None:
        client.force_login(alice)
        answer = client.post(f"{PAGE}import/", {"series": signed})
        assert answer.status_code == 400
        assert "choose the file again" in answer.content.decode()

    def test_what_one_utility_was_shown_is_not_imported_into_another(
        self, client: Client, alice: User, charlie: User, utility: Tenant
    ) -> None:
        client.force_login(alice)
        _status, _page, told = upload(client, f"{yesterday()};7,4\n")
        client.force_login(charlie)
        address = f"{PAGE}import/".replace("aalund", "birkelse")
        assert client.post(address, {"series": told["signed"]}).status_code == 400

    def test_five_years_of_hours_go_through_the_form(
        self, client: Client, alice: User, utility: Tenant
    ) -> None:
        client.force_login(alice)
        newest = timezone.now().replace(minute=0, second=0, microsecond=0)
        lines = (
            f"{newest - number * HOUR:%Y-%m-%dT%H:%MZ};{(number * 37) % 300 / 10}\n"
            for number in range(365 * 24 * 4)
        )
        status, _page, told = upload(client, "".join(lines))
        assert status == 200
        assert client.post(f"{PAGE}import/", {"series": told["signed"]}).status_code == 302
        assert OutdoorHour.objects.count() == 365 * 24 * 4

    def test_a_wrong_period_and_no_file_are_told(
        self, client: Client, alice: User, utility: Tenant
    ) -> None:
        client.force_login(alice)
        store(days={date(2026, 10, 1): 740})
        answer = client.get(PAGE, {"first": "02-10-2026", "last": "01-10-2026"})
        assert answer.status_code == 400
        assert "This is before the first day." in answer.content.decode()
        assert client.post(f"{PAGE}remove/", {"first": "x", "last": ""}).status_code == 400
        assert client.post(f"{PAGE}check/").status_code == 400
        assert OutdoorDay.objects.count() == 1

    def test_a_user_neither_looks_nor_changes(
        self, client: Client, bob: User, utility: Tenant
    ) -> None:
        client.force_login(bob)
        assert client.get(PAGE).status_code == 403
        assert client.post(f"{PAGE}remove/", {}).status_code == 403


def test_nobody_reaches_a_neighbours_weather(
    committed: None, aalund: Tenant, birkelse: Tenant
) -> None:
    with transaction.atomic(), tenant_context(aalund.pk):
        store({utc(18, 14): 740})
        store(days={date(2026, 10, 18): 740})
    with transaction.atomic(), tenant_context(birkelse.pk):
        assert not OutdoorHour.objects.exists()
        assert means([(utc(18, 14), utc(18, 15))], BucketSize.HOUR, UTC, NOW)[0] == [None]
        with connection.cursor() as cursor:
            # Without a word about the utility: the database itself says no.
            for table in ("readings_outdoorhour", "readings_outdoorday"):
                cursor.execute(f"SELECT count(*) FROM {table}")
                assert cursor.fetchone() == (0,)
                cursor.execute(f"DELETE FROM {table}")
                assert cursor.rowcount == 0
    with transaction.atomic(), tenant_context(aalund.pk):
        assert OutdoorHour.objects.count() == OutdoorDay.objects.count() == 1
