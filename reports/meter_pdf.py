"""The report of one meter's consumption: what the utility hands to a consumer (seed R47)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable, Paragraph, Spacer, Table, TableStyle

from readings import axes, charts
from readings.queries import WindowStatistics
from readings.questions import ChartAnswer, register_unit
from ready.web import formats
from ready.web.units import UnitChoice
from reports.paper import INK, LINE, MUTED, STRONG, TEXT, WIDTH, Styles, cell, document
from reports.paper.chart import COLOURS, BarChart
from reports.services import Head

_STRIPE = HexColor("#f3f5f6")


def meter_report(
    *,
    answer: ChartAnswer,
    statistics: WindowStatistics,
    head: Head,
    newest: int | None,
    units: UnitChoice,
    now: datetime,
) -> bytes:
    """The chart of a window and all its numbers as a PDF, in the current language and zone.

    newest: the register's newest value, for a window that is not over.
    """
    question = answer.question
    title = _("Consumption report")
    period = (
        f"{formats.date_text(question.window.first)} – {formats.date_text(question.window.last)}"
    )
    story: list[Flowable] = [
        Paragraph(escape(title), Styles.title),
        Paragraph(
            escape(f"{question.register.label} ({question.register.code}) · {period}"), Styles.text
        ),
        Spacer(0, 8),
        _facts(answer),
        Spacer(0, 6),
        _figures(answer, statistics, newest, units),
        Spacer(0, 10),
        BarChart(
            answer.bars,
            answer.earlier,
            axes.ticks([bar.start for bar in answer.bars], question.window.step, question.zone),
            COLOURS[charts.token_of(question.register)],
            answer.unit.name,
            _("The year before"),
            answer.outdoor,
            _("Outdoor temperature"),
        ),
        Spacer(0, 10),
        _numbers(answer),
        Spacer(0, 6),
        *_notes(answer),
    ]
    name = f"{title} {question.page.meter.number} {period}"
    return document(title=name, head=head, story=story, printed_at=now)


def _facts(answer: ChartAnswer) -> Table:
    """Whose consumption: place and customer to the left, the meter to the right."""
    page = answer.question.page
    where = []
    if page.customer is not None:
        where.append(page.customer.name)
    if page.place is not None:
        where += [page.place.street, f"{page.place.postal_code} {page.place.city}".strip()]
    told = [
        (_("Customer number"), page.customer.number if page.customer else "–"),
        (_("Serial number"), page.meter.number),
        (_("Meter type"), f"{page.meter.manufacturer} {page.meter.meter_type}".strip()),
    ]
    left = Paragraph("<br/>".join(escape(line) for line in where if line) or "–", Styles.text)
    right = Table(
        [
            [Paragraph(escape(str(name)), Styles.small), Paragraph(escape(text), Styles.text)]
            for name, text in told
        ],
        colWidths=[WIDTH * 0.2, WIDTH * 0.3],
        style=_TIGHT,
    )
    return Table([[left, right]], colWidths=[WIDTH * 0.5, WIDTH * 0.5], style=_TIGHT)


_TIGHT = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
    ]
)


def _figures(
    answer: ChartAnswer, statistics: WindowStatistics, newest: int | None, units: UnitChoice
) -> Table:
    """The window in five numbers, over the chart as on the page."""
    unit, places = answer.unit, answer.decimals
    standing, standing_places = register_unit(answer.question.register, units)

    def amount(value: object, of: object, decimals: int) -> str:
        if value is None:
            return "–"
        return f"{formats.quantity(value, of, decimals)} {of.name}"  # type: ignore[arg-type, attr-defined]

    end = statistics.end.value
    highest = charts.highest(answer.bars, answer.buckets)
    told = [
        (_("Consumption"), amount(statistics.consumption, unit, places)),
        (_("Average a day"), amount(statistics.per_day, unit, places)),
        (_("Highest"), f"{highest.text} {unit.name}\n{highest.label}" if highest else "–"),
        (_("Start register"), amount(statistics.start.value, standing, standing_places)),
        (_("End register"), amount(newest if end is None else end, standing, standing_places)),
    ]
    cells = [[Paragraph(escape(str(name)), Styles.label), _value(text)] for name, text in told]
    style = TableStyle(
        [
            *_TIGHT.getCommands(),
            ("LINEABOVE", (0, 0), (-1, 0), 0.6, LINE),
            ("LINEBELOW", (0, 0), (-1, -1), 0.6, LINE),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ]
    )
    return Table([cells], colWidths=[WIDTH / len(cells)] * len(cells), style=style)


def _value(text: str) -> Paragraph:
    """A number; what stands on a second line (when it was) is small."""
    number, _newline, when = text.partition("\n")
    small = f'<br/><font size="7.5" color="#526068">{escape(when)}</font>' if when else ""
    return Paragraph(escape(number) + small, Styles.value)


def _numbers(answer: ChartAnswer) -> Table:
    """The same numbers as the bars, one row each; the head again on every page."""
    head = [_("Period"), f"{answer.question.register.code} ({answer.unit.name})"]
    if answer.earlier:
        head.append(_("The year before"))
    if answer.knows_outdoor:
        head.append(_("Outdoors (°C)"))
    head += [_("Quality"), _("Events")]
    many = bool(answer.earlier) and answer.knows_outdoor
    widths = [WIDTH * 0.18, WIDTH * 0.13] if many else [WIDTH * 0.2, WIDTH * 0.16]
    widths += [WIDTH * (0.165 if many else 0.16)] if answer.earlier else []
    widths += [WIDTH * 0.16] if answer.knows_outdoor else []
    numeric = len(widths) - 1
    widths += [WIDTH * 0.22]
    widths.append(WIDTH - sum(widths))
    rows = [
        [
            cell(str(text), Styles.number if 0 < at <= numeric else Styles.cell, widths[at])
            for at, text in enumerate(row)
        ]
        for row in _rows(answer)
    ]
    titles = [
        cell(str(text), Styles.number_head if 0 < at <= numeric else Styles.head, widths[at])
        for at, text in enumerate(head)
    ]
    style = TableStyle(
        [
            ("FONT", (0, 0), (-1, 0), STRONG, 7.5),
            ("FONT", (0, 1), (-1, -1), TEXT, 8),
            ("TEXTCOLOR", (0, 0), (-1, -1), INK),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, MUTED),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), [None, _STRIPE]),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("ALIGN", (1, 0), (numeric, -1), "RIGHT"),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ]
    )
    return Table([titles, *rows], colWidths=widths, style=style, repeatRows=1, hAlign="LEFT")


def _rows(answer: ChartAnswer) -> Iterator[Sequence[object]]:
    for number, bar in enumerate(answer.bars):
        row: list[object] = [bar.label, bar.text]
        if answer.earlier:
            earlier = answer.earlier[number]
            row.append("–" if earlier is None else earlier.text)
        if answer.knows_outdoor:
            row.append(answer.outdoor[number].text)
        yield [*row, bar.look.words, ", ".join(bar.marks)]


def _notes(answer: ChartAnswer) -> Iterator[Flowable]:
    """What the reader has to know to read the numbers right."""
    notes = []
    looks = {bar.look.key for bar in answer.bars}
    if charts.ESTIMATED.key in looks or charts.INTERPOLATED.key in looks:
        notes.append(
            _(
                "Estimated and interpolated values share out what the registers show was used over"
                " the time between two readings."
            )
        )
    if charts.MISSING.key in looks:
        notes.append(_("Where a value is missing, nothing is known; it is not zero."))
    if answer.knows_outdoor:
        notes.append(f"{_('Mean outdoor temperature')}: {answer.outdoor_mean.text} °C")
    elif answer.question.outdoor:
        notes.append(_("No outdoor temperature is known for this period and step."))
    for note in notes:
        yield Paragraph(escape(note), Styles.small)
