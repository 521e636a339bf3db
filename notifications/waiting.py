"""Reading the outbox: what waits to be told to the outside, what was told, and what was not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from meters.conditions import describe
from meters.models import Meter
from notifications.maintenance import NOBODY_TOOK_IT
from notifications.models import OutboxEntry, OutgoingMail
from notifications.outbox import MAIL, WITHDRAWN, may_try_again
from ready.web.lists import PAGE_SIZE, Column, ListState, Page


class State(StrEnum):
    """What became of an entry."""

    WAITING = "waiting"
    FAILED = "failed"
    SENT = "sent"


LABELS: Mapping[State, Promise | str] = {
    State.WAITING: _l("Waiting"),
    State.FAILED: _l("Given up"),
    State.SENT: _l("Delivered"),
}
_REASONS: Mapping[str, Promise | str] = {
    NOBODY_TOOK_IT: _l("nobody took it in time"),
    WITHDRAWN: _l("withdrawn: the mail was deleted before it was sent"),
}
_CONDITIONS = {
    State.WAITING: Q(delivered_at=None, given_up_at=None),
    State.FAILED: Q(delivered_at=None, given_up_at__isnull=False),
    State.SENT: Q(delivered_at__isnull=False),
}
COLUMNS = (
    Column("created", _l("Happened")),
    Column("event", _l("Event"), sortable=False),
    Column("meter", _l("Meter"), sortable=False),
    Column("state", _l("State"), sortable=False),
    Column("attempts", _l("Attempts"), numeric=True),
    Column("next", _l("Next attempt"), sortable=False),
)
DEFAULT_SORT = "-created"
_SORTS = {"created": "created_at", "attempts": "attempts"}


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One entry. meter_id: whose event it is, where that meter is still there; next_try_at: None
    where nothing will be tried; over_at: when it was delivered or given up; reason: in words."""

    id: int
    created_at: datetime
    words: str
    meter_id: int | None
    serial: str
    state: State
    attempts: int
    next_try_at: datetime | None
    over_at: datetime | None
    reason: str
    again: bool  # whether it can be tried (again)

    @property
    def label(self) -> Promise | str:
        """The state in words."""
        return LABELS[self.state]


def outbox(state: ListState) -> tuple[Page[OutboxRow], dict[State, int]]:
    """One page of what is in the chosen state, and how many are in each."""
    shown = shown_of(state)
    counts = {one: _in(one).count() for one in State}
    sort = _SORTS[state.sort]
    ordered = _in(shown).order_by(f"-{sort}" if state.descending else sort, "-pk")
    entries = list(ordered[state.offset : state.offset + PAGE_SIZE])
    return Page(_rows(entries), counts[shown], state), counts


def shown_of(state: ListState) -> State:
    """Which state the address asks for; what waits, where it does not say."""
    wanted = state.filters.get("show", "")
    return State(wanted) if wanted in set(State) else State.WAITING


def _in(state: State) -> QuerySet[OutboxEntry]:
    found: QuerySet[OutboxEntry] = OutboxEntry.objects.filter(_CONDITIONS[state])
    return found


def _rows(entries: Sequence[OutboxEntry]) -> list[OutboxRow]:
    mails = {
        mail.pk: mail
        for mail in OutgoingMail.objects.defer("content", "text").filter(
            pk__in=[one.payload["mail"] for one in entries if one.event == MAIL]
        )
    }
    meters = {
        one.pk: mails[one.payload["mail"]].meter_id
        if one.event == MAIL and one.payload["mail"] in mails
        else one.payload.get("meter")
        for one in entries
    }
    told = {meter for meter in meters.values() if meter is not None}
    serials = dict(Meter.objects.filter(pk__in=told).values_list("pk", "number"))
    return [_row(one, meters[one.pk], mails, serials) for one in entries]


def _row(
    entry: OutboxEntry,
    meter_id: int | None,
    mails: Mapping[int, OutgoingMail],
    serials: Mapping[int, str],
) -> OutboxRow:
    state = State.WAITING
    if entry.delivered_at is not None:
        state = State.SENT
    elif entry.given_up_at is not None:
        state = State.FAILED
    return OutboxRow(
        id=entry.pk,
        created_at=entry.created_at,
        words=_words(entry, mails),
        meter_id=meter_id if meter_id in serials else None,
        serial=serials.get(meter_id, "") if meter_id is not None else "",
        state=state,
        attempts=entry.attempts,
        next_try_at=entry.next_try_at if state is State.WAITING else None,
        over_at=entry.delivered_at or entry.given_up_at,
        reason=str(_REASONS.get(entry.reason, entry.reason)),
        again=may_try_again(entry),
    )


def _words(entry: OutboxEntry, mails: Mapping[int, OutgoingMail]) -> str:
    if entry.event == "info_code.began" and "code" in entry.payload:
        return _("Began: %(code)s") % {"code": describe(entry.payload["code"])}
    if entry.event == MAIL:
        mail = mails.get(entry.payload["mail"])
        return _("E-mail: %(subject)s") % {"subject": mail.subject if mail else "–"}
    return str(entry.event)
