"""A stand-in for Chromium's push service, so that an unmodified Chromium really subscribes. All on loopback:

    POST /checkin, /register3         an identity, and a token per subscription       (HTTP)
    MCS                               a stream of messages                            (TLS)
    POST /fcm/send/<token>            pushes of sites, by the rules of RFC 8030       (TLS, under Google's names)

The host of Chromium's endpoints is compiled in, so the sender under test has to find that name here: see `mapped.py`.
Checks, storing and faults are those of `LocalPushService`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from tests.push_lab import protobuf
from tests.push_lab.checks import decode
from tests.push_lab.protobuf import parse, varint
from tests.push_lab.service import LocalPushService, Stored, Subscription

NAMES = ("jmt17.google.com", "fcm.googleapis.com")
_VERSION = 41
_PING, _ACK, _LOGIN, _LOGGED_IN, _CLOSE, _IQ, _DATA = 0, 1, 2, 3, 4, 7, 8
_LAST_RECEIVED = {_PING: 2, _ACK: 2, _IQ: 10, _DATA: 11}


@dataclass
class _Stream:
    writer: asyncio.StreamWriter
    sent: int = 0
    received: int = 0
    waiting: dict[int, Stored] = field(default_factory=dict)

    def write(self, tag: int, body: bytes) -> int:
        self.sent += 1
        self.writer.write(bytes([tag]) + varint(len(body)) + body)
        return self.sent


class LocalFcmService(LocalPushService):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.certificate = folder / "push-service.pem"
        self.streams: dict[str, _Stream] = {}
        self.tls_port = 0
        self._stream_port = 0
        self._senders: dict[str, tuple[str, str]] = {}
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._tls, self._key_hash = _self_signed(self.certificate)

    @property
    def switches(self) -> list[str]:
        """Return the switches with which Chromium finds it."""
        return [
            f"--gcm-checkin-url={self.origin}/checkin",
            f"--gcm-registration-url={self.origin}/register3",
            f"--gcm-mcs-endpoint=https://127.0.0.1:{self._stream_port}",
            f"--ignore-certificate-errors-spki-list={self._key_hash}",
        ]

    def _application(self) -> web.Application:
        app = super()._application()
        app.router.add_post("/checkin", self._checkin)
        app.router.add_post("/register3", self._register_token)
        app.router.add_post("/fcm/send/{token}", self._push)
        return app

    def _audience(self, request: web.Request) -> str:
        return f"https://{request.host}" if request.host in NAMES else self.origin

    async def _start(self) -> web.AppRunner:
        runner = await super()._start()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.tls_port = runner.addresses[1][1]
        self._server = await asyncio.start_server(self._listen, "127.0.0.1", 0, ssl=self._tls)
        self._stream_port = self._server.sockets[0].getsockname()[1]
        return runner

    async def _stop(self, runner: web.AppRunner) -> None:
        self._server.close()
        listening = [task for task in self._open.values() if task]
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*listening)
        await super()._stop(runner)

    # Subscribing

    async def _checkin(self, request: web.Request) -> web.Response:
        known = parse(await request.read()).get(2, [0])[0]
        device, token = known or _number(), _number()
        answer = protobuf.field(1, 1) + protobuf.field(3, _now()) + protobuf.field(9, 0)
        answer += protobuf.fixed64(7, device) + protobuf.fixed64(8, token)
        return web.Response(body=answer, content_type="application/x-protobuf")

    async def _register_token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        channel, device = form.get("X-subtype", form.get("app", "")), form["device"]
        if form.get("delete") == "true":
            for subscription in self.subscriptions.values():
                if (subscription.browser, subscription.channel) == (device, channel):
                    subscription.gone = "unregistered"
            return web.Response(text=f"token={channel}")
        token = f"{secrets.token_urlsafe(9)}:APA91b{secrets.token_urlsafe(60)}"
        # A key that is no point on the curve belongs to a service inside the browser, not to Web Push.
        with contextlib.suppress(ValueError):
            key = decode(form["sender"])
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
            endpoint = f"https://{NAMES[0]}/fcm/send/{token}"
            self.subscriptions[token] = Subscription(token, endpoint, key, device, channel)
            self._senders[token] = (form.get("app", ""), form["sender"])
        return web.Response(text=f"token={token}")

    # The stream

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = _Stream(writer)
        self._open[writer] = asyncio.current_task()
        try:
            await reader.readexactly(1)
            while (tag := (await reader.readexactly(1))[0]) != _CLOSE:
                body = parse(await reader.readexactly(await _size(reader)))
                stream.received += 1
                await self._handle_stream(stream, tag, body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            self.streams = {device: other for device, other in self.streams.items() if other is not stream}
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()
            del self._open[writer]

    async def _handle_stream(self, stream: _Stream, tag: int, body: dict[int, list[bytes]]) -> None:
        if tag == _LOGIN:
            await self._log_in(stream, body)
        elif tag == _PING:
            stream.write(_ACK, protobuf.field(2, stream.received))
        last = int(body.get(_LAST_RECEIVED.get(tag, 0), [0])[0])
        for number in [number for number in stream.waiting if number <= last]:
            message = stream.waiting.pop(number)
            message.state, message.ack = "acked", "delivered"

    async def _log_in(self, stream: _Stream, body: dict[int, list[bytes]]) -> None:
        device = body[3][0].decode()
        self.streams[device] = stream
        stream.writer.write(bytes([_VERSION]))
        answer = protobuf.field(1, body[1][0]) + protobuf.field(2, f"{device}@mcs.android.com/x")
        answer += protobuf.field(5, 1) + protobuf.field(6, stream.received) + protobuf.field(8, _now())
        stream.write(_LOGGED_IN, answer)
        for message in list(self.messages.values()):
            await self._deliver(message)

    async def _deliver(self, message: Stored) -> None:
        subscription = self.subscriptions.get(message.token)
        stream = self.streams.get(subscription.browser) if subscription and not subscription.gone else None
        if message.state != "stored" or subscription is None or stream is None:
            return
        message.state = "sent"
        stream.waiting[stream.write(_DATA, self._data(message, subscription))] = message
        with contextlib.suppress(ConnectionError):
            await stream.writer.drain()

    def _data(self, message: Stored, subscription: Subscription) -> bytes:
        category, sender = self._senders[message.token]
        headers = {"subtype": subscription.channel, "content-encoding": "aes128gcm"}
        data = protobuf.field(2, message.id) + protobuf.field(3, sender) + protobuf.field(5, category)
        for name, value in headers.items():
            data += protobuf.field(7, protobuf.field(1, name) + protobuf.field(2, value))
        data += protobuf.field(9, message.id) + protobuf.field(17, message.ttl) + protobuf.field(18, _now())
        return data + protobuf.field(21, message.body) + protobuf.field(24, 1)


async def _size(reader: asyncio.StreamReader) -> int:
    size = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return size


def _number() -> int:
    return secrets.randbits(62) | 1


def _now() -> int:
    return int(time.time() * 1000)


def _self_signed(file: Path) -> tuple[ssl.SSLContext, str]:
    """Make a key and certificate. Return the file for a sender to trust, and the hash for Chromium."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push service of the tests")])
    names = [*map(x509.DNSName, NAMES), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    spki = hashes.Hash(hashes.SHA256())
    spki.update(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return context, base64.b64encode(spki.finalize()).decode()
