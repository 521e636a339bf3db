"""The last 30 days of a meter at a glance: one bar a day, for the drawer beside a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from fractions import Fraction

from meters.queries import MeterPage
from meters.registers import Register
from readings import charts, questions
from ready.web import formats
from ready.web.units import UnitChoice

DAYS = 30
HEIGHT = 64
WIDTH = 10  # of a day, the gap after it included


@dataclass(frozen=True, slots=True)
class MonthBar:
    """A day's bar in the picture's own units; height 0 where the day has no value."""

    x: int
    y: int
    height: int
    look: str
    words: str


@dataclass(frozen=True, slots=True)
class Month:
    """The picture, its sum in words, and how many days have no value."""

    register: Register
    bars: Sequence[MonthBar]
    total: str
    unit: str
    missing: int

    @property
    def width(self) -> int:
        return len(self.bars) * WIDTH

    @property
    def height(self) -> int:
        return HEIGHT


def month_of(page: MeterPage, now: datetime, zone: tzinfo, units: UnitChoice) -> Month:
    """The consumption of the last 30 whole days by the meter's chief register."""
    last = now.astimezone(zone).date() - timedelta(days=1)
    first = last - timedelta(days=DAYS - 1)
    asked = {"step": "day", "from": first.isoformat(), "to": last.isoformat()}
    question = questions.ask(page, asked, last, zone)
    answer = questions.answer(question, now, units)
    amounts = [charts.shown(bucket) for bucket in answer.buckets]
    top = max((amount for amount in amounts if amount is not None), default=Fraction(0))
    drawn = []
    for at, (bar, amount) in enumerate(zip(answer.bars, amounts, strict=True)):
        height = 0
        if amount is not None and top > 0:
            height = max(1, int(max(amount, Fraction(0)) / top * HEIGHT))
        words = f"{bar.label}: {bar.text} {answer.unit.name}"
        drawn.append(MonthBar(at * WIDTH, HEIGHT - height, height, bar.look.key, words))
    known = [amount for amount in amounts if amount is not None]
    return Month(
        register=question.register,
        bars=drawn,
        total=formats.quantity(sum(known, Fraction(0)), answer.unit, answer.decimals)
        if known
        else "",
        unit=answer.unit.name,
        missing=sum(amount is None for amount in amounts),
    )
