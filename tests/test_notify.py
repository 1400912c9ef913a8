"""The signal `notify.send()`: recipients, stored values, and rejected arguments."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import notifications
import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy
from notifications.signals import notify

from accounts.models import User
from notifications_hub import notify as notify_module
from notifications_hub.kinds import Kind, NotificationLike, UnknownKind
from notifications_hub.notification import Notification
from notifications_hub.notify import take_over_signal
from notifications_hub.notify_arguments import BadArgument, BadRecipient
from notifications_hub.streams import Event
from tests.support.log import delivered_to
from tests.support.together import rolled_back, together

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Reader(User):
    """A proxy of the user model."""

    class Meta:
        proxy = True
        app_label = "tests"


class Parcel(models.Model):
    """A model with a primary key that is set before the row exists."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    class Meta:
        app_label = "tests"
        managed = False

    def __str__(self) -> str:
        return "Parcel"


class Letter(models.Model):
    """A model with a primary key of any length."""

    id = models.TextField(primary_key=True)

    class Meta:
        app_label = "tests"
        managed = False

    def __str__(self) -> str:
        return "Letter"


def saved(letter: Letter) -> Letter:
    letter._state.adding = False
    return letter


class ShowsData(Kind):
    """A kind whose title shows its data, so that a test sees what a kind renders from."""

    name = "tests.shows_data"

    def title(self, notification: NotificationLike) -> str:
        return f"{notification.data['at']!r}"


class Optional(Kind):
    """A kind that reads data which not every notification has."""

    name = "tests.optional"

    def title(self, notification: NotificationLike) -> str:
        return str(notification.data.get("words", "nothing"))


def send(actor: Any, recipient: object, **given: Any) -> list[Notification]:
    answers: Any = notify.send(actor, recipient=recipient, **{"verb": "replied", **given})
    [(_receiver, made)] = answers
    return list(made)


@pytest.fixture(autouse=True)
def _content_types_forgotten() -> Iterator[None]:
    """Clear the cache of content types: a rollback removes those of this file's models, but not from the cache."""
    yield
    ContentType.objects.clear_cache()


def recipients() -> list[str]:
    return list(Notification.objects.order_by("recipient__username").values_list("recipient__username", flat=True))


# Stored values


def test_every_documented_argument_is_stored(alice: User, bob: User, charlie: User) -> None:
    moment = datetime(2026, 11, 20, 12, tzinfo=UTC)
    send(
        bob,
        alice,
        verb="moved",
        action_object=bob,
        target=charlie,
        level="warning",
        description="From here to there.",
        public=False,
        timestamp=moment,
        kind="comment.reply",
        url="/posts/9/",
        colour="blue",
    )
    row = Notification.objects.get()
    assert (row.recipient, row.actor, row.action_object, row.target) == (alice, bob, bob, charlie)
    assert (row.verb, row.level, row.description, row.public) == ("moved", "warning", "From here to there.", False)
    assert (row.timestamp, row.kind, row.url) == (moment, "comment.reply", "/posts/9/")
    assert row.data == {"colour": "blue", "url": "/posts/9/"}
    assert (row.unread, row.actor_name, row.target_name) == (True, "Bob", "Charlie")


def test_omitted_arguments_have_their_defaults(alice: User, bob: User) -> None:
    before = datetime.now(UTC)
    send(bob, alice)
    row = Notification.objects.get()
    assert (row.level, row.kind, row.url, row.description, row.public) == ("info", "default", "", None, True)
    assert (row.target, row.target_name, row.action_object, row.data, row.dedupe_key) == (None, "", None, None, None)
    assert before <= row.timestamp <= datetime.now(UTC)


def test_names_stay_as_they_were_when_it_happened(alice: User, bob: User) -> None:
    send(bob, alice, target=bob)
    User.objects.filter(pk=bob.pk).update(first_name="Robert")
    assert Notification.objects.get().message().title == "Bob replied Bob"


def test_a_timestamp_of_none_is_now(alice: User, bob: User) -> None:
    [row] = send(bob, alice, timestamp=None)
    assert datetime.now(UTC) - row.timestamp < timedelta(seconds=10)


def test_a_naive_timestamp_is_in_the_time_zone_of_the_site(alice: User, bob: User) -> None:
    [row] = send(bob, alice, timestamp=datetime(2026, 11, 20, 12))  # noqa: DTZ001 -- a host may pass a naive time
    assert row.timestamp == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_data_and_extra_keywords_are_kept_for_everyone(alice: User, bob: User, charlie: User) -> None:
    send(charlie, [alice, bob], data={"post": 9, "tags": ["a"]}, colour="blue")
    assert [row.data for row in Notification.objects.all()] == [{"post": 9, "tags": ["a"], "colour": "blue"}] * 2


def test_an_extra_keyword_named_like_a_column_becomes_data(alice: User, bob: User) -> None:
    send(bob, alice, recipient_id=bob.pk, deleted=True)
    row = Notification.objects.get()
    assert (row.recipient, row.deleted) == (alice, False)
    assert row.data == {"recipient_id": bob.pk, "deleted": True}


def test_a_link_is_kept_as_data_too(alice: User, bob: User) -> None:
    [linked] = send(bob, alice, url="/posts/9/", data={"url": "/elsewhere/", "post": 9})
    [unlinked] = send(bob, alice, url=None, data={"post": 9})
    assert (linked.url, linked.data) == ("/posts/9/", {"post": 9, "url": "/posts/9/"})
    assert (unlinked.url, unlinked.data) == ("", {"post": 9})


def test_without_data_a_kind_and_a_page_see_an_empty_dict(alice: User, bob: User) -> None:
    [made] = send(bob, alice, kind="tests.optional")
    stored = Notification.objects.get()
    assert made.data is stored.data is None
    [(_kind, item)] = delivered_to(alice)
    assert item["title"] == stored.message().title == "nothing"
    assert item["data"] == stored.item().data == {}


def test_a_kind_sees_the_same_data_now_and_later(alice: User, bob: User) -> None:
    [made] = send(bob, alice, kind="tests.shows_data", at=datetime(2026, 1, 1, tzinfo=UTC), price=Decimal("1.50"))
    stored = Notification.objects.get()
    assert made.data == stored.data
    [(_kind, item)] = delivered_to(alice)
    assert item["title"] == stored.message().title == "'2026-01-01T00:00:00Z'"


def test_a_translated_verb_is_kept_as_text(alice: User, bob: User) -> None:
    [row] = send(bob, alice, verb=gettext_lazy("replied"))
    assert Notification.objects.get(pk=row.pk).verb == "replied"


@pytest.mark.parametrize("concrete", [True, False])
@pytest.mark.parametrize("name", ["actor", "target", "action_object"])
def test_a_proxy_is_stored_as_its_own_model_only_on_request(alice: User, bob: User, name: str, concrete: bool) -> None:
    proxy = Reader.objects.get(pk=bob.pk)
    given = {} if name == "actor" else {name: proxy}
    send(proxy, alice, **given, **{f"{name}_for_concrete_model": concrete})
    expected = ContentType.objects.get_for_model(Reader, for_concrete_model=concrete)
    row = Notification.objects.get()
    assert getattr(row, f"{name}_content_type") == expected
    assert row.data is None


def test_an_actor_may_have_any_primary_key(alice: User) -> None:
    parcel = Parcel()
    parcel._state.adding = False
    send(parcel, alice)
    row = Notification.objects.get()
    assert (row.actor_object_id, row.actor_name) == (str(parcel.pk), "Parcel")


# Recipients


def as_group(*people: User) -> Group:
    group = Group.objects.create(name="readers")
    group.user_set.set(people)
    return group


def as_queryset(*people: User) -> models.QuerySet[User]:
    return User.objects.filter(pk__in=[person.pk for person in people])


HOLDERS: list[Callable[..., object]] = [
    lambda *people: list(people),
    lambda *people: tuple(people),
    lambda *people: set(people),
    lambda *people: dict.fromkeys(people),
    lambda *people: (person for person in people),
    as_queryset,
    as_group,
]


@pytest.mark.parametrize("hold", HOLDERS, ids=["list", "tuple", "set", "dict", "generator", "queryset", "group"])
def test_every_member_is_notified_and_nobody_else(
    alice: User, bob: User, charlie: User, hold: Callable[..., object]
) -> None:
    send(charlie, hold(alice, bob))
    assert recipients() == ["alice", "bob"]
    assert delivered_to(charlie) == []


def test_a_single_person_is_notified(alice: User, bob: User) -> None:
    send(bob, alice)
    assert recipients() == ["alice"]


def test_a_lazy_person_is_notified(alice: User, bob: User) -> None:
    send(SimpleLazyObject(lambda: bob), SimpleLazyObject(lambda: alice))
    assert recipients() == ["alice"]


def test_an_empty_recipient_notifies_nobody(bob: User) -> None:
    assert send(bob, []) == []
    assert not Event.objects.exists()


def test_a_person_named_twice_is_notified_once(alice: User, bob: User) -> None:
    send(bob, [alice, alice, User.objects.get(pk=alice.pk)])
    assert recipients() == ["alice"]
    assert len(delivered_to(alice)) == 1


def test_inactive_people_are_left_out(alice: User, bob: User, charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    charlie.refresh_from_db()
    send(bob, [alice, charlie])
    send(bob, as_group(charlie))
    assert recipients() == ["alice"]


@pytest.mark.parametrize(
    "stranger",
    [None, "alice", 7, AnonymousUser(), User(username="unsaved"), User, Group(name="unsaved")],
    ids=lambda value: type(value).__name__,
)
def test_nothing_is_stored_if_one_recipient_is_invalid(alice: User, bob: User, stranger: object) -> None:
    with pytest.raises(BadRecipient, match="nobody was notified"):
        send(alice, [bob, stranger, alice])
    with pytest.raises(BadRecipient):
        send(alice, stranger)
    assert not Notification.objects.exists()
    assert not Event.objects.exists()


def test_a_missing_verb_or_recipient_is_asked_for(alice: User, bob: User) -> None:
    for missing in ({}, {"verb": None}):
        with pytest.raises(BadArgument, match='give a verb, like verb="replied"'):
            notify.send(alice, recipient=bob, **missing)
    with pytest.raises(BadRecipient, match="give a recipient"):
        notify.send(alice, verb="replied")
    assert not Notification.objects.exists()


def test_nothing_is_stored_if_a_recipient_after_the_first_thousand_is_invalid(bob: User) -> None:
    people = make_people(1001)

    def everyone() -> Iterator[object]:
        yield from people
        yield "nobody"

    with pytest.raises(BadRecipient):
        send(bob, everyone())
    assert not Notification.objects.exists()
    assert not Event.objects.exists()


def test_nothing_is_stored_if_the_iterable_fails_halfway(alice: User, bob: User) -> None:
    def broken() -> Iterator[User]:
        yield alice
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        send(bob, broken())
    assert not Notification.objects.exists()


# Rejected arguments


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"verb": ""}, "verb"),
    ({"verb": "x" * 256}, "verb"),
    ({"verb": "NUL \x00"}, "verb"),
    ({"description": "half \ud800 of a pair"}, "description"),
    ({"level": "loud"}, "level"),
    ({"level": None}, "level"),
    ({"timestamp": "yesterday"}, "timestamp"),
    ({"dedupe_key": "x" * 201}, "dedupe_key"),
    ({"dedupe_key": ""}, "dedupe_key"),
    ({"target": "a post"}, "target"),
    ({"target": User}, "target"),
    ({"target": User(username="unsaved")}, "target"),
    ({"action_object": Group(name="unsaved")}, "action_object"),
    ({"action_object": Parcel()}, "action_object"),
    ({"data": ["a", "list"]}, "data"),
    ({"data": {"when": object()}}, "'when'"),
    ({"post": {1, 2}}, "'post'"),
    ({"ratio": float("nan")}, "'ratio'"),
    ({"words": "NUL \x00"}, "'words'"),
    ({"words": {"a": ["NUL \x00"]}}, "'words'"),
    ({"words": nested(99)}, "'words'.*keep it flat"),
    ({"words": nested(100_000)}, "'words'.*keep it flat"),
    ({"data": {"words": nested(101)}}, "'words'.*keep it flat"),
    ({"verb": "\u200b\u3164"}, "verb"),
]


@pytest.mark.parametrize(
    ("given", "named"), REFUSED, ids=[f"{named}-{number}" for number, (_given, named) in enumerate(REFUSED)]
)
def test_an_argument_that_cannot_be_stored_is_named(alice: User, bob: User, given: dict[str, Any], named: str) -> None:
    with pytest.raises(BadArgument, match=named):
        send(bob, alice, **given)
    assert not Notification.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize("name", ["Bob\0", "Bob \ud83d"], ids=["nul", "surrogate"])
@pytest.mark.parametrize("whose", ["actor", "target"])
def test_a_name_that_cannot_be_stored_is_rejected_with_its_argument(
    alice: User, bob: User, whose: str, name: str
) -> None:
    bob.first_name = name
    given = {"target": bob} if whose == "target" else {}
    with pytest.raises(BadArgument, match=f"the {whose}'s name cannot be stored"):
        send(alice if whose == "target" else bob, alice, **given)
    assert not Notification.objects.exists()


def test_data_of_the_deepest_allowed_nesting_is_stored_and_published(alice: User, bob: User) -> None:
    [row] = send(bob, alice, words=nested(98))
    row.refresh_from_db()
    assert row.data == {"words": nested(98)}


@pytest.mark.parametrize("actor", ["Bob", User, Parcel()], ids=["text", "class", "unsaved"])
def test_an_unsaved_actor_is_rejected(alice: User, actor: object) -> None:
    with pytest.raises(BadArgument, match="sender"):
        send(actor, alice)
    assert not Notification.objects.exists()


@pytest.mark.parametrize("name", ["sender", "target", "action_object"])
def test_a_class_instead_of_an_instance_is_a_type_error_as_in_the_package(alice: User, bob: User, name: str) -> None:
    actor, given = (User, {}) if name == "sender" else (bob, {name: User})
    with pytest.raises(TypeError, match=name) as raised:
        send(actor, alice, **given)
    assert isinstance(raised.value, BadArgument)
    assert not Notification.objects.exists()


def test_an_actor_without_a_primary_key_is_rejected_before_django_hashes_it(alice: User) -> None:
    with pytest.raises(BadArgument, match=r"sender .* is not saved yet; save it first"):
        send(User(username="unsaved"), alice)
    with pytest.raises(BadArgument, match="save it first"):
        async_to_sync(notify.asend)(User(username="unsaved"), recipient=alice, verb="replied")
    assert not Notification.objects.exists()


def test_a_primary_key_too_long_for_the_column_is_rejected(alice: User, bob: User) -> None:
    with pytest.raises(BadArgument, match="target has a primary key of 256 characters"):
        send(bob, alice, target=saved(Letter(id="x" * 256)))
    assert not Notification.objects.exists()


def test_an_undeclared_kind_is_rejected_with_the_remedy(alice: User, bob: User) -> None:
    with pytest.raises(UnknownKind, match=r"comment\.repyl.*known: .*comment\.reply.*notifications\.py"):
        send(bob, alice, kind="comment.repyl")
    assert not Notification.objects.exists()


def test_an_absolute_link_is_data_unless_it_leads_to_this_site(alice: User, bob: User, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"SITE_URL": "https://hub.example"}
    [elsewhere] = send(bob, alice, url="https://shop.example/orders/7/")
    [here] = send(bob, alice, url="https://hub.example/posts/9/")
    [front] = send(bob, alice, url="https://hub.example")
    assert (elsewhere.url, elsewhere.data) == ("", {"url": "https://shop.example/orders/7/"})
    assert (here.url, here.data) == ("/posts/9/", {"url": "/posts/9/"})
    assert front.url == "/"
    with pytest.raises(BadArgument, match="url"):
        send(bob, alice, url="https://hub.example//evil.example/")


@pytest.mark.parametrize("url", ["//evil.example", "/\\evil.example", "https:evil.example", "javascript:alert(1)"])
def test_a_link_to_another_site_is_rejected(alice: User, bob: User, url: str) -> None:
    with pytest.raises(BadArgument, match="url"):
        send(bob, alice, url=url)
    assert not Notification.objects.exists()


def test_an_event_too_large_for_a_page_is_rejected(alice: User, bob: User) -> None:
    with pytest.raises(ValueError, match="65536 bytes"):
        send(bob, alice, description="x" * 70_000)
    assert not Notification.objects.exists()


def test_a_long_chinese_text_is_accepted(alice: User, bob: User) -> None:
    send(bob, alice, description="好" * 15_000)
    assert len(delivered_to(alice)) == 1


# Results


def test_the_created_notifications_are_returned_in_the_order_of_the_people(
    alice: User, bob: User, charlie: User
) -> None:
    made = send(alice, [charlie, bob])
    assert [row.recipient for row in made] == [charlie, bob]
    assert set(made) == set(Notification.objects.all())


def test_open_pages_get_the_whole_item(alice: User, bob: User) -> None:
    [row] = send(bob, alice, target=bob, kind="comment.reply", url="/posts/9/", description="I agree.", post=9)
    [(kind, item)] = delivered_to(alice)
    assert kind == "notification.created"
    assert item == row.item().as_json()
    assert (item["id"], item["actor"], item["body"], item["url"]) == (str(row.pk), "Bob", "I agree.", "/posts/9/")
    assert (item["unread"], item["delivered"], item["toast"]) == (True, False, True)
    assert item["data"] == {"post": 9, "url": "/posts/9/"}


def test_a_rollback_leaves_no_row_and_no_event(alice: User, bob: User) -> None:
    with rolled_back():
        send(bob, alice)
    assert not Notification.objects.exists()
    assert not Event.objects.exists()


def test_the_package_itself_offers_the_same_signal() -> None:
    assert notifications.notify is notify


@pytest.mark.parametrize("ours_first", [True, False])
def test_ours_is_the_only_receiver_in_either_order_of_the_apps(alice: User, bob: User, ours_first: bool) -> None:
    package = apps.get_app_config("notifications")
    notify.disconnect(dispatch_uid="notifications.models.notification")
    try:
        for set_up in (take_over_signal, package.ready) if ours_first else (package.ready, take_over_signal):
            set_up()
        answers = notify.send(bob, recipient=alice, verb="replied")
    finally:
        take_over_signal()
    assert [receiver for receiver, _made in answers] == [notify_module.notify_handler]
    assert len(delivered_to(alice)) == 1


# Dedupe keys


def test_a_repeated_key_is_ignored(alice: User, bob: User) -> None:
    send(bob, alice, dedupe_key="reply-9")
    assert send(bob, alice, dedupe_key="reply-9") == []
    assert len(delivered_to(alice)) == 1


def test_each_person_has_their_own_keys(alice: User, bob: User, charlie: User) -> None:
    send(charlie, alice, dedupe_key="reply-9")
    made = send(charlie, [alice, bob], dedupe_key="reply-9")
    assert [row.recipient for row in made] == [bob]
    assert recipients() == ["alice", "bob"]


def test_nothing_is_ignored_without_a_key(alice: User, bob: User) -> None:
    send(bob, alice)
    send(bob, alice)
    assert len(delivered_to(alice)) == 2


@pytest.mark.django_db(transaction=True)
def test_only_one_of_several_concurrent_senders_of_a_key_succeeds(
    alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without this check no sender sees another's rows, as if all began in the same instant.
    monkeypatch.setattr(notify_module, "_without_duplicates", lambda key, people: people)
    made = together([partial(send, charlie, [alice, bob], dedupe_key="reply-9")] * 4)
    assert sorted(len(rows) for rows in made) == [0, 0, 0, 2]
    assert recipients() == ["alice", "bob"]
    assert [len(delivered_to(person)) for person in (alice, bob)] == [1, 1]


def test_a_rollback_frees_the_key(alice: User, bob: User) -> None:
    with rolled_back():
        send(bob, alice, dedupe_key="reply-9")
    assert len(send(bob, alice, dedupe_key="reply-9")) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_concurrent_senders_of_a_key_never_deadlock(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify_module, "_without_duplicates", lambda key, people: people)
    # One statement per person, so that the senders are sure to meet halfway.
    monkeypatch.setattr(notify_module, "CHUNK", 1)
    people = make_people(40)
    orders = [people, people[::-1], random.Random(1).sample(people, len(people))]
    made = together([partial(send, bob, order, dedupe_key="key") for order in orders])
    assert sorted(len(rows) for rows in made) == [0, 0, 40]


# Cost


def make_people(count: int) -> list[User]:
    return User.objects.bulk_create([User(username=f"person{number}") for number in range(count)])


@pytest.mark.django_db(transaction=True)
def test_two_and_a_half_thousand_people_are_notified_in_few_queries(bob: User) -> None:
    make_people(2500)
    with CaptureQueriesContext(connection) as queries:
        send(bob, User.objects.filter(username__startswith="person"))
    assert Notification.objects.count() == 2500
    assert Event.objects.exclude(seq=None).count() == 2500
    # SQLite accepts a thousand values per statement, so it needs an insert for about every 30 rows.
    assert len(queries) < (80 if connection.vendor == "postgresql" else 220)


# Flood limits


class Nudged(Kind):
    """A kind limited to three per minute from one actor."""

    name = "tests.nudged"
    per_minute = 3


def wake_celery(actor: User, recipient: object, **given: Any) -> list[str]:
    return [row.recipient.username for row in send(actor, recipient, kind="tests.nudged", **given)]


def test_an_actor_notifies_a_person_at_most_per_minute_times(
    alice: User, bob: User, charlie: User, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        wake_celery(bob, alice)

    assert wake_celery(bob, [alice, charlie]) == ["charlie"]
    assert "tests.nudged: left out 1 people who got 3 from one actor in a minute" in caplog.text
    assert wake_celery(charlie, alice) == ["alice"]
    assert [row.kind for row in send(bob, alice)] == ["default"]
    assert Notification.objects.filter(recipient=alice, kind="tests.nudged").count() == 4
    assert len(delivered_to(alice)) == 5


def test_a_minute_later_the_actor_may_notify_again(alice: User, bob: User) -> None:
    long_ago = datetime.now(UTC) - timedelta(seconds=61)
    for _ in range(3):
        wake_celery(bob, alice, timestamp=long_ago)

    assert wake_celery(bob, alice) == ["alice"]
    assert wake_celery(bob, alice, timestamp=long_ago) == []


def test_the_flood_check_is_one_query_for_all_recipients(alice: User, bob: User) -> None:
    crowd = User.objects.bulk_create(User(username=f"reader-{number}") for number in range(60))

    def queries(kind: str, people: list[User]) -> int:
        with CaptureQueriesContext(connection) as made:
            send(bob, people, kind=kind)
        return len(made)

    queries("tests.nudged", [alice])
    assert queries("tests.nudged", [alice]) == queries("default", [alice]) + 1
    assert queries("tests.nudged", crowd) == queries("default", crowd) + 1


def test_the_flood_check_reads_only_the_last_minute_of_an_inbox(alice: User, bob: User) -> None:
    day = timedelta(days=1)
    old = (Notification(recipient=alice, verb="x", timestamp=datetime.now(UTC) - n * day) for n in range(1, 3000))
    Notification.objects.bulk_create(old)
    with CaptureQueriesContext(connection) as made:
        wake_celery(bob, alice)
    [check] = [query["sql"] for query in made if "COUNT(" in query["sql"]]
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
        sql.execute(f"EXPLAIN {'' if connection.vendor == 'postgresql' else 'QUERY PLAN'} {check}")
        plan = str(sql.fetchall())

    assert "USING INDEX hub_inbox (recipient_id=? AND timestamp>? AND timestamp<?)" in plan or (
        "Index Scan using hub_inbox on" in plan
        and re.search(r"Index Cond: \(\(recipient_id = .*? AND \(\"timestamp\" > ", plan)
    )


@pytest.mark.parametrize("number", [0, -1])
def test_a_limit_below_one_is_rejected(number: int) -> None:
    with pytest.raises(ValueError, match="write 1 or more, or None"):
        type("Mute", (Kind,), {"name": "tests.mute", "per_minute": number})
