"""`manage.py hub_demo`: people to try the site with. `bin/run` runs it at every start, so a second time is cheap."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import ProtectedError, RestrictedError
from django.utils.module_loading import import_string

from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.ops import demo


class Command(BaseCommand):
    help = "Makes the demo people alice, bob, charlie and admin (password: demo), and what the site adds to them."

    def add_arguments(self, parser: CommandParser) -> None:
        words = "delete those who still have that password, and all that is theirs; works without DEBUG"
        parser.add_argument("--remove", action="store_true", help=words)

    def handle(self, *args: Any, **options: Any) -> None:
        words = _remove() if options["remove"] else _make()
        if options["verbosity"]:
            self.stdout.write(words)


def _make() -> str:
    if not settings.DEBUG:
        raise CommandError("hub_demo makes an admin whose password everybody knows: only with DEBUG.")
    with transaction.atomic():
        people = demo.make_people()
    if hub_settings.demo:
        import_string(hub_settings.demo)(people)
    return f"{', '.join(demo.NAMES)}: the password is {demo.PASSWORD}."


def _remove() -> str:
    try:
        names = demo.remove_people()
    except (ProtectedError, RestrictedError) as error:
        raise CommandError(
            f"Nobody was deleted, because other rows need them ({error.args[0]}). "
            "Delete those rows first, or use `manage.py changepassword`."
        ) from None
    return f"Deleted: {', '.join(names)}." if names else f"Nobody of {', '.join(demo.NAMES)} has the demo password."
