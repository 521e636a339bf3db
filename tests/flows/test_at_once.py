"""Two who do the same at one moment (or one who presses twice) get an answer, no error page."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from collectors.erasure import erase_period
from meters.models import Meter, Occupancy
from meters.occupancy import change_occupant
from meters.services import register_customer, register_meter
from readings.models import ErasureCertificate
from ready.accounts import people
from ready.accounts.models import Invitation
from ready.policy import EVERYTHING, Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from reports.models import Letterhead
from reports.services import set_letterhead
from tests import factories
from tests.conftest import as_admin
from tests.factories import ACTOR

pytestmark = pytest.mark.usefixtures("committed")


def register() -> None:
    register_meter(manufacturer="KAM", number="71000001", actor=ACTOR)


def head() -> None:
    set_letterhead(lines="Havnevej 1", logo=None, actor=ACTOR)


def invite() -> None:
    people.invite(
        email="new@aalund.example", name="", role=Role.USER, actor=ACTOR, rights=EVERYTHING
    )


@pytest.mark.parametrize(("act", "answer"), [(register, "known"), (head, "done"), (invite, "done")])
def test_the_second_is_answered(aalund: Tenant, act: Callable[[], None], answer: str) -> None:
    answers: list[str] = []

    def again() -> None:
        try:
            with tenant_context(aalund.pk):
                act()
            answers.append("done")
        except ValidationError as error:
            answers.append(str(error.code))
        finally:
            connections.close_all()

    second = threading.Thread(target=again)
    with tenant_context(aalund.pk):
        act()
        second.start()
        while second.is_alive() and not _somebody_waits():
            time.sleep(0.01)
    second.join()
    assert answers == [answer]
    with tenant_context(aalund.pk):
        living = Invitation.objects.filter(revoked_at=None)
        assert Meter.objects.count() + Letterhead.objects.count() + living.count() == 1


def test_of_three_who_erase_one_has_the_certificate(aalund: Tenant) -> None:
    moved_in = datetime.now(UTC) - timedelta(days=9)
    with tenant_context(aalund.pk):
        place = factories.place()
        customer = register_customer(number="1001", name="Former", actor=ACTOR)
        change_occupant(supply_point=place, customer=customer, at=moved_in, actor=ACTOR)
        left = moved_in + timedelta(days=5)
        change_occupant(supply_point=place, customer=None, at=left, actor=ACTOR)
        period = Occupancy.objects.get(customer=customer)
    answers: list[str] = []
    ready = threading.Barrier(3)

    def erase() -> None:
        try:
            with tenant_context(aalund.pk):
                Occupancy.objects.get(pk=period.pk)
                ready.wait(20)
                erase_period(occupancy=period, request="17", actor=ACTOR, now=datetime.now(UTC))
            answers.append("done")
        except ValidationError as error:
            answers.append(str(error.code))
        finally:
            connections.close_all()

    all_three = [threading.Thread(target=erase) for _ in range(3)]
    for one in all_three:
        one.start()
    for one in all_three:
        one.join()
    assert sorted(answers) == ["done", "nothing", "nothing"]
    with tenant_context(aalund.pk):
        assert ErasureCertificate.objects.count() == 1


def _somebody_waits() -> bool:
    with as_admin() as link:
        row = link.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row is not None and row[0] > 0
