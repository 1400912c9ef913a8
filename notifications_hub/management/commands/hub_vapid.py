"""`manage.py hub_vapid`: the site's Web Push keys."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from notifications_hub.conf import hub_settings
from notifications_hub.transports.web_push.key_check import browsers_of
from notifications_hub.transports.web_push.vapid import VapidKey, current_key, generate, previous_key


class Command(BaseCommand):
    help = (
        "Shows the public part of this site's Web Push keys. With --env, makes a new pair and prints it as lines for "
        "an environment file; with --rotate, the same beside the key of now as the previous one. Nothing is written "
        "anywhere: keep private keys as you keep SECRET_KEY."
    )
    # Run before there is a key, a database or anything else that checks look at.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--env", action="store_true", help="make a new pair and print it for an environment file")
        one.add_argument("--rotate", action="store_true", help="make a new pair, and keep the key of now as previous")
        parser.add_argument("--subject", help="where push services reach you: mailto:you@example.com or https://…")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["env"]:
            self._print_new_pair(options["subject"] or _default_subject())
        elif options["rotate"]:
            self._print_rotation(options["subject"] or _default_subject())
        else:
            self._print_public_keys()

    def _print_new_pair(self, subject: str) -> None:
        if not subject.startswith(("mailto:", "https://")):
            raise CommandError("The subject must start with mailto: or https://.")
        self.stdout.write(f"VAPID_PRIVATE_KEY={generate()}")
        self.stdout.write(f"VAPID_SUBJECT={subject}")

    def _print_rotation(self, subject: str) -> None:
        current, previous = _key(), previous_key()
        if previous and _browsers_of(previous):
            raise CommandError(
                f"A rotation is under way: {_browsers_of(previous)} browsers still have the previous key, and only two "
                "keys are accepted. They move over at their next visit."
            )
        self._print_new_pair(subject)
        self.stdout.write(f"VAPID_PREVIOUS_KEY={hub_settings.vapid_private_key}")
        self.stderr.write(
            f"Restart every process with these. {_browsers_of(current)} browsers move over at their next visit; once "
            "`manage.py hub_vapid` counts none for the previous key, take VAPID_PREVIOUS_KEY out."
        )

    def _print_public_keys(self) -> None:
        self._print_key("public key", _key())
        if previous := previous_key():
            self._print_key("previous key", previous)
        self.stdout.write(f"subject       {hub_settings.vapid_subject or '(none: set VAPID_SUBJECT)'}")

    def _print_key(self, name: str, key: VapidKey) -> None:
        self.stdout.write(f"{name:<14}{key.public}")
        self.stdout.write(f"{'fingerprint':<14}{key.fingerprint}")
        browsers = _browsers_of(key)
        self.stdout.write(f"{'browsers':<14}{'(no database)' if browsers is None else browsers}")


def _key() -> VapidKey:
    key = current_key()
    if key is None:
        raise CommandError("There is no key, so push is off. `manage.py hub_vapid --env` makes one.")
    return key


def _browsers_of(key: VapidKey) -> int | None:
    try:
        return browsers_of(key.fingerprint)
    except DatabaseError:
        return None


def _default_subject() -> str:
    if hub_settings.vapid_subject:
        return hub_settings.vapid_subject
    sender = settings.ADMINS[0][1] if settings.ADMINS else settings.DEFAULT_FROM_EMAIL
    return f"mailto:{parseaddr(sender)[1]}"
