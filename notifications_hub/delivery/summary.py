"""One message in place of several that quiet hours have held back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.urls import NoReverseMatch, reverse

from notifications_hub.delivery.sender import Sending
from notifications_hub.kinds import Privacy, Urgency
from notifications_hub.message import Message, localized_for
from notifications_hub.notification import Notification, message_of
from notifications_hub.own_kinds import QuietSummary

TITLES = 3
"""The newest titles that a summary names."""
_URGENCIES = list(Urgency)


def summed_up(jobs: Sequence[Sending]) -> Sending:
    """Return the job of the newest one, with a message for all. Jobs are in the order of their keys.

    The message keeps that one's id, so reading it closes a push, and its token, which reports on all of them.
    """
    newest = jobs[-1]
    with localized_for(newest.delivery.notification.recipient):
        words = _words([job.message for job in reversed(jobs)])
    message = dataclasses.replace(
        words,
        urgency=max((job.message.urgency for job in jobs), key=_URGENCIES.index),
        ttl=max(job.message.ttl for job in jobs),
        token=newest.message.token,
        act_url=newest.message.act_url,
    )
    return dataclasses.replace(newest, message=message, expires=max(job.expires for job in jobs))


def _words(messages: Sequence[Message]) -> Message:
    # A locked screen may show no word of a private one, so it is only counted.
    titles = [one.title for one in messages if one.privacy is not Privacy.NOTHING]
    row = Notification(url=_inbox(), data={"number": len(messages), "titles": titles[:TITLES]})
    return message_of(QuietSummary.name, row, item_id=messages[0].id, tag="")  # type: ignore[arg-type]


def _inbox() -> str:
    try:
        return reverse("notifications_hub:inbox")
    except NoReverseMatch:
        return ""
