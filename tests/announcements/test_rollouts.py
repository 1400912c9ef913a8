"""Announcements by transports: planned while workers have time, each person once, paused, stopped and withdrawn."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from django.db.models import QuerySet
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import announce, personal_rows
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts import control, planner
from notifications_hub.announcements.rollouts.models import Rollout, RolloutState
from notifications_hub.delivery import acknowledgement, preferences, worker
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.worker import Worker
from notifications_hub.kinds import Urgency
from notifications_hub.models import Notification
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Stream
from notifications_hub.streams.sweeper import Isolation, sweep
from tests.support.deliveries import memory, one_worker, send_due, states, use_memory
from tests.support.full import FULL, report
from tests.support.processes import wait_until
from tests.support.together import in_process, together

__all__ = ["one_worker"]

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def nobody() -> QuerySet[User]:
    raise RuntimeError("the directory is away")


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    use_memory(settings, ack_window=0)
    monkeypatch.setattr(planner, "CHUNK", 4)
    monkeypatch.setattr(planner, "_isolation", Isolation(longest=60))


def members(count: int) -> list[User]:
    return User.objects.bulk_create(User(username=f"member{number:05}") for number in range(count))


def announced(**given: object) -> Rollout:
    """Announce, with the event numbered and the time of open pages over. Return the rollout."""
    announcement = broadcast(**{"title": "Hello", **given})  # type: ignore[arg-type]
    sweep()
    Rollout.objects.update(starts_at=datetime.now(UTC) - timedelta(seconds=1))
    return announcement.rollouts.get()


def plan(rollout: Rollout, steps: int = 1) -> None:
    """Take steps that claim nothing. Their deliveries are due, like those that a worker cannot hold."""
    for _ in range(steps):
        planner._step(Rollout.objects.get(pk=rollout.pk), planner.CHUNK, 0)


def reached() -> Counter[str]:
    return Counter(address for _message, address in memory().outbox)


def show(announcement: Announcement, *people: User) -> None:
    """Acknowledge as the people's open pages do."""
    announcement.refresh_from_db()
    assert announcement.seq is not None
    stream = Stream.objects.get(topic=announcement.audience)
    position = Position(start=announcement.seq - 1, seq=announcement.seq, epoch=stream.epoch)
    for person in people:
        acknowledgement.acknowledge(person.pk, {announcement.audience: position})


def counts(rollout: Rollout) -> tuple[int, int, int, int, int]:
    """Return the numbers of people shown and unwilling, and of deliveries planned, sent and failed."""
    rollout.refresh_from_db()
    return rollout.shown, rollout.unwanted, rollout.planned, rollout.sent, rollout.failed


# Who gets it


def test_each_person_of_the_audience_gets_one_message(one_worker: Worker) -> None:
    people = members(11)
    rollout = announced()
    one_worker.run_due()

    assert reached() == {str(person.pk): 1 for person in people}
    assert {message.tag for message, _address in memory().outbox} == {rollout.announcement.item_id}
    assert counts(rollout) == (0, 0, 11, 11, 0)
    assert (rollout.state, rollout.people, rollout.looked_at) == (RolloutState.DONE, 11, 11)
    assert rollout.finished_at is not None


def test_nothing_is_planned_before_open_pages_had_their_time(settings: Settings, one_worker: Worker) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ACK_WINDOW": 30}
    members(2)
    broadcast(title="Hello")
    sweep()
    assert one_worker.run_due() == 0
    assert Rollout.objects.get().looked_at == 0


def test_only_members_of_the_audience_get_it(one_worker: Worker) -> None:
    members(6)
    staff = User.objects.create(username="staff", is_staff=True)
    User.objects.create(username="gone", is_staff=True, is_active=False)
    rollout = announced(audience="staff")
    one_worker.run_due()
    assert reached() == {str(staff.pk): 1}
    assert counts(rollout) == (0, 0, 1, 1, 0)


def test_a_person_whose_page_showed_it_gets_none(alice: User, bob: User, one_worker: Worker) -> None:
    rollout = announced()
    show(rollout.announcement, alice)
    one_worker.run_due()
    assert reached() == {str(bob.pk): 1}
    assert counts(rollout) == (1, 0, 1, 1, 0)
    assert not Notification.objects.filter(recipient=alice).exists()


def test_a_page_that_shows_it_after_the_plan_stops_the_message(alice: User, one_worker: Worker) -> None:
    rollout = announced()
    plan(rollout)
    show(rollout.announcement, alice)
    one_worker.run_due()
    assert reached() == {}
    assert states() == [("cancelled", "delivered_already")]
    row = Notification.objects.get()
    assert (row.delivered_by, row.delivered_at is not None) == ("live", True)


def test_a_preference_holds_unless_it_is_critical(alice: User, bob: User, one_worker: Worker) -> None:
    preferences.choose_methods(alice, "announcement", ["live"])
    rollout = announced()
    one_worker.run_due()
    assert reached() == {str(bob.pk): 1}
    assert counts(rollout) == (0, 1, 1, 1, 0)

    memory().clear()
    announced(urgency=Urgency.CRITICAL)
    one_worker.run_due()
    assert reached() == {str(alice.pk): 1, str(bob.pk): 1}
    assert all(message.urgency is Urgency.CRITICAL for message, _address in memory().outbox)


def test_the_author_chooses_the_methods(alice: User, one_worker: Worker) -> None:
    quiet = broadcast(title="Quiet", methods=["flash"])
    pushed = announced(title="Pushed", methods=["web_push"])
    personal_rows.make_rows(alice)
    one_worker.run_due()

    assert not quiet.rollouts.exists()
    assert reached() == {str(alice.pk): 1}
    assert [(row.toast, row.flash) for row in Notification.objects.order_by("announcement_id")] == [
        (False, True),
        (False, False),
    ]
    assert (quiet.item().toast, pushed.announcement.item().toast) == (False, False)


@pytest.mark.parametrize("has_row", [False, True])
def test_an_open_page_does_not_acknowledge_what_has_no_toast(alice: User, one_worker: Worker, *, has_row: bool) -> None:
    rollout = announced(title="Pushed", methods=["web_push"])
    if has_row:
        personal_rows.make_rows(alice)
    show(rollout.announcement, alice)
    one_worker.run_due()
    assert reached() == {str(alice.pk): 1}


def test_an_open_page_leaves_a_flash_to_the_next_page(alice: User) -> None:
    quiet = broadcast(title="Quiet", methods=["flash"])
    shown = broadcast(title="Shown")
    sweep()
    show(quiet, alice)
    show(shown, alice)
    assert personal_rows.count_flashable(alice, datetime.now(UTC) + timedelta(seconds=1)) == 1
    personal_rows.make_rows(alice)
    undelivered = Notification.objects.filter(delivered_at=None)
    assert [row.announcement for row in undelivered] == [quiet]


def test_a_row_that_exists_is_used(alice: User, one_worker: Worker) -> None:
    rollout = announced()
    personal_rows.make_rows(alice)
    one_worker.run_due()
    assert counts(rollout) == (0, 0, 1, 1, 0)
    assert Notification.objects.get().deliveries.get().state == DeliveryState.SENT


def test_a_row_that_a_rollout_makes_waits_for_its_person_to_confirm(alice: User, one_worker: Worker) -> None:
    announced(must_acknowledge=True)
    one_worker.run_due()
    assert reached() == {str(alice.pk): 1}
    assert Notification.objects.get().must_acknowledge


def test_each_person_reads_it_in_their_language(settings: Settings, one_worker: Worker) -> None:
    own = {"LANGUAGE_OF": f"{__name__}.language_of"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **own}
    people = members(4)
    rollout = announced(title="Hello")
    rollout.announcement.translations.create(language="de", title="Guten Tag")
    one_worker.run_due()
    titles = {address: message.title for message, address in memory().outbox}
    assert titles == {str(one.pk): "Guten Tag" if one.pk % 2 else "Hello" for one in people}


def language_of(person: User) -> str:
    return "de" if person.pk % 2 else "en"


def test_a_person_who_read_it_gets_none(alice: User, one_worker: Worker) -> None:
    announced()
    personal_rows.make_rows(alice)
    Notification.objects.mark_all_as_read()
    one_worker.run_due()
    assert reached() == {}
    assert not Delivery.objects.exists()


# On the way


def test_a_paused_one_sends_nothing_until_it_is_resumed(one_worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    members(9)
    rollout = announced()
    plan(rollout)
    assert control.pause(rollout.announcement) == 1
    assert one_worker.run_due() == 0
    assert reached() == {}

    assert control.resume(rollout.announcement) == 1
    one_worker.run_due()
    assert sum(reached().values()) == len(reached()) == 9


def test_a_stopped_one_cancels_what_waits(one_worker: Worker) -> None:
    members(9)
    rollout = announced()
    plan(rollout)
    assert control.stop(rollout.announcement) == 1
    one_worker.run_due()

    assert reached() == {}
    assert states() == [("cancelled", "stopped")] * 4
    rollout.refresh_from_db()
    assert (rollout.state, rollout.finished_at is not None) == (RolloutState.STOPPED, True)
    assert control.resume(rollout.announcement) == 0


def test_a_withdrawn_one_is_stopped(one_worker: Worker) -> None:
    members(9)
    rollout = announced()
    plan(rollout)
    announce.withdraw(rollout.announcement)
    one_worker.run_due()

    assert reached() == {}
    assert set(states()) == {("cancelled", "announcement_over")}
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.STOPPED


def test_an_edit_changes_the_words_of_later_messages(one_worker: Worker) -> None:
    members(3)
    rollout = announced()
    plan(rollout)
    Announcement.objects.update(title="Corrected")
    announce.publish_edit(rollout.announcement)
    one_worker.run_due()
    assert {message.title for message, _address in memory().outbox} == {"Corrected"}


def test_a_person_who_left_the_audience_after_the_plan_gets_none(alice: User, bob: User, one_worker: Worker) -> None:
    User.objects.update(is_staff=True)
    rollout = announced(audience="staff")
    plan(rollout)
    User.objects.filter(pk=alice.pk).update(is_staff=False)
    one_worker.run_due()
    assert reached() == {str(bob.pk): 1}
    assert sorted(states()) == [("cancelled", "left_audience"), ("sent", "accepted")]
    assert counts(rollout) == (0, 0, 2, 1, 0)


def test_an_audience_that_raises_stops_only_its_own(alice: User, settings: Settings, one_worker: Worker) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "AUDIENCES": {"away": f"{__name__}.nobody"}}
    broken = announced(audience="audience.away")
    announced(audience="everyone")
    one_worker.run_due()

    assert reached() == {str(alice.pk): 1}
    broken.refresh_from_db()
    assert broken.problem == "RuntimeError: the directory is away"
    assert broken.finished_at is None


def test_other_notifications_go_first(
    alice: User, bob: User, one_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "CHUNK", 500)
    members(300)
    plan(announced())
    send_due(bob, alice)
    one_worker.turn()

    under_way = worker.BULK_SLOTS + 1
    assert Delivery.objects.filter(claim__isnull=False).count() <= under_way
    assert Delivery.objects.filter(claim__isnull=False, rollout=None).count() == 1
    one_worker.run_due()
    assert reached()[str(alice.pk)] == 2


# Many workers, and killed ones


@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_send_each_once() -> None:
    people = members(60)
    rollout = announced()

    def work() -> None:
        one = Worker()
        try:
            wait_until(lambda: one.run_due() == 0 and _is_finished(rollout), what="the end")
        finally:
            one.close()

    together([work] * 3)
    assert reached() == {str(person.pk): 1 for person in people}
    assert counts(rollout) == (0, 0, 60, 60, 0)


def _is_finished(rollout: Rollout) -> bool:
    return Rollout.objects.filter(pk=rollout.pk, finished_at__isnull=False).exists()


_WORKER = """
    from django.conf import settings
    settings.NOTIFICATIONS_HUB = {
        **settings.NOTIFICATIONS_HUB, "TRANSPORTS": {"web_push": "tests.support.file_transport.FileTransport"},
        "ACK_WINDOW": 0,
    }
    import threading
    from notifications_hub.delivery import worker
    worker.run(threading.Event())
"""


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.faults(short=True)
@pytest.mark.django_db(transaction=True)
def test_killed_workers_leave_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Kill the worker on the way. A browser that gets the message again shows one, by its tag."""
    sent = tmp_path / "sent"
    sent.touch()
    monkeypatch.setenv("SENT_FILE", str(sent))
    people = members(5_000 if FULL else 300)
    rollout = announced()

    for part in (0.1, 0.5, 0.9) if FULL else (0.5,):
        working = in_process(_WORKER)
        wait_until(partial(_has_sent, sent, part * len(people)), seconds=300, what="a part of it")
        working.kill()
        assert working.wait(30) == -signal.SIGKILL
        # The leases of the killed one are over.
        Delivery.objects.filter(claim__isnull=False).update(due_at=datetime.now(UTC) - timedelta(seconds=1))
    monkeypatch.setattr(planner, "CHUNK", 100)
    use_file(settings)
    with closing(Worker()) as last:
        last.run_due()
    assert _is_finished(rollout)

    reached = Counter(address for _tag, address in _lines(sent))
    assert reached.keys() == {str(person.pk) for person in people}
    assert {tag for tag, _address in _lines(sent)} == {rollout.announcement.item_id}
    assert sum(reached.values()) - len(people) <= 3 * worker.BULK_SLOTS
    assert counts(rollout) == (0, 0, len(people), len(people), 0)
    assert Delivery.objects.count() == Notification.objects.count() == len(people)
    report(f"{len(people)} people, {sum(reached.values())} messages, killed on the way")


def use_file(settings: Settings) -> None:
    """Let this process send as the workers that are killed."""
    transports = {"web_push": "tests.support.file_transport.FileTransport"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}


def _has_sent(sent: Path, least: float) -> bool:
    return len(_lines(sent)) >= least


def _lines(sent: Path) -> list[tuple[str, str]]:
    return [(line.split()[0], line.split()[1]) for line in sent.read_text().splitlines()]
