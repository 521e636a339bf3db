"""Previews of key imports with the keys tried out on what the meters really sent."""

from collectors.pipeline.keytest import try_key
from meters.keyimports import imported_key, preview
from meters.keys import SealBroken, open_sealed
from meters.models import KeyImport, KeyImportRow, Meter, MeterKey
from ready.audit.services import Actor
from ready.tenancy.context import current_tenant_id

# Trying takes about a millisecond a meter; nobody waits longer for a page.
MOST_TRIALS = 2_000


def preview_and_try(*, content: bytes, password: str, file_name: str, actor: Actor) -> KeyImport:
    """A preview (`meters.keyimports.preview`), each key tried on the last kept telegrams.

    Raises keyfiles.KeyFileError.
    """
    made = preview(content=content, password=password, file_name=file_name, actor=actor)
    rows = list(
        KeyImportRow.objects.filter(of_import=made, sealed__isnull=False).order_by("line")[
            :MOST_TRIALS
        ]
    )
    for row in rows:
        verdict = try_key(row.manufacturer, row.number, imported_key(row))
        row.tried, row.opened = verdict.tried, verdict.opened
    KeyImportRow.objects.bulk_update(rows, ["tried", "opened"], batch_size=500)
    return made


def try_stored(meter: Meter) -> tuple[int, int] | None:
    """Telegrams tried and opened with the key in force; None without one that opens its seal."""
    newest = MeterKey.objects.filter(meter=meter).order_by("-version").first()
    if newest is None:
        return None
    try:
        key = open_sealed(
            bytes(newest.sealed),
            tenant_id=current_tenant_id(),
            meter_id=meter.pk,
            version=newest.version,
        )
    except SealBroken:
        return None
    verdict = try_key(meter.manufacturer, meter.number, key)
    return verdict.tried, verdict.opened
