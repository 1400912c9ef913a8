"""Quiet hours in open pages: the forms without a script, silence, and what comes when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.push_lab.service import wait_for
from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People

pytestmark = pytest.mark.filterwarnings("default")

PREFERENCES = "/notifications/preferences/"
SEND = """
from accounts.models import User
from notifications.signals import notify
from notifications_hub.kinds import Urgency, get_kind
alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
type(get_kind("comment.reply")).urgency = Urgency({urgency!r})
notify.send(bob, recipient=alice, verb={verb!r}, kind={kind!r}, target=bob)
"""

DELIVERED = """
from notifications_hub.models import Notification
newest = Notification.objects.filter(recipient__username="alice").order_by("-pk")[:2]
print(*[row.delivered_by or "-" for row in newest])
"""

PAUSED_UNTIL = """
from zoneinfo import ZoneInfo
from accounts.models import User
from notifications_hub.quiet_hours.schedules import schedule_of
until = schedule_of(User.objects.get(username="alice")).paused_until
print(f"{until.astimezone(ZoneInfo('Asia/Shanghai')):%-I:%M %p}")
"""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def send(site: Site, verb: str, *, kind: str = "default", urgency: str = "normal") -> None:
    site.python(SEND.format(verb=verb, kind=kind, urgency=urgency))


def test_without_javascript_quiet_hours_are_kept_and_a_mistake_is_explained(page_for: People, site: Site) -> None:
    page = page_for("alice", PREFERENCES, java_script_enabled=False)
    page.get_by_role("group", name="Choose days and hours").get_by_label("Monday").check()
    page.get_by_label("From").first.fill("")
    page.get_by_role("button", name="Save quiet hours").click()
    expect(page.get_by_text("Give a start and an end")).to_be_visible()
    expect(page.get_by_label("Monday").first).to_be_checked()
    page.get_by_label("From").first.fill("23:00")
    page.get_by_label("Time zone").select_option("Asia/Shanghai")
    page.get_by_role("button", name="Save quiet hours").click()
    expect(page.get_by_text("Your quiet hours are saved.")).to_be_visible()
    expect(page.get_by_label("From").first).to_have_value("23:00")
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Shanghai")


def test_a_pause_silences_open_pages_except_for_what_is_critical(page_for: People, site: Site) -> None:
    page = page_for("alice", "/", timezone_id="Asia/Shanghai")
    expect(page.locator("notification-bell [data-state=live]")).to_be_attached()
    preferences = page_for("alice", PREFERENCES)
    expect(preferences.get_by_label("Time zone")).to_have_value("Asia/Shanghai")
    preferences.get_by_role("button", name="For an hour").click()
    expect(preferences.get_by_text("Paused until").first).to_be_visible()
    preferences.close()

    send(site, "whispered")
    expect(page.locator("notification-bell [data-part=badge]")).to_have_text("1")
    send(site, "shouted", kind="comment.reply", urgency="critical")
    expect(page.locator(".nh-toast")).to_have_count(1)
    expect(page.locator(".nh-toast")).to_contain_text("Bob replied")
    # It is not pushed as well, although the whisper still waits.
    wait_for(lambda: site.python(DELIVERED).split() == ["live", "-"], 20)

    page.locator("notification-bell [data-part=button]").click()
    # Shortly before midnight the day stands in between.
    expect(page.locator("[data-part=quiet]")).to_contain_text("Quiet until")
    expect(page.locator("[data-part=quiet]")).to_contain_text(site.python(PAUSED_UNTIL).strip())
    page.keyboard.press("Escape")

    send(site, "whispered again")
    expect(page.locator("notification-bell [data-part=badge]")).to_have_text("3")
    expect(page.locator(".nh-toast")).to_have_count(0)
    again = page_for("alice", PREFERENCES)
    again.get_by_role("button", name="Resume now").click()
    expect(again.get_by_text("Your notifications are on again.")).to_be_visible()
    again.close()
    page.bring_to_front()
    expect(page.locator(".nh-toast")).to_contain_text("whispered again")
