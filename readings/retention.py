"""How long a utility keeps its readings: its own decision, within what READY promises.

Every reading for `full_months`, then one a meter and local day, after `keep_months` none. The
decision is written here; `readings.maintenance` carries it out at its next look. What has gone by
then does not come back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from readings import daily, maintenance
from readings.maintenance import Outlook
from readings.models import FULL_MONTHS, KEEP_MONTHS, Upkeep
from ready.audit.services import Actor, record


@dataclass(frozen=True, slots=True)
class Policy:
    """Months of all readings, and months of any. Both count whole calendar months."""

    full_months: int = FULL_MONTHS
    keep_months: int = KEEP_MONTHS


def policy() -> Policy:
    """The current utility's."""
    kept = daily.upkeep()
    return Policy(kept.full_months, kept.keep_months)


def set_policy(*, wanted: Policy, actor: Actor) -> bool:
    """Decide how long readings are kept; whether that changed anything.

    Raises ValidationError unless 1 ≤ full_months ≤ keep_months ≤ 60: five years is what people
    are promised.
    """
    check(wanted)
    kept = Upkeep.objects.select_for_update().get(pk=daily.upkeep().pk)
    before = Policy(kept.full_months, kept.keep_months)
    if before == wanted:
        return False
    Upkeep.objects.filter(pk=kept.pk).update(
        full_months=wanted.full_months, keep_months=wanted.keep_months
    )
    record(
        event="readings.retention_changed",
        actor=actor,
        object_type="utility",
        object_id=kept.pk,
        object_label=str(kept.tenant),
        before={"full_months": before.full_months, "keep_months": before.keep_months},
        after={"full_months": wanted.full_months, "keep_months": wanted.keep_months},
    )
    return True


def check(wanted: Policy) -> None:
    """Raises ValidationError for a policy that READY does not offer."""
    if not 1 <= wanted.full_months <= KEEP_MONTHS:
        raise ValidationError(
            _("All readings are kept for 1 to %(most)s months.") % {"most": KEEP_MONTHS},
            code="full_months",
        )
    if not wanted.full_months <= wanted.keep_months <= KEEP_MONTHS:
        raise ValidationError(
            _("Readings end between %(full)s months, as long as all are kept, and %(most)s.")
            % {"full": wanted.full_months, "most": KEEP_MONTHS},
            code="keep_months",
        )


def preview(wanted: Policy, now: datetime) -> Sequence[Outlook]:
    """What a policy takes from the utility at the next look, month by month: readings there are
    and readings that stay. Billed readings stay besides."""
    return maintenance.outlook(now, months_ahead=0, wanted=(wanted.full_months, wanted.keep_months))
