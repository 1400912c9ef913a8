"""The words of a group, and what has a key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from notifications.signals import notify

from accounts.models import User
from notifications_hub import BadArgument, Kind, NotificationGroup, SystemActor
from notifications_hub.grouping.members import load_groups
from notifications_hub.grouping.words import group_json, message_of_group
from notifications_hub.inbox.queries import items
from notifications_hub.notification import Notification
from tests.inbox.support import API, ClientFor, events_of, send_one

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Replied(Kind):
    name = "tests.replied_together"
    label = "Replies"

    def group_key(self, notification: Any) -> str:
        return f"post-{notification.data['post']}" if "post" in notification.data else ""

    def title(self, notification: Any) -> str:
        return f"{notification.actor_name} replied to you"


class Worded(Kind):
    name = "tests.worded"

    def group_title(self, group: NotificationGroup) -> str:
        return f"{group.number} from {group.who}, at last {group.newest.verb}"

    def group_body(self, group: NotificationGroup) -> str:
        raise RuntimeError("a fault of the host")


def title(person: User) -> str:
    [row] = items(person).rows
    return message_of_group(row).title


def people(*names: str) -> list[User]:
    return [User.objects.create_user(name.lower(), first_name=name) for name in names]


def test_all_actors_are_named_in_place_of_the_newest(alice: User) -> None:
    ann, ben, cora, dan = people("Ann", "Ben", "Cora", "Dan")
    expected = ["ann replied to you", "ben and ann replied to you", "ann and ben replied to you"]
    titles = []
    for actor in (ann, ben, ann, cora, dan):
        send_one(alice, actor, kind=Replied.name, post=9)
        titles.append(title(alice).lower())
    assert titles[:3] == expected
    assert titles[3:] == ["cora and 2 others replied to you", "dan and 3 others replied to you"]
    with translation.override("zh-hans"):
        assert "dan" in title(alice).lower()


def test_several_of_one_actor_are_counted(alice: User, bob: User) -> None:
    for _ in range(3):
        send_one(alice, bob, kind=Replied.name, post=9)
    assert title(alice) == f"{bob} replied to you (3)"


def test_actors_with_one_name_are_two_and_the_site_is_none(alice: User, bob: User) -> None:
    for actor in (SystemActor("Billing"), bob, SystemActor("Billing")):
        notify.send(actor, recipient=alice, verb="x", kind=Replied.name, post=9)
    notify.send(None, recipient=alice, verb="x", kind=Replied.name, post=9)
    [row] = items(alice).rows
    assert row.group is not None
    assert (row.group.count, list(row.group.actors)) == (4, ["Billing", str(bob)])


def test_a_kind_words_its_groups_and_a_fault_of_it_hides_nothing(alice: User, bob: User) -> None:
    for number in range(2):
        send_one(alice, bob, f"number {number}", kind=Worded.name, group_key="one", description="Text")
    [row] = items(alice).rows
    assert group_json(row) == {
        "key": "tests.worded:one",
        "count": 2,
        "title": f"2 from {bob}, at last number 1",
        "body": "Text",
        "actors": [str(bob)],
    }


def test_the_argument_wins_and_what_must_be_confirmed_stands_alone(alice: User, bob: User) -> None:
    given: dict[str, Any] = {"kind": Replied.name, "post": 9}
    assert send_one(alice, bob, **given).group_key == "tests.replied_together:post-9"
    assert send_one(alice, bob, group_key="mine", **given).group_key == "tests.replied_together:mine"
    assert send_one(alice, bob, must_acknowledge=True, **given).group_key is None
    assert send_one(alice, bob).group_key is None
    assert send_one(alice, bob, group_key="x" * 200).group_key.startswith("sha256:")  # type: ignore[union-attr]
    for bad in ("", " ", "x" * 201, "\0"):
        with pytest.raises(BadArgument, match="group_key"):
            send_one(alice, bob, group_key=bad)


def test_keys_of_two_kinds_are_two_groups(alice: User, bob: User) -> None:
    for kind in (Replied.name, Worded.name, Replied.name):
        send_one(alice, bob, kind=kind, group_key="same")
    assert [row.kind for row in items(alice).rows] == [Replied.name, Worded.name]


def test_an_event_has_the_key_and_the_api_the_rest(alice: User, bob: User, client_for: ClientFor) -> None:
    rows = [send_one(alice, bob, kind=Replied.name, post=9) for _ in range(3)]
    key = "tests.replied_together:post-9"
    created = events_of(alice, "notification.created")
    assert [one["group"] for one in created] == [{"key": key}] * 3
    assert {one["tag"] for one in created} == {f"group:{key}"}
    client = client_for(alice)
    [listed] = get(client)["results"]
    assert (listed["id"], listed["title"]) == (rows[-1].item_id, f"{bob} replied to you")
    whole = {"key": key, "count": 3, "title": f"{bob} replied to you (3)", "body": "", "actors": [str(bob)]}
    assert listed["group"] == whole
    singly = get(client, group=key)
    assert [one["group"] for one in singly["results"]] == [{"key": key}] * 3
    assert singly["group"] == whole
    assert len(get(client, grouped="false")["results"]) == 3
    assert client.get(f"{API}notifications/", {"group": key, "kind": "x"}).status_code == 400
    answer = client.post(
        f"{API}notifications/read/",
        json.dumps({"ids": [rows[1].item_id], "groups": True}),
        content_type="application/json",
    )
    assert answer.json() == {"changed": 2}
    assert "count" not in get(client)["results"][0]["group"]


def get(client: Client, **query: str) -> Any:
    return client.get(f"{API}notifications/", query).json()


def test_a_group_of_another_person_shows_nothing(alice: User, bob: User, charlie: User, client_for: ClientFor) -> None:
    row = send_one(alice, bob, kind=Replied.name, post=9)
    send_one(charlie, bob, kind=Replied.name, post=9)
    assert title(charlie) == f"{bob} replied to you"
    [listed] = get(client_for(charlie), group="tests.replied_together:post-9")["results"]
    assert listed["id"] != row.item_id


def test_without_a_group_nothing_is_asked(alice: User, bob: User, django_assert_num_queries: Any) -> None:
    send_one(alice, bob)
    rows = list(Notification.objects.filter(recipient=alice))
    with django_assert_num_queries(0):
        load_groups(rows)
