"""Reading the trail: a page of it by period, event, person, object and outcome."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from ready.audit.events import EVENTS, words_of
from ready.audit.models import AuditEntry, AuditSeal, Outcome
from ready.audit.words import name_of, stored_value, value_of
from ready.web.days import parse_day
from ready.web.lists import PAGE_SIZE, KeyedPage

# Of one export; a year of a busy utility is far below it.
EXPORT_MOST = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which entries. start, end: days of the utility's zone, both included. person: a part of
    the name; thing: a part of the object's label, or its number."""

    start: date | None = None
    end: date | None = None
    event: str = ""
    person: str = ""
    thing: str = ""
    outcome: str = ""

    @classmethod
    def of(cls, data: Mapping[str, str]) -> "TrailFilter":
        """From an address; what it says wrongly is as if it were not there."""
        return cls(
            start=parse_day(data.get("from", "")),
            end=parse_day(data.get("to", "")),
            event=data.get("event", "") if data.get("event", "") in EVENTS else "",
            person=_text(data.get("person", "")),
            thing=_text(data.get("object", "")),
            outcome=data.get("outcome", "") if data.get("outcome", "") in Outcome.values else "",
        )

    def parts(self) -> dict[str, str]:
        """What an address says of it."""
        told = {
            "from": self.start.isoformat() if self.start else "",
            "to": self.end.isoformat() if self.end else "",
            "event": self.event,
            "person": self.person,
            "object": self.thing,
            "outcome": self.outcome,
        }
        return {name: value for name, value in told.items() if value}


def _text(text: str) -> str:
    return text.replace("\x00", "").strip()[:100]


@dataclass(frozen=True, slots=True)
class TrailRow:
    """An entry as people read it. changes: name, before, after; details: name, value: in the
    reader's language, or as they are stored where it is `exported`."""

    id: int
    occurred_at: datetime
    code: str
    event: Promise | str
    outcome: Outcome
    person: str
    computer: str
    address: str
    object_type: str
    object_label: str
    changes: Sequence[tuple[str, str, str]]
    details: Sequence[tuple[str, str]]
    request_id: str
    session: str
    proof: str
    sealed: bool
    erased: bool

    @property
    def summary(self) -> str:
        """The first changes on one line, for the list."""
        told = [
            f"{name}: {before} → {after}" if before else f"{name}: {after}"
            for name, before, after in self.changes
        ] or [f"{name}: {value}" for name, value in self.details]
        return "; ".join(told)[:200]


def _row(entry: AuditEntry, sealed: bool, *, as_stored: bool = False) -> TrailRow:
    before, after = entry.before or {}, entry.after or {}

    def words(name: str, value: object) -> str:
        return stored_value(value) if as_stored else value_of(name, value)

    names = list(dict.fromkeys([*before, *after]))
    return TrailRow(
        id=entry.pk,
        occurred_at=entry.occurred_at,
        code=entry.event,
        event=words_of(entry.event),
        outcome=Outcome(entry.outcome),
        person=entry.actor_name,
        computer=entry.computer,
        address=entry.address,
        object_type=entry.object_type,
        object_label=entry.object_label,
        changes=[
            (
                name if as_stored else name_of(name),
                words(name, before[name]) if name in before else "",
                words(name, after[name]) if name in after else "",
            )
            for name in names
        ],
        details=[
            (name if as_stored else name_of(name), words(name, value))
            for name, value in (entry.details or {}).items()
        ],
        request_id=entry.request_id,
        session=entry.session,
        proof=entry.proof,
        sealed=sealed,
        erased=entry.actor_salt is None and not entry.actor_name,
    )


def _found(wanted: TrailFilter) -> QuerySet[AuditEntry]:
    found: QuerySet[AuditEntry] = AuditEntry.objects.all()
    zone = timezone.get_current_timezone()
    if wanted.start is not None:
        found = found.filter(occurred_at__gte=datetime(*wanted.start.timetuple()[:3], tzinfo=zone))
    if wanted.end is not None:
        after = wanted.end + timedelta(days=1)
        found = found.filter(occurred_at__lt=datetime(*after.timetuple()[:3], tzinfo=zone))
    if wanted.event:
        found = found.filter(event=wanted.event)
    if wanted.outcome:
        found = found.filter(outcome=wanted.outcome)
    if wanted.person:
        found = found.filter(actor_name__icontains=wanted.person)
    if wanted.thing:
        found = found.filter(Q(object_label__icontains=wanted.thing) | Q(object_id=wanted.thing))
    return found


def trail(wanted: TrailFilter, after: str) -> KeyedPage[TrailRow]:
    """A page, the newest first, from after a key ("microseconds.id") on."""
    found = _found(wanted)
    key = _key(after)
    if key is not None:
        at, pk = key
        found = found.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lt=pk))
    entries = list(found.order_by("-occurred_at", "-pk")[: PAGE_SIZE + 1])
    rows = _rows(entries[:PAGE_SIZE])
    last = entries[PAGE_SIZE - 1] if len(entries) > PAGE_SIZE else None
    return KeyedPage(rows, _key_of(last) if last else "")


def _rows(entries: Sequence[AuditEntry]) -> list[TrailRow]:
    sealed = set(
        AuditSeal.objects.filter(entry__in=[entry.pk for entry in entries]).values_list(
            "entry_id", flat=True
        )
    )
    return [_row(entry, entry.pk in sealed) for entry in entries]


def _key_of(entry: AuditEntry) -> str:
    return f"{(entry.occurred_at - _EPOCH) // timedelta(microseconds=1)}.{entry.pk}"


def _key(text: str) -> tuple[datetime, int] | None:
    micros, _dot, pk = text.partition(".")
    if not (micros.isdecimal() and pk.isdecimal() and len(micros) < 17 and len(pk) < 10):
        return None
    return _EPOCH + timedelta(microseconds=int(micros)), int(pk)


def entry(pk: int) -> TrailRow:
    """One entry. Raises AuditEntry.DoesNotExist."""
    found = AuditEntry.objects.annotate(
        is_sealed=Exists(AuditSeal.objects.filter(entry=OuterRef("pk")))
    ).get(pk=pk)
    return _row(found, found.is_sealed)


def exported(wanted: TrailFilter) -> Iterator[TrailRow]:
    """All of them, the newest first, at most EXPORT_MOST; names and values as they are stored, so
    that a file holds the same whoever fetched it."""
    entries = _found(wanted).order_by("-occurred_at", "-pk")[:EXPORT_MOST]
    for one in entries.iterator(chunk_size=2000):
        yield _row(one, False, as_stored=True)
