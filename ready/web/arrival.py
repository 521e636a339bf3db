"""One HTTP/1.1 request on its way in: tells when all of it is here, and who is too slow.

It only finds the end (RFC 9112, 6 and 7.1) and judges nothing else: gunicorn's own parser reads
the same bytes afterwards and its framing is what counts. What is malformed therefore counts as
complete, and is refused there.
"""

from enum import Enum, auto
from typing import Final

MAX_HEAD: Final = 64 * 1024
# A sender that is merely slow keeps at least this pace (64 kbit/s), after a first allowance.
PACE_BYTES_S: Final = 8 * 1024
FIRST_S: Final = 8.0

_END_OF_HEAD: Final = b"\r\n\r\n"
_LONGEST_SIZE_LINE: Final = 8 * 1024
_SPACE: Final = b" \t"


class Stage(Enum):
    """How far a request has come."""

    MORE = auto()
    COMPLETE = auto()
    HEAD_TOO_LARGE = auto()
    BODY_TOO_LARGE = auto()


class Arrival:
    """The bytes of one request as they come; `feed` them, then look at the stage it returns."""

    def __init__(self, max_body: int) -> None:
        """max_body: bytes of body as sent, the framing of chunks included."""
        self.data = bytearray()
        self.expects_continue = False
        self._max_body = max_body
        self._body_at = -1
        self._end = -1  # of a body whose length was told
        self._chunk_at = -1  # where the next chunk's size line begins

    @property
    def begun(self) -> bool:
        """Whether anything has come at all."""
        return bool(self.data)

    def allowance_s(self) -> float:
        """Seconds, from its first moment, that it may have taken for what has come so far."""
        body = len(self.data) - self._body_at if self._body_at >= 0 else 0
        return FIRST_S + body / PACE_BYTES_S

    def feed(self, piece: bytes) -> Stage:
        """Take bytes in; what is behind the request stays in `data`, too."""
        searched = max(0, len(self.data) - len(_END_OF_HEAD) + 1)
        self.data += piece
        if self._body_at < 0:
            found = self.data.find(_END_OF_HEAD, searched)
            if found < 0:
                return Stage.HEAD_TOO_LARGE if len(self.data) > MAX_HEAD else Stage.MORE
            if found > MAX_HEAD:
                return Stage.HEAD_TOO_LARGE
            self._body_at = found + len(_END_OF_HEAD)
            self._read_head(bytes(self.data[:found]))
        return self._stage()

    def _read_head(self, head: bytes) -> None:
        told: dict[bytes, list[bytes]] = {}
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            told.setdefault(name.strip(_SPACE).lower(), []).append(value.strip(_SPACE).lower())
        self.expects_continue = told.get(b"expect") == [b"100-continue"]
        coded = told.get(b"transfer-encoding", [])
        lengths = told.get(b"content-length", [])
        if coded == [b"chunked"] and not lengths:
            self._chunk_at = self._body_at
        elif not coded and len(lengths) == 1 and lengths[0].isdigit() and len(lengths[0]) < 16:
            self._end = self._body_at + int(lengths[0])
        else:
            self._end = self._body_at  # no body, or none that gunicorn would take

    def _stage(self) -> Stage:
        if self._chunk_at < 0:
            if self._end - self._body_at > self._max_body:
                return Stage.BODY_TOO_LARGE
            return Stage.COMPLETE if len(self.data) >= self._end else Stage.MORE
        if self._chunks_end():
            return Stage.COMPLETE
        large = len(self.data) - self._body_at > self._max_body
        return Stage.BODY_TOO_LARGE if large else Stage.MORE

    def _chunks_end(self) -> bool:
        """Walk over the chunks that are here; whether the last one is, or a fault."""
        data = self.data
        while self._chunk_at <= len(data):
            line_end = data.find(b"\r\n", self._chunk_at)
            if line_end < 0:
                return len(data) - self._chunk_at > _LONGEST_SIZE_LINE
            digits = bytes(data[self._chunk_at : line_end]).partition(b";")[0].strip(_SPACE)
            try:
                size = int(digits, 16)
            except ValueError:
                return True
            if size < 0:
                return True
            if size == 0:
                # The trailer section ends with an empty line, its first or a later one.
                trailer = line_end + 2
                return (
                    data[trailer : trailer + 2] == b"\r\n" or data.find(_END_OF_HEAD, trailer) >= 0
                )
            self._chunk_at = line_end + 2 + size + 2
        return False
