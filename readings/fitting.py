"""Whether registers that a person read off fit what the meter itself told."""

from collections.abc import Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from meters.models import Meter
from meters.registers import BY_COLUMN
from meters.values import value_of
from readings.models import Reading, Status
from ready.tenancy.context import current_tenant_id
from ready.tenancy.models import Tenant
from ready.web import formats

Registers = Mapping[str, int]


def check_pair(old_meter: Meter, new_meter: Meter) -> None:
    """Raises ValidationError unless one meter can come in the other's place."""
    if new_meter.pk == old_meter.pk:
        raise ValidationError(_("The new meter is the old one."), code="same")
    if new_meter.medium != old_meter.medium:
        raise ValidationError(
            _("The old meter measures %(old)s, the new one %(new)s: that is no exchange.")
            % {"old": old_meter.get_medium_display(), "new": new_meter.get_medium_display()},
            code="medium",
        )


def check_counting(registers: Registers) -> None:
    """Raises ValidationError unless all of them count up, from zero."""
    for column, value in registers.items():
        register = BY_COLUMN.get(column)
        if register is None or not register.cumulative:
            raise ValidationError(
                _("%(register)s is not a register that counts.") % {"register": column},
                code="register",
            )
        if value < 0:
            raise ValidationError(
                _("%(register)s cannot be below zero.") % {"register": register.code},
                code="register",
            )


def check_between(meter: Meter, at: datetime, registers: Registers) -> None:
    """Registers read off at an instant must lie between the meter's own readings around it.

    Raises ValidationError, saying what the meter told and when.
    """
    check_counting(registers)
    unit = Tenant.objects.get(pk=current_tenant_id()).units
    for column, value in registers.items():
        known = Reading.objects.filter(**{f"{column}__isnull": False}, meter_id=meter.pk)
        known = known.exclude(status=Status.ESTIMATED)  # not the meter's words; they give way
        before = known.filter(ts__lte=at).order_by("-ts").values_list("ts", column).first()
        after = known.filter(ts__gt=at).order_by("ts").values_list("ts", column).first()
        if before is not None and value < before[1]:
            words = _(
                "Meter %(meter)s: %(register)s was %(known)s on %(at)s already, not %(value)s."
            )
            told = before
        elif after is not None and value > after[1]:
            words = _("Meter %(meter)s: %(register)s is still %(known)s on %(at)s, not %(value)s.")
            told = after
        else:
            continue
        known_value, entered = value_of(column, told[1], unit), value_of(column, value, unit)
        raise ValidationError(
            words
            % {
                "meter": meter,
                "register": known_value.register.code,
                "known": f"{known_value.text} {known_value.unit.name}",
                "at": formats.moment(told[0]),
                "value": f"{entered.text} {entered.unit.name}",
            },
            code="contradicted",
        )
