"""From records to READY's registers, by tables.

A code begins with the base (E1, V1, T1 …) from quantity and device type; suffixes follow:
`_MAX` `_MIN` `_ERR` for the function, `_AVG` `_FWD` `_BWD` … for qualifiers, `_TR1` for tariff 1,
`_S1` for subunit 1, and `#2` for the second register of the same name in one set.
"""

from functools import lru_cache
from typing import NamedTuple

from wmbus import profiles
from wmbus.address import Address
from wmbus.compact import split_headers
from wmbus.dates import MeterTime
from wmbus.families import BASE, FAMILIES, Family, Rule
from wmbus.header import Header, describe
from wmbus.records import Record
from wmbus.telegram import Register, RegisterSet, SetKind, layout_of

_FUNCTION_SUFFIX = {"instantaneous": "", "maximum": "_MAX", "minimum": "_MIN", "error": "_ERR"}
_QUALIFIER_SUFFIX = {
    "average": "_AVG",
    "forward": "_FWD",
    "backward": "_BWD",
    "uncorrected": "_RAW",
    "at base conditions": "_BASE",
    "lower limit": "_LOW",
    "upper limit": "_HIGH",
    "future": "_NEXT",
}
_SHORT = {"HOURS_ERR": "ERRHOURS"}
_TIME_QUANTITIES = ("date", "date and time")


class Slot(NamedTuple):
    """Where record number `record` goes: to register `code`, in `unit` ('': the record's).

    `bits`: the integer is a bit field, hence never negative; `exponent` is added to the record's.
    """

    record: int
    code: str
    unit: str
    bits: bool
    exponent: int = 0


class Group(NamedTuple):
    """The records of one register set; `dated` is the number of the record with its time, or -1."""

    kind: SetKind
    storage: int
    dated: int
    slots: tuple[Slot, ...]


def family_of(address: Address) -> Family:
    """The tables that fit this meter; the general ones if nobody has described it."""
    maker = address.meter[0]
    for family in FAMILIES:
        if (
            family.manufacturer == maker
            and address.device_type in family.device_types
            and (not family.versions or address.version in family.versions)
        ):
            return family
    return BASE[_medium(address.device_type)]


def _medium(device_type: int) -> str:
    return {
        0x02: "electricity",
        0x03: "gas",
        0x04: "heat",
        0x0C: "heat",
        0x0D: "heat",
        0x09: "heat",
        0x0A: "cooling",
        0x0B: "cooling",
        0x06: "water",
        0x07: "water",
        0x15: "water",
        0x16: "water",
        0x17: "water",
        0x28: "water",
    }.get(device_type, "other")


@lru_cache(maxsize=1024)
def groups(headers: bytes, family: Family) -> tuple[Group, ...]:
    """Sort records with these headers (in a row) into register sets."""
    slots: dict[int, list[Slot]] = {}
    times: dict[int, int] = {}
    taken: dict[tuple[int, str], int] = {}
    for index, header in enumerate(map(describe, split_headers(headers))):
        if _is_time(header):
            times.setdefault(header.storage, index)
            continue
        rule = _rule(header, family)
        if rule is None:
            continue
        storage = header.storage if rule.storage is None else rule.storage
        code = _code(header, rule)
        count = taken[storage, code] = taken.get((storage, code), 0) + 1
        name = code if count == 1 else f"{code}#{count}"
        slots.setdefault(storage, []).append(Slot(index, name, rule.unit, rule.bits, rule.exponent))
    return tuple(
        Group(_kind(storage), storage, times.get(storage, -1), tuple(slots[storage]))
        for storage in sorted(slots)
    )


def _kind(storage: int) -> SetKind:
    return "now" if storage == 0 else "target" if storage == 1 else "log"


def _is_time(header: Header) -> bool:
    return (
        header.quantity in _TIME_QUANTITIES
        and header.kind == "date"
        and header.function == "instantaneous"
        and not (header.qualifiers or header.codes or header.tariff or header.subunit)
    )


def _rule(header: Header, family: Family) -> Rule | None:
    """The most exact row: with codes and subunit, then for any subunit, then the general one."""
    if header.kind in ("none", "date", "variable") or not header.known:
        return None
    for subunit in (header.subunit, None):
        rule = family.rules.get((header.quantity, header.codes, header.qualifiers, subunit))
        if rule is not None:
            return rule
    if header.codes or any(word not in _QUALIFIER_SUFFIX for word in header.qualifiers):
        return None
    for subunit in (header.subunit, None):
        rule = family.rules.get((header.quantity, b"", (), subunit))
        if rule is not None:
            return rule
    return None


def _code(header: Header, rule: Rule) -> str:
    code = rule.code if rule.complete else rule.code + _suffix(header, rule)
    return _SHORT.get(code, code)


def _suffix(header: Header, rule: Rule) -> str:
    suffix = _FUNCTION_SUFFIX[header.function]
    if not rule.qualified:
        suffix += "".join(_QUALIFIER_SUFFIX.get(word, "") for word in header.qualifiers)
    if header.tariff:
        suffix += f"_TR{header.tariff}"
    if header.subunit and not rule.subunit:
        suffix += f"_S{header.subunit}"
    return suffix


def _value(record: Record, bits: bool) -> int | None:
    if not isinstance(record.value, int) or record.problem:
        return None
    if bits and record.value < 0:
        return record.value + (1 << 8 * len(record.raw))
    return record.value


def register_sets(records: tuple[Record, ...], address: Address) -> tuple[RegisterSet, ...]:
    """The register sets of these records, "now" first, then by storage number."""
    family = family_of(address)
    headers = b"".join([record.header.raw for record in records])
    result = []
    for group in groups(headers, family):
        chosen = [records[slot.record] for slot in group.slots]
        layout = layout_of(
            tuple(
                [
                    Register(slot.code, slot.unit or record.unit, record.exponent + slot.exponent)
                    for slot, record in zip(group.slots, chosen, strict=True)
                ]
            )
        )
        time = records[group.dated].value if group.dated >= 0 else None
        result.append(
            RegisterSet(
                group.kind,
                time if isinstance(time, MeterTime) else None,
                group.storage,
                layout,
                tuple([_value(r, s.bits) for r, s in zip(chosen, group.slots, strict=True)]),
            )
        )
    return tuple(result + _profile_sets(records, family))


def _profile_sets(records: tuple[Record, ...], family: Family) -> list[RegisterSet]:
    """One set for each storage number that a load profile gives a value for."""
    times: dict[int, MeterTime | None] = {}
    columns: dict[int, list[Register]] = {}
    values: dict[int, list[int | None]] = {}
    for profile in profiles.profiles(records):
        header = profile.header
        rule = _rule(header, family)
        if rule is None:
            continue
        register = Register(_code(header, rule), rule.unit or header.unit, header.exponent)
        for storage, value, time in profile.steps:
            columns.setdefault(storage, []).append(register)
            values.setdefault(storage, []).append(value)
            if time is not None or storage not in times:
                times[storage] = time
    layouts = {key: layout_of(key) for key in {tuple(found) for found in columns.values()}}
    return [
        RegisterSet(
            _kind(storage), times[storage], storage, layouts[tuple(found)], tuple(values[storage])
        )
        for storage, found in sorted(columns.items())
    ]
