"""READY's own push format: JSON and NDJSON.

Field names are those that wmbusmeters, EMQX templates and several gateways already use; the table
for gateway makers is docs/reference/push.md.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final, TypeVar

import orjson

from collectors.formats import frames, times
from collectors.formats.envelope import (
    DEFAULT_LIMITS,
    DEFAULT_ZONE,
    Checksums,
    Envelope,
    EnvelopeCode,
    EnvelopeError,
    FrameKind,
    Item,
    ItemFault,
    Limits,
    Received,
    RejectCode,
    Rejected,
    TimeSource,
    excerpt,
    in_line,
    too_many_items,
)
from collectors.formats.guarded_json import AmbiguousObject, clean, load
from collectors.formats.text import numbered_lines
from wmbus.words import Words
from wmbus.words import marked as _

_Name = TypeVar("_Name")
_FRAME_KINDS: Final[Mapping[object, FrameKind]] = {"wmbus": "wmbus", "mbus": "mbus"}
_CHECKSUMS: Final[Mapping[object, Checksums]] = {
    "removed": "removed",
    "format_a": "format_a",
    "format_b": "format_b",
    "unknown": "unknown",
    "": "unknown",
}
_MICRODEGREE: Final = Decimal("0.000001")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{1,15})?", re.ASCII)
_WEAKEST_DBM, _STRONGEST_DBM = -200, 30
_LEVELS: Final = 1 << 16
_FARTHEST_M: Final = 1_000_000
# A gateway that has nothing to say writes null or nothing between the quotes.
_ABSENT: Final = (None, "")


def parse_json(
    body: bytes, *, limits: Limits = DEFAULT_LIMITS, zone: tzinfo = DEFAULT_ZONE
) -> Envelope:
    """Read `{"telegrams": […]}`, a bare list of telegram objects, or one such object.

    Raises EnvelopeError; a bad telegram becomes a Rejected item.
    """
    value = load(body, limits)
    head: dict[str, object] = {}
    if isinstance(value, list):
        objects = value
    elif isinstance(value, dict):
        if isinstance(value, AmbiguousObject):
            raise EnvelopeError(
                EnvelopeCode.DUPLICATE_KEY,
                _("A field stands twice in the same object."),
                _at(excerpt(value.key)),
            )
        head = value
        objects = _telegrams(head)
    else:
        raise EnvelopeError(
            EnvelopeCode.WRONG_TYPE,
            _("The body must be an object or a list of telegrams."),
        )
    if len(objects) > limits.max_items:
        raise too_many_items(limits)
    return Envelope(
        "json",
        _name(head, "gateway", limits),
        _name(head, "batch", limits),
        _sent_at(head, zone),
        tuple([read_object(index, item, limits, zone) for index, item in enumerate(objects)]),
        _status(head, limits),
    )


def parse_ndjson(
    body: bytes, *, limits: Limits = DEFAULT_LIMITS, zone: tzinfo = DEFAULT_ZONE
) -> Envelope:
    """Read one telegram object a line. A line that is no JSON is a Rejected item.

    Blank lines do not count. Raises EnvelopeError for too many lines.
    """
    items: list[Item] = []
    for number, line in numbered_lines(body, limits):
        if len(items) == limits.max_items:
            raise too_many_items(limits)
        items.append(read_line(len(items), number, line, limits, zone))
    return Envelope("ndjson", None, None, None, tuple(items), None)


def read_line(index: int, number: int, line: bytes, limits: Limits, zone: tzinfo) -> Item:
    """Read the JSON object of one line; `number` counts lines from 1, for the detail."""
    if len(line) > limits.max_line:
        return Rejected(
            index,
            RejectCode.TOO_LONG,
            Words(
                _("Line %(number)d is longer than %(most)d bytes."),
                number=number,
                most=limits.max_line,
            ),
            excerpt(line[: limits.max_text].decode("latin-1")),
        )
    try:
        value = load(line, limits)
    except EnvelopeError as error:
        return Rejected(
            index,
            RejectCode.BAD_JSON,
            in_line(number, error.detail),
            excerpt(line[: limits.max_text].decode("latin-1")),
        )
    return read_object(index, value, limits, zone)


def read_object(index: int, item: object, limits: Limits, zone: tzinfo) -> Item:
    """Read one telegram object of the native format."""
    if type(item) is not dict:
        if isinstance(item, AmbiguousObject):
            twice = Words(
                _("The field %(field)s stands twice in this telegram."), field=excerpt(item.key)
            )
            return Rejected(index, RejectCode.DUPLICATE_KEY, twice, _excerpt(item))
        detail = _('A telegram is an object such as {"telegram": "2A44…"}.')
        return Rejected(index, RejectCode.NOT_AN_OBJECT, detail, _excerpt(item))
    try:
        return _received(index, item, limits, zone)
    except ItemFault as fault:
        return Rejected(index, fault.code, fault.detail, _excerpt(item))


def _received(index: int, item: dict[str, object], limits: Limits, zone: tzinfo) -> Received:
    get = item.get
    text = get("telegram")
    if type(text) is not str:
        raise _no_telegram(text)
    encoding = get("encoding")
    if encoding in _ABSENT:
        frame = frames.frame_of_text(text, limits)
    elif encoding == "hex":
        frame = frames.frame_of_hex(text, limits)
    elif encoding == "base64":
        frame = frames.frame_of_base64(text, limits)
    else:
        raise _bad("encoding", "must be hex or base64")
    kind: FrameKind | None = None
    declared = get("frame")
    if declared not in _ABSENT:
        kind = _choice(_FRAME_KINDS, declared, "frame")
    frame, kind = frames.checked(frame, kind)

    moment: datetime | None = None
    time_text: str | None = None
    source: TimeSource = "none"
    for field in ("timestamp", "time", "ts"):
        said = get(field)
        if said is not None:
            moment, time_text, source = times.instant(said, zone)
            break

    rssi_dbm: int | None = None
    level_raw: int | None = None
    said = get("rssi_dbm")
    if type(said) is int and _WEAKEST_DBM <= said <= _STRONGEST_DBM:
        rssi_dbm = said
    elif said not in _ABSENT:
        rssi_dbm = _whole(said, "rssi_dbm", _WEAKEST_DBM, _STRONGEST_DBM)
    elif (said := get("rssi")) not in _ABSENT:
        rssi_dbm, level_raw = strength(_whole(said, "rssi", _WEAKEST_DBM, _LEVELS - 1))

    said = get("crc")
    crc: Checksums = "unknown" if said is None else _choice(_CHECKSUMS, said, "crc")
    lat = lon = None
    accuracy_m: int | None = None
    if "lat" in item or "lon" in item:
        lat, lon, accuracy_m = _position(item)
    return Received(
        index,
        frame,
        kind,
        moment,
        time_text,
        source,
        rssi_dbm,
        level_raw,
        _label(get("link_mode"), "link_mode", limits),
        crc,
        _label(get("device"), "device", limits),
        lat,
        lon,
        accuracy_m,
    )


def strength(value: int) -> tuple[int | None, int | None]:
    """Part a received strength of unknown scale into (dBm, raw level).

    No receiver hears a meter above 0 dBm, while rtl_wmbus and others write a positive level of
    their own scale in the same place.
    """
    return (value, None) if value < 0 else (None, value)


def _telegrams(head: dict[str, object]) -> list[object]:
    if "telegrams" in head:
        telegrams = head["telegrams"]
        if not isinstance(telegrams, list):
            raise EnvelopeError(
                EnvelopeCode.WRONG_TYPE,
                _("The telegrams must be a list."),
                _at("telegrams"),
            )
        return telegrams
    if "telegram" in head:
        return [head]
    if "status" in head:
        return []
    raise EnvelopeError(
        EnvelopeCode.NO_TELEGRAMS,
        _(
            "The object has neither telegrams, telegram nor status. Readings that were decoded by "
            "the sender are not taken here: send the raw telegram."
        ),
    )


def _name(head: dict[str, object], field: str, limits: Limits) -> str | None:
    value = head.get(field)
    if value in _ABSENT:
        return None
    if type(value) is int:
        return str(value)
    if type(value) is str and len(value) <= limits.max_text and value.isprintable():
        return value.strip() or None
    raise EnvelopeError(
        EnvelopeCode.BAD_FIELD,
        Words(
            _("This must be a printable text of at most %(most)d characters, or an integer."),
            most=limits.max_text,
        ),
        _at(field),
    )


def _sent_at(head: dict[str, object], zone: tzinfo) -> datetime | None:
    value = head.get("sent_at")
    if value is None:
        return None
    try:
        return times.instant(value, zone)[0]
    except ItemFault as fault:
        raise EnvelopeError(EnvelopeCode.BAD_FIELD, fault.detail, _at("sent_at")) from None


def _status(head: dict[str, object], limits: Limits) -> dict[str, object] | None:
    value = head.get("status")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise EnvelopeError(
            EnvelopeCode.BAD_FIELD, _("The status must be an object."), _at("status")
        )
    if len(orjson.dumps(value)) > limits.max_status:
        raise EnvelopeError(
            EnvelopeCode.BAD_FIELD,
            Words(_("The status may have at most %(most)d bytes."), most=limits.max_status),
            _at("status"),
        )
    return {str(clean(key)): clean(item) for key, item in value.items()}


def _label(value: object, field: str, limits: Limits) -> str | None:
    if value is None:
        return None
    if type(value) is str and len(value) <= limits.max_text and value.isprintable():
        return value or None
    raise _bad(
        field,
        Words(_("must be a printable text of at most %(most)d characters"), most=limits.max_text),
    )


def _choice(known: Mapping[object, _Name], value: object, field: str) -> _Name:
    if type(value) is str and value in known:
        return known[value]
    raise _bad(
        field,
        Words(_("must be one of %(names)s"), names=", ".join(str(name) for name in known if name)),
    )


def _whole(value: object, field: str, lowest: int, highest: int) -> int:
    """The integer of a JSON number or of a text that holds one (templates often quote)."""
    if type(value) is int:
        number = value
    else:
        number = round(_decimal(value, field))
    if not lowest <= number <= highest:
        raise _bad(
            field,
            Words(_("must lie between %(lowest)d and %(highest)d"), lowest=lowest, highest=highest),
        )
    return number


def _decimal(value: object, field: str) -> Decimal:
    if type(value) is int or type(value) is float:
        return Decimal(repr(value))
    if type(value) is str and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise _bad(field, _("must be a number"))


def _position(
    item: dict[str, object],
) -> tuple[Decimal | None, Decimal | None, int | None]:
    lat, lon = item.get("lat"), item.get("lon")
    if lat in _ABSENT and lon in _ABSENT:
        return None, None, None
    accuracy = item.get("accuracy_m")
    return (
        _degrees(lat, "lat", 90),
        _degrees(lon, "lon", 180),
        None if accuracy in _ABSENT else _metres(accuracy),
    )


def _degrees(value: object, field: str, most: int) -> Decimal:
    degrees = _decimal(value, field)
    if abs(degrees) > most:
        raise _bad(
            field,
            Words(
                _("must lie between %(lowest)d and %(highest)d degrees"), lowest=-most, highest=most
            ),
        )
    return degrees.quantize(_MICRODEGREE)


def _metres(value: object) -> int:
    metres = _decimal(value, "accuracy_m")
    if not 0 <= metres <= _FARTHEST_M:
        raise _bad(
            "accuracy_m",
            Words(_("must lie between 0 and %(highest)d metres"), highest=_FARTHEST_M),
        )
    return math.ceil(metres)


def _bad(field: str, rule: str) -> ItemFault:
    return ItemFault(
        RejectCode.BAD_FIELD, Words(_("The field %(field)s %(rule)s."), field=field, rule=rule)
    )


def _no_telegram(value: object) -> ItemFault:
    if value is None:
        return ItemFault(
            RejectCode.MISSING_TELEGRAM,
            _("The field telegram with the raw bytes is missing."),
        )
    return _bad("telegram", _("must be a text"))


def _at(field: str) -> Words:
    return Words(_("field %(name)s"), name=field)


def _excerpt(item: object) -> str:
    if isinstance(item, dict):
        text = item.get("telegram")
        if type(text) is str and text:
            return excerpt(text)
    return excerpt(orjson.dumps(item).decode("utf-8"))
