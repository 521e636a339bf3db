"""Compact and format frames (EN 13757-3:2018, annex G).

    full     78 │ header data header data …
    format   69 │ length │ signature(2) │ header header …
    compact  79 │ signature(2) │ checksum of the full frame(2) │ data data …

A compact frame leaves the headers out and names them by their checksum, the signature. Its own
checksum is over the full frame: only when the rebuilt full frame has it may the data be used.
"""

from collections.abc import Mapping
from types import MappingProxyType

from wmbus.checksum import crc
from wmbus.errors import Layer, Malformed, Truncated
from wmbus.header import describe, extent
from wmbus.values import variable_length

# Formats of Kamstrup's meters (and two others), known ahead so that a compact frame need not wait
# for a full one. Headers only: the signature is computed.
_SHIPPED = """
02FF2004134413615B6167
02FF2004134413615B5167
02FF2004134413
02FF200413523B
02FF20041392013BA1015B8101E7FF0F
02FF2004134413A1015B8101E7FF0F
02FF2004134413426C523B615B616751678101E7FF0F06FF1B
02FF200413623B615B515B61675167
04FF234413523B06FF1B426C61675167023B04138101E7FF0F
04FF2304134413426C023B92013BA2013B06FF1BA1015B91015BA10167
046D041502FF2506FF1B446D4415
030643060314426C022D01FF21
030E430E0313426C022D01FF21
030F430F0314426C022D01FF21
0406041404FF0704FF080259025D023B02FF22026C44064414426C
0405041304FF0704FF080259025D023B02FF22026C44054413426C
040604FF0704FF080414043B0259025D04FF22
040604FF0704FF080414043B0259025D04FF22026C44064414426C
040604FF0704FF080414043B0259025D04FF2204A5FF21
040604FF0704FF080414043B042D0259025D04FF220422143B142D
040604FF0704FF08041402FD17043B0259025D
040F04FF0704FF08041402FD17043B0259025D
040E04FF0704FF08041384401484804014043B0259025D142D84100E84200E04FF22026C440E4413C44014C4804014426C
040F04FF0704FF08041484401484804014043B0259025D142D84100F84200F04FF22026C440F4414C44014C4804014426C
02F9FF15040604EEFF0704EEFF08041402FD17026C426C44064414043B0259025D
02F9FF15040604EEFF0704EEFF0804148440148480401402FD17026C426C44064414C44014C4804014043B0259025D
04FB09041604FF22043C0259025D84401484804014042E026C426C44FB09543C
04FB0804FF0704FF08041584401484804014042234220259025D0261042D142D043B143B04FF22046D542D543B426C02FF1A0C7804FF1604FF17
04FB0004FF0704FF08041684401484804014042234220259025D0261042E142E043C143C04FF22046D44FB0044FF0744FF084416C44014C4804014542E543C426C02FF1A0C7804FF1604FF17
040604863C041404FF0704FF08032233220259025D0261022D122D023B123B02FF22440644863C441444FF0744FF08522D523B426C
040404843C042B04AB3C
040504FB827504853C04FB82F53C01FD17
22691269026905FF0905FF0A02FD17
426C441301FD17840113C40113840213C40213840313C40313840413C40413840513C40513840613C40613840713C40713840813046D0413
"""

Formats = Mapping[int, bytes]

# Signature → headers in a row. The only formats shared by all tenants.
SHIPPED_FORMATS: Formats = MappingProxyType(
    {
        crc(headers): headers
        for headers in (bytes.fromhex(line) for line in _SHIPPED.split("\n") if line)
    }
)


def signature(headers: bytes) -> int:
    """The format signature of headers in a row (G.3)."""
    return crc(headers)


def split_headers(headers: bytes, offset: int = 0) -> list[bytes]:
    """Cut a row of headers into single ones. Raises Malformed, Truncated, offsets from `offset`."""
    found, position = [], 0
    while position < len(headers):
        if headers[position] & 0x0F == 0x0F:
            raise Malformed(
                "dif_in_format",
                dif=f"{headers[position]:02X}",
                layer=Layer.APPLICATION,
                offset=offset + position,
            )
        behind = extent(headers, position, len(headers))
        found.append(headers[position:behind])
        position = behind
    return found


def expand(headers: bytes, values: bytes, offset: int = 0) -> bytes:
    """The full frame's records from the headers of a format and the data of a compact frame.

    `offset` is where `values` stands in the frame, for errors. Raises Truncated and Malformed.
    """
    full, position = bytearray(), 0
    for header in split_headers(headers):
        length = describe(header).length
        if length is None:
            counted = variable_length(values[position]) if position < len(values) else 0
            if counted is None:
                raise Malformed(
                    "reserved_length",
                    length=f"{values[position]:02X}",
                    layer=Layer.APPLICATION,
                    offset=offset + position,
                )
            length = 1 + counted
        if position + length > len(values):
            raise Truncated(
                "compact_cut",
                expected=length,
                left=len(values) - position,
                layer=Layer.APPLICATION,
                offset=offset + position,
            )
        full += header + values[position : position + length]
        position += length
    tail = values[position:].lstrip(b"\x2f")
    if tail:
        raise Malformed(
            "compact_surplus",
            surplus=len(tail),
            layer=Layer.APPLICATION,
            offset=offset + position,
        )
    return bytes(full)
