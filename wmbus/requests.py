"""What a wired master sends (EN 13757-2, 5.7; EN 13757-7, 8 and 10).

    reset(5)                        10 40 05 45 16              SND_NKE, answered by E5
    request_data(5, toggle=True)    10 7B 05 80 16              REQ_UD2, answered by a long frame
    select("1234FFFF")              68 0B 0B 68 53 FD 52 …      secondary address with wildcards
    send_data(5, 0x51, b"…")        68 … 73 05 51 … 16          SND_UD

`toggle` is the frame count bit: turn it over after each good answer; the same value again asks for
the same answer again. All functions raise ValueError for what no frame can hold.
"""

from wmbus.address import manufacturer_code
from wmbus.checksum import byte_sum
from wmbus.wired import START_LONG, START_SHORT, STOP

SND_NKE = 0x40
REQ_UD2 = 0x5B
REQ_UD1 = 0x5A
SND_UD = 0x53
FRAME_COUNT = 0x20

SELECTED = 0xFD  # the primary address of whoever was selected by secondary address
BROADCAST_WITH_ANSWER = 0xFE
BROADCAST = 0xFF
SELECTION = 0x52  # CI
ANY = 0xFF
_DIGITS = frozenset("0123456789ABCDEFabcdef")


def short_frame(control: int, address: int) -> bytes:
    """A short frame; both numbers are bytes."""
    body = bytes((control, address))
    return bytes((START_SHORT, *body, byte_sum(body), STOP))


def long_frame(control: int, address: int, ci: int, data: bytes = b"") -> bytes:
    """A long frame (a control frame if without data); at most 252 data bytes."""
    body = bytes((control, address, ci)) + data
    if len(body) > 255:
        raise ValueError(f"{len(data)} data bytes do not fit into one frame")
    return bytes((START_LONG, len(body), len(body), START_LONG, *body, byte_sum(body), STOP))


def reset(address: int) -> bytes:
    """SND_NKE: reset the link, and with address FD take back a selection."""
    return short_frame(SND_NKE, address)


def request_data(address: int, *, toggle: bool) -> bytes:
    """REQ_UD2: ask for the next answer."""
    return short_frame(REQ_UD2 | FRAME_COUNT * toggle, address)


def request_alarm(address: int, *, toggle: bool) -> bytes:
    """REQ_UD1: ask for urgent data."""
    return short_frame(REQ_UD1 | FRAME_COUNT * toggle, address)


def select(
    number: str = "FFFFFFFF",
    *,
    manufacturer: str | None = None,
    version: int = ANY,
    device_type: int = ANY,
) -> bytes:
    """Select meters by secondary address: F is any digit, None and FF are anything.

    Selected meters answer E5 together, and then listen to address FD.
    """
    if len(number) != 8 or not _DIGITS.issuperset(number):
        raise ValueError(f"a number has eight digits, F for any, not {number!r}")
    maker = (
        b"\xff\xff"
        if manufacturer is None
        else manufacturer_code(manufacturer).to_bytes(2, "little")
    )
    data = bytes.fromhex(number)[::-1] + maker + bytes((version, device_type))
    return long_frame(SND_UD, SELECTED, SELECTION, data)


def send_data(address: int, ci: int, data: bytes = b"", *, toggle: bool = True) -> bytes:
    """SND_UD: a command with its CI (51 data, 50 application reset, B8 to BF baud rate …)."""
    return long_frame(SND_UD | FRAME_COUNT * toggle, address, ci, data)


def answer(address: int, ci: int, data: bytes, *, control: int = 0x08) -> bytes:
    """RSP_UD: what a meter answers; for the simulator and for tests."""
    return long_frame(control, address, ci, data)
