"""The wireless data link layer (EN 13757-4, 11): length, control, address and checksum blocks.

    L(1) C(1) M(2) number(4) version(1) type(1) | CI(1) ...
    └─────────── first block, 10 bytes ───────┘

Format A puts a checksum behind the first block and behind every 16 bytes after it; L counts none
of them. Format B puts one behind the first 126 bytes and one at the end; L counts them. Most
receivers take the checksums off, and some leave a byte or two of their own on the end.
"""

from typing import Literal, NamedTuple

from wmbus.address import Address, address_from_link
from wmbus.checksum import crc
from wmbus.errors import BadChecksum, Layer, Malformed, NotMeterData, Truncated

# How the receiver delivered the frame: with the checksums of format A or B, without any, or
# "auto": look. A frame without checksums passes for one with them once in 65,536 at most.
Checksums = Literal["auto", "none", "A", "B"]

HEADER = 10  # bytes before the first CI

# EN 13757-4 table 19: what a meter sends. All others are requests or acknowledgements.
_FROM_METER = frozenset((0x44, 0x46, 0x47, 0x48, 0x08, 0x18, 0x28, 0x38, 0x06))


class Link(NamedTuple):
    """A frame without its link checksums.

    `data` starts at L and holds nothing behind the frame; `trailing` counts the surplus bytes
    that were cut off; `checksums` says what was found and checked.
    """

    data: bytes
    checksums: Literal["none", "A", "B"]
    trailing: int

    @property
    def control(self) -> int:
        """The C field."""
        return self.data[1]

    @property
    def raw_address(self) -> bytes:
        """M and A as sent, 8 bytes."""
        return self.data[2:HEADER]


def may_be_bare(frame: bytes) -> bool:
    """Whether a frame taken for format B may have no checksums at all: both have L + 1 bytes."""
    return HEADER < len(frame) == frame[0] + 1 and _found(frame) == "B"


def strip(frame: bytes, checksums: Checksums = "auto") -> Link:
    """Check and take off the link checksums; cut to L. Raises Truncated, BadChecksum, Malformed."""
    if len(frame) < HEADER + 1:
        raise Truncated(
            "frame_too_short",
            least=HEADER + 1,
            left=len(frame),
            layer=Layer.LINK,
            offset=len(frame),
        )
    if frame[0] < HEADER:
        raise Malformed("length_too_small", length=frame[0], layer=Layer.LINK, offset=0)
    if checksums == "auto":
        checksums = _found(frame)
    if checksums == "A":
        return _strip_a(frame)
    if checksums == "B":
        return _strip_b(frame)
    length = frame[0] + 1
    if len(frame) < length:
        raise Truncated(
            "frame_cut",
            expected=length,
            left=len(frame),
            layer=Layer.LINK,
            offset=len(frame),
        )
    return Link(frame[:length], "none", len(frame) - length)


def _found(frame: bytes) -> Literal["none", "A", "B"]:
    # A frame of just L + 1 bytes is whole as it stands: it cannot have those of format A.
    if len(frame) > frame[0] + 1 and crc(frame[:10]) == frame[10] << 8 | frame[11]:
        return "A"
    block = min(frame[0] + 1, 128)
    if len(frame) >= block and crc(frame[: block - 2]) == int.from_bytes(
        frame[block - 2 : block], "big"
    ):
        return "B"
    return "none"


def _checked(block: bytes, offset: int) -> bytes:
    """`block` without the checksum at its end."""
    body, sent = block[:-2], int.from_bytes(block[-2:], "big")
    if crc(body) != sent:
        raise BadChecksum(
            "block_checksum",
            sent=f"{sent:04X}",
            expected=f"{crc(body):04X}",
            layer=Layer.LINK,
            offset=offset,
        )
    return body


def _strip_a(frame: bytes) -> Link:
    length = frame[0] + 1
    blocks = 1 + -(-(length - HEADER) // 16)
    total = length + 2 * blocks
    if len(frame) < total:
        raise Truncated(
            "frame_cut_format",
            format="A",
            expected=total,
            left=len(frame),
            layer=Layer.LINK,
            offset=len(frame),
        )
    data = bytearray(_checked(frame[:12], 0))
    for start in range(12, total, 18):
        data += _checked(frame[start : min(start + 18, total)], len(data))
    return Link(bytes(data), "A", len(frame) - total)


def _strip_b(frame: bytes) -> Link:
    total = frame[0] + 1
    if len(frame) < total:
        raise Truncated(
            "frame_cut_format",
            format="B",
            expected=total,
            left=len(frame),
            layer=Layer.LINK,
            offset=len(frame),
        )
    if total < HEADER + 3 or 128 < total < 131:
        raise Malformed("no_room_for_checksum", length=frame[0], layer=Layer.LINK, offset=0)
    data = bytearray(_checked(frame[: min(total, 128)], 0))
    if total > 128:
        data += _checked(frame[128:total], len(data))
    data[0] = len(data) - 1
    return Link(bytes(data), "B", len(frame) - total)


def sender(link: Link) -> Address:
    """The address in the link header. Raises NotMeterData unless a meter may send this frame."""
    address = address_from_link(link.raw_address)
    if link.control not in _FROM_METER:
        raise NotMeterData(
            "not_from_meter",
            control=f"{link.control:02X}",
            layer=Layer.LINK,
            offset=1,
            address=address,
        )
    return address


def add_checksums(data: bytes, checksums: Literal["none", "A", "B"]) -> bytes:
    """The inverse of `strip`: `data` is a frame without checksums, with its L byte in place."""
    if checksums == "none":
        return data
    if len(data) <= HEADER:
        raise ValueError(f"a wireless frame has more than {HEADER} bytes, this has {len(data)}")
    out = bytearray()
    if checksums == "A":
        for start, end in [(0, 10), *((at, at + 16) for at in range(10, len(data), 16))]:
            block = data[start:end]
            out += block + crc(block).to_bytes(2, "big")
        return bytes(out)
    blocks = 1 if len(data) <= 126 else 2
    if data[0] + 2 * blocks > 255:
        raise ValueError(f"{len(data)} bytes and their checksums do not fit into one frame")
    data = bytes((data[0] + 2 * blocks,)) + data[1:]
    for start in range(0, len(data), 126)[:2]:
        block = data[start : start + 126] if start == 0 else data[start:]
        out += block + crc(block).to_bytes(2, "big")
    return bytes(out)
