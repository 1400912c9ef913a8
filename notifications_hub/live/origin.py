"""Which pages may open a connection: those of the site itself, and those of origins on the list.

Compared whole: scheme, host and port (RFC 6454, section 5). A browser sends its cookies with a connection from any
page, so this check is all that stands between a stranger's page and a person's inbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import validate_host

from notifications_hub.conf import hub_settings

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOCAL_HOSTS = [".localhost", "127.0.0.1", "[::1]"]

Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Caller:
    """What a request says of the page behind it; header names are in lower case."""

    headers: Mapping[str, str]
    secure: bool

    @classmethod
    def of_scope(cls, scope: Mapping[str, Any]) -> Caller:
        headers = {name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]}
        return cls(headers, _is_secure(scope.get("scheme", "http"), headers))

    @classmethod
    def of_request(cls, request: HttpRequest) -> Caller:
        return cls({name.lower(): value for name, value in request.headers.items()}, request.is_secure())

    def may_open_socket(self) -> bool:
        """A WebSocket handshake without an origin is refused like one from a stranger."""
        return self._is_own() or self._is_listed()

    def cors(self) -> dict[str, str] | None:
        """Headers for a page that may read the answer over HTTP; None for one that may not.

        A browser leaves the origin out where a page asks its own site, and says so in `Sec-Fetch-Site`.
        """
        if "origin" not in self.headers:
            return {} if self.headers.get("sec-fetch-site", "none") in ("same-origin", "none") else None
        if self._is_own():
            return {}
        if not self._is_listed():
            return None
        return {
            "Access-Control-Allow-Origin": self.headers["origin"],
            "Access-Control-Allow-Credentials": "true",
        }

    def _is_own(self) -> bool:
        origin = parse(self.headers.get("origin", ""))
        return origin is not None and origin == self._own()

    def _is_listed(self) -> bool:
        origin = parse(self.headers.get("origin", ""))
        return origin is not None and origin in map(parse, hub_settings.live_allowed_origins)

    def _own(self) -> Origin | None:
        scheme = "https" if self.secure else "http"
        own = parse(f"{scheme}://{self.headers.get('host', '').lower()}")
        allowed = settings.ALLOWED_HOSTS or (_LOCAL_HOSTS if settings.DEBUG else [])
        if own is None or not validate_host(own[1] if ":" not in own[1] else f"[{own[1]}]", allowed):
            return None
        return own


@lru_cache(maxsize=1024)
def parse(text: str) -> Origin | None:
    """Scheme, host and port of an origin as a browser writes it, or None for anything else."""
    try:
        parts = urlsplit(text)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    plain = f"{parts.scheme}://{parts.netloc}" == text.lower() and "@" not in parts.netloc
    if not plain or not parts.hostname or port is None:
        return None
    return parts.scheme, parts.hostname, port


def _is_secure(scheme: str, headers: Mapping[str, str]) -> bool:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, value = settings.SECURE_PROXY_SSL_HEADER
        header = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower())
        if header is not None:
            return header.split(",")[0].strip() == value
    return scheme in ("https", "wss")
