"""The command `hub_doctor`: checks the installation."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications_hub.ops import doctor


class Command(BaseCommand):
    help = "Check everything the hub depends on, one line each. Exit with 1 if anything is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--server", metavar="URL", help="also check a running server, at the address browsers use")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for finding in doctor.examine(options["server"] or ""):
            mark = self.style.SUCCESS("ok") if finding.good else self.style.ERROR("!!")
            self.stdout.write(f"{mark}  {finding.about:<14} {finding.words}")
            wrong += not finding.good
        if wrong:
            raise CommandError(f"{wrong} {'problem' if wrong == 1 else 'problems'} found.")
