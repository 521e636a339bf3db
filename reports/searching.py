"""One search over everything that has a name or a number, a few of each kind.

Each kind is looked through by itself; words in the middle of a name are found, too, so no index
helps: the tables are read, which at 100,000 meters takes some tens of milliseconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import F, FilteredRelation, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from collectors.models import Collector
from meters.models import Customer, Installation, Meter, MeterGroup, SupplyPoint
from ready.policy import Rights, can

EACH = 5
LEAST = 2  # letters
MOST = 100
_SERIAL = frozenset("0123456789ABCDEF")


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: its name, what tells it from others, and its address."""

    name: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What was found of one kind; more: the address of a list with all of them, or ""."""

    label: Promise | str
    icon: str
    hits: Sequence[Hit]
    more: str = ""


def search(words: str, slug: str, rights: Rights | None) -> list[Kind]:
    """What is found, by kind; kinds with nothing are left out."""
    words = " ".join(words.replace("\x00", "").split())[:MOST]
    if len(words) < LEAST:
        return []
    kinds: list[Callable[[str, str], Kind]] = [_meters, _addresses, _groups]
    if can(rights, "customers.view"):
        kinds.insert(1, _customers)
    if can(rights, "operation.view"):
        kinds += [_collectors, _telegrams]
    return [found for kind in kinds if (found := kind(words, slug)).hits]


def _list_url(slug: str, **query: str) -> str:
    return f"{reverse('meters:list', args=[slug])}?{urlencode(query)}"


def _meters(words: str, slug: str) -> Kind:
    rows = (
        Meter.objects.alias(
            open=FilteredRelation("installations", condition=Q(installations__ends_at=None))
        )
        .filter(number__icontains=words.replace(" ", ""))
        .order_by("number", "pk")
        .values_list("pk", "number", "meter_type", "open__supply_point__street")
    )
    found = list(rows[: EACH + 1])
    hits = [
        Hit(
            number,
            " · ".join(part for part in (kind, street) if part),
            reverse("meters:detail", args=[slug, pk]),
        )
        for pk, number, kind, street in found[:EACH]
    ]
    more = _list_url(slug, q=words, **{"in": "serial"}) if len(found) > EACH else ""
    return Kind(_("Meters"), "meters", hits, more)


def _customers(words: str, slug: str) -> Kind:
    rows = (
        Customer.objects.filter(Q(name__icontains=words) | Q(number__icontains=words))
        .order_by("name_key", "pk")
        .values_list("name", "number")
    )
    found = list(rows[: EACH + 1])
    hits = [
        Hit(name, number, _list_url(slug, q=number, **{"in": "customer_number"}))
        for name, number in found[:EACH]
    ]
    more = _list_url(slug, q=words, **{"in": "customer"}) if len(found) > EACH else ""
    return Kind(_("Customers"), "person", hits, more)


def _addresses(words: str, slug: str) -> Kind:
    places = list(
        SupplyPoint.objects.filter(street__icontains=words)
        .order_by("street_key", "pk")
        .values_list("pk", "street", "postal_code", "city")[: EACH + 1]
    )
    mounted: dict[int, list[int]] = {}
    for place, meter in Installation.objects.filter(
        supply_point__in=[row[0] for row in places], ends_at=None
    ).values_list("supply_point", F("meter")):
        mounted.setdefault(place, []).append(meter)
    hits = []
    for pk, street, postal_code, city in places[:EACH]:
        here = mounted.get(pk, [])
        # A place with one meter leads to it; one with several, to the list of them.
        url = (
            reverse("meters:detail", args=[slug, here[0]])
            if len(here) == 1
            else _list_url(slug, q=street, **{"in": "address"})
        )
        hits.append(Hit(street, f"{postal_code} {city}".strip(), url))
    more = _list_url(slug, q=words, **{"in": "address"}) if len(places) > EACH else ""
    return Kind(_("Addresses"), "place", hits, more)


def _groups(words: str, slug: str) -> Kind:
    rows = MeterGroup.objects.filter(name__icontains=words).order_by("name_key", "pk")[:EACH]
    return Kind(
        _("Groups"),
        "list",
        [Hit(one.name, str(one.size), _list_url(slug, group=str(one.pk))) for one in rows],
    )


def _collectors(words: str, slug: str) -> Kind:
    rows = Collector.objects.filter(name__icontains=words).order_by("name", "pk")[:EACH]
    address = reverse("collectors:list", args=[slug])
    return Kind(
        _("Collectors"),
        "collector",
        [Hit(one.name, str(one.get_type_display()), address) for one in rows],
    )


def _telegrams(words: str, slug: str) -> Kind:
    number = words.upper()
    if len(number) != 8 or not set(number) <= _SERIAL:
        return Kind(_("Telegrams"), "signal", [])
    address = f"{reverse('collectors:telegrams', args=[slug])}?{urlencode({'meter': number})}"
    return Kind(_("Telegrams"), "signal", [Hit(number, "", address)])
