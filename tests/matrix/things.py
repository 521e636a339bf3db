"""What a utility of the matrix has: a bit of everything, with its canary in it."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any

from django.utils import timezone
from PIL import Image

from collectors import tokens
from collectors.models import Collector, Telegram
from collectors.outcomes import Outcome
from collectors.queries import TelegramKey
from meters import desk, groups, keyimports, listing, services
from meters.imports.reading import Options
from meters.imports.writing import Made
from meters.models import (
    Customer,
    Installation,
    Meter,
    MeterImport,
    MeterState,
    Occupancy,
    SupplyPoint,
)
from meters.registers import BY_COLUMN
from notifications.models import OutboxEntry
from readings.edits import Why, edit_reading
from readings.estimates import fill_gap
from readings.exchange import Visit, exchange_meter
from readings.listing import key_of
from readings.models import ErasureCertificate, Estimation, Origin, Reading, Trust
from readings.outdoors import Series, store_series
from readings.planning import plan_exchange
from readings.quality import Reason
from ready.accounts import api_tokens
from ready.accounts.models import ApiToken, User
from ready.audit.models import AuditEntry
from ready.policy import EVERYTHING, Role
from ready.tenancy.models import Tenant
from reports.services import set_letterhead
from tests import factories

_batches = count(1)


@dataclass
class Utility:
    """One utility's things, by the name that parameters call them by."""

    tenant: Tenant
    canary: str
    keys: list[bytes] = field(default_factory=list)
    things: dict[str, Any] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)
    token: str = ""
    revoked_token: str = ""
    api_token: str = ""
    revoked_api_token: str = ""


def furnish(made: Utility) -> None:
    """A customer, a place, a mounted meter with readings and telegrams, a collector …"""
    canary, tenant = made.canary, made.tenant
    now = timezone.now()
    customer: Customer = services.register_customer(
        number=f"1-{canary}", name=f"Customer {canary}", actor=factories.ACTOR
    )
    place: SupplyPoint = factories.place(
        street=f"Street {canary} 1", label=canary, customer=customer
    )
    key = secrets.token_bytes(16)
    made.keys.append(key)
    meter: Meter = factories.meter(key=key, meter_type=f"Type {canary}")
    installation = services.install_meter(
        meter=meter,
        supply_point=place,
        at=now - timedelta(days=3),
        registers={},
        actor=factories.ACTOR,
    )
    collector = factories.collector(name=f"Collector {canary}")
    made.token = factories.token(collector)
    made.api_token, made.revoked_api_token = (
        api_tokens.issue(
            name=canary,
            scopes=list(api_tokens.grantable(EVERYTHING)),
            lasts=timedelta(days=1),
            user=None,
            role=Role.ADMINISTRATOR,
            actor=factories.ACTOR,
            rights=EVERYTHING,
        )
        for _ in range(2)
    )
    ApiToken.objects.filter(prefix=made.revoked_api_token.split("_")[2]).update(
        revoked_at=timezone.now()
    )
    made.revoked_token = factories.token(collector)
    tokens.revoke(
        collector=collector, prefix=made.revoked_token.split("_")[1], actor=factories.ACTOR
    )
    # A time names a reading: the neighbour's must be another.
    read_at = (now - timedelta(hours=2)).replace(minute=0, second=tenant.pk % 60, microsecond=0)
    Reading.objects.create(
        tenant_id=tenant.pk,
        meter_id=meter.pk,
        ts=read_at,
        received_at=read_at,
        origin=Origin.FIXED_NETWORK,
        trust=Trust.MAC,
        e1=4_711 * 3_600_000,
    )
    MeterState.objects.filter(meter=meter).update(
        heard_at=read_at, read_at=read_at, e1=4_711 * 3_600_000, collector_id=collector.pk
    )
    kept = _telegram(collector, meter, Outcome.STORED, read_at)
    _telegram(collector, meter, Outcome.WRONG_KEY, None)
    imports = [
        keyimports.preview(
            content=f"serial;key\n{number};{secrets.token_hex(16)}\n".encode(),
            password="",
            file_name=f"{canary}.csv",
            actor=factories.ACTOR,
        )
        for number in ("66666666", "77777777")
    ]
    keyimports.apply(
        pk=imports[1].pk, choices=keyimports.Choices(register=True), actor=factories.ACTOR
    )
    picture = BytesIO()
    Image.new("RGB", (9, 3)).save(picture, "PNG")
    set_letterhead(lines=canary, logo=picture.getvalue(), actor=factories.ACTOR)
    store_series(
        series=Series({}, {date(2026, 5, 10): 1250}), source=canary, actor=factories.ACTOR, zone=UTC
    )
    exchanged = _exchanged(canary, now)
    plan_exchange(
        installation=exchanged,
        new_meter=None,
        planned_on=now.date() + timedelta(days=2),
        note=canary,
        actor=factories.ACTOR,
        today=now.date(),
    )
    former, certificate = _former_resident(canary, now)
    gap_meter, corrected, estimated = _gap(tenant, canary, now)
    made.things.update(
        stock_meter=factories.meter(in_stock=True).pk,
        exchanged=exchanged.pk,
        exchanged_meter=exchanged.meter_id,
        gap_meter=gap_meter.pk,
        corrected=key_of(corrected),
        gap=key_of(corrected + timedelta(hours=3)),
        estimate=estimated.pk,
    )
    entry = OutboxEntry.objects.create(event=canary[:40], key=canary, payload={"meter": meter.pk})
    made.things["outbox_entry"] = entry.pk
    spare: Meter = factories.meter(in_stock=True)
    group = groups.create_group(name=f"Group {canary}", actor=factories.ACTOR)
    groups.add_to_group(
        group=group, meters=Meter.objects.filter(pk=meter.pk), actor=factories.ACTOR
    )
    content = f"Serial;Label\n{secrets.randbelow(10**8):08d};{canary}\n".encode()
    for thing, state, more in (
        ("meter_import", "uploaded", {}),
        ("meter_import_checked", "checked", {}),
        ("meter_import_wrong", "checked", {"errors": [[2, "label", canary, "wrong"]]}),
        ("meter_import_done", "done", {"made": Made().stored()}),
    ):
        made.things[thing] = MeterImport.objects.create(
            state=state,
            file_name=f"{canary}.csv",
            content=content,
            head=["Serial", "Label"],
            options=Options(columns=["number", "label"]).stored(),
            actor_name=f"{canary}",
            **more,
        ).pk
    made.things["filter"] = desk.save_filter(
        user_id=made.people[Role.ADMINISTRATOR].pk,
        list_key=listing.LIST_KEY,
        name=f"Filter {canary}",
        query="?q=a",
        shared=True,
        actor=factories.ACTOR,
    ).pk
    made.things.update(
        spare=spare.pk,
        priority_meter=factories.meter(interval_s=300).pk,
        group=group.pk,
        former_resident=former.pk,
        former_place=former.supply_point_id,
        certificate=certificate.pk,
        key_import=imports[0].pk,
        key_import_done=imports[1].pk,
        tenant=tenant.slug,
        meter=meter.pk,
        customer=customer.pk,
        place=place.pk,
        installation=installation.pk,
        collector=collector.pk,
        token_prefix=made.token.split("_")[1],
        reading=key_of(read_at),
        telegram=str(kept),
        number=meter.number,
        entry=AuditEntry.objects.order_by("pk").first().pk,  # type: ignore[union-attr]
    )


def _exchanged(canary: str, now: datetime) -> Installation:
    """The newer meter of an exchange that may be taken back."""
    old = services.install_meter(
        meter=factories.meter(),
        supply_point=factories.place(street=f"Street {canary} 2"),
        at=now - timedelta(days=9),
        registers={},
        actor=factories.ACTOR,
    )
    at = now - timedelta(days=1)
    return exchange_meter(
        installation=old,
        new_meter=factories.meter(in_stock=True),
        visit=Visit(at, at, {}, {}, {}),
        actor=factories.ACTOR,
        now=now,
    )


def _gap(tenant: Tenant, canary: str, now: datetime) -> tuple[Meter, datetime, Estimation]:
    """A meter with a corrected reading, an estimated gap before it and an open one after it."""
    meter: Meter = factories.meter(meter_type=f"Gap {canary}")
    at = (now - timedelta(hours=9)).replace(minute=0, second=tenant.pk % 60, microsecond=0)
    for hours, kwh in ((-6, 10), (0, 30), (6, 60)):
        read_at = at + timedelta(hours=hours)
        Reading.objects.create(
            tenant_id=tenant.pk,
            meter_id=meter.pk,
            ts=read_at,
            received_at=read_at,
            origin=Origin.FIXED_NETWORK,
            trust=Trust.MAC,
            e1=kwh * 3_600_000,
        )
    why = Why(Reason.MISREAD, f"Note {canary}")
    edit_reading(
        meter=meter, at=at, values={"e1": 20 * 3_600_000}, why=why, actor=factories.ACTOR, now=now
    )
    estimated = fill_gap(
        meter=meter,
        register=BY_COLUMN["e1"],
        inside=at - timedelta(hours=3),
        zone=UTC,
        reason=why.reason,
        note=why.note,
        actor=factories.ACTOR,
        now=now,
    )
    return meter, at, estimated


def _former_resident(canary: str, now: datetime) -> tuple[Occupancy, ErasureCertificate]:
    """Somebody who moved out of a place, and a certificate about somebody before."""
    place: SupplyPoint = factories.place(street=f"Street {canary} 3")
    former = Occupancy.objects.create(
        supply_point=place,
        customer=services.register_customer(
            number=f"0-{canary}", name=f"Former {canary}", actor=factories.ACTOR
        ),
        starts_at=now - timedelta(days=3),
        ends_at=now - timedelta(hours=1),
    )
    certificate = ErasureCertificate.objects.create(
        supply_point_id=place.pk,
        place=place.street,
        customer_number=f"00-{canary}",
        starts_at=now - timedelta(days=9),
        ends_at=now - timedelta(days=3),
        request=f"case {canary}",
        counts={},
        kept_billed=0,
        erased_at=now,
        actor_name="tests",
    )
    return former, certificate


def _telegram(
    collector: Collector, meter: Meter, outcome: Outcome, reading_at: datetime | None
) -> TelegramKey:
    now = timezone.now()
    row = Telegram.objects.create(
        tenant_id=collector.tenant_id,
        received_on=now.astimezone(UTC).date(),
        batch_id=next(_batches),
        item=0,
        collector_id=collector.pk,
        meter_id=meter.pk,
        received_at=now,
        reading_at=reading_at,
        manufacturer="KAM",
        number=meter.number,
        frame=bytes.fromhex("2744ABCD"),
        outcome=outcome,
        detail="",
        rssi_dbm=-71,
    )
    return TelegramKey(row.received_on, row.batch_id, row.item)
