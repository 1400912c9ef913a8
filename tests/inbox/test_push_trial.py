"""A person sends a test push to one of their browsers, and reads the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db.models.functions import Now

from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.inbox import push_trial
from notifications_hub.inbox.push_trial import TESTS
from notifications_hub.notification import Notification
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.web.throttle import TooMany
from tests.inbox.support import ClientFor
from tests.support.together import together

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]

TEST = "/notifications/preferences/test-device/"
PREFERENCES = "/notifications/preferences/"


@pytest.fixture
def browser(alice: User) -> PushSubscription:
    return PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x", name="Firefox on Linux")


def test_a_test_push_goes_to_one_browser_at_once(alice: User, browser: PushSubscription, client_for: ClientFor) -> None:
    PushSubscription.objects.create(owner=alice, endpoint_hash="other")
    answer = client_for(alice).post(TEST, {"id": browser.pk})

    row = Notification.objects.get()
    assert (row.kind, row.recipient, row.toast, row.flash) == ("push.test", alice, False, False)
    planned = Delivery.objects.filter(due_at__lte=Now(), state=DeliveryState.WAITING)
    assert list(planned.values_list("address", flat=True)) == [str(browser.pk)]
    assert answer["Location"] == f"/notifications/{row.item_id}/why/"


def test_its_page_refreshes_until_it_is_sent(alice: User, browser: PushSubscription, client_for: ClientFor) -> None:
    client = client_for(alice)
    client.post(TEST, {"id": browser.pk})
    row = Notification.objects.get()
    waiting = client.get(f"/notifications/{row.item_id}/why/")
    Delivery.objects.update(
        state=DeliveryState.SENT, trail=[{"at": row.timestamp.isoformat(), "state": "sent", "reason": "x"}]
    )
    sent = client.get(f"/notifications/{row.item_id}/why/")

    assert "Refresh" in waiting
    assert "Refresh" not in sent
    assert "Sent to Firefox on Linux." in sent.content.decode()


def test_the_number_of_tests_is_limited(alice: User, browser: PushSubscription, client_for: ClientFor) -> None:
    client = client_for(alice)
    for _ in range(TESTS + 1):
        answer = client.post(TEST, {"id": browser.pk}, follow=True)

    assert Notification.objects.count() == TESTS
    assert "Please wait a minute." in answer.content.decode()


def test_charlie_sends_nothing_to_alices_browser(
    browser: PushSubscription, charlie: User, client_for: ClientFor
) -> None:
    assert client_for(charlie).post(TEST, {"id": browser.pk}).status_code == 404
    assert not Notification.objects.exists()


def test_the_kind_of_tests_is_not_in_the_preferences(alice: User, client_for: ClientFor) -> None:
    assert "push.test" not in client_for(alice).get(PREFERENCES).content.decode()


def test_a_browser_that_is_held_back_is_listed_as_such(
    alice: User, browser: PushSubscription, client_for: ClientFor
) -> None:
    client = client_for(alice)
    assert client.get(PREFERENCES).context["devices"][0].held_back is False
    PushSubscription.objects.update(quarantined_at=browser.created)
    assert client.get(PREFERENCES).context["devices"][0].held_back is True


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_for_tests_are_limited_too(alice: User, browser: PushSubscription) -> None:
    def ask() -> bool:
        try:
            push_trial.send(alice, "web_push", str(browser.pk))
        except TooMany:
            return False
        return True

    assert sum(together([ask] * 15)) == TESTS
    assert Notification.objects.count() == TESTS
