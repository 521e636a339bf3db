"""Changes to a utility and its people."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import available_timezones

from django.conf import settings
from django.utils.translation import gettext as _

from ready.accounts.models import User
from ready.audit.services import Actor, record
from ready.tenancy.models import Tenant
from ready.web.units import CHOICES, QUANTITIES, UnitChoice


class InvalidCustoms(ValueError):
    """A zone, language or unit that READY does not know; the message is for people."""


@dataclass(frozen=True, slots=True)
class Customs:
    """How a utility is called and how it wants to see time, text and values."""

    name: str
    zone: str  # IANA, such as Europe/Copenhagen
    language: str
    units: UnitChoice


def customs_of(tenant: Tenant) -> Customs:
    """What is in force now."""
    return Customs(tenant.name, tenant.zone, tenant.language, tenant.units)


def change_customs(*, tenant: Tenant, customs: Customs, actor: Actor) -> bool:
    """Set a utility's customs and write the change into its trail; False where nothing differs.

    Readings are kept in base units and UTC, so nothing has to be converted. InvalidCustoms names
    what is wrong. Call inside the utility's own context.
    """
    _check(customs)
    before, after = _fields(customs_of(tenant)), _fields(customs)
    fields = [name for name in before if before[name] != after[name]]
    if not fields:
        return False
    for name in fields:
        setattr(tenant, name, after[name])
    tenant.save(update_fields=fields)
    record(
        event="tenant.customs_changed",
        actor=actor,
        object_type="tenant",
        object_id=tenant.pk,
        object_label=tenant.name,
        before={name: before[name] for name in fields},
        after={name: after[name] for name in fields},
    )
    return True


def _fields(customs: Customs) -> dict[str, str]:
    """Customs as the utility's row has them."""
    units = {f"{one}_unit": getattr(customs.units, one) for one in QUANTITIES}
    return {"name": customs.name, "zone": customs.zone, "language": customs.language, **units}


def change_profile(
    *, user: User, name: str, language: str, units: Mapping[str, str] | None = None
) -> None:
    """Set a person's own name, language and units ({quantity: unit}, "" for the utility's).

    InvalidCustoms for a language READY does not speak or a unit it does not know.
    """
    own = {one: (units or {}).get(one, "") for one in QUANTITIES}
    _check_units({quantity: unit for quantity, unit in own.items() if unit})
    if language not in dict(settings.LANGUAGES):
        raise InvalidCustoms(_("READY does not speak “%(code)s”.") % {"code": language})
    User.objects.filter(pk=user.pk).update(
        name=name.strip(), language=language, **{f"{one}_unit": unit for one, unit in own.items()}
    )


def _check(customs: Customs) -> None:
    if not customs.name.strip():
        raise InvalidCustoms(_("A utility must have a name."))
    if customs.zone not in available_timezones():
        raise InvalidCustoms(_("“%(zone)s” is not a time zone.") % {"zone": customs.zone})
    if customs.language not in dict(settings.LANGUAGES):
        raise InvalidCustoms(_("READY does not speak “%(code)s”.") % {"code": customs.language})
    _check_units({one: getattr(customs.units, one) for one in QUANTITIES})


def _check_units(units: Mapping[str, str]) -> None:
    for quantity, unit in units.items():
        if unit not in CHOICES[quantity]:
            raise InvalidCustoms(_("READY does not show values in “%(unit)s”.") % {"unit": unit})
