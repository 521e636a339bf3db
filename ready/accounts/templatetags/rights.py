"""{% load rights %}: what the person may do here; the very answer that the view would give."""

from django import template

from ready.policy import Decision, can

register = template.Library()


@register.simple_tag(takes_context=True)
def may(context: template.Context, code: str) -> Decision:
    """{% may "meters.edit" as decision %}{% if decision %}…{% else %}{{ decision.reason }}."""
    return can(context.get("rights"), code)
