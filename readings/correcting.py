"""What people fill in to correct, enter and estimate readings."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from meters.models import Meter
from meters.registers import Register, Unit, display_unit
from readings.edits import Why
from readings.estimates import BEST, Wish
from readings.estimation import Method
from readings.exchanges import LastTold
from readings.listing import ReadingRow
from readings.quality import METHODS, Reason
from ready.web import formats
from ready.web.amounts import AmountField
from ready.web.days import DayField
from ready.web.units import UnitChoice


class WhyForm(forms.Form):
    """Why a person decides something about a reading; `why` is it, checked."""

    reason = forms.ChoiceField(
        label=_l("Reason"), choices=[("", _l("Choose …")), *Reason.choices], initial=""
    )
    note = forms.CharField(
        label=_l("Note"),
        required=False,
        max_length=500,
        widget=forms.Textarea({"rows": 2}),
        help_text=_l("Stands with the reading, with your name, for as long as it is kept."),
    )

    def why(self) -> Why:
        """The reason and the note; after `is_valid()`."""
        return Why(Reason(self.cleaned_data["reason"]), self.cleaned_data["note"].strip())


class _RegistersForm(WhyForm):
    """A field a register, in the units that the person sees."""

    def _add(self, register: Register, unit: Unit, initial: str, help_text: str = "") -> None:
        label = f"{register.label} ({register.code}), {unit.name}"
        field = AmountField(label=label, required=False, initial=initial, help_text=help_text)
        self.fields[register.column] = field
        self._units = {**getattr(self, "_units", {}), register.column: unit}

    def registers(self) -> list[forms.BoundField]:
        """The fields of the registers."""
        return [self[column] for column in self._units]

    def _base(self, column: str, amount: Fraction) -> int | None:
        """An amount in base units; None, with an error at its field, where it is too fine."""
        value = amount * self._units[column].base
        if value.denominator != 1:
            self.add_error(column, _("The register has fewer decimals than that."))
            return None
        return int(value)


class CorrectForm(_RegistersForm):
    """Other values for a reading's registers; `values` are those that changed."""

    def __init__(self, data: Any, *, row: ReadingRow) -> None:
        super().__init__(data)
        self.values: dict[str, int | None] = {}
        self._row = row
        for one in row.shown:
            if one.register.quantity != "bits":
                self._add(one.register, one.unit, one.plain)

    def clean(self) -> dict[str, Any]:
        """Only what was typed anew is a change: a unit may show a value less finely than it is."""
        cleaned: dict[str, Any] = super().clean() or {}
        for column in self._units:
            if column not in self.changed_data or column in self.errors:
                continue
            amount = cleaned.get(column)
            value = None if amount is None else self._base(column, amount)
            if column not in self.errors and value != self._row.values[column]:
                self.values[column] = value
        if not self.errors and not self.values:
            raise forms.ValidationError(
                _("Nothing is changed yet: type another value, or empty a field to leave it out.")
            )
        return cleaned


class EnterForm(_RegistersForm):
    """A reading that somebody took off the meter; `at` and `values` are it, checked."""

    day = DayField(label=_l("Read on"))
    time = forms.TimeField(label=_l("at"), widget=forms.TimeInput(format="%H:%M"))

    def __init__(
        self,
        data: Any,
        *,
        registers: Sequence[Register],
        units: UnitChoice,
        told: Mapping[str, LastTold],
        now: datetime,
        zone: tzinfo,
    ) -> None:
        local = now.astimezone(zone)
        super().__init__(data, initial={"day": local.date(), "time": f"{local:%H:%M}"})
        self.values: dict[str, int] = {}
        self.at = now
        self._zone = zone
        for register in registers:
            last = told.get(register.column)
            words = (
                _("%(value)s on %(at)s")
                % {
                    "value": f"{last.value.text} {last.value.unit.name}",
                    "at": formats.moment(last.at),
                }
                if last
                else ""
            )
            self._add(register, display_unit(register, units), "", words)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for column in self._units:
            amount = cleaned.get(column)
            if amount is not None and (value := self._base(column, amount)) is not None:
                self.values[column] = value
        if "day" in cleaned and "time" in cleaned:
            self.at = self._instant(cleaned["day"], cleaned["time"])
        return cleaned

    def _instant(self, day: Any, time: Any) -> datetime:
        at = datetime.combine(day, time, tzinfo=self._zone)
        again = at.astimezone(UTC).astimezone(self._zone)
        if again.replace(tzinfo=None) - at.replace(tzinfo=None) != timedelta(0):
            self.add_error("time", _("The clocks skipped this hour; there was no such time."))
        return at


class EstimateForm(WhyForm):
    """Which registers of a gap are estimated, and why."""

    registers = forms.MultipleChoiceField(
        label=_l("Registers"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _l("Choose at least one register.")},
    )

    field_order = ("registers", "reason", "note")

    def __init__(self, data: Any, *, registers: Sequence[Register]) -> None:
        super().__init__(data, initial={"registers": [one.column for one in registers]})
        self.fields["registers"].choices = [  # type: ignore[attr-defined]
            (one.column, f"{one.label} ({one.code})") for one in registers
        ]


class MethodForm(forms.Form):
    """How a gap is to be estimated; `wish` is it, checked."""

    method = forms.ChoiceField(
        label=_l("Method"),
        required=False,
        choices=[("", _l("The best there is")), *((one.value, METHODS[one]) for one in Method)],
    )
    proxy = forms.CharField(
        label=_l("Comparison meter"),
        required=False,
        max_length=20,
        help_text=_l("Its serial number; for the method of that name alone."),
    )

    def __init__(self, data: Any, *, meter: Meter, weather: bool) -> None:
        """weather: whether the outdoor temperature is known, so that degree days are offered; who
        asks for them all the same is told why not."""
        super().__init__(data)
        self._meter = meter
        if not weather and self.data.get("method") != Method.DEGREE_DAYS:
            method = self.fields["method"]
            method.choices = [  # type: ignore[attr-defined]
                one
                for one in method.choices  # type: ignore[attr-defined]
                if one[0] != Method.DEGREE_DAYS
            ]

    def clean_proxy(self) -> Meter | None:
        number = self.cleaned_data["proxy"].strip()
        if not number or self.cleaned_data.get("method") != Method.PROXY:
            return None
        found: Meter | None = (
            Meter.objects.filter(number=number, medium=self._meter.medium)
            .exclude(pk=self._meter.pk)
            .first()
        )
        if found is None:
            raise forms.ValidationError(
                _("No other meter of this medium has serial number %(number)s.")
                % {"number": number}
            )
        return found

    def wish(self) -> Wish | None:
        """None where what was chosen is wrong; the form says so."""
        if not self.is_bound:
            return BEST
        if not self.is_valid():
            return None
        method = self.cleaned_data["method"]
        return Wish(Method(method) if method else None, self.cleaned_data["proxy"])
