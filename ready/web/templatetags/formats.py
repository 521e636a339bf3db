"""{% load formats %}: numbers, units and times in templates (`ready.web.formats` says how)."""

from datetime import date, datetime
from fractions import Fraction

from django import template
from django.utils import timezone
from django.utils.html import format_html

from ready.web import formats

register = template.Library()
DASH = "\u2013"  # where there is no value: a gap is never shown as zero


@register.filter
def number(value: int | Fraction | None, decimals: int = 0) -> str:
    """{{ count|number }} or {{ share|number:1 }}; a dash where there is none."""
    return DASH if value is None else formats.number(value, int(decimals))


@register.simple_tag
def quantity(
    value: int | Fraction | None,
    unit: formats.UnitLike,
    decimals: int | None = None,
    named: bool = False,
) -> str:
    """{% quantity value unit [decimals] [named=True] %}: base units shown in the unit."""
    if value is None:
        return DASH
    text = formats.quantity(value, unit, decimals)
    if not named or not unit.name:
        return format_html('<span class="number">{}</span>', text)
    return format_html(
        '<span class="number">{} <span class="unit">{}</span></span>', text, unit.name
    )


@register.filter
def moment(at: datetime | None) -> str:
    """18-04-2024 16:58 in the utility's zone, readable by machines too."""
    if at is None:
        return DASH
    return format_html(
        '<time class="number" datetime="{}">{}</time>', at.isoformat(), formats.moment(at)
    )


@register.filter
def day(value: date | None) -> str:
    """18-04-2024."""
    return DASH if value is None else formats.date_text(value)


@register.filter
def month(value: date) -> str:
    """Apr 2024, in Danish "apr 2024"."""
    return formats.month_text(value)


@register.filter
def ago(at: datetime | None) -> str:
    """12 min ago, with the exact time as its tooltip."""
    if at is None:
        return DASH
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        formats.moment(at),
        formats.ago(at, timezone.now()),
    )


@register.simple_tag
def now_moment() -> str:
    """This moment, in the utility's zone: when the page was made."""
    return moment(timezone.now())


@register.filter
def add_count(words: object, count: int) -> str:
    """ "Leak 3": a word with how many there are."""
    return f"{words}\u00a0{formats.number(count)}"
