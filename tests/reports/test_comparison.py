"""Data comparison: shared steps, means and use, two axes; the address holds it all."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from meters.models import Meter, MeterState
from meters.registers import BY_COLUMN
from readings import axes
from readings.models import Origin, Reading, Trust
from readings.rules.buckets import BucketSize
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web.units import UnitChoice
from reports import comparison
from tests import factories

pytestmark = pytest.mark.django_db
KWH = 3_600_000
UTC_ZONE = ZoneInfo("UTC")
TODAY = datetime.now(UTC).date()
DAY = TODAY - timedelta(days=1)
MIDNIGHT = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
PAGE = "/t/aalund/analysis/comparison/"
WINDOW = f"step=hour&from={DAY}&to={DAY}"


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    """Two readings an hour of yesterday until noon: 1 kWh and 10 °C more each hour."""
    with tenant_context(aalund.pk):
        Tenant.objects.filter(pk=aalund.pk).update(zone="UTC", energy_unit="kWh")
        meter = factories.meter(number="71234567")
        for half in range(25):
            at = MIDNIGHT + timedelta(minutes=30 * half)
            Reading.objects.create(
                tenant_id=aalund.pk,
                meter_id=meter.pk,
                ts=at,
                received_at=at,
                origin=Origin.FIXED_NETWORK,
                trust=Trust.MAC,
                e1=1_000 * KWH + half * KWH // 2,
                t1=10_000 + half * 500,
                flow1=1_000_000,
            )
        MeterState.objects.filter(meter=meter).update(e1=1_012 * KWH, t1=22_000, flow1=1, t2=None)
    return meter


def test_what_people_typed_is_text_in_a_chart() -> None:
    """Plotly makes links and tags of some HTML, and fills in %{…}."""
    typed = '<a href="https://evil.example">Vej</a> & %{y}'
    assert axes.plain(typed) == (
        '&lt;a href="https://evil.example"&gt;Vej&lt;/a&gt; &amp; &#37;{y}'
    )


def get(client: Client, who: User, address: str) -> Any:
    client.force_login(who)
    return client.get(address)


class TestNumbers:
    def figure(self, client: Client, bob: User, meter: Meter, *registers: str) -> Any:
        series = "&".join(f"s={meter.pk}.{one}" for one in registers)
        answer = get(client, bob, f"{PAGE}figure.json?{series}&{WINDOW}")
        assert answer.status_code == 200
        return answer.json()

    def test_a_measured_register_is_the_mean_of_its_readings(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        (line,) = self.figure(client, bob, meter, "t1")["data"]
        assert len(line["x"]) == 24
        assert line["y"][:2] == ["10.25", "11.25"]
        assert line["y"][12] == "22.00"  # one reading, at noon
        assert line["y"][13:] == [None] * 11  # a gap, not zero

    def test_a_counting_register_is_what_was_used(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        (line,) = self.figure(client, bob, meter, "e1")["data"]
        assert line["y"][:12] == ["1"] * 12
        assert line["y"][13] is None

    def test_two_units_have_an_axis_each_and_a_third_is_refused_in_words(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        figure = self.figure(client, bob, meter, "t1", "e1", "flow1")
        assert [line["yaxis"] for line in figure["data"]] == ["y", "y2"]
        assert figure["layout"]["yaxis"]["title"]["text"] == "°C"
        assert figure["layout"]["yaxis2"]["title"]["text"] == "kWh"
        series = "&".join(f"s={meter.pk}.{one}" for one in ("t1", "e1", "flow1"))
        page = get(client, bob, f"{PAGE}?{series}&{WINDOW}").content.decode()
        assert "would be a third unit" in page

    def test_the_table_and_the_file_have_the_same_numbers(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        series = f"s={meter.pk}.t1&s={meter.pk}.e1"
        page = get(client, bob, f"{PAGE}?{series}&{WINDOW}").content.decode()
        assert page.count('<td class="num">10.25</td>') == 1
        file = get(client, bob, f"{PAGE}export.csv?{series}&{WINDOW}").content.decode("utf-8-sig")
        lines = file.splitlines()
        assert lines[0] == "From,71234567 · T1 (°C),71234567 · E1 (kWh)"
        assert lines[1] == f"{DAY} 00:00+00:00,10.25,1"
        assert lines[24] == f"{DAY} 23:00+00:00,,"

    def test_a_neighbours_meter_is_not_compared(
        self, client: Client, charlie: User, meter: Meter
    ) -> None:
        address = f"/t/birkelse/analysis/comparison/?s={meter.pk}.t1&{WINDOW}"
        page = get(client, charlie, address).content.decode()
        assert "Nothing chosen yet" in page
        assert meter.number not in page


class TestChoosing:
    def test_what_is_found_offers_the_registers_it_has(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        page = get(client, bob, f"{PAGE}find/?q=7123&s={meter.pk}.t1&{WINDOW}").content.decode()
        assert f"s={meter.pk}.t1&amp;s={meter.pk}.e1" in page
        assert ">T2<" not in page
        assert 'disabled title="Flow temperature"' in page  # is there already

    def test_nothing_found_is_said(self, client: Client, bob: User, meter: Meter) -> None:
        assert "No meter is found" in get(client, bob, f"{PAGE}find/?q=nowhere").content.decode()


class TestAddress:
    def ask(self, *series: str, step: str = "", first: str = "", last: str = "") -> Any:
        return comparison.ask(series, step, first, last, date(2026, 11, 26), UTC_ZONE)

    def test_what_it_says_wrongly_is_as_if_it_were_not_there(self) -> None:
        asked = self.ask("1.t1", "1.t1", "x.t1", "1.nothing", "1.info", "²3.t1", step="second")
        assert [one.key for one in asked.choices] == ["1.t1"]
        assert asked.step is BucketSize.HOUR
        assert (asked.first, asked.last) == (date(2026, 11, 20), date(2026, 11, 26))

    def test_is_reproduced(self) -> None:
        asked = self.ask("1.t1", "2.e1", step="5min", first="2026-11-01", last="2026-11-02")
        again = asked.address()
        assert again == "?s=1.t1&s=2.e1&step=5min&from=2026-11-01&to=2026-11-02"

    def test_a_step_too_fine_gives_way_and_says_so(self) -> None:
        asked = self.ask("1.t1", step="5min", first="2026-01-01", last="2026-11-01")
        assert (asked.step, asked.coarsened_from) == (BucketSize.DAY, BucketSize.FIVE_MINUTES)

    def test_too_many_are_counted_not_drawn(self) -> None:
        asked = self.ask(*(f"{number}.t1" for number in range(1, 12)))
        assert len(asked.choices) == comparison.MOST_SERIES
        assert asked.left_out == 3

    def test_days_the_wrong_way_round_are_turned(self) -> None:
        asked = self.ask("1.t1", first="02-11-2026", last="01-11-2026")
        assert (asked.first, asked.last) == (date(2026, 11, 1), date(2026, 11, 2))


def test_an_hour_that_the_clocks_repeat_is_two_steps(aalund: Tenant) -> None:
    asked = comparison.ask(
        ["1.t1"],
        "hour",
        "2026-10-25",
        "2026-10-25",
        date(2026, 11, 26),
        ZoneInfo("Europe/Copenhagen"),
    )
    with tenant_context(aalund.pk):
        answer = comparison.answer(asked, UnitChoice("kWh"), datetime(2026, 11, 26, tzinfo=UTC))
    assert len(answer.labels) == 25
    assert [one[-6:] for one in answer.labels[2:4]] == ["02:00A", "02:00B"]
    assert not answer.lines
    assert BY_COLUMN["t1"].code == "T1"
