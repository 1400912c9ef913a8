"""System checks of the settings."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.db.models import Model
from django.db.utils import ConnectionHandler
from pytest_django import Settings

import notifications_hub
from notifications_hub import kinds
from notifications_hub.checks import check_settings
from notifications_hub.database_checks import check_databases, check_timeouts
from notifications_hub.kinds import DeliveryMethod, Kind


def found(settings: Settings, **given: Any) -> list[str | None]:
    settings.NOTIFICATIONS_HUB = given
    return [message.id for message in check_settings(None)]


def test_the_settings_of_the_site_pass() -> None:
    assert check_settings(None) == []


def test_an_unknown_key_is_an_error_that_suggests_a_known_one(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"ACK_WINDWO": 1, "XYZ": 1}
    near, far = check_settings(None)
    assert near.id == far.id == "notifications_hub.E001"
    assert "ACK_WINDOW" in str(near.hint)
    assert "Known keys" in str(far.hint)


def test_a_value_of_the_wrong_type_is_an_error(settings: Settings) -> None:
    assert found(settings, ACK_WINDOW="10") == ["notifications_hub.E002"]


def test_a_path_that_cannot_be_imported_is_an_error(settings: Settings) -> None:
    assert found(settings, LANGUAGE_OF="accounts.nothing.here") == ["notifications_hub.E002"]


def test_another_notification_model_is_an_error(settings: Settings) -> None:
    settings.NOTIFICATIONS_NOTIFICATION_MODEL = "notifications.Notification"
    assert [message.id for message in check_settings(None)] == ["notifications_hub.E003"]


@pytest.mark.parametrize("origin", ["*", "https://*.hub.example", "hub.example", "https://hub.example/", ""])
def test_an_invalid_origin_is_an_error(settings: Settings, origin: str) -> None:
    assert found(settings, LIVE_ALLOWED_ORIGINS=[origin]) == ["notifications_hub.E004"]


def test_a_valid_origin_passes(settings: Settings) -> None:
    assert found(settings, LIVE_ALLOWED_ORIGINS=["https://hub.example", "http://127.0.0.1:8001"]) == []


def test_times_without_a_zone_are_an_error(settings: Settings) -> None:
    settings.USE_TZ = False
    assert [message.id for message in check_settings(None)] == ["notifications_hub.E007"]


MEMORY = "notifications_hub.transports.memory.Memory"


@pytest.mark.parametrize("name", ["live", "flash", "s.m.s", "Sms", "", "x" * 21, 7])
def test_an_invalid_name_for_a_transport_is_an_error(settings: Settings, name: Any) -> None:
    assert found(settings, TRANSPORTS={name: MEMORY}) == ["notifications_hub.E016"]


@pytest.mark.parametrize("path", ["no.such.module.Sms", "notifications_hub.transports.memory.Sms", "Memory", None])
def test_a_transport_that_cannot_be_imported_is_an_error_that_names_it(settings: Settings, path: Any) -> None:
    settings.NOTIFICATIONS_HUB = {"TRANSPORTS": {"sms": path}}
    [error] = check_settings(None)
    assert error.id == "notifications_hub.E016"
    assert "'sms'" in error.msg


@pytest.mark.parametrize(
    ("package", "extra", "path"),
    [
        ("apprise", "apprise", "notifications_hub.transports.apprise.transport.Apprise"),
        ("standardwebhooks", "webhook", "notifications_hub.transports.webhook.transport.Webhook"),
    ],
)
def test_a_transport_whose_extra_is_missing_is_an_error_that_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, package: str, extra: str, path: str
) -> None:
    folder = path.rpartition(".")[0].rpartition(".")[0]
    for module in [name for name in sys.modules if name.startswith(f"{folder}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    settings.NOTIFICATIONS_HUB = {"TRANSPORTS": {extra: path}}
    [error] = check_settings(None)
    assert (error.id, error.hint) == ("notifications_hub.E016", f"Install it: pip install 'notifications-hub[{extra}]'")


def test_a_transport_of_the_host_passes(settings: Settings) -> None:
    assert found(settings, TRANSPORTS={"sms": MEMORY, "web_push_2": MEMORY}) == []


@pytest.mark.parametrize(
    ("methods", "fault"),
    [
        (frozenset({DeliveryMethod.LIVE, "smss"}), "'smss'"),
        ({"pigeon"}, "'pigeon'"),
        ("sms", "a set of names"),
        (["sms"], "a set of names"),
    ],
)
def test_a_kind_that_names_an_unknown_delivery_method_is_an_error(settings: Settings, methods: Any, fault: str) -> None:
    settings.NOTIFICATIONS_HUB = {"TRANSPORTS": {"sms": MEMORY}}
    with a_kind(methods):
        [error] = check_settings(None)
    assert error.id == "notifications_hub.E017"
    assert "tests.checked" in error.msg
    assert fault in error.msg


def test_a_kind_may_name_built_in_and_configured_delivery_methods(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"TRANSPORTS": {"sms": MEMORY}}
    with a_kind(frozenset({*DeliveryMethod, "sms"})):
        assert check_settings(None) == []


@contextmanager
def a_kind(given: Any) -> Iterator[None]:
    class Checked(Kind):
        name = "tests.checked"
        methods = given

    yield
    del kinds._kinds["tests.checked"]


ENGINES = [
    ("tests.support.mysql_engine", "MySQL or MariaDB"),
    # These have no driver installed, so only their names can be checked.
    ("django.db.backends.mysql", "MySQL or MariaDB"),
    ("django.db.backends.oracle", "Oracle"),
    ("django.db.backends.dummy", "unknown"),
]


@pytest.mark.parametrize(("engine", "name"), ENGINES)
def test_an_unsupported_database_is_an_error_that_names_the_supported_ones(
    monkeypatch: pytest.MonkeyPatch, engine: str, name: str
) -> None:
    use_databases(monkeypatch, {"default": {"ENGINE": engine}})
    [error] = check_databases(None)
    assert error.id == "notifications_hub.E013"
    assert f"'default' is {name}" in error.msg
    assert "PostgreSQL or SQLite" in f"{error.msg} {error.hint}"


def test_only_databases_with_rows_of_the_hub_are_checked(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    mysql = {"ENGINE": "tests.support.mysql_engine"}
    use_databases(monkeypatch, {"default": sqlite, "stock": mysql})
    assert check_databases(None) == []
    use_databases(monkeypatch, {"default": mysql, "news": sqlite})
    settings.DATABASE_ROUTERS = [NewsRouter()]
    assert check_databases(None) == []
    use_databases(monkeypatch, {"default": sqlite, "news": mysql})
    [error] = check_databases(None)
    assert "'news'" in error.msg


def test_a_driver_that_is_missing_stops_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    # Django says itself that the driver is missing, when it connects.
    use_databases(monkeypatch, {"default": {"ENGINE": "tests.support.postgresql"}})
    assert check_databases(None) == []


class NewsRouter:
    def db_for_write(self, model: type[Model], **hints: object) -> str | None:
        return "news" if model._meta.app_label == "notifications_hub" else None


def use_databases(monkeypatch: pytest.MonkeyPatch, databases: dict[str, dict[str, Any]]) -> None:
    monkeypatch.setattr("notifications_hub.database_checks.connections", ConnectionHandler(databases))


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, '"connect_timeout": 3'),
        ({"connect_timeout": 5}, ""),
        ({"connect_timeout": 5, "pool": True}, '"pool": {"timeout": 5, …}'),
        ({"connect_timeout": 5, "pool": {"timeout": 5}}, ""),
        ({"service": "hub"}, ""),
    ],
)
def test_a_postgresql_that_a_request_would_wait_for_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], missing: str
) -> None:
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    postgres = {"ENGINE": "django.db.backends.postgresql", "NAME": "hub", "OPTIONS": options}
    use_databases(monkeypatch, {"default": postgres})
    found = [(warning.id, str(warning.hint)) for warning in check_timeouts(None)]
    hint = f"Add to DATABASES['default']['OPTIONS']: {missing}."
    assert found == ([("notifications_hub.W073", hint)] if missing else [])


SQLITE_OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL"}


def sqlite_problems(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, object], name: object = "db.sqlite3"
) -> list[CheckMessage]:
    use_databases(monkeypatch, {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options}})
    return check_databases(None)


def test_sqlite_as_django_sets_it_up_is_a_warning_that_names_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    [warning] = sqlite_problems(monkeypatch, {})
    assert (warning.id, warning.is_serious()) == ("notifications_hub.W040", False)
    assert str(warning.hint) == (
        "Add to DATABASES['default']['OPTIONS']: "
        '"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL".'
    )


@pytest.mark.parametrize("name", SQLITE_OPTIONS)
def test_only_the_option_that_sqlite_lacks_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    [warning] = sqlite_problems(monkeypatch, {each: SQLITE_OPTIONS[each] for each in SQLITE_OPTIONS if each != name})
    assert [each for each in SQLITE_OPTIONS if f'"{each}"' in str(warning.hint)] == [name]


@pytest.mark.parametrize(
    "options",
    [SQLITE_OPTIONS, {"transaction_mode": "exclusive", "timeout": 5, "init_command": "pragma journal_mode = wal;"}],
)
def test_sqlite_with_the_options_passes(monkeypatch: pytest.MonkeyPatch, options: dict[str, object]) -> None:
    assert sqlite_problems(monkeypatch, options) == []


@pytest.mark.parametrize("name", [":memory:", "file:memorydb_default?mode=memory&cache=shared"])
def test_sqlite_in_memory_needs_no_options(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert sqlite_problems(monkeypatch, {}, name) == []


def test_the_warning_about_sqlite_can_be_silenced(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.SILENCED_SYSTEM_CHECKS = ["notifications_hub.W040"]
    [warning] = sqlite_problems(monkeypatch, {})
    assert warning.is_silenced()


def test_no_two_modules_use_the_same_id() -> None:
    uses: dict[str, set[Path]] = defaultdict(set)
    for module in Path(notifications_hub.__file__).parent.rglob("*.py"):
        for one in re.findall(r'"(notifications_hub\.[EW]\d+)"', module.read_text()):
            uses[one].add(module)
    assert [one for one, modules in uses.items() if len(modules) > 1] == []
    assert "notifications_hub.E001" in uses


def test_a_kind_that_must_be_confirmed_says_so_by_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds.Default, "must_acknowledge", "yes")
    [error] = check_settings(None)
    assert error.id == "notifications_hub.E070"
    assert error.msg == "The kind 'default' has must_acknowledge = 'yes'."
    assert error.hint == "Write True or False."


@pytest.mark.parametrize("digest", ["fortnightly", None, 24, ["daily"]])
def test_an_unknown_digest_is_an_error_that_names_the_remedy(monkeypatch: pytest.MonkeyPatch, digest: object) -> None:
    monkeypatch.setattr(kinds.Default, "digest", digest)
    [error] = check_settings(None)
    assert error.id == "notifications_hub.E065"
    assert error.msg == f"The kind 'default' has digest = {digest!r}."
    assert error.hint == "Write one of Digest.AT_ONCE, Digest.HOURLY, Digest.DAILY, Digest.WEEKLY."
    monkeypatch.setattr(kinds.Default, "digest", "daily")
    assert check_settings(None) == []


def test_defaults_of_unknown_kinds_and_methods_are_errors_that_name_the_remedy(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"KIND_DEFAULTS": {"comment.replies": ["live"], "default": ["pigeon", "flash"]}}
    kind, method = check_settings(None)
    assert (kind.id, kind.hint) == ("notifications_hub.E068", "Did you mean 'comment.reply'?")
    assert method.id == "notifications_hub.E069"
    assert "'pigeon'" in method.msg
    assert found(settings, KIND_DEFAULTS={"default": "live"}) == ["notifications_hub.E002"]
    assert found(settings, KIND_DEFAULTS=["default"]) == ["notifications_hub.E002"]


def test_a_reason_for_a_lock_that_is_not_there_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(kinds.get_kind("default")), "locked_because", "It is important.")
    assert [message.id for message in check_settings(None)] == ["notifications_hub.W063"]


def test_no_kind_may_have_the_name_of_every_kind() -> None:
    with pytest.raises(ValueError, match="means every kind"):
        type("Everything", (Kind,), {"name": "*"})
