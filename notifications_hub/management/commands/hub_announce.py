"""The command that announces: `manage.py hub_announce "Maintenance on Sunday" --audience staff`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from notifications.base.models import AbstractNotification

from notifications_hub import audiences
from notifications_hub.announcements import audit
from notifications_hub.announcements.announce import broadcast
from notifications_hub.audiences import UnknownAudience
from notifications_hub.database.primary import from_primary
from notifications_hub.kinds import Urgency


class Command(BaseCommand):
    help = "Announce something to everyone, or to one audience."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("title")
        parser.add_argument("--body", default="", help="Markdown")
        parser.add_argument("--url", default="", help="a path on this site, like /posts/9/, or https://…")
        parser.add_argument("--other-site", action="store_true", help="the --url may lead to another site")
        parser.add_argument("--level", default="info", choices=AbstractNotification.LEVELS.values)
        parser.add_argument("--urgency", default="normal", choices=[urgency.value for urgency in Urgency])
        parser.add_argument(
            "--audience", default=audiences.EVERYONE, help="everyone, staff, group.<pk> or audience.<name>"
        )
        parser.add_argument(
            "--methods", nargs="*", metavar="METHOD", help="like live web_push; default: those that each person wants"
        )
        parser.add_argument(
            "--starts", type=moment, help="like '2026-12-24 18:00', in the site's time zone; default: now"
        )
        parser.add_argument("--ends", type=moment, help="same format; default: after ANNOUNCEMENT_DAYS")
        parser.add_argument("--by", help="sign-in name of the author")

    def handle(self, *args: Any, **options: Any) -> None:
        words = {name: options[name] for name in ("title", "body", "url", "level", "urgency", "audience", "methods")}
        times = {"starts_at": options["starts"], "ends_at": options["ends"]}
        try:
            with audit.coming_from(audit.Source.COMMAND):
                by, other_site = _person(options["by"]), options["other_site"]
                announcement = broadcast(**words, **times, by=by, other_site=other_site)
        except UnknownAudience as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError("; ".join(_sentences(error))) from None
        if announcement.announced_at:
            reached = audiences.members(announcement.audience).count()
            self.stdout.write(f"Announced to {announcement.audience}: {reached} people ({announcement.item_id}).")
        elif announcement.awaits_approval:
            self.stdout.write(f"Waits for a second person's approval in the admin ({announcement.item_id}).")
        else:
            start = timezone.localtime(announcement.starts_at)
            self.stdout.write(f"Will be announced at {start:%Y-%m-%d %H:%M %Z} ({announcement.item_id}).")


def moment(text: str) -> datetime:
    """Parse a time. Raise `ArgumentTypeError`, with examples of the format, if it is invalid."""
    parsed = _parsed(text)
    if parsed is None:
        raise ArgumentTypeError(f"{text!r} is not a valid time; write it like '2026-12-24 18:00' or '2026-12-24'")
    return parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed)


def _parsed(text: str) -> datetime | None:
    try:
        day = parse_date(text)
        return parse_datetime(text) or (datetime(day.year, day.month, day.day) if day else None)  # noqa: DTZ001
    except ValueError:  # the format is right, but there is no such date
        return None


def _sentences(error: ValidationError) -> Iterator[str]:
    """Yield each error, prefixed with the argument it is about."""
    for name, messages in error.update_error_dict({}).items():
        for message in ValidationError(messages).messages:
            yield message if name == NON_FIELD_ERRORS else f"{name}: {message}"


def _person(name: str | None) -> Any:
    if name is None:
        return None
    people = from_primary(get_user_model()._default_manager.all())
    person = people.filter(**{get_user_model().USERNAME_FIELD: name}).first()
    if person is None:
        raise CommandError(f"There is no user named {name!r}.")
    return person
