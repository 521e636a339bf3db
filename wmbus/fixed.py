"""The fixed data structure of old wired meters (CI 73; EN 13757-3:2013, annex H).

    number(4) ACC status medium/unit(2) counter 1(4) counter 2(4)

Status bit 0: counters are binary, else BCD; bit 1: counters are those of a fixed date. The units
are six bits each; the upper two bits of both bytes together are the medium.
"""

from wmbus.address import Address
from wmbus.errors import Layer, Malformed
from wmbus.reader import Reader
from wmbus.telegram import Register, RegisterSet, Security, Telegram, Trust, layout_of
from wmbus.values import decimal_digits

# Unit code 02 to 37: (quantity, unit, exponent), in the order of the table H.2.
_STEPS: tuple[tuple[int, int, str, str, int], ...] = (
    (0x02, 0x0A, "energy", "Wh", 0),
    (0x0B, 0x13, "energy", "J", 3),
    (0x14, 0x1C, "power", "W", 0),
    (0x1D, 0x25, "power", "J/h", 3),
    (0x26, 0x2E, "volume", "m3", -6),
    (0x2F, 0x37, "volume flow", "m3/h", -6),
)
_MEDIA = {
    0: 0x00,
    1: 0x01,
    2: 0x02,
    3: 0x03,
    4: 0x04,
    5: 0x05,
    6: 0x06,
    7: 0x07,
    8: 0x08,
    9: 0x03,
    10: 0x04,
    11: 0x06,
    12: 0x07,
    13: 0x08,
}
_CODES = {
    "energy": "E1",
    "power": "POWER1",
    "volume": "V1",
    "volume flow": "FLOW1",
    "heat cost": "HCA",
    "without unit": "NUMBER",
}
_HISTORIC = 0x3E  # the second counter has the unit of the first, and is of the fixed date
_NO_UNIT = 0x3F
_HEAT_COST = 0x39


def unit(code: int) -> tuple[str, str, int]:
    """Quantity, unit and exponent of a six-bit unit code."""
    for first, last, quantity, name, exponent in _STEPS:
        if first <= code <= last:
            return quantity, name, exponent + code - first
    if code == _HEAT_COST:
        return "heat cost", "HCA", 0
    return "without unit", "", 0


def decode(data: bytes, start: int, trailing: int) -> Telegram:
    """The telegram whose fixed structure begins at `start`. Raises Truncated and Malformed."""
    reader = Reader(data, Layer.APPLICATION, start)
    number = reader.take(4, "number")
    access = reader.byte("access number")
    status = reader.byte("status")
    first_unit = reader.byte("unit of counter 1")
    second_unit = reader.byte("unit of counter 2")
    payload_at = reader.position
    counters = (reader.take(4, "counter 1"), reader.take(4, "counter 2"))
    if reader.left:
        raise Malformed(
            f"{reader.left} bytes behind the fixed structure",
            layer=Layer.APPLICATION,
            offset=reader.position,
        )
    medium = first_unit >> 6 | (second_unit >> 6) << 2
    address = Address("", number[::-1].hex().upper(), 0, _MEDIA.get(medium, 0))
    codes = [first_unit & 0x3F, second_unit & 0x3F]
    historic = codes[1] == _HISTORIC
    if historic:
        codes[1] = codes[0]
    registers, values = [], []
    for code, raw in zip(codes, counters, strict=True):
        quantity, name, exponent = unit(code)
        registers.append(Register(_CODES[quantity], name, exponent))
        values.append(int.from_bytes(raw, "little") if status & 1 else decimal_digits(raw))
    sets: tuple[RegisterSet, ...]
    at = (1 if status & 2 else 0, 1 if historic or status & 2 else 0)
    if at[0] == at[1]:
        if registers[0].code == registers[1].code:
            registers[1] = registers[1]._replace(code=f"{registers[1].code}#2")
        sets = (
            RegisterSet(
                "target" if at[0] else "now",
                None,
                at[0],
                layout_of(tuple(registers)),
                tuple(values),
            ),
        )
    else:
        sets = (
            RegisterSet("now", None, 0, layout_of((registers[0],)), (values[0],)),
            RegisterSet("target", None, 1, layout_of((registers[1],)), (values[1],)),
        )
    return Telegram(
        address=address,
        sender=address,
        security=Security.NONE,
        encrypted=False,
        trust=Trust.NONE,
        access_number=access,
        counter=None,
        status=status,
        signature=None,
        learned=None,
        register_sets=sets,
        payload=b"",
        offset=payload_at,
        trailing=trailing,
    )
