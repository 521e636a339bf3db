"""A meter's report as a PDF says what the chart says; the letterhead is the utility's own."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image
from pypdf import PdfReader

from meters import services
from meters.models import Meter
from readings.models import Origin, Reading, Trust
from readings.outdoors import Series, store_series
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from reports.models import Letterhead
from reports.paper.chart import scale_of, span_of
from tests import factories

pytestmark = pytest.mark.django_db
KWH = 3_600_000


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    """Midnights of seven days, 24 kWh a day; the fourth day's end was never told."""
    today = timezone.now().date()
    with tenant_context(aalund.pk):
        Tenant.objects.filter(pk=aalund.pk).update(zone="UTC", energy_unit="kWh")
        meter = factories.meter(number="71234567")
        customer = services.register_customer(
            number="4711", name="Åse Łukasz & Søn", actor=factories.ACTOR
        )
        services.install_meter(
            meter=meter,
            supply_point=factories.place(street="Lærkevej 4", customer=customer),
            at=datetime(2020, 1, 1, tzinfo=UTC),
            registers={},
            actor=factories.ACTOR,
        )
        for days in (7, 6, 5, 4, 2, 1, 0):
            day = today - timedelta(days=days)
            at = datetime(day.year, day.month, day.day, tzinfo=UTC)
            Reading.objects.create(
                tenant_id=aalund.pk,
                meter_id=meter.pk,
                ts=at,
                received_at=at,
                origin=Origin.FIXED_NETWORK,
                trust=Trust.MAC,
                e1=(1_000 + 24 * (7 - days)) * KWH,
            )
        factories.mark_days()
    return meter


def address(meter: Meter, days: int = 7) -> str:
    today = timezone.now().date()
    first, last = today - timedelta(days=days), today - timedelta(days=1)
    return f"/t/aalund/meters/{meter.pk}/report.pdf?register=e1&step=day&from={first}&to={last}"


def text_of(pdf: bytes) -> str:
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def picture(kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.new("RGB", (2000, 500), "#0b5a69").save(file, kind)
    return file.getvalue()


class TestReport:
    def test_says_whose_it_is_and_every_number_of_the_chart(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        client.force_login(bob)
        answer = client.get(address(meter))
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/pdf"
        text = text_of(answer.content)
        for told in ("Åse Łukasz & Søn", "Lærkevej 4", "4711", "71234567", "Aalund Varme"):
            assert told in text
        assert "168 kWh" in text  # seven days
        assert text.count("24\nMeasured") == 5
        assert text.count("Estimated over a gap") >= 2
        assert "Page 1 of 1" in text

    def test_a_long_period_has_pages_with_the_head_on_each(
        self, client: Client, bob: User, meter: Meter
    ) -> None:
        client.force_login(bob)
        pages = PdfReader(BytesIO(client.get(address(meter, 120)).content)).pages
        assert len(pages) > 1
        assert all("E1 (kWh)" in page.extract_text() for page in pages)

    def test_has_the_outdoor_temperature_when_asked_for(
        self, client: Client, bob: User, aalund: Tenant, meter: Meter
    ) -> None:
        client.force_login(bob)
        asked = address(meter) + "&outdoor=yes"
        assert "No outdoor temperature is known" in text_of(client.get(asked).content)
        today = timezone.now().date()
        known = {today - timedelta(days=days): days * 100 - 250 for days in range(2, 8)}
        with tenant_context(aalund.pk):
            store_series(series=Series({}, known), source="x", actor=factories.ACTOR, zone=UTC)
        text = text_of(client.get(asked + "&before=year").content)
        assert "Outdoors (°C)" in text
        # Of 7 and of 6 days ago, and of yesterday, which nobody told.
        for told in ("4.5\nMeasured", "3.5\nMeasured", "–\nMeasured"):
            assert told in text
        assert "Mean outdoor temperature: 2.0 °C" in text
        assert "Outdoor" not in text_of(client.get(address(meter)).content)

    @pytest.mark.parametrize(
        ("values", "span"),
        [((4.1, 4.1), (4, 5.2, 0.2)), ((-3.2, 8.0), (-5, 10, 5)), ((-12, -1), (-15, 0, 5))],
    )
    def test_the_axis_of_temperatures_holds_them_all(
        self, values: tuple[float, float], span: tuple[float, float, float]
    ) -> None:
        low, high, step = span_of(values)
        assert low <= min(values) <= max(values) <= high
        assert (low, high, step) == pytest.approx(span)

    def test_of_a_neighbours_meter_does_not_exist(
        self, client: Client, charlie: User, meter: Meter
    ) -> None:
        client.force_login(charlie)
        assert client.get(address(meter)).status_code == 404
        foreign = address(meter).replace("aalund", "birkelse")
        assert client.get(foreign).status_code == 404

    @pytest.mark.parametrize(
        ("highest", "scale"),
        [(0, (1, 1)), (4.9, (5, 1)), (5.1, (6, 2)), (23, (25, 5)), (0.03, (0.03, 0.01))],
    )
    def test_the_axis_has_round_steps(self, highest: float, scale: tuple[float, float]) -> None:
        assert scale_of(highest) == pytest.approx(scale)


class TestLetterhead:
    def post(self, client: Client, **data: object) -> int:
        return client.post("/t/aalund/configuration/letterhead/", data).status_code

    def test_is_put_on_paper(
        self, client: Client, alice: User, aalund: Tenant, meter: Meter
    ) -> None:
        client.force_login(alice)
        upload = SimpleUploadedFile("logo.jpg", picture("JPEG"))
        assert self.post(client, lines="Kraftvej 1\n9440 Aalund", upload=upload) == 302
        reader = PdfReader(BytesIO(client.get(address(meter)).content))
        assert "Kraftvej 1" in reader.pages[0].extract_text()
        assert len(reader.pages[0].images) == 1
        logo = client.get("/t/aalund/configuration/letterhead/logo.png")
        with Image.open(BytesIO(logo.content)) as kept:
            assert kept.format == "PNG"
            assert kept.size == (720, 180)
        with tenant_context(aalund.pk):
            assert AuditEntry.objects.filter(event="letterhead.changed").count() == 1

    def test_the_logo_stays_until_it_is_taken_away(
        self, client: Client, alice: User, aalund: Tenant
    ) -> None:
        client.force_login(alice)
        self.post(client, lines="", upload=SimpleUploadedFile("logo.png", picture()))
        self.post(client, lines="Kraftvej 1")
        with tenant_context(aalund.pk):
            assert Letterhead.objects.get().logo
        self.post(client, lines="Kraftvej 1", without="on")
        with tenant_context(aalund.pk):
            assert not Letterhead.objects.get().logo

    @pytest.mark.parametrize("body", [b"no picture", b"<svg/>", picture()[:60]])
    def test_what_is_no_picture_is_refused_and_changes_nothing(
        self, client: Client, alice: User, aalund: Tenant, body: bytes
    ) -> None:
        client.force_login(alice)
        answer = client.post(
            "/t/aalund/configuration/letterhead/",
            {"lines": "Kraftvej 1", "upload": SimpleUploadedFile("logo.png", body)},
        )
        assert answer.status_code == 400
        assert "no picture that can be read" in answer.content.decode()
        with tenant_context(aalund.pk):
            assert not Letterhead.objects.exists()

    def test_is_an_administrators(self, client: Client, bob: User) -> None:
        client.force_login(bob)
        assert client.get("/t/aalund/configuration/letterhead/").status_code == 403
