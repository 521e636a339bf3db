"""The rule's worked cases, to the last digit.

`vectors/consumption.json` holds the facts of ../shared/analysis/vectors/01_consumption.json in
rows; where that folder is there, the copy is held against it.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from readings.rules import (
    BucketSize,
    Installation,
    Note,
    Point,
    RegisterLimits,
    Source,
    consumption,
    join,
    label,
    series_of,
    total,
)

HERE = Path(__file__).parent / "vectors"
SHARED = Path(__file__).parents[3] / "shared" / "analysis" / "vectors"
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
# Base units (joule, millilitre) in one of the unit that a meter sent.
BASE = {
    "kWh": Fraction(3_600_000),
    "MWh": Fraction(3_600_000_000),
    "GJ": Fraction(1_000_000_000),
    "m3": Fraction(1_000_000),
}
# Base units in one of the unit that the cases expect.
EXPECTED_UNIT = {"E": Fraction(3_600_000), "V": Fraction(1_000_000)}
SOURCES = {
    "operator": Source.OPERATOR,
    "meter_log": Source.METER_LOG,
    "network": Source.NETWORK,
    "driveby": Source.DRIVE_BY,
    "import": Source.IMPORT,
    "manual": Source.MANUAL,
}


def facts(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases without their words: what goes in and what must come out."""
    return [
        {
            "id": case["id"],
            "readings": [
                [
                    one["meter"],
                    one["register"],
                    one["ts"],
                    one["raw"],
                    one["scale"],
                    one["unit"],
                    one["source"],
                    one.get("received", one["ts"]),
                ]
                for one in case["readings"]
            ],
            "installations": case.get("installations", []),
            "bridge": case.get("bridge", {}).get("value", "0"),
            "expected": [
                {
                    "bucket": view["bucket"],
                    "window": view["window"],
                    "as_of": view["as_of"],
                    "notes": view["notes"],
                    "sum": view["sum"],
                    "rows": [
                        [
                            row["start"],
                            row["end"],
                            row["start_local"],
                            row["exact"],
                            row["quality"],
                            row["flags"],
                            row.get("known_part"),
                        ]
                        for row in view["rows"]
                    ],
                }
                for view in case["expected"]
            ],
        }
        for case in cases
    ]


CASES: list[dict[str, Any]] = json.loads((HERE / "consumption.json").read_text())


def whole(value: Fraction) -> int:
    assert value.denominator == 1
    return value.numerator


def base(raw: str, scale: int, unit: str) -> int:
    return whole(int(raw) * Fraction(10) ** scale * BASE[unit])


def register(one: dict[str, Any] | None) -> int | None:
    return None if one is None else base(one["raw"], one["scale"], one["unit"])


def time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def points(case: dict[str, Any], meter: str) -> Iterator[Point]:
    for owner, _, at, raw, scale, unit, source, received in case["readings"]:
        if owner == meter:
            yield Point(
                moment(at),
                base(raw, scale, unit),
                base("1", scale, unit),
                SOURCES[source],
                moment(received),
            )


def installations(case: dict[str, Any], as_of: datetime | None) -> list[Installation]:
    stated = case["installations"] or [{"meter": case["readings"][0][0]}]
    unit = EXPECTED_UNIT[case["readings"][0][1][0]]
    found: list[Installation] = []
    for one in stated:
        rate = one.get("max_rate_per_h")
        found.append(
            Installation(
                series=series_of(points(case, one["meter"]), as_of),
                starts_at=time(one.get("from")),
                ends_at=time(one.get("to")),
                start_register=register(one.get("start")),
                end_register=register(one.get("end")),
                limits=RegisterLimits(
                    digits=one.get("digits"),
                    max_rate=None if rate is None else whole(Fraction(rate) * unit),
                ),
                bridge=Fraction(case["bridge"]) * unit if found else Fraction(0),
            )
        )
    return found


VIEWS = [
    pytest.param(case, view, id=f"{case['id']}-{view['bucket']}-{view['as_of'] or 'now'}")
    for case in CASES
    for view in case["expected"]
]


@pytest.mark.parametrize(("case", "view"), VIEWS)
def test_a_case_is_reproduced_exactly(case: dict[str, Any], view: dict[str, Any]) -> None:
    unit = EXPECTED_UNIT[case["readings"][0][1][0]]
    start, end = map(moment, view["window"])
    meters = installations(case, time(view["as_of"]))
    buckets = consumption(meters, start, end, BucketSize(view["bucket"]), COPENHAGEN)

    assert len(buckets) == len(view["rows"])
    for bucket, row in zip(buckets, view["rows"], strict=True):
        begins, ends, local, exact, quality, flags, known = row
        assert (bucket.start, bucket.end) == (moment(begins), moment(ends))
        assert label(bucket.start, COPENHAGEN)[:5] == local[11:16]
        value = None if bucket.value is None else bucket.value / unit
        assert value == (None if exact is None else Fraction(exact))
        assert (bucket.quality.value, list(bucket.flags)) == (quality, flags)
        told = None if bucket.known is None else round(bucket.known / unit, 6)
        assert told == (None if known is None else Fraction(known))
    assert round(total(buckets).value / unit, 6) == Fraction(view["sum"])
    assert [(note.at, note.code.value) for note in join(meters).notes] == [
        (moment(at), code) for at, code in view["notes"]
    ]
    assert all(isinstance(note, Note) for note in join(meters).notes)


def test_there_are_the_27_cases_that_were_given() -> None:
    assert len({case["id"] for case in CASES}) == 27


@pytest.mark.skipif(not SHARED.is_dir(), reason="the knowledge folder is not beside the checkout")
def test_the_copy_says_what_the_source_says() -> None:
    source = json.loads((SHARED / "01_consumption.json").read_text())
    assert facts(source["cases"]) == CASES
