"""The time axis of READY's charts, and what all of their figures have in common. Pure.

Every step stands in a slot of its own (0, 1, 2 …), not on a time axis: so an hour that the clocks
repeat has two slots, months are equally wide, and what is missing leaves a gap.
"""

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import Any

from readings.rules.buckets import BucketSize, label
from ready.web import formats

_MOST_LABELS = 13
_WITHIN_A_DAY = (BucketSize.FIVE_MINUTES, BucketSize.QUARTER_HOUR, BucketSize.HOUR)
# What a label on an axis of hours may stand for, minutes; then whole days.
_ROUND_MINUTES = (5, 15, 30, 60, 120, 180, 240, 360, 720, 1440)
_MINUTES_A_DAY = 1440

# Layout that every figure has; "token:…" is looked up in the theme by static/js/chart.js.
LAYOUT: dict[str, Any] = {
    "hovermode": "closest",
    "dragmode": False,
    "margin": {"l": 56, "r": 8, "t": 8, "b": 44},
    "paper_bgcolor": "token:surface",
    "plot_bgcolor": "token:surface",
    "font": {"color": "token:ink-muted", "size": 12},
    "hoverlabel": {
        "bgcolor": "token:raised",
        "bordercolor": "token:line-strong",
        "font": {"color": "token:ink"},
    },
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
}


def plain(text: str) -> str:
    """What people typed (an address, a name), for a text of Plotly's, which knows tags and links
    of its own and fills in "%{…}"."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("%{", "&#37;{")


def separators() -> str:
    """Plotly's decimal sign and thousands separator, in the current language."""
    return formats.decimal_sign() + formats.NARROW_SPACE


def xaxis(starts: Sequence[datetime], size: BucketSize, zone: tzinfo) -> dict[str, Any]:
    """The axis of slots that begin at `starts`."""
    slots, texts = ticks(starts, size, zone)
    return {
        "type": "linear",
        "range": [-0.6, len(starts) - 0.4],
        "tickmode": "array",
        "tickvals": slots,
        "ticktext": texts,
        "tickangle": 0,
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "linecolor": "token:line-strong",
    }


def period_label(local: datetime, size: BucketSize, zone: tzinfo) -> str:
    """A bucket in words: "18-04-2024 02:00A", "18-04-2024", "Apr 2024", "2024"."""
    if size is BucketSize.YEAR:
        return f"{local:%Y}"
    if size is BucketSize.MONTH:
        return formats.month_text(local)
    day = formats.date_text(local.date())
    return day if size is BucketSize.DAY else f"{day} {label(local, zone)}"


def ticks(
    starts: Sequence[datetime], size: BucketSize, zone: tzinfo
) -> tuple[list[int], list[str]]:
    """The slots that have a label on the axis, and the labels; "<br>" begins a second line."""
    every = max(1, -(-len(starts) // _MOST_LABELS))
    labelled = list(range(0, len(starts), every))
    if size in _WITHIN_A_DAY and every > 1:
        labelled = _round_times(starts, zone)
    slots, texts = [], []
    before: datetime | None = None
    for slot in labelled:
        local = starts[slot].astimezone(zone)
        slots.append(slot)
        texts.append(_tick(local, size, zone, before))
        before = local
    return slots, texts


def _tick(local: datetime, size: BucketSize, zone: tzinfo, before: datetime | None) -> str:
    """The short form for the axis; the longer unit is told where it begins."""
    if size is BucketSize.YEAR:
        return f"{local:%Y}"
    if size is BucketSize.MONTH:
        new = before is None or before.year != local.year
        return f"{formats.month_name(local)}<br>{local:%Y}" if new else formats.month_name(local)
    if size is BucketSize.DAY:
        new = before is None or before.month != local.month
        return f"{local.day}<br>{formats.month_name(local)}" if new else f"{local.day}"
    new = before is None or before.date() != local.date()
    hour = label(local, zone)
    return f"{hour}<br>{local:%d-%m}" if new else hour


def _round_times(starts: Sequence[datetime], zone: tzinfo) -> list[int]:
    """The slots at round times of a day, or at every so many midnights: by the clock, because
    days have 23 to 25 hours."""
    span = (starts[-1] - starts[0]).total_seconds() / 60
    wanted = span / _MOST_LABELS
    minutes = next((one for one in _ROUND_MINUTES if one >= wanted), _MINUTES_A_DAY)
    days = max(1, -(-int(wanted) // _MINUTES_A_DAY))
    first: date = starts[0].astimezone(zone).date()
    labelled = []
    for slot, start in enumerate(starts):
        local = start.astimezone(zone)
        since_midnight = local.hour * 60 + local.minute
        day = (local.date() - first).days
        if since_midnight % minutes == 0 and day % days == 0 and not local.fold:
            labelled.append(slot)
    return labelled
