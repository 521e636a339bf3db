"""What `wmbus.decode` returns: frozen values, cheap to make and to compare."""

from enum import StrEnum
from typing import Literal, NamedTuple
from weakref import WeakValueDictionary

from wmbus.address import Address
from wmbus.dates import MeterTime
from wmbus.records import Record, walk


class Trust(StrEnum):
    """How far a telegram can be believed.

    MAC: a message authentication code of at least four bytes fits: it comes from who has the key.
    PLAUSIBLE: it decrypted with the meter's key, a 16-bit check fits, and its records have a layout
    that was known before; that excludes wrong keys and damage, not a forger (a CRC is not
    authenticity). NONE: sent in the clear, or decrypted but of a layout not seen before. An
    encrypted telegram with NONE must not be stored until a second one of that meter agrees with it:
    add `learned` under `signature` to the formats, and the next one comes out PLAUSIBLE.
    """

    MAC = "mac"
    PLAUSIBLE = "plausible"
    NONE = "none"


class Register(NamedTuple):
    """One of READY's registers: the integer times 10^`exponent` `unit`.

    `code` is E1, V1, T1 … with suffixes (`registers.py`). The unit of an INFO register is the name
    of its table of conditions (`conditions.py`).
    """

    code: str
    unit: str
    exponent: int


class RegisterLayout:
    """Which registers a set has. The same registers give the same object: compare with `is`.

    Convert a layout to database columns once and keep the result in a dictionary by layout.
    """

    __slots__ = ("__weakref__", "registers")

    def __init__(self, registers: tuple[Register, ...]) -> None:
        self.registers = registers

    def __repr__(self) -> str:
        return f"RegisterLayout({', '.join(register.code for register in self.registers)})"


# Weak, so that layouts of garbage are forgotten; any layout in use stays one object.
_layouts: WeakValueDictionary[tuple[Register, ...], RegisterLayout] = WeakValueDictionary()


def layout_of(registers: tuple[Register, ...]) -> RegisterLayout:
    """The one layout with these registers."""
    layout = _layouts.get(registers)
    if layout is None:
        layout = _layouts[registers] = RegisterLayout(registers)
    return layout


SetKind = Literal["now", "target", "log"]


class RegisterSet(NamedTuple):
    """Values that belong to one moment.

    "now" is the moment of sending (`time` if the meter says it), "target" the target date (storage
    1), "log" an older value (storage 2 and up). `values[i]` belongs to `layout.registers[i]`; None
    where the meter sent no valid value.
    """

    kind: SetKind
    time: MeterTime | None
    storage: int
    layout: RegisterLayout
    values: tuple[int | None, ...]

    def value(self, code: str) -> int | None:
        """The integer of the register `code`, None if the set lacks it. For tests and tools."""
        for register, value in zip(self.layout.registers, self.values, strict=True):
            if register.code == code:
                return value
        return None


class Security(StrEnum):
    """How the contents were protected."""

    NONE = "none"
    ELL = "ELL AES-CTR"
    MODE_5 = "mode 5"
    MODE_7 = "mode 7"
    MODE_10 = "mode 10"


class Telegram(NamedTuple):
    """A decoded telegram.

    `address` is the meter's; `sender` is who sent it on the radio (a radio converter has its own).
    `security` is what protected it, `encrypted` whether it really came encrypted, `trust` what that
    is worth. `access_number` (0..255) and `counter` (rising: message counter of modes 7 and 10, or
    minutes and session of the extended link layer) serve to detect repeats; None if not sent.
    `status` is the status byte of the transport layer, None without header. `signature` names the
    format and `learned` holds its headers (keep them: compact frames need them); both None if the
    frame has no format. `payload` is the decrypted record data of the full frame, `offset` its
    place in the frame, and -1 if it was rebuilt from a compact frame. `trailing` counts the bytes
    behind the frame that were cut off.
    """

    address: Address
    sender: Address
    security: Security
    encrypted: bool
    trust: Trust
    access_number: int | None
    counter: int | None
    status: int | None
    signature: int | None
    learned: bytes | None
    register_sets: tuple[RegisterSet, ...]
    payload: bytes
    offset: int
    trailing: int

    @property
    def records(self) -> tuple[Record, ...]:
        """All records, read from `payload` on each call: keep the result."""
        return walk(self.payload).records

    @property
    def manufacturer_data(self) -> bytes:
        """The maker's own data at the end (DIF 0F), undecoded."""
        return walk(self.payload).manufacturer

    @property
    def more_follows(self) -> bool:
        """The meter has another telegram to this answer (DIF 1F): ask again."""
        return walk(self.payload).more
