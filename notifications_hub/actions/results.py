"""The results of actions as notifications show them. A page asks for all of its notifications in one query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from notifications_hub.actions.models import ActionResult
from notifications_hub.kinds import Action
from notifications_hub.message import Message, Outcome
from notifications_hub.web.text import balanced, isolated

_LOADED = "_action_result"


def full_key(row: Any) -> str | None:
    """Return the key of the row's result, or None if it has none. A personal one is the row's own."""
    return f"#{row.pk}" if row.action_key == "" else row.action_key


def load_results(rows: Iterable[Any]) -> None:
    """Load the results of these notifications in one query, or in none if they have no actions."""
    keys = [(row, key) for row in rows if (key := full_key(row)) is not None]
    if not keys:
        return
    wanted = {key for _, key in keys}
    found = {one.key: one for one in ActionResult.objects.filter(key__in=wanted, at__isnull=False)}
    for row, key in keys:
        row.__dict__[_LOADED] = found.get(key)


def result_of(row: Any) -> ActionResult | None:
    """Return the row's result, as loaded before or else now."""
    if _LOADED not in row.__dict__:
        load_results([row])
    result: ActionResult | None = row.__dict__.get(_LOADED)
    return result


def is_decided_since(row: Any, planned: datetime) -> bool:
    """Return whether an action has run since something was planned for the row.

    Of thousands who share a result, the click itself cancels only what was planned for the first.
    """
    result = result_of(row)
    return result is not None and result.at is not None and planned < result.at


def with_result(message: Message, row: Any) -> Message:
    """Return the message with links of its actions, or with the result and without those that run."""
    result = result_of(row)
    if result is None and row.action_key is not None:
        return replace(message, actions=tuple(_linked(action, message.id) for action in message.actions))
    others = tuple(action for action in message.actions if action.run is None)
    return replace(message, actions=others, outcome=None if result is None else outcome_of(result, message.actions))


def outcome_of(result: ActionResult, actions: Iterable[Action]) -> Outcome:
    """Return the result in words. An action that its kind no longer has is described in general words."""
    action = next((one for one in actions if one.name == result.action), None)
    template = str(action.done) if action and action.done else _usual_words(result.action)
    values = {
        "person": isolated(result.person_name) or _("somebody"),
        "action": str(action.title) if action else result.action,
    }
    text = _filled(template, values)
    return Outcome(
        action=result.action,
        text=balanced(text),
        detail=balanced(result.text),
        by=result.person_name,
        at=result.at or result.claimed_until,
    )


def _filled(template: str, values: dict[str, str]) -> str:
    try:
        return template % values
    except (KeyError, TypeError, ValueError):
        # A host's own words with a mistake in their placeholders.
        return _("Done by %(person)s") % values


def _usual_words(action: str) -> str:
    words = {
        "accept": _("Accepted by %(person)s"),
        "approve": _("Approved by %(person)s"),
        "decline": _("Declined by %(person)s"),
        "reject": _("Rejected by %(person)s"),
    }
    return words.get(action) or _("%(person)s chose “%(action)s”")


def _linked(action: Action, item_id: str) -> Action:
    """Return an action that runs with the page that confirms it, for what shows no more than links."""
    if action.run is None:
        return action
    try:
        return replace(action, url=reverse("notifications_hub:act", args=[item_id, action.name]))
    except NoReverseMatch:
        return action
