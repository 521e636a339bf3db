import base64
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from collectors.formats import (
    Envelope,
    EnvelopeCode,
    Limits,
    Received,
    RejectCode,
    parse,
    parse_json,
    parse_ndjson,
)
from tests.collectors.items import (
    COPENHAGEN,
    FRAME,
    HEARD,
    HEX,
    LONG,
    code_of,
    native,
    received,
    refusal,
)


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
