"""Visitors who are not signed in: they hear public topics over every kind of connection, and nothing else.

bin/test leaves out PostgreSQL. `test_admission.py` and `test_access_enforcement.py` have the queries there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from itertools import islice

import pytest
import requests

from tests.live.conftest import Listen
from tests.live.support import BRIEFLY, HURRIED, ends, poke, publish, run
from tests.support.databases import Databases
from tests.support.live import HELD, WEBSOCKET, LiveClient, cookie_of, listening, listening_by
from tests.support.site import Site, Visitor

pytestmark = pytest.mark.both_databases(short="sqlite")

OTHERS = ("inbox", "everyone", "staff", "group.1", "open.t", "open.never", "nonsense", "room.lobby", "*", "", "inbox.1")
CAP = 3
RATE = 40


@pytest.fixture(scope="module")
def site(revalidating_site: Site) -> Site:
    return revalidating_site


@pytest.fixture
def post(site: Site) -> str:
    return new_post(site)


def new_post(site: Site) -> str:
    """Publish a post, and return its topic."""
    return site.python("""
        from django.contrib.auth import get_user_model
        from showcase.models import Post
        bob = get_user_model().objects.get(username="bob")
        print(f"post.{Post.objects.create(author=bob, title='Tea', body='Is ready').pk}")
    """).strip()


def reply_to(site: Site, post: str) -> None:
    site.python(f"""
        from showcase.replies import reply_to
        reply_to(Post.objects.get(pk={post.partition(".")[2]}), bob, "Hello")
    """)


def test_a_visitor_follows_a_public_topic_and_resumes(listen: Listen, site: Site, post: str) -> None:
    with listen(None, topics=[post]) as stranger:
        stranger.frame()
        reply_to(site, post)
        assert stranger.until("reply.created")["data"]["body"] == "Hello"
    reply_to(site, post)
    with listen(None, topics=[post], cursor=stranger.cursor) as again:
        again.frame()
        assert [event["seq"] for event in again.events] == [2]
        assert again.reset == []


def test_a_visitor_hears_nothing_else(listen: Listen, site: Site, post: str) -> None:
    with listen(None, topics=[post]) as stranger:
        stranger.frame()
        poke(site, "alice")
        publish(site, "open.t", 1)
        site.python("from notifications_hub import broadcast; broadcast(title='Tea is ready')")
        assert stranger.receives_nothing(BRIEFLY)


def test_any_other_topic_asks_to_sign_in_whether_or_not_it_exists(listen: Listen, post: str) -> None:
    for name in OTHERS:
        with listen(None, topics=[post, name]) as stranger:
            assert stranger.closing() == (4401, "session over"), name


def test_a_public_topic_whose_rule_refuses_is_named_like_a_missing_one(listen: Listen, post: str) -> None:
    with listen(None, topics=[post, "post.999999"]) as stranger:
        assert stranger.closing() == (4403, "topic refused: post.999999")


def test_a_visitor_with_an_invalid_session_is_not_signed_in(listen: Listen, site: Site, post: str) -> None:
    visitor = site.visitor()
    visitor._session.cookies.set("sessionid", "0" * 32)
    with listen(visitor, topics=[post]) as stranger:
        stranger.frame()
        publish(site, post, 1)
        assert stranger.until("counted")
    with listen(visitor, topics=[post, "inbox"]) as stranger:
        assert stranger.closing()[0] == 4401


def test_a_page_of_a_person_does_not_continue_without_them(listen: Listen, post: str) -> None:
    with listen(None, topics=[post], person="0" * 16) as stranger:
        assert stranger.closing()[0] == 4401


def test_a_session_that_ends_behind_djangos_back_does_not_continue_as_a_stranger(
    listen: Listen, site: Site, visitor: Visitor, post: str
) -> None:
    with listening_by("websocket", site, visitor, topics=[post]) as client, ends(client, 4401):
        run(site, "DELETE FROM django_session WHERE session_key = %s", visitor.cookies["sessionid"])


def test_a_topic_that_is_public_no_more_is_noticed(listen: Listen, site: Site, post: str) -> None:
    with listen(None, topics=[post]) as stranger, ends(stranger, 4403):
        run(site, "DELETE FROM showcase_post WHERE id = %s", int(post.partition(".")[2]))


def test_a_revoked_public_topic_ends_at_once_for_strangers_only(held_by: str, site: Site, post: str) -> None:
    with (
        listening_by(held_by, site, None, topics=[post]) as stranger,
        listening(site, "alice", topics=[post]) as alice,
        listening(site, None, topics=[other := new_post(site)]) as unconcerned,
    ):
        alice.frame()
        unconcerned.frame()
        with ends(stranger, 4403):
            site.python(f"""
                from django.contrib.auth.models import AnonymousUser
                from notifications_hub import revoke
                revoke(AnonymousUser(), topic={post!r})
            """)
        publish(site, post, 1)
        publish(site, other, 1)
        assert alice.until("counted")
        assert unconcerned.until("counted")


def test_a_socket_of_a_stranger_can_change_only_to_public_topics(site: Site, post: str) -> None:
    with listening(site, None, topics=[post]) as stranger:
        stranger.frame()
        stranger.send(topics=[post, other := new_post(site)])
        assert other in stranger.frame()["reset"]
        stranger.send(topics=[post, "inbox"])
        assert stranger.closing()[0] == 4401


def test_a_stranger_acknowledges_nothing(site: Site, post: str) -> None:
    with listening(site, None, topics=[post]) as stranger:
        cursor = stranger.frame()["cursor"]
        stranger.send(ack=cursor, visible=True)
        publish(site, post, 1)
        assert stranger.until("counted")
    body = {"cursor": cursor, "visible": True}
    assert requests.post(f"{site.url}/live/ack/", json=body, timeout=30).status_code == 401
    counted = "from notifications_hub.models import DeliveredThrough; print(DeliveredThrough.objects.count())"
    assert site.python(counted).strip() == "0"


# Caps


@pytest.fixture(scope="module")
def small_site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with low caps for visitors who are not signed in."""
    hub = {"LIVE_ANONYMOUS_PER_ADDRESS": CAP, "LIVE_ANONYMOUS": CAP + 2, "LIVE_ANONYMOUS_RATE": f"{RATE}/d"}
    environment = {"DATABASE_URL": databases.copy(), **HURRIED}
    site = Site(tmp_path_factory.mktemp("small"), hub=hub, environment=environment)
    yield site
    site.close()


def from_address(site: Site, by: str, address: str, topic: str) -> AbstractContextManager[LiveClient]:
    """Open a connection from another address. The server trusts a proxy on its own machine."""
    page = {"Origin": site.url} if by == WEBSOCKET else {"Sec-Fetch-Site": "same-origin"}
    return listening_by(by, site, None, topics=[topic], headers={**page, "X-Forwarded-For": address})


def code_of(client: LiveClient) -> int:
    """Return its close code, or 0 while it is open."""
    try:
        return client.closing(1)[0]
    except TimeoutError:
        return 0


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(("by", "address"), [(by, f"192.0.2.{number}") for number, by in enumerate(HELD, start=1)])
def test_a_flood_of_one_address_is_capped_and_harms_no_one_else(small_site: Site, by: str, address: str) -> None:
    post = new_post(small_site)
    with ExitStack() as opened:
        elsewhere = opened.enter_context(from_address(small_site, WEBSOCKET, "192.0.2.9", post))
        alice = opened.enter_context(listening(small_site, "alice"))
        elsewhere.frame()
        alice.frame()
        flood = [opened.enter_context(from_address(small_site, by, address, post)) for _ in range(3 * CAP)]
        codes = [code_of(client) for client in flood]
        assert set(codes) == {0, 4429}
        assert codes.count(0) <= CAP
        publish(small_site, post, 1)
        poke(small_site, "alice")
        assert elsewhere.until("counted")
        assert alice.until("notification.created")


@pytest.mark.both_databases(short="sqlite")
def test_strangers_of_many_addresses_leave_room_for_people(small_site: Site) -> None:
    post = new_post(small_site)
    with ExitStack() as opened:
        # Each waits for its answer: connections that arrive together may be admitted in any order.
        crowd = (
            opened.enter_context(from_address(small_site, WEBSOCKET, f"192.0.2.{number}", post))
            for number in range(20, 20 + CAP + 4)
        )
        for admitted in islice(crowd, CAP + 2):
            assert admitted.frame()
        assert [refused.closing()[0] for refused in crowd] == [4429] * 2
        with listening(small_site, "alice") as alice:
            assert alice.frame()


@pytest.mark.both_databases(short="sqlite")
def test_an_address_that_polls_or_reconnects_too_often_is_held(small_site: Site) -> None:
    post = new_post(small_site)

    def poll(address: str, topic: str, cookie: str = "") -> int:
        headers = {"X-Forwarded-For": address, "Cookie": cookie}
        return requests.get(f"{small_site.url}/live/poll/?topic={topic}", headers=headers, timeout=30).status_code

    assert [poll("192.0.2.50", post) for _ in range(RATE)] == [200] * RATE
    assert {poll("192.0.2.50", post), poll("192.0.2.50", post, "sessionid=invalid")} == {429}
    assert poll("192.0.2.51", post) == 200
    assert poll("192.0.2.50", "inbox", cookie_of(small_site, "alice")) == 200
    with from_address(small_site, WEBSOCKET, "192.0.2.50", post) as socket:
        assert socket.closing()[0] == 4429


@pytest.mark.both_databases(short="sqlite")
def test_a_socket_that_changes_its_topics_too_often_is_held(small_site: Site) -> None:
    posts = [new_post(small_site) for _ in range(2)]
    with from_address(small_site, WEBSOCKET, "192.0.2.60", posts[0]) as socket:
        socket.frame()
        for _ in range(RATE - 2):
            requests.get(
                f"{small_site.url}/live/poll/?topic={posts[0]}", headers={"X-Forwarded-For": "192.0.2.60"}, timeout=30
            )
        socket.send(topics=posts)
        while posts[1] not in socket.frame()["reset"]:
            pass
        socket.send(topics=posts[:1])
        code, reason = socket.closing()
        assert code == 4429
        # The rest of the day, which is the window of the rate.
        assert int(reason.split()[-2]) > 10
