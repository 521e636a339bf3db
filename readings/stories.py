"""What people did to one reading, in words: its versions and the estimates it is part of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from meters.registers import BY_COLUMN, COLUMNS, Register
from meters.values import RegisterValue, value_of
from readings.edits import standing, versions_of
from readings.estimation import Method
from readings.models import Estimation, Status, Version
from readings.quality import METHODS, Reason, estimations_of
from ready.web.units import UnitChoice


@dataclass(frozen=True, slots=True)
class Line:
    """One register of a change; None where it has no value or is left out."""

    register: Register
    before: RegisterValue | None
    after: RegisterValue | None


@dataclass(frozen=True, slots=True)
class Change:
    """A version of a reading. entered: it was added by hand."""

    number: int
    made_at: datetime
    act: str
    entered: bool
    person: str
    reason: str
    note: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Filled:
    """A lasting estimate that a reading is part of."""

    pk: int
    register: Register
    starts_at: datetime
    ends_at: datetime
    method: Promise | str
    person: str
    reason: str
    note: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """changes: the newest first; standing: the one that undoing would take back."""

    changes: Sequence[Change]
    standing: Change | None
    estimates: Sequence[Filled]


def story_of(meter_id: int, at: datetime, status: Status, units: UnitChoice) -> Story:
    """All that people did to the reading of an instant."""
    versions = versions_of(meter_id, at)
    last = standing(versions)
    changes = [_change(one, units) for one in versions]
    estimates = estimations_of(meter_id, at, at) if status is Status.ESTIMATED else []
    return Story(
        changes,
        next((one for one in changes if last is not None and one.number == last.number), None),
        [_filled(one) for one in estimates if one.starts_at < at < one.ends_at],
    )


def _change(version: Version, units: UnitChoice) -> Change:
    def value(values: dict[str, int | None], column: str) -> RegisterValue | None:
        told = values.get(column)
        return None if told is None else value_of(column, told, units)

    return Change(
        number=version.number,
        made_at=version.made_at,
        act=version.get_act_display(),
        entered=version.act == Version.Act.ENTERED,
        person=version.actor_name,
        reason=str(Reason(version.reason).label),
        note=version.note,
        lines=[
            Line(BY_COLUMN[column], value(version.before, column), value(version.after, column))
            for column in COLUMNS
            if column in version.after
        ],
    )


def _filled(one: Estimation) -> Filled:
    return Filled(
        pk=one.pk,
        register=BY_COLUMN[one.register],
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        method=METHODS[Method(one.method)],
        person=one.actor_name,
        reason=str(Reason(one.reason).label),
        note=one.note,
        made_at=one.made_at,
    )
