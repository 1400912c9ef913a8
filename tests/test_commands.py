"""The commands of `manage.py`, as an operator types them. Those of `hub_vapid` are tested beside its transport."""

from __future__ import annotations

import re
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify

from accounts.models import User
from notifications_hub import streams
from notifications_hub.announcements.models import Announcement
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.models import Notification
from notifications_hub.ops import demo
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Event, Stream
from notifications_hub.transports import get_transport
from notifications_hub.transports.memory import Memory
from tests.announcements.support import kinds_on
from tests.support import warm
from tests.support.databases import Databases
from tests.support.processes import ROOT, wait_until
from tests.support.site import Shell, site_environment

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db(transaction=True)]

received_people: list[dict[str, Any]] = []


def take_demo_people(people: dict[str, Any]) -> None:
    """Record the people, as the callable of a host's `DEMO` setting."""
    received_people.append(people)


def run(command: str, *arguments: str, **options: Any) -> str:
    output = StringIO()
    call_command(command, *arguments, stdout=output, no_color=True, **options)
    return output.getvalue()


# hub_demo


@pytest.fixture
def _demo_only(settings: Settings) -> None:
    settings.DEBUG = True
    settings.NOTIFICATIONS_HUB = {}


@pytest.mark.usefixtures("_demo_only")
def test_the_demo_people_can_sign_in_and_only_admin_is_staff(client: Any) -> None:
    assert "the password is demo" in run("hub_demo")

    for name in ("alice", "bob", "charlie", "admin"):
        answer = client.post("/accounts/login/", {"username": name, "password": "demo"})
        assert answer.status_code == 302
        person = User.objects.get(username=name)
        assert person.is_staff is person.is_superuser is (name == "admin")
    assert User.objects.get(username="alice").first_name == "Alice"


@pytest.mark.usefixtures("_demo_only")
def test_a_second_run_creates_nobody_and_changes_nothing() -> None:
    run("hub_demo")
    User.objects.filter(username="alice").update(first_name="Alicia")
    with CaptureQueriesContext(connection) as queries:
        run("hub_demo")

    assert User.objects.count() == 4
    assert User.objects.get(username="alice").first_name == "Alicia"
    assert len([query for query in queries if query["sql"].startswith("SELECT")]) == 1


@pytest.mark.usefixtures("_demo_only")
def test_the_callable_of_the_site_receives_the_people_by_name(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"DEMO": f"{__name__}.take_demo_people"}
    received_people.clear()
    assert run("hub_demo", verbosity=0) == ""

    assert {name: person.get_username() for name, person in received_people[0].items()} == {
        name: name for name in demo.NAMES
    }


def test_the_demo_is_rejected_without_debug(settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="only with DEBUG"):
        run("hub_demo")
    assert not User.objects.exists()


def test_demo_people_sign_in_by_address_if_the_user_model_does() -> None:
    class ByAddress(get_user_model()):  # type: ignore[misc]
        contact = models.EmailField(unique=True)
        USERNAME_FIELD = "contact"

        class Meta:
            app_label = "tests"
            managed = False

    assert demo.sign_in_name(ByAddress, "alice") == "alice@example.com"
    fields = demo._fields(ByAddress, "admin", "admin@example.com")
    assert fields["contact"] == "admin@example.com"
    assert fields["is_superuser"] is True


# hub_announce


def test_an_announcement_without_a_start_is_sent_at_once(alice: User, admin: User) -> None:
    output = run(
        "hub_announce", "Hello", "--body", "**Now**", "--url", "/posts/1/", "--level", "warning", "--by", "admin"
    )

    announcement = Announcement.objects.get()
    assert output == f"Announced to everyone: 2 people (a{announcement.pk}).\n"
    assert (announcement.by, announcement.level, announcement.url) == (admin, "warning", "/posts/1/")
    assert kinds_on("everyone") == ["announcement.created"]


@pytest.mark.parametrize(
    ("arguments", "methods"),
    [([], None), (["--methods"], []), (["--methods", "web_push", "live"], ["live", "web_push"])],
)
def test_an_announcement_by_chosen_methods(arguments: list[str], methods: list[str] | None) -> None:
    run("hub_announce", "Hello", *arguments)
    assert Announcement.objects.get().methods == methods


def test_a_later_start_is_in_the_time_zone_of_the_site(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Shanghai"
    output = run("hub_announce", "Later", "--starts", "2099-01-01 08:00", "--ends", "2099-01-02", "--audience", "staff")

    announcement = Announcement.objects.get()
    assert announcement.starts_at == datetime(2099, 1, 1, 0, tzinfo=UTC)
    assert announcement.ends_at == datetime(2099, 1, 1, 16, tzinfo=UTC)
    assert "Will be announced at 2099-01-01 08:00" in output
    assert kinds_on("staff") == []


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Hello", "--audience", "stuff"], "choose one of everyone, staff"),
        (["Hello", "--url", "https://elsewhere.example/"], "--other-site"),
        (["Hello", "--by", "nobody"], "no user named 'nobody'"),
        (["Hello", "--level", "panic"], "invalid choice: 'panic'"),
        (["Hello", "--starts", "tomorrow"], "'tomorrow' is not a valid time; write it like"),
        (["Hello", "--ends", "2026-13-45 10:00"], "is not a valid time; write it like"),
        ([""], "title: This field cannot be blank"),
        (["Hello", "--starts", "2099-01-02", "--ends", "2099-01-01"], "end after it starts"),
        (["x" * 121], "at most 120 characters"),
    ],
)
def test_an_invalid_argument_is_named_and_nothing_is_announced(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=re.escape(words)):
        run("hub_announce", *arguments)
    assert not Announcement.objects.exists()


# hub_worker


@pytest.fixture
def due(alice: User, bob: User, settings: Settings) -> Memory:
    """The transport of three deliveries that are due."""
    settings.NOTIFICATIONS_HUB = {"TRANSPORTS": {"memory": "notifications_hub.transports.memory.Memory"}}
    for _ in range(3):
        notify.send(bob, recipient=alice, verb="replied")
        notification = Notification.objects.latest("pk")
        arming.arm([Plan(notification_pk=notification.pk, transport="memory", address=str(alice.pk))])
    Delivery.objects.update(due_at=datetime.now(UTC) - timedelta(seconds=1))
    transport = get_transport("memory")
    assert isinstance(transport, Memory)
    transport.clear()
    return transport


def test_once_sends_due_deliveries_and_numbers_leftover_events(due: Memory) -> None:
    Event.objects.create(topic="post.1", kind="post.created", created=datetime.now(UTC))
    assert run("hub_worker", "--once") == "3 deliveries were due.\n"

    assert len(due.outbox) == 3
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.SENT}
    assert not Event.objects.filter(seq=None).exists()
    assert run("hub_worker", "--once") == "0 deliveries were due.\n"


@pytest.mark.both_databases(short="sqlite")
def test_once_before_migrate_names_the_remedy(tmp_path: Path) -> None:
    environment = site_environment(DATABASE_URL=f"sqlite:///{tmp_path}/new.sqlite3")
    done = warm.run(["manage.py", "hub_worker", "--once"], environment=environment)
    assert done.returncode == 1
    assert re.search(r"^CommandError: migrations not applied: \d+\. Run `manage\.py migrate`\.$", done.stderr, re.M)
    assert "Traceback" not in done.stderr


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_runs_until_a_signal_stops_it(databases: Databases, tmp_path: Path, number: signal.Signals) -> None:
    environment = site_environment(DATABASE_URL=databases.copy())
    command = [sys.executable, str(ROOT / "manage.py"), "hub_worker"]
    worker = warm.start_warm(command, log=tmp_path / "worker.log", environment=environment)
    try:
        worker.wait_until_ready(lambda: "Working." in worker.log.read_text())
        time.sleep(0.2)
        worker.stop(number)
    finally:
        worker.kill()

    assert worker.process.returncode == 0
    assert "Stopped." in worker.log.read_text()
    assert "Traceback" not in worker.log.read_text()


@pytest.mark.both_databases(short="sqlite")
def test_a_worker_starts_an_announcement_that_another_process_planned(databases: Databases, tmp_path: Path) -> None:
    environment = site_environment(DATABASE_URL=databases.copy())
    command = [sys.executable, str(ROOT / "manage.py"), "hub_worker"]
    worker, shell = warm.start_warm(command, log=tmp_path / "worker.log", environment=environment), Shell(environment)
    try:
        worker.wait_until_ready(lambda: "Working." in worker.log.read_text())
        planned = shell.python("""
            from datetime import UTC, datetime, timedelta
            from django.core.management import call_command
            from notifications_hub.models import Announcement
            call_command("hub_announce", "Soon", "--starts", (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat())
        """)
        assert "Will be announced" in planned
        running = "print(Announcement.objects.running().count())"
        assert shell.python(running) == "0"
        wait_until(lambda: shell.python(running) == "1", what="the announcement")
    finally:
        worker.kill()
        shell.close()


# hub_prune and hub_rotate_epochs


@pytest.fixture
def log() -> Stream:
    """Two old events and a new one."""
    for _ in range(3):
        streams.append("post.1", "post.created", {})
    Event.objects.filter(seq__lte=2).update(created=datetime.now(UTC) - timedelta(days=40))
    return Stream.objects.get()


def test_pruning_follows_the_retention_setting(log: Stream, settings: Settings) -> None:
    nothing = "Removed 0 deliveries, 0 events, 0 jobs, 0 requests of services and 0 steps of escalations from before "
    assert run("hub_prune").startswith(nothing)

    settings.NOTIFICATIONS_HUB = {"RETENTION_DAYS": 30}
    assert run("hub_prune").startswith("Removed 0 deliveries, 2 events")
    assert list(Event.objects.values_list("seq", flat=True)) == [3]


def test_pruning_has_a_dry_run_and_an_age(log: Stream) -> None:
    assert run("hub_prune", "--days", "30", "--dry-run").startswith("Would remove 0 deliveries, 2 events")
    assert Event.objects.count() == 3

    assert run("hub_prune", "--days", "30").startswith("Removed 0 deliveries, 2 events")


def test_pruning_inboxes_wants_an_age_and_known_kinds(alice: User) -> None:
    notify.send(alice, recipient=alice, verb="replied")
    old = datetime.now(UTC) - timedelta(days=9)
    Notification.objects.update(unread=False, committed_at=old, timestamp=old)
    for options, remedy in {
        ("--inbox", "read"): "--days 180",
        ("--kind", "default"): "Add --inbox",
        ("--inbox", "read", "--days", "-1"): "from 0 to 36500",
    }.items():
        with pytest.raises(CommandError, match=remedy):
            run("hub_prune", *options)

    words = StringIO()
    call_command("hub_prune", "--inbox", "read", "--days", "3", "--kind", "gone", stdout=StringIO(), stderr=words)
    assert words.getvalue() == "No app declares the kind 'gone', so only old rows can be of it.\n"
    wanted = ("hub_prune", "--inbox", "read", "--days", "3", "--kind", "default")
    assert run(*wanted, "--dry-run").startswith("Would remove 1 notifications (read) from before ")
    assert run(*wanted).startswith("Removed 1 notifications (read) from before ")
    assert not Notification.objects.exists()


def test_pruning_the_future_is_rejected(log: Stream) -> None:
    with pytest.raises(CommandError, match="from 0 to 36500"):
        run("hub_prune", "--days", "-1")
    assert Event.objects.count() == 3


def test_a_new_epoch_resets_every_reader(log: Stream) -> None:
    streams.append("post.2", "post.created", {})
    other = Stream.objects.get(topic="post.2")
    assert run("hub_rotate_epochs", "--topic", "post.1").startswith("1 topics have a new epoch.")

    readings = {
        reading.topic: reading.reset
        for reading in streams.read({"post.1": Position(log.epoch, 0, 3), "post.2": Position(other.epoch, 0, 1)})
    }
    assert readings == {"post.1": True, "post.2": False}

    assert run("hub_rotate_epochs").startswith("2 topics have a new epoch.")
    [reading] = streams.read({"post.2": Position(other.epoch, 0, 1)})
    assert reading.reset


def test_an_unknown_topic_gets_no_epoch() -> None:
    with pytest.raises(CommandError, match=r"no topic 'post\.9'"):
        run("hub_rotate_epochs", "--topic", "post.9")
