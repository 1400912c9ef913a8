"""HTTP connections, answered in ASGI: a request that waits inside Django would hold a thread of every middleware."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest

from notifications_hub.live.admission import Admitted, ConnectionRequest, Refusal
from notifications_hub.live.close_codes import Closing
from notifications_hub.live.connection import ConnectionKind
from notifications_hub.live.counting import count_refused
from notifications_hub.live.hub import Hub
from notifications_hub.live.origin import Caller
from notifications_hub.request_ids import answer_headers

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# Forbid caching, changes on the way (a proxy that compresses also holds data back), buffering by nginx, and sniffing
# of the content type.
PRIVATE = {
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Authorization, Cookie, Origin",
}


@dataclass
class Exchange:
    """One HTTP request and its response."""

    scope: Scope
    receive: Receive
    send: Send
    kind: ConnectionKind
    headers: dict[str, str] = field(default_factory=lambda: dict(PRIVATE))

    async def open(self, hub: Hub) -> tuple[ConnectionRequest, Admitted] | None:
        """Return the parsed request and its admission, or None after answering a refusal."""
        if not _names_this_site(self.scope):
            await self.answer(400, {"detail": "This server has no site with that name."})
            return None
        caller = Caller.of_scope(self.scope)
        cors = caller.cors()
        if cors is None:
            count_refused(self.kind, "origin")
            await self.answer(403, {"detail": "This page's origin may not connect."})
            return None
        self.headers |= cors
        if self.scope["method"] != "GET":
            await self.answer(405, {"detail": "Use GET."}, {"Allow": "GET"})
            return None
        try:
            wanted = ConnectionRequest.parse(
                self.scope["query_string"].decode("latin1"), caller.headers.get("last-event-id", "")
            )
            return wanted, await hub.admit(self.scope, wanted)
        except Refusal as refusal:
            count_refused(self.kind, refusal.closing)
            await self.refuse(refusal.closing)
            return None

    async def refuse(self, closing: Closing) -> None:
        await self.answer(closing.status, {"detail": closing.words}, closing.headers)

    async def answer(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        await self.start(status, "application/json", headers or {})
        await self.write(text, more=False)

    async def start(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        named = {"Content-Type": content_type, **self.headers, **headers, **answer_headers()}
        encoded = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in named.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, text: str, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": text.encode(), "more_body": more})

    async def wait_for_disconnect(self) -> None:
        """Return once the client has disconnected."""
        message = await self.receive()
        while message["type"] != "http.disconnect":
            message = await self.receive()


def _names_this_site(scope: Scope) -> bool:
    """Return whether the Host header is allowed, as a defence against DNS rebinding.

    Django checks this in middleware, which these requests do not pass.
    """
    try:
        ASGIRequest(dict(scope), BytesIO()).get_host()
    except DisallowedHost:
        return False
    return True
