"""The explanation: every byte has its part, and a failure stands at its byte."""

import json
import runpy
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wmbus import Address, Key, encode, link, requests
from wmbus.__main__ import main
from wmbus.explain import Explanation, explain

KEY = Key(bytes(range(16)))
KEY_HEX = bytes(range(16)).hex()
METER = Address("KAM", "12345678", 0x1B, 0x16)
HEADERS = bytes.fromhex("02FF2004134413615B6167")
VALUES = [0x7001, 123456, 120000, 12, 9]
DATA = encode.records(HEADERS, VALUES)
LONG = bytes.fromhex("78563412 2D2C 1B 16 05 00 0000")

FRAMES = {
    "full": encode.kamstrup_full(METER, KEY, DATA, session=1, access=1),
    "compact": encode.kamstrup_compact(METER, KEY, HEADERS, VALUES, session=1, access=1),
    "format": encode.frame(METER, b"\x69" + encode.format_frame(HEADERS)),
    "mode 5": encode.mode_5(METER, KEY, DATA, access=1),
    "mode 7": encode.mode_7(METER, KEY, DATA, counter=1, access=1),
    "mode 10": encode.mode_10(METER, KEY, DATA, counter=1, access=1),
    "long": encode.frame(METER, b"\x72" + LONG + DATA),
    "ell III": encode.frame(METER, b"\x8e\x90\x01" + LONG[:8] + b"\x78" + DATA),
    "wired": requests.answer(5, 0x72, LONG + DATA + b"\x0fAB"),
    "fixed": requests.answer(5, 0x73, bytes.fromhex("78563412 0A 00 05 29 31650000 69000000")),
    "manufacturer": encode.frame(METER, b"\x78\x04\x13\x01\x00\x00\x00\x0f\xaa\xbb"),
    "own layout": encode.frame(
        Address("APT", "00112233", 0x03, 0x03), b"\xa0" + (3000).to_bytes(4, "little") + bytes(12)
    ),
    "texts": encode.frame(
        METER, bytes.fromhex("78 2F 0DFD0C 01 41 0DFD3B E1 07 426C FFFF 0C13 0A000000 11932B 05")
    ),
}
BROKEN = {
    "empty": b"",
    "short": FRAMES["full"][:20],
    "unknown CI": encode.frame(METER, b"\xa5\x01"),
    "cut in ELL": encode.frame(METER, b"\x8d\x01"),
    "cut in AFL": encode.frame(METER, b"\x90\x09\x01"),
    "encryption 2": encode.frame(METER, bytes.fromhex("8D 00 07 05000040 0000 78")),
    "record": encode.frame(METER, bytes.fromhex("78 0113 05 0413 01")),
    "reserved DIF": encode.frame(METER, bytes.fromhex("78 0113 05 3F")),
    "unknown format": encode.frame(METER, b"\x79" + encode.compact(b"\x03\x13", [1])),
    "record in mode 5": encode.mode_5(METER, KEY, bytes.fromhex("0113 05 3F"), access=1),
    "request": encode.frame(METER, b"\x78", control=0x40),
    "fixed too long": requests.answer(5, 0x73, bytes(20)),
    "fragment": encode.frame(METER, bytes.fromhex("90 02 0140 78 0113 05")),
    "wired, wrong sum": FRAMES["wired"][:-2] + b"\x00\x16",
    "reserved length code": encode.frame(
        METER, bytes.fromhex("7A 01 00 0000 0113 05 0D13 F7 00 00")
    ),
    "wired request": requests.send_data(5, 0x51, b"\x01"),
    "wired short frame": requests.request_data(5, toggle=True),
    "acknowledgement": b"\xe5",
}


def read(frame: bytes, key: Key | None = KEY) -> Explanation:
    return explain(frame, key_for=lambda _: key)


def covered(explanation: Explanation) -> None:
    """The parts of every section follow each other from the first byte to the last."""
    assert explanation.sections
    for section in explanation.sections:
        position = 0
        for part in section.parts:
            assert part.start == position
            assert part.end >= part.start
            assert part.layer
            position = part.end
        assert position == len(section.data)


@pytest.mark.parametrize("name", FRAMES)
def test_every_byte_of_a_sound_telegram_has_a_meaning(name: str) -> None:
    explanation = read(FRAMES[name] + b"\x01\x02")
    covered(explanation)
    assert explanation.error is None
    assert explanation.telegram is not None
    assert not any(part.problem for section in explanation.sections[:-1] for part in section.parts)


@pytest.mark.parametrize("name", ["full", "mode 5"])
@pytest.mark.parametrize("checksums", ["A", "B"])
def test_link_checksums_have_parts_of_their_own(name: str, checksums: link.Checksums) -> None:
    assert checksums in ("A", "B")
    explanation = read(link.add_checksums(FRAMES[name], checksums) + b"\x01")
    covered(explanation)
    assert explanation.sections[0].title == "as received"
    assert [p.meaning for p in explanation.sections[0].parts if p.name == "checksum"][0] == "fits"


@pytest.mark.parametrize("name", BROKEN)
def test_a_failure_stands_at_its_byte(name: str) -> None:
    explanation = read(BROKEN[name])
    covered(explanation)
    assert explanation.telegram is None
    assert explanation.error is not None
    problems = [p.problem for section in explanation.sections for p in section.parts if p.problem]
    assert explanation.error.reason in problems


@pytest.mark.parametrize("name", ["full", "mode 5", "mode 7"])
def test_without_a_key_the_headers_are_explained(name: str) -> None:
    explanation = read(FRAMES[name], None)
    covered(explanation)
    assert type(explanation.error).__name__ == "NoKey"
    names = [part.name for part in explanation.sections[0].parts]
    assert names[:4] == ["length (L)", "control field (C)", "manufacturer (M)", "number"]


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.sampled_from(sorted(FRAMES.values()))), st.data())
def test_any_bytes_are_covered(frame: bytes, more: st.DataObject) -> None:
    changed = bytearray(frame)
    if changed:
        changed[more.draw(st.integers(0, len(changed) - 1))] = more.draw(st.integers(0, 255))
    explanation = read(bytes(changed))
    covered(explanation)
    json.dumps(explanation.as_json())


def test_a_failure_inside_the_encryption_shows_the_decrypted_data() -> None:
    section = read(BROKEN["record in mode 5"]).sections[-1]
    assert section.data.startswith(bytes.fromhex("0113053F"))
    assert [(part.name, bool(part.problem)) for part in section.parts] == [
        ("header", False),
        ("volume", False),
        ("not read", True),
    ]


def test_the_command_line_explains(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([FRAMES["full"].hex(), "--key", KEY_HEX]) == 0
    shown = capsys.readouterr().out
    assert "volume: 123.456 m3" in shown
    assert "V1           123456e-3 m3" in shown
    assert main([FRAMES["full"].hex()]) == 1
    assert "failed: NoKey" in capsys.readouterr().out
    assert main([FRAMES["texts"].hex()]) == 0
    assert "no valid value" in capsys.readouterr().out
    assert main([encode.frame(METER, bytes.fromhex("78 026C 373B 0113 05")).hex()]) == 0
    assert "now 2025-11-23" in capsys.readouterr().out
    assert main([BROKEN["record"].hex()]) == 1
    assert "← 4 data bytes expected, 1 left" in capsys.readouterr().out


def test_the_command_line_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([FRAMES["wired"].hex(), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["error"] is None
    assert shown["telegram"]["address"].startswith("KAM 12345678")
    (now, target) = shown["telegram"]["register_sets"]
    assert now["registers"][1] == {"code": "V1", "unit": "m3", "exponent": -3, "value": 123456}
    assert target["kind"] == "target"
    assert main([FRAMES["full"].hex(), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["error"]["kind"] == "NoKey"
    assert shown["error"]["code"] == "no_key"
    assert shown["telegram"] is None


def test_the_command_line_refuses_nonsense(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["xyz"], ["00", "--key", "00"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
    assert "hexadecimal" in capsys.readouterr().err


def test_the_package_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "wmbus.__main__")
    monkeypatch.setattr("sys.argv", ["wmbus", FRAMES["manufacturer"].hex()])
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("wmbus", run_name="__main__")
    assert stop.value.code == 0
    assert "AA BB" in capsys.readouterr().out
