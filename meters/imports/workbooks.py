"""Whether a workbook may be opened: what it unpacks to, before anything unpacks it.

An .xlsx file is a zip of XML. openpyxl keeps the shared strings and the styles whole, and a row of
a sheet whole; twenty megabytes of zip can be made to fill a machine with any of them. So the sizes
that the archive tells are added up first (the zip library reads no more than a part's told size),
and then each part that is kept is walked through once, in pieces, counting.
"""

import io
import zipfile
from xml.parsers import expat

from defusedxml.ElementTree import fromstring

_MB = 1024 * 1024
# All parts together; sheets are read row by row, so most of it is never in memory at once.
UNPACKED_MAX = 200 * _MB
# Texts that are there once: a hundred thousand meters with names and addresses take half of it.
STRINGS_MAX = 16 * _MB
# Styles, names, relations: kilobytes in a workbook that people made.
OTHERS_MAX = 2 * _MB
PARTS_MAX = 1000
# A megabyte of zeros packs to a kilobyte; sheets that people made pack 5 to 40 times.
RATIO_MAX = 200
_RATIO_FROM = 4 * _MB
# Elements of one row, and of a part beside its rows; bytes between two elements; elements within
# elements.
_ROW_ELEMENTS = 2_000
_ELEMENTS = 50_000
_STRING_ELEMENTS = 1_000_000
_TEXT_MAX = 1 * _MB
_DEPTH_MAX = 30
_PIECE = 64 * 1024
_TYPES = "[Content_Types].xml"
_SHEETS = "xl/worksheets/"
_STRINGS = "xl/sharedstrings.xml"


def is_harmless(content: bytes) -> bool:
    """Whether what openpyxl would keep of a workbook stays within what READY can hold.

    Raises zipfile.BadZipFile, zlib.error, KeyError, SyntaxError or ValueError of what is no
    workbook.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = [part for part in packed.infolist() if not part.is_dir()]
        unpacked = sum(part.file_size for part in parts)
        if len(parts) > PARTS_MAX or unpacked > UNPACKED_MAX:
            return False
        if unpacked > _RATIO_FROM and unpacked > RATIO_MAX * len(content):
            return False
        return all(_fits(packed, part) for part in parts) and _in_their_places(packed)


def _in_their_places(packed: zipfile.ZipFile) -> bool:
    """Whether sheets, and nothing else, are where a part may be as large as a sheet."""
    for declared in fromstring(packed.read(_TYPES), forbid_dtd=True).iter():
        name = declared.get("PartName", "").lstrip("/").lower()
        kind = declared.get("ContentType", "")
        if name.startswith(_SHEETS) and not kind.endswith(".worksheet+xml"):
            return False
        if kind.endswith(".sharedStrings+xml") and name != _STRINGS:
            return False
    return True


def _fits(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    name = part.filename.lower()
    if name.startswith(_SHEETS) and not name.startswith(f"{_SHEETS}_rels"):
        counter = _Counter(UNPACKED_MAX, _ELEMENTS)
    elif name == _STRINGS:
        counter = _Counter(STRINGS_MAX, _STRING_ELEMENTS)
    else:
        counter = _Counter(OTHERS_MAX, _ELEMENTS)
    with packed.open(part) as stream:
        while piece := stream.read(_PIECE):
            try:
                if not counter.takes(piece):
                    return False
            except expat.ExpatError:
                return True  # a picture; or broken, and nobody gets further than this
    return True


class _Counter:
    """Walks through XML in pieces: at most so many bytes, and elements that are in no row."""

    def __init__(self, most_bytes: int, most_elements: int) -> None:
        self._most = {"bytes": most_bytes, "elements": most_elements}
        self._elements = self._in_row = self._depth = 0
        self._row_depth = 0  # of the row that is open
        self._newest_at = self._seen = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._forbidden

    def takes(self, piece: bytes) -> bool:
        """Whether nothing is too much up to the end of this piece. Raises ExpatError: no XML."""
        self._seen += len(piece)
        try:
            self._parser.Parse(piece, False)
        except _TooMuch:
            return False
        return self._seen <= self._most["bytes"] and self._seen - self._newest_at <= _TEXT_MAX

    def _start(self, name: str, attributes: object) -> None:
        self._depth += 1
        self._newest_at = self._parser.CurrentByteIndex
        if self._row_depth:
            self._in_row += 1
        elif name.rpartition(" ")[2] == "row":
            self._row_depth, self._in_row = self._depth, 0
        else:
            self._elements += 1
        if (
            self._elements > self._most["elements"]
            or self._in_row > _ROW_ELEMENTS
            or self._depth > _DEPTH_MAX
        ):
            raise _TooMuch

    def _end(self, name: str) -> None:
        if self._depth == self._row_depth:
            self._row_depth = 0
        self._depth -= 1
        self._newest_at = self._parser.CurrentByteIndex

    def _forbidden(self, *declared: object) -> None:
        raise _TooMuch


class _TooMuch(Exception):
    """A part has more in it than people put there."""
