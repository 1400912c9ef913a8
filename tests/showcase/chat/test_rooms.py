"""Rooms: membership, reading, presence, and the privacy of a room from everybody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from notifications_hub.live import topic_presence
from notifications_hub.live.revocation import Revocation
from notifications_hub.live.start_cursor import start_cursor
from notifications_hub.live.topics import TopicRefused, may_listen
from notifications_hub.notification import Notification
from notifications_hub.streams import Event
from showcase.chat import history, presence, rooms
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


# Access


@pytest.mark.parametrize("path", ["", "messages/"])
def test_only_members_see_a_room(client_for: ClientFor, room: Room, bob: User, charlie: User, path: str) -> None:
    say(room, bob, "secret")

    assert "secret" in client_for(bob).get(PAGE + path).content.decode()
    refused = client_for(charlie).get(PAGE + path)
    assert refused.status_code == 403
    assert "secret" not in refused.content.decode()
    assert "Garden" not in refused.content.decode()


@pytest.mark.parametrize("path", ["messages/", "read/", "here/", "leave/", "members/", "members/remove/"])
def test_charlie_can_do_nothing_in_a_room_he_is_not_in(
    client_for: ClientFor, room: Room, charlie: User, path: str
) -> None:
    fields = {"body": "Hi", "client_id": "c", "through": "1", "username": "charlie", "person": charlie.pk}

    assert client_for(charlie).post(PAGE + path, fields).status_code == 403
    assert not room.members.filter(pk=charlie.pk).exists()
    assert not Message.objects.exists()


def test_a_missing_room_looks_like_a_closed_one(client_for: ClientFor, room: Room, charlie: User) -> None:
    client = client_for(charlie)

    closed, missing = (client.get(f"/showcase/chat/{slug}/") for slug in ("garden", "nowhere"))
    assert (closed.status_code, missing.status_code) == (403, 403)
    assert client.post("/showcase/chat/garden/join/").status_code == 404


def test_the_page_lists_a_limited_number_of_open_rooms(client_for: ClientFor, alice: User, bob: User) -> None:
    Room.objects.bulk_create(
        Room(name=f"Room {number}", slug=f"room-{number}", owner=alice, is_open=True) for number in range(60)
    )
    assert client_for(bob).get("/showcase/chat/").content.count(b"/join/") == 50


def test_anyone_can_join_an_open_room(client_for: ClientFor, room: Room, charlie: User) -> None:
    Room.objects.update(is_open=True)
    client = client_for(charlie)

    assert b"Anyone can join it." in client.get(PAGE).content
    assert client.post(f"{PAGE}join/", follow=True).status_code == 200
    assert client.post(f"{PAGE}join/").status_code == 302
    assert room.memberships.filter(person=charlie).count() == 1


def test_the_chat_requires_signing_in(client: Client, room: Room) -> None:
    assert client.get(PAGE).headers["Location"] == f"/accounts/login/?next={PAGE}"
    assert client.get("/showcase/chat/").status_code == 302


def test_a_rooms_owner_invites_and_removes_people(client_for: ClientFor, alice: User, bob: User) -> None:
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
    assert (room.owner, room.is_open) == (alice, False)


def test_an_invitation_admits_only_the_invited_person(
    client_for: ClientFor, room: Room, alice: User, bob: User, charlie: User
) -> None:
    Membership.objects.filter(person=bob).delete()
    rooms.invite(room, alice, bob)

    for path in ("accept/", "decline/"):
        assert client_for(charlie).post(PAGE + path).status_code == 404
    assert not room.members.filter(pk=charlie.pk).exists()
    assert Invitation.objects.filter(person=bob).exists()


def test_a_declined_invitation_is_deleted_and_a_repeated_one_notifies_once(
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


def test_invitation_notifications_are_rate_limited(room: Room, alice: User, charlie: User) -> None:
    opened = [Room.objects.create(slug=f"room-{number}", name="Room", owner=alice) for number in range(5)]
    assert [rooms.invite(each, alice, charlie) for each in opened] == [True] * 5

    assert Notification.objects.filter(recipient=charlie, kind="chat.invitation").count() == 3
    assert Invitation.objects.filter(person=charlie).count() == 5


def test_a_member_cannot_be_invited(room: Room, alice: User, bob: User) -> None:
    assert not rooms.invite(room, alice, bob)
    assert not Invitation.objects.exists()


def test_other_peoples_rooms_do_not_displace_a_persons_own_topics(
    client_for: ClientFor, room: Room, bob: User, charlie: User
) -> None:
    client = client_for(charlie)
    for number in range(40):
        # These names sort before the garden.
        theirs = Room.objects.create(slug=f"a{number}", name=f"A {number}", owner=charlie, is_open=False)
        Membership.objects.create(room=theirs, person=charlie)
        client.post(f"/showcase/chat/a{number}/members/", {"username": "bob"})

    topics = topics_of(Membership.objects.get(room=room, person=bob))
    assert topics == ["room.garden", "here.garden", f"chat.{bob.pk}"]
    assert not may_listen(bob, "room.a1")
    page = client_for(bob).get("/showcase/chat/").text
    assert (page.count("/accept/"), "A 39" in page) == (rooms.MAX_INVITATIONS, True)


# The stream


def test_only_members_may_listen_to_a_room(room: Room, alice: User, charlie: User) -> None:
    assert may_listen(alice, "room.garden")
    assert not may_listen(charlie, "room.garden")
    assert not may_listen(alice, "room.nowhere")
    with pytest.raises(TopicRefused):
        start_cursor(charlie, ["room.garden"])


def test_only_the_person_may_listen_to_their_own_chat_topic(alice: User, bob: User) -> None:
    assert may_listen(alice, f"chat.{alice.pk}")
    assert not may_listen(bob, f"chat.{alice.pk}")


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.parametrize("how", ["leave", "remove", "admin", "room", "person"])
def test_the_stream_ends_with_the_membership(
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


@pytest.mark.both_databases(short="postgresql")
def test_history_pages_have_no_gap_or_repeat_while_messages_arrive(room: Room, alice: User) -> None:
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
def test_a_page_with_all_messages_has_no_older_one(room: Room, alice: User, size: int) -> None:
    for _ in range(size):
        say(room, alice)

    page = history.page(room)
    assert (len(page.messages), page.has_older) == (size, False)


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "9" * 30, "٣"])
def test_an_invalid_message_id_is_rejected(client_for: ClientFor, room: Room, alice: User, before: str) -> None:
    assert client_for(alice).get(PAGE, {"before": before}).status_code == 400
    assert client_for(alice).get(f"{PAGE}messages/", {"before": before}).status_code == 400
    assert client_for(alice).post(f"{PAGE}read/", {"through": before}).status_code == 400


@pytest.mark.both_databases(short="postgresql")
def test_newer_messages_by_others_are_unread(client_for: ClientFor, room: Room, alice: User, bob: User) -> None:
    first = say(room, alice)
    say(room, alice)
    say(room, bob)
    assert (unread(bob), unread(alice)) == ({"garden": 2}, {"garden": 1})
    client_for(bob).post(f"{PAGE}read/", {"through": first.pk}, headers=JSON)

    assert unread(bob) == {"garden": 1}
    assert Event.objects.get(topic=f"chat.{bob.pk}").data == {"room": "room.garden", "through": first.pk}


@pytest.mark.both_databases(short="postgresql")
def test_the_read_position_never_goes_back(room: Room, bob: User) -> None:
    rooms.read(rooms.membership_of(bob, "garden"), 5)
    rooms.read(rooms.membership_of(bob, "garden"), 3)

    assert Membership.objects.get(person=bob).read_through == 5


def test_a_room_needs_the_same_queries_for_any_number_of_messages(
    client_for: ClientFor, room: Room, alice: User, bob: User
) -> None:
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
def test_days_are_divided_in_the_readers_time_zone(
    client_for: ClientFor, room: Room, alice: User, reader: dict[str, str], days: list[str]
) -> None:
    User.objects.filter(pk=alice.pk).update(**reader)
    for moment in ("19T18:00", "20T15:58", "20T23:58", "21T00:01"):
        message = say(room, alice)
        Message.objects.filter(pk=message.pk).update(created=datetime.fromisoformat(f"2026-11-{moment}:00+00:00"))
    page = client_for(User.objects.get(pk=alice.pk)).get(PAGE).content.decode()

    assert re.findall(r'data-part="day"\s+datetime="[^"]+">([^<]+)<', page) == days
    # A message three minutes later continues the group of its author, but not on another day.
    assert page.count("is-continued") == 3 - len(days)


# User text


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
def test_user_text_is_never_markup(client_for: ClientFor, room: Room, alice: User, bob: User, attack: str) -> None:
    User.objects.filter(pk=bob.pk).update(first_name=attack)
    Room.objects.update(name=attack)
    say(room, bob, attack)
    for url in (PAGE, "/showcase/chat/"):
        page = client_for(alice).get(url).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<svg onload" not in page


# Presence


@pytest.mark.both_databases(short="postgresql")
def test_the_members_who_have_the_room_open_are_present(
    client_for: ClientFor, room: Room, alice: User, bob: User, charlie: User
) -> None:
    for person in (bob, alice):
        assert client_for(person).get(f"/live/poll/?topic={room.presence_topic}").status_code == 200
    assert client_for(charlie).get(f"/live/poll/?topic={room.presence_topic}").status_code == 403
    assert [face["name"] for face in presence.people_in(room)] == ["Alice", "Bob"]
    assert client_for(alice).get(f"{PAGE}here/").json() == {"here": presence.people_in(room)}


def test_the_page_of_another_room_does_not_count(client_for: ClientFor, room: Room, alice: User) -> None:
    assert client_for(alice).get(f"/live/poll/?topic={room.topic}").status_code == 200
    assert presence.people_in(room) == []


@pytest.mark.django_db(transaction=True)
def test_pages_learn_who_opens_the_room_and_who_leaves(client_for: ClientFor, room: Room, alice: User) -> None:
    client_for(alice).get(f"/live/poll/?topic={room.presence_topic}")
    topic_presence.TopicPresence.objects.update(gone_at=timezone.now() - timedelta(seconds=1))
    topic_presence.remove_gone()
    events = Event.objects.filter(topic=room.presence_topic).order_by("id")
    assert [(event.kind, event.data["name"]) for event in events] == [
        ("person.joined", "Alice"),
        ("person.left", "Alice"),
    ]


def test_typing_is_not_logged(client_for: ClientFor, room: Room, bob: User) -> None:
    assert client_for(bob).post(f"{PAGE}here/").status_code == 204
    assert not Event.objects.filter(topic=room.presence_topic).exists()


def test_a_removed_person_is_not_present(client_for: ClientFor, room: Room, bob: User) -> None:
    client_for(bob).get(f"/live/poll/?topic={room.presence_topic}")
    rooms.leave(room, bob)

    assert presence.people_in(room) == []
