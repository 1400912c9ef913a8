"""Each guide's code is run, in a project that `django-admin startproject` has just made: see `tests.support.host`."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.host import Host, blocks_of
from tests.support.processes import ROOT, Program, wait_until

GUIDES = (
    "actions.md",
    "chat-services.md",
    "chat.md",
    "connections.md",
    "django-tasks.md",
    "email.md",
    "escalation.md",
    "extend-notifications.md",
    "following.md",
    "grouping.md",
    "jobs.md",
    "kind-catalogue.md",
    "kinds.md",
    "live-rows.md",
    "logs-and-traces.md",
    "many-people.md",
    "other-services.md",
    "personal-data.md",
    "preferences.md",
    "quiet-hours.md",
    "saving-and-snoozing.md",
    "signals.md",
    "testing.md",
    "webhooks.md",
    "write-a-transport.md",
)
WITHOUT_CODE = ("inbox.md", "use.md")
CLIENTS = "clients.md"
BEFORE_MIGRATING = ("extend-notifications.md",)
"""Guides that come before the first `migrate`. The others go on from the README's tables."""

RUN_BY_HOSTS = ("beside-your-project.md", "first-notification.md", "pages.md", "theming.md")
"""The guides that tests/hosts/ follows, in projects of their own."""

FOR_THE_PACKAGE = "from-django-notifications.md"
"""The guide for a project on django-notifications, which tests/package_import/ follows."""


OF_THE_EXAMPLES = "your-front-end.md"
"""The guide whose code is that of `examples/`, which tests/package/ runs."""


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_does_what_it_says(guide: str, tmp_path: Path, host_tables: Path) -> None:
    host = Host(tmp_path)
    host.follow_the_readme()
    if guide not in BEFORE_MIGRATING:
        shutil.copy(host_tables, tmp_path / "db.sqlite3")
    host.follow(ROOT / "docs" / "guides" / guide)


def test_the_transport_of_the_guide_is_short() -> None:
    [transport] = [one for one in blocks_of(ROOT / "docs/guides/write-a-transport.md") if one.path == "alerts/slack.py"]
    lines = [line for line in transport.code.splitlines() if line.strip()]
    assert len(lines) < 40


def test_clients_without_cookies_receive_each_event_once_across_a_revoked_token(
    tmp_path: Path, host_tables: Path
) -> None:
    host = Host(tmp_path)
    host.follow_the_readme()
    shutil.copy(host_tables, tmp_path / "db.sqlite3")
    host.follow(ROOT / "docs" / "guides" / CLIENTS)
    server, address = host.serve()
    commands = {"python": [sys.executable, "clients/listen.py"], "node": ["node", "clients/listen.mjs"]}
    logs = {name: tmp_path / f"{name}.log" for name in commands}
    environment = {**os.environ, "DEVICE_KEY": "a-long-random-key", "PYTHONUNBUFFERED": "1"}
    clients = [
        Program([command[0], str(tmp_path / command[1]), address], log=logs[name], environment=environment)
        for name, command in commands.items()
    ]
    shell = host.shell()

    def received(name: str) -> Counter[str]:
        lines = logs[name].read_text().splitlines()
        return Counter(line for line in lines if line.endswith(" notification.created"))

    def notify() -> str:
        shell.python("made = notify.send(alice, recipient=alice, verb='waved')")
        return (
            f"{shell.python('print(Stream.objects.get(topic=inbox_topic(alice.pk)).top)').strip()} notification.created"
        )

    def notify_and_wait() -> None:
        event = notify()
        wait_until(lambda: all(received(name)[event] for name in commands), seconds=60, what=event)

    try:
        shell.python("""
            from django.contrib.auth import get_user_model
            from notifications.signals import notify
            from notifications_hub import revoke
            from notifications_hub.streams import Stream, inbox_topic
            alice = get_user_model().objects.get(username="alice")
        """)
        # A client without a cursor starts from now, so the first ones may come too early for it.
        wait_until(lambda: notify() and all(map(received, commands)), seconds=60, what="both connections")
        notify_and_wait()
        shell.python("revoke(alice)")
        notify_and_wait()
        wait_until(lambda: "4401" in logs["python"].read_text(), seconds=60, what="the end of the first token")
        notify_and_wait()
        assert [set(received(name).values()) for name in commands] == [{1}, {1}]
    finally:
        shell.close()
        for program in (*clients, server):
            program.stop()


def test_every_guide_is_in_the_index_and_names_its_readers_first() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in (ROOT / "docs" / "guides").glob("*.md"):
        assert f"](guides/{page.name})" in index, page.name
        _title, first, *_rest = page.read_text().split("\n\n")
        assert first.startswith("For "), page.name


def test_every_guide_is_run() -> None:
    assert all("```python" not in (ROOT / "docs" / "guides" / page).read_text() for page in WITHOUT_CODE)
    assert {page.name for page in (ROOT / "docs" / "guides").glob("*.md")} == {
        *GUIDES,
        *WITHOUT_CODE,
        CLIENTS,
        *RUN_BY_HOSTS,
        FOR_THE_PACKAGE,
        OF_THE_EXAMPLES,
    }
