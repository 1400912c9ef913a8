"""Actions run once, whoever clicks, and say who did what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notifications_hub import Action
from notifications_hub.actions import claims
from notifications_hub.actions.models import ActionResult
from notifications_hub.delivery.models import Delivery
from notifications_hub.notification import Notification
from notifications_hub.ops import retention
from tests.actions import support
from tests.actions.support import Request, ask, click, runs
from tests.inbox.support import events_of, send_one
from tests.support.together import in_process, together

if TYPE_CHECKING:
    from accounts.models import User

    ClientFor = Callable[[User], Client]

both_databases = pytest.mark.both_databases(short="postgresql")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "PAUSE", 0)


@both_databases
@pytest.mark.django_db(transaction=True)
def test_five_people_who_click_at_once_run_it_once(
    bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(support, "PAUSE", 0.5)
    users = get_user_model().objects
    people = [users.create_user(f"approver{number}", first_name=f"Approver {number}") for number in range(5)]
    rows = ask(people, bob)
    clients = [client_for(person) for person in people]
    clicks = [lambda at=at: click(clients[at], rows[at], "approve") for at in range(5)]
    answers = together(clicks)
    statuses = sorted(answer.status_code for answer in answers)

    assert runs() == ["approved 0"]
    assert statuses == [200, 409, 409, 409, 409]
    winner = next(answer.json()["result"] for answer in answers if answer.status_code == 200)
    assert winner["text"].startswith("Approved by Approver")
    for person, row, client in zip(people, rows, clients, strict=True):
        shown = client.get("/api/v1/notifications/").json()["results"][0]
        assert shown["result"] == winner
        assert "actions" not in shown
        assert [event["result"] for event in events_of(person, "notification.updated")] == [winner]
        late = click(client, row, "decline", "Too late.")
        assert (late.status_code, late.json()["result"]) == (409, winner)
    assert runs() == ["approved 0"]


@both_databases
@pytest.mark.django_db(transaction=True)
def test_a_run_that_outlasts_its_claim_is_not_begun_twice(
    bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LEASE", timedelta(0))
    monkeypatch.setattr(support, "PAUSE", 0.5)
    people = [get_user_model().objects.create_user(f"approver{number}") for number in range(5)]
    rows = ask(people, bob)
    clients = [client_for(person) for person in people]
    clicks = [lambda at=at: click(clients[at], rows[at], "approve") for at in range(5)]
    answers = together(clicks)

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert runs() == ["approved 0"]


@both_databases
@pytest.mark.django_db(transaction=True)
def test_of_two_different_actions_at_once_one_runs(
    alice: User, charlie: User, bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(support, "PAUSE", 0.3)
    rows = ask([alice, charlie], bob)
    clients = [client_for(alice), client_for(charlie)]
    answers = together(
        [lambda: click(clients[0], rows[0], "approve"), lambda: click(clients[1], rows[1], "decline", "No.")]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(runs()) == 1


@both_databases
def test_a_failing_function_leaves_nothing_and_can_be_tried_again(
    alice: User, bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Request, "mended", False)
    [row] = ask([alice], bob)
    answer = click(client_for(alice), row, "break")

    assert (answer.status_code, answer.json()) == (500, {"detail": "That didn't work. Please try again."})
    assert runs() == []
    assert "a fault of the host" in caplog.text
    assert not events_of(alice, "notification.updated")

    monkeypatch.setattr(Request, "mended", True)
    again = click(client_for(alice), row, "break")
    assert again.json()["result"]["text"] == f"{alice} chose “Break”"
    assert runs() == ["failed"]


def test_an_asynchronous_function_neither_runs_nor_allows(
    alice: User, bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def later(*given: object) -> bool:
        return True

    [row] = ask([alice], bob)
    asynchronous: Any = later
    for action, status in (
        (Action("go", "Go", run=support.approve, allowed=asynchronous), 403),
        (Action("go", "Go", run=asynchronous), 500),
    ):
        actions = [action]
        monkeypatch.setattr(Request, "actions", lambda self, notification, actions=actions: actions)
        assert click(client_for(alice), row, "go").status_code == status
    assert not runs()
    assert not ActionResult.objects.exclude(at=None)


@both_databases
def test_a_process_that_is_killed_in_the_middle_leaves_an_action_that_can_run(
    transactional_db: None, alice: User, bob: User, client_for: ClientFor
) -> None:
    [row] = ask([alice], bob)
    killed = in_process(f"""
        import os
        from django.contrib.auth.models import Group
        from notifications_hub.actions.running import run_action
        from notifications_hub.notification import Notification
        from tests.actions import support

        def die(seconds):
            assert Group.objects.count() == 1
            os._exit(9)

        support.time.sleep = die
        row = Notification.objects.get(pk={row.pk})
        run_action(row, "approve", row.recipient)
    """)
    assert killed.wait(60) == 9
    assert runs() == []
    busy = click(client_for(alice), row, "approve")
    assert (busy.status_code, busy.json()["result"]) == (409, None)

    ActionResult.objects.update(claimed_until=datetime.now(UTC) - timedelta(seconds=1))
    assert click(client_for(alice), row, "approve").status_code == 200
    assert runs() == ["approved 0"]


@both_databases
def test_rights_are_checked_at_the_click(
    alice: User, bob: User, charlie: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = ask([alice], bob)
    assert client_for(alice).get("/api/v1/notifications/").json()["results"][0]["actions"][0]["name"] == "approve"
    monkeypatch.setattr(Request, "allows", False)

    assert click(client_for(alice), row, "approve").status_code == 403
    assert click(client_for(charlie), row, "approve").status_code == 404
    assert click(Client(), row, "approve").status_code == 401
    assert runs() == []


def test_a_click_without_a_csrf_token_is_refused(alice: User, bob: User) -> None:
    [row] = ask([alice], bob)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    assert click(client, row, "approve").status_code == 403
    assert runs() == []


def test_a_word_is_required_and_limited(alice: User, bob: User, client_for: ClientFor) -> None:
    [row] = ask([alice], bob)
    client = client_for(alice)
    without = click(client, row, "decline")
    blank = click(client, row, "decline", "  ")
    long = click(client, row, "decline", "a" * 501)

    assert [one.status_code for one in (without, blank, long)] == [422, 422, 422]
    assert without.json()["detail"] == "Please answer: Why not?"
    assert runs() == []
    done = click(client, row, "decline", " It is \0full. ").json()["result"]
    assert (done["text"], done["detail"]) == (f"No, says {alice}", "“It is full.”")
    [longest] = ask([alice], bob)
    assert click(client, longest, "decline", "a" * 500).json()["result"]["detail"] == f"“{'a' * 500}”"


def test_a_function_may_refuse_in_its_own_words(
    alice: User, bob: User, client_for: ClientFor, caplog: pytest.LogCaptureFixture
) -> None:
    [row] = ask([alice], bob)
    refused = click(client_for(alice), row, "refuse")

    assert (refused.status_code, refused.json()["detail"]) == (409, "The garden is full.")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert click(client_for(alice), row, "approve").status_code == 200


def test_an_action_marks_the_item_as_read_and_cancels_what_waits_for_the_others(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    rows = ask([alice, charlie], bob)
    for row in rows:
        Delivery.objects.create(notification=row, transport="web_push", address="1", due_at=datetime.now(UTC))
    click(client_for(alice), rows[0], "approve")

    assert list(Notification.objects.order_by("pk").values_list("unread", flat=True)) == [False, True]
    assert list(Delivery.objects.order_by("pk").values_list("state", "reason")) == [
        ("cancelled", "read"),
        ("cancelled", "decided"),
    ]


@both_databases
def test_each_answers_an_invitation_for_themselves(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    rows = ask([alice, charlie], bob, kind="tests.invitation")
    assert click(client_for(alice), rows[0], "accept").status_code == 200
    assert click(client_for(charlie), rows[1], "accept").status_code == 200
    assert click(client_for(alice), rows[0], "accept").status_code == 409
    assert len(runs()) == 2


@both_databases
def test_notifications_that_name_the_same_thing_share_a_result(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    [first] = ask([alice], bob, kind="tests.repeated", data={"request": 7})
    [second] = ask([charlie], bob, kind="tests.repeated", data={"request": 7})
    [other] = ask([charlie], bob, kind="tests.repeated", data={"request": 8})
    click(client_for(alice), first, "approve")

    assert click(client_for(charlie), second, "approve").status_code == 409
    assert click(client_for(charlie), other, "approve").status_code == 200
    # One that comes after the result shows it at once, in its first event too.
    [late] = ask([bob], alice, kind="tests.repeated", data={"request": 7})
    assert events_of(bob, "notification.created")[-1]["result"]["by"] == str(alice)
    assert late.item().as_json()["result"]["text"] == f"Approved by {alice}"


@both_databases
def test_pages_ask_for_results_once_and_only_if_something_shown_has_actions(
    alice: User, bob: User, client_for: ClientFor
) -> None:
    client = client_for(alice)
    send_one(alice, bob)
    client.get("/api/v1/notifications/")
    with CaptureQueriesContext(connection) as plain:
        client.get("/api/v1/notifications/")
    assert not [one for one in plain.captured_queries if "actionresult" in one["sql"]]
    rows = [ask([alice], bob)[0] for _ in range(5)]
    click(client, rows[0], "approve")
    with CaptureQueriesContext(connection) as asked:
        client.get("/api/v1/notifications/")
    assert len([one for one in asked.captured_queries if "actionresult" in one["sql"]]) == 1


def test_the_name_of_a_person_stays_when_they_are_deleted(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    rows = ask([alice, charlie], bob)
    click(client_for(alice), rows[0], "approve")
    name = str(alice)
    alice.delete()

    assert Notification.objects.get(pk=rows[1].pk).item().as_json()["result"]["text"] == f"Approved by {name}"


def test_a_plain_kind_has_neither_key_nor_actions(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    assert row.action_key is None
    assert not {"actions", "result"} & row.item().as_json().keys()


@both_databases
def test_a_result_is_pruned_once_no_notification_shows_it(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    rows = ask([alice, charlie], bob)
    [own] = ask([alice], bob, kind="tests.invitation")
    click(client_for(alice), rows[0], "approve")
    click(client_for(alice), own, "accept")
    later = datetime.now(UTC) + timedelta(days=1)
    Notification.objects.filter(pk=rows[0].pk).delete()
    retention.prune(later)
    assert ActionResult.objects.count() == 2
    Notification.objects.all().delete()
    retention.prune(later)
    assert ActionResult.objects.count() == 0
