"""What the validation rules say of a batch's readings (`readings.rules.validation`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from collectors.pipeline.items import Item
from meters.state import Known
from readings.findings import Noted, note
from readings.models import Kind, Status
from readings.peaks import peaks_of
from readings.rules.validation import Finding, Values, check, conflict, suspect
from readings.services import NewReading, Stored
from ready.tenancy.context import current_tenant_id

_KEPT = (Stored.STORED, Stored.MERGED)
_Judged = tuple[NewReading, Item]


class Judgement:
    """What was found, held until it is known which readings are kept."""

    def __init__(self, items: Iterable[Item], known: Mapping[int, Known]) -> None:
        """Look at every reading; those that fail a rule become suspect."""
        self._found: list[tuple[NewReading, Sequence[Finding]]] = []
        by_meter: dict[int, list[_Judged]] = {}
        for item in items:
            for reading in item.readings:
                by_meter.setdefault(reading.meter_id, []).append((reading, item))
        if not by_meter:
            return
        peaks = _peaks.of(by_meter.keys(), _day(by_meter))
        for meter_id, told in by_meter.items():
            self._judge(told, known[meter_id], peaks.get(meter_id))

    def _judge(self, told: list[_Judged], known: Known, peaks: Values | None) -> None:
        """The readings of one meter in order of time, each compared with the one before."""
        if len(told) > 1:
            told.sort(key=lambda one: one[0].at)
        previous, previous_at = known.values, known.read_at
        for reading, item in told:
            current = reading.kind is Kind.NOW
            found = check(
                reading.values,
                at=reading.at,
                received_at=reading.received_at,
                heard_at=item.heard_at if reading.own_time else None,
                current=current,
                previous=previous,
                previous_at=previous_at,
                peaks=peaks,
            )
            if found:
                self._found.append((reading, found))
                if suspect(found):
                    reading.status = Status.SUSPECT
            if current and (previous_at is None or reading.at > previous_at):
                previous, previous_at = reading.values, reading.at

    def keep(self, items: Iterable[Item]) -> None:
        """Note what was found about readings that were kept, and what contradicted others."""
        noted: list[Noted] = [
            (reading.meter_id, reading.at, found)
            for reading, found in self._found
            if reading.outcome in _KEPT
        ]
        noted += _conflicts(items)
        note(noted)


def _conflicts(items: Iterable[Item]) -> Iterator[Noted]:
    for item in items:
        for reading in item.readings:
            if reading.outcome is Stored.CONFLICT:
                assert reading.contradicts is not None
                yield reading.meter_id, reading.at, conflict(reading.values, reading.contradicts)


def _day(by_meter: Mapping[int, list[_Judged]]) -> date:
    return next(iter(by_meter.values()))[0][0].received_at.date()


class _Peaks:
    """The meters' greatest days, remembered for a day: maintenance notes them once a day."""

    def __init__(self, most: int = 200_000) -> None:
        self._most = most
        self._as_of = date.min
        self._peaks: dict[tuple[int, int], Values | None] = {}

    def of(self, meter_ids: Iterable[int], today: date) -> dict[int, Values]:
        """Of meters known long enough, in the order of `meters.registers.COLUMNS`."""
        # Forward only: a replay of older telegrams between new ones would empty it each time.
        if today > self._as_of or len(self._peaks) > self._most:
            self._as_of, self._peaks = max(today, self._as_of), {}
        tenant_id = current_tenant_id()
        wanted = {meter_id: (tenant_id, meter_id) for meter_id in meter_ids}
        missing = [meter_id for meter_id, key in wanted.items() if key not in self._peaks]
        if missing:
            found = peaks_of(missing)
            self._peaks |= {(tenant_id, meter_id): found.get(meter_id) for meter_id in missing}
        return {
            meter_id: peaks
            for meter_id, key in wanted.items()
            if (peaks := self._peaks[key]) is not None
        }


_peaks = _Peaks()
