"""Lines of a text body, with their numbers."""

import re
from collections.abc import Iterator
from typing import Final

from collectors.formats.envelope import EnvelopeCode, EnvelopeError, Limits

BOM: Final = b"\xef\xbb\xbf"
# Skips blank lines within the regular expression: a body may be nothing but line ends.
_LINE: Final = re.compile(rb"\s*([^\n]+)")
# Comments and log lines are no items, yet each costs time.
_LINES_PER_ITEM: Final = 20


def numbered_lines(body: bytes, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, stripped, with their numbers from 1. Raises EnvelopeError."""
    number, counted = 1, 0
    most = _LINES_PER_ITEM * limits.max_items
    for seen, match in enumerate(_LINE.finditer(body.removeprefix(BOM))):
        if seen == most:
            raise EnvelopeError(
                EnvelopeCode.TOO_MANY_ITEMS, f"A push may hold at most {most} lines of text."
            )
        start = match.start(1)
        number += match.string.count(b"\n", counted, start)
        counted = start
        line = match[1].rstrip()
        if line:
            yield number, line
