"""Send a test to one address of a person. It is an ordinary notification, so its history shows the result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.contrib.auth import get_user_model
from django.db.models.functions import Now
from django.urls import reverse

from notifications_hub.database import transaction
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery
from notifications_hub.notification import Notification
from notifications_hub.notify import notify_handler
from notifications_hub.own_kinds import PushTest
from notifications_hub.users import Person

TESTS = 3
WITHIN = timedelta(minutes=1)


class TooManyTests(Exception):
    """Raised when a person has sent several tests within the last minute."""


def send(person: Person, transport: str, address: str) -> Notification:
    """Send a test that is due at once: the open page must not cancel it. Raise `TooManyTests`."""
    with transaction.atomic():
        # Hold the lock until the commit, so that each of several requests counts the ones before it.
        get_user_model()._base_manager.select_for_update(no_key=True).get(pk=person.pk)
        _check_pace(person)
        url = reverse("notifications_hub:preferences")
        [row] = notify_handler("tested", sender=person, recipient=person, kind=PushTest.name, url=url)
        arming.arm([Plan(notification_pk=row.pk, transport=transport, address=address)])
        Delivery.objects.filter(notification=row).update(due_at=Now())
    return row


def _check_pace(person: Person) -> None:
    recent = Notification.objects.filter(recipient=person, timestamp__gt=datetime.now(UTC) - WITHIN, kind=PushTest.name)
    if recent.count() >= TESTS:
        raise TooManyTests
