"""After the commit: tells hubs that topics have grown, and workers that there is something to send.

Everything here is a hint. A process killed before it gets here loses nothing: hubs and workers look for themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import sync_to_async
from django.dispatch import receiver

from notifications_hub import streams
from notifications_hub.conf import hub_settings
from notifications_hub.delivery import arming
from notifications_hub.delivery.celery_wakeup import nudge
from notifications_hub.live import presence, revocation
from notifications_hub.live.channel_layer import Outside, outside
from notifications_hub.live.frames import encode_event
from notifications_hub.live.hub import Hub, current_hub
from notifications_hub.notification import Notification
from notifications_hub.streams import LoggedEvent, NewEvent, encode_data
from notifications_hub.streams.models import check_public_topic


def publish(topic: str, kind: str, data: Mapping[str, Any], *, ephemeral: bool = False) -> None:
    """Tells whoever listens to a topic.

    Logged, in the caller's transaction: whoever reconnects gets it, and a rollback takes it back. `ephemeral` is for
    what is worthless a moment later (who is typing): sent at once, to whoever is connected, and to nobody else.

    Raises `BadTopic`, `EventTooLarge`, and `TypeError` where the data is not JSON.
    """
    check_public_topic(topic)
    if ephemeral:
        _say(topic, kind, encode_data(data))
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
    streams.append_many(NewEvent(check_public_topic(topic), kind, data) for topic, kind, data in events)


def _say(topic: str, kind: str, data: str) -> None:
    event = encode_event(LoggedEvent(topic, None, kind, data, datetime.now(UTC)))
    if hub := _hub():
        hub.publish_ephemeral(topic, event)


@receiver(streams.numbered)
def _hint(tops: Mapping[str, int], **kwargs: object) -> None:
    if hub := _hub():
        hub.hint(tops)


@receiver(arming.armed)
def _send_soon(notifications: Collection[int], **kwargs: object) -> None:
    if hub_settings.ack_window > arming.AWAY_SECONDS and (away := _of_people_away(notifications)):
        arming.bring_forward(away)
        nudge(arming.AWAY_SECONDS)
    nudge(hub_settings.ack_window)


def _of_people_away(notifications: Collection[int]) -> list[int]:
    """Those of people who surely have no page open; none where nothing is known of anybody."""
    person_of = dict(Notification.objects.filter(pk__in=notifications).values_list("pk", "recipient"))
    connected = presence.connected_among(set(person_of.values()))
    return [] if connected is None else [pk for pk, person in person_of.items() if person not in connected]


@receiver(revocation.revoked)
def _hint_revocation(**kwargs: object) -> None:
    if hub := current_hub():
        hub.hint_revocation()


def _hub() -> Hub | Outside | None:
    return current_hub() or outside()
