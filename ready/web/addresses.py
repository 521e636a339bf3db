"""Who is really calling: the client's address behind a proxy, believed only from our own proxy."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


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


def neighbourhood(address: str) -> str:
    """What to count an address by: a home's IPv6 addresses (/64) are one, an IPv4 is itself."""
    found = _parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return address if found is None else str(found)
