"""Bodies of pushes and what is made of them, for the tests of the formats."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from collectors.formats import (
    Envelope,
    EnvelopeError,
    Limits,
    Received,
    RejectCode,
    Rejected,
    parse,
    parse_json,
    parse_lines,
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
