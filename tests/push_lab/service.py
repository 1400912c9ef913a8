"""A small push service on one loopback port.

To a sender it speaks RFC 8030 over HTTP. It is as strict as a real one, so a wrong sender fails here. It cannot read
its messages. To Firefox (`dom.push.serverURL`) it is the WebSocket protocol of Mozilla's own service:

    browser to service    hello, register, unregister, ack, nack, {} (ping)
    service to browser    hello, register, unregister, notification, {} (pong)

A message for an absent browser is kept for its TTL; a later one of the same topic replaces it. It is sent again until
the browser acknowledges it. `Fault`s make the next sends fail in any way.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar

from aiohttp import WSMsgType, web

from tests.push_lab.checks import Refused, check_body, check_headers, check_vapid, decode, encode
from tests.push_lab.faults import Fault, play
from tests.push_lab.reader import Reader

ACKS = {100: "delivered", 101: "decryption failed", 102: "not delivered"}
T = TypeVar("T")


@dataclass
class Subscription:
    token: str
    endpoint: str
    key: bytes | None = None
    browser: str = ""
    channel: str = ""
    gone: str = ""


@dataclass
class Stored:
    id: str
    token: str
    body: bytes
    ttl: int
    urgency: str
    topic: str | None
    expires: float
    state: Literal["stored", "sent", "acked", "expired", "replaced", "dropped"] = "stored"
    ack: str = ""


@dataclass
class Request:
    """One push as it arrived, with its answer."""

    token: str
    headers: dict[str, str]
    connection: int
    status: int = 0
    reason: str = ""
    claims: dict[str, Any] = field(default_factory=dict)


class LocalPushService:
    def __init__(self) -> None:
        self.port = 0
        self.subscriptions: dict[str, Subscription] = {}
        self.messages: dict[str, Stored] = {}
        self.requests: list[Request] = []
        self.browsers: dict[str, web.WebSocketResponse] = {}
        self._faults: list[Fault] = []
        self._last_of_topic: dict[tuple[str, str], Stored] = {}
        self._skew = 0.0
        self._loop = asyncio.new_event_loop()

    # The tests' side

    @classmethod
    @contextlib.contextmanager
    def in_thread(cls, *arguments: Any) -> Iterator[Self]:
        service = cls(*arguments)
        loop = service._loop
        thread = threading.Thread(target=loop.run_forever, name="push-service", daemon=True)
        thread.start()
        runner = asyncio.run_coroutine_threadsafe(service._start(), loop).result(10)
        try:
            yield service
        finally:
            asyncio.run_coroutine_threadsafe(service._stop(runner), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)
            loop.close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    @property
    def browser_url(self) -> str:
        return f"ws://{self.host}/"

    def subscribe(self, key: str = "") -> Reader:
        """Subscribe without a browser, so messages stay stored. `key` is the site's public key, in base64url."""
        return Reader(self._new_subscription(decode(key) if key else None).endpoint)

    def fail(self, fault: Fault) -> None:
        self._faults.append(fault)

    def expire(self, endpoint: str) -> None:
        """Answer the next push to it with 410."""
        self.subscriptions[_token(endpoint)].gone = "expired by the test"

    def forget(self, endpoint: str) -> None:
        """Answer the next push to it with 404."""
        del self.subscriptions[_token(endpoint)]

    def forget_browsers(self) -> None:
        """Void all subscriptions. Each browser learns it when it is back, and its workers subscribe again."""
        for subscription in self.subscriptions.values():
            subscription.browser, subscription.gone = "", "its browser was forgotten"
        for socket in list(self.browsers.values()):
            asyncio.run_coroutine_threadsafe(socket.close(code=1001), self._loop).result(10)

    def sent_to(self, endpoint: str) -> list[Stored]:
        return [message for message in list(self.messages.values()) if message.token == _token(endpoint)]

    def advance_clock(self, seconds: float) -> None:
        self._skew += seconds

    def _now(self) -> float:
        return time.time() + self._skew

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/", self._browser)
        app.router.add_post("/push/{token}", self._push)
        return app

    def _audience(self, request: web.Request) -> str:
        return self.origin

    async def _start(self) -> web.AppRunner:
        app = self._application()
        # handler_cancellation: a sender that gives up on a hanging answer frees its handler.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        return runner

    async def _stop(self, runner: web.AppRunner) -> None:
        for socket in list(self.browsers.values()):
            await socket.close(code=1001)
        await runner.cleanup()

    # The sender's side

    async def _push(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        record = Request(request.match_info["token"], headers, connection=id(request.transport))
        self.requests.append(record)
        try:
            if faulty := await self._faulty(request, record):
                return faulty
            message = await self._accept(request, record)
        except Refused as refused:
            record.status, record.reason = refused.status, refused.reason
            return web.json_response({"error": refused.reason}, status=refused.status, headers=refused.headers)
        record.status = 201
        await self._deliver(message)
        return web.Response(status=201, headers={"Location": f"{self.origin}/m/{message.id}", "TTL": str(message.ttl)})

    async def _faulty(self, request: web.Request, record: Request) -> web.StreamResponse | None:
        for fault in self._faults:
            if fault.times > 0 and fault.token in (None, record.token):
                fault.times -= 1
                record.status, record.reason = fault.status, f"a fault of the test: {fault.mode}"
                return await play(fault, request)
        return None

    async def _accept(self, request: web.Request, record: Request) -> Stored:
        subscription = self.subscriptions.get(record.token)
        if subscription is None:
            raise Refused(404, "no such subscription")
        record.claims = check_vapid(
            request.headers.get("Authorization"),
            audience=self._audience(request),
            key=subscription.key,
            now=self._now(),
        )
        if subscription.gone:
            raise Refused(410, subscription.gone)
        ttl, urgency, topic = check_headers(request.headers)
        body = await request.read()
        check_body(body, request.headers.get("Content-Encoding"))
        message = Stored(uuid.uuid4().hex, record.token, body, ttl, urgency, topic, self._now() + ttl)
        self.messages[message.id] = message
        self._replace_by(message)
        return message

    def _replace_by(self, message: Stored) -> None:
        if message.topic is not None:
            old = self._last_of_topic.get((message.token, message.topic))
            if old is not None and old.state == "stored":
                old.state = "replaced"
            self._last_of_topic[message.token, message.topic] = message

    def _new_subscription(self, key: bytes | None) -> Subscription:
        token = secrets.token_urlsafe(24)
        subscription = self.subscriptions[token] = Subscription(token, f"{self.origin}/push/{token}", key)
        return subscription

    # The browser's side

    async def _browser(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("push-notification",))
        await socket.prepare(request)
        browser = ""
        try:
            async for frame in _frames(socket):
                if frame.get("messageType") == "hello":
                    browser = await self._hello(socket, str(frame.get("uaid") or ""))
                else:
                    await self._handle(socket, browser, frame)
        finally:
            if self.browsers.get(browser) is socket:
                del self.browsers[browser]
                self._unsend(browser)
        return socket

    async def _handle(self, socket: web.WebSocketResponse, browser: str, frame: dict[str, Any]) -> None:
        match frame.get("messageType"):
            case None | "ping":
                await socket.send_json({})
            case "register":
                await self._register(socket, browser, frame)
            case "unregister":
                await self._unregister(socket, browser, frame)
            case "ack":
                self._ack(frame)

    async def _hello(self, socket: web.WebSocketResponse, browser: str) -> str:
        known = {subscription.browser for subscription in self.subscriptions.values()}
        browser = browser if browser in known else uuid.uuid4().hex
        self.browsers[browser] = socket
        hello = {"messageType": "hello", "uaid": browser, "status": 200, "use_webpush": True, "broadcasts": {}}
        await socket.send_json(hello)
        for message in list(self.messages.values()):
            await self._deliver(message)
        return browser

    async def _register(self, socket: web.WebSocketResponse, browser: str, frame: dict[str, Any]) -> None:
        subscription = self._new_subscription(decode(frame["key"]) if frame.get("key") else None)
        subscription.browser, subscription.channel = browser, str(frame["channelID"])
        reply = {"messageType": "register", "channelID": subscription.channel, "status": 200}
        await socket.send_json({**reply, "pushEndpoint": subscription.endpoint})

    async def _unregister(self, socket: web.WebSocketResponse, browser: str, frame: dict[str, Any]) -> None:
        for subscription in self.subscriptions.values():
            if (subscription.browser, subscription.channel) == (browser, frame.get("channelID")):
                subscription.gone = f"unregistered, code {frame.get('code')}"
        await socket.send_json({"messageType": "unregister", "channelID": frame.get("channelID"), "status": 200})

    def _ack(self, frame: dict[str, Any]) -> None:
        for update in frame.get("updates", []):
            message = self.messages.get(str(update.get("version")))
            if message:
                message.state, message.ack = "acked", ACKS.get(update.get("code"), str(update.get("code")))

    def _unsend(self, browser: str) -> None:
        for message in self.messages.values():
            subscription = self.subscriptions.get(message.token)
            if message.state == "sent" and subscription and subscription.browser == browser:
                message.state = "stored"

    async def _deliver(self, message: Stored) -> None:
        subscription = self.subscriptions.get(message.token)
        if message.state != "stored" or subscription is None or subscription.gone:
            return
        if message.ttl and message.expires < self._now():
            message.state = "expired"
            return
        socket = self.browsers.get(subscription.browser)
        if socket is None:
            message.state = "stored" if message.ttl else "dropped"
            return
        message.state = "sent"
        notification = {"messageType": "notification", "channelID": subscription.channel, "version": message.id}
        content = {"ttl": message.ttl, "data": encode(message.body), "headers": {"encoding": "aes128gcm"}}
        with contextlib.suppress(ConnectionError):
            await socket.send_json({**notification, **content})


def wait_for(condition: Callable[[], T], timeout: float = 30, *, step: float = 0.05) -> T:
    """Return the first true value of `condition`. Raise `TimeoutError`."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout} s")
        time.sleep(step)
    return value


async def _frames(socket: web.WebSocketResponse) -> AsyncIterator[dict[str, Any]]:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            yield message.json()


def _token(endpoint: str) -> str:
    return endpoint.rsplit("/", 1)[1]
