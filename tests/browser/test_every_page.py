"""axe finds nothing on any page of the hub, of its admin, and in any state of the gallery.

The pages are those of the URL patterns, so a new page is checked without a change here, or must be named as none.
bin/test sees each page in one look, by turns, each state of the gallery in light or dark, and four cards of a list.
Pages that share a template it sees in the states that differ most, and it leaves out what test_accessibility.py sees.
`make exhaustive` sees all pages in all looks, and those of the admin.
"""

from __future__ import annotations

import json
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from django.urls import URLPattern

from notifications_hub import urls
from tests.support.axe import CONTEXT, FORCED, LOOKS, Look, findings
from tests.support.full import FULL

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.support.browser import People
    from tests.support.site import Site

# Addresses by the names of URL patterns. Those in braces are made by ADDRESSES.
PAGES: dict[str, list[str]] = {
    "inbox": [
        "/notifications/",
        *(f"/notifications/?show={show}" for show in ("unread", "unconfirmed", "saved", "snoozed", "archived")),
        *("/notifications/?q=water&tab=Conversations", "/notifications/?group=comment.reply:post-1"),
    ],
    "kinds": ["/notifications/kinds/?kind=default"],
    "gallery": ["/notifications/gallery/"],
    "preferences": ["/notifications/preferences/"],
    "following": ["/notifications/following/"],
    "announcement": ["{announcement}"],
    "unsubscribe": ["{unsubscribe}"],
    "unfollow": ["{unfollow}"],
    "why": ["{why}"],
    "act": ["{act}"],
}
ALIKE = {"/notifications/", *(f"/notifications/?show={show}" for show in ("unread", "unconfirmed", "saved"))}
"""Addresses whose pages have the template and the controls of others above, or are in test_accessibility.py."""
NO_PAGES = {
    *("mark", "forget-device", "add-address", "renew-secret", "remove-address", "test-address", "quiet-hours", "pause"),
    *("digests", "cancel-job", "test-device", "banners", "dismiss-banner", "resume-email", "email-reports"),
    *("change-following", "open", "live_ws", "live_sse", "live_poll", "live_ack", "healthz", "readyz", "metrics"),
}
"""Names of addresses that answer with no page: forms, links onward, connections and probes."""

ADDRESSES = """
    import json
    from django.urls import reverse
    from notifications_hub.following.followed import Followed
    from notifications_hub.following.unfollow_links import UnfollowLink
    from notifications_hub.transports.email.unsubscribe_links import Subscription

    from showcase.chat.models import Membership

    room = Membership.objects.filter(person=alice).first().room
    notify.send(bob, recipient=alice, verb="asks", target=room, kind="chat.request")
    own = Notification.objects.filter(recipient=alice, kind="chat.request").latest("pk").item_id
    print(json.dumps({
        "announcement": reverse("notifications_hub:announcement", args=[running.pk]),
        "unsubscribe": Subscription(alice.pk).path,
        "unfollow": UnfollowLink(alice.pk, Followed.of(Post.objects.first())).path,
        "why": reverse("notifications_hub:why", args=[own]),
        "act": reverse("notifications_hub:act", args=[own, "approve"]),
    }))
"""
ADMIN = """
    import json
    from django.contrib import admin as django_admin
    from django.test import Client
    from django.urls import NoReverseMatch, reverse

    visitor, found = Client(headers={"host": "127.0.0.1"}), []
    visitor.force_login(admin)
    for model, options in django_admin.site._registry.items():
        if model._meta.app_label == "notifications_hub":
            row = model._default_manager.order_by("pk").last()
            for name in (pattern.name for pattern in options.get_urls() if pattern.name):
                for args in ([], [row.pk if row else 0]):
                    try:
                        found.append(reverse(f"admin:{name}", args=args))
                    except NoReverseMatch:
                        continue
    def is_page(path):
        answer = visitor.get(path)
        return answer.status_code == 200 and b"<title>" in answer.content
    print(json.dumps([reverse("admin:app_list", args=["notifications_hub"]), *filter(is_page, dict.fromkeys(found))]))
"""
# The gallery shows each state, and the catalogue each kind, in light and dark. Lists repeat a few kinds of cards.
SHORTEN = """
  document.querySelectorAll(".nh-schemes").forEach((one, number) => one.children[number % 2].remove());
  [...document.querySelectorAll("inbox-page .nh-card")].slice(4).forEach((card) => card.remove());
"""
LET_AXE_IN = "for (const one of document.querySelectorAll('[inert]')) one.inert = false"


@pytest.fixture
def site(site_of_every_state: Site) -> Site:
    return site_of_every_state


@pytest.fixture
def visit(people_of: Callable[[Site], People], site: Site) -> Callable[[str | None], Page]:
    people = people_of(site)
    return lambda username: people(username, "/healthz", **CONTEXT)


def seen(page: Page, site: Site, path: str, looks: list[Look]) -> list[str]:
    answer = page.goto(site.url + path)
    assert answer is not None
    assert answer.ok, f"{path}: {answer.status}"
    page.evaluate(LET_AXE_IN)
    if not FULL:
        page.evaluate(SHORTEN)
    return [f"{path}: {finding}" for finding in findings(page, looks)]


def test_every_address_of_the_hub_is_a_page_here_or_named_as_none() -> None:
    names = {pattern.name for pattern in urls._pages if isinstance(pattern, URLPattern) and pattern.name}
    assert names == PAGES.keys() | NO_PAGES
    assert not PAGES.keys() & NO_PAGES


@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
def test_every_page_of_the_hub_and_the_gallery_pass(visit: Callable[[str | None], Page], site: Site) -> None:
    made = json.loads(site.python(ADDRESSES))
    page, visitor, found = visit("alice"), visit(None), list[str]()
    site.python("User.objects.filter(pk=alice.pk).update(is_staff=True)")
    paths = [path.format(**made) for paths in PAGES.values() for path in paths]
    for path, look in zip((path for path in paths if FULL or path not in ALIKE), cycle(LOOKS), strict=False):
        # A visitor has no bell, whose toasts would cover what the gallery shows.
        shown = visitor if "gallery" in path else page
        found += seen(shown, site, path, [*LOOKS, FORCED] if FULL else [look])
    site.python("User.objects.filter(pk=alice.pk).update(is_staff=False)")

    assert found == []


@pytest.mark.exhaustive
@pytest.mark.faults
def test_every_page_of_the_admin_passes(visit: Callable[[str], Page], site: Site) -> None:
    paths: list[str] = json.loads(site.python(ADMIN))
    page, found = visit("admin"), list[str]()
    for path in paths:
        found += seen(page, site, path, [*LOOKS, FORCED])

    assert found == []
    assert len(paths) > 20
