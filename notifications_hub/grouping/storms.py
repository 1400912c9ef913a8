"""The people who already got as many notifications of a kind as its `Storm` allows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Subquery

from notifications_hub.database.primary import from_primary
from notifications_hub.grouping.storm import Storm
from notifications_hub.notification import Notification


def people_in_storm(kind: str, storm: Storm, people: Sequence[Any], at: datetime) -> Collection[Any]:
    """Return the primary keys of those people who have the storm's number of this kind in its time.

    One query, which reads a person's newest until it has found so many. Notifications that are being inserted elsewhere
    do not count yet, so parallel senders may each add one more.
    """
    recent = Notification.objects.filter(
        recipient=OuterRef("pk"), kind=kind, timestamp__gt=at - storm.within, timestamp__lte=at
    )
    last = recent.order_by("-timestamp", "-pk").values("pk")[storm.after - 1 : storm.after]
    found = get_user_model()._default_manager.filter(pk__in=[person.pk for person in people])
    stormy = from_primary(found).annotate(nth=Subquery(last)).filter(nth__isnull=False)
    return set(stormy.order_by().values_list("pk", flat=True))
