"""The audit log speaks the reader's language down to its fields; what it stored stays as it was."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone, translation

from ready.audit import words
from ready.audit.queries import TrailFilter, trail
from ready.audit.services import record
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories


@pytest.mark.django_db
def test_an_entry_is_told_in_danish(aalund: Tenant) -> None:
    at = datetime(2026, 11, 21, 20, tzinfo=UTC).isoformat()
    with tenant_context(aalund.pk), translation.override("da"), timezone.override(aalund.zone):
        record(
            event="meter.changed",
            actor=factories.ACTOR,
            object_type="meter",
            object_id=1,
            object_label="KAM 63000001",
            before={"medium": "heat", "customer": None, "latitude": -56_243_027},
            after={"medium": "water", "customer": 411, "at": at},
            details={"temporary": True, "values": {"e1": 5, "v1": None}, "new_thing": "as it is"},
        )
        row = trail(TrailFilter(), "").rows[0]
    # In no order: the database keeps its own.
    assert set(row.changes) == {
        ("Medie", "Varme", "Vand"),
        ("Kunde", "–", "411"),
        ("Breddegrad", "−56,243027", ""),
        ("Tidspunkt", "", "21-11-2026 21:00"),
    }
    assert set(row.details) == {
        ("Viger for målte værdier", "ja"),
        ("Værdier", "E1 5, V1 –"),
        ("new_thing", "as it is"),
    }


def test_text_that_only_looks_like_a_time_stays() -> None:
    assert words.value_of("note", "2026-13-45") == "2026-13-45"
    assert words.value_of("note", "2026-11-21 or so") == "2026-11-21 or so"
    assert words.value_of("planned_on", "2026-11-21") == "21-11-2026"
