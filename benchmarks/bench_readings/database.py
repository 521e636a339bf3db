"""A database of our own, made by three roles as in production, with one utility in it."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg
from django.core.management import call_command
from django.db import connection, connections

from collectors.models import Collector
from collectors.services import register_collector
from collectors.tokens import Bearer
from meters import keys
from meters.models import (
    Installation,
    Medium,
    Meter,
    MeterAddress,
    MeterKey,
    MeterState,
    SupplyPoint,
)
from ready.audit.services import Actor
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

ZONE = ZoneInfo("Europe/Copenhagen")
KEY = bytes(range(16))
_ACTOR = Actor(None, "benchmark")
_PASSWORDS = {
    "ready_owner": ("READY_OWNER_PASSWORD", "owner"),
    "ready_app": ("READY_APP_PASSWORD", "app"),
    "ready_maintenance": ("READY_MAINTENANCE_PASSWORD", "maintenance"),
}


@dataclass(frozen=True, slots=True)
class Utility:
    """A utility with its meters mounted, and a collector."""

    tenant: Tenant
    meters: list[int]
    bearer: Bearer


@contextmanager
def database(*, keep: bool = False) -> Iterator[None]:
    """A database of our own, dropped at the end; the connection is the run-time role's."""
    admin = dict(connection.settings_dict)
    name = f"ready_bench_{uuid.uuid4().hex[:8]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    connection.settings_dict["NAME"] = name
    for variable, password in _PASSWORDS.values():
        os.environ.setdefault(variable, password)
    connection.close()
    with open(os.devnull, "w") as nowhere:
        call_command("setup_roles", stdout=nowhere)
        become("ready_owner")
        call_command("migrate", verbosity=0, stdout=nowhere)
        become("ready_maintenance")
        call_command("partitions", apply=True, stdout=nowhere)
    become("ready_app")
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(admin)
        with connection.cursor() as cursor:
            if keep:
                print(f"kept: {name}")
            else:
                cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def settle() -> None:
    """Have on disk what was loaded, as it would be by the time; writing it out beside what is
    measured next would be measured, too."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as link:
        link.execute("CHECKPOINT")
    os.sync()


def become(role: str) -> None:
    """Be this role from now on."""
    connection.close()
    connection.settings_dict.update(USER=role, PASSWORD=os.environ[_PASSWORDS[role][0]])


def utility(meters: int) -> Utility:
    """A utility with so many meters, numbered from 10,000,000 on, all with the same key."""
    tenant = Tenant.objects.create(slug="bench", name="Bench")
    with tenant_context(tenant.pk):
        made = Meter.objects.bulk_create(
            Meter(
                manufacturer="KAM",
                number=f"{10_000_000 + number}",
                meter_type="MULTICAL 603",
                medium=Medium.HEAT,
            )
            for number in range(meters)
        )
        MeterState.objects.bulk_create(MeterState(meter=meter) for meter in made)
        MeterAddress.objects.bulk_create(
            MeterAddress(tenant=tenant, meter=meter, manufacturer="KAM", number=meter.number)
            for meter in made
        )
        MeterKey.objects.bulk_create(
            MeterKey(
                meter=meter,
                sealed=keys.seal(KEY, tenant_id=tenant.pk, meter_id=meter.pk, version=1),
            )
            for meter in made
        )
        places = SupplyPoint.objects.bulk_create(
            SupplyPoint(street=f"Bench {number}") for number in range(meters)
        )
        Installation.objects.bulk_create(
            Installation(
                meter=meter, supply_point=place, starts_at=datetime(2000, 1, 1, tzinfo=UTC)
            )
            for meter, place in zip(made, places, strict=True)
        )
        box = register_collector(name="B", type=Collector.Type.CONCENTRATOR, actor=_ACTOR)
    return Utility(tenant, [meter.pk for meter in made], Bearer(tenant.pk, box.pk))


def analyze(utility: Utility) -> None:
    """What autovacuum would have seen to by the time."""
    become("ready_owner")
    with connection.cursor() as cursor:
        cursor.execute(f"SET app.tenant = '{utility.tenant.pk}'")
        cursor.execute("ANALYZE")
    become("ready_app")
