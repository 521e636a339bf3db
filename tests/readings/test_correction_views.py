"""Readings corrected, entered and estimated, as people do it on their pages."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from collectors.pipeline import import_readings
from meters.models import Meter
from readings import findings
from readings.listing import key_of
from readings.models import Estimation, Reading, Status, Version
from readings.rules.validation import Finding, Rule
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.readings.test_daily import reading
from tests.readings.test_views import HOURS, KWH, MIDNIGHT, make_meter

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
FIVE = MIDNIGHT + 5 * HOUR
WHY = {"reason": "ZA4", "note": "two digits swapped"}


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    """2 kWh an hour, 1,000 kWh at midnight; nothing between 9 and 14 o'clock."""
    with tenant_context(aalund.pk):
        Tenant.objects.filter(pk=aalund.pk).update(zone="UTC", energy_unit="kWh")
    return make_meter(aalund)


def at(meter: Meter, part: str = "") -> str:
    return f"/t/aalund/meters/{meter.pk}/readings/{key_of(FIVE)}/{part}"


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def value(aalund: Tenant, moment: Any = FIVE) -> int | None:
    with tenant_context(aalund.pk):
        found: int | None = Reading.objects.get(ts=moment).e1
        return found


class TestCorrecting:
    def test_is_stored_with_person_and_reason_and_taken_back(
        self, client: Client, alice: User, aalund: Tenant, meter: Meter
    ) -> None:
        client.force_login(alice)
        form = text(client.get(at(meter, "correct/")))
        assert 'name="e1" value="1010"' in form
        assert client.post(at(meter, "correct/"), {"e1": "1011,5", **WHY}).status_code == 302
        assert value(aalund) == 1_011 * KWH + KWH // 2
        page = text(client.get(at(meter)))
        for shown in ("quality-edited", "1010 kWh → 1011.5 kWh", "two digits swapped", "Misread"):
            assert shown in page
        assert str(alice.email) in page
        assert "1010 kWh" in text(client.get(at(meter, "undo/")))
        assert client.post(at(meter, "undo/"), WHY).status_code == 302
        assert value(aalund) == 1_010 * KWH
        assert "Take the change back" not in text(client.get(at(meter)))

    def test_leaves_out_a_register_whose_field_is_emptied(
        self, client: Client, alice: User, aalund: Tenant, meter: Meter
    ) -> None:
        client.force_login(alice)
        client.post(at(meter, "correct/"), {"e1": "", "t1": "71,23", **WHY})
        with tenant_context(aalund.pk):
            made = Version.objects.get()
            assert (made.before, made.after) == ({"e1": 1_010 * KWH}, {"e1": None})

    @pytest.mark.parametrize(
        ("given", "says"),
        [
            ({"e1": "1010"}, "Nothing is changed yet"),
            ({"e1": "1010,0"}, "Nothing is changed yet"),
            ({"e1": "many"}, "Type a number"),
            ({"e1": "-1"}, "cannot have this value"),
            ({"e1": "1010,00000001"}, "fewer decimals"),
            ({"e1": "1011", "reason": ""}, "This field is required"),
            ({"e1": "1011", "reason": "X"}, "not one of the available choices"),
        ],
    )
    def test_says_what_is_wrong_and_changes_nothing(
        self,
        client: Client,
        alice: User,
        aalund: Tenant,
        meter: Meter,
        given: dict[str, str],
        says: str,
    ) -> None:
        client.force_login(alice)
        answer = client.post(at(meter, "correct/"), {"t1": "71,23", **WHY, **given})
        assert answer.status_code == 400
        assert says in text(answer)
        assert value(aalund) == 1_010 * KWH

    def test_sets_aside_with_the_info_code_left_alone(
        self, client: Client, alice: User, aalund: Tenant, meter: Meter
    ) -> None:
        with tenant_context(aalund.pk):
            Reading.objects.filter(ts=FIVE).update(info=16)
        client.force_login(alice)
        assert client.post(at(meter, "set-aside/"), WHY).status_code == 302
        with tenant_context(aalund.pk):
            aside = Reading.objects.get(ts=FIVE)
            assert (aside.e1, aside.t1, aside.info) == (None, None, 16)
        again = client.post(at(meter, "set-aside/"), WHY)
        assert "Nothing of this reading counts any more" in text(again)

    def test_is_not_for_those_who_only_look(self, client: Client, bob: User, meter: Meter) -> None:
        client.force_login(bob)
        assert client.get(at(meter, "correct/")).status_code == 403
        assert at(meter, "correct/") not in text(client.get(at(meter)))


class TestAdding:
    def test_stores_what_stood_on_the_display(
        self, client: Client, alice: User, aalund: Tenant, meter: Meter
    ) -> None:
        client.force_login(alice)
        address = f"/t/aalund/meters/{meter.pk}/readings/add/"
        assert "1046 kWh on" in text(client.get(address))
        given = {"day": f"{MIDNIGHT:%d-%m-%Y}", "time": "11:30", **WHY}
        for wrong, says in (("1050", "is still 1028 kWh"), ("", "at least one register")):
            answer = client.post(address, {**given, "e1": wrong})
            assert answer.status_code == 400
            assert says in text(answer)
        answer = client.post(address, {**given, "e1": "1022"}, follow=True)
        assert "The reading was added." in text(answer)
        assert "Entered by hand" in text(answer)
        assert value(aalund, MIDNIGHT + 11.5 * HOUR) == 1_022 * KWH

    def test_refuses_an_hour_that_the_clocks_skip(
        self, client: Client, alice: User, aalund: Tenant, meter: Meter
    ) -> None:
        with tenant_context(aalund.pk):
            Tenant.objects.filter(pk=aalund.pk).update(zone="Europe/Copenhagen")
        client.force_login(alice)
        given = {"day": "29-03-2026", "time": "02:30", "e1": "1", **WHY}
        answer = client.post(f"/t/aalund/meters/{meter.pk}/readings/add/", given)
        assert "there was no such time" in text(answer)


class TestEstimating:
    def test_is_looked_at_stored_marked_and_taken_back(
        self, client: Client, alice: User, aalund: Tenant, meter: Meter
    ) -> None:
        client.force_login(alice)
        readings = f"/t/aalund/meters/{meter.pk}/readings/"
        address = f"{readings}{key_of(MIDNIGHT + 9 * HOUR)}/estimate/"
        shown = text(client.get(readings))
        assert "No reading for 5 hours" in shown
        assert address in shown
        chart = text(client.get(f"/t/aalund/meters/{meter.pk}/consumption/{HOURS}"))
        assert "/estimate/" in chart
        preview = text(client.get(address))
        assert "1020 <span" in preview  # 10 o'clock, evenly between 1,018 and 1,028
        assert "V1" in preview  # never told: refused in words
        with tenant_context(aalund.pk):
            assert not Estimation.objects.exists()
        answer = client.post(address, {"registers": "e1", **WHY}, follow=True)
        assert "quality-estimated" in text(answer)
        assert value(aalund, MIDNIGHT + 10 * HOUR) == 1_020 * KWH
        again = client.post(address, {"registers": "e1", **WHY})
        assert again.status_code == 400
        assert "estimated already" in text(again)
        one = f"{readings}{key_of(MIDNIGHT + 10 * HOUR)}/"
        detail = text(client.get(one))
        assert "Take the estimate back" in detail
        assert f'href="{one}correct/"' not in detail
        refused = client.post(f"{one}correct/", {"e1": "1021", **WHY})
        assert "take the estimate back instead" in text(refused)
        with tenant_context(aalund.pk):
            made = Estimation.objects.get()
        undo = f"/t/aalund/meters/{meter.pk}/estimates/{made.pk}/undo/"
        assert "was taken back" in text(client.post(undo, follow=True))
        with tenant_context(aalund.pk):
            assert not Reading.objects.filter(status=Status.ESTIMATED).exists()
        assert "already" in text(client.post(undo, follow=True))

    def test_by_the_method_that_is_chosen(
        self, client: Client, alice: User, aalund: Tenant, meter: Meter
    ) -> None:
        client.force_login(alice)
        address = f"/t/aalund/meters/{meter.pk}/readings/{key_of(MIDNIGHT + 9 * HOUR)}/estimate/"
        with tenant_context(aalund.pk):
            proxy = factories.meter()
            counted = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 18, 19, 20]
            import_readings(
                [
                    reading(proxy, MIDNIGHT + hour * HOUR, e1=kwh * KWH)
                    for hour, kwh in enumerate(counted)
                ]
            )
        assert "Fewer than three whole days" in text(client.get(f"{address}?method=b"))
        assert "No other meter" in text(client.get(f"{address}?method=c&proxy=1"))
        shown = text(client.get(f"{address}?method=c&proxy={proxy.number}"))
        assert "Comparison meter (Z88 Z89)" in shown
        client.post(address, {"method": "c", "proxy": proxy.number, "registers": "e1", **WHY})
        with tenant_context(aalund.pk):
            made = Estimation.objects.get()
            assert (made.method, made.proxy_id) == ("c", proxy.pk)

    def test_goes_on_for_a_meter_that_is_silent(
        self, client: Client, alice: User, aalund: Tenant, meter: Meter
    ) -> None:
        client.force_login(alice)
        listed = text(client.get(f"/t/aalund/meters/{meter.pk}/readings/"))
        assert "Carry on for now" in listed
        with tenant_context(aalund.pk):
            last = Reading.objects.filter(meter_id=meter.pk).latest("ts").ts
        address = f"/t/aalund/meters/{meter.pk}/readings/{key_of(last)}/estimate/"
        assert address in listed
        assert "Fewer than three whole days" in text(client.get(address))

    def test_of_what_is_no_gap_says_so(self, client: Client, alice: User, meter: Meter) -> None:
        client.force_login(alice)
        page = text(client.get(f"{at(meter)}estimate/"))
        assert "There is no gap here" in page
        assert "Store the estimate" not in page

    def test_is_not_for_those_who_only_look(self, client: Client, bob: User, meter: Meter) -> None:
        client.force_login(bob)
        assert client.get(f"{at(meter)}estimate/").status_code == 403
        page = text(client.get(f"/t/aalund/meters/{meter.pk}/consumption/{HOURS}"))
        assert "Estimate the gap" not in page


def test_findings_stand_beside_the_reading_they_are_about(
    client: Client, bob: User, aalund: Tenant, meter: Meter
) -> None:
    with tenant_context(aalund.pk):
        Reading.objects.filter(ts=FIVE).update(status=Status.SUSPECT)
        findings.note([(meter.pk, FIVE, [Finding(Rule.SPIKE, "e1", 80 * KWH, 50 * KWH)])])
    client.force_login(bob)
    for address in (f"/t/aalund/meters/{meter.pk}/readings/", at(meter)):
        page = text(client.get(address))
        assert "quality-suspect" in page
        assert "Spike · E1: 80 kWh, limit 50 kWh" in page


def test_a_neighbours_reading_is_not_there(client: Client, alice: User, birkelse: Tenant) -> None:
    foreign = make_meter(birkelse)
    client.force_login(alice)
    with tenant_context(birkelse.pk):
        made = factories.meter()
    for pk in (foreign.pk, made.pk):
        for part in ("correct/", "set-aside/", "undo/"):
            address = f"/t/aalund/meters/{pk}/readings/{key_of(FIVE)}/{part}"
            assert client.post(address, {"e1": "1", **WHY}).status_code == 404
        gap = f"/t/aalund/meters/{pk}/readings/{key_of(FIVE)}/estimate/"
        assert client.post(gap, {"registers": "e1", **WHY}).status_code == 404
