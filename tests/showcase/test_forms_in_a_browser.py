"""Rejected forms come back at their first invalid field, also without JavaScript, and messages are read aloud."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import People
    from tests.support.site import Site


@pytest.fixture
def site(quiet_site: Site) -> Iterator[Site]:
    yield quiet_site
    # Alice follows what she wrote, and other tests look at what she follows.
    quiet_site.python("from showcase.models import Post; Post.objects.filter(title='Long').delete()")


def post_of_many_replies(site: Site) -> str:
    return site.python("""
        from accounts.models import User
        from showcase.models import Post, Reply
        alice = User.objects.get(username="alice")
        post = Post.objects.create(author=alice, title="Long", body="x")
        for number in range(30):
            Reply.objects.create(post=post, author=alice, body=f"Reply {number}")
        print(post.pk)
    """).strip()


def expect_at(page: Page, field: Locator, error: str) -> None:
    """Expect the focus and the view at the field, which names its error."""
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(error)
    expect(page.get_by_text(error).first).to_be_in_viewport()


def test_without_javascript_a_rejected_form_comes_back_at_its_invalid_field(page_for: People, site: Site) -> None:
    post = post_of_many_replies(site)
    page = page_for("alice", f"/posts/{post}/", java_script_enabled=False, viewport={"width": 375, "height": 600})
    blank = "   "

    reply = page.locator("#id_body")
    reply.fill(blank)
    page.get_by_role("button", name="Post reply").click()
    error = page.locator("#id_body_error").inner_text()
    expect_at(page, reply, error)

    edit = page.locator(".reply").nth(20)
    edit.get_by_text("Edit", exact=True).click()
    edit.get_by_role("textbox").fill(blank)
    edit.get_by_role("button", name="Save", exact=True).click()
    expect_at(page, page.locator(".reply").nth(20).get_by_role("textbox"), error)
    # The address is that of the change; a reload leads back to the reply.
    page.goto(page.url)
    expect(page).to_have_url(re.compile(rf"/posts/{post}/#reply-\d+$"))

    page.goto(f"{site.url}/accounts/password/")
    page.get_by_label("Old password").fill("demo")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_label("New password", exact=True)).to_be_focused()


def test_an_empty_reply_is_stopped_by_the_browser(page_for: People, site: Site) -> None:
    page = page_for("bob", f"/posts/{post_of_many_replies(site)}/")
    page.get_by_role("button", name="Post reply").click()
    expect(page.locator("#id_body")).to_be_focused()
    expect(page.locator("#id_body")).to_be_in_viewport()
    expect(page.locator("#id_body_error")).to_have_count(0)


def test_saved_preferences_are_read_aloud(page_for: People) -> None:
    page = page_for("bob", "/notifications/preferences/")
    page.locator("input[name='comment.reply:live']").press("Space")
    expect(page.get_by_text("Saved", exact=True).first).to_be_in_viewport()
    expect(page.locator("[data-announcer] [aria-live=polite]")).to_have_text("Saved")
