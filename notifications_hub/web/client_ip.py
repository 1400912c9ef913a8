"""The address of a request's client, taken from the server and never from a header.

Behind proxies, configure the server to trust them (uvicorn's `--forwarded-allow-ips`).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.http import HttpRequest

Address = IPv4Address | IPv6Address


def client_ip(request: HttpRequest) -> Address | None:
    """Return the address of a request's client, or None if the server knows none, as on a unix socket.

    It comes from the server, never from a header. An IPv4 address mapped to IPv6 is unmapped.
    """
    return _parsed(request.META.get("REMOTE_ADDR", ""))


def counted_as(text: str) -> str:
    """Return the name by which an address is counted, or an empty text for an invalid address.

    IPv6 addresses count by their first 64 bits, because one customer may choose the rest.
    """
    address = _parsed(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False).network_address)
    return str(address or "")


def _parsed(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
