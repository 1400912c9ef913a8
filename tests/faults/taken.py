"""A push service and a mail server that write to the ledger what they took.

with taking(ledger, tmp_path) as services:
    # Start the site and its workers with HUB and `services.environment`.
    services.subscribe(run, run.people)
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from notifications_hub.transports.web_push.vapid import generate
from tests.faults.ledger import Ledger, Taken
from tests.faults.run import Run
from tests.push_lab.checks import decode
from tests.push_lab.fcm import LocalFcmService
from tests.push_lab.mapped import PORT
from tests.push_lab.reader import Reader
from tests.push_lab.service import Request, Stored, Subscription
from tests.support.smtp import MailServer, mail_settings, text_of

HUB = {
    "ACK_WINDOW": 1,
    "EMAIL_DELAY": 1,
    "EMAIL_FROM": "Notifications Hub <hub@hub.example>",
    "SITE_URL": "https://hub.example",
    "TRANSPORTS": {
        "web_push": "tests.push_lab.mapped.Mapped",
        "email": "notifications_hub.transports.email.transport.Email",
    },
}
_MARK = re.compile(r"\b[0-9a-f]{32}\b")


class LedgerPushService(LocalFcmService):
    """A push service, under the name of Google's, whose browsers are keys without pages."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        super().__init__(folder)
        self._ledger = ledger
        self._readers: dict[str, tuple[str, Reader]] = {}

    def subscribe_person(self, person: str, key: str) -> Reader:
        """Subscribe a browser of this person. `key` is the site's public key, in base64url."""
        token = secrets.token_urlsafe(60)
        endpoint = f"https://fcm.googleapis.com/fcm/send/{token}"
        self.subscriptions[token] = Subscription(token, endpoint, decode(key))
        reader = Reader(endpoint)
        self._readers[token] = (person, reader)
        return reader

    async def _accept(self, request: web.Request, record: Request) -> Stored:
        message = await super()._accept(request, record)
        person, reader = self._readers[message.token]
        for mark in _MARK.findall(reader.read(message.body).decode()):
            self._ledger.write(Taken("web_push", person, mark, message.topic or message.id, time.time()))
        return message


class LedgerMailServer(MailServer):
    """A mail server for addresses whose first part is the person's name."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- a hook
        before = len(self.received)
        answer = await super().handle_DATA(server, session, envelope)
        for email in self.received[before:]:
            person = str(email["To"]).partition("@")[0]
            for mark in set(_MARK.findall(text_of(email))):
                self._ledger.write(Taken("email", person, mark, str(email["Message-ID"]), time.time()))
        return answer


@dataclass(frozen=True)
class Services:
    """Both services, running. `environment` is what sites and workers need to find them."""

    push: LedgerPushService
    mail: LedgerMailServer
    environment: dict[str, str]

    def subscribe(self, run: Run, people: Sequence[str]) -> None:
        """Give each person a browser that takes pushes."""
        key = run.python("""
            from notifications_hub.transports.web_push.vapid import current_key
            print(current_key().public)
        """)
        given = {person: self.push.subscribe_person(person, key).to_json() for person in people}
        run.python(f"""
            import json
            from django.contrib.auth import get_user_model
            from notifications_hub.transports.web_push.subscriptions import register
            for name, subscription in json.loads({json.dumps(given)!r}).items():
                person = get_user_model().objects.get(username=name)
                register(person, subscription, "a browser", lookup=lambda host, port: ["142.250.1.1"])
        """)

    def give_addresses(self, run: Run, people: Sequence[str]) -> None:
        """Give each person an address for emails, and no delivery method but email."""
        run.python(f"""
            from django.contrib.auth import get_user_model
            from notifications_hub.delivery.preferences import choose_methods
            for person in get_user_model().objects.filter(username__in={list(people)!r}):
                person.email = f"{{person.username}}@people.example"
                person.save(update_fields=["email"])
                choose_methods(person, "default", ["email"])
        """)


@contextmanager
def taking(ledger: Ledger, folder: Path) -> Iterator[Services]:
    """Run a push service and a mail server that write to this ledger."""
    with LedgerPushService.in_thread(folder, ledger) as push, LedgerMailServer(ledger) as mail:
        environment = {
            "VAPID_PRIVATE_KEY": generate(),
            "VAPID_SUBJECT": "mailto:ops@hub.example",
            "SSL_CERT_FILE": str(push.certificate),
            "TEST_SETTINGS": json.dumps(mail_settings(mail)),
            PORT: str(push.tls_port),
        }
        yield Services(push, mail, environment)
