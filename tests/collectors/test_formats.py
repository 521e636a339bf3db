import base64
import contextlib
import json
import re
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.formats import (
    Envelope,
    EnvelopeCode,
    EnvelopeError,
    Limits,
    Received,
    RejectCode,
    Rejected,
    parse,
    parse_elvaco,
    parse_json,
    parse_lines,
    parse_ndjson,
    sniff,
)

# Invented: KAM 12345678, L = 0x13 (20 bytes), and what format A and B make of its length.
FRAME = bytes.fromhex("13442D2C7856341234048D20010203040506070A")
HEX = FRAME.hex().upper()
LONG = bytes.fromhex("680A0A68 0801 72 7856341234048D 5416")
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
HEARD = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def native(**fields: object) -> Received | Rejected:
    """The one item of a push that holds one native telegram object."""
    (item,) = parse_json(json.dumps([{"telegram": HEX} | fields]).encode()).items
    return item


def line(text: str, zone: ZoneInfo | None = None) -> Received | Rejected:
    (item,) = parse_lines(text.encode(), zone=zone or UTC).items
    return item


def received(item: Received | Rejected) -> Received:
    assert isinstance(item, Received), item
    return item


def code_of(item: Received | Rejected) -> RejectCode:
    assert isinstance(item, Rejected), item
    assert item.detail.endswith("."), item.detail
    assert item.excerpt.isascii()
    assert item.excerpt.isprintable()
    return item.code


def refusal(content_type: str | None, body: bytes, limits: Limits | None = None) -> EnvelopeError:
    with pytest.raises(EnvelopeError) as caught:
        parse(content_type, body, limits=limits or Limits())
    return caught.value


def envelope_or_error(content_type: str | None, body: bytes) -> Envelope | EnvelopeError:
    try:
        return parse(content_type, body)
    except EnvelopeError as error:
        return error


class TestNativeEnvelope:
    def test_everything_the_format_has(self) -> None:
        body = {
            "gateway": "gw-7",
            "batch": "0190-a",
            "sent_at": "2026-01-02T03:05:00Z",
            "telegrams": [
                {
                    "telegram": HEX,
                    "timestamp": "2026-01-02T04:04:05.120+01:00",
                    "rssi_dbm": -71,
                    "link_mode": "C1",
                    "crc": "removed",
                    "device": "im871a[0010]",
                    "lat": 56.1234564,
                    "lon": 9.9,
                    "accuracy_m": 11.2,
                    "of_a_later_version": {"is": ["left", "alone"]},
                }
            ],
            "status": {"uptime_s": 3600, "queue": 0, "firmware": "1.2"},
        }
        assert parse("application/json; charset=UTF-8", json.dumps(body).encode()) == Envelope(
            kind="json",
            gateway="gw-7",
            batch="0190-a",
            sent_at=datetime(2026, 1, 2, 3, 5, tzinfo=UTC),
            items=(
                Received(
                    index=0,
                    frame=FRAME,
                    kind="wmbus",
                    time=HEARD.replace(microsecond=120_000),
                    time_text="2026-01-02T04:04:05.120+01:00",
                    time_source="gateway",
                    rssi_dbm=-71,
                    level_raw=None,
                    link_mode="C1",
                    crc="removed",
                    device="im871a[0010]",
                    lat=Decimal("56.123456"),
                    lon=Decimal("9.900000"),
                    accuracy_m=12,
                ),
            ),
            status={"uptime_s": 3600, "queue": 0, "firmware": "1.2"},
        )

    def test_a_bare_list_and_a_single_object(self) -> None:
        item = Received(0, FRAME)
        assert parse_json(json.dumps([{"telegram": HEX}]).encode()).items == (item,)
        single = parse_json(json.dumps({"telegram": HEX, "gateway": 7}).encode())
        assert single.items == (item,)
        assert single.gateway == "7"

    def test_a_status_alone_and_an_empty_list_are_signs_of_life(self) -> None:
        alone = parse_json(b'{"gateway":"gw","status":{"a":{"b":["\\u0000",1]}}}')
        assert alone.items == ()
        assert alone.status == {"a": {"b": ["\N{REPLACEMENT CHARACTER}", 1]}}
        assert parse_json(b"[]").items == ()

    def test_a_bad_telegram_leaves_its_neighbours_alone(self) -> None:
        items = parse_json(
            json.dumps([{"telegram": HEX}, 7, {"telegram": "2A4"}, {}, {"telegram": HEX}]).encode()
        ).items
        assert [item.index for item in items] == [0, 1, 2, 3, 4]
        assert [getattr(item, "code", None) for item in items] == [
            None,
            RejectCode.NOT_AN_OBJECT,
            RejectCode.ODD_HEX,
            RejectCode.MISSING_TELEGRAM,
            None,
        ]

    @pytest.mark.parametrize(
        ("body", "code", "at"),
        [
            (b'{"telegrams": [{]}', EnvelopeCode.BAD_JSON, "line 1 column 17"),
            (b'{"a":\n NaN}', EnvelopeCode.BAD_JSON, "line 2 column 2"),
            (b'{"telegram":"\\ud800"}', EnvelopeCode.BAD_JSON, "line 1 column 14"),
            (b'{"telegram":"\xe6"}', EnvelopeCode.NOT_UTF8, "byte 13"),
            (b'{"telegrams":{}}', EnvelopeCode.WRONG_TYPE, "field telegrams"),
            (b'"2A44"', EnvelopeCode.WRONG_TYPE, None),
            (b'{"_":"telegram","media":"water"}', EnvelopeCode.NO_TELEGRAMS, None),
            (b'{"telegrams":[],"telegrams":[]}', EnvelopeCode.DUPLICATE_KEY, "field telegrams"),
            (b'{"telegrams":[],"gateway":"\\u0000"}', EnvelopeCode.BAD_FIELD, "field gateway"),
            (b'{"telegrams":[],"gateway":1.5}', EnvelopeCode.BAD_FIELD, "field gateway"),
            (b'{"telegrams":[],"batch":["x"]}', EnvelopeCode.BAD_FIELD, "field batch"),
            (b'{"telegrams":[],"sent_at":"now"}', EnvelopeCode.BAD_FIELD, "field sent_at"),
            (b'{"telegrams":[],"status":"ok"}', EnvelopeCode.BAD_FIELD, "field status"),
            (
                b'{"telegrams":[],"status":{"log":"%s"}}' % (b"x" * 9000),
                EnvelopeCode.BAD_FIELD,
                "field status",
            ),
            (b"[" * 9 + b"[" + b"]" * 10, None, None),
            (b"[" * 10 + b"[" + b"]" * 11, EnvelopeCode.TOO_DEEP, None),
            (b"[" * 5000, EnvelopeCode.TOO_DEEP, "line 1 column 1026"),
            (b"1" * 5000, EnvelopeCode.BAD_JSON, "line 1 column 1"),
            (b'[{"telegram":"","x":1e999}]', EnvelopeCode.BAD_JSON, None),
            (b"  \n ", EnvelopeCode.EMPTY, None),
            (b'[{"telegram":"00","x":[1]}]', None, None),
        ],
    )
    def test_what_is_no_envelope_says_where(
        self, body: bytes, code: EnvelopeCode | None, at: str | None
    ) -> None:
        if code is None:
            assert parse("application/json", body).items
            return
        error = refusal("application/json", body)
        assert error.code is code
        assert error.status == 400
        if at is not None:
            assert error.at == at
        assert error.detail.endswith(".")

    def test_limits(self) -> None:
        one = json.dumps({"telegram": HEX}).encode()
        small = Limits(max_body=200, max_items=2)
        assert refusal(None, b" " * 201, small).code is EnvelopeCode.TOO_LARGE
        for kind, body in (
            ("application/json", b"[" + b",".join([one] * 3) + b"]"),
            ("application/x-ndjson", b"\n".join([one] * 3)),
            ("text/plain", b"\n".join([HEX.encode()] * 3)),
            ("text/csv", b"\n".join([b"1;2;;3;0801"] * 3)),
        ):
            error = refusal(kind, body, small)
            assert (error.code, error.status) == (EnvelopeCode.TOO_MANY_ITEMS, 413)
        flood = b"[" + b"{}," * 400_000 + b"{}]"
        assert refusal("application/json", flood).code is EnvelopeCode.TOO_MANY_VALUES
        comments = b"#\n" * 100_001
        assert refusal("text/plain", comments).code is EnvelopeCode.TOO_MANY_ITEMS


class TestNativeTelegram:
    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"telegram": ""}, RejectCode.EMPTY),
            ({"telegram": "  "}, RejectCode.EMPTY),
            ({"telegram": None}, RejectCode.MISSING_TELEGRAM),
            ({"telegram": 12}, RejectCode.BAD_FIELD),
            ({"telegram": "2A4"}, RejectCode.ODD_HEX),
            ({"telegram": "2A44\u00002D"}, RejectCode.BAD_HEX),
            ({"telegram": "zz"}, RejectCode.BAD_HEX),
            ({"telegram": "2A44"}, RejectCode.BAD_LENGTH),
            ({"telegram": "5A" * 301}, RejectCode.TOO_LONG),
            ({"telegram": "5A" * 5000}, RejectCode.TOO_LONG),
            ({"telegram": "a", "encoding": "base64"}, RejectCode.BAD_BASE64),
            ({"telegram": "\xe6\xe6\xe6\xe6", "encoding": "base64"}, RejectCode.BAD_BASE64),
            ({"telegram": "A" * 1300, "encoding": "base64"}, RejectCode.TOO_LONG),
            ({"lat": 1e308, "lon": 0}, RejectCode.BAD_FIELD),
            ({"lat": "north", "lon": 0}, RejectCode.BAD_FIELD),
            ({"encoding": "rot13"}, RejectCode.BAD_FIELD),
            ({"encoding": ["hex"]}, RejectCode.BAD_FIELD),
            ({"frame": "kmp"}, RejectCode.BAD_FIELD),
            ({"telegram": "00", "frame": "mbus"}, RejectCode.BAD_LENGTH),
            ({"telegram": "08" * 256, "frame": "mbus"}, RejectCode.BAD_LENGTH),
            ({"timestamp": "yesterday"}, RejectCode.BAD_TIME),
            ({"timestamp": "20260102T030405Z"}, RejectCode.BAD_TIME),
            ({"timestamp": "2026-W01-5T03:04:05Z"}, RejectCode.BAD_TIME),
            ({"timestamp": "2026-01-02T25:00:00Z"}, RejectCode.BAD_TIME),
            ({"timestamp": "9999-12-31T23:59:59-23:59"}, RejectCode.BAD_TIME),
            ({"timestamp": "2026-01-02T03:04:05Z\u0000"}, RejectCode.BAD_TIME),
            ({"timestamp": True}, RejectCode.BAD_TIME),
            ({"time": {}}, RejectCode.BAD_TIME),
            ({"timestamp": "2026-01-02T03"}, RejectCode.BAD_TIME),
            ({"timestamp": "2026-01-02_03:04:05Z"}, RejectCode.BAD_TIME),
            ({"ts": -1}, RejectCode.BAD_TIME),
            ({"ts": 10**19}, RejectCode.BAD_TIME),
            ({"ts": 10**300}, RejectCode.BAD_TIME),
            ({"ts": 5_000_000_000}, RejectCode.BAD_TIME),
            ({"rssi_dbm": 117}, RejectCode.BAD_FIELD),
            ({"rssi_dbm": "-71 dBm"}, RejectCode.BAD_FIELD),
            ({"rssi_dbm": False}, RejectCode.BAD_FIELD),
            ({"rssi": 10**300}, RejectCode.BAD_FIELD),
            ({"crc": "ok"}, RejectCode.BAD_FIELD),
            ({"crc": {}}, RejectCode.BAD_FIELD),
            ({"device": "a\u0000b"}, RejectCode.BAD_FIELD),
            ({"device": "x" * 101}, RejectCode.BAD_FIELD),
            ({"link_mode": 1}, RejectCode.BAD_FIELD),
            ({"lat": 91, "lon": 9}, RejectCode.BAD_FIELD),
            ({"lat": 56, "lon": -180.1}, RejectCode.BAD_FIELD),
            ({"lat": 56}, RejectCode.BAD_FIELD),
            ({"lat": 56, "lon": 9, "accuracy_m": -1}, RejectCode.BAD_FIELD),
        ],
    )
    def test_rejected(self, fields: dict[str, object], code: RejectCode) -> None:
        assert code_of(native(**fields)) is code

    def test_a_key_that_stands_twice(self) -> None:
        body = b'[{"telegram":"%s","telegr\\u0061m":"00"},{"telegram":"%s"}]'
        first, second = parse_json(body % (HEX.encode(), HEX.encode())).items
        assert code_of(first) is RejectCode.DUPLICATE_KEY
        assert received(second).frame == FRAME

    @pytest.mark.parametrize("text", [':"', '":', ':":":', 'a\\":b', "x : y"])
    def test_texts_that_look_like_keys_are_no_keys(self, text: str) -> None:
        assert received(native(device=text)).device == text

    def test_huge_integers_beside_a_key_that_stands_twice(self) -> None:
        digits = b"9" * 300
        body = b'{"telegram":"%s","status":{"n":%s,"n":%s}}' % (HEX.encode(), digits, digits)
        assert parse_json(body).status == {"n": float(digits)}

    @pytest.mark.parametrize(
        ("said", "time", "source"),
        [
            ("2026-01-02T03:04:05Z", HEARD, "gateway"),
            ("2026-01-02t03:04:05z", HEARD, "gateway"),
            ("2026-01-02 04:04:05+01:00", HEARD, "gateway"),
            ("2026-01-02T04:04:05", HEARD, "zone_assumed"),
            ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "zone_assumed"),
            (1767323045, HEARD, "gateway"),
            (1767323045.12, HEARD.replace(microsecond=120_000), "gateway"),
            (1767323045120, HEARD.replace(microsecond=120_000), "gateway"),
            ("1767323045", HEARD, "gateway"),
            ("1970-01-01T00:00:51Z", None, "none"),
            (51, None, "none"),
            ("", None, "none"),
        ],
    )
    def test_times(self, said: object, time: datetime | None, source: str) -> None:
        for field in ("timestamp", "time", "ts"):
            body = json.dumps({"telegram": HEX, field: said}).encode()
            item = received(parse_json(body, zone=COPENHAGEN).items[0])
            assert (item.time, item.time_source) == (time, source)
            assert item.time_text == (str(said) or None)
            assert item.time is None or item.time.tzinfo is UTC

    def test_a_place_that_is_not_known(self) -> None:
        assert native(lat=None, lon="", accuracy_m=5) == Received(0, FRAME)
        item = received(native(lat="-56.5", lon="9", accuracy_m=None))
        assert (item.lat, item.lon, item.accuracy_m) == (Decimal("-56.5"), Decimal(9), None)

    def test_timestamp_goes_before_time_and_ts(self) -> None:
        item = received(native(ts=51, time="x", timestamp="2026-01-02T03:04:05Z"))
        assert item.time == HEARD

    def test_strength(self) -> None:
        assert received(native(rssi=-80)).rssi_dbm == -80
        assert received(native(rssi="-80.4")).rssi_dbm == -80
        level = received(native(rssi=117))
        assert (level.rssi_dbm, level.level_raw) == (None, 117)
        assert received(native(rssi_dbm=None, rssi="", device="", crc="")) == Received(0, FRAME)

    def test_frames(self) -> None:
        coded = base64.b64encode(FRAME).decode()
        assert received(native(telegram=coded, encoding="base64")).frame == FRAME
        assert received(native(telegram=coded.rstrip("="))).frame == FRAME
        assert received(native(telegram="0x" + HEX.lower())).frame == FRAME
        assert received(native(telegram=" ".join(HEX))).frame == FRAME
        assert received(native(telegram=LONG.hex())) == Received(0, LONG, kind="mbus")
        assert received(native(telegram=LONG.hex(), frame="wmbus")).kind == "wmbus"
        for text in (LONG.hex(), LONG[4:-2].hex()):
            assert received(native(telegram=text, frame="mbus")) == Received(0, LONG, kind="mbus")
        # Hex digits are base64 digits too, so this one has to be told.
        looks_like_hex = base64.b64encode(bytes.fromhex("78DF") * 9).decode()
        told = received(native(telegram=looks_like_hex, encoding="base64"))
        assert told.frame == bytes.fromhex("78DF") * 9
        assert code_of(native(telegram=coded, encoding="hex")) is RejectCode.BAD_HEX
        # Base64 of the wrong length is no telegram unless it is said to be base64.
        longer = base64.b64encode(FRAME + b"?").decode()
        assert code_of(native(telegram=longer)) is RejectCode.BAD_HEX


class TestNdjson:
    def test_lines_stand_for_themselves(self) -> None:
        body = b'\xef\xbb\xbf{"telegram":"%s"}\r\n\r\n{"telegram":\n[]\n\xff\n{"telegram":"%s"}'
        items = parse_ndjson(body % (HEX.encode(), HEX.encode())).items
        assert [getattr(item, "code", None) for item in items] == [
            None,
            RejectCode.BAD_JSON,
            RejectCode.NOT_AN_OBJECT,
            RejectCode.BAD_JSON,
            None,
        ]
        assert [item.index for item in items] == [0, 1, 2, 3, 4]
        assert "Line 3" in getattr(items[1], "detail", "")

    def test_an_endless_line(self) -> None:
        (item,) = parse_ndjson(b'{"telegram":"' + b"5" * 100_000 + b'"}').items
        assert code_of(item) is RejectCode.TOO_LONG


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


CONTENT_TYPES = st.sampled_from(
    [
        None,
        "application/json",
        "application/x-ndjson",
        "text/plain",
        "text/csv",
        "application/octet-stream",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | st.sampled_from([HEX, LONG.hex(), "base64", "mbus", "2026-01-02T03:04:05Z", "-71"])
    | st.sampled_from(["2026-01-02T03:04:05Z\0", "2026-01-02T03:04:05+00:00\n", "1e400"])
)
FIELDS = st.sampled_from(
    ["telegram", "timestamp", "time", "ts", "rssi_dbm", "rssi", "link_mode", "crc", "device"]
    + ["lat", "lon", "accuracy_m", "encoding", "frame"]
    + ["gateway", "batch", "sent_at", "status", "telegrams"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=8),
    max_leaves=20,
)
PIECES = st.lists(
    st.sampled_from(
        [
            b"C1",
            b"1",
            b";",
            b"0x",
            b"\n",
            b"b",
            b"bY",
            b"telegram=|",
            b"|+5",
            b"{",
            b"}",
            b'"',
            b":",
        ]
        + [HEX.encode(), LONG.hex().encode(), b"2026-01-02 03:04:05", b"-71", b"\xff", b"[", b","]
    ),
    max_size=30,
).map(b"".join)
TELEGRAMS = st.builds(
    lambda objects: json.dumps(objects).encode(),
    st.lists(
        st.builds(lambda fields: {"telegram": HEX} | fields, st.dictionaries(FIELDS, SCALARS)),
        max_size=5,
    ),
)


@given(
    content_type=CONTENT_TYPES | st.text(max_size=30),
    body=st.binary(max_size=400)
    | PIECES
    | VALUES.map(lambda value: json.dumps(value).encode())
    | TELEGRAMS,
)
def test_any_body_gives_an_envelope_or_an_envelope_error(
    content_type: str | None, body: bytes
) -> None:
    outcome = envelope_or_error(content_type, body)
    if isinstance(outcome, EnvelopeError):
        assert outcome.status in (400, 413, 415)
        assert str(outcome).isprintable()
        return
    envelope = outcome
    for place, item in enumerate(envelope.items):
        assert item.index == place
        if isinstance(item, Received):
            assert 9 <= len(item.frame) <= 300
            assert item.time is None or 2000 <= item.time.year < 2100
            assert (item.time is None) == (item.time_source == "none")
            for text in (item.time_text, item.link_mode, item.device):
                assert text is None or text.isprintable()
        else:
            code_of(item)
    assert envelope.status is None or "\\u0000" not in json.dumps(envelope.status)


PUSH_MANUAL = Path(__file__).parents[2] / "docs" / "reference" / "push.md"
MANUAL_TYPES = {"json": "application/json", "ndjson": "application/x-ndjson"} | {
    "text": "text/plain",
    "csv": "text/csv",
}


def manual_examples() -> list[tuple[str, str]]:
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", PUSH_MANUAL.read_text(), re.DOTALL | re.MULTILINE)
    return [(kind, body) for kind, body in fences if kind in MANUAL_TYPES]


@pytest.mark.parametrize(("kind", "body"), manual_examples())
def test_the_manual_tells_the_truth(kind: str, body: str) -> None:
    items = parse(MANUAL_TYPES[kind], body.encode()).items
    assert {received(item).frame for item in items} <= {
        FRAME,
        LONG,
        # The CUL's, with checksums: EN 13757-4, formats A and B.
        bytes.fromhex("13442D2C78563412340484D68D20010203040506070A05A2"),
        bytes.fromhex("15442D2C7856341234048D20010203040506070A1AD5"),
    }


def test_the_manual_names_every_code() -> None:
    manual = PUSH_MANUAL.read_text()
    for code in (*RejectCode, *EnvelopeCode):
        assert f"`{code}`" in manual
    assert {kind for kind, _ in manual_examples()} == set(MANUAL_TYPES)


CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "wmbus.jsonl"


@pytest.mark.skipif(not CORPUS.exists(), reason="no ../shared/corpus beside this checkout")
def test_real_telegrams_pass_through_as_bare_hex_and_as_native_json() -> None:
    with CORPUS.open() as cases:
        texts = [json.loads(case)["telegram"] for case in cases]
    expected = [bytes.fromhex(text) for text in texts]
    objects = json.dumps([{"telegram": text} for text in texts]).encode()
    coded = "\n".join(base64.b64encode(frame).decode() for frame in expected)
    by_lines = parse(None, "\n".join(texts).encode()).items
    by_json = parse(None, objects).items
    assert [received(item).frame for item in by_lines] == expected
    assert by_lines == by_json
    wired = [received(item).kind == "mbus" for item in by_lines]
    assert wired == [frame[0] == 0x68 == frame[3] for frame in expected]
    # Base64 without a word that it is base64 is believed only where L fits the length.
    fitting = [f for f in expected if f[0] == len(f) - 1 or f[0] == 0x68 == f[3]]
    taken = [item.frame for item in parse_lines(coded.encode()).items if isinstance(item, Received)]
    assert taken == fitting
