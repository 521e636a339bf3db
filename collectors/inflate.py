"""Gzip bodies inflated while they arrive, never past a limit.

A body of some hundred kilobytes can inflate to hundreds of megabytes, so the output is bounded at
every step, and the input is fed in slices: zlib copies what it has not used yet, and a body of
thousands of tiny members would else be copied thousands of times.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

_SLICE: Final = 4 * 1024
_STEP: Final = 64 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS
# RFC 1952 allows members behind each other: appended log files, and block-wise compressors.
_MOST_MEMBERS: Final = 1_000


class InflateError(ValueError):
    """A body that cannot be inflated; the text says why and at which compressed byte."""


class TooLarge(InflateError):
    """The body inflates to more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body inflates to more than {limit} bytes.")
        self.limit = limit


class BadGzip(InflateError):
    """The body is no gzip, is damaged, or ends too early."""


def inflate(chunks: Iterable[bytes], limit: int) -> bytes:
    """Inflate a gzip body (RFC 1952), whole members behind each other included.

    Raises TooLarge as soon as `limit` bytes are passed, taking little more memory than the bytes
    inflated until then, and BadGzip. Zero bytes after the last member are padding.
    """
    parts: list[bytes] = []
    total = 0
    for part in _inflated(chunks):
        total += len(part)
        if total > limit:
            raise TooLarge(limit)
        parts.append(part)
    return b"".join(parts)


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP)
    begun = False
    members = 0
    taken = 0
    for data in _slices(chunks):
        taken += len(data)
        rest = data
        while rest:
            if not begun:
                if members:
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                if members == _MOST_MEMBERS:
                    raise BadGzip(f"The body has more than {_MOST_MEMBERS} gzip members.")
                member = zlib.decompressobj(_GZIP)
                begun = True
            try:
                yield member.decompress(rest, _STEP)
                while not member.eof and member.unconsumed_tail:
                    yield member.decompress(member.unconsumed_tail, _STEP)
            except zlib.error:
                raise BadGzip(
                    f"The body is no gzip or is damaged, before its byte {taken}."
                ) from None
            rest = member.unused_data
            if member.eof:
                begun = False
                members += 1
    if begun or not members:
        raise BadGzip(f"The gzip body ends too early, after {taken} bytes.")


def _slices(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _SLICE):
            yield chunk[start : start + _SLICE]
