"""A file's cells as text: CSV in any separator and encoding, or the first sheet of a workbook."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from meters.imports import workbooks

SIZE_MAX = 20 * 1024 * 1024
ROWS_MAX = 200_000
COLUMNS_MAX = 100
SEPARATORS = (";", ",", "\t", "|")
ENCODINGS = ("utf-8-sig", "cp1252", "iso-8859-1", "utf-16")
DECIMALS = (",", ".")
# What openpyxl raises of a damaged or malicious workbook, broken XML (a SyntaxError) included.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    SyntaxError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    OSError,
)


class Unreadable(Exception):
    """The file cannot be read as asked; says what and where, in words."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is read; columns: the field of each column, "" for one that is left out."""

    separator: str = ";"
    encoding: str = "utf-8-sig"
    decimal: str = ","
    columns: Sequence[str] = field(default_factory=tuple)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Options":
        """From what `stored` gave."""
        return cls(**{**stored, "columns": tuple(stored.get("columns", ()))})

    def stored(self) -> dict[str, Any]:
        """For a JSON column."""
        return {**asdict(self), "columns": list(self.columns)}


def is_workbook(content: bytes) -> bool:
    """Whether it is a zip, as .xlsx files are."""
    return content[:4] == b"PK\x03\x04"


def guess(content: bytes) -> Options:
    """Encoding, separator and decimal sign as they most likely are."""
    if is_workbook(content):
        return Options(decimal=".")
    encoding = _encoding(content)
    first = content[:20_000].decode(encoding, "replace").partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    return Options(separator, encoding, "." if separator == "," else ",")


def _encoding(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"  # what older Danish systems write
    return "utf-8-sig"


def rows_of(content: bytes, options: Options) -> Iterator[list[str]]:
    """Every row's cells, stripped; the head is the first. Raises Unreadable."""
    rows = _sheet(content) if is_workbook(content) else _lines(content, options)
    for number, cells in enumerate(rows, start=1):
        if number > ROWS_MAX:
            raise Unreadable(_("The file has more than %(max)s rows.") % {"max": ROWS_MAX})
        if len(cells) > COLUMNS_MAX:
            raise Unreadable(
                _("Row %(row)s has more than %(max)s columns; is the separator right?")
                % {"row": number, "max": COLUMNS_MAX}
            )
        yield [cell.replace("\x00", "").strip() for cell in cells]


def _lines(content: bytes, options: Options) -> Iterator[list[str]]:
    try:
        text = content.decode(options.encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            _("Line %(line)s cannot be read as %(encoding)s; choose another encoding.")
            % {"line": line, "encoding": options.encoding.removesuffix("-sig")}
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=options.separator)
    try:
        yield from reader
    except csv.Error as error:
        raise Unreadable(
            _("Line %(line)s cannot be read: %(error)s")
            % {"line": reader.line_num, "error": str(error)}
        ) from None


def _sheet(content: bytes) -> Iterator[list[str]]:
    damaged = Unreadable(_("This is no workbook that READY can read; save it as XLSX or CSV."))
    try:
        if not workbooks.is_harmless(content):
            raise Unreadable(_("The workbook is too large; save it as CSV."))
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield [_text(value) for value in row]
    except _DAMAGED:
        raise damaged from None


def _text(value: object) -> str:
    """A workbook's cell as a person would type it; 63006799 is not 63006799.0."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
