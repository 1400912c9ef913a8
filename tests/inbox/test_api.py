from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from notifications_hub import broadcast, publish, streams
from notifications_hub.announcements.models import AnnouncementTranslation
from notifications_hub.live.topics import stored_topics
from notifications_hub.notification import Notification
from notifications_hub.streams import cursor
from tests.inbox.support import API, NEVER, ClientFor, post, queries_of, send_one

if TYPE_CHECKING:
    from pytest_django import Settings

    from accounts.models import User
from notifications_hub import __version__

both_databases = pytest.mark.both_databases(short="postgresql")

MARKS = ["read", "unread", "seen", "archive"]
GETS = ["notifications/", "notifications/count/", "push/key/", "push/subscriptions/"]
POSTS = [*(f"notifications/{mark}/" for mark in (*MARKS, "unarchive", "undo")), "push/subscriptions/"]


def get(client: Client, path: str = "notifications/", **query: str) -> Any:
    return client.get(API + path, query)


@both_databases
def test_an_item_has_the_shape_of_the_contract(alice: User, bob: User, client_for: ClientFor) -> None:
    row = send_one(alice, bob, kind="comment.reply", url="/posts/9/", description="I agree.", data={"post": 9})
    answer = get(client_for(alice)).json()

    assert answer["next"] is None
    assert answer["results"] == [row.item().as_json()]
    assert answer["results"][0] == {
        "id": str(row.pk),
        "kind": "comment.reply",
        "title": "Bob replied to “”",
        "body": "I agree.",
        "url": "/posts/9/",
        "level": "info",
        "icon": "reply",
        "tag": f"n{row.pk}",
        "actor": "Bob",
        "target": "",
        "data": {"post": 9, "url": "/posts/9/"},
        "at": answer["results"][0]["at"],
        "unread": True,
        "seen": False,
        "archived": False,
        "delivered": False,
        "toast": True,
    }


def test_an_announcement_carries_its_translations(alice: User, client_for: ClientFor) -> None:
    announcement = broadcast(title="Maintenance at noon", body="**Save** your work.")
    AnnouncementTranslation.objects.create(announcement=announcement, language="zh-hans", title="中午维护")
    [item] = get(client_for(alice)).json()["results"]

    assert item == announcement.item().as_json()
    assert item["translations"] == {"zh-hans": {"title": "中午维护", "body": ""}}
    assert item["body"] == "Save your work."


@both_databases
def test_before_selects_the_next_page(alice: User, bob: User, client_for: ClientFor) -> None:
    rows = [send_one(alice, bob).item_id for _ in range(25)][::-1]
    client = client_for(alice)
    first = get(client).json()
    second = get(client, before=first["next"]).json()

    assert [item["id"] for item in first["results"]] == rows[:20]
    assert [item["id"] for item in second["results"]] == rows[20:]
    assert second["next"] is None


@both_databases
def test_the_list_can_be_filtered_by_unread_and_kind(alice: User, bob: User, client_for: ClientFor) -> None:
    send_one(alice, bob).mark_as_read()
    reply = send_one(alice, bob, kind="comment.reply")
    client = client_for(alice)

    for query in ({"unread": "true"}, {"kind": "comment.reply"}, {"unread": "1", "kind": "comment.reply"}):
        assert [item["id"] for item in get(client, **query).json()["results"]] == [reply.item_id]
    assert len(get(client, unread="false").json()["results"]) == 1


@both_databases
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_starts_from_the_cursor_misses_nothing(alice: User, bob: User, client_for: ClientFor) -> None:
    send_one(alice, bob)
    answer = get(client_for(alice)).json()
    after = send_one(alice, bob)
    broadcast(title="Maintenance at noon")
    positions = cursor.decode(answer["cursor"])
    wanted = {topic: positions[cursor.key_of(topic)] for topic in stored_topics(alice, ["inbox"])}
    events = [event for reading in streams.read(wanted) for event in reading.events]

    assert sorted(event.topic for event in events) == ["everyone", f"inbox.{alice.pk}"]
    assert [json.loads(event.data)["id"] for event in events if event.topic != "everyone"] == [after.item_id]


@both_databases
@pytest.mark.django_db(transaction=True)
def test_the_cursor_is_read_before_the_rows(
    alice: User, bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notifications_hub.inbox import queries

    original = queries.items

    def slow(*args: Any, **options: Any) -> Any:
        send_one(alice, bob)
        return original(*args, **options)

    monkeypatch.setattr(queries, "items", slow)
    answer = get(client_for(alice)).json()
    position = cursor.decode(answer["cursor"])[cursor.key_of(f"inbox.{alice.pk}")]

    assert len(answer["results"]) == 1
    assert position.seq == 0, "what came in between is heard again rather than never"


@both_databases
def test_the_cursor_points_to_the_end_of_the_topic(alice: User, client_for: ClientFor) -> None:
    publish("everyone", "hello", {})

    positions = cursor.decode(get(client_for(alice)).json()["cursor"])

    assert set(positions) == {cursor.key_of(f"inbox.{alice.pk}"), cursor.key_of("everyone")}


@both_databases
def test_the_count_has_unread_and_unseen(alice: User, bob: User, client_for: ClientFor) -> None:
    send_one(alice, bob)
    Notification.objects.filter(pk=send_one(alice, bob).pk).mark_all_as_seen()
    broadcast(title="Maintenance at noon")

    assert get(client_for(alice), "notifications/count/").json() == {"unread": 3, "unseen": 2, "capped": False}


@both_databases
def test_counts_stop_at_a_hundred(alice: User, client_for: ClientFor) -> None:
    def more(count: int) -> dict[str, object]:
        Notification.objects.bulk_create(Notification(recipient=alice, verb="replied") for _ in range(count))
        found: dict[str, object] = get(client_for(alice), "notifications/count/").json()
        return found

    assert more(99) == {"unread": 99, "unseen": 99, "capped": False}
    assert more(1) == {"unread": 100, "unseen": 100, "capped": True}
    assert more(50) == {"unread": 100, "unseen": 100, "capped": True}


@both_databases
@pytest.mark.parametrize("name", MARKS)
def test_a_mark_accepts_ids_or_all(alice: User, bob: User, client_for: ClientFor, name: str) -> None:
    rows = [send_one(alice, bob) for _ in range(3)]
    client = client_for(alice)
    if name == "unread":
        post(client, "notifications/read/", {"all": True})

    path = f"notifications/{name}/"
    assert post(client, path, {"ids": [rows[0].item_id, NEVER, "abc"]}).json() == {"changed": 1}
    assert post(client, path, {"all": True}).json() == {"changed": 2}
    assert post(client, path, {"all": True}).json() == {"changed": 0}
    assert post(client, path, {"ids": []}).json() == {"changed": 0}


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": ["1"], "all": True},
        {"all": False},
        {"ids": "1"},
        {"ids": [1]},
        {"ids": ["1"] * 1001},
        {"ids": ["1"], "recipient": 1},
        [],
        None,
        "ids",
        {"ids": [None]},
    ],
)
def test_an_invalid_body_is_rejected_with_an_explanation(alice: User, client_for: ClientFor, body: object) -> None:
    answer = client_for(alice).post(API + "notifications/read/", json.dumps(body), content_type="application/json")

    assert answer.status_code == 400
    assert list(answer.json()) == ["detail"]
    assert isinstance(answer.json()["detail"], str)
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, 'Give either {"ids": […]} or {"all": true}.'),
        ({"ids": [1]}, "ids.0: Input should be a valid string"),
    ],
)
def test_a_rejection_names_the_field_and_the_fault(
    alice: User, client_for: ClientFor, body: object, detail: str
) -> None:
    assert post(client_for(alice), "notifications/read/", body).json() == {"detail": detail}


def test_a_refused_filter_is_named(alice: User, client_for: ClientFor) -> None:
    assert get(client_for(alice), unread="perhaps").json()["detail"].startswith("unread: Input should be")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe"])
def test_bytes_that_are_not_json_are_refused(alice: User, client_for: ClientFor, body: bytes) -> None:
    answer = client_for(alice).generic("POST", API + "notifications/read/", body, "application/json")

    assert answer.status_code == 400
    assert answer.json()["detail"]


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    "query",
    [
        "unread=perhaps",
        "unread=true&unread=false",
        "before=yesterday",
        "before=1.99999999999999999999",
        "recipient__password__startswith=a",
        "order_by=recipient__email",
        "kind[]=a",
        "kind=%00",
        "kind=" + "a" * 101,
        "limit=1000",
    ],
)
def test_an_unknown_filter_is_rejected(alice: User, client_for: ClientFor, query: str) -> None:
    answer = client_for(alice).get(f"{API}notifications/?{query}")

    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


def test_a_signed_out_caller_gets_401(client: Client, db: None) -> None:
    answers = [client.get(API + path) for path in GETS] + [post(client, path, {"all": True}) for path in POSTS]
    strict = Client(enforce_csrf_checks=True)
    answers += [post(strict, path, {"all": True}) for path in POSTS]
    answers.append(client.delete(API + "push/subscriptions/1/"))

    for answer in answers:
        assert (answer.status_code, answer.json()) == (401, {"detail": "Sign in first."})


def test_a_deactivated_person_is_signed_out(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    alice.is_active = False
    alice.save()

    assert get(client).status_code == 401


@pytest.mark.parametrize("path", POSTS)
def test_a_post_without_the_csrf_token_changes_nothing(alice: User, bob: User, path: str) -> None:
    row = send_one(alice, bob)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = post(client, path, {"ids": [row.item_id]})
    row.refresh_from_db()

    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]
    assert (row.unread, row.seen_at, row.archived_at) == (True, None, None)


def test_a_post_with_the_csrf_token_is_accepted(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.get(reverse("notifications_hub:inbox"))
    token = client.cookies["csrftoken"].value

    assert post(client, "notifications/read/", {"ids": [row.item_id]}, X_CSRFToken=token).json() == {"changed": 1}


def test_responses_forbid_caching(alice: User, client_for: ClientFor, client: Client) -> None:
    signed_in = client_for(alice)
    answers = [signed_in.get(API + path) for path in [*GETS, "openapi.json", "notifications/?before=x"]]
    answers += [post(signed_in, path, {"all": True}) for path in POSTS]
    answers += [client.get(API + "notifications/"), signed_in.put(API + "notifications/")]
    answers += [post(client, "push/act/", {"token": "x", "action": "shown"})]

    for answer in answers:
        kept = "no-cache" if answer.has_header("ETag") else "no-store"
        assert set(answer["Cache-Control"].split(", ")) == {kept, "private"}


def test_a_wrong_method_is_rejected_as_json(alice: User, client_for: ClientFor) -> None:
    answer = client_for(alice).delete(API + "notifications/")

    assert answer.status_code == 405
    assert answer["Allow"] == "GET"
    assert "GET" in answer.json()["detail"]


def test_a_body_that_is_too_large_is_rejected_as_json(alice: User, client_for: ClientFor) -> None:
    answer = post(client_for(alice), "notifications/read/", {"ids": ["9" * 3_000_000]})

    assert answer.status_code == 413
    assert answer.json()["detail"]


@both_databases
def test_a_page_takes_as_many_queries_for_twenty_as_for_one(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    send_one(alice, bob)
    broadcast(title="Maintenance at noon")
    get(client)
    one = queries_of(lambda: get(client))
    for _ in range(10):
        send_one(alice, bob)
        broadcast(title="Maintenance at noon")
    get(client)

    assert queries_of(lambda: get(client)) == one


@both_databases
@pytest.mark.parametrize("name", MARKS)
def test_marking_takes_as_many_queries_for_twenty_as_for_one(
    alice: User, bob: User, client_for: ClientFor, name: str
) -> None:
    def change(rows: list[Notification]) -> int:
        return queries_of(lambda: post(client, f"notifications/{name}/", {"ids": [row.item_id for row in rows]}))

    rows = [send_one(alice, bob) for _ in range(21)]
    client = client_for(alice)
    if name == "unread":
        post(client, "notifications/read/", {"all": True})

    assert change(rows[1:]) == change(rows[:1])


def test_every_route_of_the_contract_is_described(client: Client, db: None) -> None:
    schema = client.get(API + "openapi.json").json()
    routes = {f"{method} {path}" for path, methods in schema["paths"].items() for method in methods}

    assert {route.replace(API, "") for route in routes} >= {
        *(f"get {path}" for path in GETS),
        *(f"post {path}" for path in POSTS),
        "delete push/subscriptions/{subscription_id}/",
        "post push/act/",
        "post push/renew/",
    }
    assert schema["info"]["version"] == __version__
    assert schema["components"]["schemas"]["InboxItem"]["examples"][0]["kind"] == "comment.reply"


@pytest.fixture
def few(settings: Settings) -> int:
    """Allow the API only a few requests a minute, per person and per address."""
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "API_RATE": "3/m", "API_RATE_PER_ADDRESS": "3/m"}
    return 3


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("path", [*GETS, *POSTS])
def test_the_api_says_how_long_to_wait_beyond_its_rate(
    alice: User, bob: User, client_for: ClientFor, few: int, path: str
) -> None:
    client = client_for(alice)
    with time_machine.travel("2026-11-28T12:00:50Z", tick=False):
        for _ in range(few):
            assert get(client, "notifications/count/").status_code == 200
        refused = get(client, path) if path in GETS else post(client, path, {})
        another = get(client_for(bob), "notifications/count/")

    assert (refused.status_code, refused["Retry-After"]) == (429, "10")
    assert refused.json() == {"detail": "Too many requests. Try again in 10 seconds."}
    assert "no-store" in refused["Cache-Control"]
    assert another.status_code == 200


@both_databases
@pytest.mark.parametrize("path", ["notifications/", "push/act/", "push/renew/"])
def test_signed_out_callers_are_counted_by_address(client: Client, db: None, few: int, path: str) -> None:
    with time_machine.travel("2026-11-28T12:00:50Z", tick=False):
        before = [client.post(API + path).status_code for _ in range(few)]
        beyond = client.post(API + path).status_code
        elsewhere = client.post(API + path, REMOTE_ADDR="192.0.2.7").status_code

    assert 429 not in before
    assert beyond == 429
    assert elsewhere != 429
