"""XLSX files for people: text stays text, so that nothing in a cell is run as a formula."""

import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What XML 1.0 cannot hold; a spreadsheet program would call the file damaged.
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST = 32_767


def xlsx_file(
    name: str, title: str, head: Sequence[object], rows: Iterable[Sequence[object]]
) -> HttpResponse:
    """A workbook of one sheet, written row by row."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:31])
    sheet.freeze_panes = "A2"
    bold = []
    for label in head:
        cell: Any = WriteOnlyCell(sheet, _plain(str(label)))
        cell.font = Font(bold=True)
        bold.append(cell)
    sheet.append(bold)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    content = io.BytesIO()
    book.save(content)
    response = HttpResponse(content.getvalue(), content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response


def _plain(text: str) -> str:
    return _IMPOSSIBLE.sub(" ", text)[:_LONGEST]


def _cell(sheet: Any, value: object) -> object:
    if value is None or isinstance(value, (int, Decimal, date)):
        # A workbook knows no zones: an instant is written as text with its offset.
        if isinstance(value, datetime):
            return _text(sheet, value.isoformat(" ", "seconds"))
        return value
    return _text(sheet, str(value))


def _text(sheet: Any, text: str) -> Any:
    cell: Any = WriteOnlyCell(sheet, _plain(text))
    cell.data_type = "s"  # also where it begins with "=": openpyxl would make a formula of it
    return cell
