<<<<<<< HEAD
"""Who is really calling: the client's address behind a proxy, believed only from our own proxy."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
=======
"""From which computer a request really came, when a proxy stands in front."""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse
>>>>>>> 3482391 (The catalogue after coming together)

Network = IPv4Network | IPv6Network


<<<<<<< HEAD
def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks from their texts, such as 10.0.0.0/8 or ::1. Raises ValueError."""
    return tuple(ip_network(text) for text in texts)


def inside(address: str, among: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks; what is no address is in none."""
    found = _parsed(address)
    return found is not None and any(found in network for network in among)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address.strip().strip("[]"))
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def client_of(peer: str, forwarded: str, trusted: Iterable[Network]) -> str:
    """The last address in X-Forwarded-For that none of our proxies has: each proxy adds whom it
    heard from at the end, and what stands further left may have been made up."""
    trusted = tuple(trusted)
    client = peer
    for told in reversed(forwarded.split(",")):
        if not inside(client, trusted):
            break
        found = _parsed(told)
        if found is None:
            break
        client = str(found)
    return client
=======
class ClientAddressMiddleware:
    """Sets REMOTE_ADDR to the address of whoever spoke to the outermost trusted proxy.

    X-Forwarded-For is believed only from READY_TRUSTED_PROXIES, and read from its end: each proxy
    adds whom it heard, and what a stranger wrote stands before that.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.trusted = [ip_network(text) for text in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.META["REMOTE_ADDR"] = client_address(
            request.META.get("REMOTE_ADDR", ""),
            request.META.get("HTTP_X_FORWARDED_FOR", ""),
            self.trusted,
        )
        return self.get_response(request)


def client_address(peer: str, forwarded: str, trusted: list[Network]) -> str:
    """The last address in the chain that is no trusted proxy; the peer where it is not one."""
    address = peer
    for told in [*reversed(forwarded.split(",")), ""]:
        if not _in(address, trusted):
            return address
        try:
            address = str(ip_address(told.strip()))
        except ValueError:
            return address
    return address


def _in(address: str, networks: list[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed.version == network.version and parsed in network for network in networks)


def neighbourhood(address: str) -> str:
    """What to count an address by: a home's IPv6 addresses (/64) are one, an IPv4 is itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)
>>>>>>> 3482391 (The catalogue after coming together)
