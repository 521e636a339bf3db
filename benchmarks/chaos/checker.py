"""Ledger against database: every acknowledged item exactly once, every digit right."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

# collectors.outcomes.Outcome, repeated here on purpose: the judge does not ask the accused.
STORED, MERGED, DUPLICATE = 1, 2, 3
UNKNOWN_METER, WRONG_KEY, BROKEN = 16, 18, 20
_RIGHT = {
    "reading": {STORED, MERGED, DUPLICATE},
    "unknown": {UNKNOWN_METER},
    "wrong_key": {WRONG_KEY},
    "broken": {BROKEN},
}
_HEARD = {"reading", "wrong_key"}

Link = psycopg.Connection[tuple[Any, ...]]
Truth = dict[tuple[int, int, datetime], tuple[int, int]]  # tenant, meter, instant → E1, V1


@dataclass
class Verdict:
    """What the comparison found; all counts of wrongs must be 0."""

    acked: int = 0
    stored_batches: int = 0
    readings: int = 0
    lost: int = 0
    double: int = 0
    wrong: int = 0
    pending: int = 0
    sums_equal: bool = False
    examples: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.double or self.wrong or self.pending) and self.sums_equal

    def blame(self, kind: str, count: int, example: str) -> None:
        """Count a wrong and keep some examples."""
        setattr(self, kind, getattr(self, kind) + count)
        if len(self.examples) < 20:
            self.examples.append(f"{kind}: {example}")


def _lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # the client was stopped in the middle of it
    return found


def pending(link: Link) -> int:
    """Batches and replays that still wait."""
    row = link.execute(
        """SELECT (SELECT count(*) FROM collectors_pendingwork)
                + (SELECT count(*) FROM meters_replaywanted)"""
    ).fetchone()
    assert row is not None
    return int(row[0])


def check(link: Link, folder: Path) -> Verdict:
    """Compare all that was sent and acknowledged with all that is stored."""
    verdict = Verdict()
    town = json.loads((folder / "town.json").read_text())
    sent = {(line["tenant"], line["digest"]): line for line in _lines(folder / "sent.jsonl")}
    acked = {(line["tenant"], line["digest"]): line for line in _lines(folder / "acked.jsonl")}
    verdict.acked = sum(line["items"] for line in acked.values())
    verdict.pending = pending(link)
    outcomes = _batches(link, town, verdict)
    waiting = _waiting(link, town)
    for key in acked.keys() - outcomes.keys():
        verdict.blame("lost", acked[key]["items"], f"batch {key} was acknowledged and is not there")
    for key in outcomes.keys() - sent.keys():
        verdict.blame("wrong", 1, f"batch {key} was never sent")
    truth: Truth = {}
    heard: Counter[int] = Counter()
    unanswered: Truth = {}
    for key, line in sent.items():
        tenant = town[line["tenant"]]
        told = line["told"]
        if key in outcomes and key not in waiting:
            _items(key, told, outcomes[key], verdict)
            heard[tenant["id"]] += sum(one["expect"] in _HEARD for one in told)
        # What waits is no loss yet; that it waits is wrong enough.
        settled = key not in waiting and (key in outcomes or key in acked)
        where = truth if settled else unanswered
        for one in told:
            if one["expect"] == "reading":
                place = (
                    tenant["id"],
                    tenant["meters"][one["number"]],
                    datetime.fromisoformat(one["at"]),
                )
                where[place] = (one["e1"], one["v1"])
    _readings(link, truth, unanswered, verdict)
    _receptions(link, heard, verdict)
    return verdict


def _waiting(link: Link, town: dict[str, Any]) -> set[tuple[str, str]]:
    names = {facts["id"]: name for name, facts in town.items()}
    rows = link.execute(
        """SELECT b.tenant_id, encode(b.digest, 'hex') FROM collectors_pendingwork w
           JOIN collectors_inboundbatch b ON b.tenant_id = w.tenant_id
            AND b.received_on = w.received_on AND b.id = w.batch_id"""
    ).fetchall()
    return {(names[tenant_id], digest) for tenant_id, digest in rows}


def _batches(
    link: Link, town: dict[str, Any], verdict: Verdict
) -> dict[tuple[str, str], bytes | None]:
    names = {facts["id"]: name for name, facts in town.items()}
    found: dict[tuple[str, str], bytes | None] = {}
    rows = link.execute(
        "SELECT tenant_id, encode(digest, 'hex'), outcomes FROM collectors_inboundbatch"
    ).fetchall()
    verdict.stored_batches = len(rows)
    for tenant_id, digest, outcomes in rows:
        key = (names[tenant_id], digest)
        if key in found:
            verdict.blame("double", 1, f"batch {key} is there twice")
        found[key] = None if outcomes is None else bytes(outcomes)
    return found


def _items(
    key: tuple[str, str], told: list[dict[str, Any]], outcomes: bytes | None, verdict: Verdict
) -> None:
    if outcomes is None or len(outcomes) != len(told) or 0 in outcomes:
        verdict.blame("lost", len(told), f"batch {key}: not every item has its outcome")
        return
    for place, (one, outcome) in enumerate(zip(told, outcomes, strict=True)):
        if outcome not in _RIGHT[one["expect"]]:
            verdict.blame("wrong", 1, f"batch {key} item {place}: {one['expect']} became {outcome}")


def _readings(link: Link, truth: Truth, unanswered: Truth, verdict: Verdict) -> None:
    stored: Truth = {}
    for tenant, meter, at, e1, v1 in link.execute(
        "SELECT tenant_id, meter_id, ts, e1, v1 FROM readings_reading"
    ):
        place = (tenant, meter, at)
        verdict.readings += 1
        if place in stored:
            verdict.blame("double", 1, f"reading {place}")
        stored[place] = (e1, v1)
    for place, values in truth.items():
        there = stored.get(place)
        if there is None:
            verdict.blame("lost", 1, f"reading {place}")
        elif there != values:
            verdict.blame("wrong", 1, f"reading {place}: {there}, not {values}")
    for place in stored.keys() - truth.keys():
        if unanswered.get(place) != stored[place]:
            verdict.blame("wrong", 1, f"reading {place}: nobody sent it")
    sums = [
        tuple(sum(values[column] for values in those.values()) for column in (0, 1))
        for those in (truth, {place: stored[place] for place in stored.keys() & truth.keys()})
    ]
    verdict.sums_equal = sums[0] == sums[1]


def _receptions(link: Link, heard: Counter[int], verdict: Verdict) -> None:
    """Each telegram of a known meter was counted once as heard: work done twice shows here."""
    rows = link.execute(
        "SELECT tenant_id, sum(telegrams)::int FROM readings_heardday GROUP BY tenant_id"
    ).fetchall()
    counted = {tenant_id: int(telegrams) for tenant_id, telegrams in rows}
    for tenant_id, count in heard.items():
        over = counted.get(tenant_id, 0) - count
        if over > 0:
            verdict.blame("double", over, f"utility {tenant_id}: counted {over} too many as heard")
        elif over < 0:
            verdict.blame("lost", -over, f"utility {tenant_id}: {-over} not counted as heard")
