"""The command `hub_demo`: creates the demo people. `bin/run` runs it at every start, so it is cheap to repeat."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import ProtectedError, RestrictedError
from django.utils.module_loading import import_string

from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.ops import demo
from notifications_hub.quiet_hours.digests import bring_forward


class Command(BaseCommand):
    help = "Create the demo people alice, bob, charlie and admin (password: demo), and the site's demo content."

    def add_arguments(self, parser: CommandParser) -> None:
        about_remove = "delete those who still have that password, and all their data; works without DEBUG"
        parser.add_argument("--remove", action="store_true", help=about_remove)

    def handle(self, *args: Any, **options: Any) -> None:
        report = _remove() if options["remove"] else _make()
        if options["verbosity"]:
            self.stdout.write(report)


def _make() -> str:
    if not settings.DEBUG:
        raise CommandError("hub_demo works only with DEBUG, because it creates an admin with a well-known password.")
    with transaction.atomic():
        people = demo.make_people()
    if hub_settings.demo:
        import_string(hub_settings.demo)(people)
    # The first email that a site shows is then a digest.
    bring_forward(people["alice"])
    return f"{', '.join(demo.NAMES)}: the password is {demo.PASSWORD}."


def _remove() -> str:
    try:
        names = demo.remove_people()
    except (ProtectedError, RestrictedError) as error:
        raise CommandError(
            f"Nobody was deleted, because other rows refer to them ({error.args[0]}). "
            "Delete those rows first, or use `manage.py changepassword`."
        ) from None
    return f"Deleted: {', '.join(names)}." if names else f"None of {', '.join(demo.NAMES)} has the demo password."
