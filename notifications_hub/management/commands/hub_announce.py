"""The command that announces: `manage.py hub_announce --title "Maintenance on Sunday" --audience staff`."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentTypeError, BooleanOptionalAction
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from notifications.base.models import AbstractNotification

from notifications_hub import audience_lists, audiences
from notifications_hub.announcements import audit
from notifications_hub.announcements.announce import broadcast
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.pasted_people import find_people
from notifications_hub.announcements.reach import AudienceFailed, Reach, check_readable, reach_of
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.audiences import UnknownAudience
from notifications_hub.database import transaction
from notifications_hub.database.primary import from_primary
from notifications_hub.kinds import Urgency

FOLLOW_SECONDS = 1.0


class Command(BaseCommand):
    help = "Announce something to everyone, to one audience, or to people named in files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("title", nargs="?")
        parser.add_argument("--title", dest="named_title", metavar="TITLE", help="in place of the argument")
        parser.add_argument("--body", default="", help="Markdown")
        parser.add_argument("--url", default="", help="a path on this site, like /posts/9/, or https://…")
        parser.add_argument("--other-site", action="store_true", help="the --url may lead to another site")
        parser.add_argument("--level", default="info", choices=AbstractNotification.LEVELS.values)
        parser.add_argument("--urgency", default="normal", choices=[urgency.value for urgency in Urgency])
        parser.add_argument(
            "--audience", help="everyone (the default), staff, group.<pk>, audience.<name> or chosen.<pk>"
        )
        parser.add_argument(
            "--people",
            action="append",
            metavar="FILE",
            help="a file of user names, e-mail addresses or keys, one a line; - for the standard input",
        )
        parser.add_argument(
            "--methods", nargs="*", metavar="METHOD", help="like live web_push; default: those that each person wants"
        )
        parser.add_argument(
            "--starts", type=moment, help="like '2026-12-24 18:00', in the site's time zone; default: now"
        )
        parser.add_argument("--ends", type=moment, help="same format; default: after ANNOUNCEMENT_DAYS")
        parser.add_argument(
            "--must-acknowledge", action="store_true", help="it stays on top until each person confirms it"
        )
        parser.add_argument("--by", help="sign-in name of the author")
        parser.add_argument("--dry-run", action="store_true", help="print what would happen, and announce nothing")
        parser.add_argument(
            "--follow",
            action=BooleanOptionalAction,
            help="print a line a second until everything is sent; the default on a terminal",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        words = {name: options[name] for name in ("body", "url", "level", "urgency", "methods", "must_acknowledge")}
        times = {"starts_at": options["starts"], "ends_at": options["ends"]}
        about = {**words, **times, "title": _title(options), "audience": _audience(options)}
        try:
            with audit.coming_from(audit.Source.COMMAND), transaction.atomic():
                if isinstance(about["audience"], str):
                    check_readable(about["audience"])
                announcement = broadcast(**about, by=_person(options["by"]), other_site=options["other_site"])
                reach = reach_of(announcement.audience, announcement.methods, announcement.urgency)
                transaction.get_connection().set_rollback(options["dry_run"])
        except (UnknownAudience, AudienceFailed) as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError("; ".join(_sentences(error))) from None
        if options["dry_run"]:
            self._describe(announcement, reach)
        else:
            self._report(announcement, reach)
            if announcement.announced_at and (self.stdout.isatty() if options["follow"] is None else options["follow"]):
                self._follow(announcement)

    def _describe(self, announcement: Announcement, reach: Reach) -> None:
        """Print what the announcement would do."""
        self.stdout.write(f"Title: {announcement.title}")
        self.stdout.write(f"Audience: {_audience_in_words(announcement)}, {reach.words}")
        for one in reach.methods:
            self.stdout.write(f"  {one.method}: {one.words}")
        start, end = (timezone.localtime(at) for at in (announcement.starts_at, announcement.ends_at))
        self.stdout.write(f"Runs: {start:%Y-%m-%d %H:%M %Z} to {end:%Y-%m-%d %H:%M %Z}")
        if announcement.must_acknowledge:
            self.stdout.write("It stays on top until each person confirms it.")
        if announcement.awaits_approval:
            self.stdout.write("A second person has to approve it.")
        self.stdout.write("Nothing was announced, because of --dry-run.")

    def _report(self, announcement: Announcement, reach: Reach) -> None:
        name = announcement.item_id
        if announcement.announced_at:
            self.stdout.write(f"Announced to {_audience_in_words(announcement)}: {reach.words} ({name}).")
        elif announcement.awaits_approval:
            self.stdout.write(f"Waits for a second person to approve it ({name}).")
        else:
            start = timezone.localtime(announcement.starts_at)
            self.stdout.write(f"Will be announced at {start:%Y-%m-%d %H:%M %Z} ({name}).")

    def _follow(self, announcement: Announcement) -> None:
        """Print the progress until all of it is sent. An interrupt ends only the printing."""
        try:
            while rollouts := list(Rollout.objects.open().filter(announcement=announcement).order_by("pk")):
                self._print_progress(rollouts)
                time.sleep(FOLLOW_SECONDS)
        except KeyboardInterrupt:
            self.stdout.write("Workers go on sending. The admin's page of the announcement shows how far it is.")
            return
        self._print_progress(list(Rollout.objects.filter(announcement=announcement).order_by("pk")))

    def _print_progress(self, rollouts: Iterable[Rollout]) -> None:
        for one in rollouts:
            problem = f", held up by {one.problem}" if one.is_held_up else ""
            self.stdout.write(
                f"{one.transport}: {one.percent} %, {one.planned} planned, {one.sent} sent, {one.failed} failed"
                f"{problem}"
            )


def _title(options: dict[str, Any]) -> str:
    titles = [title for title in (options["title"], options["named_title"]) if title is not None]
    if len(titles) != 1:
        raise CommandError("Give one title, as an argument or by --title.")
    return str(titles[0])


def _audience(options: dict[str, Any]) -> Any:
    """Return the name of an audience, or the people named in files."""
    if not options["people"]:
        return options["audience"] or audiences.EVERYONE
    if options["audience"]:
        raise CommandError("Give --audience or --people, not both.")
    try:
        found = find_people("\n".join(map(_text_of, options["people"])))
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    if problems := found.problems():
        raise CommandError(" ".join(problems))
    return audiences.active_people().filter(pk__in=found.people)


def _text_of(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name!r} cannot be read as UTF-8 text: {error}.") from None


def _audience_in_words(announcement: Announcement) -> str:
    return "people chosen by hand" if audience_lists.is_list(announcement.audience) else announcement.audience


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
    """Yield each error, prefixed with the argument it is about. A remedy in code becomes the command's option."""
    for name, messages in error.update_error_dict({}).items():
        for message in ValidationError(messages).messages:
            said = message.replace("other_site=True", "--other-site")
            yield said if name == NON_FIELD_ERRORS else f"{name}: {said}"


def _person(name: str | None) -> Any:
    if name is None:
        return None
    people = from_primary(get_user_model()._default_manager.all())
    person = people.filter(**{get_user_model().USERNAME_FIELD: name}).first()
    if person is None:
        raise CommandError(f"There is no user named {name!r}.")
    return person
