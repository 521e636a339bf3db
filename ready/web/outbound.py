"""Calling addresses that people typed in (webhooks, single sign-on) without being led inside.

The name is resolved once; every address it has must be a public one, and the connection is made to
the very address that was looked at, so that a second, different answer of the name server changes
nothing (DNS rebinding). Redirects are not followed, answers are cut off at a size, all of it within
a time. TLS is checked against the name.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

_TIMEOUT_S = 10.0
_MOST = 256 * 1024


class Refused(Exception):
    """The address must not be called. `code`: "scheme", "address", "credentials" or "private"."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Unreachable(Exception):
    """Nobody answered, too late, or not in HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; a redirect is an answer like any other."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def public_addresses(host: str, port: int) -> list[str]:
    """The addresses of a name, all of them public. Raises Refused, Unreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} has no address") from error
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    for address in addresses:
        if not _public(address) and host not in settings.OUTBOUND_PRIVATE:
            raise Refused("private", f"{host} leads to {address}, which is not on the internet")
    return addresses


def _public(address: str) -> bool:
    told = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(told, ipaddress.IPv6Address):
        # IPv4 in other clothes: ::ffff:127.0.0.1, 6to4, Teredo, NAT64.
        inner = told.ipv4_mapped or told.sixtofour or (told.teredo[1] if told.teredo else None)
        if inner is None and told in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(told) & 0xFFFFFFFF)
        if inner is not None:
            return _public(str(inner))
    return told.is_global and not told.is_multicast and not told.is_reserved


def call(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = _TIMEOUT_S,
    most: int = _MOST,
) -> Answer:
    """One request, https only (http where READY_OUTBOUND_PRIVATE names the host).

    Raises Refused for an address that must not be called, Unreachable for one that does not
    answer within `timeout_s` in all. Of the answer at most `most` bytes are read.
    """
    parts = urlsplit(url)
    host, trusted = parts.hostname or "", (parts.hostname or "") in settings.OUTBOUND_PRIVATE
    if parts.scheme != "https" and not (parts.scheme == "http" and trusted):
        raise Refused("scheme", "the address must begin with https://")
    if not host:
        raise Refused("address", "the address names no host")
    if parts.username or parts.password:
        raise Refused("credentials", "a name or password must not stand in the address")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Refused("address", "the address has no valid port") from error
    deadline = time.monotonic() + timeout_s
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(ord(sign) < 33 for sign in target):
        raise Refused("address", "the address has a blank or control character")
    link = _connect(public_addresses(host, port), port, deadline)
    try:
        if parts.scheme == "https":
            link = ssl.create_default_context().wrap_socket(link, server_hostname=host)
        return _exchanged(
            link, host, port, method, target, body, dict(headers or {}), deadline, most
        )
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{host}: {error}") from error
    finally:
        link.close()


def _connect(addresses: list[str], port: int, deadline: float) -> socket.socket:
    trouble: OSError | None = None
    for address in addresses[:4]:
        try:
            return socket.create_connection((address, port), timeout=_left(deadline))
        except OSError as error:
            trouble = error
    raise Unreachable(f"nobody answers: {trouble}") from trouble


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("too slow")
    return left


def _exchanged(
    link: socket.socket,
    host: str,
    port: int,
    method: str,
    target: str,
    body: bytes,
    headers: dict[str, str],
    deadline: float,
    most: int,
) -> Answer:
    connection = http.client.HTTPConnection(host, port)
    connection.sock = link
    link.settimeout(_left(deadline))
    connection.request(method, target, body=body or None, headers=headers)
    response = connection.getresponse()
    content = b""
    while len(content) < most:
        link.settimeout(_left(deadline))
        part = response.read1(min(65_536, most - len(content)))
        if not part:
            break
        content += part
    return Answer(response.status, dict(response.getheaders()), content)
