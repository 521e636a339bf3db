"""What the worker does for this app. The messages carry nothing: the outbox says what there is."""

import logging

from celery import shared_task
from kombu.exceptions import OperationalError

from notifications import mailing
from ready.policy import SYSTEM, access

log = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
@access(SYSTEM)
def send_mails() -> None:
    """Send the mails that are due."""
    mailing.send_all()


def ring_softly() -> None:
    """Ask for mails to be sent now; without a broker the timetable does it soon."""
    try:
        send_mails.apply_async(retry=False, expires=60)
    except (OperationalError, OSError) as error:
        log.warning("no doorbell: %s", error)
