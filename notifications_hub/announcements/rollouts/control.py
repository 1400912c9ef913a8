"""Pause, resume and stop the rollouts of an announcement."""

from __future__ import annotations

from notifications_hub.announcements import audit
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts.models import Rollout, RolloutState
from notifications_hub.database import transaction
from notifications_hub.delivery.worker_wakeup import wake_worker
from notifications_hub.users import Person


def pause(announcement: Announcement, by: Person | None = None) -> int:
    """Send no more until it is resumed, but what workers are sending. Return how many rollouts were paused."""
    return _move(announcement, RolloutState.PAUSED, audit.Step.PAUSED, by, RolloutState.RUNNING)


def resume(announcement: Announcement, by: Person | None = None) -> int:
    """Go on where it was paused. Return how many rollouts go on."""
    resumed = _move(announcement, RolloutState.RUNNING, audit.Step.RESUMED, by, RolloutState.PAUSED)
    if resumed:
        wake_worker(1.0)
    return resumed


def stop(announcement: Announcement, by: Person | None = None) -> int:
    """Send no more, for good. It stays in the inboxes. Return how many rollouts were stopped."""
    still_open = RolloutState.RUNNING, RolloutState.PAUSED
    return _move(announcement, RolloutState.STOPPED, audit.Step.STOPPED, by, *still_open)


def lock(announcement: Announcement) -> None:
    """Let no worker plan more until the caller's transaction ends."""
    rollouts = Rollout.objects.open().filter(announcement=announcement).order_by("pk")
    list(rollouts.select_for_update().values_list("pk"))


def _move(
    announcement: Announcement, state: RolloutState, step: audit.Step, by: Person | None, *earlier: RolloutState
) -> int:
    """Move the open rollouts of the earlier states, and record the step if there are any."""
    with transaction.atomic():
        moved = Rollout.objects.open().filter(announcement=announcement, state__in=earlier).move(state=state)
        if moved:
            audit.record(announcement, step, by=by)
    return moved
