"""Tell the open pages of admins that an announcement's rollouts have moved on, about once a second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db.models import Q

from notifications_hub import streams
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.streams import NewEvent
from notifications_hub.streams.sweeper import every_second

_PAUSE = timedelta(seconds=0.9)


def topic_of(announcement_pk: int) -> str:
    """Return the topic that the announcement's page of progress listens to."""
    return f"announcement.{announcement_pk}"


def report(announcement_pk: int) -> None:
    """Publish that something has changed, in the caller's transaction. The page fetches the figures."""
    topic = topic_of(announcement_pk)
    streams.append_many([NewEvent(topic, "announcement.sending", {"id": announcement_pk})])


@every_second
def report_progress() -> None:
    """Report the rollouts that workers have moved. Of several processes, one reports each."""
    late = datetime.now(UTC) - _PAUSE
    for pk, announcement in Rollout.objects.filter(moved=True).values_list("pk", "announcement"):
        free = Rollout.objects.filter(Q(reported_at=None) | Q(reported_at__lt=late), pk=pk, moved=True)
        if free.update(reported_at=datetime.now(UTC), moved=False):
            report(announcement)
