"""The application layer: full, compact and format frames, and errors that a meter reports.

records of a full frame → registers
signature and data of a compact frame + known headers → full frame → registers
"""

from typing import NamedTuple

from wmbus import drivers
from wmbus.address import Address
from wmbus.checksum import crc
from wmbus.compact import Formats, expand, signature, split_headers
from wmbus.errors import (
    BadChecksum,
    DecodeError,
    Layer,
    MeterReportsError,
    Unsupported,
    WaitingForFullFrame,
)
from wmbus.reader import Reader
from wmbus.records import walk
from wmbus.registers import register_sets
from wmbus.security import MARK, Opened
from wmbus.telegram import RegisterSet, Security
from wmbus.transport import Content, Transport
from wmbus.words import marked as _


class Application(NamedTuple):
    """What the application layer holds; see `Telegram` for the fields."""

    signature: int | None
    learned: bytes | None
    known: bool
    payload: bytes
    offset: int
    register_sets: tuple[RegisterSet, ...]
    surplus: int = 0


def read_application(
    header: Transport, opened: Opened, address: Address, formats: Formats, wired: bool
) -> Application:
    data = opened.data
    # Where `data` begins in the frame: behind the two fillers, if the mode has them.
    marked = opened.security in (Security.MODE_5, Security.MODE_7) and header.configuration & 0xF0
    offset = header.behind + (2 if marked else 0)
    try:
        return _read(header, data, offset, address, formats, wired=wired)
    except DecodeError as error:
        error.data, error.data_offset = data, offset
        raise


def _read(
    header: Transport, data: bytes, offset: int, address: Address, formats: Formats, *, wired: bool
) -> Application:
    if header.content is Content.FULL:
        return _full(data, offset, address, formats, wired=wired)
    if header.content is Content.COMPACT:
        if data.startswith(MARK):
            data, offset = data[2:], offset + 2
        return _compact(data, offset, address, formats)
    if header.content is Content.FORMAT:
        if data.startswith(MARK):
            data, offset = data[2:], offset + 2
        return _format(data, offset, formats)
    if header.content is Content.EMPTY:
        return Application(None, None, True, b"", offset, ())
    if header.content is Content.ERROR:
        raise _reported(data, offset)
    raise Unsupported("alarm", layer=Layer.APPLICATION, offset=header.ci_at)


def _reported(data: bytes, offset: int) -> MeterReportsError:
    number = data[0] if data else None
    what = _("an error") if number is None else _ERRORS.get(number)
    if what is None:
        return MeterReportsError(
            "meter_reports_number", number=number, layer=Layer.APPLICATION, offset=offset
        )
    return MeterReportsError(
        "meter_reports", what=what, number=number, layer=Layer.APPLICATION, offset=offset
    )


# EN 13757-3:2018, table 17.
_ERRORS = {
    0: _("unspecified error"),
    1: _("CI field not implemented"),
    2: _("buffer too long"),
    3: _("too many records"),
    4: _("premature end of record"),
    5: _("more than 10 DIFE"),
    6: _("more than 10 VIFE"),
    7: _("reserved"),
    8: _("too busy to answer"),
    9: _("too many readouts"),
    16: _("access denied"),
    17: _("application unknown"),
    18: _("parameter error"),
}


# A link checksum that the receiver left on and counted in L.
_SURPLUS = 2


def _full(
    data: bytes, offset: int, address: Address, formats: Formats, *, wired: bool
) -> Application:
    own = drivers.from_data(address, data)
    if own is not None:
        sets = register_sets(walk(own).records, address)
        return Application(None, None, False, own, -1, sets)
    try:
        found = walk(data, surplus=0 if wired else _SURPLUS)
    except DecodeError as error:
        error.offset += offset
        raise
    if found.surplus:
        data = data[: -found.surplus]
    headers = found.headers
    sets = register_sets(found.records, address)
    if not found.fixed or found.manufacturer or found.more or not headers:
        return Application(None, None, False, data, offset, sets, found.surplus)
    number = signature(headers)
    known = formats.get(number) == headers
    return Application(number, headers, known, data, offset, sets, found.surplus)


def _compact(data: bytes, offset: int, address: Address, formats: Formats) -> Application:
    reader = Reader(data, Layer.APPLICATION)
    number = reader.number(2, _("format signature"))
    expected = reader.number(2, _("checksum of the full frame"))
    headers = formats.get(number)
    if headers is None:
        raise WaitingForFullFrame(
            number,
            payload=data,
            layer=Layer.APPLICATION,
            offset=offset,
        )
    full = expand(headers, data[4:], offset + 4)
    if crc(full) != expected:
        raise BadChecksum(
            "full_checksum",
            found=f"{crc(full):04X}",
            expected=f"{expected:04X}",
            layer=Layer.APPLICATION,
            offset=offset + 2,
        )
    sets = register_sets(walk(full).records, address)
    return Application(number, headers, True, full, -1, sets)


def _format(data: bytes, offset: int, formats: Formats) -> Application:
    reader = Reader(data, Layer.APPLICATION)
    length = reader.byte(_("length of the format"))
    number = reader.number(2, _("format signature"))
    headers = reader.take(max(length - 2, 0), _("headers"))
    split_headers(headers, offset + 3)
    if signature(headers) != number:
        raise BadChecksum(
            "format_signature",
            sent=f"{number:04X}",
            found=f"{signature(headers):04X}",
            layer=Layer.APPLICATION,
            offset=offset + 1,
        )
    return Application(number, headers, formats.get(number) == headers, b"", offset, ())
