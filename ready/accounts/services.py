"""Changes to a utility and its people."""

from dataclasses import dataclass
from zoneinfo import available_timezones

from django.conf import settings
from django.utils.translation import gettext as _

from ready.accounts.models import User
from ready.audit.services import Actor, record
from ready.tenancy.models import Tenant

ENERGY_UNITS = ("kWh", "MWh", "GJ")


class InvalidCustoms(ValueError):
    """A zone, language or energy unit that READY does not know; the message is for people."""


@dataclass(frozen=True, slots=True)
class Customs:
    """How a utility is called and how it wants to see time, text and energy."""

    name: str
    zone: str  # IANA, such as Europe/Copenhagen
    language: str
    energy_unit: str


def customs_of(tenant: Tenant) -> Customs:
    """What is in force now."""
    return Customs(tenant.name, tenant.zone, tenant.language, tenant.energy_unit)


def change_customs(*, tenant: Tenant, customs: Customs, actor: Actor) -> bool:
    """Set a utility's customs and write the change into its trail; False where nothing differs.

    Readings are kept in base units and UTC, so nothing has to be converted. InvalidCustoms names
    what is wrong. Call inside the utility's own context.
    """
    _check(customs)
    before, after = customs_of(tenant), customs
    fields = [name for name in Customs.__slots__ if getattr(before, name) != getattr(after, name)]
    if not fields:
        return False
    for name in fields:
        setattr(tenant, name, getattr(after, name))
    tenant.save(update_fields=fields)
    record(
        event="tenant.customs_changed",
        actor=actor,
        object_type="tenant",
        object_id=tenant.pk,
        object_label=tenant.name,
        before={name: getattr(before, name) for name in fields},
        after={name: getattr(after, name) for name in fields},
    )
    return True


def change_profile(*, user: User, name: str, language: str) -> None:
    """Set a person's own name and language. InvalidCustoms for a language READY does not speak."""
    if language not in dict(settings.LANGUAGES):
        raise InvalidCustoms(_("READY does not speak “%(code)s”.") % {"code": language})
    User.objects.filter(pk=user.pk).update(name=name.strip(), language=language)


def _check(customs: Customs) -> None:
    if not customs.name.strip():
        raise InvalidCustoms(_("A utility must have a name."))
    if customs.zone not in available_timezones():
        raise InvalidCustoms(_("“%(zone)s” is not a time zone.") % {"zone": customs.zone})
    if customs.language not in dict(settings.LANGUAGES):
        raise InvalidCustoms(_("READY does not speak “%(code)s”.") % {"code": customs.language})
    if customs.energy_unit not in ENERGY_UNITS:
        raise InvalidCustoms(_("“%(unit)s” is no unit of energy.") % {"unit": customs.energy_unit})
