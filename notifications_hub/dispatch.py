"""After the commit: says that topics have grown, to this process's hub and to those of others.

Everything here is a hint. A process killed before it gets here loses nothing: hubs and workers look for themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.dispatch import receiver

from notifications_hub import streams
from notifications_hub.live import revocation
from notifications_hub.live.frames import encode_event
from notifications_hub.live.hub import Hub, current_hub
from notifications_hub.live.layer import Outside, outside
from notifications_hub.streams import BadTopic, LoggedEvent, NewEvent, check_topic, encode_data


def publish(topic: str, kind: str, data: Mapping[str, Any], *, ephemeral: bool = False) -> None:
    """Tells whoever listens to a topic.

    Logged, in the caller's transaction: whoever reconnects gets it, and a rollback takes it back. `ephemeral` is for
    what is worthless a moment later (who is typing): sent at once, to whoever is connected, and to nobody else.

    Raises `BadTopic`, `EventTooLarge`, and `TypeError` where the data is not JSON.
    """
    _check_public(topic)
    if ephemeral:
        _say(check_topic(topic), kind, encode_data(data))
    else:
        streams.append(topic, kind, data)


async def apublish(topic: str, kind: str, data: Mapping[str, Any], *, ephemeral: bool = False) -> None:
    """`publish` for async code, which holds no transaction: a logged event is committed when this returns."""
    if ephemeral:
        publish(topic, kind, data, ephemeral=True)
    else:
        await sync_to_async(publish)(topic, kind, data)


def publish_many(events: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Many logged events, each `(topic, kind, data)`, in one statement for each thousand. Raises like `publish`."""
    streams.append_many(NewEvent(_check_public(topic), kind, data) for topic, kind, data in events)


def _check_public(topic: str) -> str:
    if topic == "inbox" or topic.startswith("inbox."):
        raise BadTopic("An inbox is written by notify.send(), not by publish().")
    return topic


def _say(topic: str, kind: str, data: str) -> None:
    event = encode_event(LoggedEvent(topic, None, kind, data, datetime.now(UTC)))
    if hub := _hub():
        hub.say(topic, event)


@receiver(streams.numbered)
def _hint(tops: Mapping[str, int], **kwargs: object) -> None:
    if hub := _hub():
        hub.hint(tops)


@receiver(revocation.revoked)
def _heed(**kwargs: object) -> None:
    if hub := current_hub():
        hub.heed()


def _hub() -> Hub | Outside | None:
    return current_hub() or outside()
