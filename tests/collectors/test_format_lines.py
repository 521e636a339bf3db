"""Lines of text, files of Elvaco and telling formats apart."""

import base64
import contextlib
import time

import pytest

from collectors.formats import (
    EnvelopeCode,
    EnvelopeError,
    Received,
    RejectCode,
    Rejected,
    parse,
    parse_elvaco,
    parse_lines,
    sniff,
)
from tests.collectors.items import (
    COPENHAGEN,
    FRAME,
    HEARD,
    HEX,
    LONG,
    code_of,
    line,
    received,
    refusal,
)


class TestLines:
    def test_rtl_wmbus(self) -> None:
        item = line(f"C1;1;1;2026-01-02 04:04:05.000;117;102;12345678;0x{HEX}", COPENHAGEN)
        assert item == Received(
            0,
            FRAME,
            time=HEARD,
            time_text="2026-01-02 04:04:05.000",
            time_source="zone_assumed",
            level_raw=117,
            link_mode="C1",
            crc="removed",
        )
        assert received(line(f"t2a;T1;1;1;;;;;0x{HEX}")).link_mode == "T1"

    def test_esphome(self) -> None:
        item = line(f"T1;1;1;2026-01-02 03:04:05.00Z;-71;;;0x{HEX}", COPENHAGEN)
        assert item == Received(
            0,
            FRAME,
            time=HEARD,
            time_text="2026-01-02 03:04:05.00Z",
            time_source="gateway",
            rssi_dbm=-71,
            link_mode="T1",
            crc="removed",
        )

    def test_wmbusmeters_log(self) -> None:
        text = f"telegram=|{HEX[:22]}_{HEX[22:]}|+51"
        assert line(text) == Received(0, FRAME, time_text="+51")
        assert received(line("[2026-01-02] " + text)).frame == FRAME
        assert received(line(f"telegram=|{LONG.hex()}|")).kind == "mbus"

    @pytest.mark.parametrize(
        ("start", "length", "crc"), [("b", 24, "format_a"), ("bY", 20, "format_b")]
    )
    def test_cul(self, start: str, length: int, crc: str) -> None:
        telegram = FRAME + bytes(length - len(FRAME))
        plain = received(line(start + telegram.hex().upper()))
        assert (plain.frame, plain.crc, plain.rssi_dbm) == (telegram, crc, None)
        # The CC1101's 0xD2 is -46 half decibels, 74 below: -97 dBm.
        loud = received(line(start + telegram.hex().upper() + "2DD2"))
        assert (loud.frame, loud.crc, loud.rssi_dbm) == (telegram, crc, -97)
        assert code_of(line(start + telegram.hex().upper()[:-2])) is RejectCode.BAD_LENGTH
        assert code_of(line(start + telegram.hex().upper()[:-1])) is RejectCode.ODD_HEX

    def test_a_small_b_may_begin_bare_hex(self) -> None:
        long_one = bytes((0xB0,)) + FRAME[1:] + bytes(0xB1 - len(FRAME))
        assert received(line(long_one.hex())).frame == long_one

    def test_bare_hex_and_base64(self) -> None:
        for text in (HEX, HEX.lower(), f"0x{HEX}", HEX[:6] + " " + HEX[6:]):
            assert line(text) == Received(0, FRAME)
        assert line(LONG.hex()) == Received(0, LONG, kind="mbus")
        assert line(base64.b64encode(FRAME).decode()) == Received(0, FRAME)

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (f"C1;0;1;2026-01-02 03:04:05.000;97;148;1;0x{HEX}", RejectCode.CRC_FAILED_AT_RECEIVER),
            ("C1;1;1;;97;148;1;0x", RejectCode.EMPTY),
            (f"C1;1;1;;loud;148;1;0x{HEX}", RejectCode.BAD_FIELD),
            (f"C1;1;1;now;97;148;1;0x{HEX}", RejectCode.BAD_TIME),
            ("telegram=||+51", RejectCode.EMPTY),
            (HEX + "0", RejectCode.ODD_HEX),
            ("00", RejectCode.BAD_LENGTH),
            ("5A" * 301, RejectCode.TOO_LONG),
            ("5A" * 20_000, RejectCode.TOO_LONG),
            ("Started config rtlwmbus on stdin", RejectCode.UNKNOWN_LINE),
            ("abcdefghijklmnopqrst", RejectCode.UNKNOWN_LINE),
            ("\x00\x01", RejectCode.UNKNOWN_LINE),
            ("bonjour", RejectCode.UNKNOWN_LINE),
            ("b", RejectCode.ODD_HEX),
            ("{}", RejectCode.MISSING_TELEGRAM),
        ],
    )
    def test_rejected(self, text: str, code: RejectCode) -> None:
        assert code_of(line(text)) is code

    def test_a_mixed_log(self) -> None:
        text = (
            f"# a comment\n\n(wmbus) decrypting\n{HEX}\r\nnoise\n" + '{"telegram":"' + HEX + '"}\n'
        )
        items = parse_lines(text.encode()).items
        assert [item.index for item in items] == [0, 1, 2]
        assert received(items[0]).frame == received(items[2]).frame == FRAME
        assert isinstance(items[1], Rejected)
        assert "Line 5" in items[1].detail

    def test_a_stray_byte_spoils_its_own_line(self) -> None:
        spoilt, good = parse_lines(b"\xff" + HEX.encode() + b"\n" + HEX.encode()).items
        assert code_of(spoilt) is RejectCode.UNKNOWN_LINE
        assert received(good).frame == FRAME


@pytest.mark.parametrize("blank", [b"\n", b" ", b"\r\n", b" \n", b"\t", b"{", b";", b"b", b"\x00"])
@pytest.mark.parametrize("content_type", ["application/x-ndjson", "text/plain", "text/csv", None])
def test_a_body_of_one_thing_takes_time_in_proportion(
    content_type: str | None, blank: bytes
) -> None:
    # Two mebibytes take milliseconds; were the time quadratic, they would take hours.
    started = time.process_time()
    with contextlib.suppress(EnvelopeError):
        parse(content_type, b"1" + blank * (2 * 1024 * 1024 // len(blank)))
    assert time.process_time() - started < 5


class TestElvaco:
    RAW = LONG[4:-2].hex().upper()

    def test_rows_header_and_wraps(self) -> None:
        body = (
            "Gateway;Secondary;Created;No;Raw\r\n"
            f"0006123456;12345678;2026-01-02 04:04:05;00;{self.RAW[:8]} \r\n{self.RAW[8:]}\r\n"
            f'0006123456;12345678;2026-01-02 05:04:05;00;"{self.RAW[:8]} {self.RAW[8:]}";\r\n'
        )
        envelope = parse_elvaco(body.encode(), zone=COPENHAGEN)
        assert envelope.gateway == "0006123456"
        first, second = envelope.items
        assert first == Received(
            0,
            LONG,
            kind="mbus",
            time=HEARD,
            time_text="2026-01-02 04:04:05",
            time_source="zone_assumed",
            crc="removed",
            device="0006123456",
        )
        assert received(second).frame == LONG

    def test_bad_rows(self) -> None:
        body = (
            f"1;2;2026-01-02 03:00:00;00;{self.RAW}\n"
            f"2;2;2026-01-02 03:00:00;00;{self.RAW}\n"
            "head;er\n1;2;3\n1;2;then;00;0801\n1;2;;00;08017Z\n1;2;;00;08\n"
            "1;2;;00;" + "08" * 300 + "\n" + "1;2;;00;" + "\n".join(["08" * 4000] * 4)
        )
        envelope = parse_elvaco(body.encode())
        assert envelope.gateway is None
        assert [getattr(item, "code", None) for item in envelope.items] == [
            None,
            None,
            RejectCode.UNKNOWN_LINE,
            RejectCode.UNKNOWN_LINE,
            RejectCode.BAD_LENGTH,
            RejectCode.BAD_HEX,
            RejectCode.BAD_LENGTH,
            RejectCode.BAD_LENGTH,
            RejectCode.TOO_LONG,
        ]

    def test_among_other_lines(self) -> None:
        items = parse_lines(f"{HEX}\n6;2;2026-01-02 03:04:05;00;{self.RAW}".encode()).items
        assert received(items[1]).frame == LONG


class TestSniff:
    ONE = b'{"telegram":"00"}'

    @pytest.mark.parametrize(
        ("content_type", "body", "kind"),
        [
            ("application/json", b"00", "json"),
            ("Application/Vnd.Example+JSON", b"00", "json"),
            ("application/x-ndjson", b"00", "ndjson"),
            ("text/csv; charset=iso-8859-1", b"00", "elvaco"),
            ("text/plain", b"00", "lines"),
            ("text/plain", ONE, "json"),
            (None, b"\xef\xbb\xbf " + ONE + b"\n", "json"),
            (None, ONE + b"\n" + ONE, "ndjson"),
            (None, ONE + b"\n" + b"00", "lines"),
            (None, b'{"telegrams":[\n{"telegram":"00"},\n{}]}', "json"),
            (None, b'{"status":{"a":1}\n,"telegrams":[]}', "json"),
            (None, b"[\n" + ONE + b"]", "json"),
            (None, b"[2026-01-02] telegram=|00|", "lines"),
            (None, b"1;2;3;4;00;\n", "elvaco"),
            ("application/octet-stream", b"C1;1;1;;;;;0x00", "lines"),
            ("application/x-www-form-urlencoded", ONE, "json"),
            ("", b"00", "lines"),
        ],
    )
    def test_kind(self, content_type: str | None, body: bytes, kind: str) -> None:
        assert sniff(content_type, body) == kind

    @pytest.mark.parametrize(
        ("content_type", "body", "code", "status"),
        [
            ("image/png", b"x", EnvelopeCode.UNSUPPORTED_TYPE, 415),
            ("multipart/form-data; boundary=x", b"x", EnvelopeCode.UNSUPPORTED_TYPE, 415),
            ("text/plain; charset=utf-16", b"x", EnvelopeCode.UNSUPPORTED_CHARSET, 415),
            ("text/plain", "00".encode("utf-16"), EnvelopeCode.UNSUPPORTED_CHARSET, 415),
            (None, b"", EnvelopeCode.EMPTY, 400),
        ],
    )
    def test_refused(
        self, content_type: str | None, body: bytes, code: EnvelopeCode, status: int
    ) -> None:
        error = refusal(content_type, body)
        assert (error.code, error.status) == (code, status)
