"""Mails that people have READY send: put into the outbox with what they carry, sent by the worker.

A mail is asked for in the transaction of the request; the worker takes it from the outbox for a
while (its next try lies ahead), lets go of the transaction, talks to the mail server and notes
what came of it. So a server that hangs holds no row, a worker that dies loses no mail, and the
worst that can happen is a mail that comes twice, with one Message-ID. What a server refuses for
good ends at once; anything else is tried again for a day.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from meters.models import Meter
from notifications import outbox
from notifications.models import OutboxEntry, OutgoingMail
from notifications.outbox import Event, enqueue
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id, tenant_context
from ready.tenancy.models import Tenant

log = logging.getLogger(__name__)

# A utility's people may have so many sent an hour: a report each, not a campaign.
MOST_AN_HOUR = 200
KEEP = timedelta(days=30)
_LOCK = 0x4D41494C  # "MAIL"; the second key is the tenant
_LEASE_S = 120
# How long until the next try, after each that failed; after the last the mail has failed.
_PAUSES_MIN = (1, 5, 15, 60, 240, 1140)
_FOR_GOOD = 500  # SMTP: 4xx is tried again, 5xx is not


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent. Texts without line breaks but `text`; content: the attached file."""

    recipient: str
    subject: str
    text: str
    file_name: str
    content: bytes


def ask_for_mail(*, meter: Meter, letter: Letter, actor: Actor) -> OutgoingMail:
    """Have a mail about a meter sent soon; answers go to whoever asked for it.

    Raises ValidationError where the utility asked for too many within the hour.
    """
    now = timezone.now()
    _lock()
    OutgoingMail.objects.filter(created_at__lt=now - KEEP).delete()
    hour = OutgoingMail.objects.filter(created_at__gt=now - timedelta(hours=1)).count()
    if hour >= MOST_AN_HOUR:
        raise ValidationError(
            _(
                "%(count)s mails were sent within the last hour, the most that READY sends; "
                "try later."
            )
            % {"count": MOST_AN_HOUR},
            code="many",
        )
    made: OutgoingMail = OutgoingMail.objects.create(
        meter=meter,
        recipient=letter.recipient,
        reply_to=actor.name if "@" in actor.name else "",
        subject=letter.subject,
        text=letter.text,
        file_name=letter.file_name,
        content=letter.content,
        actor_name=actor.name,
    )
    enqueue([Event(outbox.MAIL, str(made.pk), {"mail": made.pk})])
    record(
        event="report.mailed",
        actor=actor,
        object_type="meter",
        object_id=meter.pk,
        object_label=str(meter),
        after={"recipient": letter.recipient, "file": letter.file_name},
    )
    return made


def _lock() -> None:
    """Who asks at the same moment is counted one by one, else all of them find room for one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, current_tenant_id()])


def newest(*, meter_id: int, most: int = 10) -> list[OutgoingMail]:
    """The last mails about a meter, without what they carried."""
    rows = OutgoingMail.objects.filter(meter=meter_id).defer("content", "text")
    return list(rows.order_by("-created_at", "-pk")[:most])


def send_all() -> int:
    """Send what is due, of all utilities; how many mails were tried."""
    tried = 0
    for tenant in Tenant.objects.order_by("pk"):
        while (claimed := _claim(tenant.pk)) is not None:
            _settle(tenant.pk, claimed, _sent(tenant, claimed))
            tried += 1
    return tried


@dataclass(frozen=True, slots=True)
class _Claimed:
    entry: int
    attempts: int  # with this one
    mail: OutgoingMail
    id_outside: str


@dataclass(frozen=True, slots=True)
class _Trouble:
    words: str
    for_good: bool


def _claim(tenant_id: int) -> _Claimed | None:
    """Take the mail that waits longest; nobody else takes it for as long as the lease lasts."""
    with tenant_context(tenant_id):
        while (row := _take()) is not None:
            entry, attempts, id_outside, number = row
            mail = OutgoingMail.objects.filter(pk=int(number)).first()
            if mail is not None and mail.content is not None:
                return _Claimed(entry, attempts, mail, str(id_outside))
            if mail is not None and mail.state == OutgoingMail.State.SENT:
                outbox.note_delivered(entry_id=entry, now=timezone.now())
                continue
            # It failed for good, and says of what. Or it is gone: its meter was deleted, or
            # somebody's data with it, and nobody was told anything.
            outbox.note_failed(
                entry_id=entry,
                reason=outbox.WITHDRAWN if mail is None else mail.trouble,
                next_try_at=None,
                now=timezone.now(),
            )
    return None


def _take() -> tuple[int, int, object, str] | None:
    """The entry, its attempts with this one, its id outside, and the number of its mail."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE notifications_outboxentry o
               SET attempts = o.attempts + 1, next_try_at = now() + make_interval(secs => %s)
               WHERE (o.tenant_id, o.id) = (
                   SELECT tenant_id, id FROM notifications_outboxentry
                   WHERE tenant_id = %s AND event = %s AND delivered_at IS NULL
                     AND given_up_at IS NULL AND next_try_at <= now()
                   ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED)
               RETURNING o.id, o.attempts, o.id_outside, o.payload ->> 'mail'""",
            [_LEASE_S, current_tenant_id(), outbox.MAIL],
        )
        row: tuple[int, int, object, str] | None = cursor.fetchone()
    return row


def _sent(tenant: Tenant, claimed: _Claimed) -> _Trouble | None:
    """Hand it to the mail server; what went wrong, None for nothing."""
    mail = claimed.mail
    message = EmailMessage(
        mail.subject,
        mail.text,
        to=[mail.recipient],
        reply_to=[mail.reply_to] if mail.reply_to else None,
        headers={"Message-ID": f"<{claimed.id_outside}@{_host()}>"},
    )
    message.attach(mail.file_name, bytes(mail.content or b""), "application/pdf")
    try:
        message.send()
    except SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()), (0, b""))
        return _Trouble(_words(code, words), code >= _FOR_GOOD)
    except SMTPAuthenticationError as error:
        # READY's own settings are wrong, which somebody may mend within the day.
        return _Trouble(_words(error.smtp_code, error.smtp_error), False)
    except (SMTPDataError, SMTPResponseException) as error:
        return _Trouble(_words(error.smtp_code, error.smtp_error), error.smtp_code >= _FOR_GOOD)
    except (SMTPException, OSError, ValueError) as error:
        return _Trouble(str(error)[:300], isinstance(error, ValueError))
    return None


def _host() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"


def _words(code: int, words: bytes | str) -> str:
    told = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(told.split())}"[:300]


def _settle(tenant_id: int, claimed: _Claimed, trouble: _Trouble | None) -> None:
    """Note what came of a try."""
    now = timezone.now()
    with tenant_context(tenant_id):
        mail = OutgoingMail.objects.filter(pk=claimed.mail.pk)
        if trouble is None:
            outbox.note_delivered(entry_id=claimed.entry, now=now)
            mail.update(**_over(OutgoingMail.State.SENT, now, ""))
            return
        log.warning("mail %s of tenant %s not sent: %s", claimed.mail.pk, tenant_id, trouble.words)
        over = trouble.for_good or claimed.attempts > len(_PAUSES_MIN)
        outbox.note_failed(
            entry_id=claimed.entry,
            reason=trouble.words,
            next_try_at=None
            if over
            else now + timedelta(minutes=_PAUSES_MIN[claimed.attempts - 1]),
            now=now,
        )
        if over:
            mail.update(**_over(OutgoingMail.State.FAILED, now, trouble.words))
        else:
            mail.update(trouble=trouble.words)


def give_up_mail(*, entry: OutboxEntry, now: datetime) -> None:
    """Empty the mail of an entry that a person gave up; other entries carry none."""
    if entry.event == outbox.MAIL:
        mail = OutgoingMail.objects.filter(pk=entry.payload["mail"])
        words = entry.reason or _("given up")
        mail.update(**_over(OutgoingMail.State.FAILED, now, words))


def _over(state: OutgoingMail.State, now: datetime, trouble: str) -> dict[str, object]:
    return {"state": state, "finished_at": now, "trouble": trouble, "text": "", "content": None}
