"""Pushes in a real Firefox through a local push service, from the subscription to the click."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from notifications_hub.transports.web_push.vapid import generate
from tests.push_lab.firefox import Firefox
from tests.push_lab.service import LocalPushService, wait_for
from tests.support.site import PASSWORD, Site

ACK_WINDOW = 3


@pytest.fixture
def push_service() -> Iterator[LocalPushService]:
    with LocalPushService.in_thread() as service:
        yield service


@pytest.fixture
def push_site(start_site: Callable[..., Site], push_service: LocalPushService) -> Site:
    return start_site({"ACK_WINDOW": ACK_WINDOW}, **push_settings(push_service))


def push_settings(push_service: LocalPushService) -> dict[str, str]:
    return {
        "VAPID_PRIVATE_KEY": generate(),
        "VAPID_SUBJECT": "mailto:ops@hub.example",
        "PUSH_EXTRA_HOSTS": push_service.host,
    }


@pytest.fixture
def firefox(push_service: LocalPushService, record_property: Callable[[str, object], None]) -> Iterator[Firefox]:
    with Firefox(push_service.browser_url) as firefox:
        record_property("firefox", firefox.version)
        yield firefox


def sign_in(firefox: Firefox, site: Site, username: str) -> None:
    firefox.visit(f"{site.url}/accounts/login/")
    firefox.fill("[name=username]", username)
    firefox.fill("[name=password]", PASSWORD)
    firefox.click("main form [type=submit], main form button:not([type])")
    firefox.wait_until("!location.pathname.startsWith('/accounts/login')")


def subscribe(firefox: Firefox, site: Site) -> None:
    firefox.visit(f"{site.url}/notifications/preferences/")
    firefox.wait_until("document.querySelector('push-subscription').state === 'default'")
    firefox.click("push-subscription button")
    firefox.press_allow()
    firefox.wait_until("document.querySelector('push-subscription').state === 'on'")


def bob_replies(site: Site) -> None:
    site.python(
        """
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        people = get_user_model().objects
        notify.send(people.get(username="bob"), recipient=people.get(username="alice"), verb="replied",
                    description="I agree. 我同意", url="/notifications/?from=push")
        """
    )


def delivered_by(site: Site) -> str:
    return site.python(
        """
        from notifications_hub.models import Notification
        print(Notification.objects.order_by("-pk").first().delivered_by)
        """
    ).strip()


def test_alice_gets_a_push_only_while_she_cannot_see_it_and_turns_pushes_off(
    firefox: Firefox, push_site: Site, push_service: LocalPushService
) -> None:
    sign_in(firefox, push_site, "alice")
    subscribe(firefox, push_site)
    firefox.visit(f"{push_site.url}/")
    firefox.wait_until("document.querySelector('notification-bell')?.matches(':defined')")
    bob_replies(push_site)
    wait_for(lambda: delivered_by(push_site) == "live")
    time.sleep(ACK_WINDOW + 3)
    assert push_service.messages == {}
    assert firefox.alerts() == []

    with firefox.page_stopped():
        bob_replies(push_site)
        wait_for(lambda: push_service.messages, timeout=30)
    wait_for(firefox.alerts)
    wait_for(firefox.close_alerts)

    firefox.close_pages()
    bob_replies(push_site)
    # The window of an alert has its title before its text.
    wait_for(lambda: firefox.alerts() == [{"title": "Bob replied", "body": "I agree. 我同意"}], timeout=30)
    wait_for(lambda: delivered_by(push_site) == "web_push")
    wait_for(lambda: firefox.click_alert("Bob replied"))
    wait_for(lambda: f"{push_site.url}/notifications/?from=push" in firefox.pages())
    assert [message.ack for message in push_service.messages.values()] == ["delivered"] * 2

    firefox.visit(f"{push_site.url}/notifications/preferences/")
    firefox.wait_until("document.querySelector('push-subscription').state === 'on'")
    firefox.click("push-subscription button")
    firefox.wait_until("document.querySelector('push-subscription').state === 'off'")
    assert subscriptions(push_site) == "0"
    wait_for(lambda: all(subscription.gone for subscription in push_service.subscriptions.values()))


@pytest.mark.faults
def test_the_default_window_prevents_a_push_for_a_notification_she_can_see(
    firefox: Firefox, start_site: Callable[..., Site], push_service: LocalPushService
) -> None:
    site = start_site({}, **push_settings(push_service))
    sign_in(firefox, site, "alice")
    subscribe(firefox, site)
    firefox.visit(f"{site.url}/")
    firefox.wait_until("document.querySelector('notification-bell')?.matches(':defined')")
    bob_replies(site)
    wait_for(lambda: delivered_by(site) == "live")
    time.sleep(20)
    assert push_service.messages == {}
    assert firefox.alerts() == []

    with firefox.page_stopped():
        bob_replies(site)
        wait_for(lambda: push_service.messages, timeout=30)


def test_people_sharing_a_browser_never_see_each_others_notifications(
    firefox: Firefox, push_site: Site, push_service: LocalPushService
) -> None:
    sign_in(firefox, push_site, "alice")
    subscribe(firefox, push_site)
    firefox.forget_cookies()

    sign_in(firefox, push_site, "charlie")
    firefox.visit(f"{push_site.url}/notifications/preferences/")
    firefox.wait_until("document.querySelector('push-subscription').state === 'off'")
    bob_replies(push_site)
    (alert,) = wait_for(firefox.alerts, timeout=30)
    assert alert == {"title": "New notification", "body": ""}
    assert delivered_by(push_site) == ""

    firefox.click("push-subscription button")
    firefox.wait_until("document.querySelector('push-subscription').state === 'on'")
    assert subscriptions(push_site) == "1"
    seen = len(push_service.messages)
    bob_replies(push_site)
    time.sleep(ACK_WINDOW + 3)
    assert len(push_service.messages) == seen

    firefox.run("document.querySelector('form[action=\"/accounts/logout/\"]').requestSubmit()")
    wait_for(lambda: subscriptions(push_site) == "0")
    wait_for(lambda: all(subscription.gone for subscription in push_service.subscriptions.values()))


def test_with_her_pages_closed_an_announcement_is_withdrawn_and_a_subscription_replaced_and_deleted(
    firefox: Firefox, push_site: Site, push_service: LocalPushService
) -> None:
    sign_in(firefox, push_site, "alice")
    subscribe(firefox, push_site)
    firefox.close_pages()
    announce(push_site)
    wait_for(lambda: [alert["title"] for alert in firefox.alerts()] == ["Closed on Sunday"], timeout=30)
    withdraw(push_site)
    seen: set[str] = set()
    wait_for(lambda: not note(seen, firefox), timeout=30)
    assert seen <= {"Closed on Sunday", "This announcement was withdrawn."}
    wait_for(lambda: [message.ack for message in push_service.messages.values()] == ["delivered"] * 2)
    first, second = push_service.messages.values()
    assert first.topic == second.topic

    # A replaced one gets pushes without a visit.
    (old,) = push_service.subscriptions.values()
    push_service.forget_browsers()
    wait_for(lambda: endpoint(push_site) != old.endpoint)
    bob_replies(push_site)
    (alert,) = wait_for(firefox.alerts, timeout=30)
    assert alert["title"] == "Bob replied"

    # One that has expired is deleted.
    push_service.expire(endpoint(push_site))
    assert subscriptions(push_site) == "1"
    bob_replies(push_site)
    wait_for(lambda: subscriptions(push_site) == "0", timeout=30)


def endpoint(site: Site) -> str:
    return site.python(
        """
        from notifications_hub.models import PushSubscription
        print(PushSubscription.objects.get().endpoint)
        """
    ).strip()


def subscriptions(site: Site) -> str:
    return site.python(
        """
        from notifications_hub.models import PushSubscription
        print(PushSubscription.objects.count())
        """
    ).strip()


def announce(site: Site) -> None:
    site.python("from notifications_hub import broadcast; broadcast(title='Closed on Sunday', body='All day')")


def withdraw(site: Site) -> None:
    site.python(
        """
        from notifications_hub.announcements.announce import withdraw
        from notifications_hub.announcements.models import Announcement
        withdraw(Announcement.objects.get())
        """
    )


def note(seen: set[str], firefox: Firefox) -> list[str]:
    """Add the titles on the screen to those seen, and return them."""
    titles = [alert["title"] for alert in firefox.alerts()]
    seen.update(titles)
    return titles
