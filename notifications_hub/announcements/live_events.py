"""The events by which open pages hear of an announcement: on its audience's topic, and for visitors if it is public."""

from __future__ import annotations

from collections.abc import Sequence

from notifications_hub import streams
from notifications_hub.announcements.banners import current as banners
from notifications_hub.announcements.banners.rules import as_public_json
from notifications_hub.announcements.models import Announcement
from notifications_hub.audiences import EVERYONE, PUBLIC_BANNERS
from notifications_hub.streams import Event, NewEvent, item_key


def publish_new(announcement: Announcement) -> None:
    _publish("announcement.created", announcement, [PUBLIC_BANNERS] if _is_public(announcement) else [])
    _forget_banners(announcement)


def publish_words(announcement: Announcement) -> None:
    """Publish the new words. The earlier events lose theirs. A banner that is no longer public is withdrawn there."""
    topics = [PUBLIC_BANNERS] if _is_public(announcement) else []
    _publish("announcement.updated", announcement, topics, erases=[key_of(announcement)])
    # It may have been a banner before.
    banners.forget_on_commit()
    if not topics and _was_public(announcement):
        streams.append_many([_withdrawal(announcement, PUBLIC_BANNERS)])


def publish_withdrawal(announcement: Announcement) -> None:
    topics = [announcement.audience, *([PUBLIC_BANNERS] if _is_public(announcement) else [])]
    streams.append_many([_withdrawal(announcement, topic) for topic in topics])
    _forget_banners(announcement)


def key_of(announcement: Announcement) -> str:
    return item_key("announcement", announcement.item_id)


def _publish(kind: str, announcement: Announcement, more: Sequence[str], *, erases: Sequence[str] = ()) -> None:
    item = key_of(announcement)
    data = {announcement.audience: announcement.item().as_json()}
    data |= {topic: as_public_json(announcement) for topic in more}
    streams.append_many([NewEvent(topic, kind, data[topic], item=item, erases=erases) for topic in data])


def _forget_banners(announcement: Announcement) -> None:
    if announcement.is_banner:
        banners.forget_on_commit()


def _withdrawal(announcement: Announcement, topic: str) -> NewEvent:
    ids = {"ids": [announcement.item_id]}
    return NewEvent(topic, "announcement.withdrawn", ids, erases=[key_of(announcement)])


def _is_public(announcement: Announcement) -> bool:
    return announcement.is_banner and announcement.is_banner_public


def _was_public(announcement: Announcement) -> bool:
    """Return whether visitors have it from an earlier event. An edit may have made it private since."""
    if announcement.audience != EVERYONE:
        return False
    return Event.objects.filter(topic=PUBLIC_BANNERS, item=key_of(announcement)).exists()
