"""Every change to meters, places and keys; each is one transaction with its audit entry."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from meters import keys
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
from meters.replays import want_replay
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id
from ready.web import formats

# Kamstrup writes both codes into its meters; one meter is one meter.
_SAME_MAKER = {"KAW": "KAM"}


def identity_of(manufacturer: str) -> str:
    """The manufacturer code a meter is filed under: KAM also for KAW."""
    return _SAME_MAKER.get(manufacturer, manufacturer)


def register_meter(
    *,
    manufacturer: str,
    number: str,
    actor: Actor,
    meter_type: str = "",
    medium: Medium = Medium.OTHER,
    interval_s: int = 3600,
    in_stock: bool = False,
) -> Meter:
    """Make a meter known; from now on its telegrams are routed to this utility.

    Raises ValidationError when the number is not 8 digits or the meter is known already.
    """
    if len(number) != 8 or not all(digit in "0123456789ABCDEF" for digit in number):
        raise ValidationError(
            _("A meter number has 8 digits; “%(number)s” does not.") % {"number": number},
            code="number",
        )
    maker = identity_of(manufacturer)
    known = ValidationError(
        _("Meter %(maker)s %(number)s is registered already.") % {"maker": maker, "number": number},
        code="known",
    )
    if Meter.objects.filter(manufacturer=maker, number=number).exists():
        raise known
    try:
        with transaction.atomic():
            meter: Meter = Meter.objects.create(
                manufacturer=maker,
                number=number,
                meter_type=meter_type,
                medium=medium,
                interval_s=interval_s,
                in_stock=in_stock,
            )
    except IntegrityError:
        # Somebody registered it at the same moment.
        raise known from None
    MeterState.objects.create(meter=meter)
    MeterAddress.objects.create(
        tenant_id=current_tenant_id(), meter=meter, manufacturer=maker, number=number
    )
    want_replay([(maker, number)])
    record(
        event="meter.registered",
        actor=actor,
        object_type="meter",
        object_id=meter.pk,
        object_label=str(meter),
        after={"type": meter_type, "medium": str(medium), "interval_s": interval_s},
    )
    return meter


def set_key(*, meter: Meter, key: bytes, actor: Actor) -> MeterKey:
    """Give a meter its decryption key; older ones stay, the highest version is in force."""
    newest = MeterKey.objects.filter(meter=meter).order_by("-version").first()
    version = 1 if newest is None else newest.version + 1
    stored: MeterKey = MeterKey.objects.create(
        meter=meter,
        version=version,
        sealed=keys.seal(key, tenant_id=current_tenant_id(), meter_id=meter.pk, version=version),
        fingerprint=keys.fingerprint(key, tenant_id=current_tenant_id()),
    )
    # With a new key a meter may count anew; what was recorded under the old one no longer opens.
    MeterState.objects.filter(meter=meter).update(counter=None, counter_at=None, counter_mark=None)
    want_replay([(meter.manufacturer, meter.number)])
    record(
        event="meter.key_set",
        actor=actor,
        object_type="meter",
        object_id=meter.pk,
        object_label=str(meter),
        after={"version": version},
    )
    return stored


def register_customer(*, number: str, name: str, actor: Actor) -> Customer:
    """Make a customer known under the utility's own number."""
    customer: Customer = Customer.objects.create(number=number, name=name)
    record(
        event="customer.registered",
        actor=actor,
        object_type="customer",
        object_id=customer.pk,
        object_label=number,
    )
    return customer


def register_supply_point(
    *,
    street: str,
    postal_code: str,
    city: str,
    customer: Customer | None,
    actor: Actor,
    label: str = "",
    latitude: int | None = None,
    longitude: int | None = None,
) -> SupplyPoint:
    """Make a place known; latitude and longitude are millionths of a degree."""
    place: SupplyPoint = SupplyPoint.objects.create(
        street=street,
        postal_code=postal_code,
        city=city,
        customer=customer,
        label=label,
        latitude=latitude,
        longitude=longitude,
    )
    record(
        event="supply_point.registered",
        actor=actor,
        object_type="supply point",
        object_id=place.pk,
        object_label=street,
    )
    return place


def install_meter(
    *,
    meter: Meter,
    supply_point: SupplyPoint,
    at: datetime,
    registers: Mapping[str, int],
    actor: Actor,
    unit: str = "",
    factor: Decimal = Decimal(1),
) -> Installation:
    """Mount a meter at a place; registers are what it showed then, {column: base units}.

    Raises ValidationError while the meter is mounted somewhere else, or was at that time.
    """
    check_free(meter, at)
    installation: Installation = Installation.objects.create(
        meter=meter,
        supply_point=supply_point,
        starts_at=at,
        start_registers=dict(registers),
        unit=unit,
        factor=factor,
    )
    Meter.objects.filter(pk=meter.pk).update(in_stock=False)
    record(
        event="meter.installed",
        actor=actor,
        object_type="meter",
        object_id=meter.pk,
        object_label=str(meter),
        after={"supply_point": supply_point.pk, "at": at.isoformat()},
    )
    return installation


def check_free(meter: Meter, at: datetime) -> None:
    """Raises ValidationError unless the meter is nobody's from an instant on."""
    # Whoever mounts this meter at the same time waits here.
    Meter.objects.select_for_update().get(pk=meter.pk)
    later = Installation.objects.filter(Q(ends_at=None) | Q(ends_at__gt=at), meter=meter)
    blocking = later.order_by("starts_at").first()
    if blocking is None:
        return
    if blocking.ends_at is None and blocking.starts_at <= at:
        raise ValidationError(
            _("Meter %(meter)s is mounted already; end that installation first.")
            % {"meter": meter},
            code="mounted",
        )
    raise ValidationError(
        _("Meter %(meter)s was mounted elsewhere until %(until)s.")
        % {
            "meter": meter,
            "until": formats.moment(blocking.ends_at)
            if blocking.ends_at
            else formats.moment(blocking.starts_at),
        },
        code="overlap",
    )


def remove_meter(
    *, installation: Installation, at: datetime, registers: Mapping[str, int], actor: Actor
) -> None:
    """End an installation with what the meter showed then; the meter goes back to stock.

    Raises ValidationError where it has ended already, or begins later.
    """
    if at <= installation.starts_at:
        raise ValidationError(_("A meter cannot leave before it came."), code="order")
    ended = Installation.objects.filter(pk=installation.pk, ends_at=None).update(
        ends_at=at, end_registers=dict(registers)
    )
    if not ended:
        raise ValidationError(_("This meter was removed already."), code="ended")
    Meter.objects.filter(pk=installation.meter_id).update(in_stock=True)
    record(
        event="meter.removed",
        actor=actor,
        object_type="meter",
        object_id=installation.meter_id,
        object_label=str(installation.meter),
        after={"at": at.isoformat()},
    )
