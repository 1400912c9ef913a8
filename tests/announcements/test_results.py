"""The results of an announcement: every figure is exact, however its steps are interrupted."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import announce, personal_rows
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results import failures, folding, tallies, watching
from notifications_hub.announcements.results.figures import Figures, figures_of
from notifications_hub.announcements.results.models import ResultFigure, ResultFold, ResultTally, ResultWatch, What
from notifications_hub.announcements.results.tallies import Before
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.delivery import acknowledgement
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preparing import act_token
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.worker import Worker
from notifications_hub.models import Notification
from notifications_hub.ops import retention
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Stream
from notifications_hub.streams.sweeper import sweep
from notifications_hub.transports.web_push.subscriptions import register
from notifications_hub.transports.web_push.vapid import VapidKey, generate
from tests.announcements.support import log_of
from tests.announcements.test_rollouts import show
from tests.inbox.support import ClientFor, post
from tests.push_lab.fixtures import push_service
from tests.push_lab.service import LocalPushService
from tests.support.deliveries import one_worker, send
from tests.support.processes import wait_until
from tests.support.together import in_process, together

__all__ = ["one_worker", "push_service"]

PEOPLE = ("ann", "ben", "carl", "dora", "erin")

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]


@pytest.fixture
def key(settings: Settings, push_service: LocalPushService) -> str:
    """Send pushes to the local push service. Return the site's public key."""
    private = generate()
    settings.NOTIFICATIONS_HUB = {
        **settings.NOTIFICATIONS_HUB,
        "VAPID_PRIVATE_KEY": private,
        "VAPID_SUBJECT": "mailto:ops@hub.example",
        "PUSH_EXTRA_HOSTS": [push_service.host],
        "ACK_WINDOW": 0,
    }
    return VapidKey(private).public


def announced(**given: Any) -> Announcement:
    announcement = broadcast(**{"title": "Hello", "url": "/posts/1/", **given})
    sweep()
    announcement.refresh_from_db()
    return announcement


def folded(announcement: Announcement) -> Figures:
    """Return the figures once everything is folded."""
    ResultFold.objects.get_or_create(pk=1)
    while folding.fold_step():
        pass
    assert not ResultTally.objects.exists()
    return figures_of(announcement)


def people_by_method(figures: Figures) -> dict[str, int]:
    return {one.method: one.people for one in figures.methods}


def opening(announcement: Announcement) -> str:
    return f"/notifications/{announcement.item_id}/open/"


def mark(client: Client, action: str, announcement: Announcement, language: str = "en") -> None:
    ids = {"ids": [announcement.item_id]}
    assert post(client, f"notifications/{action}/", ids, Accept_Language=language).status_code == 200


def dismiss(client: Client, announcement: Announcement) -> Any:
    """Dismiss the banner, as its button does without a script."""
    return client.post("/notifications/banners/dismiss/", {"id": announcement.item_id})


# A whole history


def test_everything_that_happened_is_counted_once(
    push_service: LocalPushService, key: str, one_worker: Worker, client_for: ClientFor
) -> None:
    alice, bob, charlie, dora, erin = (User.objects.create_user(username=name) for name in PEOPLE)
    browsers = {person: push_service.subscribe(key) for person in (bob, dora)}
    for person, browser in browsers.items():
        register(person, browser.to_json(), "")
    push_service.expire(browsers[dora].endpoint)
    announcement = announced()

    # Alice has two devices open, and both acknowledge. Later a worker looks at her row too.
    show(announcement, alice)
    show(announcement, alice)
    Rollout.objects.update(starts_at=datetime.now(UTC) - timedelta(seconds=1))
    for _turn in range(3):
        one_worker.run_due()
    assert len(push_service.sent_to(browsers[bob].endpoint)) == 1
    # Bob's browser shows the push and reports it, twice. He clicks it, and its link opens.
    pushed = Delivery.objects.get(notification__recipient=bob)
    for action in ("shown", "shown", "clicked"):
        assert post(Client(), "push/act/", {"token": act_token(pushed), "action": action}).status_code == 200
    at_bobs = client_for(bob)
    assert at_bobs.get(opening(announcement)).headers["Location"] == "/posts/1/"
    # Charlie sees it on his next page, reads it, thinks better of it, and reads it again.
    at_charlies = client_for(charlie)
    assert opening(announcement) in at_charlies.get("/").content.decode()
    for action in ("seen", "read", "unread", "read"):
        mark(at_charlies, action, announcement)
    # It also becomes a banner, which he closes, on two pages.
    Announcement.objects.update(is_banner=True)
    for _page in range(2):
        assert dismiss(at_charlies, announcement).status_code == 302
    # Erin finds it in her inbox only, in Chinese, and opens its link in a new tab.
    at_erins = client_for(erin)
    mark(at_erins, "read", announcement, "zh-hans")
    at_erins.get(opening(announcement), headers={"accept-language": "zh-hans"})
    at_erins.get(opening(announcement))

    figures = folded(announcement)
    assert people_by_method(figures) == {"live": 1, "flash": 1, "web_push": 1}
    assert figures.people == {What.SEEN: 2, What.READ: 2, What.CONFIRMED: 0, What.CLICKED: 2, What.DISMISSED: 1}
    [web_push] = [one for one in figures.methods if one.method == "web_push"]
    assert (web_push.sent, web_push.failed) == (1, 1)
    assert [(one.why, one.number) for one in figures.failures] == [("The browser no longer accepts pushes.", 1)]
    assert {one.language: (one.seen, one.read, one.clicked) for one in figures.languages} == {
        "en": (1, 1, 1),
        "zh-hans": (1, 1, 1),
    }
    assert [(span.reached, span.read) for span in figures.hours] == [(3, 2)]
    assert figures.days == []


def test_a_push_that_another_method_overtook_is_not_counted_twice(alice: User) -> None:
    announcement = announced()
    personal_rows.make_rows(alice)
    Notification.objects.filter(recipient=alice).mark_as_delivered("flash")
    show(announcement, alice)
    assert people_by_method(folded(announcement))["live"] == 0


def test_a_push_that_appears_after_a_page_showed_it_is_not_counted_twice(
    push_service: LocalPushService, key: str, one_worker: Worker, alice: User
) -> None:
    register(alice, push_service.subscribe(key).to_json(), "")
    announcement = announced()
    Rollout.objects.update(starts_at=datetime.now(UTC) - timedelta(seconds=1))
    for _turn in range(3):
        one_worker.run_due()
    # Her phone is off. A page shows it meanwhile.
    show(announcement, alice)
    pushed = Delivery.objects.get(notification__recipient=alice)
    post(Client(), "push/act/", {"token": act_token(pushed), "action": "shown"})
    assert people_by_method(folded(announcement)) == {"live": 1, "flash": 0, "web_push": 0}
    assert Notification.objects.get(recipient=alice).delivered_by == "live"


@pytest.mark.django_db(transaction=True)
def test_two_devices_that_acknowledge_at_once_are_one_person(alice: User, bob: User) -> None:
    announcement = announced()
    together([partial(show, announcement, alice, bob)] * 4)
    assert people_by_method(folded(announcement))["live"] == 2


@pytest.mark.django_db(transaction=True)
def test_tabs_that_are_differently_far_count_each_announcement_once(alice: User) -> None:
    several = [announced() for _number in range(6)]
    stream = Stream.objects.get(topic="everyone")
    shown = [{"everyone": Position(stream.epoch, 0, one.seq or 0)} for one in several]
    together([partial(acknowledgement.acknowledge, alice.pk, one) for one in shown])
    assert [people_by_method(folded(one))["live"] for one in several] == [1] * 6


def test_a_page_of_several_announcements_counts_each_person_once_for_each(alice: User, bob: User) -> None:
    first, second = announced(), announced()
    for person in (alice, bob):
        show(second, person)
    for person in (alice, bob):
        show(first, person)
        show(second, person)
    assert [people_by_method(folded(one))["live"] for one in (first, second)] == [2, 2]


def test_a_page_shows_no_toast_of_an_announcement_without_live(alice: User) -> None:
    announcement = announced(methods=["flash"])
    show(announcement, alice)
    assert people_by_method(folded(announcement)) == {"flash": 0}


def test_ordinary_notifications_are_not_tallied(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    rows = Notification.objects.filter(pk=row.pk)
    rows.mark_all_as_read()
    rows.mark_as_clicked()
    row.refresh_from_db()
    assert row.clicked_at is not None
    assert not ResultTally.objects.exists()


# Clicks


def test_a_prefetch_or_a_head_is_no_click(alice: User, client_for: ClientFor) -> None:
    announcement = announced()
    client = client_for(alice)
    assert client.get(opening(announcement), headers={"sec-purpose": "prefetch"}).status_code == 302
    assert client.head(opening(announcement)).status_code == 302
    assert Notification.objects.get().clicked_at is None


def test_strangers_open_nothing(alice: User, client_for: ClientFor) -> None:
    announcement = announced(audience="staff")
    assert client_for(alice).get(opening(announcement)).status_code == 404
    assert client_for(alice).get("/notifications/a/open/").status_code == 404
    assert "/login/" in Client().get(opening(announcement)).headers["Location"]


def test_a_visitor_follows_the_link_of_a_public_banner_uncounted() -> None:
    announcement, visitor = announced(), Client()
    Announcement.objects.update(is_banner=True, is_banner_public=True)
    assert visitor.get(opening(announcement)).headers["Location"] == "/posts/1/"
    assert not ResultTally.objects.exists()
    announce.withdraw(announcement)
    assert "/login/" in visitor.get(opening(announcement)).headers["Location"]


def test_an_old_push_opens_what_has_ended_but_not_what_was_withdrawn(alice: User, client_for: ClientFor) -> None:
    announcement, client = announced(), client_for(alice)
    client.get(opening(announcement))
    Announcement.objects.update(ends_at=datetime.now(UTC) - timedelta(seconds=1))
    announce.retire_ended()
    assert client.get(opening(announcement)).headers["Location"] == "/posts/1/"
    Announcement.objects.update(withdrawn_at=datetime.now(UTC), ends_at=datetime.now(UTC) + timedelta(days=1))
    assert client.get(opening(announcement)).headers["Location"] == "/notifications/"


def test_an_edited_link_opens_at_once(alice: User, client_for: ClientFor) -> None:
    announcement = announced()
    Announcement.objects.update(url="/posts/2/")
    assert client_for(alice).get(opening(announcement)).headers["Location"] == "/posts/2/"


# Time


def test_hours_become_days_after_two_days(alice: User) -> None:
    begin = datetime(2026, 11, 20, 12, 40, tzinfo=UTC)
    buckets = [folding.bucket_of(begin + timedelta(hours=hours), begin) for hours in (-2, 0, 0.5, 47, 47.9, 48, 80, 95)]
    assert buckets == [0, 0, 1, 47, 48, 48, 72, 72]


def test_a_read_that_is_taken_back_leaves_its_hour(alice: User) -> None:
    announcement = announced()
    personal_rows.make_rows(alice)
    rows = Notification.objects.filter(recipient=alice)
    rows.mark_all_as_read()
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=3), tick=False):
        rows.mark_all_as_unread()
    assert folded(announcement).hours == []


def test_a_long_run_has_a_bounded_number_of_days(alice: User) -> None:
    announcement = announced()
    days = [ResultFigure(announcement=announcement, what="read", bucket=24 * day, number=1) for day in range(2, 900)]
    ResultFigure.objects.bulk_create(days)
    figures = figures_of(announcement)
    assert len(figures.days) <= 60
    assert sum(span.read for span in figures.days) == 898


# Folding


def tally(announcement: Announcement, number: int) -> None:
    """Append this many tallies of one person each, in some languages."""
    now = datetime.now(UTC)
    ResultTally.objects.bulk_create(
        [
            ResultTally(announcement=announcement, what="read", language=f"l{at % 7}", at=now, number=1)
            for at in range(number)
        ]
    )


@pytest.fixture
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "STEP", 10)


@pytest.mark.usefixtures("_small_steps")
@pytest.mark.django_db(transaction=True)
def test_two_processes_fold_each_tally_once() -> None:
    announcement = announced()
    tally(announcement, 200)
    ResultFold.objects.get_or_create(pk=1)

    def fold() -> None:
        for _turn in range(30):
            folding.fold_step()

    together([fold, fold, fold])
    assert folded(announcement).people[What.READ] == 200


_FOLDER = """
    import sys
    from notifications_hub.announcements.results import folding
    folding.STEP = 10
    add = folding._add
    steps = 0
    def add_slowly(sums):
        global steps
        add(sums)
        steps += 1
        if steps == 3:
            open(sys.argv[1] if len(sys.argv) > 1 else "{path}", "w").close()
            while True:
                pass
    folding._add = add_slowly
    while folding.fold_step():
        pass
"""


@pytest.mark.django_db(transaction=True)
def test_a_killed_process_loses_and_doubles_nothing(tmp_path: Path) -> None:
    announcement = announced()
    tally(announcement, 100)
    ResultFold.objects.get_or_create(pk=1)
    here = tmp_path / "here"
    process = in_process(_FOLDER.replace("{path}", str(here)))
    wait_until(here.exists, seconds=60, what="the third step")
    process.kill()
    assert process.wait(30) == -signal.SIGKILL

    # The first two steps are done, and the third is not begun.
    wait_until(partial(_can_fold, 80), seconds=30, what="the end of its transaction")
    assert folded(announcement).people[What.READ] == 100


def _can_fold(waiting: int) -> bool:
    assert ResultTally.objects.count() <= waiting
    return folding.fold_step() or not ResultTally.objects.exists()


def test_a_tally_that_commits_late_is_found() -> None:
    announcement = announced()
    tally(announcement, 2)
    late = ResultTally.objects.earliest("pk")
    pk = late.pk
    late.delete()
    folded(announcement)
    late.pk = pk
    late.save(force_insert=True)
    assert folding.fold_step() is False
    assert ResultTally.objects.exists()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61), tick=False):
        folding.fold_tallies()
    assert figures_of(announcement).people[What.READ] == 2


def test_the_chore_folds_by_itself() -> None:
    announcement = announced()
    tally(announcement, 5)
    sweep()
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=5), tick=False):
        assert folding.as_of() < datetime.now(UTC)
        sweep()
        assert folding.as_of() == datetime.now(UTC)
    assert figures_of(announcement).people[What.READ] == 5


def test_figures_outlive_people_rows_and_retention(alice: User, bob: User) -> None:
    announcement = announced()
    show(announcement, alice, bob)
    for person in (alice, bob):
        personal_rows.make_rows(person)
    Notification.objects.all().mark_all_as_read()
    before = folded(announcement)
    alice.delete()
    Notification.objects.all().delete()
    retention.prune(datetime.now(UTC) + timedelta(days=1))
    assert folded(announcement) == before
    assert before.people[What.READ] == 2


def test_tallies_of_a_deleted_announcement_are_dropped() -> None:
    announcement, other = announced(), announced()
    tally(announcement, 3)
    tally(other, 2)
    Announcement.objects.get(pk=announcement.pk).delete()
    assert folded(other).people[What.READ] == 2
    assert ResultFigure.objects.count() == 2


def test_a_mark_costs_one_statement_more_and_waits_for_no_counter(alice: User, django_assert_num_queries: Any) -> None:
    announced()
    personal_rows.make_rows(alice)
    rows = Notification.objects.filter(recipient=alice)
    with django_assert_num_queries(1, connection=None):
        tallies.tally_reads([Before(1, None, None)] * 3, datetime.now(UTC))
    assert Counter(ResultTally.objects.values_list("what", "number")) == {("read", 3): 1, ("seen", 3): 1}
    assert rows.count() == 1


# Looks


def test_pages_that_nobody_looks_at_are_not_told(alice: User) -> None:
    announcement = announced()
    topic = f"announcement.{announcement.pk}"
    tally(announcement, 1)
    folded(announcement)
    watching.report_results()
    assert log_of(topic) == []

    watching.watch(announcement)
    for _turn in range(2):
        tally(announcement, 1)
        folded(announcement)
        watching.report_results()
    assert len(log_of(topic)) == 1
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=11), tick=False):
        watching.report_results()
        assert len(log_of(topic)) == 2


def test_the_audience_is_counted_once_somebody_looks(alice: User, bob: User) -> None:
    announcement = announced()
    watching.count_audiences()
    watching.watch(announcement)
    watching.count_audiences()
    User.objects.create(username="later")
    watching.count_audiences()
    assert ResultWatch.objects.get().audience_size == User.objects.count() - 1


# Reasons


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (DeliveryReason(ReasonCode.BROWSER_GONE), "The browser no longer accepts pushes."),
        (
            DeliveryReason.wrapped(ReasonCode.GAVE_UP, DeliveryReason.of(ReasonCode.PUSH_ANSWERED, status=503)),
            "Gave up: The push service answered 503.",
        ),
        (DeliveryReason.from_transport("mailbox of alice@example.com is full"), "Another reason."),
        (
            DeliveryReason.wrapped(ReasonCode.GAVE_UP, DeliveryReason.of(ReasonCode.HOST_SLOW, host="push.example")),
            "Gave up: Waiting: the service is slow to answer.",
        ),
    ],
)
def test_a_reason_is_counted_by_a_short_code_without_names(reason: DeliveryReason, words: str) -> None:
    code = failures.code_of(reason)
    assert "alice" not in code
    assert failures.in_words(code).startswith(words)
