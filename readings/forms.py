"""What people enter about meter exchanges: the visit, what is planned, registers read off late."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from meters.models import Installation, Meter
from meters.registers import Register, Unit, display_unit
from meters.values import as_shown, value_of
from readings.exchange import Visit, check_exchange
from readings.exchanges import LastTold
from ready.web.amounts import AmountField
from ready.web.days import DayField
from ready.web.units import UnitChoice


class ExchangeForm(forms.Form):
    """When the meters were changed and what they showed; `visit` is it all, checked."""

    removed_day = DayField(label=_l("Old meter removed on"))
    removed_time = forms.TimeField(label=_l("at"), widget=forms.TimeInput(format="%H:%M"))
    mounted_day = DayField(label=_l("New meter mounted on"), required=False)
    mounted_time = forms.TimeField(
        label=_l("at"), required=False, widget=forms.TimeInput(format="%H:%M")
    )

    def __init__(
        self,
        data: QueryDict | None,
        *,
        installation: Installation,
        new_meter: Meter,
        registers: Sequence[Register],
        units: UnitChoice,
        old_told: Mapping[str, LastTold],
        new_told: Mapping[str, LastTold],
        now: datetime,
        zone: tzinfo,
    ) -> None:
        local = now.astimezone(zone)
        super().__init__(
            data, initial={"removed_day": local.date(), "removed_time": f"{local:%H:%M}"}
        )
        self._installation, self._new_meter, self._now = installation, new_meter, now
        self._zone, self._registers = zone, registers
        self._units = {one.column: display_unit(one, units) for one in registers}
        self._told: dict[str, int] = {}
        self.visit: Visit | None = None
        for register in registers:
            unit = self._units[register.column]
            for side, told in (("end", old_told), ("start", new_told)):
                last = told.get(register.column)
                field = AmountField(
                    label=f"{register.label} ({register.code}), {unit.name}", required=False
                )
                field.initial = last.value.plain if last else ""
                if last:
                    self._told[f"{side}_{register.column}"] = last.value.value
                self.fields[f"{side}_{register.column}"] = field

    @property
    def rows(self) -> list[tuple[Register, forms.BoundField, forms.BoundField]]:
        """A row a register: the old meter's field and the new one's."""
        return [
            (one, self[f"end_{one.column}"], self[f"start_{one.column}"]) for one in self._registers
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        end, start = self._amounts("end", cleaned), self._amounts("start", cleaned)
        if self.errors:
            return cleaned
        removed_at = self._instant(cleaned["removed_day"], cleaned["removed_time"])
        mounted_at = removed_at
        if cleaned.get("mounted_day") or cleaned.get("mounted_time"):
            mounted_at = self._instant(
                cleaned.get("mounted_day") or cleaned["removed_day"],
                cleaned.get("mounted_time") or cleaned["removed_time"],
            )
        visit = Visit(removed_at, mounted_at, end, start, {})
        check_exchange(
            self._installation, self._installation.meter, self._new_meter, visit, self._now
        )
        self.visit = visit
        return cleaned

    def _instant(self, day: Any, time: Any) -> datetime:
        return datetime.combine(day, time, tzinfo=self._zone)

    def _amounts(self, side: str, cleaned: Mapping[str, Any]) -> dict[str, int]:
        return _amounts(self, side, self._registers, self._units, cleaned, self._told)


class PlanForm(forms.Form):
    """An exchange before the visit: when, which meter comes if that is known, and a note."""

    planned_on = DayField(label=_l("Planned day"))
    number = forms.CharField(
        label=_l("Serial number of the new meter"),
        help_text=_l("Leave it empty if it is still to be chosen."),
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    note = forms.CharField(
        label=_l("Note for the visit"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_number(self) -> str:
        number = self.cleaned_data["number"].strip().upper()
        if number and not Meter.objects.filter(number=number).exists():
            raise forms.ValidationError(
                _("There is no meter with the serial number “%(number)s”.") % {"number": number}
            )
        return str(number)

    def new_meter(self) -> Meter | None:
        """The chosen one; of several with one number the one that lies in stock."""
        found: Meter | None = (
            Meter.objects.filter(number=self.cleaned_data["number"])
            .order_by("-in_stock", "pk")
            .first()
            if self.cleaned_data["number"]
            else None
        )
        return found


class RegistersForm(forms.Form):
    """The registers of an exchange that was entered without them, or with wrong ones."""

    def __init__(
        self,
        data: QueryDict | None,
        *,
        old: Installation,
        new: Installation,
        registers: Sequence[Register],
        units: UnitChoice,
    ) -> None:
        super().__init__(data)
        self._registers = registers
        self._units = {one.column: display_unit(one, units) for one in registers}
        self._told: dict[str, int] = {}
        for register in registers:
            unit = self._units[register.column]
            for side, kept in (("end", old.end_registers), ("start", new.start_registers)):
                field = AmountField(
                    label=f"{register.label} ({register.code}), {unit.name}", required=False
                )
                if register.column in kept:
                    value = kept[register.column]
                    field.initial = value_of(register.column, value, units).plain
                    self._told[f"{side}_{register.column}"] = value
                self.fields[f"{side}_{register.column}"] = field

    @property
    def rows(self) -> list[tuple[Register, forms.BoundField, forms.BoundField]]:
        """A row a register: the old meter's field and the new one's."""
        return [
            (one, self[f"end_{one.column}"], self[f"start_{one.column}"]) for one in self._registers
        ]

    def amounts(self, side: str) -> dict[str, int]:
        """The registers of one meter in base units; after `is_valid()`."""
        return _amounts(self, side, self._registers, self._units, self.cleaned_data, self._told)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for side in ("end", "start"):
            _amounts(self, side, self._registers, self._units, cleaned, self._told)
        return cleaned


def _amounts(
    form: forms.Form,
    side: str,
    registers: Sequence[Register],
    units: Mapping[str, Unit],
    cleaned: Mapping[str, Any],
    told: Mapping[str, int],
) -> dict[str, int]:
    """The registers of one meter in base units; marks what is finer than the register.

    told: what a field was filled in with. Left as it stood, it means that very value: a meter that
    counts in another unit is shown rounded, and would contradict itself by a fraction.
    """
    found = {}
    for register in registers:
        name = f"{side}_{register.column}"
        amount = cleaned.get(name)
        if amount is None:
            continue
        unit = units[register.column]
        if name in told and amount == as_shown(told[name], unit):
            found[register.column] = told[name]
            continue
        value = amount * unit.base
        if value.denominator != 1:
            form.add_error(name, _("The register has fewer decimals than that."))
        else:
            found[register.column] = int(value)
    return found
