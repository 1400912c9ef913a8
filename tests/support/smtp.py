"""A real mail server on this machine, which keeps emails and fails as a test asks."""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import threading
from email.message import EmailMessage
from typing import Any, Self

import django
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_django import Settings

# The server would log each line that it gets, with addresses.
logging.getLogger("mail.log").setLevel(logging.WARNING)

DROP, HANG = "drop", "hang"
SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


class MailServer:
    """Use it as a context manager. `fail(address, answer)` makes it answer so to the next email to the address."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.connections = 0
        self.port = 0
        self._answers: dict[str, tuple[str, bool]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(20)
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(lambda: SMTP(self, loop=self._loop), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def to(self, address: str) -> list[EmailMessage]:
        return [one for one in self.received if one["To"] == address]

    def fail(self, address: str, answer: str, *, once: bool = True, at_data: bool = False) -> None:
        """Answer the next email to the address so, or every email. `DROP` ends the connection, `HANG` never answers."""
        self._answers[f"{address} {at_data}"] = (answer, once)

    async def handle_EHLO(  # noqa: N802 -- a hook of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802 -- a hook of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._answer(server, f"{address} False")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- a hook of aiosmtpd
        answer = await self._answer(server, f"{envelope.rcpt_tos[0]} True")
        content = envelope.content
        if answer.startswith("250") and isinstance(content, bytes):
            self.received.append(email.message_from_bytes(content, policy=email.policy.default))
        return answer

    async def _answer(self, server: SMTP, key: str) -> str:
        answer, once = self._answers.get(key, ("250 OK", False))
        if once:
            self._answers.pop(key, None)
        if answer == HANG:
            await asyncio.sleep(3600)
        if answer == DROP:
            transport: Any = server.transport
            transport.abort()
        return answer


def text_of(message: EmailMessage) -> str:
    body: Any = message.get_body(("plain",))
    return str(body.get_content())


def html_of(message: EmailMessage) -> str:
    body: Any = message.get_body(("html",))
    return str(body.get_content())


def keep_mails_in_memory(settings: Settings) -> None:
    """Let Django keep emails in `mail.outbox`, also under a version whose older settings warn."""
    memory = "django.core.mail.backends.locmem.EmailBackend"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": memory}}
    else:
        settings.EMAIL_BACKEND = memory


def use_mail_server(settings: Settings, server: MailServer) -> None:
    """Let Django send by the server. pytest keeps emails in memory otherwise."""
    for name, value in mail_settings(server).items():
        setattr(settings, name, value)


def mail_settings(server: MailServer) -> dict[str, object]:
    """Return the settings with which Django sends by the server."""
    if django.VERSION >= (6, 1):
        options = {"host": "127.0.0.1", "port": server.port}
        return {"MAILERS": {"default": {"BACKEND": SMTP_BACKEND, "OPTIONS": options}}}
    return {"EMAIL_BACKEND": SMTP_BACKEND, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": server.port}
