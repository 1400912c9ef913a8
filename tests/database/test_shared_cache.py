"""A shared cache in front of the site, keyed by URL alone, never serves one person's data to another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.site import Site, Visitor
from tests.support.web import CONFIGURATION, Nginx

# Like a CDN that was set up in a hurry: it ignores cookies, and caches everything for a minute unless forbidden.
# If root starts nginx, its workers run as another user, who has no right to write to this folder.
CACHING = "user root;" + CONFIGURATION.replace(
    "access_log off;", "access_log off; proxy_cache_path {folder}/cache keys_zone=pages:1m;"
).replace(
    "proxy_pass http://hub;",
    "proxy_pass http://hub; proxy_cache pages; proxy_cache_valid 200 1m; proxy_cache_valid any 0;"
    " proxy_ignore_headers Vary Set-Cookie; add_header X-Cache $upstream_cache_status always;",
)
OWN = [
    "/api/v1/notifications/count/",
    "/api/v1/notifications/",
    "/api/v1/push/subscriptions/",
    "/notifications/",
    "/notifications/preferences/",
    "/live/poll/?topic=inbox&wait=0",
    "/",
    "/posts/",
    "/accounts/profile/",
]


@pytest.fixture
def front(quiet_site: Site) -> Iterator[Nginx]:
    with Nginx([quiet_site.port], CACHING) as front:
        yield front


@pytest.fixture
def alice(quiet_site: Site, front: Nginx) -> Visitor:
    """Return Alice, signed in, with three unread notifications. Bob has none."""
    quiet_site.python("""
        from accounts.models import User
        from notifications.signals import notify
        people = {person.username: person for person in User.objects.all()}
        for _ in range(3):
            notify.send(people["bob"], recipient=people["alice"], verb="greeted Alice alone")
    """)
    return visitor_of(front, "alice")


def visitor_of(front: Nginx, username: str | None) -> Visitor:
    visitor = Visitor(front.url)
    if username is not None:
        visitor.sign_in(username)
    return visitor


def test_each_person_gets_their_own_count_and_inbox_through_a_cache(front: Nginx, alice: Visitor) -> None:
    bob = visitor_of(front, "bob")
    for _ in range(2):
        assert alice.get("/api/v1/notifications/count/").json()["unread"] == 3
        assert bob.get("/api/v1/notifications/count/").json()["unread"] == 0
        assert "greeted Alice alone" in alice.get("/notifications/").text
        assert "greeted Alice alone" not in bob.get("/notifications/").text
        assert "greeted Alice alone" in alice.get("/api/v1/notifications/").text
        assert "greeted Alice alone" not in bob.get("/api/v1/notifications/").text


@pytest.mark.parametrize("path", OWN)
def test_a_shared_cache_keeps_no_personal_page(front: Nginx, alice: Visitor, path: str) -> None:
    for visitor in (alice, alice, visitor_of(front, "bob"), visitor_of(front, None)):
        assert visitor.get(path).headers["X-Cache"] == "MISS"
    assert "greeted Alice alone" not in visitor_of(front, None).get(path).text


def test_a_shared_cache_keeps_the_public_page(front: Nginx) -> None:
    stranger = visitor_of(front, None)
    assert [stranger.get("/").headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
