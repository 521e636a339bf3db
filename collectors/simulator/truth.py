"""What READY must have stored: the slow, obvious model, which knows nothing of the pipeline."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from collectors.simulator.radio import Heard

Slot = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Observation:
    """One telegram as it was delivered: whose, the reading's time, what it says.

    read_ms: Unix milliseconds of the meter's own time where the telegram tells one, else of the
    collector's clock. registers: by READY's column, in base units. target: the target date as a
    Unix second with its registers, where the telegram dates them.
    """

    number: str
    read_ms: int
    registers: Mapping[str, int]
    target: tuple[int, Mapping[str, int]] | None


def observe(heard: Iterable[Heard]) -> list[Observation]:
    """Delivered telegrams as observations, without those that READY cannot read.

    Left out: neighbours' meters, and meters whose key the utility lacks or has wrong.
    """
    return [
        Observation(
            number=item.meter.number,
            read_ms=item.heard_ms
            if item.contents.read_at is None
            else item.contents.read_at * 1000,
            registers=item.contents.registers,
            target=item.contents.target,
        )
        for item in heard
        if item.ours and item.meter.known_key == item.meter.key
    ]


def truth(
    observations: Iterable[Observation], interval_s: int | Mapping[str, int] = 3600
) -> dict[Slot, Observation]:
    """The readings that must be stored: {(meter number, slot's Unix second): observation}.

    Slots are whole intervals of UTC. Of several readings of a meter in one slot the earliest by
    reading time is kept, whatever the order in which they arrived. `interval_s` is one for all
    meters, or each meter's by its number.
    """
    kept: dict[Slot, Observation] = {}
    for observation in observations:
        interval = interval_s if isinstance(interval_s, int) else interval_s[observation.number]
        slot = (observation.number, observation.read_ms // 1000 // interval * interval)
        if slot not in kept or observation.read_ms < kept[slot].read_ms:
            kept[slot] = observation
    return kept


def target_truth(observations: Iterable[Observation]) -> dict[Slot, Mapping[str, int]]:
    """The target-date readings that must be stored: {(meter number, Unix second): registers}."""
    kept: dict[Slot, Mapping[str, int]] = {}
    for observation in observations:
        if observation.target is not None:
            instant, registers = observation.target
            kept[observation.number, instant] = registers
    return kept


def sums(kept: Iterable[Observation]) -> dict[tuple[str, str], int]:
    """The sum over readings of every meter and register: {(meter number, column): sum}."""
    total: dict[tuple[str, str], int] = {}
    for observation in kept:
        for column, value in observation.registers.items():
            place = observation.number, column
            total[place] = total.get(place, 0) + value
    return total
