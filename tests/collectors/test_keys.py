"""Importing keys, the key doctor and a meter's Key tab; no key comes out again."""

import io
import logging
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from collectors.models import Telegram
from collectors.outcomes import Outcome
from collectors.simulator.sealing import MeterCipher
from meters import keys
from meters.formats.keyfiles import LARGEST_FILE
from meters.keyimports import PREVIEW_LASTS
from meters.models import KeyImport, KeyImportRow, Meter, MeterKey, MeterState, ReplayWanted
from meters.tasks import forget_key_previews
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.matrix.world import signed_in
from wmbus import encode
from wmbus.address import Address

pytestmark = pytest.mark.django_db
KEY = bytes.fromhex("28F64A24988064A079AA2C807D6102AE")
WRONG = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
HEADERS = bytes.fromhex("0413")
UPLOAD = "/t/aalund/meters/keys/upload/"


def csv_of(*lines: tuple[str, bytes]) -> SimpleUploadedFile:
    text = "serial number;key\n" + "".join(f"{number};{key.hex()}\n" for number, key in lines)
    return SimpleUploadedFile("keys.csv", text.encode())


def frame(number: str, key: bytes) -> bytes:
    address = Address("KAM", number, 0x1B, 0x16)
    records = encode.records(HEADERS, [123456])
    return encode.kamstrup_full(address, MeterCipher(key), records, session=1, access=0)


def telegram(meter: Meter, collector_id: int, item: int, key: bytes) -> None:
    Telegram.objects.create(
        tenant_id=meter.tenant_id,
        received_on=timezone.now().astimezone(UTC).date(),
        batch_id=1,
        item=item,
        collector_id=collector_id,
        meter_id=meter.pk,
        received_at=timezone.now(),
        manufacturer="KAM",
        number=meter.number,
        frame=frame(meter.number, key),
        outcome=Outcome.WRONG_KEY,
        detail="",
    )


@pytest.fixture
def meter(aalund: Tenant) -> Meter:
    with tenant_context(aalund.pk):
        made = factories.meter(number="76348799")
        collector = factories.collector()
        for item in range(2):
            telegram(made, collector.pk, item, KEY)
    return made


@pytest.fixture
def browser(alice: User) -> Client:
    return signed_in(alice)


def text_of(response: Any) -> str:
    return str(response.content.decode())


def uploaded(browser: Client, *lines: tuple[str, bytes]) -> Any:
    response = browser.post(UPLOAD, {"file": csv_of(*lines)})
    assert response.status_code == 302, text_of(response)
    return browser.get(response["Location"])


def last_import() -> KeyImport:
    found: KeyImport | None = KeyImport.objects.order_by("-pk").first()
    assert found is not None
    return found


class TestImport:
    def test_a_file_is_shown_tried_imported_and_taken_back(
        self, browser: Client, aalund: Tenant, meter: Meter
    ) -> None:
        text = text_of(uploaded(browser, (meter.number, KEY)))
        assert "First key of this meter" in text
        assert "opens 2 of 2" in text
        with tenant_context(aalund.pk):
            assert not MeterKey.objects.exists(), "a preview imports nothing"
            pk = last_import().pk
            ReplayWanted.objects.all().delete()
        text = text_of(browser.post(f"/t/aalund/meters/keys/{pk}/apply/", follow=True))
        assert "1 key was stored" in text
        with tenant_context(aalund.pk):
            stored = MeterKey.objects.get()
            opened = keys.open_sealed(
                bytes(stored.sealed), tenant_id=aalund.pk, meter_id=meter.pk, version=1
            )
            assert opened == KEY
            assert ReplayWanted.objects.get().number == meter.number, "what waited is read anew"
            assert not KeyImportRow.objects.filter(sealed__isnull=False).exists()
        text = text_of(browser.post(f"/t/aalund/meters/keys/{pk}/take-back/", follow=True))
        assert "1 key was taken back" in text
        with tenant_context(aalund.pk):
            assert not MeterKey.objects.exists()

    def test_a_wrong_key_is_seen_before_it_is_imported(self, browser: Client, meter: Meter) -> None:
        text = text_of(uploaded(browser, (meter.number, WRONG)))
        assert "opens 0 of 2" in text
        assert "probably wrong" in text

    def test_all_or_nothing(self, browser: Client, aalund: Tenant, meter: Meter) -> None:
        uploaded(browser, (meter.number, KEY), ("12", WRONG))
        with tenant_context(aalund.pk):
            pk = last_import().pk
        address = f"/t/aalund/meters/keys/{pk}/apply/"
        response = browser.post(address)
        assert response.status_code == 422
        assert "1 lines have errors" in text_of(response)
        with tenant_context(aalund.pk):
            assert not MeterKey.objects.exists()
        browser.post(address, {"leave_out": "on"})
        with tenant_context(aalund.pk):
            assert MeterKey.objects.count() == 1

    def test_unknown_meters_are_registered_when_wanted(
        self, browser: Client, aalund: Tenant
    ) -> None:
        uploaded(browser, ("55555555", KEY))
        with tenant_context(aalund.pk):
            pk = last_import().pk
        address = f"/t/aalund/meters/keys/{pk}/apply/"
        assert browser.post(address).status_code == 422
        browser.post(address, {"register": "on"})
        with tenant_context(aalund.pk):
            made = Meter.objects.get(number="55555555")
            assert made.in_stock
            assert MeterKey.objects.filter(meter=made).count() == 1

    def test_one_key_for_several_meters_is_asked_about(
        self, browser: Client, aalund: Tenant, meter: Meter
    ) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="11111111", key=WRONG)
        text = text_of(uploaded(browser, (meter.number, WRONG)))
        assert "Another meter has the same key" in text
        with tenant_context(aalund.pk):
            pk = last_import().pk
        assert browser.post(f"/t/aalund/meters/keys/{pk}/apply/").status_code == 422
        browser.post(f"/t/aalund/meters/keys/{pk}/apply/", {"shared": "on"})
        with tenant_context(aalund.pk):
            assert MeterKey.objects.filter(meter=meter).exists()

    def test_twice_is_refused_in_words(self, browser: Client, aalund: Tenant, meter: Meter) -> None:
        uploaded(browser, (meter.number, KEY))
        with tenant_context(aalund.pk):
            pk = last_import().pk
        browser.post(f"/t/aalund/meters/keys/{pk}/apply/")
        response = browser.post(f"/t/aalund/meters/keys/{pk}/apply/")
        assert response.status_code == 422
        assert "Imported" in text_of(response)

    def test_a_replaced_key_cannot_be_taken_back(
        self, browser: Client, aalund: Tenant, meter: Meter
    ) -> None:
        uploaded(browser, (meter.number, KEY))
        with tenant_context(aalund.pk):
            pk = last_import().pk
        browser.post(f"/t/aalund/meters/keys/{pk}/apply/")
        browser.post(f"/t/aalund/meters/{meter.pk}/key/set/", {"key": WRONG.hex()})
        assert browser.post(f"/t/aalund/meters/keys/{pk}/take-back/").status_code == 422
        with tenant_context(aalund.pk):
            assert MeterKey.objects.count() == 2

    def test_a_preview_is_thrown_away_with_its_keys(
        self, browser: Client, aalund: Tenant, meter: Meter
    ) -> None:
        uploaded(browser, (meter.number, KEY))
        with tenant_context(aalund.pk):
            pk = last_import().pk
        browser.post(f"/t/aalund/meters/keys/{pk}/give-up/")
        with tenant_context(aalund.pk):
            assert not KeyImportRow.objects.exists()

    def test_a_preview_is_past_after_half_an_hour(
        self, browser: Client, aalund: Tenant, birkelse: Tenant, meter: Meter
    ) -> None:
        for number in (meter.number, "99999999"):
            uploaded(browser, (number, KEY))
        with tenant_context(aalund.pk):
            pk = last_import().pk
            aged = timezone.now() - PREVIEW_LASTS - timedelta(seconds=1)
            KeyImport.objects.filter(pk=pk).update(created_at=aged)
        response = browser.post(f"/t/aalund/meters/keys/{pk}/apply/", {"register": "on"})
        assert response.status_code == 422
        assert "older than 30 minutes" in text_of(response)
        forget_key_previews()
        with tenant_context(aalund.pk):
            assert not MeterKey.objects.exists()
            (left,) = KeyImport.objects.all()
            assert left.pk != pk
            assert not KeyImportRow.objects.filter(of_import_id=pk).exists()
            assert AuditEntry.objects.filter(event="keys.preview_expired").count() == 1

    def test_a_file_of_keys_never_lies_on_a_disk(self, settings: Any) -> None:
        assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE >= LARGEST_FILE

    def test_nothing_of_the_keys_stays_with_an_import(
        self, browser: Client, aalund: Tenant, meter: Meter
    ) -> None:
        uploaded(browser, (meter.number, KEY))
        with tenant_context(aalund.pk):
            (row,) = KeyImportRow.objects.all()
            assert KEY not in bytes(row.sealed)
            assert row.fingerprint is not None
            pk = last_import().pk
        browser.post(f"/t/aalund/meters/keys/{pk}/apply/")
        with tenant_context(aalund.pk):
            (row,) = KeyImportRow.objects.all()
            assert (row.sealed, row.fingerprint) == (None, None)

    def test_what_is_no_key_file_is_told_so(self, browser: Client) -> None:
        response = browser.post(UPLOAD, {"file": SimpleUploadedFile("x.kem", b"\0\1\2")})
        assert response.status_code == 422
        assert "This is no KEM, KEM2 or CSV file." in text_of(response)
        assert "Choose a file first." in text_of(browser.post(UPLOAD))


class TestNoKeyComesOut:
    def test_nowhere(
        self,
        browser: Client,
        aalund: Tenant,
        meter: Meter,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        seen = [text_of(uploaded(browser, (meter.number, KEY), ("bad", WRONG)))]
        with tenant_context(aalund.pk):
            pk = last_import().pk
        seen.append(
            text_of(
                browser.post(f"/t/aalund/meters/keys/{pk}/apply/", {"leave_out": "on"}, follow=True)
            )
        )
        for address in (f"meters/{meter.pk}/key/", "meters/keys/", "configuration/audit/"):
            seen.append(text_of(browser.get(f"/t/aalund/{address}")))
        seen.append(
            text_of(browser.post(f"/t/aalund/meters/{meter.pk}/key/set/", {"key": KEY.hex() + "0"}))
        )
        with tenant_context(aalund.pk):
            for entry in AuditEntry.objects.all():
                seen.append(f"{entry.before}{entry.after}{entry.details}{entry.object_label}")
        seen.append(caplog.text)
        for key in (KEY, WRONG):
            for form in (key.hex(), key.hex().upper(), repr(key)):
                assert [text for text in seen if form in text] == []


class TestDoctor:
    @pytest.fixture
    def ill(self, aalund: Tenant) -> dict[str, Meter]:
        found = {}
        with tenant_context(aalund.pk):
            for name, trouble in (
                ("no_key", Outcome.NO_KEY),
                ("wrong_key", Outcome.WRONG_KEY),
                ("waiting", Outcome.WAITING),
                ("unsupported", Outcome.UNSUPPORTED),
                ("other", Outcome.BROKEN),
                ("never", None),
                ("well", None),
            ):
                made = found[name] = factories.meter()
                MeterState.objects.filter(meter=made).update(
                    heard_at=None if name == "never" else timezone.now(), trouble=trouble
                )
        return found

    def test_each_is_under_its_reason(self, browser: Client, ill: dict[str, Meter]) -> None:
        text = text_of(browser.get("/t/aalund/meters/key-doctor/"))
        for name, meter in ill.items():
            assert (meter.number in text) is (name != "well")
            if name == "well":
                continue
            alone = text_of(browser.get(f"/t/aalund/meters/key-doctor/?show={name}"))
            others = [one.number for key, one in ill.items() if key != name]
            assert meter.number in alone
            assert not [number for number in others if number in alone]

    def test_search_and_a_meter_in_stock(
        self, browser: Client, aalund: Tenant, ill: dict[str, Meter]
    ) -> None:
        number = ill["no_key"].number
        text = text_of(browser.get(f"/t/aalund/meters/key-doctor/?q={number}"))
        assert number in text
        assert ill["never"].number not in text
        with tenant_context(aalund.pk):
            Meter.objects.filter(pk=ill["never"].pk).update(in_stock=True)
        text = text_of(browser.get("/t/aalund/meters/key-doctor/"))
        assert ill["never"].number not in text, "in a box on a shelf nobody hears it"


class TestMeterKey:
    def test_the_tab_tries_the_key_in_force(
        self, browser: Client, aalund: Tenant, meter: Meter
    ) -> None:
        address = f"/t/aalund/meters/{meter.pk}/key/"
        assert "No key" in text_of(browser.get(address))
        browser.post(f"{address}set/", {"key": WRONG.hex()})
        assert "Does not open what the meter sends" in text_of(browser.get(address))
        browser.post(f"{address}set/", {"key": KEY.hex()})
        assert "Opens what the meter sends" in text_of(browser.get(address))

    def test_what_is_no_key_is_refused(self, browser: Client, aalund: Tenant, meter: Meter) -> None:
        response = browser.post(f"/t/aalund/meters/{meter.pk}/key/set/", {"key": "xyz"})
        assert response.status_code == 422
        with tenant_context(aalund.pk):
            assert not MeterKey.objects.exists()


class TestMasterKey:
    NEW = "bmV3LW1hc3Rlci1rZXktaW4tdGVzdHMtMDEyMzQ1Njc="

    def test_rotation(self, aalund: Tenant, meter: Meter, settings: Any) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="11111111", key=KEY)
        settings.MASTER_KEYS_OLD = [settings.MASTER_KEY]
        settings.MASTER_KEY = self.NEW
        said = io.StringIO()
        call_command("rotate_keys", stdout=said)
        assert "meter keys: 1 sealed anew, 0 were already, 0 do not open" in said.getvalue()
        settings.MASTER_KEYS_OLD = []
        call_command("rotate_keys", stdout=said)
        assert "meter keys: 0 sealed anew, 1 were already, 0 do not open" in said.getvalue()
        with tenant_context(aalund.pk):
            row = MeterKey.objects.get()
            assert row.fingerprint == keys.fingerprint(KEY, tenant_id=aalund.pk)

    def test_a_lost_master_key_is_said(self, aalund: Tenant, settings: Any) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="11111111", key=KEY)
        settings.MASTER_KEY = self.NEW
        with pytest.raises(CommandError, match="1 do not open"):
            call_command("rotate_keys", stdout=io.StringIO())
