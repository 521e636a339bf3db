"""From a pushed, encrypted telegram to a stored reading, over the real endpoint and pipeline."""

import base64
import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

import wmbus
from collectors import pipeline, tokens
from collectors.models import Collector, InboundBatch, PendingWork, Telegram
from collectors.outcomes import Outcome
from meters.models import Meter, MeterState
from meters.services import set_key
from notifications.models import InfoCodePeriod
from readings.models import Finding, Kind, Reading
from readings.rules.validation import Rule
from ready.accounts import floods
from ready.audit.models import AuditEntry
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from wmbus import encode

PUSH = "/api/v1/collect/telegrams"
KEY = bytes(range(16))
# E1 in 10 kWh… the headers of a MULTICAL 603: E1 kWh, E8, E9, V1 0.01 m³, T1, T2, info.
HEADERS = bytes.fromhex("040604FF0704FF080414043B0259025D04FF22")
WATER = bytes.fromhex("02FF2004134413615B6167")


def telegram(
    number: str,
    energy: int,
    *,
    session: int = 1,
    compact: bool = False,
    key: bytes = KEY,
    info: int = 0,
) -> bytes:
    """A MULTICAL 603's telegram: `energy` in kWh."""
    address = wmbus.Address("KAM", number, 0x34, 0x04)
    values = [energy, energy * 2, energy, energy * 3, 120, 6512, 3456, info]
    if compact:
        return encode.kamstrup_compact(
            address, wmbus.Key(key), HEADERS, values, session=session, access=session & 255
        )
    data = encode.records(HEADERS, values)
    return encode.kamstrup_full(
        address, wmbus.Key(key), data, session=session, access=session & 255
    )


def item(frame: bytes, at: datetime, **fields: Any) -> dict[str, Any]:
    """A telegram in the native format."""
    return {"telegram": frame.hex(), "timestamp": at.isoformat(), "rssi_dbm": -71, **fields}


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A moment of yesterday, so that nothing lies in the future."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return datetime(
        yesterday.year, yesterday.month, yesterday.day, hour, minute, second, tzinfo=UTC
    )


def work() -> None:
    """What a worker does until nothing is left."""
    turns = pipeline.Turns()
    while pipeline.work_one(turns) or pipeline.replay_some(turns) or factories.replays_wanted():
        pass


class Box:
    """A collector that pushes."""

    def __init__(self, token: str) -> None:
        self.client = Client()
        self.headers = {"Authorization": f"Bearer {token}"}

    def push(self, items: Iterable[Any], *, status: int = 200) -> dict[str, Any]:
        """Push native JSON; the answer."""
        return self.send(json.dumps({"telegrams": list(items)}).encode(), status=status)

    def send(
        self, body: bytes, *, status: int, content_type: str = "application/json", **headers: str
    ) -> dict[str, Any]:
        """Push any body; the answer."""
        response = self.client.post(
            PUSH, body, content_type=content_type, headers={**self.headers, **headers}
        )
        assert response.status_code == status, response.content
        answer: dict[str, Any] = response.json()
        return answer


@pytest.fixture
def box(committed: None, aalund: Tenant) -> Box:
    with tenant_context(aalund.pk):
        return Box(factories.token(factories.collector()))


def readings(tenant: Tenant) -> list[Reading]:
    with tenant_context(tenant.pk):
        return list(Reading.objects.order_by("meter_id", "ts"))


def outcomes(tenant: Tenant) -> list[int]:
    with tenant_context(tenant.pk):
        return [
            code
            for batch in InboundBatch.objects.order_by("id")
            for code in bytes(batch.outcomes or b"")
        ]


class TestATelegram:
    def test_becomes_a_reading(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            meter = factories.meter(number="63000001", key=KEY)
        answer = box.push([item(telegram("63000001", 4711), at(9, 0, 12))])
        assert (answer["accepted"], answer["rejected"]) == (1, [])
        work()
        (reading,) = readings(aalund)
        assert reading.meter_id == meter.pk
        assert reading.ts == at(9, 0, 12)
        assert reading.e1 == 4711 * 3_600_000
        assert reading.v1 == 4711 * 3 * 10_000
        assert (reading.e8, reading.e9) == (9422, 4711)
        assert (reading.t1, reading.t2) == (65_120, 34_560)
        assert reading.flow1 == 120 * 1000
        assert outcomes(aalund) == [Outcome.STORED]
        with tenant_context(aalund.pk):
            state = MeterState.objects.get(meter=meter)
            assert (state.e1, state.read_at) == (reading.e1, reading.ts)
            assert (state.heard_at, state.rssi_dbm) == (at(9, 0, 12), -71)
            kept = Telegram.objects.get()
            assert (kept.meter_id, kept.reading_at) == (meter.pk, reading.ts)
            assert not PendingWork.objects.exists()

    def test_is_promised_only_after_the_commit(self, box: Box, aalund: Tenant) -> None:
        box.push([item(telegram("63000001", 1), at(9))])
        with tenant_context(aalund.pk):
            batch = InboundBatch.objects.get()
            assert (batch.items, batch.outcomes) == (1, None)
        assert PendingWork.objects.count() == 1

    def test_sent_again_is_a_no_op_with_the_same_answer(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        batch = [item(telegram("63000001", 5), at(9))]
        first = box.push(batch)
        work()
        assert box.push(batch) == first
        work()
        assert len(outcomes(aalund)) == 1

    def test_the_same_bytes_from_a_box_without_a_clock_are_a_new_telegram_later(
        self, box: Box, aalund: Tenant
    ) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
            Collector.objects.update(forwards_at_once=True)
        batch = [{"telegram": telegram("63000001", 5).hex()}]
        first = box.push(batch)
        assert box.push(batch) == first  # the box heard no answer and sends again
        work()
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)):
            box.push(batch)
            work()
        assert [reading.e1 for reading in readings(aalund)] == [5 * 3_600_000] * 2

    def test_told_by_two_collectors_is_one_reading(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
            other = Box(factories.token(factories.collector()))
        frame = telegram("63000001", 5)
        box.push([item(frame, at(9, 0, 1))])
        other.push([item(frame, at(9, 0, 1)), item(frame, at(9, 0, 2))])
        work()
        assert len(readings(aalund)) == 1
        assert outcomes(aalund) == [Outcome.STORED, Outcome.DUPLICATE, Outcome.CONDENSED]

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
    def test_of_one_interval_the_earliest_stays(
        self, box: Box, aalund: Tenant, order: tuple[int, ...]
    ) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        told = [
            item(telegram("63000001", 100 + n, session=n + 1), at(9, 20 * n, 5)) for n in range(3)
        ]
        for n in order:
            box.push([told[n]])
            work()
        (reading,) = readings(aalund)
        assert reading.e1 == 100 * 3_600_000
        with tenant_context(aalund.pk):
            assert MeterState.objects.get().e1 == 102 * 3_600_000  # the newest still shows
            assert [one.reading_at for one in Telegram.objects.filter(outcome=Outcome.STORED)] == [
                reading.ts
            ]

    def test_in_a_compact_frame_waits_for_the_full_one(self, box: Box, aalund: Tenant) -> None:
        headers = bytes.fromhex("0406041404220259")  # a layout that nobody ships
        address = wmbus.Address("KAM", "63000001", 0x34, 0x04)
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        compact = encode.kamstrup_compact(
            address, wmbus.Key(KEY), headers, [7, 8, 9, 10], session=1, access=1
        )
        box.push([item(compact, at(8))])
        work()
        assert outcomes(aalund) == [Outcome.WAITING]
        for session, hour in ((2, 9), (3, 10)):
            full = encode.kamstrup_full(
                address,
                wmbus.Key(KEY),
                encode.records(headers, [17, 18, 19, 20]),
                session=session,
                access=session,
            )
            box.push([item(full, at(hour))])
            work()
        assert [reading.e1 for reading in readings(aalund)] == [
            7 * 3_600_000,
            17 * 3_600_000,
            17 * 3_600_000,
        ]
        assert set(outcomes(aalund)) == {Outcome.STORED}


class TestQuarantine:
    def test_names_the_reason(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
            factories.meter(number="63000002")
            factories.meter(number="63000003", key=bytes(16))
        future = datetime.now(UTC) + timedelta(hours=1)
        answer = box.push(
            [
                item(telegram("63000009", 1), at(9)),
                item(telegram("63000002", 1), at(9)),
                item(telegram("63000003", 1), at(9)),
                item(telegram("63000001", 1), future),
                {"telegram": telegram("63000001", 1).hex()},
                {"telegram": "XYZ"},
                item(telegram("63000001", 1)[:40], at(9)),
            ]
        )
        assert [one["index"] for one in answer["rejected"]] == [5]
        work()
        assert outcomes(aalund) == [
            Outcome.UNKNOWN_METER,
            Outcome.NO_KEY,
            Outcome.WRONG_KEY,
            Outcome.IMPLAUSIBLE,
            Outcome.NO_TIME,
            Outcome.BROKEN,
            Outcome.BROKEN,
        ]
        with tenant_context(aalund.pk):
            assert Telegram.objects.count() == 7
            assert all(one.detail for one in Telegram.objects.exclude(outcome=16))
        assert readings(aalund) == []

    def test_ends_when_the_key_comes(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            meter = factories.meter(number="63000001")
        box.push([item(telegram("63000001", 3), at(9))])
        work()
        with tenant_context(aalund.pk):
            set_key(meter=meter, key=KEY, actor=factories.ACTOR)
        work()
        assert outcomes(aalund) == [Outcome.STORED]
        assert [reading.e1 for reading in readings(aalund)] == [3 * 3_600_000]

    def test_takes_what_does_not_contradict(self, box: Box, aalund: Tenant) -> None:
        """A target date that tells another value than before does not keep the meter from news."""
        headers = HEADERS + bytes.fromhex("4406426C")  # E1 of a target date, and that date
        address = wmbus.Address("KAM", "63000001", 0x34, 0x04)
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        for hour in (8, 9, 10, 11):
            values = [hour, 2, 1, 3, 120, 6512, 3456, 0, 5 if hour < 11 else 6, 0x3141]
            frame = encode.kamstrup_full(
                address,
                wmbus.Key(KEY),
                encode.records(headers, values),
                session=hour,
                access=hour,
            )
            box.push([item(frame, at(hour))])
            work()
        assert outcomes(aalund)[-1] == Outcome.STORED
        with tenant_context(aalund.pk):
            state = MeterState.objects.get()
            assert (state.e1, state.read_at, state.trouble) == (11 * 3_600_000, at(11), None)
            target = Reading.objects.get(kind=Kind.TARGET)
            assert target.e1 == 5 * 3_600_000
            (finding,) = Finding.objects.filter(rule=Rule.CONFLICT)
            assert (finding.ts, finding.value) == (target.ts, 6 * 3_600_000)

    def test_keeps_a_second_value_for_one_instant_away(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        box.push([item(telegram("63000001", 3), at(9))])
        box.push([item(telegram("63000001", 4, session=2), at(9))])
        work()
        assert outcomes(aalund) == [Outcome.STORED, Outcome.IMPLAUSIBLE]
        assert [reading.e1 for reading in readings(aalund)] == [3 * 3_600_000]


class TestInfoCodes:
    def test_are_periods(self, box: Box, aalund: Tenant) -> None:
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY)
        for hour, info in ((8, 0), (9, 1 << 9), (10, 1 << 9), (11, 0)):
            box.push([item(telegram("63000001", hour, session=hour, info=info), at(hour))])
        work()
        with tenant_context(aalund.pk):
            (period,) = InfoCodePeriod.objects.all()
            assert (period.code, period.starts_at, period.ends_at) == (
                "direction_v1",
                at(9),
                at(11),
            )


class TestTenants:
    def test_the_same_address_is_two_meters(
        self, box: Box, aalund: Tenant, birkelse: Tenant
    ) -> None:
        for tenant, key in ((aalund, KEY), (birkelse, bytes(16))):
            with tenant_context(tenant.pk):
                factories.meter(number="63000001", key=key)
                if tenant == birkelse:
                    theirs = Box(factories.token(factories.collector()))
        box.push([item(telegram("63000001", 1), at(9))])
        theirs.push([item(telegram("63000001", 2, key=bytes(16)), at(9))])
        work()
        assert [reading.e1 for reading in readings(aalund)] == [3_600_000]
        assert [reading.e1 for reading in readings(birkelse)] == [2 * 3_600_000]


class TestTheDoor:
    def test_knows_basic_and_bearer(self, box: Box) -> None:
        token = box.headers["Authorization"].removeprefix("Bearer ")
        basic = base64.b64encode(f"gw-7:{token}".encode()).decode()
        box.headers = {"Authorization": f"Basic {basic}"}
        assert box.push([item(telegram("63000001", 1), at(9))])["accepted"] == 1

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer rdy_x_y", "Basic !!", "Basic eDp5", "Bearer rdy_\x00_é"]
    )
    def test_refuses_strangers(self, box: Box, header: str) -> None:
        box.headers = {"Authorization": header}
        problem = box.push([], status=401)
        assert problem["code"] == "token"

    def test_refuses_a_revoked_token(self, box: Box, aalund: Tenant) -> None:
        prefix = box.headers["Authorization"].split("_")[1]
        with tenant_context(aalund.pk):
            collector = Collector.objects.get()
            assert tokens.revoke(collector=collector, prefix=prefix, actor=factories.ACTOR)
        box.push([], status=401)
        with tenant_context(aalund.pk):
            entry = AuditEntry.objects.get(event="collector.token_refused")
        assert entry.outcome == "denied"
        assert entry.object_id == str(collector.pk)
        assert entry.details == {"why": "revoked", "prefix": prefix}

    def test_tells_of_guesses_at_a_token_without_filling_the_trail(
        self, box: Box, aalund: Tenant
    ) -> None:
        token = box.headers["Authorization"]
        box.headers = {"Authorization": token[:-1] + ("A" if token[-1] != "A" else "B")}
        for _ in range(floods.FREE + 30):
            box.push([], status=401)
        with tenant_context(aalund.pk):
            told = AuditEntry.objects.filter(event="collector.token_refused").order_by("pk")
            assert len(told) == floods.FREE + 1
            assert token.split("_")[2] not in str([entry.details for entry in told])
        assert told[floods.FREE].details["times"] == 128

    def test_says_what_is_wrong_where(self, box: Box) -> None:
        problem = box.send(b'{"telegrams": [}', status=400)
        assert problem["code"] == "bad_json"
        assert "byte" in problem["at"] or "line" in problem["at"]

    def test_takes_gzip_and_bounds_it(self, box: Box) -> None:
        body = json.dumps({"telegrams": [item(telegram("63000001", 1), at(9))]}).encode()
        zipped = {"Content-Encoding": "gzip"}
        assert box.send(gzip.compress(body), status=200, **zipped)["accepted"] == 1
        assert box.send(gzip.compress(bytes(9 << 20)), status=413, **zipped)["code"] == "too_large"
        assert box.send(b"no gzip", status=400, **zipped)["code"] == "bad_gzip"

    def test_takes_plain_lines(self, box: Box) -> None:
        answer = box.send(
            telegram("63000001", 1).hex().encode(), status=200, content_type="text/plain"
        )
        assert answer["accepted"] == 1

    def test_refuses_large_bodies(self, box: Box) -> None:
        assert box.send(b" " * (1 << 20) + b"{}", status=413)["code"] == "too_large"


class TestALateMeter:
    def test_is_learned_by_number_not_by_maker_code(self, box: Box, aalund: Tenant) -> None:
        """KAM and KAW are one maker."""
        with tenant_context(aalund.pk):
            factories.meter(number="63000001", key=KEY, medium="water")
        address = wmbus.Address("KAW", "63000001", 0x3A, 0x16)
        frame = encode.kamstrup_full(
            address,
            wmbus.Key(KEY),
            encode.records(WATER, [0, 123456, 120000, 12, 15]),
            session=1,
            access=1,
        )
        box.push([item(frame, at(9))])
        work()
        assert readings(aalund)[0].v1 == 123456 * 1000
        with tenant_context(aalund.pk):
            assert Meter.objects.get().manufacturer == "KAM"
