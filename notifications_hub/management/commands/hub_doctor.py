"""`manage.py hub_doctor`: is everything as the hub needs it?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications_hub.ops import doctor


class Command(BaseCommand):
    help = "Says in plain words what the hub stands on, a line each, and ends with 1 if anything is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--server", metavar="URL", help="also look at a running server, as browsers reach it")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for finding in doctor.examine(options["server"] or ""):
            mark = self.style.SUCCESS("ok") if finding.good else self.style.ERROR("!!")
            self.stdout.write(f"{mark}  {finding.about:<14} {finding.words}")
            wrong += not finding.good
        if wrong:
            raise CommandError(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong.")
