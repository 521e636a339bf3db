"""A meter's report by e-mail: through the outbox, to a real mail server, in clear words."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings as configured
from django.core.exceptions import ValidationError
from django.db import connections
from django.test import Client
from django.utils import timezone

from meters import services
from meters.models import Customer, Meter
from notifications import mailing
from notifications.models import OutboxEntry, OutgoingMail
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.celery import app
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from ready.web.mail import smtp
from tests import factories
from tests.conftest import as_admin

# The doorbell's: without an app of its own Celery would look for a broker elsewhere.
assert app.main == "ready"
pytestmark = pytest.mark.usefixtures("committed")


class _Box:
    """What the server took; `refuses` is what it says to a recipient first."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuses = ""

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def _where(server: Any) -> tuple[str, int]:
    host, port = server.server.sockets[0].getsockname()[:2]
    return host, port


@pytest.fixture
def box(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Box]:
    """A mail server of its own, and READY set to it."""
    handler = _Box()
    server = Controller(handler, hostname="127.0.0.1", port=0)
    # With port 0 the controller cannot find itself; its socket says where it listens.
    greet = lambda: socket.create_connection(_where(server)).close()  # noqa: E731
    monkeypatch.setattr(server, "_trigger_server", greet)
    server.start()
    host, port = _where(server)
    for name, value in smtp(f"smtp://{host}:{port}?tls=off").items():
        setattr(settings, name, value)
    yield handler
    server.stop()


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    with tenant_context(aalund.pk):
        made = factories.meter(number="71234567")
        customer = services.register_customer(number="4711", name="Åse Ø", actor=factories.ACTOR)
        Customer.objects.filter(pk=customer.pk).update(email="aase@example.org")
        services.install_meter(
            meter=made,
            supply_point=factories.place(street="Lærkevej 4", customer=customer),
            at=timezone.now() - timedelta(days=400),
            registers={},
            actor=factories.ACTOR,
        )
    return made


def address(meter: Meter) -> str:
    return f"/t/aalund/meters/{meter.pk}/report/send/?register=e1&step=day"


def form(**other: str) -> dict[str, str]:
    return {"recipient": "aase@example.org", "subject": "Dit forbrug", "text": "Se filen."} | other


def mail_of(tenant: Tenant) -> OutgoingMail:
    with tenant_context(tenant.pk):
        found: OutgoingMail = OutgoingMail.objects.get()
        return found


def due_again(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        OutboxEntry.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))


def test_goes_from_the_page_to_the_consumer(
    client: Client, alice: User, aalund: Tenant, meter: Meter, box: _Box
) -> None:
    client.force_login(alice)
    page = client.get(address(meter)).content.decode()
    assert 'value="aase@example.org"' in page
    assert "Lærkevej 4" in page
    answer = client.post(address(meter), form(subject="Dit forbrug\r\nBcc: x@example.org"))
    assert answer.status_code == 302
    assert f"/meters/{meter.pk}/consumption/?register=e1" in answer["Location"]
    assert mail_of(aalund).state == "waiting"
    assert mailing.send_all() == 1
    (mail,) = box.mails
    assert mail["To"] == "aase@example.org"
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Dit forbrug Bcc: x@example.org"
    assert mail["Reply-To"] == "alice@aalund.example"
    assert mail["From"] == configured.DEFAULT_FROM_EMAIL
    text, pdf = mail.iter_parts()
    assert text.get_content().strip() == "Se filen."
    assert pdf.get_content_type() == "application/pdf"
    assert pdf.get_filename().startswith("71234567-E1-")
    assert pdf.get_content().startswith(b"%PDF-")
    sent = mail_of(aalund)
    assert (sent.state, sent.text, sent.content) == ("sent", "", None)
    assert mailing.send_all() == 0, "once"
    assert "Sent" in client.get(address(meter)).content.decode()
    with tenant_context(aalund.pk):
        (entry,) = AuditEntry.objects.filter(event="report.mailed")
        assert entry.object_id == str(meter.pk)
        assert entry.after["recipient"] == "aase@example.org"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"recipient": "aase@"}, "This is no e-mail address"),
        ({"recipient": "a@example.org, b@example.org"}, "This is no e-mail address"),
        ({"recipient": ""}, "This field is required"),
        ({"recipient": "a@[127.0.0.1]"}, "This is no e-mail address"),
        ({"recipient": "a@[IPv6:::1]"}, "This is no e-mail address"),
        ({"recipient": "a@localhost"}, "This is no e-mail address"),
        ({"subject": " "}, "This field is required"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_sent(
    client: Client,
    alice: User,
    aalund: Tenant,
    meter: Meter,
    box: _Box,
    wrong: dict[str, str],
    words: str,
) -> None:
    client.force_login(alice)
    answer = client.post(address(meter), form(**wrong))
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert mailing.send_all() == 0
    with tenant_context(aalund.pk):
        assert not OutgoingMail.objects.exists()


def test_what_the_server_refuses_for_good_has_failed(
    client: Client, alice: User, aalund: Tenant, meter: Meter, box: _Box
) -> None:
    client.force_login(alice)
    client.post(address(meter), form())
    box.refuses = "550 no such mailbox here"
    mailing.send_all()
    assert (mail_of(aalund).state, mail_of(aalund).content) == ("failed", None)
    assert "550 no such mailbox here" in client.get(address(meter)).content.decode()
    due_again(aalund)
    assert mailing.send_all() == 0


def test_what_it_puts_off_is_tried_again(
    client: Client, alice: User, aalund: Tenant, meter: Meter, box: _Box
) -> None:
    client.force_login(alice)
    client.post(address(meter), form())
    box.refuses = "451 greylisted, try again"
    assert mailing.send_all() == 1
    waiting = mail_of(aalund)
    assert (waiting.state, waiting.trouble) == ("waiting", "451 greylisted, try again")
    assert mailing.send_all() == 0, "not before its pause is over"
    box.refuses = ""
    due_again(aalund)
    assert mailing.send_all() == 1
    assert (mail_of(aalund).state, mail_of(aalund).trouble) == ("sent", "")
    assert len(box.mails) == 1


def test_a_dead_server_loses_nothing_until_a_day_is_over(
    client: Client, alice: User, aalund: Tenant, meter: Meter, settings: Any
) -> None:
    for name, value in smtp("smtp://127.0.0.1:1?tls=off").items():
        setattr(settings, name, value)
    client.force_login(alice)
    client.post(address(meter), form())
    for _try in range(7):
        assert mail_of(aalund).state == "waiting"
        assert mailing.send_all() == 1
        due_again(aalund)
    assert mail_of(aalund).state == "failed"
    assert mailing.send_all() == 0


def test_a_mail_that_was_deleted_first_is_told_as_withdrawn(
    client: Client, alice: User, aalund: Tenant, meter: Meter, box: _Box
) -> None:
    client.force_login(alice)
    client.post(address(meter), form())
    with tenant_context(aalund.pk):
        OutgoingMail.objects.all().delete()
    assert mailing.send_all() == 0
    assert box.mails == []
    with tenant_context(aalund.pk):
        entry = OutboxEntry.objects.get()
    assert (entry.delivered_at, entry.reason) == (None, "withdrawn")
    assert entry.given_up_at is not None
    page = client.get("/t/aalund/operation/outbox/?show=failed").content.decode()
    assert "withdrawn: the mail was deleted before it was sent" in page


def test_a_mail_that_is_there_but_failed_keeps_its_own_reason(
    client: Client, alice: User, aalund: Tenant, meter: Meter, box: _Box
) -> None:
    """Left by a worker that died between the two, or tried again over an emptied mail."""
    client.force_login(alice)
    client.post(address(meter), form())
    with tenant_context(aalund.pk):
        OutgoingMail.objects.update(
            state="failed", trouble="550 no such box", text="", content=None
        )
    assert mailing.send_all() == 0
    with tenant_context(aalund.pk):
        entry = OutboxEntry.objects.get()
    assert (entry.delivered_at, entry.reason) == (None, "550 no such box")
    assert entry.given_up_at is not None


def test_no_campaign_goes_out(
    client: Client,
    alice: User,
    aalund: Tenant,
    meter: Meter,
    box: _Box,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailing, "MOST_AN_HOUR", 1)
    client.force_login(alice)
    assert client.post(address(meter), form()).status_code == 302
    answer = client.post(address(meter), form())
    assert answer.status_code == 400
    assert "the most that READY sends" in answer.content.decode()
    with tenant_context(aalund.pk):
        assert OutgoingMail.objects.count() == 1


def test_no_campaign_goes_out_at_one_moment(
    aalund: Tenant, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "MOST_AN_HOUR", 1)
    letter = mailing.Letter("hanne@home.example", "Use", "Hello", "use.pdf", b"%PDF")
    refused: list[str] = []

    def ask() -> None:
        try:
            with tenant_context(aalund.pk):
                mailing.ask_for_mail(meter=meter, letter=letter, actor=factories.ACTOR)
        except ValidationError as error:
            refused.append(error.code or "")
        finally:
            connections.close_all()

    second = threading.Thread(target=ask)
    with tenant_context(aalund.pk):
        mailing.ask_for_mail(meter=meter, letter=letter, actor=factories.ACTOR)
        second.start()
        while second.is_alive() and not _somebody_waits():
            time.sleep(0.01)
    second.join()
    assert refused == ["many"]


def _somebody_waits() -> bool:
    with as_admin() as link:
        row = link.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return row is not None and row[0] > 0


def test_a_user_sends_none_and_a_neighbour_finds_nothing(
    client: Client, bob: User, charlie: User, meter: Meter, box: _Box
) -> None:
    client.force_login(bob)
    assert client.get(address(meter)).status_code == 403
    assert "report/send" not in client.get(f"/t/aalund/meters/{meter.pk}/").content.decode()
    client.force_login(charlie)
    foreign = address(meter).replace("aalund", "birkelse")
    assert client.post(foreign, form()).status_code == 404
    assert mailing.send_all() == 0
