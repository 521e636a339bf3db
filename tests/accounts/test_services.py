import pytest
from django.db import DatabaseError

from ready.accounts.services import Customs, InvalidCustoms, change_customs
from ready.audit.models import AuditEntry
from ready.audit.services import Actor
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web.units import UnitChoice

pytestmark = pytest.mark.django_db

ACTOR = Actor(None, "tests")


@pytest.mark.parametrize(
    ("customs", "said"),
    [
        (Customs(" ", "UTC", "da", UnitChoice()), "name"),
        (Customs("A", "Mars/Base", "da", UnitChoice()), "Mars/Base"),
        (Customs("A", "UTC", "xx", UnitChoice()), "xx"),
        (Customs("A", "UTC", "da", UnitChoice("cal")), "cal"),
    ],
)
def test_customs_that_ready_does_not_know_are_refused(
    aalund: Tenant, customs: Customs, said: str
) -> None:
    with tenant_context(aalund.pk), pytest.raises(InvalidCustoms, match=said):
        change_customs(tenant=aalund, customs=customs, actor=ACTOR)
    aalund.refresh_from_db()
    assert aalund.name == "Aalund Varme"


def test_only_what_differs_is_written_down(aalund: Tenant) -> None:
    customs = Customs("Aalund Varme", "Europe/Copenhagen", "da", UnitChoice("kWh"))
    with tenant_context(aalund.pk):
        assert change_customs(tenant=aalund, customs=customs, actor=ACTOR)
        entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == ({"energy_unit": "MWh"}, {"energy_unit": "kWh"})


def test_a_neighbour_cannot_be_renamed(aalund: Tenant, birkelse: Tenant) -> None:
    customs = Customs("Mine now", "UTC", "da", UnitChoice())
    with tenant_context(aalund.pk), pytest.raises(DatabaseError, match="did not affect any rows"):
        change_customs(tenant=birkelse, customs=customs, actor=ACTOR)
    birkelse.refresh_from_db()
    assert birkelse.name == "Birkelse Vandværk"
