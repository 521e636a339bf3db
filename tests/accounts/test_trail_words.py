"""The audit log speaks the reader's language down to its fields; what it stored stays as it was."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone, translation
from openpyxl import load_workbook

from meters.registers import BY_COLUMN
from readings.erasure import LABELS
from readings.models import ErasureCertificate
from ready.accounts.models import User
from ready.audit import words
from ready.audit.models import AuditEntry
from ready.audit.queries import TrailFilter, trail
from ready.audit.services import record
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.people import log_in


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
        ("Tidspunkt", "", "21-11-2026 21:00:00"),
    }
    assert set(row.details) == {
        ("Viger for målte værdier", "ja"),
        ("Værdier", "E1 5, V1 –"),
        ("new_thing", "as it is"),
    }


@pytest.fixture(params=["en", "da"])
def copenhagen(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each language, in the zone of the utility."""
    with translation.override(request.param), timezone.override(ZoneInfo("Europe/Copenhagen")):
        yield request.param


def test_only_times_become_times(copenhagen: str) -> None:
    assert words.value_of("planned_on", "2026-11-21") == "21-11-2026"
    for text in ("2026-13-45", "2026-11-21 or so", "0001-01-01T00:00:00+14:00"):
        assert words.value_of("planned_on", text) == text
        assert words.value_of("at", text) == text
    for name in ("name", "detail", "note", "street", "reason"):
        for text in ("2024-01-31", "2024-01-31T12:00:00Z", "31-01-2024"):
            assert words.value_of(name, text) == text


def test_what_differs_reads_differently(copenhagen: str) -> None:
    times = ["12:00:07", "12:00:37", "12:00:37.5", "12:00:37.000005"]
    told = [words.value_of("at", f"2026-07-01T{one}+00:00") for one in times]
    assert told == [
        "01-07-2026 14:00:07",
        "01-07-2026 14:00:37",
        "01-07-2026 14:00:37.5",
        "01-07-2026 14:00:37.000005",
    ]
    # The hour that comes twice.
    passes = [words.value_of("at", f"2026-10-25T0{hour}:30:00+00:00") for hour in (0, 1)]
    assert passes == ["25-10-2026 02:30:00A", "25-10-2026 02:30:00B"]
    assert len({words.value_of("note", one) for one in (None, "", "x")}) == 3


# Both are instants that leave the calendar in a zone; the provider of a log-in sends any text.
FAR_OUT = ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"]


@pytest.mark.django_db
@pytest.mark.parametrize("text", FAR_OUT)
def test_no_text_takes_the_log_down(client: Client, aalund: Tenant, alice: User, text: str) -> None:
    with tenant_context(aalund.pk):
        record(
            event="session.refused",
            actor=factories.ACTOR,
            object_type="identity provider",
            object_id=1,
            object_label="Entra",
            before={"at": text, "from": text},
            details={"reason": "refused", "detail": text},
        )
        pk = AuditEntry.objects.latest("pk").pk
    log_in(client, alice)
    for page in ("", f"{pk}/", "export.csv"):
        answer = client.get(f"/t/aalund/configuration/audit/{page}")
        assert answer.status_code == 200
        assert text in b"".join(answer).decode()
    assert text in sheet(client)


def sheet(client: Client) -> str:
    """All cells of the exported sheet."""
    answer = client.get("/t/aalund/configuration/audit/export.xlsx")
    assert answer.status_code == 200
    rows = load_workbook(io.BytesIO(b"".join(answer))).active
    assert rows is not None
    return "\n".join(str(cell.value) for row in rows.iter_rows() for cell in row)


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "da"])
def test_files_hold_what_is_stored(
    client: Client, aalund: Tenant, alice: User, language: str
) -> None:
    with tenant_context(aalund.pk):
        record(
            event="meter.changed",
            actor=factories.ACTOR,
            object_type="meter",
            object_id=1,
            object_label="KAM 63000001",
            before={"medium": "heat", "note": ""},
            after={"at": "2026-07-01T12:00:07+00:00", "latitude": -56_243_027, "note": None},
            details={"temporary": True, "values": {"e1": 5}},
        )
    log_in(client, alice)
    client.cookies["django_language"] = language
    answer = client.get("/t/aalund/configuration/audit/export.csv")
    for text in (b"".join(answer).decode().replace('""', '"'), sheet(client)):
        for told in (
            "medium: heat → ",
            "at:  → 2026-07-01T12:00:07+00:00",
            "latitude:  → -56243027",
            'note: "" → null',
            "temporary: true",
            'values: {"e1": 5}',
        ):
            assert told in text


def test_an_erasure_has_words_in_both_languages() -> None:
    counted = dict.fromkeys(LABELS, 3)
    fates = list(ErasureCertificate.Fate)
    told = {}
    for language in ("en", "da"):
        with translation.override(language):
            counts = words.value_of("counts", counted)
            for name, label in LABELS.items():
                assert words.name_of(name, "counts") == str(label) != name
                assert f"{label} 3" in counts
            for fate in fates:
                assert words.value_of("customer", str(fate)) == str(fate.label) != fate.value
            told[language] = [str(label) for label in (*LABELS.values(), *(f.label for f in fates))]
    assert all(one != other for one, other in zip(told["en"], told["da"], strict=True))


def test_registers_are_known_not_guessed() -> None:
    for column, register in BY_COLUMN.items():
        assert words.value_of("values", {column: 5}) == f"{register.code} 5"
        assert words.value_of("register", column) == register.code
    for name in ("mail_2", "ab1", "e77"):
        assert words.name_of(name) == words.name_of(name, "values") == name
