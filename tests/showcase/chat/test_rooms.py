"""Who is in a room, what they have read, and that nobody else sees or hears anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from itertools import count

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub.live.revocation import Revocation
from notifications_hub.live.start_cursor import start_cursor
from notifications_hub.live.topics import TopicRefused, may_listen
from notifications_hub.notification import Notification
from notifications_hub.streams import Event
from showcase.chat import here, history, rooms
from showcase.chat.views import topics_of
from showcase.models import Invitation, Membership, Message, Room

ClientFor = Callable[[User], Client]

PAGE = "/showcase/chat/garden/"
JSON = {"Accept": "application/json"}
_numbers = count(1)


def say(room: Room, author: User, body: str = "Hello") -> Message:
    return Message.objects.create(room=room, author=author, body=body, client_id=f"c{next(_numbers)}")


def unread(person: User) -> dict[str, int]:
    return {membership.room.slug: membership.unread for membership in rooms.memberships_of(person)}  # type: ignore[attr-defined]


# Doors


@pytest.mark.parametrize("path", ["", "messages/"])
def test_members_alone_see_a_room(client_for: ClientFor, room: Room, bob: User, charlie: User, path: str) -> None:
    say(room, bob, "secret")

    assert "secret" in client_for(bob).get(PAGE + path).content.decode()
    refused = client_for(charlie).get(PAGE + path)
    assert refused.status_code == 403
    assert "secret" not in refused.content.decode()
    assert "Garden" not in refused.content.decode()


@pytest.mark.parametrize("path", ["messages/", "read/", "here/", "leave/", "members/", "members/remove/"])
def test_charlie_can_do_nothing_there(client_for: ClientFor, room: Room, charlie: User, path: str) -> None:
    fields = {"body": "Hi", "client_id": "c", "through": "1", "username": "charlie", "person": charlie.pk}

    assert client_for(charlie).post(PAGE + path, fields).status_code == 403
    assert not room.members.filter(pk=charlie.pk).exists()
    assert not Message.objects.exists()


def test_a_room_that_is_not_there_looks_like_one_that_is_closed(
    client_for: ClientFor, room: Room, charlie: User
) -> None:
    client = client_for(charlie)

    closed, missing = (client.get(f"/showcase/chat/{slug}/") for slug in ("garden", "nowhere"))
    assert (closed.status_code, missing.status_code) == (403, 403)
    assert client.post("/showcase/chat/garden/join/").status_code == 404


def test_a_page_lists_only_so_many_open_rooms(client_for: ClientFor, alice: User, bob: User) -> None:
    Room.objects.bulk_create(
        Room(name=f"Room {number}", slug=f"room-{number}", keeper=alice, is_open=True) for number in range(60)
    )
    assert client_for(bob).get("/showcase/chat/").content.count(b"/join/") == 50


def test_an_open_room_has_a_door(client_for: ClientFor, room: Room, charlie: User) -> None:
    Room.objects.update(is_open=True)
    client = client_for(charlie)

    assert b"Anybody may join it." in client.get(PAGE).content
    assert client.post(f"{PAGE}join/", follow=True).status_code == 200
    assert client.post(f"{PAGE}join/").status_code == 302
    assert room.memberships.filter(person=charlie).count() == 1


def test_whoever_is_not_signed_in_is_asked_to(client: Client, room: Room) -> None:
    assert client.get(PAGE).headers["Location"] == f"/accounts/login/?next={PAGE}"
    assert client.get("/showcase/chat/").status_code == 302


def test_a_room_is_opened_and_its_keeper_invites_people_and_sends_them_away(
    client_for: ClientFor, alice: User, bob: User
) -> None:
    client = client_for(alice)
    client.post("/showcase/chat/", {"name": "图书馆"})
    room = Room.objects.get()
    page = room.get_absolute_url()
    client.post(f"{page}members/", {"username": "bob"})
    assert client_for(bob).get(page).status_code == 403
    assert "图书馆" in client_for(bob).get("/showcase/chat/").text
    client_for(bob).post(f"{page}accept/")
    assert client_for(bob).get(page).status_code == 200
    assert client_for(bob).post(f"{page}decline/").status_code == 404
    assert client_for(bob).post(f"{page}members/remove/", {"person": alice.pk}).status_code == 403
    client.post(f"{page}members/remove/", {"person": bob.pk})

    assert client_for(bob).get(page).status_code == 403
    assert (room.keeper, room.is_open) == (alice, False)


def test_nobody_comes_in_by_an_invitation_that_is_not_theirs(
    client_for: ClientFor, room: Room, alice: User, bob: User, charlie: User
) -> None:
    Membership.objects.filter(person=bob).delete()
    rooms.invite(room, alice, bob)

    for path in ("accept/", "decline/"):
        assert client_for(charlie).post(PAGE + path).status_code == 404
    assert not room.members.filter(pk=charlie.pk).exists()
    assert Invitation.objects.filter(person=bob).exists()


def test_an_invitation_that_is_declined_is_gone_and_one_that_is_repeated_notifies_nobody_again(
    client_for: ClientFor, room: Room, alice: User, charlie: User
) -> None:
    for _ in range(2):
        client_for(alice).post(f"{PAGE}members/", {"username": "charlie"})
    notified = Notification.objects.get(recipient=charlie)
    assert (notified.kind, notified.url) == ("chat.invitation", "/showcase/chat/")
    assert notified.message().title == "Alice invited you to “Garden”"
    client_for(charlie).post(f"{PAGE}decline/")

    assert not Invitation.objects.exists()
    assert not room.members.filter(pk=charlie.pk).exists()


def test_many_rooms_do_not_make_many_notifications_of_invitations(room: Room, alice: User, charlie: User) -> None:
    opened = [Room.objects.create(slug=f"room-{number}", name="Room", keeper=alice) for number in range(5)]
    assert [rooms.invite(each, alice, charlie) for each in opened] == [True] * 5

    assert Notification.objects.filter(recipient=charlie, kind="chat.invitation").count() == 3
    assert Invitation.objects.filter(person=charlie).count() == 5


def test_a_member_needs_no_invitation(room: Room, alice: User, bob: User) -> None:
    assert not rooms.invite(room, alice, bob)
    assert not Invitation.objects.exists()


def test_strangers_push_nobodys_own_rooms_out_of_what_they_hear(
    client_for: ClientFor, room: Room, bob: User, charlie: User
) -> None:
    for number in range(40):
        # By name they come before the garden.
        theirs = Room.objects.create(slug=f"a{number}", name=f"A {number}", keeper=charlie, is_open=False)
        Membership.objects.create(room=theirs, person=charlie)
        client_for(charlie).post(f"/showcase/chat/a{number}/members/", {"username": "bob"})

    heard = topics_of(Membership.objects.get(room=room, person=bob))
    assert heard == ["room.garden", f"chat.{bob.pk}"]
    assert not may_listen(bob, "room.a1")
    page = client_for(bob).get("/showcase/chat/").text
    assert (page.count("/accept/"), "A 39" in page) == (rooms.MOST_INVITATIONS, True)


# The stream


def test_members_alone_hear_a_room(room: Room, alice: User, charlie: User) -> None:
    assert may_listen(alice, "room.garden")
    assert not may_listen(charlie, "room.garden")
    assert not may_listen(alice, "room.nowhere")
    with pytest.raises(TopicRefused):
        start_cursor(charlie, ["room.garden"])


def test_what_somebody_did_in_their_other_tabs_is_theirs(alice: User, bob: User) -> None:
    assert may_listen(alice, f"chat.{alice.pk}")
    assert not may_listen(bob, f"chat.{alice.pk}")


@pytest.mark.both_databases
@pytest.mark.parametrize("how", ["leave", "remove", "admin", "room", "person"])
def test_however_a_membership_ends_so_does_the_stream(
    client_for: ClientFor, room: Room, alice: User, bob: User, how: str
) -> None:
    ends: dict[str, Callable[[], object]] = {
        "leave": lambda: client_for(bob).post(f"{PAGE}leave/"),
        "remove": lambda: client_for(alice).post(f"{PAGE}members/remove/", {"person": bob.pk}),
        "admin": lambda: Membership.objects.filter(person=bob).delete(),
        "room": room.delete,
        "person": lambda: User.objects.get(pk=bob.pk).delete(),
    }
    pk = str(bob.pk)
    ends[how]()

    assert Revocation.objects.filter(what="topic", person=pk, topic="room.garden").exists()
    assert Event.objects.filter(topic="room.garden", kind="member.left", data__person=int(pk)).exists()
    assert not may_listen(User(pk=int(pk)), "room.garden")


# History and reading


@pytest.mark.both_databases
def test_pages_go_back_without_gap_or_repeat_whatever_is_written_meanwhile(room: Room, alice: User) -> None:
    written = [say(room, alice).pk for _ in range(2 * history.PAGE + 7)]
    found: list[int] = []
    before: int | None = None
    while True:
        page = history.page(room, before)
        found = [message.pk for message in page.messages] + found
        if not page.has_older:
            break
        before = page.oldest
        say(room, alice)

    assert found == written


@pytest.mark.parametrize("size", [0, 1, history.PAGE])
def test_a_page_that_holds_all_says_that_there_is_no_more(room: Room, alice: User, size: int) -> None:
    for _ in range(size):
        say(room, alice)

    page = history.page(room)
    assert (len(page.messages), page.has_older) == (size, False)


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "9" * 30, "٣"])
def test_a_place_in_the_history_that_is_none_is_refused(
    client_for: ClientFor, room: Room, alice: User, before: str
) -> None:
    assert client_for(alice).get(PAGE, {"before": before}).status_code == 400
    assert client_for(alice).get(f"{PAGE}messages/", {"before": before}).status_code == 400
    assert client_for(alice).post(f"{PAGE}read/", {"through": before}).status_code == 400


@pytest.mark.both_databases
def test_what_others_wrote_since_is_unread(client_for: ClientFor, room: Room, alice: User, bob: User) -> None:
    first = say(room, alice)
    say(room, alice)
    say(room, bob)
    assert (unread(bob), unread(alice)) == ({"garden": 2}, {"garden": 1})
    client_for(bob).post(f"{PAGE}read/", {"through": first.pk}, headers=JSON)

    assert unread(bob) == {"garden": 1}
    assert Event.objects.get(topic=f"chat.{bob.pk}").data == {"room": "room.garden", "through": first.pk}


@pytest.mark.both_databases
def test_reading_never_goes_back(room: Room, bob: User) -> None:
    rooms.read(rooms.membership_of(bob, "garden"), 5)
    rooms.read(rooms.membership_of(bob, "garden"), 3)

    assert Membership.objects.get(person=bob).read_through == 5


def test_a_room_costs_the_same_for_many_messages(client_for: ClientFor, room: Room, alice: User, bob: User) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        return len(queries)

    client = client_for(bob)
    say(room, alice)
    cost()
    few = cost()
    for _ in range(30):
        say(room, alice)

    assert cost() == few


# Days


@pytest.mark.parametrize(
    ("reader", "days"),
    [
        ({"language": "en", "time_zone": "UTC"}, ["Nov. 19, 2026", "Nov. 20, 2026", "Nov. 21, 2026"]),
        ({"language": "zh-hans", "time_zone": "Asia/Shanghai"}, ["2026年11月20日", "2026年11月21日"]),
    ],
)
def test_each_day_of_its_reader_begins_under_its_date(
    client_for: ClientFor, room: Room, alice: User, reader: dict[str, str], days: list[str]
) -> None:
    User.objects.filter(pk=alice.pk).update(**reader)
    for moment in ("19T18:00", "20T15:58", "20T23:58", "21T00:01"):
        message = say(room, alice)
        Message.objects.filter(pk=message.pk).update(created=datetime.fromisoformat(f"2026-11-{moment}:00+00:00"))
    page = client_for(User.objects.get(pk=alice.pk)).get(PAGE).content.decode()

    assert re.findall(r'data-part="day"\s+datetime="[^"]+">([^<]+)<', page) == days
    # Three minutes later the same person goes on below their name, but not where it is another day.
    assert page.count("is-continued") == 3 - len(days)


# What people write


CORPUS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "{{ 7|add:7 }} ${7*7}",
    "</textarea><script>alert(1)</script>",
    "&lt;b&gt;",
)


@pytest.mark.parametrize("attack", CORPUS)
def test_what_people_write_is_text_and_never_markup(
    client_for: ClientFor, room: Room, alice: User, bob: User, attack: str
) -> None:
    User.objects.filter(pk=bob.pk).update(first_name=attack)
    Room.objects.update(name=attack)
    say(room, bob, attack)
    for url in (PAGE, "/showcase/chat/"):
        page = client_for(alice).get(url).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<svg onload" not in page


# Who is here


@pytest.mark.both_databases
def test_whoever_says_so_is_here_until_they_go(client_for: ClientFor, room: Room, alice: User, bob: User) -> None:
    answer = client_for(alice).post(f"{PAGE}here/")
    assert [face["name"] for face in answer.json()["here"]] == ["Alice"]
    client_for(bob).post(f"{PAGE}here/", {"typing": "1"})
    assert [face["name"] for face in here.people_in(room)] == ["Alice", "Bob"]
    client_for(alice).post(f"{PAGE}here/", {"gone": "1"})

    assert [face["name"] for face in here.people_in(room)] == ["Bob"]
    assert not Event.objects.filter(topic=room.topic, kind__startswith="person.").exists()


def test_whoever_was_removed_is_not_here_whatever_they_said(room: Room, bob: User) -> None:
    here.came(rooms.membership_of(bob, "garden"), typing=False)
    rooms.leave(room, bob)

    assert here.people_in(room) == []
