"""Bytes of a frame from the texts that gateways write them in.

Lengths are from EN 13757-4 (wireless, formats A and B) and EN 13757-2 (wired long frame).
"""

import binascii
import re
from base64 import b64decode
from typing import Final

from collectors.formats.envelope import (
    Checksums,
    FrameKind,
    ItemFault,
    Limits,
    RejectCode,
)
from wmbus.words import Words
from wmbus.words import marked as _

# L, C, M (2), A (6) and CI: a shorter frame names no meter.
SHORTEST_WMBUS: Final = 11
# 68 L L 68, C, A, CI, checksum, 16.
SHORTEST_MBUS: Final = 9
_START: Final = 0x68
_STOP: Final = 0x16
_NO_HEX: Final = re.compile(r"[^0-9A-Fa-f]")


def frame_of_hex(text: str, limits: Limits) -> bytes:
    """Bytes of hex digits; blanks between them and a leading 0x are allowed.

    Raises ItemFault empty, too_long, odd_hex or bad_hex.
    """
    if len(text) > 4 * limits.max_frame:
        raise _too_long(limits)
    try:
        frame = bytes.fromhex(text)
    except ValueError:
        frame = _frame_of_odd_looking_hex(text)
    if 0 < len(frame) <= limits.max_frame:
        return frame
    return _bounded(frame, limits)


def frame_of_base64(text: str, limits: Limits) -> bytes:
    """Bytes of base64 in either alphabet, with or without padding (RFC 4648).

    Raises ItemFault empty, too_long or bad_base64.
    """
    if len(text) > 4 * limits.max_frame:
        raise _too_long(limits)
    digits = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        frame = b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ItemFault(
            RejectCode.BAD_BASE64,
            Words(_("The telegram is no base64: %(error)s."), error=str(error)),
        ) from None
    return _bounded(frame, limits)


def frame_of_text(text: str, limits: Limits) -> bytes:
    """Bytes of a text whose encoding was not named: hex if it is hex, else base64.

    Hex digits are base64 digits too, so base64 is only believed when the L field (or a wired
    frame's start) fits the length. Raises ItemFault as frame_of_hex does.
    """
    try:
        return frame_of_hex(text, limits)
    except ItemFault as fault:
        frame = believable_base64(text, limits) if fault.code is RejectCode.BAD_HEX else None
        if frame is None:
            raise
        return frame


def believable_base64(text: str, limits: Limits) -> bytes | None:
    """Bytes of a text that may be base64, None unless they have the length that they tell."""
    try:
        frame = frame_of_base64(text, limits)
    except ItemFault:
        return None
    return frame if frame[0] == len(frame) - 1 or is_long_frame(frame) else None


def is_long_frame(frame: bytes) -> bool:
    """Whether this is a whole wired long frame, checksum and all (EN 13757-2)."""
    return (
        len(frame) >= SHORTEST_MBUS
        and frame[0] == _START
        and frame[3] == _START
        and frame[1] == frame[2] == len(frame) - 6
        and frame[-1] == _STOP
        and frame[-2] == sum(frame[4:-2]) & 0xFF
    )


def long_frame(body: bytes) -> bytes:
    """The wired long frame of what stands between its second start byte and its checksum.

    A frame that begins as a long frame is left as it is, right or wrong: the decoder will say.
    Raises ItemFault bad_length.
    """
    if len(body) >= SHORTEST_MBUS and body[0] == _START == body[3] and body[1] == body[2]:
        return body
    if not 3 <= len(body) <= 255:
        raise ItemFault(
            RejectCode.BAD_LENGTH,
            Words(
                _("A wired frame has 3 to 255 bytes from the C field on; this one has %(size)d."),
                size=len(body),
            ),
        )
    start = bytes((_START, len(body), len(body), _START))
    return start + body + bytes((sum(body) & 0xFF, _STOP))


def checked(frame: bytes, kind: FrameKind | None) -> tuple[bytes, FrameKind]:
    """The frame in the form `Received` wants it, and its kind; found out when kind is None.

    Whether L fits is left to the decoder: receivers leave checksums and link quality on the end,
    and a truncated telegram is evidence. Raises ItemFault bad_length.
    """
    if kind is None:
        if frame[0] == _START and is_long_frame(frame):
            return frame, "mbus"
    elif kind == "mbus":
        return long_frame(frame), "mbus"
    if len(frame) < SHORTEST_WMBUS:
        raise ItemFault(
            RejectCode.BAD_LENGTH,
            Words(
                _("A telegram has at least %(least)d bytes; this one has %(size)d."),
                least=SHORTEST_WMBUS,
                size=len(frame),
            ),
        )
    return frame, "wmbus"


def split_cul(received: bytes, crc: Checksums) -> tuple[bytes, int | None]:
    """Part what a CUL receiver prints into telegram (with checksums) and strength in dBm.

    `crc` is format_a (line `b…`) or format_b (line `bY…`). With link quality switched on (X21)
    two bytes follow: LQI and the CC1101's RSSI, half a dB a step, offset −74 dB.
    Raises ItemFault bad_length: older firmware cuts long telegrams off.
    """
    length = received[0]
    expected = length + 1
    if crc == "format_a":
        # L leaves the checksums out: two bytes after the first ten, then after each sixteen.
        expected += 2 * (1 + -(-max(length - 9, 0) // 16))
    if len(received) == expected:
        return received, None
    if len(received) == expected + 2:
        return received[:-2], int.from_bytes(received[-1:], signed=True) // 2 - 74
    raise ItemFault(
        RejectCode.BAD_LENGTH,
        Words(
            _(
                "L = %(length)d makes %(expected)d bytes with checksums, or %(more)d with link "
                "quality; this line has %(size)d."
            ),
            length=length,
            expected=expected,
            more=expected + 2,
            size=len(received),
        ),
    )


def _frame_of_odd_looking_hex(text: str) -> bytes:
    digits = "".join(text.split()).removeprefix("0x").removeprefix("0X")
    stranger = _NO_HEX.search(digits)
    if stranger:
        raise ItemFault(
            RejectCode.BAD_HEX,
            Words(
                _("%(sign)s at digit %(place)d of the telegram is no hex digit."),
                sign=ascii(stranger[0]),
                place=stranger.start() + 1,
            ),
        )
    if len(digits) % 2:
        raise ItemFault(
            RejectCode.ODD_HEX,
            Words(_("The telegram has an odd number of hex digits: %(count)d."), count=len(digits)),
        )
    return bytes.fromhex(digits)


def _bounded(frame: bytes, limits: Limits) -> bytes:
    if not frame:
        raise ItemFault(RejectCode.EMPTY, _("The telegram is empty."))
    if len(frame) > limits.max_frame:
        raise _too_long(limits)
    return frame


def _too_long(limits: Limits) -> ItemFault:
    return ItemFault(
        RejectCode.TOO_LONG,
        Words(_("A telegram may have at most %(most)d bytes."), most=limits.max_frame),
    )
