"""A test handshake with a running server, from outside and through every proxy in front of it."""

from __future__ import annotations

import base64
import re
import secrets
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from django.urls import reverse

from notifications_hub.ops.servers import UNCOMPRESSED

SECONDS = 5


def check_websocket(url: str) -> tuple[str, bool]:
    """Try a WebSocket handshake at this address. Return the finding in words, and whether it is good."""
    try:
        status, extensions, server = _handshake(url)
    except (OSError, HTTPException, ValueError) as error:
        return f"{url} does not answer ({error}).", False
    if status == 403:
        return f"{url} refuses its own pages: does its proxy forward Host, and is the host in ALLOWED_HOSTS?", False
    if status != 101:
        remedy = "does the proxy forward Upgrade and Connection, and is the server an ASGI server?"
        return f"a WebSocket is answered {status}: {remedy}", False
    if "permessage-deflate" in extensions:
        remedy = UNCOMPRESSED.get(server, UNCOMPRESSED["uvicorn"])
        return f"it compresses WebSockets, which costs memory for each. {remedy}", False
    return f"{url} accepts WebSockets, and does not compress them.", True


def _handshake(url: str) -> tuple[int, str, str]:
    """Return status and extensions of a WebSocket handshake (RFC 6455, section 4.1), and the server's name.

    The name is empty if the answer has none. A proxy may put its own there.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    with closing(kind(parts.netloc, timeout=SECONDS)) as line:
        line.request(
            "GET",
            reverse("notifications_hub:live_ws"),
            headers={
                "Origin": f"{parts.scheme}://{parts.netloc}",
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
                "Sec-WebSocket-Extensions": "permessage-deflate",
            },
        )
        answer: HTTPResponse = line.getresponse()
        server = re.match(r"[a-z]*", answer.headers.get("Server", "").lower())
        return answer.status, answer.headers.get("Sec-WebSocket-Extensions", ""), server[0] if server else ""
