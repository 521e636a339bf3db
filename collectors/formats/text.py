"""Lines of a text body, with their numbers."""

import re
from collections.abc import Iterator
from typing import Final

from collectors.formats.envelope import EnvelopeCode, EnvelopeError, Limits

BOM: Final = b"\xef\xbb\xbf"
INK: Final = re.compile(rb"\S")
# Comments and log lines are no items, yet each costs time.
_LINES_PER_ITEM: Final = 20


def numbered_lines(body: bytes, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, stripped, with their numbers from 1. Raises EnvelopeError.

    Takes time in proportion to the body, also when that is nothing but line ends.
    """
    body = body.removeprefix(BOM)
    most = _LINES_PER_ITEM * limits.max_items
    number, counted, seen = 1, 0, 0
    ink = INK.search(body)
    while ink is not None:
        if seen == most:
            raise EnvelopeError(
                EnvelopeCode.TOO_MANY_ITEMS, f"A push may hold at most {most} lines of text."
            )
        seen += 1
        start = ink.start()
        number += body.count(b"\n", counted, start)
        counted = start
        end = body.find(b"\n", start)
        if end < 0:
            end = len(body)
        yield number, body[start:end].rstrip()
        ink = INK.search(body, end)
