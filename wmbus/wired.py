"""Frames of wired M-Bus (EN 13757-2, 5.4) and the requests of a master (EN 13757-3, EN 13757-7).

    E5                                     acknowledgement
    10 C A checksum 16                     short frame
    68 L L 68 C A CI data… checksum 16     long frame (control frame: without data)

L counts from C up to, not including, the checksum, which is the sum of the same bytes.
"""

from enum import StrEnum
from typing import NamedTuple

from wmbus.checksum import byte_sum
from wmbus.errors import BadChecksum, Layer, Malformed, NotMeterData, Truncated
from wmbus.words import marked as _

ACKNOWLEDGE = 0xE5
START_SHORT = 0x10
START_LONG = 0x68
STOP = 0x16
FROM_MASTER = 0x40  # bit 6 of C: set in all frames of the master


class FrameKind(StrEnum):
    """The four kinds of frames."""

    ACKNOWLEDGE = _("acknowledgement")
    SHORT = _("short frame")
    CONTROL = _("control frame")
    LONG = _("long frame")


class Frame(NamedTuple):
    """A checked wired frame; `body` is C, A, CI and data, as far as the kind has them."""

    kind: FrameKind
    body: bytes
    trailing: int

    @property
    def control(self) -> int:
        """The C field; 0 in an acknowledgement."""
        return self.body[0] if self.body else 0

    @property
    def primary(self) -> int:
        """The primary address, 0 to 255."""
        return self.body[1] if self.body else 0


def is_wired(frame: bytes) -> bool:
    """Does this begin like a long or control frame, or is it a short one or an acknowledgement?

    No meter on the radio sends such a C and M, and none a frame of one or five bytes.
    """
    return is_short(frame) or (
        len(frame) >= 4
        and frame[0] == START_LONG
        and frame[3] == START_LONG
        and frame[1] == frame[2]
    )


def is_short(frame: bytes) -> bool:
    """Is it a short frame or an acknowledgement, with nothing around it?"""
    return frame == bytes((ACKNOWLEDGE,)) or (
        len(frame) == 5 and frame[0] == START_SHORT and frame[4] == STOP
    )


def parse(frame: bytes) -> Frame:
    """Check a frame of any kind. Raises Truncated, BadChecksum, Malformed."""
    if not frame:
        raise Truncated("wired_empty", layer=Layer.WIRED, offset=0)
    if frame[0] == ACKNOWLEDGE:
        return Frame(FrameKind.ACKNOWLEDGE, b"", len(frame) - 1)
    if frame[0] == START_SHORT:
        return Frame(FrameKind.SHORT, _checked(frame, 1, 2), len(frame) - 5)
    if frame[0] != START_LONG:
        raise Malformed("wired_start", start=f"{frame[0]:02X}", layer=Layer.WIRED, offset=0)
    if len(frame) < 4:
        raise Truncated("wired_start_cut", layer=Layer.WIRED, offset=len(frame))
    if frame[1] != frame[2] or frame[3] != START_LONG:
        raise Malformed(
            "wired_start_differs",
            layer=Layer.WIRED,
            offset=2,
        )
    length = frame[1]
    if length < 3:
        raise Malformed("wired_length", length=length, layer=Layer.WIRED, offset=1)
    body = _checked(frame, 4, length)
    kind = FrameKind.CONTROL if length == 3 else FrameKind.LONG
    return Frame(kind, body, len(frame) - length - 6)


def _checked(frame: bytes, start: int, length: int) -> bytes:
    end = start + length
    if len(frame) < end + 2:
        raise Truncated(
            "wired_cut",
            expected=end + 2,
            left=len(frame),
            layer=Layer.WIRED,
            offset=len(frame),
        )
    body, sent = frame[start:end], frame[end]
    if byte_sum(body) != sent:
        raise BadChecksum(
            "wired_checksum",
            sent=f"{sent:02X}",
            expected=f"{byte_sum(body):02X}",
            layer=Layer.WIRED,
            offset=end,
        )
    if frame[end + 1] != STOP:
        raise Malformed(
            "wired_stop", found=f"{frame[end + 1]:02X}", layer=Layer.WIRED, offset=end + 1
        )
    return body


def answer(frame: bytes) -> Frame:
    """A long frame from a meter. Raises NotMeterData for every other valid frame."""
    parsed = parse(frame)
    if parsed.kind is not FrameKind.LONG or parsed.control & FROM_MASTER:
        raise NotMeterData(
            "wired_no_answer",
            kind=str(parsed.kind),
            control=f"{parsed.control:02X}",
            layer=Layer.WIRED,
            offset=0,
        )
    return parsed
