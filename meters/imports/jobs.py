"""The life of an import: uploaded, columns chosen, checked, imported, perhaps undone.

The row is the job. The worker takes one at a time (an advisory lock, so that the row itself stays
free), writes how far it is over a connection of its own, and everything else in one transaction.
"""

import logging
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from meters import groups, listing
from meters.imports import reading
from meters.imports.facts import FIELDS, Facts, Wrong, facts_of, guess_columns
from meters.imports.planning import Plan, plan
from meters.imports.reading import Options, Unreadable
from meters.imports.writing import take_back, write
from meters.models import MeterImport
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id, tenant_context
from ready.tenancy.models import Tenant

log = logging.getLogger(__name__)

State = MeterImport.State
WORK = (State.CHECKING, State.IMPORTING)
SHOWN_ROWS = 5
_LOCK = 0x494D5054  # "IMPT"; the second key is the import
_WRONG_MAX = 20_000
_KEEP = timedelta(days=30)  # an import can be undone, and a file waits, for so long
_EVERY = 250  # rows between two notes of progress


def upload(*, name: str, content: bytes, actor: Actor, language: str) -> MeterImport:
    """Keep a file, and guess how it is to be read. Raises ValidationError."""
    if not content:
        raise ValidationError(_("The file is empty."), code="empty")
    if len(content) > reading.SIZE_MAX:
        raise ValidationError(
            _("The file is larger than %(max)s MB; split it.")
            % {"max": reading.SIZE_MAX // 1024 // 1024},
            code="size",
        )
    forget_old()
    options = reading.guess(content)
    head = _head(content, options)
    # The same head as once before: read it as that time.
    last = (
        MeterImport.objects.filter(head=head)
        .exclude(options={})
        .exclude(state__in=[State.UPLOADED, State.FAILED])
        .order_by("-created_at")
        .first()
    )
    columns = guess_columns(head)
    if last is not None:
        remembered = Options.of(last.options)
        options = Options(
            options.separator, options.encoding, remembered.decimal, remembered.columns
        )
    else:
        options = Options(options.separator, options.encoding, options.decimal, columns)
    made: MeterImport = MeterImport.objects.create(
        file_name=name[:200],
        content=content,
        head=head,
        options=options.stored(),
        actor_id=actor.id,
        actor_name=actor.name,
        computer=actor.computer,
        language=language,
    )
    record(
        event="import.uploaded",
        actor=actor,
        object_type="import",
        object_id=made.pk,
        object_label=made.file_name,
    )
    return made


def _head(content: bytes, options: Options) -> list[str]:
    try:
        return next(reading.rows_of(content, options), [])
    except Unreadable as error:
        raise ValidationError(str(error), code="unreadable") from None


def forget_old() -> None:
    """Let go of files, and of what undoing needs, once they are past their time: they name people
    whom nobody may remember by then."""
    old = MeterImport.objects.filter(created_at__lt=timezone.now() - _KEEP)
    old.filter(state=State.DONE).update(made={}, errors=[])
    old.exclude(state=State.DONE).delete()


def first_rows(job: MeterImport) -> tuple[list[str], list[list[str]], str]:
    """The head and a few rows as they are read now, and what is wrong with reading them."""
    try:
        rows = reading.rows_of(bytes(job.content or b""), Options.of(job.options))
        head = next(rows, [])
        return head, [row for row, _n in zip(rows, range(SHOWN_ROWS), strict=False)], ""
    except Unreadable as error:
        return [], [], str(error)


def read_as(*, job: MeterImport, options: Options) -> None:
    """Read the file in another way; the columns are guessed anew where the head changes."""
    head = _head(bytes(job.content or b""), options)
    if head != job.head:
        options = Options(options.separator, options.encoding, options.decimal, guess_columns(head))
    MeterImport.objects.filter(pk=job.pk).update(
        head=head, options=options.stored(), state=State.UPLOADED, errors=[], counts={}
    )


def start_check(*, job: MeterImport) -> None:
    """Have the file checked. Raises ValidationError where the columns name nothing to import."""
    columns = [column for column in Options.of(job.options).columns if column]
    double = next((key for key in columns if columns.count(key) > 1), None)
    if double:
        raise ValidationError(
            _("Two columns are “%(field)s”; choose one.") % {"field": FIELDS[double][0]},
            code="double",
        )
    if "number" not in columns and "customer_number" not in columns:
        raise ValidationError(
            _("Choose the column with the serial number or the customer number."), code="columns"
        )
    _start(job, State.CHECKING, (State.UPLOADED, State.CHECKED))


def start_import(*, job: MeterImport, actor: Actor) -> None:
    """Have a file that was checked without faults imported."""
    if job.errors:
        raise ValidationError(_("Rows of the file are wrong; correct them first."), code="wrong")
    _start(job, State.IMPORTING, (State.CHECKED,))
    record(
        event="import.started",
        actor=actor,
        object_type="import",
        object_id=job.pk,
        object_label=job.file_name,
    )


def _start(job: MeterImport, state: str, before: Sequence[str]) -> None:
    started = MeterImport.objects.filter(pk=job.pk, state__in=before).update(
        state=state, done=0, rows=0, errors=[], counts={}
    )
    if not started:
        raise ValidationError(_("This import is at another step by now."), code="state")


def work_all() -> int:
    """Do whatever waits, in all utilities; how many imports were worked on."""
    worked = 0
    for tenant in Tenant.objects.order_by("pk"):
        while _work_one(tenant):
            worked += 1
    return worked


def _work_one(tenant: Tenant) -> bool:
    number: int | None = None
    try:
        with tenant_context(tenant.pk), timezone.override(tenant.zone):
            job = _claim()
            if job is None:
                return False
            number = job.pk
            with translation.override(job.language):
                _work(job)
    except Exception:
        # Its transaction is undone; the row says so, and the next import is not held up by it.
        log.exception("import %s of tenant %s failed", number, tenant.pk)
        with tenant_context(tenant.pk):
            MeterImport.objects.filter(pk=number).update(
                state=State.FAILED, finished_at=timezone.now()
            )
        return number is not None
    return True


def _claim() -> MeterImport | None:
    for job in MeterImport.objects.filter(state__in=WORK).order_by("pk"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK, job.pk])
            if cursor.fetchone()[0]:
                # It may have been finished between the two statements.
                found: MeterImport | None = MeterImport.objects.filter(
                    pk=job.pk, state__in=WORK
                ).first()
                return found
    return None


def _work(job: MeterImport) -> None:
    importing = job.state == State.IMPORTING
    with closing(_Progress(job)) as progress:
        try:
            found, wrong = _check(job, progress)
        except Unreadable as error:
            found, wrong = plan([]), [Wrong(1, "", "", str(error))]
        if wrong or not importing:
            MeterImport.objects.filter(pk=job.pk).update(
                state=State.CHECKED,
                rows=len(found.rows),
                done=len(found.rows),
                errors=[one.stored() for one in wrong[:_WRONG_MAX]],
                counts=found.counts(),
            )
            return
        progress.of(len(found.new))
        actor = Actor(job.actor_id, job.actor_name, job.computer)
        at = timezone.now()
        made = write(found, at=at, actor=actor, progress=progress.at)
        groups.refresh_groups(find=listing.find, now=at)
        counts = found.counts()
        record(
            event="import.done",
            actor=actor,
            object_type="import",
            object_id=job.pk,
            object_label=job.file_name,
            after=counts,
        )
        MeterImport.objects.filter(pk=job.pk).update(
            state=State.DONE,
            rows=len(found.rows),
            done=len(found.rows),
            counts=counts,
            made=made.stored(),
            content=None,
            imported_at=at if made.meters else None,
            finished_at=at,
        )


def _check(job: MeterImport, progress: "_Progress") -> tuple[Plan, list[Wrong]]:
    options = Options.of(job.options)
    today = timezone.localdate()
    rows = list(reading.rows_of(bytes(job.content or b""), options))
    progress.of(max(0, len(rows) - 1))
    facts: list[Facts] = []
    wrong: list[Wrong] = []
    for line, cells in enumerate(rows[1:], start=2):
        if any(cells):
            told, complaints = facts_of(line, cells, options, today)
            wrong += complaints
            if not complaints:
                facts.append(told)
        progress.at(line - 1)
    found = plan(facts)
    if not facts and not wrong:
        wrong.append(Wrong(1, "", "", _("The file has a head and no rows.")))
    return found, sorted([*wrong, *found.wrong], key=lambda one: one.line)


def wrong_rows(job: MeterImport) -> tuple[list[str], list[list[str]]]:
    """The head and the failing rows, as they were, with what is wrong behind them."""
    by_line: dict[int, list[str]] = {}
    for line, key, _value, words in job.errors:
        field = str(FIELDS[key][0]) if key in FIELDS else ""
        by_line.setdefault(line, []).append(f"{field}: {words}" if field else words)
    options = Options.of(job.options)
    rows = reading.rows_of(bytes(job.content or b""), options)
    head = next(rows, [])
    return [*head, _("What is wrong")], [
        # A short row is filled up, so that the words stand under their head.
        [*cells, *[""] * (len(head) - len(cells)), " ".join(by_line[line])]
        for line, cells in enumerate(rows, start=2)
        if line in by_line
    ]


def undo(*, job: MeterImport, actor: Actor) -> None:
    """Take an import back. Raises ValidationError where something depends on it."""
    locked: Any = MeterImport.objects.select_for_update().get(pk=job.pk)
    if locked.state != State.DONE or not locked.made:
        raise ValidationError(_("This import can no longer be undone."), code="state")
    take_back(locked.made, actor)
    MeterImport.objects.filter(pk=job.pk).update(state=State.UNDONE, made={})
    record(
        event="import.undone",
        actor=actor,
        object_type="import",
        object_id=job.pk,
        object_label=job.file_name,
        before=locked.counts,
    )


class _Progress:
    """How far a job is, seen by others while its transaction is open."""

    def __init__(self, job: MeterImport) -> None:
        self._job = job.pk
        self._tenant = current_tenant_id()
        self._noted = 0
        parameters = connection.get_connection_params()
        wanted = {
            key: parameters[key]
            for key in ("host", "port", "user", "password", "dbname")
            if parameters.get(key)
        }
        self._link = psycopg.connect(**wanted, autocommit=True)
        self._link.execute(f"SET app.tenant = '{int(self._tenant)}'")

    def of(self, rows: int) -> None:
        """There are so many rows."""
        self._noted = 0
        self._write("rows = %s, done = 0", rows)

    def at(self, row: int) -> None:
        """So many are done."""
        if row - self._noted >= _EVERY:
            self._noted = row
            self._write("done = %s", row)

    def _write(self, change: str, value: int) -> None:
        self._link.execute(
            f"UPDATE meters_meterimport SET {change} WHERE tenant_id = %s AND id = %s",
            [value, self._tenant, self._job],
        )

    def close(self) -> None:
        """The last word is the job's own."""
        self._link.close()
