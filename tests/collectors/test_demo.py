"""The demo: set up once and for all, a past that goes on where it stopped, live batches."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from collectors.management.demo import feed, files
from collectors.management.demo.history import MONTHS, Past, catch_up, months, newest_days
from collectors.management.demo.office import office_work
from collectors.management.demo.setup import ADMINISTRATOR, READER, set_up
from collectors.management.demo.utilities import Utility, radio_of
from collectors.management.demo.weather import tell_weather
from collectors.models import Collector
from collectors.pipeline import import_readings
from collectors.pipeline.history import import_history
from collectors.simulator import AALUND, BIRKELSE, HOUR_S, PushRefused, hour_of
from collectors.tokens import authenticate
from meters.keys import open_sealed
from meters.models import Installation, Meter, MeterKey, MeterState, Occupancy, SupplyPoint
from meters.registers import COLUMNS
from readings.models import Estimation, Kind, Origin, OutdoorHour, Reading, Trust, Version
from readings.services import NewReading
from ready.accounts.models import Membership, User
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

SMALL = (Utility(AALUND, 50), Utility(BIRKELSE, 6))

pytestmark = pytest.mark.usefixtures("committed")


def _state(tenant: Tenant) -> list[list[object]]:
    with tenant_context(tenant.pk):
        return [
            list(model.objects.order_by("pk").values_list())
            for model in (SupplyPoint, Meter, MeterKey, Installation, Collector, Membership)
        ]


def test_setting_up_twice_changes_nothing(tmp_path: Path) -> None:
    set_up(tmp_path, SMALL)
    tenants = list(Tenant.objects.order_by("pk"))
    assert [tenant.slug for tenant in tenants] == ["aalund", "birkelse"]
    before = [_state(tenant) for tenant in tenants]
    on_file = {path.name: path.read_text() for path in tmp_path.iterdir()}
    set_up(tmp_path, SMALL)
    assert [_state(tenant) for tenant in tenants] == before
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == on_file
    assert set(on_file) == {files.LOGIN, files.FEED}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())


def test_people_can_log_in_and_belong_where_they_should(tmp_path: Path) -> None:
    set_up(tmp_path, SMALL)
    login = json.loads((tmp_path / files.LOGIN).read_text())
    people = [login, *login["others"]]
    assert [one["email"] for one in people] == [ADMINISTRATOR, READER]
    belongs = []
    for one in people:
        user = User.objects.get(email=one["email"])
        assert user.check_password(one["password"])
        roles = []
        for tenant in Tenant.objects.order_by("pk"):
            with tenant_context(tenant.pk):
                found = Membership.objects.filter(tenant=tenant, user=user)
                roles += [(tenant.slug, one.role) for one in found]
        belongs.append(roles)
    assert belongs == [
        [("aalund", "administrator"), ("birkelse", "administrator")],
        [("aalund", "user")],
    ]


def test_lost_files_are_written_anew(tmp_path: Path) -> None:
    set_up(tmp_path, SMALL)
    old = files.read(tmp_path, files.FEED)["tokens"]
    for path in tmp_path.iterdir():
        path.unlink()
    set_up(tmp_path, SMALL)
    login = json.loads((tmp_path / files.LOGIN).read_text())
    assert User.objects.get(email=ADMINISTRATOR).check_password(login["password"])
    tokens = files.read(tmp_path, files.FEED)["tokens"]
    assert set(tokens) == {"aalund-1", "aalund-2", "aalund-3", "birkelse-1"}
    assert not set(tokens.values()) & set(old.values())
    for name, token in tokens.items():
        bearer = authenticate(f"Bearer {token}")
        assert bearer is not None
        with tenant_context(bearer.tenant_id):
            assert Collector.objects.get(pk=bearer.collector_id).name == name


def test_unreadable_files_count_as_lost(tmp_path: Path) -> None:
    (tmp_path / files.FEED).write_text("[1, 2")
    assert files.read(tmp_path, files.FEED) == {}
    (tmp_path / files.FEED).write_text("[1, 2]")
    assert files.read(tmp_path, files.FEED) == {}


def test_the_town_stands_in_the_database(tmp_path: Path) -> None:
    set_up(tmp_path, SMALL)
    past = Past.of(SMALL[0])
    town = past.radio.town
    with tenant_context(past.tenant.pk):
        assert SupplyPoint.objects.count() == len(town.places)
        assert Meter.objects.count() == len(town.meters) + len(town.stock)
        assert Meter.objects.filter(interval_s=300).count() == 1
        sealed = {key.meter_id: key for key in MeterKey.objects.all()}
        for meter in town.meters:
            pk = past.ids[meter.number]
            if meter.known_key is None:
                assert pk not in sealed
            else:
                key = sealed[pk]
                opened = open_sealed(
                    bytes(key.sealed), tenant_id=past.tenant.pk, meter_id=pk, version=1
                )
                assert opened == meter.known_key
        old, new = (meter for meter in town.meters if "exchange" in meter.traits)
        gone = Installation.objects.get(meter=past.ids[old.number])
        came = Installation.objects.get(meter=past.ids[new.number])
        assert gone.supply_point_id == came.supply_point_id
        assert old.removed is not None
        shown = old.at(old.removed)
        assert gone.end_registers == {"e1": shown["e1"], "v1": shown["v1"]}
        assert (came.start_registers, came.ends_at) == ({"e1": 0, "v1": 0}, None)
        assert Meter.objects.get(pk=past.ids[old.number]).in_stock


def _instants(past: Past) -> set[tuple[str, datetime]]:
    numbers = {pk: number for number, pk in past.ids.items()}
    with tenant_context(past.tenant.pk):
        return {
            (numbers[pk], at) for pk, at in Reading.objects.values_list("meter_id", "ts").iterator()
        }


def _stored(past: Past) -> dict[tuple[str, datetime], Reading]:
    numbers = {pk: number for number, pk in past.ids.items()}
    with tenant_context(past.tenant.pk):
        return {(numbers[one.meter_id], one.ts): one for one in Reading.objects.all()}


def test_the_newest_days_are_the_simulators_own_registers(tmp_path: Path) -> None:
    set_up(tmp_path, SMALL)
    past = Past.of(SMALL[0])
    now = timezone.now()
    count = newest_days(past, now, days=2)
    stored = _stored(past)
    assert count == len(stored)
    readable = [m for m in past.radio.town.meters if m.known_key == m.key]
    alive = [m for m in readable if m.on_air(int(now.timestamp())) and m.interval_s == HOUR_S]
    assert 40 * len(alive) < count
    for (number, at), reading in list(stored.items())[::7]:
        meter = past.radio.town.by_number[number]
        offset_ms = past.radio.best_site(meter).clock_offset_ms
        sent_ms = round(at.timestamp() * 1000) - (0 if meter.kind.has_clock else offset_ms)
        expected = meter.at(sent_ms // 1000)
        assert {column: getattr(reading, column) for column in expected} == expected
        assert (reading.kind, reading.origin) == (Kind.NOW, Origin.FIXED_NETWORK)
        assert now - timedelta(days=2) <= at < now
    newest: dict[str, datetime] = {}
    for number, at in stored:
        newest[number] = max(newest.get(number, at), at)
    with tenant_context(past.tenant.pk):
        for number, at in newest.items():
            state = MeterState.objects.get(meter=past.ids[number])
            assert (state.read_at, state.heard_at) == (at, at)
            assert state.v1 == stored[number, at].v1
    assert newest_days(past, now) == 0


def test_catching_up_fills_the_gap_and_nothing_else(tmp_path: Path) -> None:
    set_up(tmp_path, SMALL)
    past = Past.of(SMALL[1])
    then = timezone.now() - timedelta(hours=30)
    newest_days(past, then, days=1)
    before = _instants(past)
    assert catch_up(past, then) == 0
    now = then + timedelta(hours=30)
    count = catch_up(past, now)
    after = _instants(past)
    assert len(after) == len(before) + count
    assert before < after
    assert all(then - timedelta(hours=1) < at < now for _, at in after - before)
    hours = {(number, hour_of(int(at.timestamp()))) for number, at in after}
    assert len(hours) >= 54 * 4
    assert catch_up(past, now) == 0


def test_the_past_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    set_up(tmp_path, SMALL)
    past = Past.of(SMALL[1])
    now = timezone.now()
    newest_days(past, now)
    work = months(past, now)
    first = [next(work) for _ in range(3)]
    assert all(first)
    halfway = _instants(past)
    rest = sum(months(past, now))
    stored = _instants(past)
    assert len(stored) == len(halfway) + rest
    oldest = min(at for _, at in stored)
    assert timedelta(days=390) < now - oldest < timedelta(days=430)
    assert list(months(past, now)) == []
    slots = {
        (number, int(at.timestamp()) // past.radio.town.by_number[number].interval_s)
        for number, at in stored
    }
    assert len(slots) == len(stored)


def test_history_leaves_alone_what_is_there(tmp_path: Path) -> None:
    set_up(tmp_path, SMALL)
    past = Past.of(SMALL[1])
    meter = past.radio.town.meters[0]
    pk = past.ids[meter.number]
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    values: list[int | None] = [None] * len(COLUMNS)
    values[COLUMNS.index("v1")] = 42
    reading = NewReading(
        meter_id=pk,
        at=hour + timedelta(minutes=50),
        received_at=hour + timedelta(minutes=51),
        values=values,
        origin=Origin.MANUAL,
        trust=Trust.NONE,
        interval_s=HOUR_S,
    )
    start = int(hour.timestamp()) * 1_000_000
    rows = [
        (pk, start + hours * HOUR_S * 1_000_000, start, *[None] * len(COLUMNS), 1, 1, int(kind))
        for hours, kind in ((0, Kind.NOW), (0, Kind.TARGET), (1, Kind.NOW))
    ]
    with tenant_context(past.tenant.pk):
        import_readings([reading])
        stored = import_history(
            [rows[0], rows[2]],
            intervals={pk: HOUR_S},
            start=start,
            end=start + 2 * HOUR_S * 1_000_000,
            newest=[],
        )
        assert stored == 1
        # A target date is no current reading: it has its own instant, whatever else is there.
        assert (
            import_history([rows[1]], intervals={pk: HOUR_S}, start=start, end=start + 1, newest=[])
            == 1
        )
        kept = list(Reading.objects.filter(meter_id=pk).order_by("ts").values_list("ts", "v1"))
    assert kept == [
        (hour, None),
        (hour + timedelta(minutes=50), 42),
        (hour + timedelta(hours=1), None),
    ]


class Box:
    """A collector's connection that keeps what it was given, and at last refuses."""

    def __init__(self, most: int = 10_000) -> None:
        self.bodies: list[bytes] = []
        self.most = most

    def push(self, body: bytes) -> object:
        if len(self.bodies) >= self.most:
            raise PushRefused("401: no such token")
        self.bodies.append(body)
        return {}


def test_live_batches_follow_each_other_without_gap_or_overlap() -> None:
    radio = radio_of(SMALL[1], datetime(2026, 1, 15, tzinfo=UTC))
    start = radio.town.anchor * 1000
    whole, pieces = Box(), Box()
    feed.Feed(radio, {"birkelse-1": whole}, start).push_until(start + 600_000)
    live = feed.Feed(radio, {"birkelse-1": pieces}, start)
    told = sum(live.push_until(start + ms) for ms in range(7_000, 600_001, 593_000 // 8))
    told += live.push_until(start + 600_000)
    assert whole.bodies == pieces.bodies
    assert told == sum(len(json.loads(body)["telegrams"]) for body in whole.bodies)
    assert told > 0


def test_after_a_standstill_the_gap_is_history() -> None:
    radio = radio_of(SMALL[1], datetime(2026, 1, 15, tzinfo=UTC))
    now = [float(radio.town.anchor)]
    caught: list[float] = []
    said: list[str] = []
    naps = iter([2.0, 2.0, 3600.0, 60.0, 600.0])

    def sleep(seconds: float) -> None:
        assert seconds == 2.0
        now[0] += next(naps)

    box = Box(most=4)
    live = feed.Feed(radio, {"birkelse-1": box}, int(now[0] * 1000))
    feed.run([live], lambda: caught.append(now[0]), said.append, lambda: now[0], sleep)
    assert caught == [radio.town.anchor + 3604]
    assert len(box.bodies) == 4
    assert said == ["READY refuses the demo's telegrams, so it stops: 401: no such token"]


def test_feeding_a_demo_that_is_not_there_says_so() -> None:
    with pytest.raises(CommandError, match="run demo_seed"):
        call_command("demo_feed", no_history=True)


def test_the_office_has_done_its_work_once(tmp_path: Path) -> None:
    """A reading by hand and its correction, an estimated gap, somebody who moved."""
    set_up(tmp_path, SMALL[:1])
    now = timezone.now()
    past = Past.of(SMALL[0])
    newest_days(past, now)

    def done() -> list[object]:
        with tenant_context(past.tenant.pk):
            return [
                list(Version.objects.order_by("ts", "number").values_list("act", "actor_name")),
                list(Estimation.objects.values_list("register", "undone_at")),
                Occupancy.objects.filter(ends_at=None).count(),
                Occupancy.objects.exclude(ends_at=None).count(),
            ]

    office_work(past, now)
    first = done()
    assert first[0] == [(Version.Act.ENTERED, "demo_seed"), (Version.Act.EDITED, "demo_seed")]
    assert first[1:] == [[("e1", None)], 1, 1]
    office_work(past, now)
    assert done() == first


def test_the_weather_goes_on_where_it_was_and_is_the_towns(tmp_path: Path) -> None:
    set_up(tmp_path, SMALL)
    past = Past.of(SMALL[1])
    now = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
    assert tell_weather(past, now) == 31 * MONTHS * 24
    assert tell_weather(past, now) == 0
    assert tell_weather(past, now + timedelta(hours=2)) == 2
    with tenant_context(past.tenant.pk):
        newest = OutdoorHour.objects.order_by("ts").last()
    assert newest is not None
    # The hour from 13 to 14 ended; the one that runs is not known yet.
    assert newest.ts == datetime(2026, 7, 1, 13, tzinfo=UTC)
    weather = past.radio.town.streams.weather
    weather.reach(hour_of(int(newest.ts.timestamp())) + 1)
    assert newest.temperature == weather.hourly[hour_of(int(newest.ts.timestamp()))]
