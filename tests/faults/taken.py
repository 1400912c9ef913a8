"""A push service and a mail server that write to the ledger what they took.

    with taking(run, tmp_path) as taking_environment: …

Give `HUB` and the environment to the site and to its workers, and subscribe the people with `reachable`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage

from tests.faults.ledger import Ledger
from tests.faults.run import Run
from tests.push_lab.fcm import LocalFcmService
from tests.push_lab.reader import Reader
from tests.push_lab.service import Stored
from tests.support.smtp import MailServer, text_of

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


@dataclass
class Services:
    """Both services, running. `environment` is what sites and workers need to find them."""

    ledger: Ledger
    push: LocalFcmService
    mail: MailServer
    environment: dict[str, str]
    _readers: dict[str, tuple[str, Reader]] = field(default_factory=dict)

    def subscribe(self, run: Run, people: Sequence[str]) -> None:
        """Give each person a browser that the push service knows, and no page."""
        readers = {person: self.push.subscribe() for person in people}
        given = {person: reader.to_json() for person, reader in readers.items()}
        run.python(f"""
            import json
            from django.contrib.auth import get_user_model
            from notifications_hub.transports.web_push.subscriptions import register
            for name, subscription in json.loads({json.dumps(given)!r}).items():
                keys = subscription["keys"]
                register(get_user_model().objects.get(username=name), endpoint=subscription["endpoint"], **keys)
        """)
        self._readers |= {_token(reader.endpoint): (person, reader) for person, reader in readers.items()}
        self.push.on_accepted = self._pushed

    def give_addresses(self, run: Run, people: Sequence[str]) -> None:
        """Give each person an email address whose first part is the name."""
        run.python(f"""
            from django.contrib.auth import get_user_model
            for person in get_user_model().objects.filter(username__in={list(people)!r}):
                person.email = f"{{person.username}}@people.example"
                person.save(update_fields=["email"])
        """)
        self.mail.on_received = self._mailed

    def _pushed(self, message: Stored) -> None:
        person, reader = self._readers[message.token]
        payload = reader.read_json(message.body)
        self._take("web_push", person, json.dumps(payload), message.topic or "")

    def _mailed(self, message: EmailMessage) -> None:
        self._take("email", str(message["To"]).partition("@")[0], text_of(message), str(message["Message-ID"]))
