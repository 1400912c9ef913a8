"""The form with which a page snoozes, and the words about marks on pages without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications_hub.inbox.marks import Mark
from notifications_hub.snoozing.times import LONGEST, Offer, offers, parse, zone_of
from notifications_hub.users import Person

OWN = "own"
"""The button that sends a time of the person's own."""


@dataclass(frozen=True, slots=True)
class SnoozeForm:
    """The choices, and the bounds of a time of one's own, as clocks show them in the person's zone."""

    offers: Sequence[Offer]
    zone: str
    least: str
    most: str


def snooze_form(zone: tzinfo) -> SnoozeForm:
    now = datetime.now(UTC)
    shown = [f"{(now + later).astimezone(zone):%Y-%m-%dT%H:%M}" for later in (timedelta(minutes=1), LONGEST)]
    own = [Offer(one.choice, one.words, one.at.astimezone(zone)) for one in offers(zone, now)]
    return SnoozeForm(own, str(zone), *shown)


def snooze_until(person: Person, posted: QueryDict) -> datetime:
    """Return until when a form snoozes. Raise `BadTime`."""
    choice = posted.get("snooze", "")
    return parse(posted.get("until", "") if choice in ("", OWN) else choice, zone_of(person))


def done_in_words(action: Mark, number: int) -> str:
    """Return the words for a mark that is done, in the active language."""
    words = {
        Mark.READ: ngettext(
            "Marked %(number)d notification as read.", "Marked %(number)d notifications as read.", number
        ),
        Mark.UNREAD: ngettext(
            "Marked %(number)d notification as unread.", "Marked %(number)d notifications as unread.", number
        ),
        Mark.ARCHIVE: ngettext("Archived %(number)d notification.", "Archived %(number)d notifications.", number),
        Mark.UNARCHIVE: ngettext(
            "Moved %(number)d notification back to the inbox.",
            "Moved %(number)d notifications back to the inbox.",
            number,
        ),
        Mark.SAVE: ngettext("Saved %(number)d notification.", "Saved %(number)d notifications.", number),
        Mark.UNSAVE: ngettext(
            "Removed %(number)d notification from the saved ones.",
            "Removed %(number)d notifications from the saved ones.",
            number,
        ),
        Mark.SNOOZE: ngettext("Snoozed %(number)d notification.", "Snoozed %(number)d notifications.", number),
    }
    return words.get(action, "") % {"number": number}


def nothing_in_words(action: Mark) -> str:
    """Return the words for a mark that changed nothing, in the active language."""
    if action in (Mark.SNOOZE, Mark.ARCHIVE):
        return _("Nothing changed. What you have to confirm stays in the inbox until you do.")
    return _("Nothing changed. Select at least one notification.")
