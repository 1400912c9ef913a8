"""Reading the lists of an inbox from a replica, where it has caught up with this inbox.

Every change of an inbox is in the log of its topic, and a replica replays transactions in the order of their commits.
So a replica that has the last number of the topic has all changes up to it, for example a mark of the person's own.
It may lag behind for others. A page's cursor was read before, so what the replica lacks arrives as an event.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, InterfaceError
from django.db.models import Exists

from notifications_hub.conf import hub_settings
from notifications_hub.database.primary import hub_alias
from notifications_hub.streams import Event, Stream, inbox_topic
from notifications_hub.users import Person

REST_SECONDS = 10.0
"""Time without the replica after it failed, so that few pages wait for one that is away."""

log = logging.getLogger(__name__)

Found = TypeVar("Found")


def read_list(person: Person, read: Callable[[str], Found]) -> Found:
    """Return what `read` finds, given the alias of a database that has the person's inbox as it is now."""
    alias = hub_settings.inbox_replica
    if alias and not _rest.is_on():
        try:
            if _has_caught_up(alias, inbox_topic(person.pk)):
                return read(alias)
        except (DatabaseError, InterfaceError) as error:
            _rest.begin()
            log.warning("The replica %r failed (%s); inboxes are read from the primary for a while", alias, error)
    return read(hub_alias())


def _has_caught_up(alias: str, topic: str) -> bool:
    unnumbered = Event.objects.filter(topic=topic, seq=None)
    now = Stream.objects.filter(topic=topic).values_list("epoch", "top").annotate(waits=Exists(unnumbered)).first()
    if now is None:
        return False
    epoch, top, waits = now
    return not waits and Stream.objects.using(alias).filter(topic=topic, epoch=epoch, top__gte=top).exists()


class _Rest:
    """The time in which this process leaves the replica alone."""

    def __init__(self) -> None:
        self._until = 0.0

    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def begin(self) -> None:
        self._until = time.monotonic() + REST_SECONDS


_rest = _Rest()
