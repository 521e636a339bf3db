"""Key doctor: every meter that cannot be read, why, and what helps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from collectors.outcomes import Outcome
from meters.models import Installation, Meter, MeterKey
from ready.web.lists import PAGE_SIZE, Column, ListState, Page


@dataclass(frozen=True, slots=True)
class Ailment:
    """Why a meter cannot be read. `key` is its name in the address; `cure` is what to do."""

    key: str
    label: Promise | str
    cure: Promise | str
    alarm: bool = True


AILMENTS = (
    Ailment(
        "no_key",
        _("No key"),
        _("Import the key file that came with the meter."),
    ),
    Ailment(
        "wrong_key",
        _("Wrong key"),
        _("Import the right key: the stored one does not open what the meter sends."),
    ),
    Ailment(
        "waiting",
        _("Waiting for full frame"),
        _("Nothing: the next full frame, usually within minutes, explains the short ones."),
        alarm=False,
    ),
    Ailment(
        "unsupported",
        _("Unknown packet"),
        _("Open a telegram in the inspector and report its bytes: READY does not know this kind."),
    ),
    Ailment(
        "never",
        _("Never heard"),
        _("Check the serial number, and whether a collector is within reach."),
        alarm=False,
    ),
    Ailment(
        "other",
        _("Something else"),
        _("Look at the meter's last telegrams: each says what is wrong with it."),
    ),
)
BY_KEY = {ailment.key: ailment for ailment in AILMENTS}
_TROUBLES = {
    Outcome.NO_KEY: "no_key",
    Outcome.WRONG_KEY: "wrong_key",
    Outcome.WAITING: "waiting",
    Outcome.UNSUPPORTED: "unsupported",
}

LIST_COLUMNS = (
    Column("serial", _("Serial number"), searchable=True),
    Column("meter_type", _("Meter type"), searchable=True),
    Column("address", _("Address"), sortable=False),
    Column("ailment", _("Why"), sortable=False),
    Column("key", _("Key"), sortable=False),
    Column("heard_at", _("Last heard")),
    Column("cure", _("What to do"), sortable=False),
)
DEFAULT_SORT = "serial"
_ORDER = {"serial": "number", "meter_type": "meter_type", "heard_at": "state__heard_at"}


@dataclass(frozen=True, slots=True)
class Patient:
    """A meter that cannot be read. address: "" for one that is not mounted."""

    meter_id: int
    serial: str
    meter_type: str
    address: str
    ailment: Ailment
    has_key: bool
    heard_at: datetime | None


def _patients() -> QuerySet[Any]:
    """Meters whose last telegram could not be read, and mounted ones that were never heard."""
    found: QuerySet[Any] = Meter.objects.filter(
        Q(state__trouble__isnull=False) | Q(state__heard_at__isnull=True, in_stock=False)
    )
    annotated: QuerySet[Any] = found.annotate(
        ailment=Case(
            *(When(state__trouble=outcome, then=Value(key)) for outcome, key in _TROUBLES.items()),
            When(state__trouble__isnull=True, then=Value("never")),
            default=Value("other"),
            output_field=CharField(),
        )
    )
    return annotated


def counts() -> dict[str, int]:
    """How many meters have each ailment; "" counts all."""
    told = {
        row["ailment"]: row["number_of"]
        for row in _patients().values("ailment").annotate(number_of=Count("pk")).order_by()
    }
    return {"": sum(told.values()), **{one.key: told.get(one.key, 0) for one in AILMENTS}}


def patients(state: ListState, known: dict[str, int]) -> Page[Patient]:
    """A page of them. `known` are the `counts`, which spare counting the plain lists."""
    show = state.filters.get("show", "")
    found = _patients()
    if show in BY_KEY:
        found = found.filter(ailment=show)
    if state.query:
        by_number = Q(number__icontains=state.query.upper())
        by_type = Q(meter_type__icontains=state.query)
        found = found.filter(
            {"serial": by_number, "meter_type": by_type}.get(state.search_in, by_number | by_type)
        )
        total = found.count()
    else:
        total = known.get(show, known[""])
    order = ("-" if state.descending else "") + _ORDER[state.sort]
    chosen = found.annotate(
        has_key=Exists(MeterKey.objects.filter(meter=OuterRef("pk")))
    ).select_related("state")
    rows = list(chosen.order_by(order, "pk")[state.offset : state.offset + PAGE_SIZE])
    places = _addresses([meter.pk for meter in rows])
    return Page(
        [
            Patient(
                meter_id=meter.pk,
                serial=f"{meter.manufacturer} {meter.number}",
                meter_type=meter.meter_type,
                address=places.get(meter.pk, ""),
                ailment=BY_KEY[meter.ailment],
                has_key=meter.has_key,
                heard_at=meter.state.heard_at,
            )
            for meter in rows
        ],
        total,
        state,
    )


def _addresses(meter_ids: Sequence[int]) -> dict[int, str]:
    return {
        one.meter_id: str(one.supply_point)
        for one in Installation.objects.filter(meter__in=meter_ids, ends_at=None).select_related(
            "supply_point"
        )
    }
