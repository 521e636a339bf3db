"""Mails to people who are not in READY yet."""

import logging
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils import timezone, translation

from ready.accounts.models import Invitation
from ready.tenancy.models import Tenant

log = logging.getLogger(__name__)


class NotSent(Exception):
    """The mail server did not take the mail."""


def send_invitation(*, tenant: Tenant, invitation: Invitation, url: str) -> None:
    """Mail the link, in the utility's language. Raises NotSent."""
    with translation.override(tenant.language), timezone.override(tenant.zone):
        context = {
            "tenant": tenant,
            "inviter": invitation.invited_by,
            "url": url,
            "expires_at": invitation.expires_at,
        }
        subject = render_to_string("accounts/email/invitation_subject.txt", context)
        body = render_to_string("accounts/email/invitation_message.txt", context)
    message = EmailMessage(
        "READY: " + " ".join(subject.split()), body.strip(), to=[invitation.email]
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        log.warning("invitation not sent: %s", error)
        raise NotSent from error
