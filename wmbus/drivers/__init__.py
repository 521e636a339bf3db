"""Meters that send their values in a maker's own layout.

A driver turns such a block into ordinary records, and everything above goes on as with any other
meter: records, registers, explanation. Detection is by address and CI or by the block's own marks,
never by trying; a block that a driver does not recognise stays what it was. One file a make, one
line in the table.
"""

from collections.abc import Callable
from typing import NamedTuple

from wmbus.address import Address
from wmbus.drivers import apator, bfw, bmeters, prios, qundis, techem
from wmbus.records import MANUFACTURER_DATA

# From the frame (without link checksums) and the position behind the CI: records, or None.
ReadFrame = Callable[[bytes, int], bytes | None]
# From the application data of an ordinary CI: records, or None.
ReadData = Callable[[bytes], bytes | None]


class FrameDriver(NamedTuple):
    """Reads telegrams with a CI of the maker's own."""

    manufacturers: frozenset[str]
    cis: frozenset[int]
    read: ReadFrame


class DataDriver(NamedTuple):
    """Reads a maker's own block behind an ordinary CI."""

    manufacturers: frozenset[str]
    read: ReadData


FRAME_DRIVERS: tuple[FrameDriver, ...] = (
    FrameDriver(prios.MANUFACTURERS, prios.CIS, prios.read),
    FrameDriver(techem.MANUFACTURERS, techem.CIS, techem.read),
    FrameDriver(apator.FRAME_MANUFACTURERS, apator.FRAME_CIS, apator.read_frame),
)
DATA_DRIVERS: tuple[DataDriver, ...] = (
    DataDriver(qundis.MANUFACTURERS, qundis.read),
    DataDriver(bmeters.WATER_MANUFACTURERS, bmeters.read_water),
    DataDriver(bmeters.HEAT_MANUFACTURERS, bmeters.read_heat),
    DataDriver(apator.WATER_MANUFACTURERS, apator.read_water),
    DataDriver(bfw.MANUFACTURERS, bfw.read),
)


def from_frame(address: Address, frame: bytes, position: int) -> bytes | None:
    """Records for a frame whose CI at `position` is the maker's own; None if nobody knows it.

    The bytes read from are kept behind the records as manufacturer data. A frame may end before
    its CI: that is the transport layer's to say.
    """
    ci = frame[position : position + 1]
    for driver in FRAME_DRIVERS:
        if address.manufacturer in driver.manufacturers and ci and ci[0] in driver.cis:
            records = driver.read(frame, position + 1)
            if records is not None:
                return records + bytes((MANUFACTURER_DATA,)) + frame[position + 1 :]
    return None


def from_data(address: Address, data: bytes) -> bytes | None:
    """Records for application data with a maker's own block; None if it is ordinary."""
    for driver in DATA_DRIVERS:
        if address.manufacturer in driver.manufacturers:
            records = driver.read(data)
            if records is not None:
                return records + bytes((MANUFACTURER_DATA,)) + data
    return None
