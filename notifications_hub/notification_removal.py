"""Events for deleted notifications, including those deleted by a cascade, as with their recipient.

Django's deletion signals trigger the events, which are logged in the transaction of the deletion.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import models
from django.db.models.signals import post_delete, pre_delete

from notifications_hub.database.deletions import Deletions, as_stored
from notifications_hub.notification import Notification
from notifications_hub.notification_queryset import DELETED, Owned, emit_ids

_deletions: Deletions[Owned] = Deletions(partial(emit_ids, DELETED))


def connect() -> None:
    """Connect the signals. Call it after the models are loaded."""
    pre_delete.connect(_before, sender=Notification, dispatch_uid="notifications_hub.notification_removal")
    post_delete.connect(_after, sender=Notification, dispatch_uid="notifications_hub.notification_removal")


def _before(instance: Notification, origin: object, **kwargs: Any) -> None:
    # A deleted announcement logs a single event on the topic of its audience, however large that is.
    if _model_of(origin) is Notification._meta.get_field("announcement").related_model:
        return
    row = as_stored(instance, origin)
    if isinstance(row, Notification):
        _deletions.expect(origin, row, [(row.pk, row.recipient_id, row.announcement_id)])


def _after(instance: Notification, origin: object, **kwargs: Any) -> None:
    _deletions.mark_deleted(origin, instance)


def _model_of(origin: object) -> object:
    return origin.model if isinstance(origin, models.QuerySet) else type(origin)
