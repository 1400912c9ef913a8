"""The delivery page explains how a notification reached its person, or why not."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import pytest

from notifications_hub import broadcast
from notifications_hub.delivery import arming, preferences
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.kinds import DeliveryMethod, get_kind
from notifications_hub.notification import Notification
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.transports.web_push.vapid import generate
from tests.inbox.support import NEVER, ClientFor, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]

AT = "2026-11-20T12:00:00+00:00"
PUT_OFF = {
    "at": AT,
    "state": "waiting",
    "reason": "host_slow",
    "parameters": {"host": "push.example"},
    "attempted": False,
}


@pytest.fixture
def browser(alice: User) -> PushSubscription:
    return PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x", name="Firefox on Linux")


@pytest.fixture(autouse=True)
def _key(settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": generate()}


def planned(row: Notification, browser: PushSubscription, **columns: Any) -> None:
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address=str(browser.pk))])
    Delivery.objects.filter(notification=row).update(**columns)


def page(client_for: ClientFor, person: User, item: str) -> str:
    answer = client_for(person).get(f"/notifications/{item}/why/")
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (DeliveryMethod.LIVE, "on an open page"),
        (DeliveryMethod.FLASH, "top of the next page"),
        (DeliveryMethod.WEB_PUSH, "One of your browsers"),
    ],
)
def test_the_page_says_which_method_reached_the_person(
    alice: User, bob: User, client_for: ClientFor, browser: PushSubscription, *, method: DeliveryMethod, words: str
) -> None:
    row = send_one(alice, bob)
    planned(row, browser)
    arming.mark_delivered([row.pk], method)
    text = page(client_for, alice, row.item_id)

    assert words in text
    assert "Not sent to Firefox on Linux: you had already been notified." in text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {
                "state": DeliveryState.SENT,
                "trail": [
                    {"at": AT, "state": "sent", "reason": "transport_said", "parameters": {"text": "x"}, "status": 201}
                ],
            },
            "You were offline, so we sent a push to Firefox on Linux.",
        ),
        (
            {"trail": [{"at": AT, "state": "waiting", "reason": "transport_said", "parameters": {"text": "x"}}]},
            "We couldn't reach Firefox on Linux. We'll try again.",
        ),
        (
            {"trail": [{"at": AT, "state": "waiting", "reason": "transport_said", "parameters": {"text": "x"}}]},
            "Next: we'll try Firefox on Linux again.",
        ),
        (
            {"trail": [{**PUT_OFF, "reason": "transport_said", "parameters": {"text": "x"}}]},
            "Not sent to Firefox on Linux yet. We'll try again.",
        ),
        ({"trail": [PUT_OFF]}, "The push service of Firefox on Linux didn't answer in time. We'll try again."),
        ({"trail": [PUT_OFF]}, "Next: we'll send it to Firefox on Linux, unless you see it on a page first."),
        (
            {
                "state": DeliveryState.FAILED,
                "trail": [{"at": AT, "state": "failed", "reason": "transport_said", "parameters": {"text": "x"}}],
            },
            "We couldn't reach Firefox on Linux.",
        ),
        (
            {
                "state": DeliveryState.FAILED,
                "trail": [{**PUT_OFF, "state": "failed", "reason": "expired", "parameters": {}}],
            },
            "We couldn't send it to Firefox on Linux.",
        ),
        ({"state": DeliveryState.CANCELLED, "reason": "read", "settled_at": AT}, "you had already read it."),
        ({"state": DeliveryState.CANCELLED, "reason": "expired", "settled_at": AT}, "it was out of date."),
        ({"state": DeliveryState.CANCELLED, "reason": "the moon", "settled_at": AT}, "it was no longer needed."),
        ({}, "Next: we'll send it to Firefox on Linux, unless you see it on a page first."),
    ],
)
def test_the_page_says_what_happened_to_each_push(
    alice: User, bob: User, client_for: ClientFor, browser: PushSubscription, *, columns: dict[str, Any], words: str
) -> None:
    row = send_one(alice, bob)
    planned(row, browser, **columns)

    assert words in page(client_for, alice, row.item_id)


@pytest.mark.parametrize(
    ("reason", "parameters", "words"),
    [
        ("browser_gone", {}, "which no longer accepts our notifications. Turn them on again in that browser."),
        ("push_refused", {"status": 403}, "The push service of Safari 100% refused it (status 403)."),
        (
            "gave_up",
            {"because": "no_answer", "seconds": "10"},
            "The push service of Safari 100% didn't answer in time.",
        ),
        ("gave_up", {"because": "held_back/password_changed"}, "Sign in to this site in that browser to resume."),
        ("gave_up", {}, "We couldn't reach Safari 100%."),
        ("push_answered", {}, "had a problem (status ?)."),
    ],
)
def test_a_failed_push_says_why_and_what_to_do(
    alice: User,
    bob: User,
    client_for: ClientFor,
    browser: PushSubscription,
    *,
    reason: str,
    parameters: dict[str, Any],
    words: str,
) -> None:
    PushSubscription.objects.update(name="Safari 100%")
    row = send_one(alice, bob)
    entry = {"at": AT, "state": "failed", "reason": reason, "parameters": parameters}
    planned(row, browser, state=DeliveryState.FAILED, trail=[entry])

    assert words in page(client_for, alice, row.item_id)


@pytest.mark.parametrize("name", ["", "A browser"])
def test_a_browser_without_a_name_fits_into_the_sentence(
    alice: User, bob: User, client_for: ClientFor, browser: PushSubscription, name: str
) -> None:
    PushSubscription.objects.update(name=name)
    row = send_one(alice, bob)
    planned(row, browser, state=DeliveryState.CANCELLED, reason="read", settled_at=AT)
    assert "Not sent to one of your browsers: you had already read it." in page(client_for, alice, row.item_id)


def test_the_page_says_why_no_push_was_planned(alice: User, bob: User, client_for: ClientFor, settings: Any) -> None:
    row = send_one(alice, bob, kind="comment.reply")
    assert "in any browser" in page(client_for, alice, row.item_id)
    browser = PushSubscription.objects.create(owner=alice, name="Firefox")
    assert "No push was planned at the time." in page(client_for, alice, row.item_id)
    PushSubscription.objects.update(quarantined_at=browser.created)
    assert "Push notifications are paused." in page(client_for, alice, row.item_id)
    preferences.choose_methods(alice, "comment.reply", [DeliveryMethod.LIVE])
    words = f"Your preferences turn off push notifications for “{get_kind('comment.reply').label}”."
    assert words in page(client_for, alice, row.item_id)
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": ""}
    assert "isn't sending push notifications" in page(client_for, alice, row.item_id)


def test_an_announcement_has_its_page_too(alice: User, client_for: ClientFor) -> None:
    announcement = broadcast(title="Maintenance")
    assert "Maintenance" in page(client_for, alice, f"a{announcement.pk}")


def test_charlie_learns_nothing(alice: User, bob: User, charlie: User, client_for: ClientFor) -> None:
    row = send_one(alice, bob)
    for item in (row.item_id, NEVER, f"a{NEVER}", "x", "-1"):
        assert client_for(charlie).get(f"/notifications/{item}/why/").status_code == 404


def test_the_inbox_leads_there(alice: User, bob: User, client_for: ClientFor) -> None:
    row = send_one(alice, bob)
    assert f'href="/notifications/{row.item_id}/why/"' in client_for(alice).get("/notifications/").content.decode()
