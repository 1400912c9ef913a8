"""After the commit: says that topics have grown, to this process's hub and to those of others.

Everything here is a hint. A process killed before it gets here loses nothing: hubs and workers look for themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.dispatch import receiver

from notifications_hub import streams
from notifications_hub.events import check_public_topic
from notifications_hub.live import revocation
from notifications_hub.live.frames import encode_event
from notifications_hub.live.hub import Hub, current_hub
from notifications_hub.live.layer import Outside, outside
from notifications_hub.streams import LoggedEvent, NewEvent, check_data


def publish(topic: str, kind: str, data: Mapping[str, Any], *, ephemeral: bool = False) -> None:
    """Tells whoever listens to a topic.

    Logged, in the caller's transaction: whoever reconnects gets it, and a rollback takes it back. `ephemeral` is for
    what is worthless a moment later (who is typing): sent at once, to whoever is connected, and to nobody else.

    Raises `BadTopic`, `EventTooLarge`, and `TypeError` where the data is not JSON.
    """
    check_public_topic(topic)
    if ephemeral:
        _say(topic, kind, check_data(data))
    else:
        streams.append(topic, kind, data)


def publish_many(events: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Many logged events, each `(topic, kind, data)`, in one statement for each thousand. Raises like `publish`."""
    streams.append_many(NewEvent(check_public_topic(topic), kind, data) for topic, kind, data in events)


def _say(topic: str, kind: str, data: Mapping[str, Any]) -> None:
    text = json.dumps(data, cls=DjangoJSONEncoder)
    event = encode_event(LoggedEvent(topic, None, kind, text, datetime.now(UTC)))
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
