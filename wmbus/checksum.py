"""The two checksums of M-Bus: a 16-bit CRC on the radio, a byte sum on the wire."""

from fastcrc import crc16

# EN 13757-4, 11.2: polynomial 3D65, start 0, result inverted. Sent high byte first in the link
# layer, low byte first everywhere else (extended link layer, format signature, compact frame).
crc = crc16.en_13757


def byte_sum(data: bytes) -> int:
    """EN 13757-2, 5.5: sum of all bytes modulo 256."""
    return sum(data) & 0xFF
