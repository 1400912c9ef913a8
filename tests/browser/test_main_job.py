"""The main features in Chromium, with two people signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import People
from tests.support.site import Site


def post_of_alice(site: Site) -> str:
    """Return the URL of a post without replies by others, so that only Alice is notified."""
    return site.python("""
        from django.contrib.auth import get_user_model
        from showcase.models import Post
        alice = get_user_model().objects.get(username="alice")
        print(Post.objects.get_or_create(author=alice, title="Tea or coffee", body="Which?")[0].get_absolute_url())
    """).strip()


def reply_as_bob(site: Site, words: str = "I agree.") -> None:
    answer = site.visitor("bob").post(post_of_alice(site), data={"body": words})
    assert answer.ok
    assert words in answer.text


def expect_badge(page: Page, count: int) -> None:
    shown = page.locator("notification-bell button [data-part=badge]")
    if count:
        expect(shown).to_have_text(str(count))
    else:
        expect(shown).to_be_hidden()


def toasts(page: Page) -> list[str]:
    return page.locator("toast-stack .nh-toast .nh-title").all_inner_texts()


def flashes(page: Page) -> list[str]:
    return page.locator(".messages .message").all_inner_texts()


def wait_until_live(page: Page) -> None:
    expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live")


def leave(page: Page, site: Site, username: str) -> None:
    """Close the page and wait until the hub has noticed. The page must be live first, or it could still connect."""
    wait_until_live(page)
    page.close()
    gone = f"""
        import time
        from django.contrib.auth import get_user_model
        from notifications_hub.live.presence import is_connected
        person = get_user_model().objects.get(username={username!r})
        tries = 300
        while is_connected(person.pk) and tries:
            tries -= 1
            time.sleep(0.1)
        print(is_connected(person.pk))
    """
    assert site.python(gone).strip() == "False"


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


@pytest.mark.clocked
def test_a_reply_reaches_badge_toast_and_list_in_every_tab_within_a_second(page_for: People, site: Site) -> None:
    first, second = page_for("alice"), page_for("alice", "/notifications/")
    for page in (first, second):
        wait_until_live(page)
        expect_badge(page, 0)
    reply_as_bob(site)
    for page in (first, second):
        expect(page.locator("notification-bell button [data-part=badge]")).to_have_text("1", timeout=1000)
    expect(first.locator("toast-stack .nh-toast .nh-title")).to_contain_text("Bob replied")
    first.locator("notification-bell button").first.click()
    row = first.locator("notification-bell [data-part=list] li").first
    expect(row).to_contain_text("Bob replied")
    expect(row.locator("a.nh-title")).to_have_attribute("href", page_path(site))


def page_path(site: Site) -> str:
    return site.python("""
        from notifications_hub.models import Notification
        print(Notification.objects.latest("pk").url)
    """).strip()


def test_an_undelivered_notification_is_flashed_once_on_the_next_page(page_for: People, site: Site) -> None:
    leave(page_for("alice"), site, "alice")
    reply_as_bob(site)
    page = page_for("alice")
    assert any("Bob replied" in text for text in flashes(page))
    page.reload()
    assert not any("Bob replied" in text for text in flashes(page))


def test_a_notification_shown_in_a_toast_is_not_flashed(page_for: People, site: Site) -> None:
    page = page_for("alice")
    wait_until_live(page)
    reply_as_bob(site)
    expect(page.locator("toast-stack .nh-toast")).to_have_count(1)
    expect_delivered_by(site, "live")
    page.goto(site.url + "/")
    assert not any("Bob replied" in text for text in flashes(page))


def expect_delivered_by(site: Site, method: str) -> None:
    """Wait for the delivery and check its method: the page acknowledges only after showing it."""
    code = """
        import time
        from notifications_hub.models import Notification
        for _ in range(300):
            delivered = Notification.objects.latest("pk").delivered_by
            if delivered:
                break
            time.sleep(0.1)
        print(delivered)
    """
    assert site.python(code).strip() == method


def test_reading_one_or_all_updates_the_badge_in_both_tabs(page_for: People, site: Site) -> None:
    first, second = page_for("alice"), page_for("alice")
    for page in (first, second):
        wait_until_live(page)
    site.python("""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        person = get_user_model().objects.get
        for _ in range(3):
            notify.send(person(username="bob"), recipient=person(username="alice"), verb="waved")
    """)
    for page in (first, second):
        expect_badge(page, 3)
    first.locator("notification-bell button").first.click()
    first.locator("notification-bell [data-part=list] li").first.hover()
    first.locator("notification-bell [data-part=list] li [data-part=read]").first.click()
    for page in (first, second):
        expect_badge(page, 2)
    first.locator("notification-bell [data-part=read-all]").click()
    for page in (first, second):
        expect_badge(page, 0)


def test_an_announcement_appears_at_once_and_to_others_on_their_next_visit(page_for: People, site: Site) -> None:
    leave(page_for("bob"), site, "bob")
    alice = page_for("alice")
    wait_until_live(alice)
    admin = page_for("admin", "/admin/notifications_hub/announcement/add/")
    admin.fill("#id_title", "Tea is ready")
    admin.fill("#id_body", "In the **garden**, from four.")
    admin.click("[name=_save]")
    expect(alice.locator("toast-stack .nh-toast .nh-title")).to_have_text("Tea is ready")
    expect_badge(alice, 1)
    bob = page_for("bob")
    assert any("Tea is ready" in text for text in flashes(bob))
    bob.goto(site.url + "/notifications/")
    expect(bob.locator(".nh-card").first).to_contain_text("Tea is ready")


def test_charlie_sees_nothing_of_a_reply_to_alice(page_for: People, site: Site) -> None:
    charlie = page_for("charlie", "/notifications/")
    wait_until_live(charlie)
    before = charlie.locator(".nh-card").count()
    reply_as_bob(site, "Not for Charlie.")
    charlie.wait_for_timeout(1500)
    assert not toasts(charlie)
    expect_badge(charlie, 0)
    charlie.reload()
    assert charlie.locator(".nh-card").count() == before


def test_a_page_catches_up_when_its_server_is_back(page_for: People, site: Site) -> None:
    page = page_for("alice")
    wait_until_live(page)
    site.kill()
    expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "waiting")
    site.python("""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        person = get_user_model().objects.get
        notify.send(person(username="bob"), recipient=person(username="alice"), verb="waved")
    """)
    site.start()
    expect(page.locator("notification-bell button [data-part=badge]")).to_have_text("1", timeout=30_000)
    expect(page.locator("toast-stack .nh-toast")).to_have_count(1)


def test_the_inbox_works_without_javascript(people_of: Callable[[Site], People], site: Site) -> None:
    people = people_of(site)
    people("alice", "/", java_script_enabled=False)
    site.python("""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        person = get_user_model().objects.get
        for number in range(25):
            notify.send(person(username="bob"), recipient=person(username="alice"), verb=f"waved {number}")
    """)
    page = people("alice")
    assert any("waved" in text for text in flashes(page))
    page.locator("notification-bell a").click()
    expect(page.locator(".nh-card")).to_have_count(20)
    expect(page.locator(".nh-card[data-unread]")).to_have_count(20)
    page.locator(".nh-card [name=action][value=read]").first.click()
    expect(page.locator(".nh-card[data-unread]")).to_have_count(19)
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".nh-card").nth(4)).to_be_visible()


def test_the_bell_is_usable_by_keyboard_alone(page_for: People, site: Site) -> None:
    reply_as_bob(site)
    page = page_for("alice")
    wait_until_live(page)
    button = page.locator("notification-bell button").first
    button.focus()
    expect(button).to_have_accessible_name("Notifications, 1 unread")
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.locator("notification-bell [data-part=panel]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("notification-bell [data-part=panel]")).to_be_hidden()
    expect(button).to_be_focused()
