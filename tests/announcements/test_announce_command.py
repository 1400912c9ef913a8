"""`hub_announce`: people from files, a dry run, and the progress of the sending."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from notifications_hub import audiences
from notifications_hub.announcements import reach as reach_module
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.delivery.preferences import choose_methods
from tests.support.deliveries import use_memory
from tests.test_commands import run

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _exact_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count without a cache, and with time enough on a busy machine."""
    cache.clear()
    monkeypatch.setattr(reach_module, "SECONDS", 30.0)


def test_a_title_is_given_once_in_either_way(alice: User) -> None:
    run("hub_announce", "--title", "Hello")
    assert Announcement.objects.get().title == "Hello"
    for arguments in ([], ["Hello", "--title", "Hello"]):
        with pytest.raises(CommandError, match="Give one title"):
            run("hub_announce", *arguments)


def test_a_dry_run_says_what_would_happen_and_writes_nothing(alice: User, bob: User) -> None:
    choose_methods(bob, "announcement", ["live"])
    output = run("hub_announce", "Hello", "--dry-run", "--methods", "live", "flash", "--starts", "2099-01-01 08:00")

    assert output.splitlines()[:4] == [
        "Title: Hello",
        "Audience: everyone, 2 people",
        "  live: 2 people",
        "  flash: 1 person",
    ]
    assert "Runs: 2099-01-01 08:00" in output
    assert "Nothing was announced" in output
    assert not Announcement.objects.exists()
    with pytest.raises(CommandError, match="not an audience"):
        run("hub_announce", "Hello", "--dry-run", "--audience", "nobody")


def test_people_are_named_in_files(alice: User, bob: User, charlie: User, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("alice\n", encoding="utf-8-sig")
    (tmp_path / "two").write_text("bob, alice")
    output = run("hub_announce", "Hello", "--people", str(tmp_path / "one"), "--people", str(tmp_path / "two"))

    announcement = Announcement.objects.get()
    assert set(audiences.members(announcement.audience)) == {alice, bob}
    assert output == f"Announced to people chosen by hand: 2 people (a{announcement.pk}).\n"


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        ("zoe", [], "Nobody has this user name, e-mail address or key: zoe."),
        ("", [], "Choose at least one person."),
        ("alice", ["--audience", "staff"], "not both"),
        ("\udcff", [], "cannot be read as UTF-8"),
    ],
)
def test_a_wrong_file_of_people_announces_nothing(
    alice: User, tmp_path: Path, text: str, arguments: list[str], words: str
) -> None:
    people = tmp_path / "people"
    people.write_text(text, errors="surrogateescape")
    with pytest.raises(CommandError, match=words):
        run("hub_announce", "Hello", "--people", str(people), *arguments)
    with pytest.raises(CommandError, match="cannot be read"):
        run("hub_announce", "Hello", "--people", str(tmp_path / "missing"))
    assert not Announcement.objects.exists()


@pytest.mark.parametrize("limit", [None, 1])
def test_an_audience_that_raises_announces_nothing(alice: User, settings: Settings, limit: int | None) -> None:
    audiences = {"customers": f"{__name__}.broken"}
    settings.NOTIFICATIONS_HUB = {"AUDIENCES": audiences, "ANNOUNCEMENT_APPROVAL_ABOVE": limit}
    with pytest.raises(CommandError, match="RuntimeError: the shop is closed"):
        run("hub_announce", "Hello", "--audience", "audience.customers")
    assert not Announcement.objects.exists()


def test_a_dry_run_leaves_no_count_behind(alice: User, bob: User, settings: Settings, tmp_path: Path) -> None:
    # Another cache than the tests' own, which is rolled back with the list.
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    people = tmp_path / "people"
    people.write_text("alice")
    assert "1 person" in run("hub_announce", "Hello", "--people", str(people), "--dry-run")
    people.write_text("alice, bob")
    assert "2 people" in run("hub_announce", "Hello", "--people", str(people))


def broken() -> QuerySet[User]:
    """Return nothing: an audience of a host that raises."""
    raise RuntimeError("the shop is closed")


def test_its_progress_is_followed_until_it_is_sent(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_memory(settings, ack_window=0)
    middle: dict[str, Any] = {"people": 10, "looked_at": 5, "planned": 5, "sent": 3, "failed": 1}
    steps: Iterator[dict[str, Any]] = iter([middle, {"finished_at": timezone.now()}])
    monkeypatch.setattr("time.sleep", lambda _seconds: Rollout.objects.update(**next(steps)))
    output = run("hub_announce", "Hello", "--follow")

    assert output.splitlines()[1:] == [
        "web_push: 0 %, 0 planned, 0 sent, 0 failed",
        "web_push: 50 %, 5 planned, 3 sent, 1 failed",
        "web_push: 50 %, 5 planned, 3 sent, 1 failed",
    ]


def test_an_interrupt_leaves_it_running(alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    use_memory(settings, ack_window=0)
    monkeypatch.setattr("time.sleep", interrupt)
    output = run("hub_announce", "Hello", "--follow")

    assert "Workers go on sending." in output
    assert Rollout.objects.open().count() == 1
