"""A consumption chart as Plotly wants it, and the table of the same numbers. Pure.

Every bar stands in a slot of its own (`readings.axes`). Colours are named after design tokens
("token:energy"); the browser puts in those of the theme. Numbers travel as decimal text, which
Plotly reads: no value becomes a float on our side.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from fractions import Fraction
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from meters.registers import UNITS, Register, Unit, display_unit
from meters.values import decimals
from readings import axes
from readings.rules.buckets import BucketSize
from readings.rules.curve import Flag
from readings.rules.values import Bucket, Quality
from ready.web import formats
from ready.web.units import UnitChoice

# A register's colour: what it counts, as everywhere in READY.
_TOKENS: Mapping[str, str] = {
    "energy": "energy",
    "volume": "volume",
    "reactive": "electricity",
    "count": "flow-temperature",
}
_ELECTRICITY = ("a_pos", "a_neg")
_MOST_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Look:
    """How a quality is drawn, and the word for it."""

    key: str
    words: Promise | str
    pattern: str = ""
    filled: bool = True


MEASURED = Look("measured", _l("Measured"))
INTERPOLATED = Look("interpolated", _l("Interpolated between readings"), pattern=".")
ESTIMATED = Look("estimated", _l("Estimated over a gap"), pattern="/")
INCOMPLETE = Look("incomplete", _l("Incomplete so far"), filled=False)
MISSING = Look("missing", _l("Missing"))
LOOKS = (MEASURED, INTERPOLATED, ESTIMATED, INCOMPLETE)
MARKS: Mapping[Flag, Promise | str] = {
    Flag.EXCHANGE: _l("Meter exchange"),
    Flag.ROLLOVER: _l("Register overflow"),
    Flag.BRIDGE: _l("Time without a meter"),
    Flag.NEGATIVE_STEP: _l("The register fell"),
    Flag.ESTIMATED: _l("Estimated values"),
    Flag.EDITED: _l("Corrected values"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and the table's row of it. value: in the chart's unit; None where it is missing."""

    start: datetime
    label: str
    text: str  # the value with the language's decimal sign, or a dash
    value: str  # the value for Plotly, or ""
    look: Look
    marks: Sequence[str]
    deeper: str  # the address of the finer chart, or ""


class Event(NamedTuple):
    """What a meter said of itself for a time, as a bar's tooltip tells it: an info code."""

    words: str
    starts_at: datetime
    ends_at: datetime

    def touches(self, bucket: Bucket) -> bool:
        """Whether it was so at any time of a bucket; what began and ended at once was, too."""
        begins = self.starts_at >= bucket.start
        return self.starts_at < bucket.end and (begins or self.ends_at > bucket.start)


def look_of(bucket: Bucket) -> Look:
    """How a bucket is drawn."""
    if bucket.numerator is None:
        partly = bucket.known is not None and Flag.PARTIAL in bucket.flags
        return INCOMPLETE if partly else MISSING
    return {
        Quality.MEASURED: MEASURED,
        Quality.INTERPOLATED: INTERPOLATED,
        Quality.ESTIMATED: ESTIMATED,
        Quality.NONE: MISSING,
    }[bucket.quality]


def shown(bucket: Bucket) -> Fraction | None:
    """The amount that is drawn: the value, or what is known of an incomplete one."""
    return bucket.known if bucket.numerator is None else bucket.value


def chart_unit(register: Register, buckets: Sequence[Bucket], units: UnitChoice) -> Unit:
    """The utility's unit; but kWh where the bars would be thousandths of a MWh."""
    unit = display_unit(register, units)
    if unit.name == "MWh":
        most = max((abs(value) for one in buckets if (value := shown(one)) is not None), default=0)
        if 0 < most < unit.base:
            return UNITS["energy"][0]
    return unit


def chart_decimals(buckets: Sequence[Bucket], unit: Unit) -> int:
    """As many decimals as the measured values have, one number for all bars."""
    measured = [one.value for one in buckets if one.quality is Quality.MEASURED and one.value]
    found = max((decimals(value, unit) for value in measured), default=decimals(0, unit))
    return min(found, _MOST_DECIMALS)


def bars(
    buckets: Sequence[Bucket],
    size: BucketSize,
    unit: Unit,
    zone: tzinfo,
    deeper: Callable[[datetime], str],
    events: Sequence[Event] = (),
) -> list[Bar]:
    """The buckets as bars. deeper: from a bucket's start to the address of the finer chart."""
    places = chart_decimals(buckets, unit)
    found = []
    for bucket in buckets:
        amount = shown(bucket)
        local = bucket.start.astimezone(zone)
        found.append(
            Bar(
                start=bucket.start,
                label=axes.period_label(local, size, zone),
                text="–" if amount is None else formats.quantity(amount, unit, places),
                value="" if amount is None else formats.fixed(amount / unit.base, places),
                look=look_of(bucket),
                marks=[
                    *(str(words) for flag, words in MARKS.items() if flag in bucket.flags),
                    *dict.fromkeys(one.words for one in events if one.touches(bucket)),
                ],
                deeper=deeper(bucket.start),
            )
        )
    return found


def beside(found: Sequence[Bar], earlier: Sequence[Bar], zone: tzinfo) -> list[Bar | None]:
    """The bars of a year before, one for each of today's: by the calendar, not by counting, so
    that 29 February and the hour that the clocks repeat have none beside them."""

    def place(bar: Bar, years: int) -> tuple[int, ...]:
        local = bar.start.astimezone(zone)
        return (local.year + years, local.month, local.day, local.hour, local.fold)

    there = {place(bar, 1): bar for bar in earlier}
    return [there.get(place(bar, 0)) for bar in found]


@dataclass(frozen=True, slots=True)
class Temperature:
    """A mean outdoor temperature: text for people ("–3,2"), value for Plotly ("-3.2", °C); a dash
    and "" where it is not known."""

    text: str
    value: str


def temperature(mean: Fraction | None) -> Temperature:
    """A mean, 0.01 °C, with one decimal: thermometers tell no more."""
    if mean is None:
        return Temperature("–", "")
    return Temperature(formats.number(mean / 100, 1), formats.fixed(mean / 100, 1))


def token_of(register: Register) -> str:
    """The design token of a register's colour: by what it counts, the same everywhere."""
    return "electricity" if register.column in _ELECTRICITY else _TOKENS[register.quantity]


def figure(
    found: Sequence[Bar],
    register: Register,
    size: BucketSize,
    unit: Unit,
    zone: tzinfo,
    earlier: Sequence[Bar | None] = (),
    outdoor: Sequence[Temperature] = (),
) -> dict[str, Any]:
    """The Plotly figure: a trace a quality, so that the legend tells them in words; the year
    before as a thin line; the outdoor temperature as a line with an axis of its own."""
    token = token_of(register)
    width = 0.85 if len(found) <= 62 else 1
    traces = [
        _trace(
            look,
            [(slot, bar) for slot, bar in enumerate(found) if bar.look is look],
            token,
            unit,
            width,
        )
        for look in LOOKS
    ]
    missing = [slot for slot, bar in enumerate(found) if bar.look is MISSING]
    if missing:
        traces.append(_gaps(missing, found))
    marked = [(slot, bar) for slot, bar in enumerate(found) if bar.marks]
    if marked:
        traces.append(_marks(marked))
    if any(bar is not None and bar.value for bar in earlier):
        traces.append(_year_before(earlier, unit))
    second: dict[str, Any] = {}
    if any(one.value for one in outdoor):
        traces += _outdoors(outdoor, found)
        second = {"yaxis2": _TEMPERATURE_AXIS}
    nothing = not any(bar.value for bar in found)
    return {
        "data": [trace for trace in traces if trace["x"]],
        "layout": {
            **axes.LAYOUT,
            "barmode": "overlay",
            "separators": axes.separators(),
            "showlegend": len({bar.look.key for bar in found}) > 1
            or bool(marked)
            or bool(earlier)
            or bool(second),
            **second,
            "xaxis": axes.xaxis([bar.start for bar in found], size, zone),
            "yaxis": {
                "type": "linear",
                "title": {"text": unit.name},
                "rangemode": "tozero",
                "fixedrange": True,
                "gridcolor": "token:line",
                "zerolinecolor": "token:line-strong",
                "automargin": True,
                # A scale without a bar would be made up.
                "visible": not nothing,
            },
            "annotations": [_no_values()] if nothing else [],
        },
    }


def _no_values() -> dict[str, Any]:
    return {
        "text": _("No values in this period"),
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
        "font": {"size": 16},
    }


def _hover(bar: Bar, unit: Unit | None) -> str:
    # No <b>: Plotly would make a style attribute of it, which the CSP forbids.
    lines = [bar.label]
    if bar.value and unit:
        lines.append(f"{bar.text} {unit.name}")
    lines.append(str(bar.look.words))
    return "<br>".join([*lines, *bar.marks])


def _trace(
    look: Look, slots: Sequence[tuple[int, Bar]], token: str, unit: Unit, width: float
) -> dict[str, Any]:
    colour = f"token:{token}"
    marker: dict[str, Any] = {
        "color": colour if look.filled else "token:surface",
        "line": {"color": colour, "width": 0 if look.filled and not look.pattern else 1.5},
    }
    if look.pattern:
        # Drawn in the page's colour over the bar: it survives a black-and-white print.
        marker["pattern"] = {
            "shape": look.pattern,
            "fillmode": "overlay",
            "fgcolor": "token:surface",
            "bgcolor": colour,
            "size": 6,
            "solidity": 0.4,
        }
    return {
        "type": "bar",
        "name": str(look.words),
        "x": [slot for slot, _bar in slots],
        "y": [bar.value for _slot, bar in slots],
        "customdata": [[_hover(bar, unit), bar.deeper] for _slot, bar in slots],
        "hovertemplate": "%{customdata[0]}<extra></extra>",
        "marker": marker,
        # Told, or Plotly makes a trace of few bars as wide as they lie apart.
        "width": width,
    }


def _gaps(missing: Sequence[int], found: Sequence[Bar]) -> dict[str, Any]:
    """A thin base line where a value is missing: never a bar of zero."""
    x: list[float | None] = []
    data: list[list[str] | None] = []
    for slot in missing:
        x += [slot - 0.5, slot, slot + 0.5, None]
        told = [_hover(found[slot], None), found[slot].deeper]
        data += [told, told, told, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": str(MISSING.words),
        "x": x,
        "y": [None if one is None else 0 for one in x],
        "customdata": data,
        "hovertemplate": "%{customdata[0]}<extra></extra>",
        "line": {"color": "token:unheard", "width": 3, "dash": "dot"},
        "connectgaps": False,
    }


def _year_before(earlier: Sequence[Bar | None], unit: Unit) -> dict[str, Any]:
    """Last year as steps over the bars: a line that stands where it measures."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": _("The year before"),
        "x": list(range(len(earlier))),
        "y": [bar.value if bar is not None and bar.value else None for bar in earlier],
        "customdata": [["" if bar is None else _hover(bar, unit), ""] for bar in earlier],
        "hovertemplate": "%{customdata[0]}<extra></extra>",
        "line": {"color": "token:ink-muted", "width": 1.5, "shape": "hvh"},
        "connectgaps": False,
    }


# Its own scale to the right, without lines of its own: those of the bars are enough.
_TEMPERATURE_AXIS: Mapping[str, Any] = {
    "type": "linear",
    "title": {"text": "°C", "standoff": 8},
    "overlaying": "y",
    "side": "right",
    "fixedrange": True,
    "showgrid": False,
    "zeroline": False,
    "automargin": True,
    "tickmode": "auto",  # round temperatures, not the heights of the bars' scale
    "nticks": 6,
    "color": "token:outdoor",
}


def _outdoors(outdoor: Sequence[Temperature], found: Sequence[Bar]) -> list[dict[str, Any]]:
    """The line, on a wider one in the page's colour so that it stands out from the bars. Where
    nothing is known it breaks off; a value between two gaps is a dot."""
    words = _("Outdoor temperature")
    few = len(outdoor) <= 62
    known = [bool(one.value) for one in outdoor]
    alone = [
        here and not (slot and known[slot - 1]) and not any(known[slot + 1 : slot + 2])
        for slot, here in enumerate(known)
    ]
    line = {
        "type": "scatter",
        "x": list(range(len(outdoor))),
        "y": [one.value or None for one in outdoor],
        "yaxis": "y2",
        "connectgaps": False,
    }
    return [
        {
            **line,
            "mode": "lines",
            "line": {"color": "token:surface", "width": 5},
            "hoverinfo": "skip",
            "showlegend": False,
        },
        {
            **line,
            "mode": "lines+markers",
            "name": words,
            "line": {"color": "token:outdoor", "width": 2},
            "marker": {
                "color": "token:outdoor",
                "size": [5 if few or one else 0 for one in alone],
                "line": {"width": 0},
            },
            "customdata": [
                [f"{bar.label}<br>{one.text} °C<br>{words}", bar.deeper]
                for one, bar in zip(outdoor, found, strict=True)
            ],
            "hovertemplate": "%{customdata[0]}<extra></extra>",
        },
    ]


def _marks(marked: Sequence[tuple[int, Bar]]) -> dict[str, Any]:
    """Exchange, overflow and the like: small marks on the axis."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _("Events"),
        "x": [slot for slot, _bar in marked],
        "y": [0 for _mark in marked],
        "customdata": [[_hover(bar, None), bar.deeper] for _slot, bar in marked],
        "hovertemplate": "%{customdata[0]}<extra></extra>",
        "marker": {"symbol": "diamond", "size": 10, "color": "token:attention"},
        "cliponaxis": False,
    }


@dataclass(frozen=True, slots=True)
class Highest:
    """The greatest bar: its amount as text, and when."""

    text: str
    label: str


def highest(found: Sequence[Bar], buckets: Sequence[Bucket]) -> Highest | None:
    """The greatest of the bars that have a value; None where none has."""
    valued = [
        (value, bar)
        for one, bar in zip(buckets, found, strict=True)
        if (value := one.value) is not None
    ]
    if not valued:
        return None
    _value, bar = max(valued, key=lambda pair: pair[0])
    return Highest(bar.text, bar.label)
