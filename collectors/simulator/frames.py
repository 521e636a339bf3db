"""A meter's telegram at an instant: its data records, then the layers of encryption around them."""

from dataclasses import dataclass
from functools import lru_cache

from collectors.simulator.clock import EPOCH_S, hour_of, is_summer_time, local
from collectors.simulator.kinds import Field, MeterKind
from collectors.simulator.meters import SimulatedMeter
from collectors.simulator.sealing import MeterCipher
from collectors.simulator.streams import Streams
from wmbus import Address, encode
from wmbus.checksum import crc
from wmbus.compact import signature

INVALID_DATE = 0xFFFF


def _date(unix_s: int) -> int:
    return encode.date_g(local(unix_s).date())


@dataclass(frozen=True, slots=True)
class Contents:
    """What a telegram says. `read_at` is its own time (Unix seconds; None: it tells none).

    registers: by READY's column, in base units, for the telegram's own instant.
    target: Unix second and registers of the target date, where the layout dates them.
    """

    records: bytes
    values: bytes
    registers: dict[str, int]
    read_at: int | None
    target: tuple[int, dict[str, int]] | None


@lru_cache(maxsize=64)
def headers_of(kind: MeterKind) -> bytes:
    """The DIF/VIF bytes of a kind's records in a row: its format."""
    return b"".join(field.header for field in kind.fields)


@lru_cache(maxsize=64)
def _signature_of(kind: MeterKind) -> bytes:
    return signature(headers_of(kind)).to_bytes(2, "little")


@lru_cache(maxsize=65_536)
def _cipher(key: bytes) -> MeterCipher:
    return MeterCipher(key)


def address_of(meter: SimulatedMeter) -> Address:
    """Who the meter is on the radio."""
    kind = meter.kind
    return Address(kind.manufacturer, meter.number, kind.version, kind.device_type)


def frame(
    meter: SimulatedMeter, contents: Contents, number: int, sent_ms: int, full: bool
) -> bytes:
    """The telegram with these contents, encrypted, from its L field and without link checksums.

    number: the meter's count of its telegrams; the low byte is the access number. The session
    (minute and sixteenth of a minute since the epoch) never repeats while a meter sends at most
    every 4 s, so no AES-CTR block is used twice.
    """
    address, cipher, access = address_of(meter), _cipher(meter.key), number & 0xFF
    if meter.kind.security == "mode5":
        return encode.mode_5(address, cipher, contents.records, access=access)
    if full:
        message = b"\x78" + contents.records
    else:
        checksum = crc(contents.records).to_bytes(2, "little")
        message = b"\x79" + _signature_of(meter.kind) + checksum + contents.values
    minutes, rest = divmod(sent_ms - EPOCH_S * 1000, 60_000)
    session = (minutes & 0xFF_FFFF) << 4 | rest * 16 // 60_000
    return encode.extended_ctr(address, cipher, message, session=session, access=access)


class Writer:
    """Writes the data records of a town's meters."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams

    def contents(self, meter: SimulatedMeter, unix_s: int) -> Contents:
        """A meter's data records at an instant.

        A meter with a clock of its own takes its values at the full minute, so that the same
        time always means the same values.
        """
        kind = meter.kind
        if kind.has_clock:
            unix_s -= unix_s % 60
        registers = meter.at(unix_s)
        target = meter.target(unix_s)
        values: list[bytes] = []
        records: list[bytes] = []
        for field in kind.fields:
            name = field.name
            value = registers.get(name)
            if value is None:
                raw = self._other(field, meter, unix_s, registers, target)
            else:
                raw = value // field.step
            data = raw.to_bytes(field.size, "little", signed=raw < 0)
            values.append(data)
            records.append(field.header)
            records.append(data)
        return Contents(
            records=b"".join(records),
            values=b"".join(values),
            registers=registers,
            read_at=unix_s if kind.has_clock else None,
            target=target if kind.has_target_date and target is not None and target[1] else None,
        )

    def _other(
        self,
        field: Field,
        meter: SimulatedMeter,
        unix_s: int,
        registers: dict[str, int],
        target: tuple[int, dict[str, int]] | None,
    ) -> int:
        """The raw value of a record that is no register of the telegram's own instant."""
        match field.name:
            case "date":
                return _date(unix_s)
            case "clock":
                return encode.date_f(local(unix_s), summer=is_summer_time(unix_s))
            case "target_date":
                return INVALID_DATE if target is None else _date(target[0])
            case "number":
                return int(meter.number, 16)  # BCD
            case "difference":
                return (registers["t1"] - registers["t2"]) // field.step
            case "max_flow":
                return 300_000 // field.step + int(meter.number[-3:])
            case "max_power":
                return 6_000 // field.step + int(meter.number[-2:])
            case "water_temperature":
                return self.streams.water_temperature(hour_of(unix_s)) // 100 + 2
            case "ambient_temperature":
                return 14 + int(meter.number[-1])
            case "config":
                return 0x1113
            case name if name.startswith("target_") and target is not None:
                return target[1][name.removeprefix("target_")] // field.step
            case _:
                return 0
