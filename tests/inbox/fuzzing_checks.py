"""A check for Schemathesis, which loads this file: valid data may be refused only in the words that are listed here.

Each entry is an operation and the beginnings of its details, of 400 or 422, for rules that no schema can state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import schemathesis
from schemathesis.generation import GenerationMode

_LINK = ("This link doesn't work any more.",)
"""References, links and tokens that the site signs."""
_TOKEN = ("The token is invalid or has expired.",)
_TAB = ("There is no such tab.",)
_SOON = ("Choose a time in the future.", "Choose a time within the next year.")
_ZONE = ("Give the IANA name of a time zone",)
_SUBSCRIPTION = ("The subscription ", "The endpoint ", "The key ", "The keys ")
_TEXT = ("notifications[",)
"""A place in the batch, then its fault: kinds, paths of the site, texts without a visible character."""

REFUSED: Mapping[str, tuple[str, ...]] = {
    "add_own_address": ("This site doesn't send to such addresses.",),
    "archive": _TAB,
    "change_digests": (*_ZONE, "This site has no kind"),
    "change_preferences": ("This site has no ",),
    "follow": _LINK,
    "get_following": _LINK,
    "issue_connection_token": ("This person may not listen to",),
    "list_notifications": (*_TAB, "filters: Give one of before, after and at.", "filters: With `group`, give no other"),
    "mark_as_read": _TAB,
    "mark_as_seen": _TAB,
    "mark_as_unread": _TAB,
    "mute": (*_LINK, "Give a time in the future, within a year."),
    "notify_batch": _TEXT,
    "notify_people": _TEXT,
    "pause_notifications": _SOON,
    "register_browser": _SUBSCRIPTION,
    "renew_browser": _TOKEN,
    "report_push": _TOKEN,
    "save": _TAB,
    "set_quiet_hours": _ZONE,
    "snooze": (*_TAB, *_SOON),
    "unarchive": _TAB,
    "undo_mark": ("This can't be undone any more.",),
    "unfollow": _LINK,
    "unmute": _LINK,
    "unsave": _TAB,
}


@schemathesis.check
def refuses_only_what_is_listed(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> bool | None:
    """Raise an error if valid data was refused in other words than those of its operation."""
    is_valid = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if not is_valid or response.status_code not in (400, 422):
        return None
    name = str(case.operation.definition.raw.get("operationId"))
    detail = str(response.json().get("detail"))
    assert detail.startswith(REFUSED.get(name, ())), f"{name} refuses valid data: {detail}"
    return None
