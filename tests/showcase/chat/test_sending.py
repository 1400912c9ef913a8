"""Sending messages: once, in order, by members only, below a rate limit, and with notifications of mentions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from notifications_hub.models import Notification
from notifications_hub.streams import Event
from showcase.chat import rooms, sending
from showcase.chat.sending import TooFast, send
from showcase.models import Message, Room

ClientFor = Callable[[User], Client]

pytestmark = pytest.mark.both_databases(short="postgresql")

SEND = "/showcase/chat/garden/messages/"
JSON = {"Accept": "application/json"}


def events(room: Room, kind: str = "message.created") -> list[Event]:
    return list(Event.objects.filter(topic=room.topic, kind=kind).order_by("pk"))


def test_sending_stores_a_row_and_an_event(room: Room, alice: User) -> None:
    sent = send(room, alice, "Hello", "c1")

    assert sent.is_new
    (event,) = events(room)
    assert (event.data["id"], event.data["body"], event.data["client_id"]) == (sent.message.pk, "Hello", "c1")


def test_a_message_sent_again_is_stored_once(room: Room, alice: User) -> None:
    first, again = send(room, alice, "Hello", "c1"), send(room, alice, "Hello", "c1")

    assert not again.is_new
    assert again.message == first.message
    assert len(events(room)) == 1


def test_two_people_may_use_the_same_client_id(room: Room, alice: User, bob: User) -> None:
    send(room, alice, "Hello", "c1")

    assert send(room, bob, "Hi", "c1").is_new


@pytest.mark.django_db(transaction=True)
def test_concurrent_attempts_store_one_message(room: Room, alice: User) -> None:
    ready = threading.Barrier(4)

    def attempt() -> None:
        ready.wait()
        send(room, alice, "Hello", "c1")
        connection.close()

    attempts = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in attempts:
        thread.start()
    for thread in attempts:
        thread.join()

    assert Message.objects.count() == 1
    assert len(events(room)) == 1


def test_a_rollback_undoes_the_message_and_its_notifications(room: Room, alice: User) -> None:
    with transaction.atomic():
        send(room, alice, "Hello @bob", "c1")
        transaction.set_rollback(True)

    assert not Message.objects.exists()
    assert not events(room)
    assert not Notification.objects.exists()


def test_charlie_cannot_send_to_a_room_he_is_not_in(room: Room, charlie: User) -> None:
    with pytest.raises(PermissionDenied):
        send(room, charlie, "Hello", "c1")


def test_sending_too_fast_is_rejected_for_a_while(
    room: Room, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(sending.MAX_MESSAGES):
        send(room, alice, "Hello", f"c{number}")

    with pytest.raises(TooFast) as error:
        send(room, alice, "Hello", "one more")
    assert 0 < error.value.seconds <= sending.WINDOW.total_seconds()
    assert send(room, alice, "Hello", "c1").message.client_id == "c1"
    assert send(room, bob, "Hi", "c1").is_new
    Message.objects.update(created=timezone.now() - sending.WINDOW - timedelta(seconds=1))
    assert send(room, alice, "Hello", "one more").is_new


def test_the_response_says_how_long_to_wait(
    client_for: ClientFor, room: Room, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MAX_MESSAGES", 1)
    client = client_for(alice)
    client.post(SEND, {"body": "One", "client_id": "c1"}, headers=JSON)
    answer = client.post(SEND, {"body": "Two", "client_id": "c2"}, headers=JSON)
    page = client.post(SEND, {"body": "Two", "client_id": "c2"})

    assert (answer.status_code, page.status_code) == (429, 429)
    assert 0 < int(answer.headers["Retry-After"]) <= 10
    assert "You&#x27;re sending messages too fast." in page.content.decode()
    assert ">Two</textarea>" in page.content.decode()


def test_a_script_gets_json_and_a_form_is_redirected(client_for: ClientFor, room: Room, alice: User) -> None:
    client = client_for(alice)
    answer = client.post(SEND, {"body": "One\r\ntwo", "client_id": "c1"}, headers=JSON)
    again = client.post(SEND, {"body": "One\r\ntwo", "client_id": "c1"}, headers=JSON)
    page = client.post(SEND, {"body": "Three", "client_id": "c2"})

    assert (answer.status_code, again.status_code) == (201, 200)
    assert answer.json() == again.json()
    assert answer.json()["body"] == "One\ntwo"
    assert page.headers["Location"] == f"/showcase/chat/garden/#message-{Message.objects.latest('pk').pk}"


@pytest.mark.parametrize(
    "fields",
    [
        {"body": " ", "client_id": "c1"},
        {"body": "x" * 2_001, "client_id": "c1"},
        {"body": "a\0b", "client_id": "c1"},
        {"body": "Hello", "client_id": "c" * 37},
        {"body": "Hello", "client_id": "<b>"},
        {"body": "Hello"},
    ],
)
def test_an_invalid_message_is_rejected(client_for: ClientFor, room: Room, alice: User, fields: dict[str, str]) -> None:
    answer = client_for(alice).post(SEND, fields, headers=JSON)

    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert not Message.objects.exists()


def test_a_line_break_counts_as_one_character(client_for: ClientFor, room: Room, alice: User) -> None:
    body = "x\r\n" * 1_000

    assert client_for(alice).post(SEND, {"body": body.strip(), "client_id": "c"}, headers=JSON).status_code == 201


@pytest.mark.parametrize(
    "body",
    ["@bob look", "look, @bob.", "(@Bob)", "@bob, @bob and @bob!", "@bob: yes", "line\n@bob"],
)
def test_a_mentioned_member_is_notified_once(room: Room, alice: User, bob: User, body: str) -> None:
    message = send(room, alice, body, "c1").message

    notification = Notification.objects.get()
    assert notification.recipient == bob
    assert (notification.kind, notification.url) == ("chat.mention", f"/showcase/chat/garden/#message-{message.pk}")
    assert notification.message().title == "Alice mentioned you in “Garden”"
    assert notification.message().body == body


@pytest.mark.parametrize("body", ["bob", "alice@bob", "@bobby", "@alice myself", "@charlie", "@nobody", "@"])
def test_only_other_mentioned_members_are_notified(
    room: Room, alice: User, bob: User, charlie: User, body: str
) -> None:
    send(room, alice, body, "c1")

    assert not Notification.objects.exists()


def test_reading_a_mention_in_the_room_marks_it_read_in_the_inbox(room: Room, alice: User, bob: User) -> None:
    first = send(room, alice, "@bob one", "c1").message
    send(room, alice, "@bob two", "c2")
    rooms.read(rooms.membership_of(bob, "garden"), first.pk)

    assert [row.description for row in Notification.objects.filter(unread=True)] == ["@bob two"]
