"""Units: the utility's, a person's own on pages, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from meters.models import Meter, MeterState
from readings.listing import key_of
from readings.models import Origin, Reading, Trust
from ready.accounts.models import User
from ready.accounts.services import InvalidCustoms, change_profile
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web.units import CHOICES, UnitChoice
from tests import factories

pytestmark = pytest.mark.django_db
AT = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
VALUES = {"e1": 3_600_000_000, "v1": 2_500_000, "flow1": 1_250_000, "power1": 2_500, "p1": 4_200}
OWN = {"energy": "GJ", "volume": "L", "flow": "m³/h", "power": "W", "pressure": "mbar"}


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    with tenant_context(aalund.pk):
        made = factories.meter()
        Reading.objects.create(
            tenant_id=aalund.pk,
            meter_id=made.pk,
            ts=AT,
            received_at=AT,
            origin=Origin.FIXED_NETWORK,
            trust=Trust.MAC,
            **VALUES,
        )
        MeterState.objects.filter(meter=made).update(read_at=AT, **VALUES)
    return made


def cells(client: Client, who: User, address: str) -> str:
    client.force_login(who)
    answer: Any = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_a_person_sees_their_own_units_and_others_the_utilitys(
    client: Client, alice: User, bob: User, meter: Meter
) -> None:
    change_profile(user=alice, name="Alice", language="en", units=OWN)
    address = f"/t/aalund/meters/{meter.pk}/readings/{key_of(AT)}/"
    own, others = cells(client, alice, address), cells(client, bob, address)
    for number, unit in (("3.600", "GJ"), ("2500", "L"), ("1.250", "m³/h"), ("4200", "mbar")):
        pair = f'<td class="num">{number}</td><td class="unit">{unit}</td>'
        assert pair in own
        assert pair not in others
    for number, unit in (("1.000", "MWh"), ("2.50", "m³"), ("1250", "L/h"), ("4.20", "bar")):
        assert f'<td class="num">{number}</td><td class="unit">{unit}</td>' in others


def test_what_a_person_types_is_taken_in_their_units(
    client: Client, alice: User, aalund: Tenant, meter: Meter
) -> None:
    change_profile(user=alice, name="Alice", language="en", units=OWN)
    address = f"/t/aalund/meters/{meter.pk}/readings/{key_of(AT)}/correct/"
    form = cells(client, alice, address)
    assert "Volume (V1), L" in form
    client.post(address, {"e1": "3.6", "v1": "2501", "flow1": "", "reason": "ZA4"})
    with tenant_context(aalund.pk):
        assert Reading.objects.get().v1 == 2_501_000
        assert Reading.objects.get().e1 == VALUES["e1"]


def test_files_are_in_the_utilitys_units(client: Client, alice: User, meter: Meter) -> None:
    change_profile(user=alice, name="Alice", language="en", units=OWN)
    day = AT.date().isoformat()
    query = f"?s={meter.pk}.flow1&step=hour&from={day}&to={day}"
    file = cells(client, alice, f"/t/aalund/analysis/comparison/export.csv{query}")
    assert "L/h" in file
    assert "m³/h" not in file


def test_the_profile_sets_and_clears_them(client: Client, alice: User) -> None:
    client.force_login(alice)
    form = {"name": "Alice", "language": "en"}
    given = form | {f"{quantity}_unit": unit for quantity, unit in OWN.items()}
    assert client.post("/profile/save/", given).status_code == 302
    alice.refresh_from_db()
    assert alice.own_units == OWN
    assert '<option value="GJ" selected>' in cells(client, alice, "/profile/")
    assert client.post("/profile/save/", form).status_code == 302
    alice.refresh_from_db()
    assert set(alice.own_units.values()) == {""}


def test_a_unit_that_ready_does_not_know_is_refused(client: Client, alice: User) -> None:
    with pytest.raises(InvalidCustoms, match="furlong"):
        change_profile(user=alice, name="A", language="en", units={"volume": "furlong"})
    client.force_login(alice)
    given = {"name": "A", "language": "en", "volume_unit": "furlong"}
    assert client.post("/profile/save/", given).status_code == 400


def test_the_usual_choice_is_the_first_of_each_quantity() -> None:
    assert UnitChoice(**{one: units[0] for one, units in CHOICES.items()}) == UnitChoice()
