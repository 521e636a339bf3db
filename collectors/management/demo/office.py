"""What the demo's staff have done: a reading by hand and its correction, an estimated gap, a move,
and two exchanges prepared.

Through the services that pages use, once: a utility that has any of it is left alone.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext as _

from collectors.management.demo.history import Past
from collectors.management.demo.setup import ACTOR
from meters.models import Installation, Medium, Meter, SupplyPoint
from meters.occupancy import change_occupant
from meters.registers import BY_COLUMN
from meters.services import register_customer
from readings.edits import Why, edit_reading, enter_reading
from readings.estimates import fill_gap
from readings.listing import gaps_of, readings_of
from readings.models import Estimation, PlannedExchange, Reading, Version
from readings.planning import plan_exchange
from readings.quality import Reason
from ready.tenancy.context import tenant_context

_LOOKED_AT = 200  # meters; most miss an hour in a week
_ROWS = 160  # a week by the hour
_BACK = timedelta(days=3)


def office_work(past: Past, now: datetime) -> None:
    """Do what is missing of it. Harmless to repeat.

    The months must be written before: history that is imported into a gap ends its estimate.
    """
    with tenant_context(past.tenant.pk):
        if not Version.objects.exists() and not Estimation.objects.exists():
            gaps = _gaps(past)
            _hand_reading(next(gaps, None), now)
            _estimate(past, next(gaps, None), now)
        _move(now)
        if not PlannedExchange.objects.exists():
            with translation.override(past.tenant.language):
                _plan(now.astimezone(ZoneInfo(past.tenant.zone)).date())


def _gaps(past: Past) -> Iterator[tuple[Meter, datetime, datetime]]:
    """Gaps in E1: (meter, the readings on both sides)."""
    mounted = Installation.objects.filter(ends_at=None).values("meter")
    for meter in Meter.objects.filter(pk__in=mounted, medium="heat").order_by("pk")[:_LOOKED_AT]:
        rows = list(readings_of(meter.pk, past.tenant.units, None, _ROWS))
        for before in gaps_of(rows, timedelta(seconds=meter.interval_s)):
            after = min(row.at for row in rows if row.at > before)
            if "e1" in next(row.values for row in rows if row.at == before):
                yield meter, before, after
                break


def _hand_reading(gap: tuple[Meter, datetime, datetime] | None, now: datetime) -> None:
    """Somebody read a silent meter off and swapped two digits; the office put it right."""
    if gap is None:
        return
    meter, before, after = gap
    sides = [Reading.objects.get(meter_id=meter.pk, ts=at).e1 for at in (before, after)]
    right = sides[0] + (sides[1] - sides[0]) // 2
    at = (before + (after - before) / 2).replace(second=0, microsecond=0)
    enter_reading(
        meter=meter,
        at=at,
        values={"e1": sides[0]},
        why=Why(Reason.COMMUNICATION, "Read off the display on the round."),
        actor=ACTOR,
        now=now,
    )
    if right != sides[0]:
        edit_reading(
            meter=meter,
            at=at,
            values={"e1": right},
            why=Why(Reason.MISREAD, "The photo of the display says more."),
            actor=ACTOR,
            now=now,
        )


def _estimate(past: Past, gap: tuple[Meter, datetime, datetime] | None, now: datetime) -> None:
    if gap is None:
        return
    meter, before, _after = gap
    fill_gap(
        meter=meter,
        register=BY_COLUMN["e1"],
        inside=before,
        zone=ZoneInfo(past.tenant.zone),
        reason=Reason.COMMUNICATION,
        note="The radio was away.",
        actor=ACTOR,
        now=now,
    )


def _move(now: datetime) -> None:
    """Somebody moved out three days ago, and somebody else in."""
    place = SupplyPoint.objects.exclude(customer=None).order_by("pk").last()
    if place is None or place.occupancies.exists():
        return
    customer = register_customer(number="900001", name="Ellen Overgaard", actor=ACTOR)
    change_occupant(supply_point=place, customer=customer, at=now - _BACK, actor=ACTOR)


def _plan(today: date) -> None:
    """An exchange for today, its new meter lying ready, and one for next week."""
    mounted = Installation.objects.filter(ends_at=None, meter__medium=Medium.HEAT)
    first, second = mounted.order_by("pk")[10], mounted.order_by("pk")[20]
    stock = Meter.objects.filter(in_stock=True, medium=Medium.HEAT, installations=None)
    for installation, new_meter, day, note in (
        (first, stock.order_by("pk").first(), today, _("The key is at the neighbour's.")),
        (second, None, today + timedelta(days=7), ""),
    ):
        plan_exchange(
            installation=installation,
            new_meter=new_meter,
            planned_on=day,
            note=note,
            actor=ACTOR,
            today=today,
        )
