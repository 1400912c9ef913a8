"""Send a test to one address of a person. It is an ordinary notification, so its history shows the result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil

from django.contrib.auth import get_user_model
from django.db.models.functions import Now
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from notifications_hub.database import transaction
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification
from notifications_hub.notify import notify_handler
from notifications_hub.own_kinds import PushTest
from notifications_hub.transports.web_push import subscriptions
from notifications_hub.users import Person
from notifications_hub.web.throttle import TooMany

TESTS = 3
WITHIN = timedelta(minutes=1)


def test_browser(person: Person, pk: str) -> Notification:
    """Send a test push to one of the person's browsers. Raise `TooMany` or `Http404`."""
    browser = subscriptions.find_own(person, pk).first()
    if browser is None:
        raise Http404
    return send(person, DeliveryMethod.WEB_PUSH, str(browser.pk))


def send(person: Person, transport: str, address: str) -> Notification:
    """Send a test that is due at once: the open page must not cancel it. Raise `TooMany`."""
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
    now = datetime.now(UTC)
    own = Notification.objects.filter(recipient=person, timestamp__gt=now - WITHIN, kind=PushTest.name)
    recent = list(own.order_by("-timestamp").values_list("timestamp", flat=True)[:TESTS])
    if len(recent) == TESTS:
        left = (recent[-1] + WITHIN - now).total_seconds()
        raise TooMany(max(1, ceil(left)), _("You've just sent a few tests. Please wait a minute."))
