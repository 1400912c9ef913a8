"""The command `hub_vapid`: shows, creates and rotates the site's Web Push keys."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from notifications_hub.conf import SETTING, hub_settings, is_given
from notifications_hub.transports.web_push import key_setup
from notifications_hub.transports.web_push.key_check import browsers_of
from notifications_hub.transports.web_push.key_setup import KEY, PREVIOUS_KEY, SUBJECT
from notifications_hub.transports.web_push.vapid import VapidKey, current_key, generate, previous_key

STEPS = """
1. Put these lines into the environment of every process. A shell takes them from a file, for example:

    python manage.py hub_vapid --env > vapid.env    # as secret as SECRET_KEY: keep it out of version control
    set -a; . ./vapid.env; set +a
{read}
{last}. Start every process again. `manage.py hub_doctor` says whether push is on.
"""
READ = """
2. Read them in your settings. {setting} may have other keys, too:

{lines}"""


class Command(BaseCommand):
    help = (
        "Show the public part of this site's Web Push keys. With --env, create a new pair and print it as lines for an "
        "environment file. With --rotate, print the current key as the previous one, too. What else is to be done is "
        "printed to the standard error. Nothing is saved: keep the private keys like SECRET_KEY."
    )
    # It runs before there is a key or a database, so the system checks would fail.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--env", action="store_true", help="create a new pair and print it for an environment file")
        one.add_argument("--rotate", action="store_true", help="create a new pair; keep the current key as previous")
        parser.add_argument("--subject", help="your contact for push services: mailto:you@example.com or https://…")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["env"]:
                self._print_new_pair(options["subject"] or _default_subject())
                self._print_steps(KEY, SUBJECT)
            elif options["rotate"]:
                self._print_rotation(options["subject"] or _default_subject())
            else:
                self._print_public_keys()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None

    def _print_new_pair(self, subject: str) -> None:
        if not subject.startswith(key_setup.SUBJECT_STARTS):
            raise CommandError("The subject must start with mailto: or https://.")
        self.stdout.write(f"{KEY}={generate()}")
        self.stdout.write(f"{SUBJECT}={subject}")
        if key_setup.is_placeholder(subject):
            self._explain(
                f"\nReplace {subject} by an address where push services reach you, for example with "
                "--subject mailto:you@example.com. Apple's push service refuses any other."
            )

    def _print_steps(self, *names: str) -> None:
        """Print what is left to do with these variables. Those that the settings have are assumed to be read."""
        missing = [name for name in names if not is_given(name)]
        read = READ.format(setting=SETTING, lines=key_setup.settings_lines(missing)) if missing else ""
        self._explain(STEPS.format(read=read, last=3 if missing else 2))

    def _print_rotation(self, subject: str) -> None:
        current, previous = _key(), previous_key()
        if previous and _browsers_of(previous):
            raise CommandError(
                f"A rotation is in progress: {_browsers_of(previous)} browsers still have the previous key, and only "
                "two keys are accepted. They switch at their next visit."
            )
        self._print_new_pair(subject)
        self.stdout.write(f"{PREVIOUS_KEY}={hub_settings.vapid_private_key}")
        if not is_given(PREVIOUS_KEY):
            self._explain(
                f"\nRead the previous key in your settings, too:\n\n{key_setup.settings_lines([PREVIOUS_KEY])}"
            )
        self._explain(
            f"Restart every process with these values. {_browsers_of(current)} browsers switch at their next visit. "
            f"Remove {PREVIOUS_KEY} when `manage.py hub_vapid` shows 0 browsers for the previous key."
        )

    def _print_public_keys(self) -> None:
        self._print_key("public key", _key())
        if previous := previous_key():
            self._print_key("previous key", previous)
        self.stdout.write(f"subject       {hub_settings.vapid_subject or '(none)'}")
        if fault := key_setup.subject_fault():
            raise CommandError(fault)

    def _print_key(self, name: str, key: VapidKey) -> None:
        self.stdout.write(f"{name:<14}{key.public}")
        self.stdout.write(f"{'fingerprint':<14}{key.fingerprint}")
        browsers = _browsers_of(key)
        self.stdout.write(f"{'browsers':<14}{'(no database)' if browsers is None else browsers}")

    def _explain(self, words: str) -> None:
        # Not to the standard output, which is often redirected to the environment file.
        self.stderr.write(words, style_func=str)


def _key() -> VapidKey:
    key = current_key()
    if key is None:
        raise CommandError(f"Push is off: {key_setup.missing_key()[0]}")
    return key


def _browsers_of(key: VapidKey) -> int | None:
    try:
        return browsers_of(key.fingerprint)
    except DatabaseError:
        return None


def _default_subject() -> str:
    if hub_settings.vapid_subject:
        return hub_settings.vapid_subject
    return f"mailto:{parseaddr(_contact())[1]}"


def _contact() -> str:
    if not settings.ADMINS:
        return str(settings.DEFAULT_FROM_EMAIL)
    # Before Django 6.0, each admin was a pair of name and address.
    first = settings.ADMINS[0]
    return first if isinstance(first, str) else str(first[1])
