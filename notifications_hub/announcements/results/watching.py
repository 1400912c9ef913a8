"""Announcements whose results somebody looks at: the page follows the figures, and the audience is counted once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db.models import Q

from notifications_hub import audiences
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results.models import ResultWatch
from notifications_hub.announcements.rollouts.report import report
from notifications_hub.database import transaction
from notifications_hub.streams.sweeper import Isolation, every_second

PAUSE = timedelta(seconds=10)
"""The time between two reports of one announcement. Each is an event, and a request of each open page."""
WATCHED = timedelta(minutes=30)
"""How long an open page is expected to be looked at. It counts anew from each of its requests."""
_RENEW = timedelta(minutes=1)

_isolation: Isolation[int] = Isolation(longest=3600.0)


def watch(announcement: Announcement) -> ResultWatch:
    """Note that somebody looks at the results now. It writes at most once a minute."""
    now = datetime.now(UTC)
    watched, is_new = ResultWatch.objects.get_or_create(announcement=announcement)
    if not is_new and watched.looked_at < now - _RENEW:
        ResultWatch.objects.filter(pk=watched.pk).update(looked_at=now)
    return watched


@every_second
def report_results() -> None:
    """Tell open pages that figures have changed. Of several processes, one tells each."""
    now = datetime.now(UTC)
    for pk, looked_at in ResultWatch.objects.filter(moved=True).values_list("pk", "looked_at"):
        is_free = Q(reported_at=None) | Q(reported_at__lt=now - PAUSE)
        with transaction.atomic():
            freed = ResultWatch.objects.filter(is_free, pk=pk, moved=True).update(moved=False, reported_at=now)
            if freed and looked_at > now - WATCHED:
                report(pk)


@every_second
def count_audiences() -> None:
    """Count the audience of each announcement that somebody looked at for the first time."""
    uncounted = ResultWatch.objects.filter(audience_at=None, announcement__announced_at__isnull=False)
    for pk, audience in uncounted.values_list("pk", "announcement__audience"):
        if pk not in _isolation.resting():
            with _isolation.guard(pk, f"The audience of announcement {pk}"):
                _count(pk, audience)


def _count(pk: int, audience: str) -> None:
    with transaction.atomic():
        # Locked, so that one of several processes counts.
        uncounted = ResultWatch.objects.filter(pk=pk, audience_at=None).select_for_update(skip_locked=True, no_key=True)
        if uncounted.first() is not None:
            size = audiences.members(audience).count()
            values = {"audience_size": size, "audience_at": datetime.now(UTC), "moved": True}
            ResultWatch.objects.filter(pk=pk).update(**values)
