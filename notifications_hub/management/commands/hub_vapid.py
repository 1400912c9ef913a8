"""The command `hub_vapid`: shows, creates and rotates the site's Web Push keys."""

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
        "Show the public part of this site's Web Push keys. With --env, create a new pair and print it as lines for an "
        "environment file. With --rotate, print the current key as the previous one, too. Nothing is saved: keep the "
        "private keys like SECRET_KEY."
    )
    # It runs before there is a key or a database, so the system checks would fail.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--env", action="store_true", help="create a new pair and print it for an environment file")
        one.add_argument("--rotate", action="store_true", help="create a new pair; keep the current key as previous")
        parser.add_argument("--subject", help="your contact for push services: mailto:you@example.com or https://…")

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
                f"A rotation is in progress: {_browsers_of(previous)} browsers still have the previous key, and only "
                "two keys are accepted. They switch at their next visit."
            )
        self._print_new_pair(subject)
        self.stdout.write(f"VAPID_PREVIOUS_KEY={hub_settings.vapid_private_key}")
        self.stderr.write(
            f"Restart every process with these values. {_browsers_of(current)} browsers switch at their next visit. "
            "Remove VAPID_PREVIOUS_KEY when `manage.py hub_vapid` shows 0 browsers for the previous key."
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
        raise CommandError("There is no key, so push is off. Create one with `manage.py hub_vapid --env`.")
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
