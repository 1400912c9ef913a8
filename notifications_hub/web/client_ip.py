"""The address a request comes from: the server's word, never a header's.

Behind proxies the server is told which of them to trust (uvicorn's `--forwarded-allow-ips`).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.http import HttpRequest

Address = IPv4Address | IPv6Address


def client_ip(request: HttpRequest) -> Address | None:
    """Return the address, an IPv4 one as such when it came over IPv6, or None behind a socket without addresses."""
    return _parsed(request.META.get("REMOTE_ADDR", ""))


def counted_as(text: str) -> str:
    """Return the name by which an address is counted, or an empty text for what is none.

    IPv6 counts by its first 64 bits: the rest is one customer's to choose.
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
