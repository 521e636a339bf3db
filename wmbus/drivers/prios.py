"""Diehl and Sappel IZAR with the PRIOS payload: public, and scrambled rather than encrypted.

    CI  period  battery  ?  ? │ 4B total(4) target(4) date(2) …     (right of │ scrambled; litres)

The scrambling is a shift register that starts from a constant of the make and the bytes of the
header. Its output is right when the first byte comes out as 4B.
"""

MANUFACTURERS = frozenset(("DME", "HYD", "SAP"))
CIS = frozenset((0xA1, 0xA2, 0xA3))

_CONSTANTS = (0x39BC8A10 ^ 0xE66D83F8, 0x51728910 ^ 0xE66D83F8)
_MARK = 0x4B
_TAPS = (1, 2, 11, 31)
_CLEAR = 4  # bytes behind the CI that are not scrambled
_NEEDED = 11


def _unscramble(seed: int, data: bytes) -> bytes:
    out = bytearray()
    for byte in data:
        for _ in range(8):
            bit = sum(seed >> tap for tap in _TAPS) & 1
            seed = (seed << 1 | bit) & 0xFFFFFFFF
        out.append(byte ^ seed & 0xFF)
    return bytes(out)


def read(frame: bytes, start: int) -> bytes | None:
    """Total, target value with date, battery and sending period."""
    scrambled = frame[start + _CLEAR :]
    if len(scrambled) < _NEEDED:
        return None
    for seed in _CONSTANTS:
        for at in (2, 6, 10):
            seed ^= int.from_bytes(frame[at : at + 4], "big")
        data = _unscramble(seed, scrambled[:_NEEDED])
        if data[0] == _MARK:
            half_years = frame[start + 1] & 0x1F  # of 182.5 days: kept in tenths of a day
            period = 1 << (frame[start] & 0x0F) + 2
            return (
                b"\x04\x13" + data[1:5]
                + b"\x44\x13" + data[5:9]
                + b"\x42\x6c" + data[9:11]
                + b"\x03\xfd\xf4\x75" + (half_years * 1825).to_bytes(3, "little")
                + b"\x03\xfd\x3c" + period.to_bytes(3, "little")
            )  # fmt: skip
    return None
