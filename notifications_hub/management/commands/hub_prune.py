"""`manage.py hub_prune`: removes what is old; for a timer that runs it once a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications_hub.conf import hub_settings
from notifications_hub.ops import retention

MOST_DAYS = 36_500


class Command(BaseCommand):
    help = (
        "Removes settled deliveries, ended jobs and logged events that are older than RETENTION_DAYS. Inboxes and "
        "announcements stay. A page that was away for longer than that fetches its inbox anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=float, help="older than this many days instead of RETENTION_DAYS")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")

    def handle(self, *args: Any, **options: Any) -> None:
        days = hub_settings.retention_days if options["days"] is None else options["days"]
        if not 0 <= days <= MOST_DAYS:
            raise CommandError(f"--days must be from 0 to {MOST_DAYS}.")
        before = timezone.now() - timedelta(days=days)
        found = (retention.prunable if options["dry_run"] else retention.prune)(before)
        verb = "Would remove" if options["dry_run"] else "Removed"
        self.stdout.write(
            f"{verb} {found.deliveries} deliveries and {found.events} events of {found.topics} topics, and "
            f"{found.jobs} jobs, "
            f"from before {timezone.localtime(before):%Y-%m-%d %H:%M}."
        )
