"""`hub_doctor` reports on a site: one line for each check, with the remedy for each fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from notifications.signals import notify

from accounts.models import User
from notifications_hub import kinds
from notifications_hub.delivery import arming, heartbeat
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, WorkerHeartbeat
from notifications_hub.live import process_list
from notifications_hub.live import server as live_server
from notifications_hub.live.process_list import ListedProcess
from notifications_hub.models import Notification
from notifications_hub.ops import doctor
from notifications_hub.streams.models import Event
from notifications_hub.transports.web_push.vapid import generate

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def findings(db: None) -> Callable[[], dict[str, doctor.Finding]]:
    return lambda: {finding.about: finding for finding in doctor.examine()}


Findings = Callable[[], dict[str, doctor.Finding]]
OURS = path("", include("service_worker.urls"))
HOSTS_OWN = path("sw.js", lambda request: HttpResponse("self.clients"))


@pytest.fixture
def _healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    # Other kinds escalate by transports that the settings of tests lack.
    monkeypatch.setattr(kinds, "_kinds", {name: kind for name, kind in kinds._kinds.items() if not kind.escalate})
    call_command("createcachetable", verbosity=0)
    # The table is no model's, so no test's end empties it.
    cache.clear()


@pytest.mark.usefixtures("_healthy")
def test_a_healthy_site_gets_a_line_for_everything() -> None:
    output = StringIO()
    call_command("hub_doctor", stdout=output, no_color=True)
    lines = output.getvalue().splitlines()

    assert len(lines) == len(doctor._CHECKS)
    assert all(line.startswith("ok  ") for line in lines)


@pytest.mark.usefixtures("_healthy")
def test_faults_are_counted_and_end_with_an_error(settings: Settings) -> None:
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.fallback.FallbackStorage"
    output = StringIO()
    with pytest.raises(CommandError, match="1 problem found") as error:
        call_command("hub_doctor", stdout=output, no_color=True)

    assert error.value.returncode == 1
    assert "!!  flash" in output.getvalue()


def memory_cache() -> dict[str, Any]:
    return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


def database_cache(**options: int) -> dict[str, Any]:
    backend = "django.core.cache.backends.db.DatabaseCache"
    return {"default": {"BACKEND": backend, "LOCATION": "django_cache", "OPTIONS": options}}


def pushing(**given: str) -> dict[str, str]:
    return {"VAPID_PRIVATE_KEY": generate(), "VAPID_SUBJECT": "mailto:you@acme.com", **given}


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.usefixtures("_healthy")
@pytest.mark.parametrize(
    ("given", "about", "words"),
    [
        (("MESSAGE_STORAGE", "django.contrib.messages.storage.session.SessionStorage"), "flash", "MESSAGE_STORAGE ="),
        (("MESSAGE_STORAGE", "nowhere.Storage"), "flash", "could not be checked"),
        (("ASGI_APPLICATION", None), "server", "pages poll under WSGI"),
        (("NOTIFICATIONS_NOTIFICATION_MODEL", "other.Model"), "model", "before the first migration"),
        (("CACHES", memory_cache()), "presence", "each process knows only its own"),
        (("CACHES", database_cache()), "presence", 'people who are present with them. Set "OPTIONS": {"MAX_'),
        (("CACHES", {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}), "presence", "forgets"),
        (("ROOT_URLCONF", "django.contrib.auth.urls"), "addresses", 'include("notifications_hub.urls")'),
        (("MIDDLEWARE", []), "middleware", "is missing"),
        (("MIDDLEWARE", list(reversed(doctor._MIDDLEWARE))), "middleware", "the order must be"),
        (("NOTIFICATIONS_HUB", {"VAPID_PRIVATE_KEY": "short"}), "push", "off: VAPID_PRIVATE_KEY must be 32 bytes"),
        (("NOTIFICATIONS_HUB", pushing(VAPID_PREVIOUS_KEY="short")), "push", "off: VAPID_PREVIOUS_KEY must be 32"),
        (("NOTIFICATIONS_HUB", pushing(VAPID_SUBJECT="")), "push", "is missing. Push services need an address"),
        (
            ("NOTIFICATIONS_HUB", pushing(VAPID_SUBJECT="you@acme.com")),
            "push",
            "must be an address where push",
        ),
        (
            ("NOTIFICATIONS_HUB", pushing(VAPID_SUBJECT="mailto:you@localhost")),
            "push",
            "Apple's push service refuses",
        ),
    ],
)
def test_a_wrong_setting_is_reported_with_its_remedy(
    settings: Settings, findings: Findings, given: tuple[str, object], about: str, words: str
) -> None:
    setattr(settings, *given)
    finding = findings()[about]

    assert not finding.good
    assert words in finding.words


@pytest.mark.usefixtures("_healthy")
@pytest.mark.parametrize("name", ["VAPID_PRIVATE_KEY", "VAPID_SUBJECT", "VAPID_PREVIOUS_KEY"])
def test_a_variable_that_no_setting_reads_is_reported(
    settings: Settings, findings: Findings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    settings.NOTIFICATIONS_HUB = {key: value for key, value in pushing().items() if key != name}
    monkeypatch.setenv(name, generate())
    finding = findings()["push"]

    assert not finding.good
    assert f'the environment has {name}, but your settings do not read it. Add "{name}": os.environ' in finding.words


@pytest.mark.usefixtures("_healthy")
def test_a_placeholder_will_do_while_debugging(settings: Settings, findings: Findings) -> None:
    settings.DEBUG, settings.NOTIFICATIONS_HUB = True, pushing(VAPID_SUBJECT="mailto:webmaster@localhost")

    assert findings()["push"].good


@pytest.mark.usefixtures("_healthy")
@pytest.mark.parametrize(
    ("patterns", "good", "words"),
    [
        ([OURS, HOSTS_OWN], True, "on, with key"),
        ([HOSTS_OWN, OURS], False, "another view answers at /sw.js"),
        (
            [HOSTS_OWN],
            True,
            "The hub's worker is not mounted: pushes are shown only if your own",
        ),
    ],
    ids=["ours", "the host's before ours", "the host's"],
)
def test_a_view_in_place_of_the_service_worker_is_reported(
    settings: Settings, findings: Findings, patterns: list[URLPattern | URLResolver], good: bool, words: str
) -> None:
    settings.NOTIFICATIONS_HUB = pushing()
    urls = ModuleType("urls")
    urls.__dict__["urlpatterns"] = patterns
    settings.ROOT_URLCONF = urls
    finding = findings()["push"]

    assert finding.good is good
    assert words in finding.words


@pytest.mark.usefixtures("_healthy")
def test_a_development_server_without_static_files_gets_the_remedy(settings: Settings, findings: Findings) -> None:
    settings.DEBUG = True
    settings.MIDDLEWARE = ["servestatic.middleware.ServeStaticMiddleware", *doctor._MIDDLEWARE]
    assert findings()["server"].good

    settings.MIDDLEWARE = list(doctor._MIDDLEWARE)
    assert "staticfiles_urlpatterns()" in findings()["server"].words


@pytest.mark.parametrize(
    ("asgi", "words"),
    [
        (
            "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()",
            "has no live connections",
        ),
        ("import nosuch", "cannot be imported: ModuleNotFoundError"),
    ],
)
@pytest.mark.usefixtures("_healthy")
def test_an_asgi_file_without_the_hub_gets_the_remedy(
    asgi: str, words: str, settings: Settings, findings: Findings, *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"asgi_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(asgi)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(live_server, "_is_wrapped", False)
    settings.ASGI_APPLICATION = f"{name}.application"
    finding = findings()["server"]
    assert not finding.good
    assert words in finding.words


@pytest.mark.usefixtures("_healthy")
def test_a_cache_of_one_process_is_enough_while_developing(settings: Settings, findings: Findings) -> None:
    settings.CACHES = memory_cache()
    settings.DEBUG = True
    assert findings()["presence"].good


@pytest.mark.usefixtures("_healthy")
def test_unapplied_migrations_are_reported(findings: Findings) -> None:
    assert findings()["tables"].good
    [latest] = MigrationLoader(connection).graph.leaf_nodes("notifications_hub")
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(*latest)
    try:
        assert "migrations not applied: 1. Run `manage.py migrate`" in findings()["tables"].words
    finally:
        recorder.record_applied(*latest)


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.usefixtures("_healthy")
@pytest.mark.parametrize(
    ("given", "about", "words"),
    [
        (("NOTIFICATIONS_HUB", {"CELERY": True}), "worker", "Celery"),
        (("NOTIFICATIONS_HUB", {"EMBEDDED_WORKER": False}), "worker", "run `manage.py hub_worker`"),
        (("NOTIFICATIONS_HUB", {}), "worker", "embedded"),
        (("NOTIFICATIONS_HUB", {}), "push", "off: there is no VAPID key"),
        (
            ("NOTIFICATIONS_HUB", {"VAPID_PRIVATE_KEY": ""}),
            "push",
            "in NOTIFICATIONS_HUB is empty",
        ),
        (("NOTIFICATIONS_HUB", pushing()), "push", "for mailto:you@acme.com."),
        (("CHANNEL_LAYERS", {}), "channel layer", "none is shared"),
        (("CACHES", database_cache(MAX_ENTRIES=1000)), "presence", "shared by all processes"),
    ],
)
def test_a_valid_choice_is_reported_as_good(
    settings: Settings, findings: Findings, given: tuple[str, object], about: str, words: str
) -> None:
    setattr(settings, *given)
    finding = findings()[about]

    assert finding.good
    assert words in finding.words


def test_an_unreachable_channel_layer_is_reported_in_time(settings: Settings, findings: Findings) -> None:
    layer = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": layer, "CONFIG": {"hosts": ["redis://127.0.0.1:1"]}}}
    finding = findings()["channel layer"]

    assert not finding.good
    assert "late, but not lost" in finding.words


@pytest.mark.usefixtures("_healthy")
def test_overdue_work_is_reported(alice: User, bob: User, findings: Findings) -> None:
    notify.send(bob, recipient=alice, verb="replied")
    arming.arm([Plan(notification_pk=Notification.objects.get().pk, transport="web_push", address="7")])
    Delivery.objects.update(due_at=datetime.now(UTC) - timedelta(hours=3))
    Event.objects.create(topic="post.1", kind="post.created", created=datetime.now(UTC) - timedelta(minutes=1))
    found = findings()

    assert "3 h overdue" in found["deliveries"].words
    assert "1 have waited for a number" in found["events"].words
    assert not found["deliveries"].good
    assert not found["events"].good
    # A worker that sends nothing is not reported as fine.
    assert "Deliveries are overdue: run `manage.py hub_worker` too" in found["worker"].words
    assert not found["worker"].good


@pytest.mark.usefixtures("_healthy")
@pytest.mark.parametrize("given", [{"CELERY": True}, {"EMBEDDED_WORKER": False}])
def test_a_worker_of_any_engine_that_sends_nothing_is_reported(
    settings: Settings, alice: User, bob: User, findings: Findings, given: dict[str, bool]
) -> None:
    settings.NOTIFICATIONS_HUB = given
    notify.send(bob, recipient=alice, verb="replied")
    arming.arm([Plan(notification_pk=Notification.objects.get().pk, transport="web_push", address="7")])
    Delivery.objects.update(due_at=datetime.now(UTC) - timedelta(hours=3))

    assert not findings()["worker"].good


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.usefixtures("_healthy")
@pytest.mark.parametrize(
    ("running", "about", "words"),
    [
        ([], "worker", "no ASGI process runs now. Under WSGI there is no worker: run `manage.py hub_worker`"),
        ([("uvicorn", True), ("uvicorn", True)], "worker", "a thread of each web process sends. 2 run now."),
        ([("uvicorn", True), ("daphne", False)], "worker", "daphne reports no start to it (no lifespan)"),
        ([], "server", "start `manage.py hub_serve`"),
        ([("uvicorn", True), ("uvicorn", True)], "server", "served by uvicorn (2)."),
        ([("daphne", False), ("", True)], "server", "served by an unknown server (1), daphne (1). A client that stops"),
        ([("hypercorn", True)], "server", "It compresses WebSockets"),
        ([("hub_worker", True)], "server", "start `manage.py hub_serve`"),
        ([("daphne", False), ("hub_worker", True)], "worker", "embedded, and beside it hub_worker (1)."),
    ],
)
def test_the_servers_that_run_now_are_known(
    settings: Settings, findings: Findings, running: list[tuple[str, bool]], about: str, words: str
) -> None:
    settings.CACHES = database_cache(MAX_ENTRIES=100_000)
    for server, has_lifespan in running:
        process_list.enlist(ListedProcess(server, has_lifespan))
    finding = findings()[about]

    assert finding.good
    assert words in finding.words


@pytest.mark.usefixtures("_healthy")
def test_a_worker_that_runs_beside_the_site_is_known(settings: Settings, findings: Findings) -> None:
    settings.CACHES = database_cache(MAX_ENTRIES=100_000)
    settings.NOTIFICATIONS_HUB = {"EMBEDDED_WORKER": False}
    process_list.enlist(ListedProcess(process_list.WORKER))

    assert findings()["worker"].words == "not embedded: hub_worker (1) sends."


def test_a_cache_of_each_process_knows_no_servers(settings: Settings, findings: Findings) -> None:
    settings.CACHES = memory_cache()

    assert "a thread of each ASGI process sends. Under WSGI there is none." in findings()["worker"].words


@pytest.mark.usefixtures("_healthy")
@pytest.mark.parametrize(
    ("hub", "remedy"),
    [
        ({}, "restart the server whose worker hangs"),
        ({"CELERY": True}, "start `celery -A yoursite worker` and its beat"),
        ({"EMBEDDED_WORKER": False}, "run `manage.py hub_worker`"),
    ],
)
def test_a_worker_without_a_sign_of_life_is_reported_while_a_server_runs(
    settings: Settings, findings: Findings, hub: dict[str, bool], remedy: str
) -> None:
    settings.CACHES, settings.NOTIFICATIONS_HUB = database_cache(MAX_ENTRIES=100_000), hub
    assert findings()["sign of life"].words == "no worker has run yet, and no server is known to run."
    heartbeat.forget()
    heartbeat.beat()
    process_list.enlist(ListedProcess("uvicorn"))
    assert findings()["sign of life"].words == "a worker has just been at work."

    WorkerHeartbeat.objects.update(at=datetime.now(UTC) - timedelta(minutes=7))
    finding = findings()["sign of life"]

    assert not finding.good
    assert finding.words.startswith("no worker has been at work for 7 min, while a server runs: ")
    assert remedy in finding.words


def test_a_task_backend_needs_no_sign_of_life(settings: Settings, findings: Findings) -> None:
    settings.CACHES = database_cache(MAX_ENTRIES=100_000)
    settings.NOTIFICATIONS_HUB = {"TASK_BACKEND": "default"}
    process_list.enlist(ListedProcess("uvicorn"))

    assert findings()["sign of life"].good


def test_no_replica_is_no_fault(findings: Findings) -> None:
    assert findings()["inbox replica"] == doctor.Finding("inbox replica", "none: inboxes are read from the primary.")


def test_the_database_is_named(findings: Findings) -> None:
    words = findings()["database"].words

    assert ("PostgreSQL" in words) if connection.vendor == "postgresql" else ("WAL" in words)


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own options")
def test_sqlite_as_django_sets_it_up_is_reported_with_the_lines(
    findings: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "db.sqlite3")
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"timeout": 20})

    finding = findings()["database"]

    assert not finding.good
    assert finding.words.endswith('"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL".')


def test_atomic_requests_are_reported(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    assert findings()["requests"].good is (connection.vendor == "postgresql")


@pytest.mark.parametrize(
    ("pool", "good"), [(True, False), ({"max_size": 4}, False), ({"max_size": 20, "timeout": 5}, True)]
)
def test_a_pool_that_is_too_small_is_reported(
    findings: Findings, monkeypatch: pytest.MonkeyPatch, pool: object, good: bool
) -> None:
    assert "up to 10 at once" in findings()["connections"].words
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", pool)
    finding = {each.about: each for each in [doctor.Finding("connections", *doctor._connections())]}["connections"]

    assert finding.good is good
    assert good or '"max_size": 20' in finding.words


@pytest.mark.usefixtures("_healthy")
def test_a_malformed_script_name_is_reported(settings: Settings, findings: Findings) -> None:
    settings.FORCE_SCRIPT_NAME = "/app/"
    assert not findings()["addresses"].good
    settings.FORCE_SCRIPT_NAME = "/app"
    assert findings()["addresses"].good
