"""Text lines as receivers print them, told apart line by line.

    C1;1;1;2026-01-02 03:04:05.000;117;102;12345678;0x2A44…     rtl_wmbus
    T1;1;1;2026-01-02 03:04:05.00Z;-71;;;0x2A44…                ESPHome, type rtlwmbus
    telegram=|2A442D2C…_1020…|+51                               wmbusmeters --logtelegrams
    b3144…, bY2544…                                             CUL, formats A and B
    2A44 2D2C …                                                 bare hex
    0006123456;12345678;2026-01-02 03:00:00;00;0801…            Elvaco CMe3100, raw
    KkQtLA…                                                     base64
    {"telegram": "2A44…"}                                       READY's own, as NDJSON

A further shape is one reader in `READERS`: it gives None for a line that is not its own, and
raises ItemFault for one that is its own but bad.
"""

import re
from collections.abc import Callable
from datetime import tzinfo
from typing import Final

from collectors.formats import elvaco, frames, times
from collectors.formats.envelope import (
    DEFAULT_LIMITS,
    DEFAULT_ZONE,
    Checksums,
    Envelope,
    EnvelopeCode,
    EnvelopeError,
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
from collectors.formats.native import read_line, strength
from collectors.formats.text import numbered_lines
from wmbus.words import Words
from wmbus.words import marked as _

Reader = Callable[[int, str, Limits, tzinfo], Received | None]

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_MODE: Final = re.compile(r"[CSTNRF][12]?[A-Za-z]?", re.ASCII)
_LEVEL: Final = re.compile(r"-?[0-9]{1,5}(?:\.[0-9]{1,3})?", re.ASCII)
_HEX: Final = re.compile(r"(?:0x)?[0-9A-Fa-f \t]+", re.ASCII)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{15,}={0,2}", re.ASCII)
_LOG_MARK: Final = "telegram=|"
_LOG_SECONDS: Final = re.compile(r"\+[0-9]{1,10}", re.ASCII)
_RTL_COLUMNS: Final = 8


def parse_lines(
    body: bytes, *, limits: Limits = DEFAULT_LIMITS, zone: tzinfo = DEFAULT_ZONE
) -> Envelope:
    """Read text lines. Blank lines, `#` comments and wmbusmeters' own `(module) …` log lines do
    not count as items; `zone` is the receiver's, for rtl_wmbus writes local time without one.

    The text is taken as ISO-8859-1, of which UTF-8 telegrams are a part: a stray byte then spoils
    its own line only. Raises EnvelopeError for too many lines and for UTF-16.
    """
    if body.startswith(_UTF16):
        raise EnvelopeError(
            EnvelopeCode.UNSUPPORTED_CHARSET,
            _("The text is UTF-16; send UTF-8."),
            Words(_("byte %(number)d"), number=0),
        )
    items: list[Item] = []
    for number, line in numbered_lines(body, limits):
        if line[:1] == b"#" or (line[:1] == b"(" and b"=|" not in line):
            continue
        if len(items) == limits.max_items:
            raise too_many_items(limits)
        items.append(_item(len(items), number, line, limits, zone))
    return Envelope("lines", None, None, None, tuple(items), None)


def rtl_wmbus(index: int, line: str, limits: Limits, zone: tzinfo) -> Received | None:
    """mode;CRC ok;3 of 6 ok;time;packet level;current level;id;0xhex, checksums already off.

    An algorithm's name may stand before the mode. A negative level is dBm (ESPHome writes it
    there), any other is rtl_wmbus' own scale. Told by the mode and by eight columns.
    """
    columns = [column.strip() for column in line.split(";")]
    if len(columns) > _RTL_COLUMNS and _MODE.fullmatch(columns[1]):
        del columns[0]
    if len(columns) < _RTL_COLUMNS or not _MODE.fullmatch(columns[0]):
        return None
    mode, crc_ok, _three_of_six, time, level, _now, _id, digits = columns[:_RTL_COLUMNS]
    if crc_ok != "1":
        raise ItemFault(
            RejectCode.CRC_FAILED_AT_RECEIVER,
            _("The receiver found a wrong checksum (CRC_OK 0)."),
        )
    frame, kind = frames.checked(frames.frame_of_hex(digits.removeprefix("0x"), limits), "wmbus")
    moment, text, source = times.instant(time, zone)
    rssi_dbm = level_raw = None
    if level:
        if not _LEVEL.fullmatch(level):
            raise ItemFault(RejectCode.BAD_FIELD, _("The packet level is no number."))
        rssi_dbm, level_raw = strength(round(float(level)))
    return Received(
        index,
        frame,
        kind=kind,
        time=moment,
        time_text=text,
        time_source=source,
        rssi_dbm=rssi_dbm,
        level_raw=level_raw,
        link_mode=mode,
        crc="removed",
    )


def wmbusmeters_log(index: int, line: str, limits: Limits, zone: tzinfo) -> Received | None:
    """telegram=|hex|+seconds from wmbusmeters' start; underscores part header and content.

    The time is relative to a start that the line does not tell, so there is none; wired frames
    and checksums occur as well.
    """
    _before, mark, rest = line.partition(_LOG_MARK)
    if not mark:
        return None
    digits, _bar, seconds = rest.partition("|")
    frame, kind = frames.checked(frames.frame_of_hex(digits.replace("_", ""), limits), None)
    seconds = seconds.strip()
    text = seconds if _LOG_SECONDS.fullmatch(seconds) else None
    return Received(index, frame, kind=kind, time_text=text)


def cul(index: int, line: str, limits: Limits, zone: tzinfo) -> Received | None:
    """b + hex of format A, or bY + hex of format B, checksums and perhaps link quality behind.

    B is a hex digit too. CUL writes a small b and capitals after it, and b before whole bytes
    makes an odd number of characters; bare hex does neither.
    """
    if line[0] != "b":
        return None
    crc: Checksums = "format_a"
    digits = line[1:]
    if digits[:1] == "Y":
        crc, digits = "format_b", digits[1:]
    elif not (len(digits) % 2 == 0 or (digits == digits.upper() and digits != digits.lower())):
        return None
    if not _HEX.fullmatch(digits):
        return None
    telegram, rssi_dbm = frames.split_cul(frames.frame_of_hex(digits, limits), crc)
    frame, kind = frames.checked(telegram, "wmbus")
    return Received(index, frame, kind=kind, rssi_dbm=rssi_dbm, crc=crc)


def bare_hex(index: int, line: str, limits: Limits, zone: tzinfo) -> Received | None:
    """Hex digits from the L field, or a wired long frame; blanks and a leading 0x are allowed."""
    if not _HEX.fullmatch(line):
        return None
    frame, kind = frames.checked(frames.frame_of_hex(line, limits), None)
    return Received(index, frame, kind=kind)


def elvaco_row(index: int, line: str, limits: Limits, zone: tzinfo) -> Received | None:
    """A row of Elvaco's raw report among other lines."""
    columns = elvaco.columns_of(line)
    return None if columns is None else elvaco.read_row(index, columns, limits, zone)


def bare_base64(index: int, line: str, limits: Limits, zone: tzinfo) -> Received | None:
    """Base64 whose first byte fits its length: any long word is base64, so less will not do."""
    if not _BASE64.fullmatch(line):
        return None
    frame = frames.believable_base64(line, limits)
    if frame is None:
        return None
    frame, kind = frames.checked(frame, None)
    return Received(index, frame, kind=kind)


READERS: Final[tuple[Reader, ...]] = (
    rtl_wmbus,
    wmbusmeters_log,
    cul,
    bare_hex,
    elvaco_row,
    bare_base64,
)


def _item(index: int, number: int, line: bytes, limits: Limits, zone: tzinfo) -> Item:
    if line[:1] == b"{" or len(line) > limits.max_line:
        return read_line(index, number, line, limits, zone)
    text = line.decode("latin-1")
    try:
        for reader in READERS:
            received = reader(index, text, limits, zone)
            if received is not None:
                return received
    except ItemFault as fault:
        return Rejected(index, fault.code, in_line(number, fault.detail), excerpt(text))
    return Rejected(
        index,
        RejectCode.UNKNOWN_LINE,
        Words(
            _("Line %(number)d is none of the kinds of line that are known here."), number=number
        ),
        excerpt(text),
    )
