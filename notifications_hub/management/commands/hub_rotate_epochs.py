"""The command `hub_rotate_epochs`: makes every open page refetch its data."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications_hub.streams.models import Stream, new_epoch


class Command(BaseCommand):
    help = (
        "Give topics a new epoch. Run it after restoring a backup, before the site is up again. Numbers assigned since "
        "the backup will be assigned again, to other events, and pages must not confuse them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--topic", help="only this topic")

    def handle(self, *args: Any, **options: Any) -> None:
        streams = Stream.objects.all()
        if topic := options["topic"]:
            streams = streams.filter(topic=topic)
            if not streams.exists():
                raise CommandError(f"There is no topic {topic!r} in the log.")
        number = streams.update(epoch=new_epoch())
        self.stdout.write(f"{number} topics have a new epoch. Pages refetch their data when they connect.")
