"""Publishing, and the hints sent after a commit: to hubs about new events, and to workers about new deliveries.

The hints only save time. If a process is killed before it sends one, hubs and workers find the rows by themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.dispatch import Signal, receiver

from notifications_hub import streams
from notifications_hub.conf import hub_settings
from notifications_hub.database.chunks import chunks
from notifications_hub.delivery import arming
from notifications_hub.delivery.worker_wakeup import wake_worker
from notifications_hub.live import presence, revocation
from notifications_hub.live.channel_layer import BackgroundLayer, background_layer
from notifications_hub.live.frames import encode_event
from notifications_hub.live.hub import Hub, current_hub
from notifications_hub.notification import Notification
from notifications_hub.streams import LoggedEvent, NewEvent, encode_data
from notifications_hub.streams.models import check_public_topic
from notifications_hub.streams.numberer import run_soon

published_ephemerally = Signal()
"""Sent with the `topic`, the `kind` and the `data` of an event that is not logged. For tests."""

_AT_ONCE = 1000
_GATHER_SECONDS = 0.2
"""Time in which the deliveries of many commits are gathered. They are due seconds later."""


def publish(topic: str, kind: str, data: Mapping[str, Any], *, ephemeral: bool = False) -> None:
    """Publish an event to the subscribers of a topic.

    The event is logged in the caller's transaction: clients that reconnect receive it, and a rollback discards it. An
    `ephemeral` event, such as "is typing", is sent at once to connected clients only, and is not logged.

    Raise `BadTopic`, `EventTooLarge`, or `TypeError` if the data is not JSON.
    """
    check_public_topic(topic)
    if ephemeral:
        _publish_ephemeral(topic, kind, encode_data(data))
        published_ephemerally.send(None, topic=topic, kind=kind, data=data)
    else:
        streams.append(topic, kind, data)


async def apublish(topic: str, kind: str, data: Mapping[str, Any], *, ephemeral: bool = False) -> None:
    """Publish from async code, which holds no transaction. A logged event is committed when this returns."""
    if ephemeral:
        publish(topic, kind, data, ephemeral=True)
    else:
        await sync_to_async(publish)(topic, kind, data)


def publish_many(events: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Publish many logged events, each `(topic, kind, data)`: one statement per thousand. Raise like `publish`."""
    streams.append_many(NewEvent(check_public_topic(topic), kind, data) for topic, kind, data in events)


def _publish_ephemeral(topic: str, kind: str, data: str) -> None:
    event = encode_event(LoggedEvent(topic, None, kind, data, datetime.now(UTC)))
    if hub := _hub():
        hub.publish_ephemeral(topic, event)


@receiver(streams.numbered)
def _hint(tops: Mapping[str, int], traces: Mapping[str, str], **kwargs: object) -> None:
    if hub := _hub():
        hub.hint(tops, traces)


_planned: deque[int] = deque()


@receiver(arming.armed)
def _send_soon(notifications: Collection[int], **kwargs: object) -> None:
    if hub_settings.ack_window > arming.AWAY_SECONDS:
        _planned.extend(notifications)
        run_soon(_bring_forward, _GATHER_SECONDS)
    wake_worker(hub_settings.ack_window)


def _bring_forward() -> None:
    """Bring forward the deliveries of people who are away, for all commits since the last call."""
    planned: list[int] = []
    with suppress(IndexError):  # another thread may take some meanwhile
        while True:
            planned.append(_planned.popleft())
    for some in chunks(planned, _AT_ONCE):
        if away := _of_people_away(some):
            arming.bring_forward(away)
            wake_worker(arming.AWAY_SECONDS)


def _of_people_away(notifications: Collection[int]) -> list[int]:
    """Return the notifications of people who have no page open. Return none if presence is unknown."""
    person_of = dict(Notification.objects.filter(pk__in=notifications).values_list("pk", "recipient"))
    connected = presence.connected_among(set(person_of.values()))
    return [] if connected is None else [pk for pk, person in person_of.items() if person not in connected]


@receiver(revocation.revoked)
def _apply_revocations(**kwargs: object) -> None:
    if hub := current_hub():
        hub.hint_revocation()


def _hub() -> Hub | BackgroundLayer | None:
    return current_hub() or background_layer()
