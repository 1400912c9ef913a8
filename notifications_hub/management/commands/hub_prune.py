"""The command `hub_prune`: removes old rows. Let a timer run it once a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications_hub.conf import hub_settings
from notifications_hub.kinds import UnknownKind, get_kind
from notifications_hub.ops import inbox_retention, retention
from notifications_hub.ops.inbox_retention import InboxState

MOST_DAYS = 36_500


class Command(BaseCommand):
    help = (
        "Remove settled deliveries and escalations, ended jobs and logged events that are older than RETENTION_DAYS. "
        "Inboxes and announcements stay. A page that was offline for longer than that fetches its whole inbox. With "
        "--inbox, remove old rows of inboxes instead."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=float, help="minimum age in days, instead of RETENTION_DAYS")
        parser.add_argument("--dry-run", action="store_true", help="show what would be removed, and remove nothing")
        parser.add_argument("--inbox", choices=list(InboxState), help="remove these rows of inboxes, and nothing else")
        parser.add_argument("--kind", action="append", default=[], help="with --inbox: only this kind; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["inbox"]:
            self._prune_inboxes(**options)
            return
        if options["kind"]:
            raise CommandError("--kind chooses rows of inboxes. Add --inbox, for example --inbox read.")
        before = _before(hub_settings.retention_days if options["days"] is None else options["days"])
        found = (retention.prunable if options["dry_run"] else retention.prune)(before)
        self.stdout.write(
            f"{_verb(**options)} {found.deliveries} deliveries, {found.events} events, {found.jobs} jobs, "
            f"{found.requests} requests of services and {found.escalation_steps} steps of escalations from before "
            f"{timezone.localtime(before):%Y-%m-%d %H:%M}."
        )

    def _prune_inboxes(self, *, inbox: str, kind: list[str], days: float | None, **options: Any) -> None:
        if days is None:
            raise CommandError("Say how old the rows of inboxes must be, for example --days 180.")
        for name in kind:
            if not _is_declared(name):
                # Old rows may be of a kind whose app is gone.
                self.stderr.write(f"No app declares the kind {name!r}, so only old rows can be of it.")
        before = _before(days)
        count = inbox_retention.prunable_rows if options["dry_run"] else inbox_retention.prune_inboxes
        number = count(before, InboxState(inbox), kind)
        moment = f"{timezone.localtime(before):%Y-%m-%d %H:%M}"
        self.stdout.write(f"{_verb(**options)} {number} notifications ({inbox}) from before {moment}.")


def _before(days: float) -> datetime:
    if not 0 <= days <= MOST_DAYS:
        raise CommandError(f"--days must be from 0 to {MOST_DAYS}.")
    return timezone.now() - timedelta(days=days)


def _verb(**options: Any) -> str:
    return "Would remove" if options["dry_run"] else "Removed"


def _is_declared(name: str) -> bool:
    try:
        get_kind(name)
    except UnknownKind:
        return False
    return True
