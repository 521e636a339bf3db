"""Where the running act comes from: set once a request, read by every entry it writes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """A request as the trail tells of it.

    computer: the name a client gives itself, or else browser and system; nobody vouches for it.
    address: the network address. session: a digest of its key. proof: see `AuditEntry.proof`.
    """

    computer: str = ""
    address: str = ""
    request_id: str = ""
    session: str = ""
    proof: str = ""


_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)
_written: ContextVar[list[str] | None] = ContextVar("written", default=None)


def current_origin() -> Origin:
    """The running request's origin; empty outside one."""
    return _origin.get() or Origin()


@contextmanager
def origin(value: Origin) -> Iterator[list[str]]:
    """Let every entry written meanwhile tell this origin; yields the events written so far."""
    written: list[str] = []
    token, noted = _origin.set(value), _written.set(written)
    try:
        yield written
    finally:
        _origin.reset(token)
        _written.reset(noted)


def note(event: str) -> None:
    """Remember that the running request wrote this event."""
    written = _written.get()
    if written is not None:
        written.append(event)


def computer_name(given: str, user_agent: str) -> str:
    """What a client calls itself (X-Computer-Name), else its browser and system.

    >>> computer_name("", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox, Linux'
    """
    named = _CONTROL.sub(" ", given).strip()[:80]
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    told = ", ".join(part for part in (browser, system) if part)
    if not told:
        told = _CONTROL.sub(" ", user_agent).split("/")[0].strip()[:40]
    return f"{named} ({told})" if named and told else named or told
