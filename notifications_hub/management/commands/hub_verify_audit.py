"""The command `hub_verify_audit`: checks that nobody changed the audit trail of announcements."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications_hub.announcements.seals.verifying import verify


class Command(BaseCommand):
    help = (
        "Check the audit trail of announcements against its chain of seals. It fails if a step was changed, removed, "
        "moved or added by anything but the hub. Keep the newest seal that it prints in another place, and give it to "
        "the next check: only so a trail is noticed whose end was cut off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--head", default="", metavar="NUMBER:DIGEST", help="the newest seal of an earlier check")

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = verify(options["head"])
        if verdict.findings:
            raise CommandError("\n".join(verdict.findings))
        self.stdout.write(f"{verdict.sealed} steps are as they were recorded.")
        if verdict.erased:
            self.stdout.write(f"{verdict.erased} of them lost a name, as hub_erase does.")
        if verdict.waiting:
            self.stdout.write(f"{verdict.waiting} wait for their seal. A hub or a worker does that soon.")
        if verdict.head:
            self.stdout.write(f"Newest seal: {verdict.head}")
