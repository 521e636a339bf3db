"""A bounded cursor over bytes.

Every read either returns exactly what was asked for or raises `Truncated` with the layer and the
offset; nothing below it ever sees an IndexError, and nothing reads past the end of its slice.
"""

from wmbus.errors import Layer, Truncated


class Reader:
    """Reads `data` from `position` to `end`; offsets in errors are positions in `data`."""

    __slots__ = ("data", "end", "layer", "position")

    def __init__(self, data: bytes, layer: Layer, position: int = 0, end: int | None = None):
        self.data = data
        self.layer = layer
        self.position = position
        self.end = len(data) if end is None else min(end, len(data))

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return self.end - self.position

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes; `what` names them in the error."""
        start = self.position
        if count > self.end - start:
            raise Truncated(
                "field_cut",
                what=what,
                expected=count,
                left=self.end - start,
                layer=self.layer,
                offset=start,
            )
        self.position = start + count
        return self.data[start : self.position]

    def byte(self, what: str) -> int:
        """The next byte as a number."""
        return self.take(1, what)[0]

    def number(self, count: int, what: str) -> int:
        """The next `count` bytes as an unsigned integer, low byte first."""
        return int.from_bytes(self.take(count, what), "little")
