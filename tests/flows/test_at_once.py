"""Two who do the same at one moment (or one who presses twice) get an answer, no error page."""

import threading
import time
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from meters.models import Meter
from meters.services import register_meter
from ready.accounts import people
from ready.accounts.models import Invitation
from ready.policy import EVERYTHING, Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from reports.models import Letterhead
from reports.services import set_letterhead
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


def _somebody_waits() -> bool:
    with as_admin() as link:
        row = link.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row is not None and row[0] > 0
