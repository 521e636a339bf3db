"""Any body is answered, and the manual tells the truth."""

import base64
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.formats import (
    EnvelopeCode,
    EnvelopeError,
    Received,
    RejectCode,
    parse,
    parse_lines,
)
from tests.collectors.items import (
    FRAME,
    HEX,
    LONG,
    code_of,
    envelope_or_error,
    received,
)

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
