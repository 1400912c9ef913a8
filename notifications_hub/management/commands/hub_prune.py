"""The command `hub_prune`: removes old rows. Let a timer run it once a day."""

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
        "Remove settled deliveries and escalations, ended jobs and logged events that are older than RETENTION_DAYS. "
        "Inboxes and announcements stay. A page that was offline for longer than that fetches its whole inbox."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=float, help="minimum age in days, instead of RETENTION_DAYS")
        parser.add_argument("--dry-run", action="store_true", help="show what would be removed, and remove nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        days = hub_settings.retention_days if options["days"] is None else options["days"]
        if not 0 <= days <= MOST_DAYS:
            raise CommandError(f"--days must be from 0 to {MOST_DAYS}.")
        before = timezone.now() - timedelta(days=days)
        found = (retention.prunable if options["dry_run"] else retention.prune)(before)
        day = f"{timezone.localtime(before):%Y-%m-%d %H:%M}"
        verb = "Would remove" if options["dry_run"] else "Removed"
        self.stdout.write(
            f"{verb} {found.deliveries} deliveries, {found.events} events, "
            f"{found.escalation_steps} steps of escalations and {found.jobs} jobs from before {day}."
        )
