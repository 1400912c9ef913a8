"""Pushes in a real Firefox through a local push service, from the subscription to the click.

The tests share site, push service and browser, because each start takes seconds. `firefox` begins signed out, with no
page, alert or subscription.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from notifications_hub.transports.web_push.vapid import generate
from tests.push_lab.firefox import Firefox
from tests.push_lab.service import LocalPushService, wait_for
from tests.support.databases import Databases
from tests.support.site import PASSWORD, Site

ACK_WINDOW = 3
STATE = "document.querySelector('push-subscription').state"
# Ends a subscription and removes the worker, with all that it remembers.
FORGET = """return (async () => {
  for (const worker of await navigator.serviceWorker.getRegistrations()) {
    await (await worker.pushManager.getSubscription())?.unsubscribe();
    await worker.unregister();
  }
  localStorage.clear();
  for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
})()"""


@pytest.fixture(scope="module")
def push_service() -> Iterator[LocalPushService]:
    with LocalPushService.in_thread() as service:
        yield service


@pytest.fixture(scope="module")
def push_site(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, push_service: LocalPushService
) -> Iterator[Site]:
    environment = {"DATABASE_URL": databases.copy(), **push_settings(push_service)}
    site = Site(tmp_path_factory.mktemp("push"), hub={"ACK_WINDOW": ACK_WINDOW}, environment=environment)
    yield site
    site.close()


def push_settings(push_service: LocalPushService) -> dict[str, str]:
    return {
        "VAPID_PRIVATE_KEY": generate(),
        "VAPID_SUBJECT": "mailto:ops@hub.example",
        "PUSH_EXTRA_HOSTS": push_service.host,
    }


@pytest.fixture(scope="module")
def shared_firefox(push_service: LocalPushService) -> Iterator[Firefox]:
    with Firefox(push_service.browser_url) as firefox:
        yield firefox


@pytest.fixture
def firefox(
    shared_firefox: Firefox,
    push_site: Site,
    push_service: LocalPushService,
    record_property: Callable[[str, object], None],
) -> Firefox:
    record_property("firefox", shared_firefox.version)
    shared_firefox.close_pages()
    shared_firefox.visit(f"{push_site.url}/healthz")
    shared_firefox.run(FORGET)
    shared_firefox.forget_cookies()
    wait_for(shared_firefox.close_alerts)
    push_site.python("from notifications_hub.models import PushSubscription; PushSubscription.objects.all().delete()")
    push_service.subscriptions.clear()
    push_service.messages.clear()
    return shared_firefox


def sign_in(firefox: Firefox, site: Site, username: str) -> None:
    firefox.visit(f"{site.url}/accounts/login/")
    firefox.fill("[name=username]", username)
    firefox.fill("[name=password]", PASSWORD)
    firefox.click("main form [type=submit], main form button:not([type])")
    firefox.wait_until("!location.pathname.startsWith('/accounts/login')")


def subscribe(firefox: Firefox, site: Site) -> None:
    firefox.visit(f"{site.url}/notifications/preferences/")
    # A test before may have allowed notifications for good.
    state = firefox.wait_until(f"['default', 'off'].find(one => one === {STATE})")
    firefox.click("push-subscription button")
    if state == "default":
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
