"""Readings corrected and entered by people.

A reading's row holds what is in force; every change leaves a version with the person, the reason
and what stood there before, and marks the day, so that daily values, charts and reports follow by
themselves; an estimate that was shared out up to it gives way. What a person decided is never
written over by what arrives (`readings.writing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from meters import state
from meters.models import Meter, MeterState
from meters.registers import BY_COLUMN, COLUMNS, REGISTERS
from readings.fitting import check_between
from readings.giving_way import give_way_beside
from readings.marks import marking
from readings.models import Kind, Origin, Reading, Status, Trust, Version
from readings.quality import Reason
from readings.services import NewReading, store
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id
from ready.web import formats

Values = Mapping[str, int | None]
# A person may enter what was read a moment ago by another clock.
_AHEAD = timedelta(minutes=10)
# There is room for 61 months of readings (readings.apps): a little less than that.
_BACK = timedelta(days=5 * 365)


@dataclass(frozen=True, slots=True)
class Why:
    """Why a person changes a reading."""

    reason: Reason
    note: str = ""


def edit_reading(
    *, meter: Meter, at: datetime, values: Values, why: Why, actor: Actor, now: datetime
) -> Version:
    """Give registers of a reading other values; {column: base units}, None: not to be used.

    Raises ValidationError where there is no such reading, nothing changes, or a value cannot be.
    """
    _check_values(values)
    known = state.lock([meter.pk])[meter.pk]
    reading = _reading(meter, at)
    before = {column: getattr(reading, column) for column in values}
    if before == dict(values):
        raise ValidationError(_("These values stand there already."), code="unchanged")
    return _change(
        reading, values, Status.EDITED, Version.Act.EDITED, why, actor, now, known.read_at
    )


def set_aside(*, meter: Meter, at: datetime, why: Why, actor: Actor, now: datetime) -> Version:
    """Let none of a reading's registers count; the reading and its values stay on record."""
    state.lock_times([meter.pk])  # what it tells is not to change before it is set aside
    reading = _reading(meter, at)
    told = {
        register.column: None
        for register in REGISTERS
        if register.quantity != "bits" and getattr(reading, register.column) is not None
    }
    if not told:
        raise ValidationError(_("Nothing of this reading counts any more."), code="unchanged")
    return edit_reading(meter=meter, at=at, values=told, why=why, actor=actor, now=now)


def enter_reading(
    *,
    meter: Meter,
    at: datetime,
    values: Mapping[str, int],
    why: Why,
    actor: Actor,
    now: datetime,
) -> Version:
    """Add a reading that a person read off the meter; {column: base units}.

    Raises ValidationError where a reading of that instant exists (correct it instead), the time is
    still to come or five years past, or the meter's own readings around it contradict.
    """
    if at > now + _AHEAD:
        raise ValidationError(_("A reading cannot be entered before its time."), code="future")
    if at < now - _BACK:
        raise ValidationError(
            _("A reading older than five years cannot be entered; READY keeps none of that time."),
            code="past",
        )
    if not values:
        raise ValidationError(_("A reading has at least one register."), code="empty")
    _check_values(values)
    known = state.lock([meter.pk])
    # An estimate is no obstacle: it gives way to what is stored here.
    there = Reading.objects.filter(meter_id=meter.pk, ts=at).exclude(status=Status.ESTIMATED)
    if there.exists():
        raise ValidationError(
            _("There is a reading of %(at)s already; correct that one.")
            % {"at": formats.moment(at)},
            code="there",
        )
    check_between(meter, at, {c: v for c, v in values.items() if BY_COLUMN[c].cumulative})
    # Not a current reading: no telegram of the same hour makes it give way.
    new = NewReading(
        meter_id=meter.pk,
        at=at,
        received_at=now,
        values=[values.get(column) for column in COLUMNS],
        origin=Origin.MANUAL,
        trust=Trust.NONE,
        interval_s=meter.interval_s,
        kind=Kind.LOG,
        status=Status.EDITED,
    )
    store([new], state.read_times(known))
    read_at = known[meter.pk].read_at
    if read_at is None or at >= read_at:
        state.update([state.Heard(meter.pk, read_at=at, values=new.values)])
    return _note(
        _reading(meter, at),
        dict.fromkeys(values),
        values,
        Version.Act.ENTERED,
        why,
        actor,
        now,
        Status.MEASURED,
    )


def undo_edit(*, meter: Meter, at: datetime, why: Why, actor: Actor, now: datetime) -> Version:
    """Take the newest change of a reading back, as a version of its own.

    A reading that a person entered is then set aside. Raises ValidationError where nothing is left
    to take back.
    """
    known = state.lock([meter.pk])[meter.pk]
    reading = _reading(meter, at)
    last = standing(versions_of(meter.pk, at))
    if last is None:
        raise ValidationError(_("Nothing was changed here."), code="unchanged")
    entered = last.act == Version.Act.ENTERED
    status = Status.EDITED if entered else Status(last.status_before)
    return _change(reading, last.before, status, Version.Act.UNDONE, why, actor, now, known.read_at)


def versions_of(meter_id: int, at: datetime) -> list[Version]:
    """Every change of a reading, the newest first; the last one's `before` is the original."""
    return list(Version.objects.filter(meter_id=meter_id, ts=at).order_by("-number"))


def standing(versions: Sequence[Version]) -> Version | None:
    """The newest change that was not taken back; versions: the newest first."""
    undone = 0
    for version in versions:
        if version.act == Version.Act.UNDONE:
            undone += 1
        elif undone:
            undone -= 1
        else:
            return version
    return None


def _check_values(values: Values) -> None:
    for column, value in values.items():
        register = BY_COLUMN.get(column)
        if register is None or register.quantity == "bits":
            raise ValidationError(
                _("%(register)s is not a register that can be changed.") % {"register": column},
                code="register",
            )
        most = 2**63 - 1 if register.wide else 2**31 - 1
        if value is not None and (abs(value) > most or (register.cumulative and value < 0)):
            raise ValidationError(
                _("%(register)s cannot have this value.") % {"register": register.code},
                code="range",
            )


def _reading(meter: Meter, at: datetime) -> Reading:
    found = Reading.objects.filter(meter_id=meter.pk, ts=at).first()
    if found is None:
        raise ValidationError(
            _("There is no reading of %(at)s.") % {"at": formats.moment(at)}, code="none"
        )
    reading: Reading = found
    if reading.status == Status.ESTIMATED:
        raise ValidationError(
            _("This reading is an estimate; take the estimate back instead."), code="estimate"
        )
    return reading


def _change(
    reading: Reading,
    values: Values,
    status: Status,
    act: Version.Act,
    why: Why,
    actor: Actor,
    now: datetime,
    newest_at: datetime | None,
) -> Version:
    before = {column: getattr(reading, column) for column in values}
    give_way_beside(reading.meter_id, reading.ts, values)
    sets = ", ".join(f"{column} = %s" for column in values)
    change = f"""UPDATE readings_reading SET {sets}, status = %s
                 WHERE tenant_id = %s AND meter_id = %s AND ts = %s
                 RETURNING meter_id, ts"""  # noqa: S608  names out of COLUMNS (_check_values)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{marking(change)} SELECT count(*) FROM changed",  # noqa: S608
            [*values.values(), int(status), current_tenant_id(), reading.meter_id, reading.ts],
        )
    if newest_at == reading.ts:
        MeterState.objects.filter(meter_id=reading.meter_id).update(**values)
    return _note(
        reading, before, values, act, why, actor, now, Status(reading.status), status_after=status
    )


def _note(
    reading: Reading,
    before: Values,
    after: Values,
    act: Version.Act,
    why: Why,
    actor: Actor,
    now: datetime,
    status_before: Status,
    *,
    status_after: Status = Status.EDITED,
) -> Version:
    earlier = Version.objects.filter(meter_id=reading.meter_id, ts=reading.ts)
    made: Version = Version.objects.create(
        tenant_id=current_tenant_id(),
        meter_id=reading.meter_id,
        ts=reading.ts,
        number=earlier.count() + 1,
        made_at=now,
        act=act,
        actor_id=actor.id,
        actor_name=actor.name,
        reason=why.reason,
        note=why.note,
        before=dict(before),
        after=dict(after),
        status_before=status_before,
        status_after=status_after,
    )
    record(
        event=f"reading.{act.name.lower()}",
        actor=actor,
        object_type="meter",
        object_id=reading.meter_id,
        object_label=str(Meter.objects.get(pk=reading.meter_id)),
        before={"at": reading.ts.isoformat(), "values": dict(before)},
        after={"values": dict(after), "reason": str(why.reason), "version": made.number},
    )
    return made
