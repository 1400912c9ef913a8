"""Origin checks: only pages of the site itself and of listed origins may open a connection.

Scheme, host and port are all compared (RFC 6454, section 5). A browser sends its cookies with a connection from any
page, so this check alone protects a person's inbox from a stranger's page.

Nothing from a request is cached here, because a stranger can send a different value each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from notifications_hub.conf import hub_settings

MAX_ORIGIN = 8 + 253 + 6
"""Characters of `https://`, of the longest DNS name (RFC 1035, section 2.3.4), and of a port."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HTTP_SCHEMES = {"ws": "http", "wss": "https"}

Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Caller:
    """The page behind a request, read by Django's own rules for proxies and hosts."""

    request: HttpRequest

    @classmethod
    def of_scope(cls, scope: Mapping[str, Any]) -> Caller:
        return cls(_request_of(scope))

    @property
    def headers(self) -> Mapping[str, str]:
        return self.request.headers

    @property
    def has_no_origin(self) -> bool:
        """True if the request names no page. A browser always names its page in a WebSocket handshake."""
        return "origin" not in self.headers

    def may_open_socket(self) -> bool:
        """Return whether a page may open a WebSocket. A handshake without an origin is refused."""
        origin = parse(self.headers.get("origin", ""))
        return origin is not None and (origin == self._own() or _is_listed(origin))

    def cors(self) -> dict[str, str] | None:
        """Return the CORS headers for a page that may read an HTTP response, or None if it may not.

        A browser omits the origin if a page requests its own site, and says so in `Sec-Fetch-Site`.
        """
        if "origin" not in self.headers:
            return {} if self.headers.get("sec-fetch-site", "none") in ("same-origin", "none") else None
        origin = parse(self.headers["origin"])
        if origin is None:
            return None
        if origin == self._own():
            return {}
        if not _is_listed(origin):
            return None
        return {
            "Access-Control-Allow-Origin": self.headers["origin"],
            "Access-Control-Allow-Credentials": "true",
        }

    def _own(self) -> Origin | None:
        try:
            return parse(f"{self.request.scheme}://{self.request.get_host()}")
        except DisallowedHost:
            return None


def parse(text: str) -> Origin | None:
    """Return scheme, host and port of an origin as a browser writes it, or None for anything else."""
    # `urlsplit` caches recent inputs of any length.
    if len(text) > MAX_ORIGIN:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    plain = f"{parts.scheme}://{parts.netloc}".lower() == text.lower() and "@" not in parts.netloc
    if not plain or not parts.hostname or port is None:
        return None
    return parts.scheme, parts.hostname, port


def _is_listed(origin: Origin) -> bool:
    return origin in _parsed(tuple(hub_settings.live_allowed_origins))


@lru_cache(maxsize=1)
def _parsed(origins: Sequence[str]) -> frozenset[Origin | None]:
    return frozenset(map(parse, origins))


def _request_of(scope: Mapping[str, Any]) -> HttpRequest:
    """Return a request with the headers of an ASGI scope: a WebSocket handshake, or a request without a body."""
    scheme = scope.get("scheme", "http")
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
    plain = {"method": "GET", "query_string": b"", "scheme": _HTTP_SCHEMES.get(scheme, scheme), "headers": headers}
    return ASGIRequest({**scope, **plain}, BytesIO())
