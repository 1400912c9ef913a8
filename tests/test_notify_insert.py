"""The statement of `notify.send()` on PostgreSQL: its cost, its locks, and the number it gives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from django.db import ProgrammingError, connection, models, transaction
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub import kinds, streams
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.kinds import Kind
from notifications_hub.notification import Notification
from notifications_hub.streams import Event, Stream, inbox_topic
from notifications_hub.streams.numberer import Numberer
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.transports.web_push.transport import WebPush
from tests.support.log import delivered_to, holes, leave_unnumbered, unnumbered
from tests.support.together import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"


@pytest.fixture(autouse=True)
def _push_is_on(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": KEY}


class Careful(WebPush):
    """A host's transport that finds fewer addresses than the table holds."""

    def addresses_of(self, people: Any) -> dict[Any, list[str]]:
        return {}


def send(actor: User, recipient: object, **given: Any) -> list[Notification]:
    answers: Any = notify.send(actor, recipient=recipient, **{"verb": "replied", **given})
    return list(answers[0][1])


def browser_of(person: User, **columns: Any) -> PushSubscription:
    name = f"{person.pk}-{PushSubscription.objects.count()}"
    return PushSubscription.objects.create(
        owner=person, endpoint=f"https://push/{name}", endpoint_hash=name, p256dh="x", auth="y", **columns
    )


def make_people(count: int) -> list[User]:
    return User.objects.bulk_create([User(username=f"person{number}") for number in range(count)])


def statements(act: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        act()
    return [query["sql"].split()[0] for query in queries]


def top(person: User) -> int:
    return Stream.objects.get(topic=inbox_topic(person.pk)).top


# Cost


def test_one_person_is_notified_by_one_statement(alice: User, bob: User, numberer: Numberer) -> None:
    browsers = [str(browser_of(alice).pk), str(browser_of(alice).pk)]
    send(bob, alice)
    assert statements(lambda: send(bob, alice, target=bob, url="/", colour="blue")) == ["WITH"]
    assert numberer.finish(20)
    assert list(Event.objects.order_by("id").values_list("seq", flat=True)) == [1, 2]
    planned = Delivery.objects.order_by("id").values_list("notification", "transport", "address", "state")
    [_first, second] = Notification.objects.order_by("id").values_list("id", flat=True)
    assert set(planned[2:]) == {(second, "web_push", browser, "waiting") for browser in browsers}


def test_in_a_transaction_a_savepoint_keeps_the_callers_work(alice: User, bob: User, numberer: Numberer) -> None:
    with transaction.atomic(), connection.cursor() as sql:
        send(bob, alice)
        sql.execute("ALTER TABLE notifications_hub_preference RENAME TO gone")
        with pytest.raises(ProgrammingError):
            send(bob, alice)
        sql.execute("ALTER TABLE gone RENAME TO notifications_hub_preference")
        assert statements(lambda: send(bob, alice)) == ["SAVEPOINT", "WITH", "RELEASE"]
    assert Notification.objects.count() == 2


def test_a_caller_may_turn_autocommit_off(alice: User, bob: User, numberer: Numberer) -> None:
    send(bob, alice)
    transaction.set_autocommit(False)
    send(bob, alice)
    transaction.rollback()
    send(bob, alice)
    transaction.commit()
    transaction.set_autocommit(True)
    assert numberer.finish(20)
    assert (Notification.objects.count(), unnumbered(), holes()) == (2, 0, [])


def test_a_repeated_key_is_left_out_by_the_same_statement(alice: User, bob: User, numberer: Numberer) -> None:
    send(bob, alice, dedupe_key="reply-9")
    assert statements(lambda: send(bob, alice, dedupe_key="reply-9")) == ["WITH"]
    assert (Notification.objects.count(), Event.objects.count()) == (1, 1)


def test_many_people_take_a_statement_for_each_thousand(bob: User, numberer: Numberer) -> None:
    people = make_people(3500)
    send(bob, bob)
    assert statements(lambda: send(bob, people)) == ["BEGIN", *["WITH"] * 4, "COMMIT"]
    assert numberer.finish(20)
    assert (Notification.objects.count(), unnumbered()) == (3501, 0)
    assert statements(lambda: streams.number([inbox_topic(person.pk) for person in people])) == ["WITH"] * 4


def test_no_part_of_the_statement_reads_a_whole_table(alice: User, bob: User, numberer: Numberer) -> None:
    browser_of(alice)
    send(bob, alice)
    with CaptureQueriesContext(connection) as queries:
        send(bob, alice)
    with transaction.atomic(), connection.cursor() as sql:
        # Without this, the planner reads small tables whole, although there is an index.
        sql.execute("SET LOCAL enable_seqscan = off")
        sql.execute("EXPLAIN (FORMAT JSON) " + queries[0]["sql"].replace("%", "%%"))
        [[[plan]]] = sql.fetchall()
    read = [(node["Node Type"], node["Relation Name"]) for node in nodes(plan["Plan"]) if "Relation Name" in node]
    assert {name for _type, name in read} > {"notifications_hub_preference", "notifications_hub_pushsubscription"}
    assert [name for type_, name in read if type_ == "Seq Scan"] == []


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


# Contents


def test_each_person_gets_their_delivery_methods_and_addresses(
    alice: User, bob: User, charlie: User, numberer: Numberer
) -> None:
    browser_of(alice)
    browser = browser_of(bob)
    browser_of(charlie, quarantined_at="2026-11-20T12:00Z")
    choose_methods(alice, "default", ["live"])
    choose_methods(bob, "default", ["web_push"])
    made = send(charlie, [alice, bob, charlie])
    assert [(row.recipient, row.toast, row.flash) for row in made] == [
        (alice, True, False),
        (bob, False, False),
        (charlie, True, True),
    ]
    assert [
        item["toast"]
        for person in (alice, bob, charlie)
        for _kind, item in delivered_to(person, "notification.created")
    ] == [
        True,
        False,
        True,
    ]
    assert list(Delivery.objects.values_list("notification", "address")) == [(made[1].pk, str(browser.pk))]


def test_a_returned_row_is_equal_to_the_stored_one(alice: User, bob: User, numberer: Numberer) -> None:
    [made] = send(bob, alice, target=alice, action_object=bob, description="I agree.", url="/", data={"a": [1]})
    stored = Notification.objects.get()
    names = [field.attname for field in Notification._meta.concrete_fields]
    assert {name: getattr(made, name) for name in names} == {name: getattr(stored, name) for name in names}
    assert statements(lambda: (made.recipient, made.actor_content_type, made.target_content_type)) == []
    made.verb = "agreed"
    made.save()
    assert Notification.objects.get().verb == "agreed"


def test_returned_rows_are_independent_and_announced_to_djangos_signals(
    alice: User, bob: User, numberer: Numberer
) -> None:
    seen: list[int] = []

    def receive(instance: Notification, **kwargs: Any) -> None:
        seen.append(instance.recipient_id)

    first, second = send(bob, [alice, bob])
    first.verb, first._state.adding = "agreed", True
    assert (second.verb, second._state.adding) == ("replied", False)
    models.signals.post_init.connect(receive, sender=Notification)
    try:
        made = send(bob, [alice, bob])
    finally:
        models.signals.post_init.disconnect(receive, sender=Notification)
    assert [row.recipient for row in made] == [alice, bob]
    assert len(seen) >= 2


def test_the_words_are_those_of_each_persons_language(
    alice: User, bob: User, charlie: User, numberer: Numberer
) -> None:
    User.objects.filter(pk=bob.pk).update(language="zh-hans")
    bob.refresh_from_db()
    made = send(charlie, [alice, bob, charlie], kind="comment.reply")
    titles = [item["title"] for person in (alice, bob, charlie) for _kind, item in delivered_to(person)]
    assert titles[0] == titles[2] != titles[1]
    for person, row in zip((alice, bob, charlie), made, strict=True):
        [(_kind, item)] = delivered_to(person)
        assert (item["id"], item["tag"]) == (str(row.pk), f"n{row.pk}")


def test_a_kind_may_address_its_reader_by_name(alice: User, bob: User, charlie: User, numberer: Numberer) -> None:
    class Personal(Kind):
        name = "tests.personal"

        def title(self, notification: Any) -> str:
            return f"{notification.recipient.first_name}, see number {notification.pk}"

    try:
        made = send(charlie, [alice, bob], kind="tests.personal")
    finally:
        del kinds._kinds["tests.personal"]
    titles = [item["title"] for person in (alice, bob) for _kind, item in delivered_to(person)]
    assert titles == [f"Alice, see number {made[0].pk}", f"Bob, see number {made[1].pk}"]


def test_a_subclass_of_a_transport_that_finds_other_addresses_is_asked(
    alice: User, bob: User, settings: Settings, numberer: Numberer
) -> None:
    browser_of(alice)
    careful = {"web_push": f"{Careful.__module__}.{Careful.__qualname__}"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": careful}
    send(bob, alice)
    assert not Delivery.objects.exists()


# The number


def test_a_known_stream_is_numbered_in_the_statement(
    alice: User, bob: User, numberer: Numberer, received: list[Mapping[str, int]]
) -> None:
    send(bob, alice)
    assert numberer.finish(20)
    epoch = Stream.objects.get().epoch
    received.clear()
    send(bob, alice)
    assert (unnumbered(), top(alice), received) == (0, 2, [{inbox_topic(alice.pk): 2}])
    assert Stream.objects.get().epoch == epoch


def test_a_new_timeline_begins_a_new_epoch(alice: User, bob: User, numberer: Numberer) -> None:
    send(bob, alice)
    assert numberer.finish(20)
    Stream.objects.update(timeline=77)
    epoch = Stream.objects.get().epoch
    send(bob, alice)
    assert (top(alice), Stream.objects.get().timeline) != (2, 77)
    assert Stream.objects.get().epoch != epoch


def test_an_event_is_not_numbered_before_an_earlier_one(alice: User, bob: User, numberer: Numberer) -> None:
    topic = inbox_topic(alice.pk)
    send(bob, alice)
    assert numberer.finish(20)
    leave_unnumbered(topic)
    send(bob, alice)
    assert numberer.finish(20)
    assert list(Event.objects.order_by("seq").values_list("kind", flat=True)) == [
        "notification.created",
        "note",
        "notification.created",
    ]


def locks_nothing_of(person: User, *, within: Callable[[], object]) -> None:
    """Run `within` in a thread until it waits for this thread's lock, and assert that the person's stream is free."""
    done = threading.Event()

    def act() -> None:
        together([within])
        done.set()

    thread = threading.Thread(target=act)
    with transaction.atomic():
        list(User.objects.select_for_update().filter(pk=person.pk))
        thread.start()
        assert not done.wait(0.5)
        list(Stream.objects.select_for_update(nowait=True))
    thread.join(20)
    assert done.is_set()


def test_a_sender_who_waits_for_a_locked_person_does_not_hold_the_stream(
    alice: User, bob: User, numberer: Numberer
) -> None:
    send(bob, alice)
    assert numberer.finish(20)
    locks_nothing_of(alice, within=lambda: send(bob, alice))
    assert numberer.finish(20)
    assert (unnumbered(), top(alice)) == (0, 2)


def test_a_sender_does_not_wait_for_a_locked_stream(alice: User, bob: User, numberer: Numberer) -> None:
    send(bob, alice)
    assert numberer.finish(20)
    with transaction.atomic():
        list(Stream.objects.select_for_update(no_key=True))
        together([partial(send, bob, alice)])
        assert (Notification.objects.count(), unnumbered()) == (2, 1)
    assert numberer.finish(20)
    assert (unnumbered(), top(alice)) == (0, 2)


def test_a_transaction_does_not_hold_the_stream(alice: User, bob: User, numberer: Numberer) -> None:
    send(bob, alice)
    assert numberer.finish(20)

    def lock() -> None:
        with transaction.atomic():
            list(Stream.objects.select_for_update(nowait=True))

    with transaction.atomic():
        send(bob, alice)
        together([lock])
    assert numberer.finish(20)
    assert (unnumbered(), top(alice)) == (0, 2)


def test_many_senders_to_one_person_leave_no_hole(alice: User, bob: User, numberer: Numberer) -> None:
    def alone(times: int) -> None:
        for _ in range(times):
            send(bob, alice)

    def in_transactions(times: int) -> None:
        for _ in range(times):
            with transaction.atomic():
                send(bob, alice)

    together([partial(way, 20) for way in (alone, alone, alone, in_transactions)])
    assert numberer.finish(20)
    assert (unnumbered(), top(alice), holes()) == (0, 80, [])


def test_in_a_stricter_isolation_the_number_comes_later(
    alice: User, bob: User, numberer: Numberer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(bob, alice)
    assert numberer.finish(20)
    # There, a stream that somebody else has just numbered would fail the whole statement.
    monkeypatch.setattr("notifications_hub.streams.store.number_soon", lambda topics: None)
    with connection.cursor() as sql:
        sql.execute("SET default_transaction_isolation = 'repeatable read'")
        try:
            send(bob, alice)
        finally:
            sql.execute("RESET default_transaction_isolation")
    assert (unnumbered(), top(alice)) == (1, 1)
