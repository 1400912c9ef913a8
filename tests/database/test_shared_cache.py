"""A cache between people and the site, which knows pages by their address alone, gives nobody what is another's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.site import Site, Visitor
from tests.support.web import CONFIGURATION, Nginx

# As a CDN that somebody set up in a hurry: it looks at no cookie, and keeps for a minute what does not say otherwise.
# Started by root, nginx would have another user write what it keeps, who has no right to this folder.
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
    """Has three unread notifications, of which Bob has none."""
    quiet_site.python("""
        from accounts.models import User
        from notifications.signals import notify
        people = {person.username: person for person in User.objects.all()}
        for _ in range(3):
            notify.send(people["bob"], recipient=people["alice"], verb="told Alice alone")
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
        assert "told Alice alone" in alice.get("/notifications/").text
        assert "told Alice alone" not in bob.get("/notifications/").text
        assert "told Alice alone" in alice.get("/api/v1/notifications/").text
        assert "told Alice alone" not in bob.get("/api/v1/notifications/").text


@pytest.mark.parametrize("path", OWN)
def test_a_cache_keeps_nothing_of_a_person_for_who_comes_after(front: Nginx, alice: Visitor, path: str) -> None:
    for visitor in (alice, alice, visitor_of(front, "bob"), visitor_of(front, None)):
        assert visitor.get(path).headers["X-Cache"] == "MISS"
    assert "told Alice alone" not in visitor_of(front, None).get(path).text


def test_the_cache_does_keep_a_page_of_nobody(front: Nginx) -> None:
    stranger = visitor_of(front, None)
    assert [stranger.get("/").headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
