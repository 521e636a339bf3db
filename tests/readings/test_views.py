"""The chart, its figure and the readings, as people of two utilities see them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from meters.models import Meter, MeterState
from readings.listing import instant_of, key_of
from readings.models import Origin, Reading, Trust
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
KWH = 3_600_000
# Whole hours of yesterday: in partitions that exist, and over.
MIDNIGHT = datetime.combine(timezone.now().date() - timedelta(days=1), datetime.min.time(), UTC)
DAY = MIDNIGHT.date().isoformat()


def make_meter(tenant: Tenant) -> Meter:
    """A heat meter with hourly readings of two days: 2 kWh an hour, and nothing from 10 to 14."""
    with tenant_context(tenant.pk):
        meter = factories.meter()
        hours = [hour for hour in range(-3, 24) if not 10 <= hour < 14]
        for hour in hours:
            at = MIDNIGHT + timedelta(hours=hour)
            Reading.objects.create(
                tenant_id=tenant.pk,
                meter_id=meter.pk,
                ts=at,
                received_at=at,
                origin=Origin.FIXED_NETWORK,
                trust=Trust.MAC,
                e1=(1_000 + 2 * hour) * KWH,
                t1=71_230,
            )
        factories.mark_days()
        MeterState.objects.filter(meter=meter).update(
            e1=1_046 * KWH, v1=1, t1=71_230, read_at=MIDNIGHT + timedelta(hours=23)
        )
    return meter


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    # In UTC hours and days are the same everywhere in these tests.
    with tenant_context(aalund.pk):
        Tenant.objects.filter(pk=aalund.pk).update(zone="UTC", energy_unit="kWh")
    return make_meter(aalund)


def page(client: Client, who: User, address: str, **headers: str) -> Any:
    client.force_login(who)
    return client.get(address, headers=headers or None)


def address(meter: Meter, part: str, query: str = "") -> str:
    return f"/t/aalund/meters/{meter.pk}/{part}{query}"


HOURS = f"?register=e1&step=hour&from={DAY}&to={DAY}"


class TestChart:
    def test_the_page_has_the_numbers_and_the_figures_address(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        answer = page(client, bob, address(meter, "consumption/", HOURS))
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "<html" in text
        assert f'data-figure="/t/aalund/meters/{meter.pk}/consumption/figure.json' in text
        for shown in ("Consumption by hour", "Measured", "Estimated", "1000"):
            assert shown in text

    def test_htmx_gets_the_part_and_the_address_follows(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": "https://x/t/aalund/meters/1/"}
        answer = page(client, bob, address(meter, "consumption/", HOURS), **headers)
        assert "<html" not in answer.content.decode()
        assert answer["HX-Push-Url"] == HOURS

    def test_the_first_part_of_a_page_does_not_touch_the_address(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": f"https://x/t/a/meters/1/{HOURS}"}
        answer = page(client, bob, address(meter, "consumption/", HOURS), **headers)
        assert "HX-Push-Url" not in answer
        answer = page(client, bob, address(meter, "consumption/"), **headers)
        assert "HX-Push-Url" not in answer

    @pytest.mark.parametrize(
        "query", ["?register=password", "?step=century&from=x&to=y", "?register=t1"]
    )
    def test_a_wrong_address_shows_the_default(
        self, client: Client, bob: User, meter: Meter, query: str
    ) -> None:
        answer = page(client, bob, address(meter, "consumption/", query))
        assert answer.status_code == 200
        assert "Consumption by day" in answer.content.decode()

    def test_too_many_hours_are_told(self, client: Client, bob: User, meter: Meter) -> None:
        query = "?register=e1&step=hour&from=2020-01-01&to=2020-12-31"
        text = page(client, bob, address(meter, "consumption/", query)).content.decode()
        assert "too many bars" in text
        assert "“Hour”" in text

    def test_a_meter_without_readings_has_an_empty_chart(
        self, client: Client, bob: User, aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            silent = factories.meter()
        for part in ("consumption/", "consumption/figure.json"):
            assert page(client, bob, address(silent, part)).status_code == 200

    def test_takes_a_fixed_number_of_statements(
        self,
        client: Client,
        bob: User,
        meter: Meter,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.force_login(bob)
        with django_assert_max_num_queries(24):
            client.get(address(meter, "consumption/", HOURS))


class TestFigure:
    def bars(self, client: Client, who: User, meter: Meter) -> dict[str, dict[int, str]]:
        answer = page(client, who, address(meter, "consumption/figure.json", HOURS))
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/json"
        return {
            trace["name"]: dict(zip(trace["x"], trace["y"], strict=True))
            for trace in answer.json()["data"]
            if trace["type"] == "bar"
        }

    def test_bars_are_what_the_registers_say(self, client: Client, bob: User, meter: Meter) -> None:
        bars = self.bars(client, bob, meter)
        measured = [*range(9), *range(14, 23)]
        assert bars["Measured"] == dict.fromkeys(measured, "2")
        # The sum over the gap is known, its shape is not.
        assert bars["Estimated over a gap"] == dict.fromkeys(range(9, 14), "2")

    def test_another_utilitys_figure_is_not_found(
        self, client: Client, alice: User, birkelse: Tenant
    ) -> None:
        theirs = make_meter(birkelse)
        for part in (
            "consumption/",
            "consumption/figure.json",
            "readings/",
            f"readings/{key_of(MIDNIGHT)}/",
        ):
            assert page(client, alice, address(theirs, part)).status_code == 404, part


class TestReadings:
    def test_are_listed_newest_first(self, client: Client, bob: User, meter: Meter) -> None:
        text = page(client, bob, address(meter, "readings/")).content.decode()
        newest, oldest = text.index(f"{MIDNIGHT:%d-%m-%Y} 23:00"), text.index("21:00</time>")
        assert newest < oldest
        for shown in ("1046", "71.23", "Fixed network", "Authenticated", "E1", "T1"):
            assert shown in text

    def test_older_ones_begin_after_a_key(self, client: Client, bob: User, meter: Meter) -> None:
        query = f"?before={key_of(MIDNIGHT)}"
        text = page(client, bob, address(meter, "readings/", query)).content.decode()
        assert text.count("data-href") == 3
        assert "Newest" in text

    @pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "9" * 19])
    def test_a_wrong_key_begins_with_the_newest(
        self, client: Client, bob: User, meter: Meter, before: str
    ) -> None:
        text = page(client, bob, address(meter, "readings/", f"?before={before}")).content.decode()
        assert text.count("data-href") == 23

    def test_a_meter_without_any_says_so(self, client: Client, bob: User, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            silent = factories.meter()
        text = page(client, bob, address(silent, "readings/")).content.decode()
        assert "No readings yet" in text

    def test_one_reading_tells_all_it_knows(self, client: Client, bob: User, meter: Meter) -> None:
        answer = page(client, bob, address(meter, f"readings/{key_of(MIDNIGHT)}/"))
        assert answer.status_code == 200
        text = answer.content.decode()
        for shown in ("1000", "71.23", "Authenticated", "Fixed network", "telegrams/"):
            assert shown in text

    @pytest.mark.parametrize("key", [0, 10**18, key_of(MIDNIGHT) + 1])
    def test_a_reading_that_is_not_there_is_not_found(
        self, client: Client, bob: User, meter: Meter, key: int
    ) -> None:
        assert page(client, bob, address(meter, f"readings/{key}/")).status_code == 404


def test_a_key_is_the_instant_to_the_microsecond() -> None:
    at = datetime(2026, 11, 23, 12, 0, 0, 1, tzinfo=UTC)
    assert instant_of(key_of(at)) == at
    assert instant_of(-1) is None
    assert instant_of(10**18) is None
