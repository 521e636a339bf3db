"""The map: what is in a window, how it stands, and that a window is no bigger than its screen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from meters import groups
from meters.mapping import Window
from meters.models import Meter, MeterState, SupplyPoint
from meters.services import install_meter
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
SPOTS = "/t/aalund/meters/map/spots.json"
# A small town: 0.01 degrees, about a kilometre.
TOWN = "55.0,9.0,55.01,9.01"


def placed(latitude: float, longitude: float, *, heard: bool = True, **state: Any) -> Meter:
    fields = {key: state.pop(key) for key in ("manufacturer", "number") if key in state}
    meter = factories.meter(**fields)
    place = factories.place()
    SupplyPoint.objects.filter(pk=place.pk).update(
        latitude=round(latitude * 1e6), longitude=round(longitude * 1e6)
    )
    install_meter(
        meter=meter,
        supply_point=place,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        registers={},
        actor=factories.ACTOR,
    )
    if heard:
        state["heard_at"] = timezone.now()
    MeterState.objects.filter(meter=meter).update(**state)
    return meter


@pytest.fixture
def town(aalund: Tenant) -> dict[str, Meter]:
    with tenant_context(aalund.pk):
        made = {
            "read": placed(55.001, 9.001, t1=70_000, t2=30_000, rssi_dbm=-80),
            "leak": placed(55.003, 9.003, conditions=["leak"], t1=70_000, t2=55_000),
            "silent": placed(55.005, 9.005, heard=False, rssi_dbm=-99),
            "other": placed(55.007, 9.007, manufacturer="ELV", heard=False),
            "far": placed(56.0, 10.0),
        }
        old = timezone.now() - timedelta(days=3)
        MeterState.objects.filter(meter=made["silent"]).update(heard_at=old)
        factories.meter(in_stock=True)
    return made


def spots(client: Client, who: User, query: str = "", zoom: int = 18, window: str = TOWN) -> Any:
    client.force_login(who)
    answer = client.get(f"{SPOTS}?window={window}&zoom={zoom}&{query}")
    assert answer.status_code == 200
    return answer.json()


def levels(told: Any, town: dict[str, Meter]) -> dict[str, int]:
    by_id = {meter.pk: name for name, meter in town.items()}
    return {by_id[row[4]]: row[3] for row in told["spots"]}


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("state", {"read": 1, "leak": 3, "silent": 2, "other": 9}),
        ("nonsense", {"read": 1, "leak": 3, "silent": 2, "other": 9}),
        ("leak", {"read": 1, "leak": 3, "silent": 1, "other": 1}),
        ("cooling", {"read": 1, "leak": 3, "silent": 0, "other": 0}),
        ("signal", {"read": 1, "leak": 0, "silent": 3, "other": 0}),
    ],
)
def test_each_layer_tells_how_meters_stand(
    client: Client, bob: User, town: dict[str, Meter], layer: str, expected: dict[str, int]
) -> None:
    assert levels(spots(client, bob, f"layer={layer}"), town) == expected


def test_a_cooling_meter_has_no_cooling(
    client: Client, aalund: Tenant, bob: User, town: dict[str, Meter]
) -> None:
    with tenant_context(aalund.pk):
        Meter.objects.filter(pk=town["leak"].pk).update(medium="cooling")
    assert levels(spots(client, bob, "layer=cooling"), town)["leak"] == 0


def test_far_away_they_are_one_cluster_that_shows_the_worst(
    client: Client, bob: User, town: dict[str, Meter]
) -> None:
    told = spots(client, bob, zoom=5, window="50,5,60,15")
    assert told["total"] == 5
    assert [row[3] for row in told["spots"] if row[2] >= 4] == [3]


def test_the_legend_and_the_list_narrow_it(
    client: Client, aalund: Tenant, bob: User, town: dict[str, Meter]
) -> None:
    assert levels(spots(client, bob, "levels=3,9"), town) == {"leak": 3, "other": 9}
    with tenant_context(aalund.pk):
        group = groups.create_group(name="West", actor=factories.ACTOR)
        groups.add_to_group(
            group=group, meters=Meter.objects.filter(pk=town["read"].pk), actor=factories.ACTOR
        )
    assert levels(spots(client, bob, f"group={group.pk}"), town) == {"read": 1}
    number = town["leak"].number
    assert levels(spots(client, bob, f"q={number}&cooling=20"), town) == {"leak": 3}


def test_many_at_close_range_are_still_few_spots(
    client: Client, aalund: Tenant, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meters.mapping.POINTS_MAX", 3)
    with tenant_context(aalund.pk):
        for _n in range(5):
            placed(55.001, 9.001)
    told = spots(client, bob)
    assert [row[2] for row in told["spots"]] == [5]


@pytest.mark.parametrize("window", ["", "1,2,3", "a,b,c,d", "60,9,50,10", "nan,nan,nan,nan"])
def test_what_is_no_window_is_refused(client: Client, bob: User, window: str) -> None:
    client.force_login(bob)
    assert client.get(f"{SPOTS}?window={window}&zoom=5").status_code == 400


@pytest.mark.parametrize("zoom", [-5, 0, 99])
def test_any_zoom_has_squares(zoom: int) -> None:
    window = Window.parse("-89,-180,89,180", str(zoom))
    assert window is not None
    assert min(window.cell) >= 1


def test_the_list_beside_has_the_loudest_first(
    client: Client, bob: User, town: dict[str, Meter]
) -> None:
    client.force_login(bob)
    answer = client.get(f"/t/aalund/meters/map/list/?window={TOWN}&zoom=18")
    text = answer.content.decode()
    order = [text.index(town[name].number) for name in ("leak", "silent", "read")]
    assert order == sorted(order)
    assert town["far"].number not in text
    assert (
        "No meters in this window."
        in client.get("/t/aalund/meters/map/list/?window=1,1,2,2&zoom=9").content.decode()
    )


def test_the_page_says_when_no_place_has_a_position(
    client: Client, bob: User, aalund: Tenant
) -> None:
    client.force_login(bob)
    text = client.get("/t/aalund/meters/map/").content.decode()
    assert "No place has a position yet" in text


def test_the_page_knows_how_far_the_utility_reaches(
    client: Client,
    bob: User,
    town: dict[str, Meter],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client.force_login(bob)
    with django_assert_max_num_queries(20):
        text = client.get("/t/aalund/meters/map/?layer=cooling").content.decode()
    assert 'data-reach="55.001000,9.001000,56.000000,10.000000"' in text
    assert "below 20 K" in text


def test_the_drawer_shows_where_it_is(client: Client, bob: User, town: dict[str, Meter]) -> None:
    client.force_login(bob)
    text = client.get(f"/t/aalund/meters/{town['read'].pk}/drawer/").content.decode()
    assert "?at=55.001000,9.001000,17" in text
    assert "viewpoint=55.001000,9.001000" in text


def test_collectors_stand_on_it(client: Client, aalund: Tenant, bob: User) -> None:
    with tenant_context(aalund.pk):
        factories.collector(name="C-01", latitude=55_000_000, longitude=9_000_000)
        factories.collector(name="C-02")
    client.force_login(bob)
    told = client.get("/t/aalund/operation/collectors/positions.json").json()
    assert told == {"collectors": [[55.0, 9.0, "C-01", "/t/aalund/operation/collectors/"]]}


def test_a_stranger_sees_nothing(client: Client, charlie: User, town: dict[str, Meter]) -> None:
    client.force_login(charlie)
    for path in (SPOTS, "/t/aalund/meters/map/", "/t/aalund/meters/map/list/"):
        assert client.get(path).status_code == 404
    told = client.get(f"/t/birkelse/meters/map/spots.json?window={TOWN}&zoom=3").json()
    assert told == {"spots": [], "total": 0}
