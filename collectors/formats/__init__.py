"""What gateways push, as telegrams: bytes in, plain dataclasses out.

`parse` tells the shape by content type and content and reads it; the readers are public too, for
a TCP feed or an uploaded file. Pure: no Django, no clock, nothing of a telegram decoded. Errors:
EnvelopeError when the body is no envelope at all, a Rejected item when one telegram is none.
"""

import re
from datetime import tzinfo
from typing import Final

from collectors.formats.elvaco import COLUMNS, parse_elvaco
from collectors.formats.envelope import (
    DEFAULT_LIMITS,
    DEFAULT_ZONE,
    Envelope,
    EnvelopeCode,
    EnvelopeError,
    Item,
    Kind,
    Limits,
    Received,
    RejectCode,
    Rejected,
)
from collectors.formats.lines import parse_lines
from collectors.formats.native import parse_json, parse_ndjson
from collectors.formats.text import BOM, INK
from wmbus.words import Words
from wmbus.words import marked as _

__all__ = [
    "DEFAULT_LIMITS",
    "DEFAULT_ZONE",
    "Envelope",
    "EnvelopeCode",
    "EnvelopeError",
    "Item",
    "Kind",
    "Limits",
    "Received",
    "RejectCode",
    "Rejected",
    "parse",
    "parse_elvaco",
    "parse_json",
    "parse_lines",
    "parse_ndjson",
    "sniff",
]

_TYPES: Final[dict[str, Kind]] = {
    "application/json": "json",
    "text/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "elvaco",
}
# Types that say nothing of the content; the last is what curl sends when told nothing.
_UNTOLD: Final = frozenset(
    ("", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded")
)
_CHARSETS: Final = frozenset(
    ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252")
)
_READERS: Final = {
    "json": parse_json,
    "ndjson": parse_ndjson,
    "lines": parse_lines,
    "elvaco": parse_elvaco,
}
# Far beyond what is rejected as one item: such a body need not even be kept.
_LONGEST_LINE: Final = 256 * 1024
_LIST_OF_OBJECTS: Final = re.compile(rb"\[\s*[{\]\"]")


def parse(
    content_type: str | None,
    body: bytes,
    *,
    limits: Limits = DEFAULT_LIMITS,
    zone: tzinfo = DEFAULT_ZONE,
) -> Envelope:
    """Read a push body (already inflated) of whatever shape.

    `content_type` is the header's value, None when there is none. `zone` stands in where a
    gateway writes times without a zone. Raises EnvelopeError.
    """
    if len(body) > limits.max_body:
        raise EnvelopeError(
            EnvelopeCode.TOO_LARGE,
            Words(
                _("The body has %(size)d bytes; at most %(most)d are taken."),
                size=len(body),
                most=limits.max_body,
            ),
        )
    kind = sniff(content_type, body)
    if kind != "json" and _endless(body):
        raise EnvelopeError(
            EnvelopeCode.TOO_LARGE,
            f"A line is longer than {_LONGEST_LINE} bytes: these are no lines of telegrams.",
        )
    return _READERS[kind](body, limits=limits, zone=zone)


def _endless(body: bytes) -> bool:
    """Whether a line is so long that it is no line; looks at a few bytes of each stretch only."""
    start = 0
    while len(body) - start > _LONGEST_LINE:
        end = body.rfind(b"\n", start, start + _LONGEST_LINE)
        if end < 0:
            return True
        start = end + 1
    return False


def sniff(content_type: str | None, body: bytes) -> Kind:
    """The shape of a body, by its content type where that is telling, else by its beginning.

    Raises EnvelopeError unsupported_type, unsupported_charset or empty.
    """
    kind = _declared(content_type or "")
    body = body.removeprefix(BOM)
    ink = INK.search(body)
    if ink is None:
        raise EnvelopeError(EnvelopeCode.EMPTY, _("The body is empty."))
    return kind or _guessed(body, ink.start())


def _declared(content_type: str) -> Kind | None:
    media, *parameters = content_type.lower().split(";")
    media = media.strip()
    for parameter in parameters:
        name, _equals, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            raise EnvelopeError(
                EnvelopeCode.UNSUPPORTED_CHARSET,
                _("The text must be UTF-8 (lines also ISO-8859-1)."),
                "header Content-Type",
            )
    if media in _UNTOLD:
        return None
    if media.endswith("+json"):
        return "json"
    if media in _TYPES:
        return _TYPES[media]
    raise EnvelopeError(
        EnvelopeCode.UNSUPPORTED_TYPE,
        _(
            "Send application/json, application/x-ndjson, text/plain, text/csv or "
            "application/octet-stream."
        ),
        "header Content-Type",
    )


def _guessed(body: bytes, start: int) -> Kind:
    end = body.find(b"\n", start)
    line = body[start : len(body) if end < 0 else end].rstrip()
    if line.startswith(b"{"):
        # In one JSON text an object's end is followed by a comma, a bracket or nothing.
        ink = INK.search(body, start + len(line))
        if ink is None or not line.endswith(b"}") or ink[0] in b",]}":
            return "json"
        return "ndjson" if ink[0] == b"{" else "lines"
    if _LIST_OF_OBJECTS.match(body, start):
        return "json"
    if line.rstrip(b"; \t").count(b";") == COLUMNS - 1:
        return "elvaco"
    return "lines"
