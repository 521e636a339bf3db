"""Importing files of encryption keys: looked at first, imported whole or not at all, taken back.

Between the preview and the import the keys stand sealed in the database, each bound to its line;
they are gone from there as soon as the import is made or given up, or after half an hour.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from meters import keys
from meters.formats import keyfiles
from meters.models import KeyImport, KeyImportRow, Medium, Meter, MeterKey
from meters.replays import want_replay
from meters.services import identity_of, register_meter, set_key
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id

PREVIEW_LASTS = timedelta(minutes=30)


class Finding(StrEnum):
    """What was found of a line. The first three can be imported as they are."""

    NEW = "new"
    REPLACES = "replaces"
    SAME = "same"
    UNKNOWN = "unknown"
    SHARED = "shared"
    TWICE = "twice"
    NUMBER = "number"
    NO_KEY = "no_key"
    BAD_KEY = "bad_key"


IMPORTABLE = frozenset({Finding.NEW, Finding.REPLACES})
# Nothing that a box to tick could mend; the file must be mended, or these lines left out.
FAULTY = frozenset({Finding.TWICE, Finding.NUMBER, Finding.NO_KEY, Finding.BAD_KEY})


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person decided about lines that are not simply right."""

    register: bool = False  # meters that are not registered yet become so
    shared: bool = False  # one key for several meters is meant so
    leave_out: bool = False  # faulty lines are left out


def preview(*, content: bytes, password: str, file_name: str, actor: Actor) -> KeyImport:
    """Read a file and keep what was found, sealed. Raises keyfiles.KeyFileError."""
    file = keyfiles.read(content, password)
    made: KeyImport = KeyImport.objects.create(
        file_name=file_name[:120], kind=file.kind, created_by=actor.name[:254]
    )
    tenant_id = current_tenant_id()
    meters = _meters(file.keys)
    in_force = _in_force([meter.pk for meter in meters.values()])
    numbers = Counter((_maker(found), found.number) for found in file.keys)
    prints = [_print(found, tenant_id) for found in file.keys]
    owners = _owners(
        [told for told in prints if told is not None],
        {told: set() for told in prints if told is not None},
    )
    for found, told in zip(file.keys, prints, strict=True):
        if told is not None:
            owners[told].add((_maker(found), found.number))
    rows = []
    for found, told in zip(file.keys, prints, strict=True):
        meter = meters.get((_maker(found), found.number))
        finding = _finding(
            found,
            meter=meter,
            twice=numbers[_maker(found), found.number] > 1,
            shared=told is not None and len(owners[told]) > 1,
            same=meter is not None and told is not None and in_force.get(meter.pk) == told,
        )
        sealed = None
        if found.key is not None and finding not in FAULTY and finding is not Finding.SAME:
            sealed = keys.seal_imported(
                found.key, tenant_id=tenant_id, import_id=made.pk, line=found.line
            )
        rows.append(
            KeyImportRow(
                of_import=made,
                line=found.line,
                manufacturer=_maker(found),
                number=found.number,
                meter=meter,
                medium=found.medium,
                meter_type=found.meter_type,
                finding=finding,
                sealed=sealed,
                fingerprint=told if sealed is not None else None,
            )
        )
    KeyImportRow.objects.bulk_create(rows, batch_size=1000)
    record(
        event="keys.previewed",
        actor=actor,
        object_type="key import",
        object_id=made.pk,
        object_label=made.file_name,
        after={"kind": made.kind, **Counter(str(row.finding) for row in rows)},
    )
    return made


def _maker(found: keyfiles.FoundKey) -> str:
    return identity_of(found.manufacturer)


def _print(found: keyfiles.FoundKey, tenant_id: int) -> bytes | None:
    return None if found.key is None else keys.fingerprint(found.key, tenant_id=tenant_id)


def _meters(found: Sequence[keyfiles.FoundKey]) -> dict[tuple[str, str], Meter]:
    wanted = {one.number for one in found}
    return {
        (meter.manufacturer, meter.number): meter
        for meter in Meter.objects.filter(number__in=wanted)
    }


def _in_force(meter_ids: Sequence[int]) -> dict[int, bytes]:
    """Fingerprints of the newest keys, by meter."""
    rows = (
        MeterKey.objects.filter(meter__in=meter_ids)
        .order_by("meter", "version")
        .values_list("meter_id", "fingerprint")
    )
    return {meter_id: bytes(told or b"") for meter_id, told in rows}


def _owners(
    prints: Sequence[bytes], owners: dict[bytes, set[tuple[str, str]]]
) -> dict[bytes, set[tuple[str, str]]]:
    """Whose these keys are already."""
    for told, maker, number in MeterKey.objects.filter(fingerprint__in=prints).values_list(
        "fingerprint", "meter__manufacturer", "meter__number"
    ):
        owners[bytes(told)].add((maker, number))
    return owners


def _finding(
    found: keyfiles.FoundKey, *, meter: Meter | None, twice: bool, shared: bool, same: bool
) -> Finding:
    if len(found.number) != 8 or not all(digit in "0123456789ABCDEF" for digit in found.number):
        return Finding.NUMBER
    if found.key is None:
        return Finding.BAD_KEY if found.key_told else Finding.NO_KEY
    if twice:
        return Finding.TWICE
    if same:
        return Finding.SAME
    if shared:
        return Finding.SHARED
    if meter is None:
        return Finding.UNKNOWN
    return Finding.NEW if not MeterKey.objects.filter(meter=meter).exists() else Finding.REPLACES


def imported_key(row: KeyImportRow) -> bytes:
    """The key of a line that was not imported yet. Raises keys.SealBroken."""
    return keys.open_imported(
        bytes(row.sealed or b""),
        tenant_id=current_tenant_id(),
        import_id=row.of_import_id,
        line=row.line,
    )


def _locked(pk: int, status: KeyImport.Status) -> KeyImport:
    found: KeyImport = KeyImport.objects.select_for_update().get(pk=pk)
    if found.status != status:
        raise ValidationError(
            _("This import is “%(status)s” already; somebody else was quicker.")
            % {"status": found.get_status_display()},
            code="status",
        )
    return found


def apply(*, pk: int, choices: Choices, actor: Actor) -> int:
    """Import every line, in one transaction; how many keys were stored.

    Raises KeyImport.DoesNotExist, and ValidationError where lines need a decision first or the
    preview is past its time.
    """
    chosen = _locked(pk, KeyImport.Status.PREVIEW)
    if is_past(chosen, timezone.now()):
        raise ValidationError(
            _("This preview is older than %(minutes)d minutes. Upload the file once more.")
            % {"minutes": PREVIEW_LASTS.total_seconds() // 60},
            code="past",
        )
    rows = list(KeyImportRow.objects.filter(of_import=chosen).order_by("line"))
    _refuse_undecided(rows, choices)
    stored = 0
    for row in rows:
        finding = Finding(row.finding)
        if row.sealed is None or finding in FAULTY:
            continue
        key = imported_key(row)
        meter = (
            row.meter
            or Meter.objects.filter(manufacturer=row.manufacturer, number=row.number).first()
        )
        if meter is None:
            if not choices.register:
                continue
            meter = register_meter(
                manufacturer=row.manufacturer,
                number=row.number,
                meter_type=row.meter_type,
                medium=Medium(row.medium or Medium.OTHER),
                in_stock=True,
                actor=actor,
            )
        row.meter = meter
        row.version = set_key(meter=meter, key=key, actor=actor).version
        row.sealed = None
        stored += 1
    KeyImportRow.objects.bulk_update(rows, ["meter", "version", "sealed"], batch_size=500)
    KeyImportRow.objects.filter(of_import=chosen).update(sealed=None, fingerprint=None)
    chosen.status, chosen.imported_at = KeyImport.Status.IMPORTED, timezone.now()
    chosen.save(update_fields=["status", "imported_at"])
    record(
        event="keys.imported",
        actor=actor,
        object_type="key import",
        object_id=chosen.pk,
        object_label=chosen.file_name,
        after={"keys": stored, "left_out": len(rows) - stored},
    )
    return stored


def _refuse_undecided(rows: Sequence[KeyImportRow], choices: Choices) -> None:
    findings = Counter(Finding(row.finding) for row in rows)
    faulty = sum(findings[one] for one in FAULTY)
    if faulty and not choices.leave_out:
        raise ValidationError(
            _("%(count)s lines have errors. Mend the file, or choose to leave them out.")
            % {"count": faulty},
            code="faulty",
        )
    if findings[Finding.SHARED] and not choices.shared:
        raise ValidationError(
            _("%(count)s lines share a key with another meter. Confirm that this is meant so.")
            % {"count": findings[Finding.SHARED]},
            code="shared",
        )
    if findings[Finding.UNKNOWN] and not (choices.register or choices.leave_out):
        raise ValidationError(
            _("%(count)s meters are not registered. Register them here, or leave them out.")
            % {"count": findings[Finding.UNKNOWN]},
            code="unknown",
        )


def take_back(*, pk: int, actor: Actor) -> int:
    """Undo an import: its keys go, earlier ones are in force again; how many went.

    Meters that it registered stay. Raises ValidationError where one of its keys has been replaced
    since, KeyImport.DoesNotExist.
    """
    chosen = _locked(pk, KeyImport.Status.IMPORTED)
    rows = list(
        KeyImportRow.objects.filter(of_import=chosen, version__isnull=False).select_related("meter")
    )
    for row in rows:
        newest = MeterKey.objects.filter(meter=row.meter).order_by("-version").first()
        if newest is None or newest.version != row.version:
            raise ValidationError(
                _("Meter %(meter)s got another key since; this import cannot be taken back whole.")
                % {"meter": row.meter},
                code="replaced",
            )
    for row in rows:
        MeterKey.objects.filter(meter=row.meter, version=row.version).delete()
    want_replay([(row.meter.manufacturer, row.meter.number) for row in rows if row.meter])
    chosen.status = KeyImport.Status.TAKEN_BACK
    chosen.save(update_fields=["status"])
    record(
        event="keys.taken_back",
        actor=actor,
        object_type="key import",
        object_id=chosen.pk,
        object_label=chosen.file_name,
        before={"keys": len(rows)},
    )
    return len(rows)


def give_up(*, pk: int, actor: Actor) -> None:
    """Throw a preview away, its keys first. Raises KeyImport.DoesNotExist, ValidationError."""
    _throw_away(_locked(pk, KeyImport.Status.PREVIEW), "keys.given_up", actor)


def is_past(preview: KeyImport, now: datetime) -> bool:
    """Whether a preview waited too long: what its keys were tried on is no longer the newest, and
    keys that nobody wants any more are to lie nowhere."""
    return bool(now - preview.created_at > PREVIEW_LASTS)


def forget_old(*, now: datetime, actor: Actor) -> int:
    """Throw the current utility's previews away that are past their time; how many."""
    old = KeyImport.objects.select_for_update(skip_locked=True).filter(
        status=KeyImport.Status.PREVIEW, created_at__lt=now - PREVIEW_LASTS
    )
    gone = 0
    for preview in old:
        _throw_away(preview, "keys.preview_expired", actor)
        gone += 1
    return gone


def _throw_away(preview: KeyImport, event: str, actor: Actor) -> None:
    record(
        event=event,
        actor=actor,
        object_type="key import",
        object_id=preview.pk,
        object_label=preview.file_name,
    )
    KeyImportRow.objects.filter(of_import=preview).delete()
    preview.delete()
