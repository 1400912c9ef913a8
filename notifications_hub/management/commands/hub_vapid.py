"""`manage.py hub_vapid`: the site's Web Push keys."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications_hub.conf import hub_settings
from notifications_hub.transports.vapid import VapidKey, current_key, generate


class Command(BaseCommand):
    help = (
        "Shows the public part of this site's Web Push key. With --env, makes a new pair and prints it as lines for an "
        "environment file. Nothing is written anywhere: keep the private key as you keep SECRET_KEY."
    )
    # Run before there is a key, a database or anything else that checks look at.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--env", action="store_true", help="make a new pair and print it for an environment file")
        parser.add_argument("--subject", help="where push services reach you: mailto:you@example.com or https://…")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["env"]:
            self._print_new_pair(options["subject"] or _default_subject())
        else:
            self._print_public_key()

    def _print_new_pair(self, subject: str) -> None:
        if not subject.startswith(("mailto:", "https://")):
            raise CommandError("The subject must start with mailto: or https://.")
        self.stdout.write(f"VAPID_PRIVATE_KEY={generate()}")
        self.stdout.write(f"VAPID_SUBJECT={subject}")

    def _print_public_key(self) -> None:
        key: VapidKey | None = current_key()
        if key is None:
            raise CommandError("There is no key, so push is off. `manage.py hub_vapid --env` makes one.")
        self.stdout.write(f"public key   {key.public}")
        self.stdout.write(f"fingerprint  {key.fingerprint}")
        self.stdout.write(f"subject      {hub_settings.vapid_subject or '(none: set VAPID_SUBJECT)'}")


def _default_subject() -> str:
    if hub_settings.vapid_subject:
        return hub_settings.vapid_subject
    sender = settings.ADMINS[0][1] if settings.ADMINS else settings.DEFAULT_FROM_EMAIL
    return f"mailto:{parseaddr(sender)[1]}"
