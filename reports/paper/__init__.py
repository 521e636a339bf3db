"""READY on paper: the page that every PDF has, and the flowables put on it.

A4, the utility's letterhead on the first page, the time of printing and the page number at the
foot of each. Colours are the light theme's; every look also differs without colour, since most
reports are printed in black.
"""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from django.conf import settings
from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph

from ready.web import formats
from reports.services import Head

TEXT, STRONG = "DejaVuSans", "DejaVuSans-Bold"
INK, MUTED, LINE = HexColor("#1a2327"), HexColor("#526068"), HexColor("#c4cdd2")
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
_LOGO_HEIGHT, _LOGO_WIDTH = 16 * mm, 48 * mm
_FOOT = 10 * mm


# Once a process, before any text is set: an embedded font, because the ones that every reader has
# lack most of Europe's names.
for _name in (TEXT, STRONG):
    pdfmetrics.registerFont(
        TTFont(_name, str(settings.BASE_DIR / "static/vendor/dejavu" / f"{_name}.ttf"))
    )


class Styles:
    """The few kinds of text there are."""

    title = ParagraphStyle("title", fontName=STRONG, fontSize=15, leading=21, textColor=INK)
    section = ParagraphStyle(
        "section", fontName=STRONG, fontSize=10, leading=14, textColor=INK, spaceBefore=10
    )
    text = ParagraphStyle("text", fontName=TEXT, fontSize=9, leading=12.5, textColor=INK)
    label = ParagraphStyle("label", fontName=TEXT, fontSize=7, leading=9.5, textColor=MUTED)
    value = ParagraphStyle("value", fontName=TEXT, fontSize=10.5, leading=13, textColor=INK)
    small = ParagraphStyle("small", fontName=TEXT, fontSize=7.5, leading=10, textColor=MUTED)
    cell = ParagraphStyle("cell", fontName=TEXT, fontSize=8, leading=10, textColor=INK)
    number = ParagraphStyle("number", parent=cell, alignment=TA_RIGHT)
    head = ParagraphStyle("head", parent=cell, fontName=STRONG, fontSize=7.5)
    number_head = ParagraphStyle("number_head", parent=head, alignment=TA_RIGHT)


# What a table leaves free on either side of a cell's text (reportlab's own padding).
_PADDING = 6


def cell(text: str, style: ParagraphStyle, width: float) -> str | Paragraph:
    """A table's cell, as wide as its column: what is longer goes on in a line of its own, a word
    without end in the middle of it. A table wraps no plain text, and a paragraph for each of
    thousands of short cells takes seconds."""
    room = width - 2 * _PADDING
    if "\n" not in text and stringWidth(text, style.fontName, style.fontSize) <= room:
        return text
    return Paragraph(escape(text).replace("\n", "<br/>"), style)


def fitted(text: str, font: str, size: float, width: float, least: float) -> tuple[str, float]:
    """A line that must not wrap, and the size in which it fits: smaller letters, not smaller than
    `least`, and where that is not enough, its beginning."""
    long = stringWidth(text, font, size)
    if long <= width:
        return text, size
    size = max(least, size * width / long)
    if stringWidth(text, font, size) <= width * 1.0001:
        return text, size
    while text and stringWidth(f"{text}…", font, size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…", size


class _Numbered(Canvas):  # type: ignore[misc]
    """Knows at the end how many pages there are, for "page 1 of 3"."""

    def __init__(self, *arguments: Any, printed: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._printed = printed
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802  reportlab's name
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        count = len(self._pages)
        for number, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self.setFont(TEXT, 7.5)
            self.setFillColor(MUTED)
            pages = _("Page %(page)d of %(pages)d") % {"page": number, "pages": count}
            self.drawRightString(A4[0] - MARGIN, _FOOT, pages)
            room = WIDTH - stringWidth(pages, TEXT, 7.5) - 12
            _line(self, MARGIN, _FOOT, self._printed, TEXT, 7.5, room)
            super().showPage()
        super().save()


def document(*, title: str, head: Head, story: Sequence[Flowable], printed_at: datetime) -> bytes:
    """The PDF. title: of the file; printed_at: aware, shown in the current zone."""
    printed = _("%(utility)s · printed %(time)s") % {
        "utility": head.name,
        "time": formats.moment(printed_at),
    }
    top = 34 * mm
    frame = {"leftPadding": 0, "rightPadding": 0, "topPadding": 0, "bottomPadding": 0}
    first = Frame(MARGIN, 18 * mm, WIDTH, A4[1] - 18 * mm - top, **frame)
    later = Frame(MARGIN, 18 * mm, WIDTH, A4[1] - 36 * mm, **frame)
    file = BytesIO()
    made = BaseDocTemplate(file, pagesize=A4, title=title, author=head.name, lang="en")
    made.addPageTemplates(
        [
            PageTemplate(
                "first",
                [first],
                onPage=lambda canvas, _doc: _letterhead(canvas, head),
                autoNextPageTemplate="later",
            ),
            PageTemplate("later", [later]),
        ]
    )
    made.build(list(story), canvasmaker=lambda *a, **k: _Numbered(*a, printed=printed, **k))
    return file.getvalue()


def _line(
    canvas: Canvas, x: float, y: float, text: str, font: str, size: float, width: float
) -> None:
    """A line of text that ends where its neighbour begins."""
    text, size = fitted(text, font, size, width, least=size * 0.6)
    canvas.setFont(font, size)
    canvas.drawString(x, y, text)


def _letterhead(canvas: Canvas, head: Head) -> None:
    top = A4[1] - 14 * mm
    # The logo's place is kept free, whether there is one or not as wide.
    room = WIDTH - _LOGO_WIDTH - 12
    canvas.setFillColor(INK)
    _line(canvas, MARGIN, top - 10, head.name, STRONG, 12, room)
    canvas.setFillColor(MUTED)
    for number, line in enumerate(head.lines[:4]):
        _line(canvas, MARGIN, top - 22 - number * 9.5, line, TEXT, 7.5, room)
    if head.logo:
        picture = ImageReader(BytesIO(head.logo))
        width, height = picture.getSize()
        scale = min(_LOGO_WIDTH / width, _LOGO_HEIGHT / height)
        canvas.drawImage(
            picture,
            A4[0] - MARGIN - width * scale,
            top - height * scale,
            width * scale,
            height * scale,
            mask="auto",
        )
