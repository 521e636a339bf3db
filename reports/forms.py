"""What a report is asked, as people fill it in."""

from collections.abc import Sequence
from datetime import date, timedelta, tzinfo
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import pgettext_lazy

from meters.models import Medium, MeterGroup
from meters.registers import BY_COLUMN, Register, display_unit
from ready.tenancy.models import Tenant
from ready.web.amounts import AmountField
from ready.web.days import DayField
from ready.web.mail_addresses import AddressField
from reports.consumption import Limit, Question, registers_of
from reports.services import LOGO_BYTES

_EARLIEST = date(1990, 1, 1)
_HEAD_LINES = 4
_LONGEST = timedelta(days=366 * 5 + 1)


def month_before(day: date, count: int = 1) -> tuple[date, date]:
    """First and last day of the whole month so many months before the one `day` lies in."""
    return _month(day, -count), _month(day, 1 - count) - timedelta(days=1)


def _month(day: date, offset: int) -> date:
    months = day.year * 12 + day.month - 1 + offset
    return date(months // 12, months % 12 + 1, 1)


class ConsumptionForm(forms.Form):
    """Period, medium and limit of a consumption report."""

    medium = forms.ChoiceField(label=_l("Consumption type"))
    group = forms.ChoiceField(label=_l("Group"), required=False)
    first = DayField(label=pgettext_lazy("day", "From"))
    last = DayField(label=pgettext_lazy("day", "To"))
    register = forms.ChoiceField(label=_l("Limit for"), required=False)
    side = forms.ChoiceField(
        label=_l("Keep those"),
        choices=[("above", _l("above")), ("below", _l("below"))],
        required=False,
    )
    limit = AmountField(label=_l("Amount"), required=False, max_length=20)

    def __init__(
        self,
        data: QueryDict,
        *,
        tenant: Tenant,
        media: Sequence[Medium],
        groups: Sequence[MeterGroup],
        today: date,
    ) -> None:
        self._tenant, self._today = tenant, today
        self._groups = {str(one.pk): one for one in groups}
        filled = self._complete(data, media, today)
        super().__init__(filled)
        self.fields["medium"].choices = [(one.value, one.label) for one in media]  # type: ignore[attr-defined]
        self.fields["group"].choices = [  # type: ignore[attr-defined]
            ("", _("All meters")),
            *((key, str(one)) for key, one in self._groups.items()),
        ]
        self.fields["register"].choices = [  # type: ignore[attr-defined]
            (one.column, f"{one.code} · {one.label}, {self._unit(one.column)}")
            for one in self._registers(filled["medium"])
        ]

    @classmethod
    def _complete(cls, data: QueryDict, media: Sequence[Medium], today: date) -> dict[str, Any]:
        """The address with what it leaves out: last month, the utility's chief medium."""
        first, last = month_before(today)
        filled: dict[str, Any] = {
            "medium": media[0].value if media else "",
            "first": first,
            "last": last,
            "side": "above",
        }
        filled |= {name: value for name, value in data.items() if value}
        known = [one.column for one in cls._registers(filled["medium"])]
        # A register of another medium was left over from before the medium was changed.
        if known and filled.get("register") not in known:
            filled["register"] = known[0]
        return filled

    @staticmethod
    def _registers(medium: str) -> Sequence[Register]:
        return registers_of(medium) if medium in Medium.values else ()

    def _unit(self, column: str) -> str:
        return display_unit(BY_COLUMN[column], self._tenant.units).name

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first is None or last is None:
            return cleaned
        yesterday = self._today - timedelta(days=1)
        # Today is not over; its use would be known of no meter.
        cleaned["last"] = last = min(last, yesterday)
        if first < _EARLIEST:
            self.add_error("first", _("READY knows no days before 1990."))
        elif first > yesterday:
            self.add_error("first", _("Choose a day that is over."))
        elif first > last:
            self.add_error("last", _("The period ends before it begins."))
        elif last - first > _LONGEST:
            self.add_error("last", _("Choose at most five years."))
        return cleaned

    def question(self, zone: tzinfo) -> Question:
        """What was asked; after `is_valid()`."""
        cleaned = self.cleaned_data
        amount, limit = cleaned.get("limit"), None
        if amount is not None:
            register = BY_COLUMN[cleaned["register"]]
            base = display_unit(register, self._tenant.units).base
            limit = Limit(register, amount * base, above=cleaned["side"] != "below")
        return Question(
            Medium(cleaned["medium"]),
            cleaned["first"],
            cleaned["last"],
            zone,
            self._tenant.units,
            limit,
            group=self._groups.get(cleaned.get("group", "")),
        )


def periods(today: date) -> list[tuple[str, date, date]]:
    """Periods that people ask for most, with a name each."""
    yesterday = today - timedelta(days=1)
    first, last = month_before(today)
    named = [
        (_("Yesterday"), yesterday, yesterday),
        (_("This month"), today.replace(day=1), yesterday),
        (_("Last month"), first, last),
        (_("The month before"), *month_before(today, 2)),
        (_("Last month a year ago"), *month_before(today, 13)),
        (_("Last 12 months"), month_before(today, 12)[0], last),
    ]
    return [one for one in named if one[1] <= one[2]]


class SendReportForm(forms.Form):
    """Whom a meter's report goes to, and what stands above it."""

    recipient = AddressField(
        label=_l("E-mail address"),
        max_length=254,
        error_messages={"invalid": _l("This is no e-mail address: it has a name, @ and a domain.")},
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    subject = forms.CharField(label=_l("Subject"), max_length=200)
    text = forms.CharField(
        label=_l("Text"), max_length=4000, widget=forms.Textarea(attrs={"rows": 8})
    )

    def clean_subject(self) -> str:
        # A line break would begin another line of the mail's head.
        return " ".join(self.cleaned_data["subject"].split())


class LetterheadForm(forms.Form):
    """The head of the utility's PDFs."""

    lines = forms.CharField(
        label=_l("Address and telephone"),
        help_text=_l("At most four lines, under the utility's name."),
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    upload = forms.FileField(
        label=_l("Logo"), help_text=_l("A PNG or JPEG file of at most 2 MB."), required=False
    )
    without = forms.BooleanField(label=_l("No logo"), required=False)

    def clean_lines(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["lines"].splitlines()]
        if len(lines) > _HEAD_LINES:
            raise forms.ValidationError(_("Use at most four lines."))
        return "\n".join(lines)

    def clean_upload(self) -> "UploadedFile[bytes] | None":
        upload: UploadedFile[bytes] | None = self.cleaned_data["upload"]
        if upload is not None and (upload.size or 0) > LOGO_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB."))
        return upload

    def logo(self) -> bytes | None:
        """The new logo; empty to take it away, None to leave it as it is."""
        upload = self.cleaned_data["upload"]
        if upload is not None:
            return bytes(upload.read())
        return b"" if self.cleaned_data["without"] else None
