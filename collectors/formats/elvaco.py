"""The raw report of the Elvaco CMe3100 (templates 3001 by HTTP, 2001 by FTP, 4001 by MQTT).

A row: `gateway serial;secondary id;created;telegram number;raw`, where raw is hex from the C
field to the last record, without checksum and stop byte, and may hold blanks. `created` has no
zone. A row may be wrapped into several lines inside its hex, and a header row may come first.
"""

from datetime import tzinfo
from typing import Final

from collectors.formats import frames, times
from collectors.formats.envelope import (
    DEFAULT_LIMITS,
    DEFAULT_ZONE,
    Envelope,
    Item,
    ItemFault,
    Limits,
    Received,
    RejectCode,
    Rejected,
    excerpt,
    in_line,
    too_many_items,
)
from collectors.formats.text import numbered_lines
from wmbus.words import Words
from wmbus.words import marked as _

COLUMNS: Final = 5
_DIGITS: Final = frozenset("0123456789")
_HEX_OR_BLANK: Final = frozenset("0123456789abcdefABCDEF \t")


def parse_elvaco(
    body: bytes, *, limits: Limits = DEFAULT_LIMITS, zone: tzinfo = DEFAULT_ZONE
) -> Envelope:
    """Read a raw report. The gateway is named when every row comes from the same one.

    `zone` is the gateway's, for its times have none. Raises EnvelopeError for too many rows.
    """
    items: list[Item] = []
    row, number = "", 0
    first = True
    for line_number, raw in numbered_lines(body, limits):
        line = raw[: limits.max_line + 1].decode("latin-1")
        if row and ";" not in line and _HEX_OR_BLANK.issuperset(line):
            if len(row) <= limits.max_line:
                row += line
            continue
        if row:
            items.append(_item(len(items), number, row, limits, zone))
        row, number = ("" if first and _is_header(line) else line), line_number
        first = False
        if row and len(items) == limits.max_items:
            raise too_many_items(limits)
    if row:
        items.append(_item(len(items), number, row, limits, zone))
    serials = {item.device for item in items if isinstance(item, Received)}
    return Envelope(
        "elvaco",
        serials.pop() if len(serials) == 1 else None,
        None,
        None,
        tuple(items),
        None,
    )


def columns_of(line: str) -> list[str] | None:
    """The five columns of a row, or None when the line is none."""
    columns = [column.strip().strip('"') for column in line.rstrip("; \t").split(";")]
    if len(columns) == COLUMNS and columns[0] and _DIGITS.issuperset(columns[0]):
        return columns
    return None


def read_row(index: int, columns: list[str], limits: Limits, zone: tzinfo) -> Received:
    """Read one row. Raises ItemFault."""
    serial, _, created, _, raw = columns
    frame = frames.long_frame(frames.frame_of_hex(raw, limits))
    moment, text, source = times.instant(created, zone)
    return Received(
        index,
        frame,
        kind="mbus",
        time=moment,
        time_text=text,
        time_source=source,
        crc="removed",
        device=serial[: limits.max_text],
    )


def _item(index: int, number: int, row: str, limits: Limits, zone: tzinfo) -> Item:
    if len(row) > limits.max_line:
        detail = Words(
            _("Line %(number)d: the row is longer than %(most)d characters."),
            number=number,
            most=limits.max_line,
        )
        return Rejected(index, RejectCode.TOO_LONG, detail, excerpt(row))
    columns = columns_of(row)
    if columns is None:
        detail = Words(
            _(
                "Line %(number)d: a row has %(columns)d columns parted by ; "
                "and begins with a serial."
            ),
            number=number,
            columns=COLUMNS,
        )
        return Rejected(index, RejectCode.UNKNOWN_LINE, detail, excerpt(row))
    try:
        return read_row(index, columns, limits, zone)
    except ItemFault as fault:
        return Rejected(index, fault.code, in_line(number, fault.detail), excerpt(row))


def _is_header(line: str) -> bool:
    return ";" in line and _DIGITS.isdisjoint(line.partition(";")[0])
