"""A room open in two people's browsers, over each of the four kinds of connection."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import People
from tests.support.site import Site

LOBBY = "/showcase/chat/lobby/"
KINDS = ("ws", "sse", "poll", "plain-poll")
ATTACKS = (
    "<script>window.attacked = 1</script>",
    "<img src=x onerror='window.attacked = 1'>",
    '"><svg onload="window.attacked = 1">',
    "<a href='javascript:window.attacked = 1'>@alice</a>",
    "</textarea></template><iframe srcdoc='<script>parent.attacked = 1</script>'></iframe>",
    "&lt;b&gt; {name} $& $` \\u003cscript\\u003e",
)

TALK = """
    import threading, time
    from contextlib import suppress
    from django.contrib.auth import get_user_model
    from django.db import connection, transaction
    from showcase.chat import rooms, sending
    from showcase.models import Message, Room

    sending.MAX_MESSAGES = 10**9
    lobby = Room.objects.get(slug="lobby")
    person = {p.username: p for p in get_user_model().objects.all()}
    # A test removes him, and the tests run in any order.
    rooms.join(lobby, person["bob"])

    def say(name, body, roll_back=False):
        with suppress(ZeroDivisionError), transaction.atomic():
            sending.send(lobby, person[name], body, str(time.time_ns()))
            roll_back and 1 / 0

    def talk(count, rate):
        begun = time.monotonic()
        for number in range(count):
            say("bob", f"talk {number}")
            if number % 3 == 0:
                say("alice", "never said", roll_back=True)
            time.sleep(max(0, begun + (number + 1) / rate - time.monotonic()))
        connection.close()
"""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    quiet_site.python(TALK)
    return quiet_site


def talk(site: Site, count: int, rate: int = 50) -> None:
    """Start writing `count` messages at `rate` a second. `wait_for_talk` waits for the end."""
    site.python(f"talking = threading.Thread(target=talk, args=({count}, {rate})); talking.start()")


def wait_for_talk(site: Site) -> list[int]:
    """Wait until all messages are written and return the ids of the room's messages."""
    found = site.python("talking.join(); print(*Message.objects.filter(room=lobby).values_list('pk', flat=True))")
    return [int(pk) for pk in found.split()]


def shown(page: Page) -> list[int]:
    ids: list[int] = page.locator("chat-room [data-part=list]").evaluate(
        "list => [...list.children].filter(row => row.dataset.id).map(row => Number(row.dataset.id))"
    )
    return ids


def expect_joined(page: Page, ids: list[int]) -> None:
    """Expect the newest of these ids on the page, each once and in order, within the wait of a short poll."""
    until = time.monotonic() + 30
    # Until the next poll, the page's own message may precede earlier messages of others.
    while (there := shown(page)) != ids[-len(there) :] and time.monotonic() < until:
        page.wait_for_timeout(100)
    assert there
    assert there == ids[-len(there) :]


def expect_days(page: Page) -> None:
    """Expect a divider above the first message of each day in the reader's time zone, and no others."""
    days: list[list[str]] = page.locator("chat-room [data-part=list]").evaluate("""list => {
        const timeZone = list.closest("chat-room").getAttribute("time-zone");
        const format = new Intl.DateTimeFormat("en", { dateStyle: "long", timeZone });
        const rows = [...list.children].filter((row) => row.dataset.at);
        const found = [...list.querySelectorAll(".chat-day")].map((day) => day.textContent.trim());
        return [found, [...new Set(rows.map((row) => format.format(Date.parse(row.dataset.at))))]];
    }""")
    assert len(days[0]) > 1
    assert days[0] == days[1]


def stay_at_the_top(page: Page) -> None:
    """Scroll to the top before every frame, even while older messages are added above."""
    page.locator("chat-room [data-part=log]").evaluate("""log => {
        const stay = () => { log.scrollTop = 0; requestAnimationFrame(stay); };
        stay();
    }""")


def use(page: Page, kind: str) -> None:
    page.locator("chat-room [data-part=connection]").select_option(kind)
    expect_live(page)


def expect_live(page: Page) -> None:
    expect(page.locator("chat-room [data-part=state]")).to_have_attribute("data-state", "live")


def say(page: Page, words: str) -> None:
    page.get_by_role("textbox", name="Message").fill(words)
    page.keyboard.press("Enter")


def rows(page: Page, words: str) -> list[str]:
    return page.locator("chat-room .chat-body", has_text=words).all_inner_texts()


def test_every_message_arrives_once_and_in_order_over_each_connection(page_for: People, site: Site) -> None:
    alice, bob = page_for("alice", LOBBY), page_for("bob", LOBBY)
    expect_live(bob)
    for kind in KINDS:
        use(alice, kind)
        talk(site, 25)
        say(alice, f"by {kind}")
        expect(bob.locator(".chat-body", has_text=f"by {kind}")).to_have_count(1)
        expect_joined(alice, wait_for_talk(site))
        assert len(rows(alice, f"by {kind}")) == 1
    expect_joined(bob, wait_for_talk(site))
    assert rows(alice, "never said") == []
    assert "never said" not in alice.content()


def test_a_reload_and_the_history_join_without_gap_or_repeat(page_for: People, site: Site) -> None:
    alice = page_for("alice", LOBBY)
    talk(site, 100, rate=10_000)
    early = wait_for_talk(site)[-60:-30]
    site.python(f"""
        from datetime import timedelta
        from django.db.models import F
        Message.objects.filter(room=lobby, pk__lt={early[0]}).update(created=F("created") - timedelta(days=2))
        Message.objects.filter(pk__in={early}).update(created=F("created") - timedelta(days=1))
    """)
    talk(site, 50)
    alice.reload()
    expect_live(alice)
    alice.wait_for_timeout(300)
    assert len(shown(alice)) < len(wait_for_talk(site))
    stay_at_the_top(alice)
    alice.wait_for_function(
        "count => document.querySelectorAll('.chat-message[data-id]').length >= count", arg=len(wait_for_talk(site))
    )
    expect_joined(alice, wait_for_talk(site))
    expect_days(alice)


def test_a_message_whose_response_was_lost_appears_once_after_a_reload(page_for: People, site: Site) -> None:
    alice, bob = page_for("alice", LOBBY), page_for("bob", LOBBY)
    lost: list[int] = []

    def lose(route: Route) -> None:
        if route.request.method != "POST" or len(lost) == 2:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    alice.route("**/messages/", lose)
    say(alice, "Sent by hand")
    expect(bob.locator(".chat-body", has_text="Sent by hand")).to_have_count(1)
    alice.reload()
    expect(alice.locator(".chat-message[data-id] .chat-body", has_text="Sent by hand")).to_have_count(1)
    expect(alice.locator(".chat-message[data-state]")).to_have_count(0)
    assert lost[0] == 201
    assert site.python("print(Message.objects.filter(body='Sent by hand').count())") == "1"


@pytest.mark.faults
def test_presence_typing_and_mentions_are_shown(page_for: People, site: Site) -> None:
    alice, bob = page_for("alice", "/"), page_for("bob", LOBBY)
    expect_live(bob)
    unread = alice.locator("notification-bell").get_attribute("unread")
    assert unread is not None
    say(bob, "@alice are you there?")
    expect(alice.locator("toast-stack .nh-title")).to_have_text("Bob mentioned you in “Lobby”")
    alice.locator("toast-stack a").first.click()
    alice.wait_for_url("**/showcase/chat/lobby/#message-*")
    expect(alice.locator(".chat-message.is-mention", has_text="are you there?")).to_be_in_viewport()
    expect(alice.locator("notification-bell")).to_have_attribute("unread", unread)
    expect_live(alice)
    expect(bob.locator("chat-room [data-part=here] li")).to_have_count(2)
    alice.get_by_role("textbox", name="Message").press_sequentially("Ye")
    expect(bob.locator("chat-room [data-part=typing]")).to_have_text("Alice is typing…")
    alice.keyboard.type("s")
    alice.keyboard.press("Shift+Enter")
    alice.keyboard.type("I am")
    alice.keyboard.press("Enter")
    expect(bob.locator(".chat-body").last).to_have_text("Yes\nI am")
    expect(bob.locator("chat-room [data-part=typing]")).to_be_empty()
    expect(alice.get_by_role("textbox", name="Message")).to_be_focused()
    alice.reload()
    expect_live(alice)
    expect(bob.locator("chat-room [data-part=here] li")).to_have_count(2)
    alice.goto(site.url + "/")
    expect(bob.locator("chat-room [data-part=here] li")).to_have_count(1)


@pytest.mark.faults
def test_unread_messages_in_other_rooms_are_counted_until_read_in_any_tab(page_for: People, site: Site) -> None:
    site.python(
        """
        from showcase.chat import rooms
        rooms.join(Room.objects.create(slug="kitchen", name="Kitchen", owner=person["bob"]), person["bob"])
        """
    )
    bob = page_for("bob", "/showcase/chat/kitchen/")
    badge = bob.locator("chat-room [data-topic='room.lobby'] [data-part=unread]")
    expect_live(bob)
    site.python("say('alice', 'News')")
    expect(badge).to_contain_text("1")
    page_for("bob", LOBBY)
    expect(badge).to_be_hidden()


def test_messages_are_never_markup(page_for: People, site: Site) -> None:
    alice = page_for("alice", LOBBY)
    expect_live(alice)
    for attack in ATTACKS:
        site.python(f"say('bob', {attack!r})")
    expect(alice.locator(".chat-body").last).to_have_text(ATTACKS[-1])
    say(alice, ATTACKS[0])
    expect(alice.locator(".chat-message[data-id] .chat-body").last).to_have_text(ATTACKS[0])
    for _ in ("live", "rendered"):
        assert [text for text in alice.locator(".chat-body").all_inner_texts() if text in ATTACKS] == [
            *ATTACKS,
            ATTACKS[0],
        ]
        assert alice.evaluate("window.attacked") is None
        alice.reload()


def test_the_room_works_without_javascript(page_for: People, site: Site) -> None:
    page = page_for("alice", LOBBY, java_script_enabled=False)
    assert shown_without_script(page)
    page.get_by_role("textbox", name="Message").fill("By a plain form")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".chat-body", has_text="By a plain form")).to_have_count(1)


def shown_without_script(page: Page) -> bool:
    return page.locator("chat-room .chat-message").count() > 0


def test_a_removed_member_and_charlie_receive_nothing(page_for: People, site: Site) -> None:
    alice, bob, charlie = page_for("alice", LOBBY), page_for("bob", LOBBY), page_for("charlie")
    for path in (LOBBY, "/live/poll/?topic=room.lobby", "/live/sse/?topic=room.lobby", f"{LOBBY}messages/"):
        assert charlie.request.get(site.url + path).status == 403
    use(bob, "poll")
    members, remove = alice.get_by_text("2 members"), alice.get_by_role("button", name="Remove Bob")
    members.click()
    expect(remove).to_be_visible()
    alice.locator(".chat-log").click()
    expect(remove).to_be_hidden()
    members.click()
    alice.keyboard.press("Escape")
    expect(remove).to_be_hidden()
    members.click()
    remove.click()
    expect(bob.locator("chat-room [data-part=closed]")).to_be_visible()
    expect(bob.get_by_role("textbox", name="Message")).to_be_disabled()
    expect_live(alice)
    say(alice, "Bob cannot hear this")
    expect(alice.locator(".chat-message[data-id]", has_text="Bob cannot hear this")).to_have_count(1)
    bob.wait_for_timeout(1_000)
    assert rows(bob, "cannot hear") == []


def test_an_invitation_can_be_accepted_on_a_phone(site: Site, page_for: People) -> None:
    site.python(
        """
        from showcase.chat import rooms
        room = Room.objects.create(slug="phone", name="Phone", owner=person["bob"])
        rooms.invite(room, person["bob"], person["charlie"])
        """
    )
    page = page_for("charlie", "/showcase/chat/", viewport={"width": 375, "height": 700})
    heights = [button.bounding_box() for button in page.locator(".chat-answer .button").all()]

    assert [box and box["height"] < 50 for box in heights] == [True, True]
    name = page.get_by_role("listitem").filter(has_text="Phone").locator(":scope > span").bounding_box()
    assert name is not None
    assert name["height"] < 60
    page.get_by_role("button", name="Accept: Phone").click()
    expect(page).to_have_url(f"{site.url}/showcase/chat/phone/")
