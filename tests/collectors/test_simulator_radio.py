"""The simulator's air: encrypted telegrams that another implementation reads to the last digit."""

import json
from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise

import pytest

import wmbus
from collectors.simulator import (
    KINDS,
    Heard,
    Observation,
    Radio,
    Town,
    body_of,
    observe,
    sums,
    target_truth,
    truth,
)
from meters.registers import BY_CODE, DECODER_UNITS

ANCHOR = datetime(2026, 1, 15, tzinfo=UTC)
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def radio() -> Radio:
    return Radio(Town(1, 60, ANCHOR), interval_s=16)


@pytest.fixture(scope="module")
def heard(radio: Radio) -> list[Heard]:
    start = radio.town.anchor * 1000
    return radio.telegrams(start, start + 3 * MINUTE_MS)


def _registers(told: wmbus.RegisterSet) -> dict[str, Fraction]:
    """What a register set says, by READY's columns, in base units."""
    found = {}
    for register, value in zip(told.layout.registers, told.values, strict=True):
        column = BY_CODE.get(register.code)
        if column is None or value is None:
            continue
        if column.quantity in ("bits", "count"):
            found[column.column] = Fraction(value)
        else:
            scale = DECODER_UNITS[register.unit][1]
            found[column.column] = Fraction(value) * scale * Fraction(10) ** register.exponent
    return found


def _decode(
    item: Heard, key: bytes, formats: wmbus.Formats = wmbus.SHIPPED_FORMATS
) -> wmbus.Telegram:
    opened = wmbus.Key(key)
    return wmbus.decode(item.frame, key_for=lambda _: opened, formats=formats, crc="none")


def test_every_kind_of_meter_reads_back_to_the_last_digit() -> None:
    """Encrypted by one library, decrypted and decoded by another: full and compact, all kinds."""
    town = Town(1, 250, ANCHOR)
    radio = Radio(town, interval_s=16)
    start = town.anchor * 1000
    sample: dict[tuple[object, bool], Heard] = {}
    for item in radio.telegrams(start, start + 130_000):
        sample.setdefault((item.meter.kind, item.full), item)
    assert {kind for kind, full in sample if full} == set(KINDS)
    compact = {kind for kind, full in sample if not full}
    assert compact == {kind for kind in KINDS if kind.security == "ell"}
    formats = dict(wmbus.SHIPPED_FORMATS)
    for (kind, full), item in sorted(sample.items(), key=lambda one: not one[0][1]):
        telegram = _decode(item, item.meter.key, formats)
        if telegram.learned is not None and telegram.signature is not None:
            formats[telegram.signature] = telegram.learned
        assert telegram.encrypted, (kind, full)
        assert telegram.address.number == item.meter.number
        now, *others = telegram.register_sets
        assert now.kind == "now"
        assert _registers(now) == item.contents.registers, item.meter.kind.name
        dated = [one for one in others if one.kind == "target" and one.time is not None]
        if item.contents.target is not None:
            assert _registers(dated[0]) == item.contents.target[1]
            assert dated[0].time is not None
            assert dated[0].time.moment == datetime(2026, 1, 1)  # noqa: DTZ001


def test_a_meter_with_a_clock_tells_its_own_time(heard: list[Heard]) -> None:
    item = next(one for one in heard if one.meter.kind.has_clock)
    now = _decode(item, item.meter.key).register_sets[0]
    assert item.contents.read_at is not None
    assert item.contents.read_at % 60 == 0
    assert 0 <= item.heard_ms // 1000 - item.contents.read_at < 61
    assert now.time is not None
    # Danish winter time is an hour ahead of UTC.
    local = datetime.fromtimestamp(item.contents.read_at + 3600, UTC).replace(tzinfo=None)
    assert (now.time.moment, now.time.summer) == (local, False)


def test_a_wrong_key_does_not_read(heard: list[Heard]) -> None:
    item = next(one for one in heard if "wrong key" in one.meter.traits)
    assert item.meter.known_key is not None
    with pytest.raises(wmbus.WrongKey):
        _decode(item, item.meter.known_key)
    assert _decode(item, item.meter.key).encrypted


def test_the_unlisted_layout_waits_for_its_full_frame(heard: list[Heard]) -> None:
    mine = [one for one in heard if "unlisted" in one.meter.traits]
    compact = next(one for one in mine if not one.full)
    with pytest.raises(wmbus.WaitingForFullFrame):
        _decode(compact, compact.meter.key)


def test_no_counter_block_is_used_twice(radio: Radio) -> None:
    """The session number differs in every telegram of a meter (else AES-CTR would leak)."""
    start = radio.town.anchor * 1000
    blocks: Counter[bytes] = Counter()
    for sent in radio.transmissions(start, start + 20 * MINUTE_MS):
        if sent.meter.kind.security == "ell":
            frame = radio.content(sent)[1]
            blocks[frame[2:10] + frame[13:17]] += 1
    assert max(blocks.values()) == 1


def test_one_in_eight_is_a_full_frame(radio: Radio) -> None:
    start = radio.town.anchor * 1000
    sent = radio.transmissions(start, start + 16 * 16_000)
    by_meter: dict[str, list[bool]] = {}
    for one in sent:
        if one.meter.kind.security == "ell":
            by_meter.setdefault(one.meter.number, []).append(one.full)
    assert {sum(full) for full in by_meter.values()} == {2}
    assert {len(full) for full in by_meter.values()} == {16}


def test_any_stretch_of_time_is_the_same_however_it_is_cut(
    radio: Radio, heard: list[Heard]
) -> None:
    start = radio.town.anchor * 1000
    other = Radio(Town(1, 60, ANCHOR), interval_s=16)
    pieces = [
        item
        for begin in reversed(range(start, start + 3 * MINUTE_MS, MINUTE_MS))
        for item in other.telegrams(begin, begin + MINUTE_MS)
    ]
    assert sorted((i.site, i.heard_ms, i.frame) for i in pieces) == sorted(
        (i.site, i.heard_ms, i.frame) for i in heard
    )


def test_two_collectors_hear_the_same_telegram_at_different_times(heard: list[Heard]) -> None:
    times: dict[bytes, set[tuple[str, int]]] = {}
    for item in heard:
        times.setdefault(item.frame, set()).add((item.site, item.heard_ms))
    shared = [found for found in times.values() if len(found) > 1]
    assert len(shared) > len(times) // 4
    assert all(len({ms for _, ms in found}) > 1 for found in shared)


def test_near_meters_are_heard_louder_and_some_telegrams_are_lost(
    radio: Radio, heard: list[Heard]
) -> None:
    levels = [item.rssi_dbm for item in heard]
    assert -102 <= min(levels) < -85
    assert -80 < max(levels) < -20
    start = radio.town.anchor * 1000
    lossless = Radio(radio.town, interval_s=16, loss_permille=0).telegrams(
        start, start + 3 * MINUTE_MS
    )
    assert len(heard) < len(lossless)
    assert {(item.site, item.frame) for item in heard} < {(i.site, i.frame) for i in lossless}
    sent = radio.transmissions(start, start + 3 * MINUTE_MS)
    assert {item.meter.number for item in heard} == {one.meter.number for one in sent}


def test_strangers_are_overheard(heard: list[Heard]) -> None:
    strangers = {item.meter.number for item in heard if not item.ours}
    assert len(strangers) == 4
    assert not strangers & {one.number for one in observe(heard)}


def test_deliveries_come_late_twice_and_out_of_order(radio: Radio) -> None:
    start = radio.town.anchor * 1000
    slow = Radio(radio.town, interval_s=200)
    deliveries = slow.deliveries(start, start + 6 * HOUR_MS, batch_s=60)
    assert all(a.at_ms <= b.at_ms for a, b in pairwise(deliveries))
    counts = Counter(one.batch for one in deliveries)
    assert set(counts.values()) == {1, 2}
    twice = {batch for batch, count in counts.items() if count == 2}
    for batch in sorted(twice)[:3]:
        first, second = (body_of(one) for one in deliveries if one.batch == batch)
        assert first == second
    newest: dict[str, int] = {}
    backwards = 0
    for one in deliveries:
        if one.heard[0].heard_ms < newest.get(one.site, 0):
            backwards += one.batch not in twice
        newest[one.site] = max(newest.get(one.site, 0), one.heard[0].heard_ms)
        assert one.at_ms >= one.heard[-1].heard_ms - 1000
    assert backwards > 0


def test_deliveries_can_be_asked_for_in_pieces(radio: Radio) -> None:
    start = radio.town.anchor * 1000
    whole = radio.deliveries(start, start + 40 * MINUTE_MS)
    pieces = [
        one
        for begin in range(start, start + 40 * MINUTE_MS, 7 * MINUTE_MS)
        for one in radio.deliveries(begin, min(begin + 7 * MINUTE_MS, start + 40 * MINUTE_MS))
    ]
    assert [(one.at_ms, one.batch) for one in pieces] == [(one.at_ms, one.batch) for one in whole]


def test_a_body_is_the_native_push_format(radio: Radio) -> None:
    start = radio.town.anchor * 1000
    delivery = radio.deliveries(start, start + MINUTE_MS)[0]
    body = json.loads(body_of(delivery))
    assert (body["gateway"], body["batch"]) == (delivery.site, delivery.batch)
    first, item = delivery.heard[0], body["telegrams"][0]
    assert bytes.fromhex(item["telegram"]) == first.frame
    moment = datetime.fromisoformat(item["timestamp"])
    assert moment.timestamp() * 1000 == pytest.approx(first.heard_ms, abs=0.01)
    assert (item["rssi_dbm"], item["crc"]) == (first.rssi_dbm, "removed")


def test_an_interval_must_divide_an_hour(radio: Radio) -> None:
    with pytest.raises(ValueError, match="does not divide an hour"):
        Radio(radio.town, interval_s=17)


def _seen(number: str, read_ms: int, value: int) -> Observation:
    return Observation(number, read_ms, {"v1": value}, None)


def test_truth_keeps_the_earliest_of_a_slot_whatever_the_order() -> None:
    seen = [
        _seen("1", 7_300_000, 5),
        _seen("1", 7_200_000, 4),
        _seen("1", 7_199_999, 3),
        _seen("1", 7_250_000, 9),
        _seen("2", 7_300_000, 7),
    ]
    for order in (seen, seen[::-1]):
        kept = truth(order)
        assert {slot: one.registers["v1"] for slot, one in kept.items()} == {
            ("1", 3600): 3,
            ("1", 7200): 4,
            ("2", 7200): 7,
        }
    assert sums(truth(seen).values()) == {("1", "v1"): 7, ("2", "v1"): 7}
    priority = truth(seen, {"1": 300, "2": 3600})
    assert set(priority) == {("1", 6900), ("1", 7200), ("2", 7200)}


def test_truth_of_a_town_has_every_readable_meter(radio: Radio, heard: list[Heard]) -> None:
    intervals = {meter.number: meter.interval_s for meter in radio.town.meters}
    observations = observe(heard)
    kept = truth(observations, intervals)
    readable = {
        item.meter.number
        for item in heard
        if item.ours and not item.meter.traits & {"no key", "wrong key"}
    }
    assert {number for number, _ in kept} == readable
    targets = target_truth(observations)
    midnight = int(datetime(2025, 12, 31, 23, tzinfo=UTC).timestamp())
    assert {instant for _, instant in targets} == {midnight}
    assert all(set(registers) & {"e1", "e3", "v1"} for registers in targets.values())
