"""Changing the master key: every sealed key anew, a few hundred at a time."""

from dataclasses import dataclass

from meters import keys
from meters.models import KeyImportRow, MeterKey
from ready.audit.services import Actor, record
from ready.tenancy.context import tenant_context

_AT_ONCE = 500


@dataclass(slots=True)
class Rotated:
    """Keys sealed anew, sealed so already, and not to be opened."""

    sealed: int = 0
    already: int = 0
    broken: int = 0


def rotate(tenant_id: int, *, actor: Actor) -> Rotated:
    """Seal one utility's keys under the present master key, in transactions of `_AT_ONCE`."""
    done, last = Rotated(), 0
    while True:
        with tenant_context(tenant_id):
            rows = list(
                MeterKey.objects.select_for_update().filter(pk__gt=last).order_by("pk")[:_AT_ONCE]
            )
            changed = [row for row in rows if _renewed(row, tenant_id, done)]
            MeterKey.objects.bulk_update(changed, ["sealed", "fingerprint"])
        if not rows:
            break
        last = rows[-1].pk
    with tenant_context(tenant_id):
        # Previews hold keys for minutes only: theirs are given up rather than sealed anew.
        KeyImportRow.objects.filter(sealed__isnull=False).update(sealed=None)
        if done.sealed:
            record(
                event="keys.rotated",
                actor=actor,
                object_type="keys",
                object_id="all",
                object_label="",
                after={"sealed": done.sealed, "broken": done.broken},
            )
    return done


def _renewed(row: MeterKey, tenant_id: int, done: Rotated) -> bool:
    sealed = bytes(row.sealed)
    if keys.sealed_now(sealed) and row.fingerprint is not None:
        done.already += 1
        return False
    names = {"tenant_id": tenant_id, "meter_id": row.meter_id, "version": row.version}
    try:
        key = keys.open_sealed(sealed, **names)
    except keys.SealBroken:
        done.broken += 1
        return False
    row.sealed = keys.seal(key, **names)
    row.fingerprint = keys.fingerprint(key, tenant_id=tenant_id)
    done.sealed += 1
    return True
