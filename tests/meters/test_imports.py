"""Import: files of every kind are read, faults are told, all or nothing, and it can be undone."""

import io
import tracemalloc
import zipfile
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from openpyxl import Workbook

from meters.imports import jobs
from meters.imports.facts import FIELDS, facts_of, guess_columns
from meters.imports.reading import Options, Unreadable, guess, rows_of
from meters.models import (
    Customer,
    GroupMember,
    Installation,
    Meter,
    MeterAddress,
    MeterGroup,
    MeterImport,
    MeterState,
    SupplyPoint,
)
from meters.tasks import forget_imports
from ready.accounts.models import User
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories

pytestmark = pytest.mark.usefixtures("committed")
IMPORT = "/t/aalund/meters/import/"
HEAD = "Serienummer;Adresse;Postnr;By;Kundenr;Kunde;Gruppe;Breddegrad;Længdegrad;Målertype;Medie"
ROWS = [
    "63006799;Møllevej 1;9440;Aalund;100;Ida Ravn;Vest|Nord;55,5;9,25;MULTICAL 603;Varme",
    "63006800;Møllevej 1;9440;Aalund;100;Ida Ravn;Vest;55,5;9,25;flowIQ 2200;vand",
    "63006801;;;;;;;;;;",
]


def file(*rows: str, head: str = HEAD, encoding: str = "cp1252") -> bytes:
    return "\r\n".join([head, *rows]).encode(encoding)


def upload(client: Client, who: User, content: bytes, name: str = "meters.csv") -> str:
    client.force_login(who)
    answer = client.post(IMPORT + "upload/", {"file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 302, answer.content.decode()
    address: str = answer["Location"]
    return address


def sheet_of(inside: bytes) -> bytes:
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    return head + b"<sheetData>" + inside


def repacked(parts: dict[str, bytes], types: Any = None) -> bytes:
    """A workbook of one cell with some of its parts in another form."""
    whole, made = io.BytesIO(), io.BytesIO()
    book = Workbook()
    book.active.append(["Serial"])  # type: ignore[union-attr]
    book.save(whole)
    with (
        zipfile.ZipFile(whole) as source,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            if name not in parts:
                text = source.read(name)
                target.writestr(name, types(text) if types and name[0] == "[" else text)
        for name, text in parts.items():
            target.writestr(name, text)
    return made.getvalue()


def check(client: Client, who: User, content: bytes, **columns: str) -> str:
    """Upload and check a file with the columns as they are guessed; the page's address."""
    address = upload(client, who, content)
    chosen = guess_columns(next(rows_of(content, guess(content))))
    data = {f"column{at}": key for at, key in enumerate(chosen)}
    client.post(address + "columns/", {**data, **columns, "check": "1"})
    jobs.work_all()
    return address


def run(client: Client, address: str) -> str:
    assert client.post(address + "run/").status_code == 302
    jobs.work_all()
    text: str = client.get(address).content.decode()
    return text


def faults(tenant: Tenant) -> list[Any]:
    with tenant_context(tenant.pk):
        job = MeterImport.objects.latest("pk")
        assert job.state == "checked"
        return [(line, field, words) for line, field, _value, words in job.errors]


class TestReading:
    def test_guesses_how_a_file_is_written(self) -> None:
        assert guess(file()).encoding == "cp1252"
        assert guess("a;b\næ;1".encode()).encoding == "utf-8-sig"
        assert (guess(b"a,b,c\n").separator, guess(b"a,b,c\n").decimal) == (",", ".")
        assert guess(b"a\tb\n").separator == "\t"
        assert guess("a;b".encode("utf-16")).encoding == "utf-16"

    def test_a_wrong_encoding_is_said_with_its_line(self) -> None:
        content = b"a;b\n1;2\n\xe6;3\n"
        with pytest.raises(Unreadable, match="Line 3 cannot be read as utf-8"):
            list(rows_of(content, Options()))

    def test_a_workbook_gives_numbers_as_people_type_them(self) -> None:
        book = Workbook()
        assert book.active is not None
        sheet: Any = book.active
        sheet.append(["Serial", "On", "At"])
        sheet.append([63006799, date(2026, 1, 31), 55.5])
        packed = io.BytesIO()
        book.save(packed)
        rows = list(rows_of(packed.getvalue(), Options()))
        assert rows == [["Serial", "On", "At"], ["63006799", "2026-01-31", "55.5"]]

    def test_a_workbook_of_broken_xml_is_said(self) -> None:
        packed, broken = io.BytesIO(), io.BytesIO()
        Workbook().save(packed)
        with zipfile.ZipFile(packed) as whole, zipfile.ZipFile(broken, "w") as half:
            for name in whole.namelist():
                sheet = name.startswith("xl/worksheets/")
                half.writestr(name, b"<broken" if sheet else whole.read(name))
        with pytest.raises(Unreadable, match="no workbook"):
            list(rows_of(broken.getvalue(), Options()))

    @pytest.mark.parametrize(
        ("part", "text"),
        [
            ("xl/worksheets/sheet1.xml", b"0" * 300 * 1024 * 1024),
            ("xl/worksheets/sheet1.xml", sheet_of(b"<row>" + b"<c/>" * 3_000_000 + b"</row>")),
            ("xl/worksheets/sheet1.xml", sheet_of(b"<row><c><v>" + b"0" * 5_000_000)),
            ("xl/worksheets/sheet1.xml", sheet_of(b"<row>" * 40)),
            ("xl/worksheets/sheet1.xml", sheet_of(b"<x/>" * 60_000)),
            ("xl/sharedStrings.xml", b"<sst>" + b"<si><t/></si>" * 2_000_000),
            ("xl/styles.xml", b"<s>" + b"<xf/>" * 60_000),
            ("xl/media/picture.png", b"<s>" + b"<xf/>" * 60_000),
            ("xl/theme/theme1.xml", b"<!DOCTYPE x []><x/>"),
        ],
        ids=[
            "zeros",
            "a row of millions",
            "a cell of megabytes",
            "depth",
            "beside the rows",
            "shared strings",
            "styles",
            "a picture that is none",
            "a DTD",
        ],
    )
    def test_a_bomb_is_refused_before_it_is_opened(self, part: str, text: bytes) -> None:
        bomb = repacked({part: text})
        tracemalloc.start()
        try:
            with pytest.raises(Unreadable, match="too large"):
                list(rows_of(bomb, Options()))
            assert tracemalloc.get_traced_memory()[1] < 8 * len(bomb) + 32 * 1024 * 1024
        finally:
            tracemalloc.stop()

    def test_a_bomb_of_many_parts_or_in_another_place_is_refused(self) -> None:
        many = repacked({f"xl/media/{number}.xml": b"" for number in range(1001)})
        elsewhere = repacked(
            {"xl/worksheets/texts.xml": b"<sst/>"},
            lambda text: text.replace(
                b"</Types>",
                b'<Override PartName="/xl/worksheets/texts.xml" ContentType="application/vnd.'
                b'openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>',
            ),
        )
        for bomb in (many, elsewhere):
            with pytest.raises(Unreadable, match="too large"):
                list(rows_of(bomb, Options()))

    def test_a_large_workbook_of_people_comes_in(self) -> None:
        book = Workbook()
        for number in range(3000):
            book.active.append([f"{number:08d}", f"Møllevej {number}", "Æ" * 300])  # type: ignore[union-attr]
        written = io.BytesIO()
        book.save(written)
        assert len(list(rows_of(written.getvalue(), Options()))) == 3000

    @pytest.mark.parametrize("content", [b"PK\x03\x04 not a zip", b"PK\x03\x04"])
    def test_a_damaged_workbook_is_said(self, content: bytes) -> None:
        with pytest.raises(Unreadable, match="no workbook"):
            list(rows_of(content, Options()))


class TestFacts:
    def complaints(self, **told: str) -> list[tuple[str, str]]:
        options = Options(columns=list(told))
        _facts, wrong = facts_of(2, list(told.values()), options, date(2026, 11, 26))
        return [(one.field, one.words) for one in wrong]

    def test_heads_are_known_in_both_languages(self) -> None:
        danish = guess_columns(HEAD.split(";"))
        assert danish == [
            "number", "street", "postal_code", "city", "customer_number", "customer", "group",
            "latitude", "longitude", "meter_type", "medium",
        ]  # fmt: skip
        assert guess_columns(["Serial no.", "Name", "ZIP", "What?", "Serial"]) == [
            "number", "customer", "postal_code", "", "",
        ]  # fmt: skip
        assert {key for key in danish if key} <= set(FIELDS)

    @pytest.mark.parametrize(
        ("told", "field"),
        [
            ({"number": "12X"}, "number"),
            ({"number": "123456789"}, "number"),
            ({"number": ""}, "number"),
            ({"number": "63006799", "manufacturer": "K"}, "manufacturer"),
            ({"number": "63006799", "medium": "steam"}, "medium"),
            ({"customer_number": "1", "email": "no"}, "email"),
            ({"number": "63006799", "mounted_on": "31-02-2026"}, "mounted_on"),
            ({"number": "63006799", "mounted_on": "27-11-2026"}, "mounted_on"),
            ({"number": "63006799", "latitude": "55.5", "longitude": "9,1"}, "latitude"),
            ({"number": "63006799", "latitude": "95", "longitude": "9"}, "latitude"),
            ({"number": "63006799", "latitude": "NaN", "longitude": "9"}, "latitude"),
            ({"number": "63006799", "latitude": "55", "longitude": ""}, "latitude"),
            ({"number": "63006799", "street": "x" * 121}, "street"),
            ({"number": "63006799", "customer_number": "1"}, "street"),
            ({"number": "63006799", "customer": "Ida"}, "customer_number"),
        ],
    )
    def test_each_fault_is_said_at_its_field(self, told: dict[str, str], field: str) -> None:
        assert [key for key, _words in self.complaints(**told)] == [field]

    def test_leading_zeros_that_a_spreadsheet_ate_come_back(self) -> None:
        facts, wrong = facts_of(2, ["6799"], Options(columns=["number"]), date(2026, 1, 1))
        assert (facts.number, wrong) == ("00006799", [])


class TestFlow:
    def test_meters_customers_places_and_groups_come_in(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        address = upload(client, alice, file(*ROWS))
        text = client.get(address).content.decode()
        assert "Møllevej 1" in text
        assert '<option value="number" selected>' in text
        address = check(client, alice, file(*ROWS))
        with tenant_context(aalund.pk):
            assert not Meter.objects.exists()
        assert "The file is fine" in client.get(address).content.decode()
        assert "The file is imported" in run(client, address)
        with tenant_context(aalund.pk):
            assert Meter.objects.filter(in_stock=True).get().number == "63006801"
            assert MeterState.objects.count() == MeterAddress.objects.count() == 3
            place = SupplyPoint.objects.get()
            assert (place.customer.name, place.latitude) == ("Ida Ravn", 55_500_000)
            assert Installation.objects.filter(supply_point=place).count() == 2
            sizes = dict(MeterGroup.objects.values_list("name", "size"))
            assert sizes == {"Vest": 2, "Nord": 1}
            job = MeterImport.objects.latest("pk")
            assert job.content is None
            assert set(Meter.objects.values_list("imported_at", flat=True)) == {job.imported_at}
            entry = AuditEntry.objects.get(event="import.done")
            assert (entry.actor_name, entry.after["new_meters"]) == (alice.email, 3)
        text = client.get("/t/aalund/meters/?show=imported").content.decode()
        assert "63006801" in text

    def test_one_fault_keeps_everything_out(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        address = check(client, alice, file(*ROWS, "63006799;X 1;;;;;;;;;", "12;;;x;;;;;;;steam"))
        found = faults(aalund)
        assert (5, "number", "This meter stands in line 2 already.") in found
        assert (6, "medium") in [(line, field) for line, field, _words in found]
        client.post(address + "run/")
        jobs.work_all()
        with tenant_context(aalund.pk):
            assert not Meter.objects.exists()
            assert not Customer.objects.exists()
        csv = client.get(address + "wrong.csv").content.decode("utf-8-sig").splitlines()
        assert len(csv) == 3
        assert csv[0].endswith("What is wrong")
        assert "This meter stands in line 2 already." in csv[1]

    def test_a_head_seen_before_is_read_as_before(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        head = "A;B"
        address = upload(client, alice, file("63006799;X", head=head))
        data = {"column0": "number", "column1": "label", "decimal": ".", "check": "1"}
        client.post(address + "columns/", data)
        jobs.work_all()
        upload(client, alice, file("63006800;Y", head=head))
        with tenant_context(aalund.pk):
            options = Options.of(MeterImport.objects.latest("pk").options)
        assert (options.columns, options.decimal) == (("number", "label"), ".")

    def test_a_known_meter_is_corrected_and_never_moved(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        run(client, check(client, alice, file(*ROWS)))
        head = "Serial;Label;Meter type;Address;Customer no;Name"
        check(client, alice, file("63006799;4th floor;MC 803;Elsewhere 2;;", head=head))
        ((_line, field, words),) = faults(aalund)
        assert field == "street"
        assert words == "The meter is mounted at Møllevej 1; exchange or move it instead."
        rows = ["63006799;4th floor;MC 803;Møllevej 1;100;Ida Ravn-Berg"]
        address = check(client, alice, file(*rows, head=head))
        run(client, address)
        with tenant_context(aalund.pk):
            assert SupplyPoint.objects.get().label == "4th floor"
            assert Meter.objects.get(number="63006799").meter_type == "MC 803"
            assert Customer.objects.get().name == "Ida Ravn-Berg"
        client.post(address + "undo/")
        with tenant_context(aalund.pk):
            assert SupplyPoint.objects.get().label == ""
            assert Meter.objects.get(number="63006799").meter_type == "MULTICAL 603"
            assert Customer.objects.get().name == "Ida Ravn"

    def test_customers_alone(self, client: Client, aalund: Tenant, alice: User) -> None:
        head = "Customer no,Name,Email"
        run(client, check(client, alice, file("7,Ida,ida@example.com", "8,Bo,", head=head)))
        with tenant_context(aalund.pk):
            assert list(Customer.objects.order_by("number").values_list("name", "email")) == [
                ("Ida", "ida@example.com"),
                ("Bo", ""),
            ]

    def test_undo_takes_everything_back(self, client: Client, aalund: Tenant, alice: User) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="11111111")
        address = check(client, alice, file(*ROWS))
        run(client, address)
        assert client.post(address + "undo/").status_code == 302
        with tenant_context(aalund.pk):
            assert [one.number for one in Meter.objects.all()] == ["11111111"]
            for model in (Customer, SupplyPoint, Installation, MeterGroup, GroupMember):
                assert not model.objects.exists()
            assert MeterImport.objects.latest("pk").state == "undone"
            assert AuditEntry.objects.filter(event="import.undone").exists()
        assert client.post(address + "undo/").status_code == 400

    def test_undo_leaves_what_was_corrected_since(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        with tenant_context(aalund.pk):
            for number in ("100", "101"):
                Customer.objects.create(number=number, name="Before")
        head = "Kundenr;Kunde"
        address = check(client, alice, file("100;Ida Ravn", "101;Bo Ravn", head=head))
        run(client, address)
        with tenant_context(aalund.pk):
            Customer.objects.filter(number="100").update(name="Ida Ravn-Holm")
        assert client.post(address + "undo/").status_code == 302
        with tenant_context(aalund.pk):
            names = dict(Customer.objects.values_list("number", "name"))
        assert names == {"100": "Ida Ravn-Holm", "101": "Before"}

    def test_old_files_go_without_a_new_one(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        upload(client, alice, file(*ROWS))
        with tenant_context(aalund.pk):
            MeterImport.objects.update(created_at=timezone.now() - timedelta(days=31))
        forget_imports()
        with tenant_context(aalund.pk):
            assert not MeterImport.objects.exists()

    def test_undo_stops_where_a_meter_was_heard(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        address = check(client, alice, file(*ROWS))
        run(client, address)
        with tenant_context(aalund.pk):
            meter = Meter.objects.get(number="63006800")
            MeterState.objects.filter(meter=meter).update(heard_at=timezone.now())
        answer = client.post(address + "undo/")
        assert answer.status_code == 400
        assert "1 of its meters were heard since" in answer.content.decode()
        with tenant_context(aalund.pk):
            assert Meter.objects.count() == 3
            assert Customer.objects.count() == 1

    def test_a_group_that_follows_a_filter_takes_none(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        with tenant_context(aalund.pk):
            MeterGroup.objects.create(name="Vest", kind="filter", rule="q=x")
        check(client, alice, file(*ROWS))
        assert [(line, field) for line, field, _words in faults(aalund)] == [
            (2, "group"),
            (3, "group"),
        ]

    @pytest.mark.parametrize(
        ("columns", "words"),
        [
            ({"column0": ""}, None),
            ({"column0": "", "column4": ""}, "Choose the column with the serial number"),
            ({"column1": "city"}, "Two columns are “City”; choose one."),
        ],
    )
    def test_columns_must_name_something(
        self,
        client: Client,
        aalund: Tenant,
        alice: User,
        columns: dict[str, str],
        words: str | None,
    ) -> None:
        address = upload(client, alice, file(*ROWS))
        data = {f"column{at}": key for at, key in enumerate(guess_columns(HEAD.split(";")))}
        answer = client.post(address + "columns/", {**data, **columns, "check": "1"})
        assert answer.status_code == (400 if words else 302)
        assert (words or "") in answer.content.decode()

    def test_progress_is_told_to_who_asks(
        self, client: Client, aalund: Tenant, alice: User
    ) -> None:
        address = upload(client, alice, file(*ROWS))
        with tenant_context(aalund.pk):
            MeterImport.objects.update(state="importing", rows=10_000, done=2_500)
        answer = client.get(address, headers={"HX-Request": "true"})
        assert 'value="25"' in answer.content.decode()
        assert 'hx-trigger="every 1s"' in answer.content.decode()
        with tenant_context(aalund.pk):
            MeterImport.objects.update(state="done")
        assert client.get(address, headers={"HX-Request": "true"})["HX-Refresh"] == "true"

    def test_a_failure_is_said_and_leaves_nothing(
        self,
        client: Client,
        aalund: Tenant,
        alice: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        address = check(client, alice, file(*ROWS))

        def fail(*_: object) -> None:
            raise RuntimeError("a defect")

        monkeypatch.setattr("meters.imports.writing._fill_groups", fail)
        assert "READY failed on this file" in run(client, address)
        with tenant_context(aalund.pk):
            assert not Meter.objects.exists()

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken"])
    def test_what_is_no_file_is_refused(
        self, client: Client, aalund: Tenant, alice: User, content: bytes
    ) -> None:
        client.force_login(alice)
        for data in ({}, {"file": SimpleUploadedFile("x.xlsx", content)}):
            assert client.post(IMPORT + "upload/", data).status_code == 400

    def test_a_user_may_not_and_a_neighbour_sees_nothing(
        self, client: Client, aalund: Tenant, alice: User, bob: User, charlie: User
    ) -> None:
        address = upload(client, alice, file(*ROWS))
        client.force_login(bob)
        assert client.get(address).status_code == 403
        client.force_login(charlie)
        assert client.get(address).status_code == 404
        assert client.get(address.replace("aalund", "birkelse")).status_code == 404
