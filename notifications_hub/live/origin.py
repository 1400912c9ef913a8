"""Which pages may open a connection: those of the site itself, and those of origins on the list.

Compared whole: scheme, host and port (RFC 6454, section 5). A browser sends its cookies with a WebSocket from any page,
so this check is all that stands between a stranger's page and a person's inbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host

from notifications_hub.conf import hub_settings

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOCAL_HOSTS = [".localhost", "127.0.0.1", "[::1]"]

Origin = tuple[str, str, int]


def is_allowed(scope: Mapping[str, Any]) -> bool:
    """A handshake without an origin is refused like one from a stranger."""
    headers = {name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]}
    origin = parse(headers.get("origin", ""))
    if origin is None:
        return False
    return origin == _own(scope, headers) or origin in map(parse, hub_settings.live_allowed_origins)


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


def _own(scope: Mapping[str, Any], headers: Mapping[str, str]) -> Origin | None:
    host = headers.get("host", "")
    own = parse(f"{_scheme(scope, headers)}://{host.lower()}")
    allowed = settings.ALLOWED_HOSTS or (_LOCAL_HOSTS if settings.DEBUG else [])
    if own is None or not validate_host(own[1] if ":" not in own[1] else f"[{own[1]}]", allowed):
        return None
    return own


def _scheme(scope: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    secure = {"ws": False, "http": False, "wss": True, "https": True}[scope.get("scheme", "ws")]
    if settings.SECURE_PROXY_SSL_HEADER:
        name, value = settings.SECURE_PROXY_SSL_HEADER
        header = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower())
        if header is not None:
            secure = header.split(",")[0].strip() == value
    return "https" if secure else "http"
