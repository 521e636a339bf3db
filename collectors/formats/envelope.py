"""What every parser of this package takes and gives: limits, results and errors.

Results are not changed and hold no live object, so a batch may be parsed anywhere: in the request,
in a worker, in a test. Nothing here knows a clock, a database or the meaning of a telegram.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal

from wmbus.words import Words
from wmbus.words import marked as _

Kind = Literal["json", "ndjson", "lines", "elvaco"]
FrameKind = Literal["wmbus", "mbus"]
TimeSource = Literal["gateway", "zone_assumed", "none"]
Checksums = Literal["removed", "format_a", "format_b", "unknown"]

EXCERPT_CHARACTERS: Final = 80


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one push may hold. Sizes in bytes after inflation, texts in characters.

    `max_frame` leaves room above the longest frame there is: a wM-Bus telegram of L = 255 with
    format A checksums has 290 bytes (EN 13757-4), a wired long frame 261 (EN 13757-2), and some
    receivers leave link quality bytes on the end.
    `values_per_item` and `objects_per_item` bound what the JSON parser may allocate: eight
    mebibytes of `[{},{},…]` would else become hundreds of mebibytes of Python objects.
    """

    max_body: int = 8 * 1024 * 1024
    max_items: int = 5_000
    max_depth: int = 10
    max_frame: int = 300
    max_line: int = 16 * 1024
    max_text: int = 100
    max_status: int = 8 * 1024
    values_per_item: int = 32
    objects_per_item: int = 4

    @property
    def max_values(self) -> int:
        """JSON values in one body."""
        return 1_000 + self.values_per_item * self.max_items

    @property
    def max_objects(self) -> int:
        """JSON objects and lists in one body."""
        return 100 + self.objects_per_item * self.max_items


DEFAULT_LIMITS: Final = Limits()
DEFAULT_ZONE: Final[tzinfo] = UTC


class RejectCode(StrEnum):
    """Why one item of a good envelope is no telegram. Closed: gateways may switch on it."""

    EMPTY = "empty"
    BAD_HEX = "bad_hex"
    ODD_HEX = "odd_hex"
    BAD_BASE64 = "bad_base64"
    BAD_LENGTH = "bad_length"
    TOO_LONG = "too_long"
    CRC_FAILED_AT_RECEIVER = "crc_failed_at_receiver"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_TELEGRAM = "missing_telegram"
    BAD_JSON = "bad_json"
    DUPLICATE_KEY = "duplicate_key"
    BAD_TIME = "bad_time"
    BAD_FIELD = "bad_field"
    UNKNOWN_LINE = "unknown_line"


class EnvelopeCode(StrEnum):
    """Why a whole body cannot be taken. Sending it again would fail again."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_ITEMS = "too_many_items"
    TOO_MANY_VALUES = "too_many_values"
    TOO_DEEP = "too_deep"
    NOT_UTF8 = "not_utf8"
    BAD_JSON = "bad_json"
    DUPLICATE_KEY = "duplicate_key"
    WRONG_TYPE = "wrong_type"
    NO_TELEGRAMS = "no_telegrams"
    BAD_FIELD = "bad_field"
    UNSUPPORTED_TYPE = "unsupported_type"
    UNSUPPORTED_CHARSET = "unsupported_charset"


_STATUS: Final[Mapping[EnvelopeCode, int]] = {
    EnvelopeCode.TOO_LARGE: 413,
    EnvelopeCode.TOO_MANY_ITEMS: 413,
    EnvelopeCode.TOO_MANY_VALUES: 413,
    EnvelopeCode.UNSUPPORTED_TYPE: 415,
    EnvelopeCode.UNSUPPORTED_CHARSET: 415,
}


class EnvelopeError(ValueError):
    """A body that is no envelope at all.

    `detail` says what was wrong in one English sentence, `at` where: "byte 17",
    "line 3 column 4" or "field sent_at"; None when the body as a whole is meant.
    """

    def __init__(self, code: EnvelopeCode, detail: str, at: str | None = None) -> None:
        super().__init__(f"{detail} ({at})" if at else detail)
        self.code = code
        self.detail = detail
        self.at = at

    @property
    def status(self) -> int:
        """The HTTP status that tells the sender so: 413 by size, 415 by type, else 400."""
        return _STATUS.get(self.code, 400)


@dataclass(slots=True)
class Received:
    """One telegram as a receiver heard it, nothing of it decoded. Never changed; not frozen, as a
    frozen one takes three times as long to make.

    - `index`: place among the items of the body, from 0.
    - `frame`: from the L field (wmbus), or a whole long frame 68 … 16 (mbus).
    - `time`: aware, UTC; when the gateway heard it. None when it did not say, gave a time
      relative to its own start, or had a clock that was never set (before the year 2000).
    - `time_text`: what it wrote, so that a wrong zone can be put right later.
    - `time_source`: gateway (its text named a zone), zone_assumed, none.
    - `rssi_dbm`: signal strength in dBm. `level_raw`: the receiver's own scale, no unit.
    - `crc`: whether the link layer's checksums are still in the frame.
    - `device`: the receiver's own name. `lat`, `lon`: degrees (WGS 84), six decimals, where the
      telegram was heard; `accuracy_m` in metres. Drive-by only.
    """

    index: int
    frame: bytes
    kind: FrameKind = "wmbus"
    time: datetime | None = None
    time_text: str | None = None
    time_source: TimeSource = "none"
    rssi_dbm: int | None = None
    level_raw: int | None = None
    link_mode: str | None = None
    crc: Checksums = "unknown"
    device: str | None = None
    lat: Decimal | None = None
    lon: Decimal | None = None
    accuracy_m: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """One item that is no telegram: why, in words, and its beginning in printable ASCII."""

    index: int
    code: RejectCode
    detail: str
    excerpt: str


Item = Received | Rejected


@dataclass(frozen=True, slots=True)
class Envelope:
    """One push: `items[i].index == i`, in the order of the body.

    `gateway` and `batch` are the sender's own names; the pair makes a push idempotent.
    `sent_at` is the gateway's clock when it sent (aware, UTC). `status` is what the gateway tells
    about itself, free of NUL characters (PostgreSQL's jsonb refuses them).
    """

    kind: Kind
    gateway: str | None
    batch: str | None
    sent_at: datetime | None
    items: tuple[Item, ...]
    status: Mapping[str, object] | None


class ItemFault(Exception):
    """Inside this package: the item at hand is to be rejected."""

    def __init__(self, code: RejectCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def in_line(number: int, fault: str) -> Words:
    """A fault with the number of its line, from 1."""
    return Words(_("Line %(number)d: %(fault)s"), number=number, fault=fault)


def excerpt(text: str) -> str:
    """The beginning of a text in printable ASCII, at most EXCERPT_CHARACTERS long."""
    head = ascii(text[:EXCERPT_CHARACTERS])[1:-1]
    return head[:EXCERPT_CHARACTERS]


def too_many_items(limits: Limits) -> EnvelopeError:
    """More telegrams than one push may hold."""
    return EnvelopeError(
        EnvelopeCode.TOO_MANY_ITEMS,
        Words(
            _("A push may hold at most %(most)d telegrams; send the rest in another one."),
            most=limits.max_items,
        ),
    )
