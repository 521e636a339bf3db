"""An exchange prepared before the visit: kept, changed, entered, cancelled, and back again."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from meters import services
from meters.models import Medium, Meter
from readings.exchange import Visit, exchange_meter, undo_exchange
from readings.exchanges import Unfinished, unfinished
from readings.models import PlannedExchange
from readings.planning import plan_exchange
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
OVERVIEW = "/t/aalund/meters/exchanges/"


def text_of(day: object) -> str:
    return f"{day:%d-%m-%Y}"


@pytest.fixture
def old(aalund: Tenant) -> Meter:
    return mounted(aalund, "71000001", "Lærkevej 4")


@pytest.fixture
def new(aalund: Tenant) -> Meter:
    with tenant_context(aalund.pk):
        return factories.meter(number="72000002", in_stock=True)


def mounted(tenant: Tenant, number: str, street: str) -> Meter:
    with tenant_context(tenant.pk):
        meter = factories.meter(number=number)
        services.install_meter(
            meter=meter,
            supply_point=factories.place(street=street),
            at=timezone.now() - timedelta(days=100),
            registers={},
            actor=factories.ACTOR,
        )
    return meter


def plan(client: Client, meter: Meter, **told: str) -> int:
    tomorrow = timezone.localdate() + timedelta(days=1)
    data = {"planned_on": text_of(tomorrow), "number": "", "note": "Key at the neighbour's"} | told
    address = f"/t/aalund/meters/{meter.pk}/exchange/plan/"
    return client.post(address, data).status_code


def state_of(tenant: Tenant) -> str:
    with tenant_context(tenant.pk):
        return str(PlannedExchange.objects.get().state)


def exchange(tenant: Tenant, old: Meter, new: Meter) -> None:
    now = timezone.now()
    at = now - timedelta(minutes=5)
    with tenant_context(tenant.pk):
        exchange_meter(
            installation=old.installations.get(),
            new_meter=new,
            visit=Visit(at, at, {"e1": 0}, {"e1": 0}, {}),
            actor=factories.ACTOR,
            now=now,
        )


def test_is_prepared_changed_and_shown_where_it_is_looked_for(
    client: Client, alice: User, aalund: Tenant, old: Meter, new: Meter
) -> None:
    client.force_login(alice)
    assert plan(client, old) == 302
    text = client.get(OVERVIEW).content.decode()
    assert "Lærkevej 4" in text
    assert "to be chosen" in text
    assert "Key at the neighbour" in text
    assert plan(client, old, number="72000002", planned_on=text_of(timezone.localdate())) == 302
    text = client.get(OVERVIEW).content.decode()
    assert f"/meters/{old.pk}/exchange/?new={new.pk}" in text
    assert "due" in text
    assert "72000002" in client.get(f"/t/aalund/meters/{old.pk}/history/").content.decode()
    with tenant_context(aalund.pk):
        assert unfinished(timezone.localdate()) == Unfinished(planned=1, due=1, registers=0)
        events = AuditEntry.objects.filter(event="meter.exchange_planned").order_by("pk")
        assert [one.after["new_meter"] for one in events] == [None, new.pk]
        assert Meter.objects.get(pk=new.pk).in_stock, "nothing is mounted by a plan"
    line = client.get("/t/aalund/").content.decode()
    assert OVERVIEW in line


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"planned_on": "01-01-2020"}, "This day is over"),
        ({"planned_on": "01-01-2150"}, "within three years"),
        ({"planned_on": "soon"}, "Type a day"),
        ({"number": "99999999"}, "There is no meter with the serial number"),
        ({"number": "71000001"}, "The new meter is the old one"),
        ({"number": "73000003"}, "that is no exchange"),
        ({"number": "71000009"}, "is mounted already"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_kept(
    client: Client, alice: User, aalund: Tenant, old: Meter, told: dict[str, str], says: str
) -> None:
    mounted(aalund, "71000009", "Lærkevej 9")
    with tenant_context(aalund.pk):
        factories.meter(number="73000003", in_stock=True, medium=Medium.WATER)
    client.force_login(alice)
    address = f"/t/aalund/meters/{old.pk}/exchange/plan/"
    tomorrow = timezone.localdate() + timedelta(days=1)
    answer = client.post(address, {"planned_on": text_of(tomorrow), **told})
    assert answer.status_code == 400
    assert says in answer.content.decode()
    with tenant_context(aalund.pk):
        assert not PlannedExchange.objects.exists()


def test_a_meter_is_kept_for_one_place(
    client: Client, alice: User, aalund: Tenant, old: Meter, new: Meter
) -> None:
    other = mounted(aalund, "71000009", "Lærkevej 9")
    client.force_login(alice)
    assert plan(client, old, number="72000002") == 302
    assert plan(client, other, number="72000002") == 400
    # The fitter took it all the same: what happened counts, and the plan wants another meter.
    exchange(aalund, other, new)
    with tenant_context(aalund.pk):
        kept = PlannedExchange.objects.get()
        assert (kept.state, kept.new_meter_id) == ("planned", None)


def test_is_done_once_the_exchange_is_entered_and_waits_again_once_it_is_taken_back(
    client: Client, alice: User, aalund: Tenant, old: Meter, new: Meter
) -> None:
    client.force_login(alice)
    plan(client, old, number="72000002")
    exchange(aalund, old, new)
    assert state_of(aalund) == "done"
    with tenant_context(aalund.pk):
        newer = new.installations.get()
        undo_exchange(installation=newer, actor=factories.ACTOR, now=timezone.now())
        again = PlannedExchange.objects.get()
        assert (again.state, again.new_meter_id) == ("planned", new.pk)


def test_is_cancelled(client: Client, alice: User, aalund: Tenant, old: Meter) -> None:
    client.force_login(alice)
    plan(client, old)
    address = f"/t/aalund/meters/{old.pk}/exchange/plan/cancel/"
    assert client.post(address).status_code == 302
    assert state_of(aalund) == "cancelled"
    assert "The prepared exchange is cancelled." in client.get(OVERVIEW).content.decode()
    client.post(address)
    assert "no longer prepared" in client.get(OVERVIEW).content.decode()
    assert plan(client, old) == 302, "and prepared anew"


def test_who_only_looks_sees_and_changes_nothing(
    client: Client, alice: User, bob: User, aalund: Tenant, old: Meter
) -> None:
    client.force_login(alice)
    plan(client, old)
    client.force_login(bob)
    text = client.get(OVERVIEW).content.decode()
    assert "Lærkevej 4" in text
    assert "Enter the exchange" not in text
    assert plan(client, old) == 403


def test_the_page_asks_a_fixed_number_of_questions(
    client: Client,
    alice: User,
    aalund: Tenant,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    today = timezone.localdate()
    with tenant_context(aalund.pk):
        for number in range(5):
            meter = mounted(aalund, f"7100010{number}", f"Lærkevej {number}")
            plan_exchange(
                installation=meter.installations.get(),
                new_meter=None,
                planned_on=today,
                note="",
                actor=factories.ACTOR,
                today=today,
            )
    client.force_login(alice)
    client.get(OVERVIEW)
    with django_assert_num_queries(15):
        client.get(OVERVIEW)
