"""How much of a corpus of real telegrams the decoder reads: `python -m benchmarks.corpus FOLDER`.

FOLDER holds `wmbus.jsonl` and `wired.jsonl`; its README explains the fields. Reported per security
mode and manufacturer are the telegrams decrypted, the records and named values equal to the
expected ones, and the refused negative cases; then every miss with its reason. The last line is

    decrypted a/b · records c/d · values e/f · refused g/h

A named value counts as reproduced when the telegram holds that number in that unit (to the six
decimals of the reference), or that date; wording is not compared.
"""

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import wmbus
from wmbus import DecodeError, Key, Layer, MeterTime, Telegram

Case = dict[str, Any]

# Unit → dimension and factor to its base unit.
_FACTORS: dict[str, dict[str, int | str | Fraction]] = {
    "energy": {
        "J": 1,
        "Wh": 3600,
        "wh": 3600,
        "kwh": 3600_000,
        "kWh": 3600_000,
        "MWh": 3600_000_000,
        "mwh": 3600_000_000,
        "kJ": 1000,
        "MJ": 10**6,
        "mj": 10**6,
        "GJ": 10**9,
        "gj": 10**9,
        "cal": "4.1868",
    },
    "volume": {
        "m3": 1,
        "m^3": 1,
        "m³": 1,
        "l": "0.001",
        "m l": "0.000001",
        "ml": "0.000001",
        "m3 at": 1,
    },
    "power": {
        "W": 1,
        "w": 1,
        "kw": 1000,
        "kW": 1000,
        "MW": 10**6,
        "J/h": Fraction(1, 3600),
        "kJ/h": Fraction(1000, 3600),
    },
    "flow": {
        "m3/h": 1,
        "m^3/h": 1,
        "m³/h": 1,
        "m3h": 1,
        "l/h": "0.001",
        "lh": "0.001",
        "ml/h": "0.000001",
        "m3/min": 60,
        "m3/s": 3600,
    },
    "temperature": {"°C": 1, "Â°C": 1, "c": 1, "K": 1},
    "pressure": {"bar": 1},
    "time": {
        "s": 1,
        "min": 60,
        "h": 3600,
        "d": 86400,
        "month": 2629746,
        "y": 31536000,
        "year": 31536000,
    },
    "hca": {"HCA": 1, "hca": 1, "Units for H.C.A.": 1},
    "heat volume": {"m3*°C": 1, "m3c": 1},
    "voltage": {"V": 1, "v": 1},
    "current": {"A": 1, "a": 1},
    "reactive energy": {"varh": 1, "kvarh": 1000},
    "apparent energy": {"VAh": 1, "kvah": 1000},
    "reactive power": {"var": 1, "kvar": 1000},
    "apparent power": {"VA": 1, "kva": 1000},
    "frequency": {"Hz": 1, "hz": 1},
    "humidity": {"%": 1, "%RH": 1, "rh": 1, "pct": 1},
    "mass": {"kg": 1},
}
_UNITS: dict[str, tuple[str, Fraction]] = {
    unit: (dimension, Fraction(factor))
    for dimension, units in _FACTORS.items()
    for unit, factor in units.items()
}
# The peer counts a year as 365 days in one place and as 365.2425 in another.
_OTHER_YEAR = Fraction(31556952)
_MULTIPLE = re.compile(r"^(.*?) ?\* ?(10+)$")  # "kWh * 10": how one reference writes a unit
_DATE = re.compile(r"^\d{4}-\d\d-\d\d")
_IGNORED = {"_", "timestamp", "name", "media", "meter", "id"}
_FUNCTIONS = {
    "Ins": "instantaneous",
    "Act": "instantaneous",
    "Sto": "instantaneous",
    "Max": "maximum",
    "Min": "minimum",
    "Val": "error",
}

# Places where the reference itself is wrong, with the reason; left out of the count, and listed.
REFERENCE_WRONG = {
    "libmbus/test/landis+gyr_ultraheat_t230[19]": "VIFE 6F makes it a date (EN 13757-3, table 15)",
    "libmbus/test/landis+gyr_ultraheat_t230[20]": "VIFE 6F makes it a date (EN 13757-3, table 15)",
    "libmbus/test/landis+gyr_ultraheat_t230[21]": "VIFE 6F makes it a date (EN 13757-3, table 15)",
    "libmbus/test/landis+gyr_ultraheat_t230[22]": "VIFE 6F makes it a date (EN 13757-3, table 15)",
    "libmbus/test/landis+gyr_ultraheat_t230[32]": "year 127 means every year (EN 13757-3, A.2)",
    "libmbus/test/sen_pollutherm[2]": "VIF 7B is reserved, but its digits were sent: 302",
    "m-bus-parser/04[1]": "BCD 68 86 09 04 is 4098668, not 4096868 (EN 13757-3, type A)",
    "m-bus-parser/04[3]": "VIF 2B is 1 W, and BCD digit F a minus: -22 W (table 10, type A)",
    "m-bus-parser/04[6]": "VIF A6 18 is operating time with an error, no temperature (table 10)",
}

# Named values where the peer is wrong: start of the case's name, name, reason.
VALUE_WRONG = (
    ("wmbusmeters/driver_qwater", "volume_flow_m3h", "VIFE 56 makes it a duration (table 15)"),
    ("wmbusmeters/qwaterv2", "volume_flow_m3h", "VIFE 56 makes it a duration (table 15)"),
    ("wmbusmeters/em24", "total_reactive_energy", "VIFE 75 divides by ten (table 15)"),
    ("wmbusmeters/em24", "total_apparent_energy", "calculated by the peer from the former"),
    ("wmbusmeters/kaden", "target_date", "year 127 means every year (A.2)"),
    ("wmbusmeters/supercal", "target_date", "year 127 means every year (A.2)"),
    ("wmbusmeters/sontex868", "set_date", "year 127 means every year (A.2)"),
    ("wmbusmeters/hydrodigit", "June_total_m3", "FFFFFF is no total"),
    ("wmbusmeters/hydrodigit", "July_total_m3", "FFFFFF is no total"),
    ("wmbusmeters/apatoreitn", "season_start_date", "sends day and month: it holds no 2016"),
    ("wmbusmeters/driver_qwater/01", "meter_datetime", "behind the end that the length byte tells"),
    ("wmbusmeters/ebzwmbe", "current_power_consumption_kw", "the peer's sum of the phases"),
    ("wmbusmeters/fhkvdataiv", "consumption_at_set_date_1_hca", "profile read backward (F.2)"),
    ("wmbusmeters/microclima", "set_date_", "calculated by the peer: storage 1 alone has a date"),
    ("wmbusmeters/qheatv2", "energy_delta_", "8000 means that there is none (F.2)"),
    ("wmbusmeters/iem3000", "operating_time_y", "seconds, shown as years"),
    ("wmbusmeters/driver_qheat/04", "", "VIF 0D is 0.1 MJ, not kWh (table 10)"),
)

# Cases that must be refused although the corpus does not say so in `expected_error`.
MUST_REFUSE: dict[str, tuple[str, type[DecodeError]]] = {
    "jmbus/mode7-long-tpl": ("its MAC is wrong", wmbus.BadMac),
    "wmbusmeters/kamwater/06": ("its compact checksum does not fit", wmbus.BadChecksum),
    "m-bus-parser/16": ("its last record is cut: 2 of 4 bytes are there", wmbus.Truncated),
    "wireless-mbus-parser/jmbus-test-case-wmbus-demo-message-test-2": (
        "64 encrypted bytes announced, 63 sent",
        wmbus.Truncated,
    ),
}

# Refusals: words of the corpus → the error that says the same.
_REASONS: tuple[tuple[str, type[DecodeError]], ...] = (
    ("mac mismatch", wmbus.BadMac),
    ("tag mismatch", wmbus.BadMac),
    ("wrong key", wmbus.WrongKey),
    ("no key", wmbus.NoKey),
    ("unknown compact", wmbus.WaitingForFullFrame),
    ("length byte", wmbus.Truncated),
    ("c field", wmbus.NotMeterData),
    ("must fail", DecodeError),
)


class Tally:
    """Good and all, by group; and the misses."""

    def __init__(self) -> None:
        self.good: Counter[tuple[str, str]] = Counter()
        self.all: Counter[tuple[str, str]] = Counter()
        self.misses: list[str] = []

    def add(self, what: str, group: str, good: bool, miss: str) -> None:
        """Count one comparison of the kind `what` under `group`."""
        self.all[what, group] += 1
        self.good[what, group] += good
        if not good:
            self.misses.append(f"{what}: {miss}")

    def total(self, what: str) -> str:
        """good/all over all groups of one kind of grouping."""
        groups = [key for key in self.all if key[0] == what and key[1].startswith("mode ")]
        return f"{sum(self.good[g] for g in groups)}/{sum(self.all[g] for g in groups)}"


class Number(NamedTuple):
    """A number of a telegram in its unit."""

    value: Fraction
    unit: str


def numbers(telegram: Telegram) -> Iterator[Number]:
    """All numbers of a telegram: of records, of registers, and of its header."""
    for record in telegram.records:
        if isinstance(record.value, int):
            yield Number(record.value * Fraction(10) ** record.exponent, record.unit)
    for register_set in telegram.register_sets:
        pairs = zip(register_set.layout.registers, register_set.values, strict=True)
        for register, value in pairs:
            if value is not None:
                yield Number(value * Fraction(10) ** register.exponent, register.unit)


def dates(telegram: Telegram) -> Iterator[str]:
    """All dates of a telegram as text."""
    for record in telegram.records:
        if isinstance(record.value, MeterTime):
            yield record.value.text
            yield str(record.value.moment)
    for register_set in telegram.register_sets:
        if register_set.time is not None:
            yield register_set.time.text
            yield str(register_set.time.moment)


def holds(telegram: Telegram, unit: str, expected: Fraction) -> bool:
    """Whether the telegram has this number in this unit, to six decimals."""
    dimension, factor = _UNITS.get(unit, ("", Fraction(1)))
    factors = (factor, _OTHER_YEAR) if unit == "y" else (factor,)
    tolerance = max(Fraction(6, 10**7), abs(expected) / 10**9)
    for number in numbers(telegram):
        own, own_factor = _UNITS.get(number.unit, ("", Fraction(1)))
        if dimension and own == dimension:
            shown = [number.value * own_factor / wanted for wanted in factors]
            if any(abs(value - expected) <= tolerance for value in shown):
                return True
        elif not dimension and abs(number.value - expected) <= tolerance:
            return True
    return False


def named_values(case: Case) -> Iterator[tuple[str, str, Fraction | str]]:
    """Name, unit suffix and value of what is to be compared."""
    for name, value in case.get("expected", {}).items():
        if name in _IGNORED or value is None or isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            yield name, name.rsplit("_", 1)[-1], Fraction(str(value))
        elif _DATE.match(value) and not value.startswith("1111"):
            yield name, "", value


def check_values(case: Case, telegram: Telegram | None, reason: str, tally: Tally) -> None:
    """Compare the named values of one case."""
    known_dates = [text[:16].replace("T", " ") for text in dates(telegram)] if telegram else []
    for name, unit, expected in named_values(case):
        if telegram is None:
            good = False
        elif isinstance(expected, str):
            wanted = expected[:16].replace("T", " ")
            # That reference writes the date 00-00 of 2000, which is none, as the day before.
            wanted = wanted.replace("1999-11-30", "2000-00-00")
            good = any(
                text.startswith(wanted) or wanted.startswith(text) for text in known_dates if text
            )
        else:
            good = holds(telegram, unit, expected)
        if not good and any(
            case["case"].startswith(start) and name.startswith(named)
            for start, named, _ in VALUE_WRONG
        ):
            continue
        for group in groups_of(case):
            tally.add("values", group, good, f"{case['case']} {name} = {expected}: {reason}")


def equal_record(expected: Case, telegram: Telegram, index: int) -> bool:
    """Compare record number `index` with the expected one: value, unit, place, function."""
    records = telegram.records
    value = expected["value"]
    if "exponent" in expected:  # this reference leaves out what is no number: compare as a set
        return any(equal_value(record, expected) for record in records)
    if index >= len(records):
        text = telegram.manufacturer_data.hex(" ").upper()
        if isinstance(value, float):
            return text != "" and int(text.replace(" ", ""), 16) == value
        return isinstance(value, str) and value.upper() == text
    record = records[index]
    # The old fixed structure names no storage number there, only "stored".
    same_place = (
        (record.storage == (expected.get("storage") or 0) or "storage" not in expected)
        and record.tariff == (expected.get("tariff") or 0)
        and record.subunit == (expected.get("device", expected.get("device_unit")) or 0)
        and record.function == _FUNCTIONS.get(str(expected.get("function", "Ins"))[:3])
    )
    return same_place and equal_value(record, expected)


def unit_factor(unit: str) -> Fraction:
    """Factor of a reference's unit to the base unit of its dimension; 1 for an unknown one."""
    multiple = _MULTIPLE.match(unit)
    if multiple:
        return unit_factor(multiple[1]) * int(multiple[2])
    return _UNITS.get(unit, ("", Fraction(1)))[1]


def equal_value(record: wmbus.Record, expected: Case) -> bool:
    """Compare number, date, text or bytes."""
    value = expected["value"]
    if isinstance(record.value, MeterTime):
        moment = str(record.value.moment) if record.value.moment else record.value.text
        wanted = str(value).replace("T", " ").rstrip("Z")
        if record.value.invalid and wanted.startswith("1900-01-00"):
            return True  # how that reference writes "invalid"
        return moment.startswith(wanted) or wanted.startswith(moment)
    if isinstance(record.value, int) and isinstance(value, int | float):
        factor = unit_factor(record.unit)
        wanted_factor = unit_factor(str(expected.get("unit")))
        number = record.value * Fraction(10) ** record.exponent * factor / wanted_factor
        wanted_number = Fraction(str(value)) * Fraction(10) ** (expected.get("exponent") or 0)
        # The reference with exponents drops the k of kWh and kW.
        kilo = 1000 if "exponent" in expected else 1
        tolerance = max(abs(number) / 10**6, Fraction(1, 10**6))
        return any(abs(number - wanted_number * factor) <= tolerance for factor in {1, kilo})
    if isinstance(record.value, int):
        return str(record.value) == str(value).strip()
    if isinstance(record.value, bytes):
        return record.value.hex(" ").upper() == str(value).upper()
    if record.value is None:
        return value in (None, "") or not isinstance(value, int | float) or bool(record.problem)
    return record.value.strip() == str(value).strip()


def groups_of(case: Case) -> tuple[str, str]:
    """The two groupings of the report."""
    mode = case.get("security") or f"wired, mode {case.get('mode', 0)}"
    return f"mode {mode}", f"make {case.get('manufacturer') or '-'}"


def run(case: Case, frame: str) -> tuple[Telegram | None, DecodeError | ValueError | None]:
    """Decode a case with its own key, formats and preceding telegrams."""
    text = case.get("key") or ""
    key = Key(bytes.fromhex(text)) if len(text) == 32 else None
    formats: dict[int, bytes] = dict(wmbus.SHIPPED_FORMATS)
    if "unknown compact" in (case.get("expected_error") or ""):
        formats = {}  # the case tests a decoder that has seen nothing yet
    allow = case.get("payload_state") == "removed"
    try:
        for before in case.get("preceding_telegrams", []):
            try:
                earlier = wmbus.decode(
                    bytes.fromhex(before), key_for=lambda _: key, already_decrypted=allow
                )
            except DecodeError:
                continue
            if earlier.signature is not None and earlier.learned is not None:
                formats[earlier.signature] = earlier.learned
        return (
            wmbus.decode(
                bytes.fromhex(frame),
                key_for=lambda _: key,
                formats=formats,
                already_decrypted=allow,
            ),
            None,
        )
    except (DecodeError, ValueError) as error:
        return None, error


def check(case: Case, frame: str, tally: Tally) -> None:
    """Compare one case with all that is expected of it."""
    telegram, error = run(case, frame)
    name = case["case"]
    reason = f"{type(error).__name__} {error}" if error else "not found"
    expected_error = case.get("expected_error") or ("must fail" if case.get("must_fail") else "")
    mode, make = groups_of(case)
    own_reason = MUST_REFUSE.get(name.partition("+")[0])
    if own_reason is not None:
        for group in (mode, make):
            good = isinstance(error, own_reason[1])
            tally.add("refused", group, good, f"{name} {own_reason[0]!r}: {reason}")
        return
    if expected_error:
        wanted = next(
            (kind for words, kind in _REASONS if words in expected_error.lower()), DecodeError
        )
        good = isinstance(error, wanted) or (case.get("must_fail", False) and error is not None)
        for group in (mode, make):
            tally.add("refused", group, good, f"{name} {expected_error!r}: {reason}")
        return
    if case.get("payload_state") == "encrypted":
        opened = telegram is not None or (
            isinstance(error, DecodeError) and error.layer is Layer.APPLICATION
        )
        for group in (mode, make):
            tally.add("decrypted", group, opened, f"{name}: {reason}")
    for index, expected in enumerate(case.get("expected_records") or []):
        if f"{name}[{index}]" in REFERENCE_WRONG:
            continue
        good = telegram is not None and equal_record(expected, telegram, index)
        found = ""
        if telegram is not None and index < len(telegram.records):
            record = telegram.records[index]
            found = f"{record.value!r} e{record.exponent} {record.unit} {record.problem}"
        for group in (mode, make):
            tally.add("records", group, good, f"{name}[{index}] {expected}: {reason} {found}")
    check_values(case, telegram, reason, tally)


def main() -> int:
    """Read the corpus, print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--misses", type=int, default=1000, help="how many misses to list")
    options = parser.parse_args()
    tally = Tally()
    present = False
    for name, field in (("wmbus.jsonl", "telegram"), ("wired.jsonl", "hex")):
        path = options.folder / name
        if not path.exists():
            print(f"{path} is not here: skipped")
            continue
        present = True
        for line in path.read_text().splitlines():
            case = json.loads(line)
            check(case, case[field], tally)
    by_group: dict[str, list[str]] = defaultdict(list)
    for what, group in sorted(tally.all):
        by_group[group].append(f"{what} {tally.good[what, group]}/{tally.all[what, group]}")
    for group, figures in sorted(by_group.items()):
        print(f"{group:28} {' · '.join(figures)}")
    misses = sorted(set(tally.misses))
    print(f"\n{len(REFERENCE_WRONG)} records where the reference is wrong, not counted")
    for place, why in REFERENCE_WRONG.items():
        print(f"  {place}: {why}")
    print("named values where the peer is wrong, not counted")
    for start, name, why in VALUE_WRONG:
        print(f"  {start} {name}: {why}")
    print(f"\n{len(misses)} misses")
    for miss in misses[: options.misses]:
        print(" ", miss)
    kinds = ("decrypted", "records", "values", "refused")
    print(" · ".join(f"{kind} {tally.total(kind)}" for kind in kinds))
    return 0 if present else 1


if __name__ == "__main__":
    sys.exit(main())
