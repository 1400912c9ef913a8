"""Pause, resume and stop the rollouts of an announcement."""

from __future__ import annotations

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts.models import Rollout, RolloutQuerySet, RolloutState
from notifications_hub.delivery.worker_wakeup import wake_worker


def pause(announcement: Announcement) -> int:
    """Send no more until it is resumed, but what workers are sending. Return how many rollouts were paused."""
    return _open(announcement, RolloutState.RUNNING).move(state=RolloutState.PAUSED)


def resume(announcement: Announcement) -> int:
    """Go on where it was paused. Return how many rollouts go on."""
    resumed = _open(announcement, RolloutState.PAUSED).move(state=RolloutState.RUNNING)
    if resumed:
        wake_worker(1.0)
    return resumed


def stop(announcement: Announcement) -> int:
    """Send no more, for good. It stays in the inboxes. Return how many rollouts were stopped."""
    return _open(announcement, RolloutState.RUNNING, RolloutState.PAUSED).move(state=RolloutState.STOPPED)


def lock(announcement: Announcement) -> None:
    """Let no worker plan more until the caller's transaction ends."""
    rollouts = Rollout.objects.open().filter(announcement=announcement).order_by("pk")
    list(rollouts.select_for_update().values_list("pk"))


def _open(announcement: Announcement, *states: RolloutState) -> RolloutQuerySet:
    return Rollout.objects.open().filter(announcement=announcement, state__in=states)
