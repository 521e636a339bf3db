"""No page asks the database more often because there is more to show: a fixed number, recorded.

The numbers hold session, person, membership, rights, transaction and utility settings (about 9).
A page that needs one more says so here.
"""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from meters import desk, groups, listing, services
from meters.models import PRIORITY_INTERVAL_S, Meter, MeterImport, MeterState, SupplyPoint
from notifications.models import InfoCodePeriod
from readings.exchange import Visit, exchange_meter
from readings.models import Origin, Reading, Trust
from readings.planning import plan_exchange
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.django_db
# Address → statements. {meter}, {place}, {customer}, {group}, {import}: of the first; {many}: all
# meters, as the comparison names them.
PAGES = {
    "": 24,
    "performance/": 19,
    "meters/": 20,
    "meters/?sort=customer": 20,
    "meters/?group={group}": 20,
    "meters/{meter}/": 15,
    "meters/{meter}/drawer/": 15,
    "meters/{meter}/consumption/": 40,
    "meters/{meter}/consumption/?outdoor=yes": 42,  # hours and days
    "meters/{meter}/readings/": 20,
    "meters/{meter}/events/": 18,
    "meters/{meter}/history/": 18,
    "meters/{meter}/exchange/": 18,
    "meters/{meter}/exchange/plan/": 18,
    "meters/{meter}/report/send/": 16,
    "meters/exchanges/": 15,
    "meters/priority/": 16,
    "meters/groups/": 13,
    "meters/groups/{group}/": 13,
    "meters/import/": 13,
    "meters/import/{import}/": 13,
    "meters/map/": 14,
    "meters/map/list/": 15,
    "meters/map/spots.json": 12,
    "meters/key-doctor/": 15,
    "customers/": 14,
    "customers/{customer}/": 16,
    "places/{place}/": 15,
    "analysis/comparison/": 12,
    "analysis/comparison/find/?q=Vej": 16,
    "operation/collectors/": 15,
    "operation/info-codes/": 14,
    "meters/?q=vej": 20,
    "meters/?q=vej&in=address": 20,
    "meters/?cooling=20": 18,
    "meters/count.json?q=vej": 14,
    "meters/{meter}/key/": 18,
    "meters/{meter}/telegrams/": 17,
    "meters/{meter}/report.pdf": 45,
    "meters/keys/": 13,
    "customers/?q=Customer": 14,
    "places/{place}/residents/": 15,
    "analysis/consumption/": 48,
    "operation/telegrams/": 16,
    "operation/quarantine/": 16,
    "operation/outbox/": 16,
    "search/?q=Vej": 18,
    "configuration/": 13,
    "configuration/audit/": 14,
    "configuration/keeping/": 21,
    "configuration/letterhead/": 13,
    "configuration/outdoor-temperature/": 14,
    "configuration/roles/": 15,
    "configuration/tokens/": 14,
    "configuration/users/": 15,
}
# More for each series that is compared: they are at most eight, and days that are not settled yet
# are computed from their readings.
A_SERIES = 12


def fill(tenant: Tenant, count: int, first: int) -> dict[str, int]:
    """So many houses, each with all that the pages show."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    made: dict[str, int] = {}
    with tenant_context(tenant.pk):
        group = groups.create_group(name=f"Group {first}", actor=factories.ACTOR)
        for number in range(first, first + count):
            meter = factories.meter(number=f"8{number:07d}", interval_s=PRIORITY_INTERVAL_S)
            customer = services.register_customer(
                number=str(number), name=f"Customer {number}", actor=factories.ACTOR
            )
            place: SupplyPoint = factories.place(street=f"Vej {number}", customer=customer)
            installation = services.install_meter(
                meter=meter,
                supply_point=place,
                at=now - timedelta(days=30),
                registers={},
                actor=factories.ACTOR,
            )
            for hours in range(3):
                Reading.objects.create(
                    tenant_id=tenant.pk,
                    meter_id=meter.pk,
                    ts=now - timedelta(hours=hours),
                    received_at=now,
                    origin=Origin.FIXED_NETWORK,
                    trust=Trust.MAC,
                    e1=(100 - hours) * 3_600_000,
                )
            former = services.install_meter(
                meter=factories.meter(number=f"2{number:07d}"),
                supply_point=factories.place(street=f"Sti {number}", customer=customer),
                at=now - timedelta(days=40),
                registers={"e1": 0},
                actor=factories.ACTOR,
            )
            exchanged_at = now - timedelta(days=9)
            exchange_meter(
                installation=former,
                new_meter=factories.meter(number=f"3{number:07d}", in_stock=True),
                visit=Visit(exchanged_at, exchanged_at, {"e1": 9}, {"e1": 0}, {}),
                actor=factories.ACTOR,
                now=now,
            )
            MeterState.objects.filter(meter=meter).update(
                heard_at=now, read_at=now, e1=100 * 3_600_000, conditions=["leak"], trouble=17
            )
            InfoCodePeriod.objects.create(meter=meter, code="leak", starts_at=now)
            plan_exchange(
                installation=installation,
                new_meter=None,
                planned_on=now.date() + timedelta(days=3),
                note="",
                actor=factories.ACTOR,
                today=now.date(),
            )
            factories.collector()
            factories.meter(in_stock=True)
            job = MeterImport.objects.create(
                state="checked", file_name=f"{number}.csv", actor_name="x", content=b"a;b\n"
            )
            made = made or {
                "meter": meter.pk,
                "place": place.pk,
                "customer": customer.pk,
                "group": group.pk,
                "import": job.pk,
            }
        everything = Meter.objects.all()
        groups.add_to_group(group=group, meters=everything, actor=factories.ACTOR)
        groups.create_group(
            name=f"Cold {first}", rule="cooling=20", find=listing.find, actor=factories.ACTOR
        )
        desk.save_filter(
            user_id=User.objects.get().pk,
            list_key="meters",
            name=f"Filter {first}",
            query="?cooling=20",
            shared=False,
            actor=factories.ACTOR,
        )
        factories.mark_days()
    return made


def asked(client: Client, address: str) -> int:
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(f"/t/aalund/{address}")
    assert answer.status_code == 200, address
    return len(captured)


def test_pages_ask_a_fixed_number_of_questions(client: Client, alice: User, aalund: Tenant) -> None:
    client.force_login(alice)
    things = fill(aalund, 2, 1)
    addresses = {path: path.format(**things) for path in PAGES}
    for address in addresses.values():
        client.get(f"/t/aalund/{address}")  # what is looked up once a process
    few = {path: asked(client, address) for path, address in addresses.items()}
    fill(aalund, 4, 3)
    many = {path: asked(client, address) for path, address in addresses.items()}
    assert many == few, "more to show, more statements"
    assert few == PAGES


def test_a_comparison_asks_no_more_than_a_little_for_each_of_its_series(
    client: Client, alice: User, aalund: Tenant
) -> None:
    client.force_login(alice)
    fill(aalund, 8, 1)
    with tenant_context(aalund.pk):
        meters = list(
            Meter.objects.filter(in_stock=False).order_by("pk").values_list("pk", flat=True)
        )
    chosen = [f"s={pk}.e1" for pk in meters]
    address = "analysis/comparison/?step=day&"
    counts = [asked(client, address + "&".join(chosen[:some])) for some in (1, 2, 8)]
    assert counts[1] - counts[0] <= A_SERIES
    assert counts[2] - counts[0] <= 7 * A_SERIES
