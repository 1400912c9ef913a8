"""The made-up notifications of the gallery. Nothing here reads or writes the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.templatetags.static import static
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from notifications_hub.grouping.group import who
from notifications_hub.kinds import Action
from notifications_hub.message import Item, Message, Outcome

_HOUR = timedelta(hours=1)


def an_item(**state: Any) -> Item:
    """Return an item with these fields of `Item` or `Message` instead of the usual ones."""
    of_message = {name: state.pop(name) for name in list(state) if name in Message.__dataclass_fields__}
    message = Message(
        id="sample",
        kind="default",
        title=_("Bob replied to you"),
        body=_("Water them first, and keep them out of the sun."),
        url="/",
        icon="reply",
        language=get_language() or "en",
    )
    return Item(message=replace(message, **of_message), at=_at(), actor="Bob", **state)


def _at() -> datetime:
    """Return an hour ago, to the hour, so that pictures of the page differ less."""
    return timezone.localtime(datetime.now(UTC) - _HOUR).replace(minute=0, second=0, microsecond=0)


def with_picture() -> Item:
    return an_item(avatar=static("notifications_hub/sample-person.svg"))


def several() -> list[Item]:
    """Return the items of a list with some of everything."""
    return [
        an_item(id="1", unread=True),
        an_item(id="2", title=_("The import has failed"), body=_("Line 9 has no date."), level="error", icon="task"),
        an_item(id="3", title=_("Your report is ready"), body="", level="success", icon="task", unread=False),
    ]


def with_actions(*, asks: bool = False) -> Item:
    """Return an item whose buttons run something."""
    actions = (
        Action("approve", _("Approve"), run=_run, style="primary"),
        Action("decline", _("Decline"), run=_run, style="danger", asks=_("Why not?") if asks else ""),
    )
    title, body = _("Carol asks for a day off"), _("Friday, for a wedding.")
    return an_item(title=title, body=body, icon="user", actions=actions)


def _run(notification: Any, person: Any, word: str) -> None:
    """Never called: the page of the gallery is inert."""


def with_result() -> Item:
    outcome = Outcome(
        action="approve",
        text=_("Approved by %(person)s") % {"person": "Bob"},
        detail=_("Enjoy it!"),
        by="Bob",
        at=_at(),
    )
    return replace(with_actions(), message=replace(with_actions().message, actions=(), outcome=outcome), unread=False)


def to_confirm(*, confirmed: bool = False) -> Item:
    return an_item(
        title=_("The fire drill is on Monday"),
        body=_("Please read the plan before."),
        icon="warning",
        level="warning",
        must_acknowledge=True,
        unread=not confirmed,
        acknowledged_at=_at() if confirmed else None,
    )


def grouped() -> Item:
    """Return the item that stands for several unread ones with the same key."""
    title = _("%(who)s replied to you") % {"who": who(["Bob", "Carol", "Dan", "Eve", "Frank"])}
    return replace(an_item(), group={"key": "post.9", "count": 5, "title": title, "body": ""})


def snoozed() -> Item:
    return an_item(unread=False, archived=True, snoozed_until=_at() + timedelta(days=1))
