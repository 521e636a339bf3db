"""Setting the demo's utilities up: rows in bulk, because 500 meters must not take a minute."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from collectors.management.demo import files
from collectors.management.demo.utilities import UTILITIES, Utility, radio_of, tenant_of
from collectors.models import Collector, CollectorToken
from collectors.services import register_collector
from collectors.simulator import SimulatedMeter, Town
from collectors.tokens import issue
from meters import groups, keys, listing
from meters.models import (
    Customer,
    Installation,
    Medium,
    Meter,
    MeterAddress,
    MeterKey,
    MeterState,
    SupplyPoint,
)
from meters.services import identity_of
from readings.models import Origin
from ready.accounts.models import Membership, User
from ready.audit.services import Actor, record
from ready.policy import Role
from ready.tenancy.context import current_tenant_id, tenant_context
from ready.tenancy.models import Tenant

ACTOR = Actor(None, "demo_seed")
ADMINISTRATOR = "demo@ready.example"
READER = "aalund@ready.example"  # belongs to the first utility only
# What a meter shows of these when it is mounted and taken down is written on the work order.
_COUNTERS = ("e1", "e3", "v1", "a_pos", "a_neg")


def set_up(folder: Path, utilities: Sequence[Utility] = UTILITIES) -> None:
    """Make what is missing of the demo: utilities, people, tokens. Harmless to repeat."""
    tenants = [tenant_of(utility) or _create(utility) for utility in utilities]
    _people(tenants, folder)
    _tokens(tenants, folder)


def _create(utility: Utility) -> Tenant:
    """A utility with everything of its town, in one transaction: all of it or nothing."""
    plan = utility.plan
    with transaction.atomic():
        tenant = Tenant.objects.create(
            slug=plan.slug, name=plan.utility, energy_unit=utility.energy_unit
        )
        town = radio_of(utility, tenant.created_at).town
        with tenant_context(tenant.pk):
            places = _places(town)
            _meters(town, places)
            with translation.override(tenant.language):
                _groups(places)
            for site in town.sites:
                register_collector(
                    name=site.name,
                    type=Collector.Type.CONCENTRATOR,
                    actor=ACTOR,
                    origin=Origin.FIXED_NETWORK,
                    latitude=site.latitude,
                    longitude=site.longitude,
                )
            record(
                event="demo.created",
                actor=ACTOR,
                object_type="tenant",
                object_id=tenant.pk,
                object_label=tenant.name,
                after={"meters": len(town.meters), "places": len(places)},
            )
    return tenant


def _places(town: Town) -> list[SupplyPoint]:
    customers = Customer.objects.bulk_create(
        [Customer(number=place.customer_number, name=place.customer) for place in town.places]
    )
    return SupplyPoint.objects.bulk_create(
        [
            SupplyPoint(
                customer=customer,
                street=f"{place.street} {place.house_number}",
                postal_code=place.postal_code,
                city=place.city,
                label=place.label,
                latitude=place.latitude,
                longitude=place.longitude,
            )
            for place, customer in zip(town.places, customers, strict=True)
        ]
    )


def _groups(places: list[SupplyPoint]) -> None:
    """An area by hand, an observation list, and a group that follows a filter."""
    ordered = sorted(places, key=lambda place: place.longitude or 0)
    halves = (
        (_("West area"), "teal", ordered[::2]),
        (_("Observation list A"), "ochre", ordered[:12]),
    )
    for name, colour, some in halves:
        group = groups.create_group(name=name, colour=colour, actor=ACTOR)
        there = Installation.objects.filter(supply_point__in=[place.pk for place in some])
        groups.add_to_group(
            group=group, meters=Meter.objects.filter(pk__in=there.values("meter")), actor=ACTOR
        )
    groups.create_group(
        name=_("Poor cooling"), colour="red", rule="cooling=20", find=listing.find, actor=ACTOR
    )


def _meters(town: Town, places: list[SupplyPoint]) -> None:
    rows = [
        Meter(
            manufacturer=identity_of(meter.kind.manufacturer),
            number=meter.number,
            version=meter.kind.version,
            device_type=meter.kind.device_type,
            meter_type=meter.kind.name,
            medium=Medium(meter.kind.medium),
            interval_s=meter.interval_s,
            in_stock=meter.removed is not None,
        )
        for meter in town.meters
    ]
    rows += [
        Meter(
            manufacturer=identity_of(kind.manufacturer),
            number=number,
            meter_type=kind.name,
            medium=Medium(kind.medium),
            in_stock=True,
        )
        for number, kind in town.stock
    ]
    made = Meter.objects.bulk_create(rows)
    MeterState.objects.bulk_create([MeterState(meter=meter) for meter in made])
    MeterAddress.objects.bulk_create(
        [
            MeterAddress(
                tenant_id=current_tenant_id(),
                meter=meter,
                manufacturer=meter.manufacturer,
                number=meter.number,
            )
            for meter in made
        ]
    )
    pairs = list(zip(town.meters, made, strict=False))  # those in stock come after
    MeterKey.objects.bulk_create(
        [
            MeterKey(
                meter=row,
                version=1,
                sealed=_sealed(meter.known_key, row.pk),
                fingerprint=keys.fingerprint(meter.known_key, tenant_id=current_tenant_id()),
            )
            for meter, row in pairs
            if meter.known_key is not None
        ]
    )
    Installation.objects.bulk_create(
        [
            Installation(
                supply_point=places[meter.place],
                meter=row,
                starts_at=datetime.fromtimestamp(meter.installed, UTC),
                ends_at=None
                if meter.removed is None
                else datetime.fromtimestamp(meter.removed, UTC),
                start_registers=dict.fromkeys(_counters(meter), 0),
                end_registers={} if meter.removed is None else _shown(meter, meter.removed),
            )
            for meter, row in pairs
        ]
    )


def _sealed(key: bytes, meter_id: int) -> bytes:
    return keys.seal(key, tenant_id=current_tenant_id(), meter_id=meter_id, version=1)


def _counters(meter: SimulatedMeter) -> list[str]:
    return [column for column in meter.kind.registers if column in _COUNTERS]


def _shown(meter: SimulatedMeter, unix_s: int) -> dict[str, int]:
    now = meter.at(unix_s)
    return {column: now[column] for column in _counters(meter)}


def _people(tenants: list[Tenant], folder: Path) -> None:
    """An administrator of both utilities and a reader of the first, with passwords on file."""
    known = files.read(folder, files.LOGIN)
    passwords = {
        one["email"]: one["password"]
        for one in [known, *known.get("others", [])]
        if "email" in one and "password" in one
    }
    made = []
    for email, name, role, where in (
        (ADMINISTRATOR, "Demo", Role.ADMINISTRATOR, tenants),
        (READER, "Aalund", Role.USER, tenants[:1]),
    ):
        password = passwords.get(email) or secrets.token_urlsafe(12)
        user = User.objects.filter(email=email).first()
        if user is None:
            user = User.objects.create_user(email, password, name=name)
        elif email not in passwords:
            user.set_password(password)
            user.save(update_fields=["password"])
        for tenant in where:
            with tenant_context(tenant.pk):
                Membership.objects.get_or_create(
                    tenant=tenant, user=user, defaults={"role": role.value}
                )
        made.append({"email": email, "password": password})
    login = {**made[0], "others": made[1:]}
    if login != known:
        files.write(folder, files.LOGIN, login)


def _tokens(tenants: list[Tenant], folder: Path) -> None:
    """A token for each of the towns' collectors; those on file stay while they are in force."""
    on_file = files.read(folder, files.FEED).get("tokens", {})
    tokens: dict[str, str] = {}
    for tenant in tenants:
        with tenant_context(tenant.pk):
            for collector in Collector.objects.filter(name__startswith=f"{tenant.slug}-"):
                token = on_file.get(collector.name, "")
                if not _in_force(token, tenant.pk, collector.pk):
                    token = issue(collector=collector, actor=ACTOR)
                tokens[collector.name] = token
    if tokens != on_file:
        files.write(folder, files.FEED, {"tokens": tokens})


def _in_force(token: str, tenant_id: int, collector_id: int) -> bool:
    prefix = token.split("_")[1] if token.count("_") >= 2 else ""
    return CollectorToken.objects.filter(
        tenant_id=tenant_id, collector_id=collector_id, prefix=prefix, revoked_at=None
    ).exists()
