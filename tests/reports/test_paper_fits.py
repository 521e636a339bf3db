"""On paper no text runs into its neighbour or off the page, however long names and words are."""

from collections import defaultdict
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.translation import override
from pypdf import PdfReader
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth

from meters.conditions import LABELS, describe
from meters.models import Customer, Meter, SupplyPoint
from notifications.models import InfoCodePeriod
from ready.accounts.models import User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from reports.paper import MARGIN, STRONG, TEXT, Styles, cell, fitted
from reports.services import set_letterhead
from tests import factories
from tests.reports.test_meter_report import address, meter, picture, text_of

__all__ = ["meter"]
pytestmark = pytest.mark.django_db
ENDLESS = "Ærøskøbingøstergårdsvarmecentralbestyrelsesformandsboligforeningsadministration"
LONG = " ".join(["Andelsboligforeningen Åløkkeparken ved Østre Søndergård & Ærøvængets"] * 2)[:120]


def pieces(page: Any) -> list[tuple[float, float, float, str]]:
    """Each text of a page: its baseline, where it begins and ends, in points."""
    found: list[tuple[float, float, float, str]] = []

    def visit(text: str, cm: Any, tm: Any, font: Any, size: float) -> None:
        text = text.strip("\n")
        if not text.strip() or font is None:
            return
        name = STRONG if "Bold" in font["/BaseFont"] else TEXT
        x = tm[4] * cm[0] + cm[4]
        y = tm[5] * cm[3] + cm[5]
        found.append((round(y, 1), x, x + stringWidth(text, name, size * tm[0]), text))

    page.extract_text(visitor_text=visit)
    return found


def collisions(pdf: bytes) -> list[str]:
    """Texts that end beyond the page's margin or after the next one on their line begins."""
    found = []
    for page in PdfReader(BytesIO(pdf)).pages:
        lines = defaultdict(list)
        for y, start, end, text in pieces(page):
            lines[y].append((start, end, text))
            if end > A4[0] - MARGIN + 1:
                found.append(f"“{text}” ends at {end:.0f}")
        for line in lines.values():
            line.sort()
            found += [
                f"“{one[2]}” runs into “{other[2]}”"
                for one, other in zip(line, line[1:], strict=False)
                if one[1] > other[0] + 0.5
            ]
    return found


def test_long_names_and_many_events_wrap(
    client: Client, alice: User, aalund: Tenant, meter: Meter
) -> None:
    now = timezone.now()
    with tenant_context(aalund.pk):
        Tenant.objects.filter(pk=aalund.pk).update(name=LONG)
        Customer.objects.update(name=LONG)
        SupplyPoint.objects.update(street=ENDLESS, city=LONG[:60])
        Meter.objects.update(meter_type=ENDLESS[:40])
        for code in LABELS:
            InfoCodePeriod.objects.create(
                meter=meter, code=code, starts_at=now - timedelta(days=6), ends_at=now
            )
        set_letterhead(lines=f"{LONG[:70]}\n{ENDLESS[:70]}", logo=picture(), actor=factories.ACTOR)
    client.force_login(alice)
    alice.language = "da"
    alice.save()
    pdf = client.get(address(meter) + "&before=year").content

    assert collisions(pdf) == []
    told = "".join(text_of(pdf).split())
    with override("da"):
        codes = [describe(one) for one in LABELS]
    for whole in (LONG, ENDLESS, ENDLESS[:40], *codes):
        assert "".join(whole.split()) in told, "something was cut off"
    assert "Forbrugsrapport" in told


def test_a_cell_is_a_paragraph_only_where_it_has_to_wrap() -> None:
    assert cell("24", Styles.number, 40) == "24"
    assert not isinstance(cell("Alarm, Lækage, Sprængning", Styles.cell, 60), str)


def test_a_line_that_must_not_wrap_gets_smaller_then_shorter() -> None:
    assert fitted("Øst", TEXT, 8, 100, least=5) == ("Øst", 8)
    text, size = fitted("Østre Varmeværk", TEXT, 8, 50, least=5)
    assert text == "Østre Varmeværk"
    assert 5 <= size < 8
    text, size = fitted(LONG, TEXT, 8, 50, least=5)
    assert text.endswith("…")
    assert stringWidth(text, TEXT, size) <= 50
