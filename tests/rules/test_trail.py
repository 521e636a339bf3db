"""The chain: each kind of tampering is found, and erasing a person is none."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from django.utils import timezone

from ready.audit import erasure, sealing, verification
from ready.audit.models import AuditEntry, AuditSeal
from ready.audit.services import Actor, record
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests.conftest import _ROLES, _use, as_admin

pytestmark = pytest.mark.usefixtures("committed")

ALICE = Actor(41, "alice@aalund.example", "10.0.0.7")


@pytest.fixture
def heads(tmp_path: Path, settings: object) -> Path:
    path = tmp_path / "heads.jsonl"
    settings.AUDIT_HEADS = str(path)  # type: ignore[attr-defined]
    return path


def act(tenant: Tenant, *numbers: int) -> None:
    for number in numbers:
        with tenant_context(tenant.pk):
            record(
                event="meter.registered",
                actor=ALICE,
                object_type="meter",
                object_id=number,
                object_label=f"KAM {number:08d}",
                after={"interval_s": 3600},
            )
    sealing.seal(tenant.pk)


def faults(tenant: Tenant, heads: Path, *, later: bool = False) -> list[str]:
    now = timezone.now() + (timedelta(minutes=5) if later else timedelta())
    return verification.verify(tenant.pk, verification.heads_of(heads), now).faults


def tamper(sql: str) -> None:
    with as_admin() as link:
        link.execute("SET session_replication_role = replica")
        assert link.execute(sql).rowcount, "this test changed nothing"


@pytest.fixture
def trail(aalund: Tenant, heads: Path) -> Path:
    act(aalund, 1, 2, 3)
    act(aalund, 4, 5)
    assert faults(aalund, heads, later=True) == []
    return heads


def test_what_is_sealed_is_whole(aalund: Tenant, trail: Path) -> None:
    report = verification.verify(aalund.pk, verification.heads_of(trail), timezone.now())
    assert (report.entries, report.heads, report.faults) == (5, 2, [])
    assert sealing.seal(aalund.pk) == 0, "twice is once"


@pytest.mark.parametrize(
    "change",
    [
        "event = 'meter.removed'",
        "outcome = 'denied'",
        "occurred_at = occurred_at + interval '1 second'",
        "actor_id = 42",
        "object_id = '99'",
        "actor_name = 'bob@aalund.example'",
        "address = '10.0.0.8'",
        "object_label = 'another'",
        "after = '{\"interval_s\": 300}'",
        "request_id = 'other'",
        "actor_salt = NULL, actor_name = ''",
    ],
)
def test_a_changed_entry_is_found(aalund: Tenant, trail: Path, change: str) -> None:
    tamper(f"UPDATE audit_auditentry SET {change} WHERE object_id = '3'")
    assert len(faults(aalund, trail)) == 1


def test_a_deleted_entry_is_found(aalund: Tenant, trail: Path) -> None:
    tamper("DELETE FROM audit_auditentry WHERE object_id = '3'")
    assert any("was deleted" in fault for fault in faults(aalund, trail))


def test_an_entry_deleted_with_its_link_is_found(aalund: Tenant, trail: Path) -> None:
    tamper(
        "DELETE FROM audit_auditseal WHERE entry_id ="
        " (SELECT id FROM audit_auditentry WHERE object_id = '3')"
    )
    tamper("DELETE FROM audit_auditentry WHERE object_id = '3'")
    assert any("missing" in fault for fault in faults(aalund, trail))


def test_an_inserted_entry_is_found(aalund: Tenant, trail: Path) -> None:
    tamper(
        """INSERT INTO audit_auditentry (tenant_id, occurred_at, event, outcome, actor_name,
               computer, address, object_type, object_id, object_label, request_id, session, proof)
           SELECT tenant_id, occurred_at - interval '1 day', event, outcome, actor_name, computer,
               address, object_type, '6', object_label, request_id, session, proof
           FROM audit_auditentry WHERE object_id = '3'"""
    )
    sealing.seal(aalund.pk)
    assert any("not in the chain" in fault for fault in faults(aalund, trail))


def test_an_entry_that_is_never_sealed_is_found(aalund: Tenant, trail: Path) -> None:
    with tenant_context(aalund.pk):
        record(event="x", actor=ALICE, object_type="x", object_id=1, object_label="x")
    assert faults(aalund, trail) == [], "the sealer has its few seconds"
    assert any("not in the chain" in fault for fault in faults(aalund, trail, later=True))


def test_two_entries_changed_about_are_found(aalund: Tenant, trail: Path) -> None:
    tamper(
        """UPDATE audit_auditseal SET entry_id = CASE seq WHEN 2 THEN -2 ELSE -3 END
           WHERE seq IN (2, 3)"""
    )
    tamper(
        """UPDATE audit_auditseal s SET entry_id = o.id FROM (
               SELECT id, row_number() OVER (ORDER BY id) AS place FROM audit_auditentry) o
           WHERE (s.entry_id = -2 AND o.place = 3) OR (s.entry_id = -3 AND o.place = 2)"""
    )
    assert any("was changed" in fault for fault in faults(aalund, trail))


def test_a_cut_off_end_is_found(aalund: Tenant, trail: Path) -> None:
    tamper("DELETE FROM audit_auditseal WHERE seq > 3")
    tamper("DELETE FROM audit_auditentry WHERE object_id IN ('4', '5')")
    assert any("cut off" in fault for fault in faults(aalund, trail))


def test_an_old_backup_is_found_even_after_it_went_on(aalund: Tenant, trail: Path) -> None:
    tamper("DELETE FROM audit_auditseal WHERE seq > 3")
    tamper("DELETE FROM audit_auditentry WHERE object_id IN ('4', '5')")
    act(aalund, 7, 8)
    assert any("written anew" in fault for fault in faults(aalund, trail))


def test_a_chain_made_anew_is_found(aalund: Tenant, trail: Path) -> None:
    """Whoever holds the database can compute hashes; the heads outside are out of reach."""
    tamper("UPDATE audit_auditentry SET object_id = '99' WHERE object_id = '3'")
    tamper("DELETE FROM audit_auditseal")
    sealing.seal(aalund.pk)
    assert any("written anew" in fault for fault in faults(aalund, trail))


def test_a_head_of_somebody_elses_making_is_found(aalund: Tenant, trail: Path) -> None:
    trail.write_text(trail.read_text().replace('"signature": "', '"signature": "00', 1))
    assert any("not ours" in fault for fault in faults(aalund, trail))


def test_erasing_a_person_keeps_the_chain_whole(aalund: Tenant, trail: Path) -> None:
    with tenant_context(aalund.pk):
        erasure.request_erasure(object_type="person", object_id=41, actor=Actor(None, "READY"))
        erasure.request_erasure(object_type="meter", object_id=2, actor=Actor(None, "READY"))
    sealing.seal(aalund.pk)
    planned = list(erasure.plan(timezone.now()))
    assert len(planned) == 2
    for one in planned:
        with pytest.raises(ProgrammingError):
            one.carry_out(timezone.now())  # the run-time role may only add
        _as_maintenance(one)
    assert list(erasure.plan(timezone.now())) == [], "twice is once"
    assert faults(aalund, trail) == []
    with tenant_context(aalund.pk):
        first = AuditEntry.objects.get(event="meter.registered", object_id="1")
        assert (first.actor_name, first.address, first.object_label) == ("", "", "KAM 00000001")
        second = AuditEntry.objects.get(event="meter.registered", object_id="2")
        assert (second.object_label, second.after) == ("", None)


def test_erasing_a_part_takes_only_the_entries_it_names(aalund: Tenant, trail: Path) -> None:
    with tenant_context(aalund.pk):
        entry = AuditEntry.objects.get(event="meter.registered", object_id="2")
        record(
            event="meter.changed", actor=ALICE, object_type="meter", object_id=2, object_label="2"
        )
        erasure.request_erasure(
            object_type="meter", object_id=2, actor=Actor(None, "READY"), entries=[entry.pk]
        )
    sealing.seal(aalund.pk)
    (planned,) = erasure.plan(timezone.now())
    _as_maintenance(planned)
    assert list(erasure.plan(timezone.now())) == [], "twice is once"
    assert faults(aalund, trail) == []
    with tenant_context(aalund.pk):
        entry.refresh_from_db()
        assert (entry.object_label, entry.after) == ("", None)
        assert AuditEntry.objects.get(event="meter.changed").object_label == "2"
    tamper(
        "UPDATE audit_auditentry SET object_label = '', content_salt = NULL "
        "WHERE event = 'meter.changed'"
    )
    (fault,) = faults(aalund, trail)
    assert "emptied without an erasure" in fault


def _as_maintenance(one: erasure.Erase) -> None:
    name = connection.settings_dict["NAME"]
    _use(name, "ready_maintenance", _ROLES["ready_maintenance"])
    try:
        one.carry_out(timezone.now())
    finally:
        _use(name, "ready_app", _ROLES["ready_app"])


def test_the_command_says_what_it_found(aalund: Tenant, trail: Path) -> None:
    said = io.StringIO()
    call_command("verify_audit", stdout=said)
    assert "aalund: 5 links, 2 heads outside, 0 faults" in said.getvalue()
    tamper("DELETE FROM audit_auditentry WHERE object_id = '3'")
    with pytest.raises(CommandError):
        call_command("verify_audit", stdout=said)


def test_a_neighbours_chain_is_its_own(aalund: Tenant, birkelse: Tenant, trail: Path) -> None:
    act(birkelse, 1)
    assert faults(birkelse, trail) == []
    with tenant_context(birkelse.pk):
        assert [seal.seq for seal in AuditSeal.objects.all()] == [1]
