"""The address a request comes from: the server's word, never a header's.

Behind proxies the server is told which of them to trust (uvicorn's `--forwarded-allow-ips`).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.http import HttpRequest

Address = IPv4Address | IPv6Address


def client_ip(request: HttpRequest) -> Address | None:
    """Return the address, an IPv4 one as such when it came over IPv6, or None behind a socket without addresses."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
