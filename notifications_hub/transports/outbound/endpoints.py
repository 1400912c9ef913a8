"""Validated addresses of services, and public networks. People enter addresses, so anyone can.

An address is parsed once, by the HTTP client's own parser, and compared by its parsed host, never as a string.
`resolver.py` checks the networks again when a connection is opened.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from yarl import URL

MAX_LENGTH = 2048
LOOKUP_SECONDS = 1.0

_PLAIN = re.compile(r"[!-\[\]-~]+")  # printable ASCII without the backslash, which some parsers read as a slash
_TOKEN = re.compile(r"[\w%~+=-]{32,}", re.ASCII)
_SHORT_TOKEN = 8
"""Characters. Shorter parts of a path, such as `push` or `v2`, are the same for every browser."""
_NAT64 = IPv6Network("64:ff9b::/96")
# `is_global` counts these as public: NAT64 of an operator's own (RFC 8215), IPv4-compatible addresses (RFC 4291,
# 2.5.5.1) and site-local ones (RFC 3879).
_NOT_PUBLIC = [IPv6Network(network) for network in ("64:ff9b:1::/48", "::/96", "fec0::/10")]

Lookup = Callable[[str, int], Iterable[str]]
MayBePrivate = Callable[[str, int], bool]
"""Return whether the site lists this host and port, which then may be private or use plain http."""


class EndpointRefused(ValueError):
    """Raised for an endpoint that nothing may be sent to. The message says why."""


class PrivateNetwork(EndpointRefused):
    """Raised for an endpoint in a private network."""


@dataclass(frozen=True)
class Endpoint:
    """A validated endpoint."""

    url: URL
    host: str
    port: int

    @cached_property
    def origin(self) -> str:
        return str(self.url.origin())

    def hidden_in(self, text: str) -> str:
        """Return the text without parts of this address and long tokens, which would let its reader send here."""
        parts = re.split(r"[/?&=]", self.url.raw_path_qs)
        for part in sorted(parts, key=len, reverse=True):
            if len(part) >= _SHORT_TOKEN:
                text = text.replace(part, "…")
        return _TOKEN.sub("…", text)


def parse_url(text: str) -> URL:
    """Return an absolute http(s) URL in its one spelling. Raise `EndpointRefused`."""
    if len(text) > MAX_LENGTH:
        raise EndpointRefused(f"The endpoint is longer than {MAX_LENGTH} characters.")
    if not _PLAIN.fullmatch(text):
        raise EndpointRefused("The endpoint has characters that no URL has.")
    try:
        url = URL(text, encoded=True)
        complete = url.scheme in ("https", "http") and bool(url.host and url.port)
    except ValueError:
        complete = False
    if not complete:
        raise EndpointRefused("The endpoint is not an absolute http(s) URL.")
    if "@" in url.raw_authority:
        raise EndpointRefused("The endpoint must not carry a user name.")
    if "#" in text:
        raise EndpointRefused("The endpoint must not have a fragment.")
    return _as_browsers_write_it(url)


def parse_service_url(text: str, may_be_private: MayBePrivate) -> Endpoint:
    """Return the endpoint of any public service. Raise `EndpointRefused`, also for a number of a private network."""
    url = parse_url(text)
    endpoint = Endpoint(url, url.host or "", url.port or 0)
    if not may_be_private(endpoint.host, endpoint.port):
        if url.scheme != "https":
            raise EndpointRefused("The endpoint must start with https://.")
        # The HTTP client resolves names alone, so its resolver does not see a number.
        if _is_number(endpoint.host) and not is_public(endpoint.host):
            raise PrivateNetwork("The endpoint is in a private network.")
    return endpoint


def _is_number(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _as_browsers_write_it(url: URL) -> URL:
    """Return the one spelling of an endpoint, so that it cannot be registered again under a variant.

    Scheme and host are in lower case, a default port is left out, and the path has no dot segments, needless escapes or
    repeated slashes. The query stays: a service may read it to the letter.
    """
    path = URL(f"https://host/{re.sub('/+', '/', url.raw_path).lstrip('/')}").raw_path
    port = "" if url.is_default_port() else f":{url.port}"
    query = f"?{url.raw_query_string}" if url.raw_query_string else ""
    return URL(f"{url.scheme}://{(url.host_subcomponent or '').lower()}{port}{path}{query}", encoded=True)


def is_public(address: str) -> bool:
    """Return whether an address is on the public internet, also if one protocol wraps another."""
    ip = ip_address(address.partition("%")[0])
    if not ip.is_global or ip.is_multicast or any(ip in network for network in _NOT_PUBLIC):
        return False
    return all(is_public(str(inner)) for inner in _wrapped(ip))


def _wrapped(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(ip, IPv4Address):
        return []
    nat64 = IPv4Address(ip.packed[12:]) if ip in _NAT64 else None
    return [inner for inner in (ip.ipv4_mapped, ip.sixtofour, nat64) if inner is not None]


def is_listed(host: str, port: int, hosts: Collection[str]) -> bool:
    """Return whether a setting lists the host, with or without its port."""
    return bool({host, f"{host}:{port}", f"[{host}]:{port}"}.intersection(hosts))


def check_addresses(endpoint: Endpoint, may_be_private: MayBePrivate, lookup: Lookup | None = None) -> None:
    """Raise `PrivateNetwork` for a name that resolves into a private network.

    A name that cannot be resolved now passes: nothing is sent before the connection's own check has seen its addresses.
    """
    if may_be_private(endpoint.host, endpoint.port):
        return
    try:
        addresses = list((lookup or _lookup)(endpoint.host, endpoint.port))
    except OSError:
        return
    if not all(is_public(address) for address in addresses):
        raise PrivateNetwork("The endpoint leads into a private network.")


def _lookup(host: str, port: int) -> list[str]:
    # This needs a thread: getaddrinfo has no deadline, and all synchronous views may share the caller's thread.
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        found = pool.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(LOOKUP_SECONDS)
    finally:
        pool.shutdown(wait=False)
    return [str(entry[4][0]) for entry in found]
