"""Pushes in a real Chromium, with stand-ins for its push service and for the desktop that shows notifications.

All steps share one test, because a browser takes seconds to start.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import BrowserContext, Page, Worker

from notifications_hub.transports.web_push.vapid import generate
from tests.push_lab.chromium import Pushes, chromium_with_desktop
from tests.push_lab.desktop import Desktop
from tests.push_lab.fcm import LocalFcmService
from tests.push_lab.mapped import PORT
from tests.push_lab.service import wait_for
from tests.support.browser import sign_in
from tests.support.site import Site

HUB = {"ACK_WINDOW": 1, "TRANSPORTS": {"web_push": "tests.push_lab.mapped.Mapped"}}
SAMPLE = json.loads((Path(__file__).parents[1] / "payloads" / "push.json").read_text())
MALFORMED = [
    "",
    "no JSON",
    "null",
    "5",
    "{}",
    '{"web_push": 9, "notification": {"title": 5, "actions": [null]}, "url": []}',
]
# The report of a push takes longer than a person needs to press a button.
SLOW_REPORTS = """() => {
  self.quickFetch = self.fetch;
  self.reports = 0;
  self.fetch = async (url, init) => {
    const isReport = JSON.parse(init.body).action === "shown";
    if (isReport) await new Promise(go => setTimeout(go, 2000));
    const answer = await self.quickFetch(url, init);
    if (isReport) self.reports += 1;
    return answer;
  };
}"""
REPORTED = """async number => {
  while (self.reports < number) await new Promise(go => setTimeout(go, 20));
  return true;
}"""

T = TypeVar("T")


@dataclass
class World:
    site: Site
    push: LocalFcmService
    desktop: Desktop
    context: BrowserContext
    page: Page

    @property
    def worker(self) -> Worker:
        return wait_for(lambda: self.context.service_workers)[0]

    def wait_for(self, condition: Callable[[], T]) -> T:
        """Wait for a condition while the browser runs: its driver processes events only during a call."""

        def found() -> T:
            self.page.wait_for_timeout(50)
            return condition()

        return wait_for(found, 20)

    def bob_replies(self, *, must_acknowledge: bool = False) -> None:
        self.site.python(
            f"""
            from django.contrib.auth import get_user_model
            from notifications.signals import notify
            people = get_user_model().objects
            notify.send(people.get(username="bob"), recipient=people.get(username="alice"), verb="replied",
                        description="I agree. 我同意", url="/notifications/?from=push",
                        must_acknowledge={must_acknowledge})
            """
        )

    def alice_reads(self, item: str) -> None:
        """Mark an item as read, as another browser of Alice would."""
        self.site.python(f"Notification.objects.filter(pk={item}).mark_all_as_read()")

    def page_knows(self) -> bool:
        """Return whether the bell's unread count matches the database."""
        unread = self.site.python("print(Notification.objects.filter(recipient__username='alice').unread().count())")
        return bool(self.page.evaluate("document.querySelector('notification-bell').unread") == int(unread))

    def last(self, column: str) -> str:
        return self.site.python(
            f"""
            from notifications_hub.models import Notification
            print(Notification.objects.order_by("-pk").first().{column})
            """
        ).strip()


@pytest.fixture
def world(start_site: Callable[..., Site], tmp_path: Path) -> Iterator[World]:
    with LocalFcmService.in_thread(tmp_path) as push, Desktop.in_thread() as desktop:
        site = start_site(
            HUB,
            VAPID_PRIVATE_KEY=generate(),
            VAPID_SUBJECT="mailto:ops@hub.example",
            SSL_CERT_FILE=str(push.certificate),
            **{PORT: str(push.tls_port)},
        )
        with chromium_with_desktop(tmp_path / "profile", desktop, push.switches) as context:
            yield World(site, push, desktop, context, context.pages[0])
        # Stop the site before the push service, which would wait for the end of the site's connection.
        site.kill()


def test_a_push_in_chromium_from_the_subscription_to_the_click(world: World) -> None:
    _alice_subscribes(world)
    _every_push_shows_a_notification(world)
    _a_push_for_another_person_shows_none_of_its_text(world)
    _only_the_newest_item_of_a_tag_closes_it(world)
    world.page.goto("about:blank")
    _a_button_marks_as_read_with_no_page_open(world)
    _a_button_confirms_with_no_page_open(world)
    _a_click_opens_the_page(world)
    _a_button_leads_to_the_preferences_of_its_kind(world)
    _a_withdrawn_announcement_is_closed(world)


def _alice_subscribes(world: World) -> None:
    sign_in(world.page, world.site, "alice")
    world.page.goto(f"{world.site.url}/notifications/preferences/")
    assert world.page.is_visible("[data-part=push-idle]")
    world.page.click("push-subscription[state=off] button")
    world.page.wait_for_selector("push-subscription[state=on]")
    world.page.wait_for_selector("[data-device] [data-part=here]:not([hidden])")
    assert not world.page.is_visible("[data-part=push-idle]")
    world.wait_for(lambda: world.push.streams)


def _every_push_shows_a_notification(world: World) -> None:
    pushes = Pushes(world.page)
    for data in MALFORMED:
        pushes.deliver(data)
        world.wait_for(lambda: world.desktop.shown)
        assert [shown.title for shown in world.desktop.shown] == ["New notification"], data
        _clear(world)


def _a_push_for_another_person_shows_none_of_its_text(world: World) -> None:
    Pushes(world.page).deliver(json.dumps(SAMPLE))
    world.wait_for(lambda: world.desktop.shown)
    (shown,) = world.desktop.shown
    # Chromium itself adds the site's address.
    assert (shown.title, shown.body) == ("New notification", world.site.url.removeprefix("http://"))
    _clear(world)


def _only_the_newest_item_of_a_tag_closes_it(world: World) -> None:
    pushes = Pushes(world.page)
    replies = []
    for _ in range(2):
        world.bob_replies()
        replies.append(world.last("pk"))
        pushes.deliver(json.dumps({"id": replies[-1], "notification": {"title": replies[-1], "tag": "replies"}}))
        world.wait_for(lambda: [shown.title for shown in world.desktop.shown] == replies[-1:])
    older, newer = replies
    world.wait_for(world.page_knows)
    world.alice_reads(older)
    world.wait_for(world.page_knows)
    world.page.wait_for_timeout(300)
    assert [shown.title for shown in world.desktop.shown] == [newer]
    world.alice_reads(newer)
    world.wait_for(lambda: not world.desktop.shown)


def _a_button_marks_as_read_with_no_page_open(world: World) -> None:
    badges = "() => { self.counted = []; navigator.setAppBadge = async (unread) => { self.counted.push(unread) } }"
    world.worker.evaluate(badges)
    world.bob_replies()
    world.wait_for(lambda: world.desktop.shown)
    (shown,) = world.desktop.shown
    assert shown.title == "Bob replied"
    assert "I agree. 我同意" in shown.body
    world.wait_for(lambda: world.last("delivered_by") == "web_push")
    (unread,) = world.wait_for(lambda: world.worker.evaluate("() => self.counted"))

    world.desktop.press(shown, "Mark as read")
    world.wait_for(lambda: world.last("unread") == "False")
    world.wait_for(lambda: world.worker.evaluate("() => self.counted") == [unread, unread - 1])
    assert [page.url for page in world.context.pages] == ["about:blank"]
    world.wait_for(lambda: not world.desktop.shown)


def _a_button_confirms_with_no_page_open(world: World) -> None:
    """Press while the push is being reported. Chromium lets one push end with nothing seen, and no second one."""
    world.worker.evaluate(SLOW_REPORTS)
    before = len(world.desktop.titles)
    for time in (1, 2):
        world.bob_replies(must_acknowledge=True)
        world.wait_for(lambda: world.desktop.shown)
        world.desktop.press(world.desktop.shown[0], "Confirm")
        world.wait_for(lambda: world.last("acknowledged_at") != "None")
        assert world.worker.evaluate(REPORTED, time)
        # The browser looks right after this.
        world.page.wait_for_timeout(1000)
        world.wait_for(lambda: not world.desktop.shown)
    assert [page.url for page in world.context.pages] == ["about:blank"]
    assert set(world.desktop.titles[before:]) == {"Bob replied"}
    world.worker.evaluate("() => { self.fetch = self.quickFetch }")


def _a_click_opens_the_page(world: World) -> None:
    world.bob_replies()
    world.wait_for(lambda: world.desktop.shown)
    world.desktop.click(world.desktop.shown[0])
    there = f"{world.site.url}/notifications/?from=push"
    world.wait_for(lambda: there in [page.url for page in world.context.pages])
    assert {message.ack for message in world.push.messages.values()} == {"delivered"}


def _a_button_leads_to_the_preferences_of_its_kind(world: World) -> None:
    # The page that the click opened would show the reply itself, and no push would follow.
    _close_pages(world)
    world.bob_replies()
    # The click before came while the push was reported, so a stand-in without buttons may be shown for a second.
    world.wait_for(lambda: any("Preferences" in one.buttons for one in world.desktop.shown))
    world.desktop.press(next(one for one in world.desktop.shown if "Preferences" in one.buttons), "Preferences")
    there = f"{world.site.url}/notifications/preferences/#kind-default"
    world.wait_for(lambda: there in [page.url for page in world.context.pages])
    [page] = [page for page in world.context.pages if page.url == there]
    assert "Other notifications" in page.locator(":target").inner_text()


def _a_withdrawn_announcement_is_closed(world: World) -> None:
    """Withdraw with no page open. Chromium would then show words of its own for an event that shows nothing."""
    _close_pages(world)
    world.site.python("from notifications_hub import broadcast; broadcast(title='Closed on Sunday', body='All day')")
    world.wait_for(lambda: [shown.title for shown in world.desktop.shown] == ["Closed on Sunday"])
    world.site.python(
        """
        from notifications_hub.announcements.announce import withdraw
        from notifications_hub.announcements.models import Announcement
        withdraw(Announcement.objects.get())
        """
    )
    seen: list[list[str]] = []

    def is_closed() -> bool:
        seen.append([shown.title for shown in world.desktop.shown])
        return not seen[-1]

    world.wait_for(is_closed)
    world.page.wait_for_timeout(1500)
    assert world.desktop.shown == []
    assert {title for titles in seen for title in titles} <= {"Closed on Sunday", "This announcement was withdrawn."}


def _close_pages(world: World) -> None:
    world.page.goto("about:blank")
    for page in world.context.pages[1:]:
        page.close()


def _clear(world: World) -> None:
    world.worker.evaluate("async () => { for (const n of await registration.getNotifications()) n.close() }")
    world.wait_for(lambda: not world.desktop.shown)
