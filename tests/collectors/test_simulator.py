"""The simulated town: determinism, physics, and what its characters do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from collectors.simulator import (
    BIRKELSE,
    HOUR_S,
    KINDS,
    SENSOR_BROKEN,
    SimulatedMeter,
    Town,
    hour_of,
    start_of,
)
from collectors.simulator.clock import EPOCH_S, local, local_midnight, seconds
from collectors.simulator.houses import Houses
from collectors.simulator.streams import Curve, Part, Regime, Streams, streams_of
from collectors.simulator.weather import YEAR_H, Weather, cosine
from meters.registers import BY_COLUMN, COLUMNS

ANCHOR = datetime(2026, 1, 15, tzinfo=UTC)
DAY_S = 86_400

# Their registers go down, stand still or lie, and that is what they are for.
ODD = {"reverse flow", "rollover", "reversed", "sensor broken"}


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(1, 60, ANCHOR)


def _of(town: Town, trait: str) -> SimulatedMeter:
    return next(meter for meter in town.meters if trait in meter.traits)


def _hours(town: Town, days: int) -> tuple[int, int]:
    end = hour_of(town.anchor)
    return end - 24 * days, end


def test_the_same_seed_gives_the_same_town_in_any_order(town: Town) -> None:
    streams_of.cache_clear()  # else both towns would look into the same totals
    again = Town(1, 60, ANCHOR)
    assert again.streams is not town.streams
    assert again.places == town.places
    assert again.sites == town.sites
    assert again.stock == town.stock
    instants = [town.anchor + offset for offset in (0, 61, -40 * DAY_S, 5 * DAY_S + 1234)]
    for mine, other in zip(reversed(again.meters), reversed(town.meters), strict=True):
        assert (mine.number, mine.kind, mine.key) == (other.number, other.kind, other.key)
        asked = [mine.at(instant) for instant in reversed(instants)]
        assert list(reversed(asked)) == [other.at(instant) for instant in instants]


def test_another_seed_gives_another_town(town: Town) -> None:
    other = Town(2, 60, ANCHOR)
    assert not {meter.number for meter in other.meters} & {meter.number for meter in town.meters}
    assert not {meter.key for meter in other.meters} & {meter.key for meter in town.meters}


def test_a_town_has_the_meters_it_was_asked_for(town: Town) -> None:
    installed = [meter for meter in town.meters if meter.removed is None]
    assert len(installed) == 60
    numbers = [meter.number for meter in town.meters]
    assert len(set(numbers)) == len(numbers)
    assert all(len(number) == 8 and number.isdecimal() for number in numbers)
    assert {meter.kind.medium for meter in town.meters} == {
        "heat",
        "cooling",
        "water",
        "electricity",
    }
    assert {meter.kind for meter in Town(1, 500, ANCHOR).meters} == set(KINDS)


def test_the_second_town_has_water_only() -> None:
    town = Town(1, 25, ANCHOR, BIRKELSE)
    assert len(town.meters) == 25
    assert {meter.kind.medium for meter in town.meters} == {"water"}


def test_a_town_refuses_what_it_cannot_be() -> None:
    with pytest.raises(ValueError, match="at least one meter"):
        Town(1, 0)
    with pytest.raises(ValueError, match="120 days"):
        Town(1, 5, datetime(2024, 3, 1, tzinfo=UTC))


def test_registers_are_columns_of_ready() -> None:
    for kind in KINDS:
        assert set(kind.registers) <= set(COLUMNS)


def test_history_in_bulk_equals_single_instants(town: Town) -> None:
    first, end = _hours(town, 50)
    for meter in town.meters:
        rows = meter.hourly(first, end, 1234)
        for number in (0, 1, 700, len(rows) - 1):
            instant = start_of(first + number) + 1234
            assert meter.at(instant) == dict(zip(meter.kind.registers, rows[number], strict=True))


def test_counters_never_go_down(town: Town) -> None:
    first, end = _hours(town, 70)
    for meter in town.meters:
        if meter.traits & ODD:
            continue
        rows = meter.hourly(first, end, 0)
        for place, column in enumerate(meter.kind.registers):
            if BY_COLUMN[column].cumulative:
                values = [row[place] for row in rows]
                assert all(low <= high for low, high in pairwise(values)), (meter.number, column)


def test_counters_count(town: Town) -> None:
    """Every meter but the reversed one counted something in a winter month."""
    first, end = _hours(town, 30)
    for meter in town.meters:
        main = next(c for c in meter.kind.registers if c in ("e1", "e3", "a_pos", "v1"))
        place = meter.kind.registers.index(main)
        rows = meter.hourly(first, end, 0)
        counted = rows[-1][place] - rows[0][place]
        if meter.installed > start_of(first) or meter.traits & {"rollover"}:
            continue
        assert counted > 0, (meter.number, meter.traits)


def test_energy_agrees_with_volume_and_cooling(town: Town) -> None:
    """E = V·k·ΔT within 3 %, with k of the return and the temperatures of E8 and E9."""
    first, end = _hours(town, 60)
    checked = 0
    for meter in town.meters:
        registers = meter.kind.registers
        if "e8" not in registers or meter.traits & ODD or meter.installed > start_of(first):
            continue
        main = "e3" if "e3" in registers else "e1"
        early, late = meter.hourly(first, end, 0)[:: end - first - 1]
        counted = {c: late[i] - early[i] for i, c in enumerate(registers)}
        joule = counted[main]
        volume_l = counted["v1"] // 1000
        degrees = abs(counted["e8"] - counted["e9"]) * 10_000 // meter.kind.count_tenths
        # m³·°C ×1000 = litre·°C; 1.15 Wh per litre and kelvin is 4140 J.
        expected = degrees * 4150
        assert abs(joule - expected) * 100 <= 3 * joule, (meter.number, joule, expected)
        assert volume_l > 0
        checked += 1
    assert checked > 25


def test_shown_temperatures_are_those_of_the_counters(town: Town) -> None:
    """Over a day the volume-weighted mean of T2 is what E9 says, to 1 °C."""
    first, end = _hours(town, 20)
    meter = _of(town, "turned bad")
    rows = [
        dict(zip(meter.kind.registers, row, strict=True)) for row in meter.hourly(first, end, 0)
    ]
    weighted = weight = 0
    for before, after in pairwise(rows):
        volume = after["v1"] - before["v1"]
        weighted += volume * before["t2"]
        weight += volume
    told = (rows[-1]["e9"] - rows[0]["e9"]) * 1_000_000_000 // weight
    assert abs(weighted // weight - told) < 1000


def test_a_house_that_turned_bad_cools_less(town: Town) -> None:
    meter = _of(town, "turned bad")
    before, after = meter.at(town.anchor - 60 * DAY_S), meter.at(town.anchor - 2 * DAY_S)
    assert before["t2"] < 46_000 < 50_000 < after["t2"]


def test_it_is_warm_in_summer_and_heating_follows() -> None:
    weather = Weather(7)
    weather.reach(2 * YEAR_H)
    july = sum(weather.daily[182:212]) // 30
    january = sum(weather.daily[0:30]) // 30
    assert 1200 < july < 2100
    assert -600 < january < 400
    streams = Streams(7)
    streams.radiators.reach(YEAR_H)
    energy = streams.radiators.energy
    assert energy[30 * 24] > 5 * (energy[212 * 24] - energy[182 * 24])
    # A year has about 3,000 degree days of 17 °C, less what the sun gives.
    assert 1_700 < energy[YEAR_H] // 2400 < 3_600


def test_cosine_is_right_to_two_thousandths() -> None:
    assert [cosine(position, 4) for position in range(5)] == [1000, 0, -1000, 0, 1000]
    assert abs(cosine(1, 6) - 500) <= 2
    assert abs(cosine(1, 8) - 707) <= 2


def test_hours_add_up_to_the_stream() -> None:
    """However it is cut, a curve's growth is the sum of its parts' growth."""
    streams = Streams(3)
    parts = (Part(streams.radiators, 120), Part(streams.hot_water[1], 35, 168))
    curve = Curve((Regime(0, parts),), (5, 6, 7, 8))
    whole = curve.totals(0, 1001)
    assert [column[0] for column in whole] == [5, 6, 7, 8]
    hours = [curve.totals(hour, hour + 2) for hour in range(1000)]
    for number, column in enumerate(whole):
        grown = sum(hour[number][1] - hour[number][0] for hour in hours)
        assert grown == column[1000] - column[0]
    by_hand = 120 * streams.radiators.energy[1000] + 35 * (
        streams.hot_water[1].energy[1168] - streams.hot_water[1].energy[168]
    )
    assert whole[0][1000] - whole[0][0] == by_hand


def test_totals_are_the_same_for_threads_that_grow_them_together() -> None:
    alone, together = Streams(11), Streams(11)
    wanted = [*together.hot_water, together.radiators, together.running_water]
    spans = [range(start, 3000, 97) for start in (1, 40, 80)]

    def grow(hours: range) -> None:
        for hour in hours:
            for stream in wanted:
                stream.reach(hour)
                assert stream.outlet[hour] >= stream.outlet[hour - 1]

    with ThreadPoolExecutor(len(spans)) as pool:
        for done in [pool.submit(grow, hours) for hours in spans]:
            done.result()
    for mine, other in zip(
        [*alone.hot_water, alone.radiators, alone.running_water], wanted, strict=True
    ):
        mine.reach(2990)
        for column, grown in zip(mine.columns, other.columns, strict=True):
            assert column[:2990] == grown[:2990]


def test_a_change_of_regime_makes_no_jump() -> None:
    streams = Streams(3)
    one, two = (Part(streams.radiators, 100),), (Part(streams.neglected, 100),)
    curve = Curve((Regime(10, one), Regime(500, two), Regime(600, ())), (1000, 0, 0, 0))
    energy, volume, _, _ = curve.totals(0, 800)
    assert energy[:11] == [1000] * 11
    expected = streams.radiators.energy
    assert energy[500] - energy[10] == 100 * (expected[500] - expected[10])
    other = streams.neglected.energy
    assert energy[600] - energy[500] == 100 * (other[600] - other[500])
    assert energy[600:] == [energy[600]] * 200
    assert volume[600:] == [volume[600]] * 200


def test_an_exchange_ends_one_meter_and_starts_another_at_zero(town: Town) -> None:
    old, new = (meter for meter in town.meters if "exchange" in meter.traits)
    assert old.removed is not None
    assert old.place == new.place
    assert new.installed == old.removed + HOUR_S
    assert old.on_air(old.removed - 1)
    assert not old.on_air(old.removed)
    assert not new.on_air(new.installed - 1)
    assert new.on_air(new.installed)
    start = new.at(new.installed)
    assert (start["e1"], start["v1"], start["e8"], start["hours"]) == (0, 0, 0, 0)
    assert new.at(town.anchor)["e1"] > 0
    assert old.at(old.removed)["e1"] > 100 * 3_600_000_000


def test_dead_meters_are_silent(town: Town) -> None:
    dead = _of(town, "dead")
    assert dead.silent_from is not None
    assert dead.on_air(dead.silent_from - 1)
    assert not dead.on_air(dead.silent_from)


def test_a_broken_sensor_shows_185_degrees_and_stops_energy(town: Town) -> None:
    meter = _of(town, "sensor broken")
    since = meter.faults[0].start
    before, after = meter.at(since - 1), meter.at(since + DAY_S)
    assert (before["t1"] < 90_000, before["info"]) == (True, 0)
    assert (after["t1"], after["info"], after["power1"]) == (SENSOR_BROKEN, 8, 0)
    assert after["e1"] == before["e1"]
    assert after["v1"] > before["v1"]


def test_a_reversed_meter_stands_still_and_says_so(town: Town) -> None:
    meter = _of(town, "reversed")
    since = meter.faults[0].start
    early, late = meter.at(since), meter.at(since + 5 * DAY_S)
    assert (early["e1"], early["v1"]) == (late["e1"], late["v1"])
    assert (late["flow1"], late["info"]) == (0, 512)


def test_a_growing_leak_shows_at_night_and_in_the_info_code(town: Town) -> None:
    meter = _of(town, "leak")
    begins = meter.faults[0].start - DAY_S

    def night(days: int) -> int:
        midnight = (begins + days * DAY_S) // DAY_S * DAY_S
        return meter.at(midnight + 4 * HOUR_S)["v1"] - meter.at(midnight + HOUR_S)["v1"]

    assert meter.at(begins)["info"] == 0
    assert meter.at(begins + DAY_S)["info"] & 4
    assert 10_000 <= night(2) < night(16) < night(29)
    # 22 to 31 days within the last 30: code 7 in bits 10 to 12.
    assert meter.at(begins + 29 * DAY_S)["info"] >> 10 & 7 == 7


def test_a_mended_leak_leaves_only_its_duration(town: Town) -> None:
    meter = _of(town, "old leak")
    info = meter.at(town.anchor)["info"]
    assert info & 0xF == 0
    assert info >> 10 & 7 == 5


def test_a_burst_is_told_while_it_lasts(town: Town) -> None:
    meter = _of(town, "burst")
    fault = meter.faults[0]
    assert fault.end is not None
    assert meter.at(fault.start)["info"] == 8
    assert meter.at(fault.end)["info"] == 0
    assert meter.at(fault.end)["v1"] - meter.at(fault.start)["v1"] > 6_000_000


def test_reverse_flow_takes_the_register_back(town: Town) -> None:
    meter = _of(town, "reverse flow")
    fault = meter.faults[0]
    assert fault.end is not None
    assert meter.at(fault.start)["v1"] - meter.at(fault.end)["v1"] == 70_000
    assert meter.at(fault.start)["info"] & 2
    assert not meter.at(fault.end)["info"] & 2


def test_a_register_of_eight_digits_starts_again(town: Town) -> None:
    meter = _of(town, "rollover")
    before, after = meter.at(town.anchor - 7 * DAY_S)["v1"], meter.at(town.anchor)["v1"]
    full = 100_000_000_000  # 10^8 litres in mL
    assert 0 <= after < before < full
    assert 0 < after + full - before < full // 1000


def test_keys_that_the_utility_lacks_or_has_wrong(town: Town) -> None:
    assert _of(town, "no key").known_key is None
    wrong = _of(town, "wrong key")
    assert wrong.known_key not in (None, wrong.key)
    bad = [meter for meter in town.meters if meter.known_key != meter.key]
    assert len(bad) == 2


def test_target_dates_are_the_first_of_the_month_in_denmark(town: Town) -> None:
    meter = next(
        meter
        for meter in town.meters
        if meter.kind.name == "MULTICAL 403" and meter.installed < EPOCH_S
    )
    summer = seconds(datetime(2025, 7, 20, tzinfo=UTC))
    found = meter.target(summer)
    assert found is not None
    instant, registers = found
    assert datetime.fromtimestamp(instant, UTC) == datetime(2025, 6, 30, 22, tzinfo=UTC)
    now = meter.at(instant)
    assert registers == {"e1": now["e1"], "v1": now["v1"]}
    new = [meter for meter in town.meters if "exchange of units" in meter.traits][1]
    assert new.target(new.installed + DAY_S) is None


def test_danish_time() -> None:
    assert local(EPOCH_S) == datetime(2024, 1, 1, 1)  # noqa: DTZ001
    spring = seconds(datetime(2024, 3, 31, 1, tzinfo=UTC))
    assert local(spring - 1) == datetime(2024, 3, 31, 1, 59, 59)  # noqa: DTZ001
    assert local(spring) == datetime(2024, 3, 31, 3)  # noqa: DTZ001
    autumn = seconds(datetime(2024, 10, 27, 1, tzinfo=UTC))
    assert local(autumn - 1) == datetime(2024, 10, 27, 2, 59, 59)  # noqa: DTZ001
    assert local(autumn) == datetime(2024, 10, 27, 2)  # noqa: DTZ001
    for day, hours in ((datetime(2024, 3, 31), 23), (datetime(2024, 10, 27), 25)):  # noqa: DTZ001
        following = (day + timedelta(days=1)).date()
        assert local_midnight(following) - local_midnight(day.date()) == hours * HOUR_S


def test_a_block_closed_in_summer_draws_nothing() -> None:
    streams = Streams(5)
    story = Houses(5, streams, seconds(ANCHOR)).heat(3, EPOCH_S - 900 * DAY_S, "winter", False)
    july = hour_of(seconds(datetime(2025, 7, 1, tzinfo=UTC)))
    january = hour_of(seconds(datetime(2025, 1, 1, tzinfo=UTC)))
    energy, volume, _, _ = story.curve.totals(july, july + 500)
    assert (energy[0], volume[0]) == (energy[-1], volume[-1])
    assert (
        story.curve.totals(january, january + 2)[0][1]
        > story.curve.totals(january, january + 1)[0][0]
    )
