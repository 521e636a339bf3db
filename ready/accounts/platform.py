"""Operators of the platform: utilities, their licences and limits, and visits to them.

A realm of its own: an operator belongs to no utility. Looking into one is a visit: with a reason,
for an hour at most, looking only, in the utility's own trail, and shown to its people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.validators import validate_slug
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ready.accounts.models import PlatformOperator, User, Visit
from ready.audit.services import Actor, record
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

LONGEST_VISIT = timedelta(hours=1)
_SHORTEST_REASON = 10  # letters
_MOST_METERS = 1_000_000


class NotAllowed(ValueError):
    """An operator's act breaks a rule; the message is for people."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the platform allows a utility. Numbers of meters."""

    licence: str
    priority_meters: int
    alarm_meters: int


def is_operator(user: User) -> bool:
    """Whether this person runs the platform now."""
    return PlatformOperator.objects.filter(
        user_id=user.pk, disabled_at=None, user__is_active=True
    ).exists()


def utilities() -> Sequence[Tenant]:
    """Every utility, by name. Nothing of what is inside them."""
    return list(Tenant.objects.order_by("name", "pk"))


def create(*, slug: str, name: str, terms: Terms, actor: Actor) -> Tenant:
    """A new utility, empty. Raises NotAllowed."""
    _check(terms)
    if not name.strip():
        raise NotAllowed(_("A utility must have a name."))
    try:
        validate_slug(slug)
        with transaction.atomic():
            tenant = Tenant.objects.create(
                slug=slug.lower(),
                name=name.strip(),
                licence=terms.licence,
                priority_meters=terms.priority_meters,
                alarm_meters=terms.alarm_meters,
            )
    except (ValueError, IntegrityError):
        raise NotAllowed(
            _("The short name is taken, or has other signs than letters, digits and hyphens.")
        ) from None
    with tenant_context(tenant.pk):
        _note("tenant.created", tenant, actor, after=_told(terms))
    return tenant


def change_terms(*, tenant: Tenant, terms: Terms, actor: Actor) -> bool:
    """Set licence and limits. False: no change. Raises NotAllowed."""
    _check(terms)
    before = terms_of(tenant)
    if before == terms:
        return False
    with tenant_context(tenant.pk):
        Tenant.objects.filter(pk=tenant.pk).update(
            licence=terms.licence,
            priority_meters=terms.priority_meters,
            alarm_meters=terms.alarm_meters,
        )
        _note("tenant.terms_changed", tenant, actor, before=_told(before), after=_told(terms))
    return True


def suspend(*, tenant: Tenant, suspended: bool, actor: Actor) -> bool:
    """Close the utility for its people and tokens, or open it again; what its collectors push is
    still taken, so that nothing is lost. False: no change."""
    if (tenant.suspended_at is not None) is suspended:
        return False
    with tenant_context(tenant.pk):
        Tenant.objects.filter(pk=tenant.pk).update(
            suspended_at=timezone.now() if suspended else None
        )
        _note("tenant.suspended" if suspended else "tenant.resumed", tenant, actor)
    return True


def terms_of(tenant: Tenant) -> Terms:
    """What is in force now."""
    return Terms(tenant.licence, tenant.priority_meters, tenant.alarm_meters)


def enter(*, tenant: Tenant, operator: User, reason: str, lasts: timedelta, actor: Actor) -> Visit:
    """Begin a visit; one that is running is ended first. Raises NotAllowed."""
    reason = reason.strip()
    if len(reason) < _SHORTEST_REASON:
        raise NotAllowed(_("Say why, in a few words: the utility reads it."))
    if not timedelta(0) < lasts <= LONGEST_VISIT:
        raise NotAllowed(_("A visit lasts an hour at most."))
    if not is_operator(operator):
        raise NotAllowed(_("Only an operator of the platform may do this."))
    leave(tenant=tenant, operator=operator, actor=actor)
    with tenant_context(tenant.pk):
        visit: Visit = Visit.objects.create(
            operator=operator,
            operator_name=operator.email,
            reason=reason[:500],
            expires_at=timezone.now() + lasts,
        )
        _note(
            "platform.entered",
            tenant,
            actor,
            after={"reason": visit.reason, "until": visit.expires_at.isoformat()},
        )
    return visit


def leave(*, tenant: Tenant, operator: User, actor: Actor) -> bool:
    """End the operator's visit; False where there is none."""
    now = timezone.now()
    with tenant_context(tenant.pk):
        ended = Visit.objects.filter(operator=operator, ended_at=None, expires_at__gt=now).update(
            ended_at=now
        )
        if ended:
            _note("platform.left", tenant, actor)
    return bool(ended)


def visit_of(operator: User) -> Visit | None:
    """The operator's running visit to the current utility."""
    found: Visit | None = Visit.objects.filter(
        operator=operator, ended_at=None, expires_at__gt=timezone.now()
    ).first()
    return found


@dataclass(frozen=True, slots=True)
class Visited:
    """A visit as the utility's people see it; `until` is its end, reached or to come."""

    operator: str
    reason: str
    since: datetime
    until: datetime
    running: bool


def visits(limit: int = 20) -> Sequence[Visited]:
    """Visits to the current utility, the newest first."""
    now = timezone.now()
    return [
        Visited(
            row.operator_name,
            row.reason,
            row.started_at,
            row.ended_at or row.expires_at,
            row.ended_at is None and row.expires_at > now,
        )
        for row in Visit.objects.order_by("-started_at")[:limit]
    ]


def _check(terms: Terms) -> None:
    if terms.licence not in Tenant.Licence.values:
        raise NotAllowed(_("There is no such licence."))
    if not all(0 <= one <= _MOST_METERS for one in (terms.priority_meters, terms.alarm_meters)):
        raise NotAllowed(_("A limit is a number from 0 to a million."))


def _told(terms: Terms) -> dict[str, object]:
    return {name: getattr(terms, name) for name in Terms.__slots__}


def _note(
    event: str,
    tenant: Tenant,
    actor: Actor,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    record(
        event=event,
        actor=actor,
        object_type="tenant",
        object_id=tenant.pk,
        object_label=tenant.name,
        before=before,
        after=after,
    )
