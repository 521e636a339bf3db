"""Meters on a map: a window's clusters, its list, and how far the utility reaches.

The window is cut into squares of so many pixels; a square with several meters is one cluster that
shows their number and the worst of them. So an answer is as long as the window is wide, whatever
the number of meters. The newest state of all meters is a large table: the layers "state" and
"leak" read only the few rows that are not fine, and of the meters only the few of other makes,
from their indexes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, radians
from typing import Any, Literal

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from meters import listing
from meters.conditions import ALARMS
from meters.counting import utc_day
from meters.models import SupplyPoint
from meters.standing import SILENCE, Shape, Sign, signs
from ready.tenancy.context import current_tenant_id
from ready.web.lists import ListState

MICRO = 1_000_000  # positions are kept in millionths of a degree
CELL_PX = 60  # a cluster keeps at least this far from its neighbours
CLOSE_ZOOM = 17  # from here on single meters, as far as they are few
POINTS_MAX = 1000
ROWS_MAX = 50
ZOOM_MAX = 19

Layer = Literal["state", "cooling", "leak", "signal"]
# A meter's level in a layer: 3 needs somebody, 2 should be looked at, 1 is fine, 0 is not known.
LEVELS = (3, 2, 1, 0)
OTHER = 9  # another make: told apart whatever its state (seed R42)
_SHAPES: dict[int, Shape] = {3: "alarm", 2: "attention", 1: "fine", 0: "unheard", OTHER: "other"}
LAYERS: dict[Layer, tuple[Promise | str, dict[int, Promise | str]]] = {
    "state": (
        _("State"),
        {3: _("Info code"), 2: _("Not read"), 1: _("Read"), OTHER: _("Other make")},
    ),
    "cooling": (
        pgettext_lazy("of the water", "Cooling"),
        {3: _("below 20 K"), 2: _("20 to 30 K"), 1: _("above 30 K"), 0: _("not known")},
    ),
    "leak": (_("Leak"), {3: _("Leak or burst"), 1: _("none")}),
    "signal": (
        _("Signal strength"),
        {3: _("below −95 dBm"), 2: _("−95 to −85 dBm"), 1: _("above −85 dBm"), 0: _("not known")},
    ),
}


def shape_of(layer: Layer, level: int) -> Shape:
    """The shape of a level; a meter that was not read looks as it does in every list."""
    return "unheard" if layer == "state" and level == 2 else _SHAPES[level]


_LEAKS = sorted(code for code in ALARMS if "leak" in code or "burst" in code)
# Layer → the join that its level needs, and the level; `s` is the state's row, if joined.
_STATE = "meters_meterstate s ON s.tenant_id = i.tenant_id AND s.meter_id = i.meter_id"
_FEW = """LEFT JOIN (
    SELECT tenant_id, meter_id, CASE WHEN has_codes THEN 3 ELSE 2 END AS level, conditions
    FROM meters_meterstate
    WHERE tenant_id = %(tenant)s
      AND (has_codes OR trouble IS NOT NULL OR heard_on IS NULL
           OR heard_on <= %(day)s AND heard_at < %(since)s)
) s ON s.tenant_id = i.tenant_id AND s.meter_id = i.meter_id"""
_OTHER_MAKES = """LEFT JOIN (
    SELECT tenant_id, id FROM meters_meter
    WHERE tenant_id = %(tenant)s AND manufacturer <> 'KAM'
) o ON o.tenant_id = i.tenant_id AND o.id = i.meter_id"""
# Of a cooling meter the return is the warmer one: it says nothing about a heating's.
_COOLING_METERS = """LEFT JOIN (
    SELECT tenant_id, id FROM meters_meter
    WHERE tenant_id = %(tenant)s AND medium = 'cooling'
) c ON c.tenant_id = i.tenant_id AND c.id = i.meter_id"""
_LEVEL: dict[Layer, tuple[str, str]] = {
    "state": (
        f"{_FEW} {_OTHER_MAKES}",
        "CASE WHEN o.id IS NOT NULL THEN 9 ELSE coalesce(s.level, 1) END",
    ),
    "leak": (_FEW, "CASE WHEN s.conditions ?| %(leaks)s THEN 3 ELSE 1 END"),
    "cooling": (
        f"LEFT JOIN {_STATE} {_COOLING_METERS}",
        """CASE WHEN c.id IS NOT NULL THEN 0
                WHEN s.t1 - s.t2 < 20000 THEN 3 WHEN s.t1 - s.t2 < 30000 THEN 2
                WHEN s.t1 - s.t2 >= 30000 THEN 1 ELSE 0 END""",
    ),
    "signal": (
        f"LEFT JOIN {_STATE}",
        """CASE WHEN s.rssi_dbm < -95 THEN 3 WHEN s.rssi_dbm < -85 THEN 2
                WHEN s.rssi_dbm >= -85 THEN 1 ELSE 0 END""",
    ),
}


@dataclass(frozen=True, slots=True)
class Window:
    """What of the world is seen: millionths of a degree, and the zoom of web maps (0 to 19)."""

    south: int
    west: int
    north: int
    east: int
    zoom: int

    @classmethod
    def parse(cls, text: str, zoom: str) -> "Window | None":
        """ "south,west,north,east" in degrees; None for what is no window."""
        try:
            south, west, north, east = (float(part) for part in text.split(","))
            level = min(max(int(zoom), 0), ZOOM_MAX)
        except ValueError:
            return None
        if not (-90 <= south <= north <= 90 and -540 <= west <= east <= 540):
            return None  # also where a part is no number
        return cls(
            south=round(south * MICRO),
            west=round(west * MICRO),
            north=round(north * MICRO),
            east=round(east * MICRO),
            zoom=level,
        )

    @property
    def cell(self) -> tuple[int, int]:
        """Height and width of a square, in millionths of a degree."""
        width = 360 * MICRO * CELL_PX / (256 * 2**self.zoom)
        middle = (self.south + self.north) / 2 / MICRO
        return max(1, round(width * max(0.05, cos(radians(middle))))), max(1, round(width))


@dataclass(frozen=True, slots=True)
class Spot:
    """A cluster, or a meter where count is 1 (then with its id and street)."""

    latitude: float
    longitude: float
    count: int
    level: int
    meter: int
    title: str


@dataclass(frozen=True, slots=True)
class MapRow:
    """A meter of the list beside the map."""

    id: int
    street: str
    customer: str
    serial: str
    signs: Sequence[Sign]


def _from(state: ListState, layer: Layer, now: datetime) -> tuple[str, dict[str, Any]]:
    """The meters of a list that stand on the map: FROM and WHERE, without the window."""
    join, _level = _LEVEL[layer]
    parameters: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "since": now - SILENCE,
        "day": utc_day(now - SILENCE),
        "leaks": _LEAKS,
    }
    chosen = ""
    if state.what != "?":
        sql, values = listing.matching(state, now).order_by().values("pk").query.sql_with_params()
        # Django writes %s, we name ours: number them.
        for number, value in enumerate(values):
            sql = sql.replace("%s", f"%(chosen{number})s", 1)
            parameters[f"chosen{number}"] = value
        chosen = f"AND i.meter_id IN ({sql})"
    return (
        f"""FROM meters_supplypoint p
            JOIN meters_installation i ON i.tenant_id = p.tenant_id
                AND i.supply_point_id = p.id AND i.ends_at IS NULL
            {join}
            WHERE p.tenant_id = %(tenant)s AND p.latitude IS NOT NULL
              AND p.longitude IS NOT NULL {chosen}""",
        parameters,
    )


_INSIDE = """AND p.latitude BETWEEN %(south)s AND %(north)s
    AND p.longitude BETWEEN %(west)s AND %(east)s"""


def spots(
    state: ListState, layer: Layer, window: Window, levels: Sequence[int], now: datetime
) -> list[Spot]:
    """What to draw in a window: the meters of a list at some levels (all where none is named)."""
    source, parameters = _from(state, layer, now)
    height, width = window.cell
    parameters |= {
        "south": window.south,
        "north": window.north,
        "west": window.west,
        "east": window.east,
        "height": height,
        "width": width,
        "levels": list(levels) or [*LEVELS, OTHER],
        "points": POINTS_MAX + 1,
    }
    # The fence (OFFSET 0) keeps the level's condition out of the joins: PostgreSQL would take it
    # to leave a fortieth of the meters, and fetch the places of the others one by one.
    inside = f"""SELECT * FROM (
            SELECT p.latitude, p.longitude, i.meter_id AS id, p.id AS place,
                {_LEVEL[layer][1]} AS level {source} {_INSIDE} OFFSET 0
        ) AS seen WHERE level = ANY(%(levels)s)"""
    with connection.cursor() as cursor:
        if window.zoom >= CLOSE_ZOOM:
            cursor.execute(
                f"""SELECT latitude, longitude, 1, level, id, place FROM ({inside}) AS near
                    LIMIT %(points)s""",
                parameters,
            )
            found = cursor.fetchall()
            if len(found) <= POINTS_MAX:
                return _spots(found)
        cursor.execute(
            f"""SELECT avg(latitude)::int, avg(longitude)::int, count(*),
                    CASE WHEN max(level) FILTER (WHERE level < 9) IS NULL THEN 9
                         ELSE max(level) FILTER (WHERE level < 9) END,
                    any_value(id), any_value(place)
                FROM ({inside}) AS clustered
                GROUP BY latitude / %(height)s, longitude / %(width)s""",
            parameters,
        )
        return _spots(cursor.fetchall())


def _spots(rows: Sequence[Any]) -> list[Spot]:
    # Only single meters bear a name: no street is carried through the clusters.
    alone = [place for *_rest, count, _level, _meter, place in rows if count == 1]
    streets = dict(SupplyPoint.objects.filter(pk__in=alone).values_list("pk", "street"))
    return [
        Spot(latitude / MICRO, longitude / MICRO, count, level, meter, streets.get(place, ""))
        for latitude, longitude, count, level, meter, place in rows
    ]


def rows(
    state: ListState, layer: Layer, window: Window, levels: Sequence[int], now: datetime
) -> list[MapRow]:
    """The first meters in a window, the loudest first, then by street."""
    source, parameters = _from(state, layer, now)
    parameters |= {
        "south": window.south,
        "north": window.north,
        "west": window.west,
        "east": window.east,
        "levels": list(levels) or [*LEVELS, OTHER],
    }
    inside = f"""SELECT i.meter_id AS id, p.street_key, {_LEVEL[layer][1]} AS level
        {source} {_INSIDE}"""
    ids: list[int] = []
    with connection.cursor() as cursor:
        for part in _parts(layer, inside, levels):
            cursor.execute(part, parameters | {"rows": ROWS_MAX - len(ids)})
            ids += [pk for (pk,) in cursor.fetchall()]
            if len(ids) == ROWS_MAX:
                break
    by_id = {
        values[0]: MapRow(
            id=values[0],
            street=values[1] or "",
            customer=values[2] or "",
            serial=values[3],
            signs=signs(
                in_stock=values[4],
                heard_at=values[5],
                conditions=values[6] or [],
                trouble=values[7],
                now=now,
            ),
        )
        for values in listing.rows_of(
            ids,
            "pk",
            "open__supply_point__street",
            "open__supply_point__customer__name",
            "number",
            "in_stock",
            "state__heard_at",
            "state__conditions",
            "state__trouble",
        )
    }
    return [by_id[pk] for pk in ids if pk in by_id]


def _parts(layer: Layer, inside: str, levels: Sequence[int]) -> list[str]:
    """The list beside the map as statements, each of which gives what follows the former's rows."""
    if _FEW not in _LEVEL[layer][0]:
        return [
            f"""SELECT id FROM ({inside} OFFSET 0) AS seen WHERE level = ANY(%(levels)s)
                ORDER BY mod(level, 9) DESC, street_key, id LIMIT %(rows)s"""
        ]
    # The few that need somebody are found from their indexes alone. Whoever is fine is taken off
    # the streets in their order, until the list is full.
    few = inside.replace(_FEW, _FEW.removeprefix("LEFT "))
    wanted = levels or (*LEVELS, OTHER)
    return [
        f"""SELECT id FROM ({few} OFFSET 0) AS seen
            WHERE level = ANY(%(levels)s) AND level BETWEEN 2 AND 3
            ORDER BY level DESC, street_key, id LIMIT %(rows)s""",
        *(
            f"""SELECT id FROM ({inside} ORDER BY street_key, id OFFSET 0) AS seen
                WHERE level = {level} LIMIT %(rows)s"""
            for level in (1, OTHER)
            if level in wanted
        ),
    ]


def reach() -> tuple[float, float, float, float] | None:
    """South, west, north and east of all places, in degrees; None where no place has a position."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT min(latitude), min(longitude), max(latitude), max(longitude)
               FROM meters_supplypoint
               WHERE tenant_id = %s AND latitude IS NOT NULL AND longitude IS NOT NULL""",
            [current_tenant_id()],
        )
        south, west, north, east = cursor.fetchone()
    if south is None:
        return None
    return south / MICRO, west / MICRO, north / MICRO, east / MICRO
