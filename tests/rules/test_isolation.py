"""Two utilities, two walls. These tests commit: a wrapping transaction hides a forgotten tenant."""

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from meters.keys import SealBroken, open_sealed
from meters.models import Meter, MeterKey, SupplyPoint
from ready.accounts.middleware import TenantMiddleware
from ready.accounts.models import Membership, User
from ready.policy import Role
from ready.tenancy.context import UnscopedQuery, current_tenant_id, tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.conftest import as_admin

pytestmark = pytest.mark.usefixtures("committed")


def test_an_unscoped_query_raises() -> None:
    with pytest.raises(UnscopedQuery):
        Meter.objects.count()


def test_the_database_raises_without_a_tenant(aalund: Tenant) -> None:
    with tenant_context(aalund.pk):
        factories.meter()
    # Twice: after a transaction that used SET LOCAL the setting reads '', not NULL.
    for _ in range(2):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM meters_meter")


def test_leaving_a_context_restores_the_outer_one(aalund: Tenant, birkelse: Tenant) -> None:
    with tenant_context(aalund.pk):
        with tenant_context(birkelse.pk):
            factories.meter(number="11111111")
        factories.meter(number="22222222")
        assert current_tenant_id() == aalund.pk
        assert [meter.number for meter in Meter.objects.all()] == ["22222222"]
        with connection.cursor() as cursor:
            cursor.execute("SELECT number FROM meters_meter")
            assert cursor.fetchall() == [("22222222",)]


def test_leaving_a_context_by_an_exception_restores_too(aalund: Tenant, birkelse: Tenant) -> None:
    with tenant_context(aalund.pk):
        with pytest.raises(ZeroDivisionError), tenant_context(birkelse.pk):
            _ = 1 // 0
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.tenant')")
            assert cursor.fetchone() == (str(aalund.pk),)


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
def test_a_refusal_keeps_nothing_of_what_was_written(aalund: Tenant, status: int) -> None:
    user = User.objects.create_user("eve@aalund.example", None)
    with tenant_context(aalund.pk):
        Membership.objects.create(tenant=aalund, user=user, role=Role.ADMINISTRATOR)

    def view(request: HttpRequest) -> HttpResponse:
        factories.meter(number="33333333")
        return HttpResponse(status=status)

    request = RequestFactory().post("/t/aalund/meters/")
    request.user = user
    request.session = SessionStore()
    TenantMiddleware(view)(request)
    with tenant_context(aalund.pk):
        assert Meter.objects.filter(number="33333333").exists() is (status == 200)


@pytest.fixture
def foreign(aalund: Tenant, birkelse: Tenant) -> Meter:
    """A meter of Birkelse."""
    with tenant_context(birkelse.pk):
        return factories.meter(key=bytes(16))


def test_the_second_wall_holds_without_the_first(aalund: Tenant, foreign: Meter) -> None:
    with tenant_context(aalund.pk), connection.cursor() as cursor:
        for table in ("meters_meter", "meters_meterkey", "meters_meterstate", "audit_auditentry"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,), f"{table} leaked"
        cursor.execute("UPDATE meters_meter SET number = '00000000'")
        assert cursor.rowcount == 0
        cursor.execute("DELETE FROM meters_meteraddress")
        assert cursor.rowcount == 0


def test_the_first_wall_holds_without_the_second(aalund: Tenant, foreign: Meter) -> None:
    with as_admin() as link:
        link.execute("ALTER TABLE meters_meter DISABLE ROW LEVEL SECURITY")
    try:
        with tenant_context(aalund.pk), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM meters_meter")
            assert cursor.fetchone() == (1,), "the second wall still stands"
            assert not Meter.objects.exists()
            assert not Meter.objects.filter(pk=foreign.pk).update(number="00000000")
    finally:
        with as_admin() as link:
            link.execute("ALTER TABLE meters_meter ENABLE ROW LEVEL SECURITY")


def test_no_row_can_be_written_for_another(aalund: Tenant, birkelse: Tenant) -> None:
    with pytest.raises(DatabaseError), tenant_context(aalund.pk):
        Meter.objects.create(tenant_id=birkelse.pk, manufacturer="KAM", number="12345678")


def test_no_reference_can_point_into_another(aalund: Tenant, foreign: Meter) -> None:
    with tenant_context(aalund.pk):
        factories.place()
    with pytest.raises(DatabaseError), tenant_context(aalund.pk), transaction.atomic():
        MeterKey.objects.create(meter_id=foreign.pk, version=1, sealed=b"x")


def test_a_key_moved_to_another_row_does_not_open(
    aalund: Tenant, birkelse: Tenant, foreign: Meter
) -> None:
    with tenant_context(birkelse.pk):
        sealed = bytes(MeterKey.objects.get().sealed)
    for tenant_id, meter_id, version in (
        (aalund.pk, foreign.pk, 1),
        (birkelse.pk, foreign.pk + 1, 1),
        (birkelse.pk, foreign.pk, 2),
    ):
        with pytest.raises(SealBroken):
            open_sealed(sealed, tenant_id=tenant_id, meter_id=meter_id, version=version)


def test_places_of_another_are_absent(aalund: Tenant, birkelse: Tenant) -> None:
    with tenant_context(birkelse.pk):
        place = factories.place()
    with tenant_context(aalund.pk), pytest.raises(SupplyPoint.DoesNotExist):
        SupplyPoint.objects.get(pk=place.pk)
