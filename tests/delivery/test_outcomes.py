"""One delivery per notification, its method and its reasons: the same tests for live, flash and push."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub import streams
from notifications_hub.delivery import acknowledgement
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preparing import act_token
from notifications_hub.delivery.worker import Worker
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import inbox_topic
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from tests.support.deliveries import BY_MEMORY, memory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

ClientFor = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _push_at_once(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": BY_MEMORY, "ACK_WINDOW": 0}


@dataclass
class Story:
    """One notification of Alice's, and every way to deliver it."""

    alice: User
    browser: Client
    notification: Notification

    def live(self) -> None:
        """Show it on a visible page, which acknowledges the frames it has read."""
        topic = inbox_topic(self.alice.pk)
        epoch, top = streams.moved({topic: None})[topic]
        acknowledgement.acknowledge(self.alice.pk, {topic: Position(epoch, 0, top)})

    def flash(self) -> None:
        self.flashed()

    def web_push(self) -> None:
        """Send a push, and report as the service worker does that it was shown."""
        self.pushed()
        sent = Delivery.objects.get()
        # A report counts only while the browser is bound to its person.
        PushSubscription.objects.create(pk=int(sent.address), owner=self.alice, endpoint_hash="h")
        token = act_token(sent)
        report = {"token": token, "action": "shown"}
        url = reverse("notifications_hub_api:push_act")
        assert Client().post(url, report, content_type="application/json").status_code == 200

    def deliver_by(self, method: DeliveryMethod) -> None:
        {DeliveryMethod.LIVE: self.live, DeliveryMethod.FLASH: self.flash, DeliveryMethod.WEB_PUSH: self.web_push}[
            method
        ]()

    def flashed(self) -> bool:
        response = self.browser.get(reverse("profile"))
        assert response.status_code == 200
        return "Bob waved" in response.content.decode()

    def pushed(self) -> bool:
        before = len(memory().outbox)
        worker = Worker()
        worker.run_due()
        worker.close()
        return len(memory().outbox) > before

    def delivered_by(self) -> str:
        self.notification.refresh_from_db()
        return self.notification.delivered_by

    def delivered_events(self) -> int:
        return streams.Event.objects.filter(topic=inbox_topic(self.alice.pk), kind="notification.delivered").count()


@pytest.fixture
def story(alice: User, bob: User, client_for: ClientFor) -> Story:
    memory().clear()
    notify.send(bob, recipient=alice, verb="waved")
    return Story(alice, client_for(alice), Notification.objects.get())


METHODS = [DeliveryMethod.LIVE, DeliveryMethod.FLASH, DeliveryMethod.WEB_PUSH]
each_method = pytest.mark.parametrize("method", METHODS)
each_other = pytest.mark.parametrize(
    ("first", "second"), [(first, second) for first in METHODS for second in METHODS if first != second]
)


@each_method
def test_the_row_records_the_method_that_delivered_it(story: Story, method: DeliveryMethod) -> None:
    story.deliver_by(method)
    assert story.delivered_by() == method.value
    assert story.notification.delivered_at is not None


@each_method
def test_open_pages_get_one_delivered_event(story: Story, method: DeliveryMethod) -> None:
    story.deliver_by(method)
    story.live()
    assert story.delivered_events() == 1


@each_method
def test_a_delivered_notification_is_not_flashed(story: Story, method: DeliveryMethod) -> None:
    story.deliver_by(method)
    assert not story.flashed()


@pytest.mark.parametrize("method", [DeliveryMethod.LIVE, DeliveryMethod.FLASH])
def test_a_delivery_before_the_claim_cancels_the_push_with_its_reason(story: Story, method: DeliveryMethod) -> None:
    story.deliver_by(method)
    assert not story.pushed()
    planned = Delivery.objects.get()
    assert (planned.state, planned.reason, planned.reason_parameters) == (
        DeliveryState.CANCELLED,
        "delivered_by",
        {"method": method.value},
    )


def test_a_pushed_notification_is_not_pushed_again(story: Story) -> None:
    assert story.pushed()
    assert not story.pushed()
    assert Delivery.objects.get().state == DeliveryState.SENT


@each_other
def test_the_first_delivery_method_is_the_recorded_one(
    story: Story, first: DeliveryMethod, second: DeliveryMethod
) -> None:
    story.deliver_by(first)
    at = Notification.objects.get().delivered_at
    if second is not DeliveryMethod.WEB_PUSH:  # a push is not sent any more
        story.deliver_by(second)
    assert story.delivered_by() == first.value
    assert story.notification.delivered_at == at


def test_a_push_without_a_report_still_leaves_the_flash(story: Story) -> None:
    assert story.pushed()
    assert story.delivered_by() == ""
    assert story.flashed()


@each_method
def test_reading_stops_every_delivery_method(story: Story, method: DeliveryMethod) -> None:
    story.notification.mark_as_read()
    if method is DeliveryMethod.WEB_PUSH:
        assert not story.pushed()
        assert Delivery.objects.get().reason == "read"
    elif method is DeliveryMethod.FLASH:
        assert not story.flashed()
    else:
        assert streams.Event.objects.filter(kind="notification.read").count() == 1


@each_method
def test_no_delivery_method_reaches_charlie(
    story: Story, method: DeliveryMethod, charlie: User, client_for: ClientFor
) -> None:
    other = Story(charlie, client_for(charlie), story.notification)
    if method is DeliveryMethod.LIVE:
        assert inbox_topic(charlie.pk) not in streams.moved({inbox_topic(charlie.pk): None})
    elif method is DeliveryMethod.FLASH:
        assert not other.flashed()
    else:
        assert not Delivery.objects.filter(notification__recipient=charlie).exists()
    assert story.delivered_by() == ""
