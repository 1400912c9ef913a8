"""Delete a job's event log together with the job, because every event contains its title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models.signals import post_delete, pre_delete

from notifications_hub.database.chunks import chunks
from notifications_hub.database.deletions import Deletions
from notifications_hub.jobs.models import Job
from notifications_hub.streams.models import Event, Stream

_TOPICS_AT_ONCE = 500


def _delete_logs(topics: Sequence[str]) -> None:
    for some in chunks(topics, _TOPICS_AT_ONCE):
        streams = Stream.objects.filter(topic__in=some)
        # Lock streams before their events and in ascending order, as every other writer does.
        list(streams.order_by("pk").select_for_update().values_list("pk"))
        Event.objects.filter(topic__in=some).delete()
        streams.delete()


_deletions: Deletions[str] = Deletions(_delete_logs)


def connect() -> None:
    """Connect the signals. Call it once models are loaded."""
    pre_delete.connect(_before, sender=Job, dispatch_uid="notifications_hub.job_log_removal")
    post_delete.connect(_after, sender=Job, dispatch_uid="notifications_hub.job_log_removal")


def _before(instance: Job, origin: object, **kwargs: Any) -> None:
    # Parts have no log of their own.
    if instance.parent_id is None:
        _deletions.expect(origin, instance, [instance.topic])


def _after(instance: Job, origin: object, **kwargs: Any) -> None:
    _deletions.mark_deleted(origin, instance)
