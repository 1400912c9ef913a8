"""The part of the mailing measure that needs Django: `python -m bench.mails '{"count": 200, …}'` prints figures.

With `serve DELAY` it is the mail server, a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core.mail.backends.smtp import EmailBackend

HUB = {
    "TRANSPORTS": {"web_push": None, "email": "notifications_hub.transports.email.transport.Email"},
    "SITE_URL": "https://hub.example",
    "EMAIL_FROM": "hub@hub.example",
}


class _Slow:
    """The hooks of a mail server that takes its time for each answer."""

    def __init__(self, delay: float) -> None:
        self._delay = delay

    async def handle_MAIL(  # noqa: N802 -- a hook of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self._delay)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 -- a hook of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await asyncio.sleep(self._delay)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- a hook of aiosmtpd
        await asyncio.sleep(self._delay)
        return "250 OK"


async def serve(delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(_Slow(delay)), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def measure(count: int, turns: int, delay: float) -> dict[str, float]:
    """Return the emails a second and the milliseconds of the processor per email, of both ways, as medians."""
    command = [sys.executable, "-m", "bench.mails", "serve", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline()) if server.stdout else 0
            use_server(port)
            pairs = [(_loop(count, port), _worker(count)) for _ in range(turns)]
        finally:
            server.terminate()
    figures = {}
    for name, found in zip(("loop", "worker"), zip(*pairs, strict=True), strict=True):
        figures[name] = count / median(turn.seconds for turn in found)
        figures[f"{name}_cpu"] = median(turn.cpu for turn in found) * 1000 / count
    return figures


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds by the clock, and of the processor in all threads."""

    seconds: float
    cpu: float


def _timed(act: Callable[[], None]) -> Turn:
    began, cpu = time.monotonic(), time.process_time()
    act()
    return Turn(time.monotonic() - began, time.process_time() - cpu)


def use_server(port: int) -> None:
    from django.conf import settings
    from django.core.signals import setting_changed

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **HUB}
    setting_changed.send(None, setting="NOTIFICATIONS_HUB", value=None, enter=True)


def _people(count: int) -> list[Any]:
    from django.contrib.auth import get_user_model

    model, group = get_user_model(), secrets.token_hex(4)
    names = [f"mail{group}{number}" for number in range(count)]
    return model.objects.bulk_create([model(username=name, email=f"{name}@example.com") for name in names])


def _loop(count: int, port: int) -> Turn:
    """Send `count` emails in a loop on one connection."""
    from django.core.mail import send_mail

    backend = EmailBackend(host="127.0.0.1", port=port)
    backend.open()
    text, html = "I agree, and then some.\n" * 20, "<p>I agree, and then some.</p>\n" * 80

    def send() -> None:
        for number in range(count):
            address = f"loop{number}@example.com"
            send_mail("Bob replied", text, "hub@hub.example", [address], connection=backend, html_message=html)

    turn = _timed(send)
    backend.close()
    return turn


def _worker(count: int) -> Turn:
    """Let a worker send `count` due emails, until all are recorded."""
    from django.db import connection
    from django.db.models.functions import Now
    from notifications.signals import notify

    from notifications_hub.delivery.models import Delivery
    from notifications_hub.delivery.worker import TURN_SECONDS, Worker

    people = _people(count)
    notify.send(
        people[0], recipient=people, verb="replied", description="I agree.", kind="comment.reply", url="/posts/9/"
    )
    Delivery.objects.filter(state="waiting").update(due_at=Now())
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    worker = Worker()

    def send() -> None:
        worker.run_due()
        # Some are put off for a second when all connections are in use.
        while Delivery.objects.filter(state="waiting").exists():
            worker.run_due()
            time.sleep(0.05)

    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)  # as `hub_worker` does
    turn = _timed(send)
    sys.setswitchinterval(before)
    worker.close()
    return turn


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(float(sys.argv[2])))
    else:
        import django

        django.setup()
        print(json.dumps(measure(**json.loads(sys.argv[1]))))
