from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.transports.web_push.vapid import VapidKey, generate


def browser_with(private: str, owner: User) -> PushSubscription:
    return PushSubscription.objects.create(owner=owner, key_fingerprint=VapidKey(private).fingerprint)


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("hub_vapid", *arguments, stdout=output)
    return output.getvalue()


def test_it_prints_a_new_key_pair_for_an_environment_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = dict(line.split("=", 1) for line in run("--env", "--subject", "mailto:you@example.com").splitlines())
    assert VapidKey(lines["VAPID_PRIVATE_KEY"]).public
    assert lines["VAPID_SUBJECT"] == "mailto:you@example.com"
    assert list(tmp_path.iterdir()) == []


def test_push_services_accept_its_default_subject(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "The Hub <hub@example.com>"
    settings.NOTIFICATIONS_HUB = {}
    assert "VAPID_SUBJECT=mailto:hub@example.com" in run("--env")


@pytest.mark.parametrize("admins", [["ops@hub.example"], [("Ops", "ops@hub.example")]], ids=["Django 6", "Django 5"])
def test_the_default_subject_is_the_first_admin(settings: Settings, admins: list[object]) -> None:
    settings.ADMINS, settings.NOTIFICATIONS_HUB = admins, {}
    assert "VAPID_SUBJECT=mailto:ops@hub.example" in run("--env")


def test_only_the_lines_of_the_environment_are_on_the_standard_output(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {}
    output, explained = StringIO(), StringIO()
    call_command("hub_vapid", "--env", stdout=output, stderr=explained)
    assert [line.split("=")[0] for line in output.getvalue().splitlines()] == ["VAPID_PRIVATE_KEY", "VAPID_SUBJECT"]
    assert '"VAPID_PRIVATE_KEY": os.environ.get("VAPID_PRIVATE_KEY", ""),' in explained.getvalue()
    assert "Replace mailto:webmaster@localhost" in explained.getvalue()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"VAPID_PRIVATE_KEY": "short"}, "VAPID_PRIVATE_KEY must be 32 bytes"),
        ({"VAPID_PRIVATE_KEY": generate()}, "VAPID_SUBJECT is missing"),
    ],
)
@pytest.mark.django_db
def test_a_setting_that_pushes_nothing_is_an_error(settings: Settings, given: dict[str, str], words: str) -> None:
    settings.NOTIFICATIONS_HUB = given
    with pytest.raises(CommandError, match=words):
        run()


def test_every_key_pair_is_new() -> None:
    assert run("--env") != run("--env")


@pytest.mark.django_db
def test_it_shows_the_public_key_only(settings: Settings) -> None:
    private = generate()
    settings.NOTIFICATIONS_HUB = {"VAPID_PRIVATE_KEY": private, "VAPID_SUBJECT": "mailto:ops@hub.example"}
    shown = run()
    assert VapidKey(private).public in shown
    assert private not in shown


def test_a_missing_key_is_reported_with_the_remedy(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {}
    with pytest.raises(CommandError, match="hub_vapid --env"):
        run()


def test_it_refuses_a_subject_that_push_services_refuse() -> None:
    with pytest.raises(CommandError, match="mailto:"):
        run("--env", "--subject", "you@example.com")


@pytest.mark.django_db
def test_a_rotation_keeps_the_current_key_as_the_previous_one(settings: Settings, alice: User) -> None:
    private = generate()
    settings.NOTIFICATIONS_HUB = {"VAPID_PRIVATE_KEY": private, "VAPID_SUBJECT": "mailto:ops@hub.example"}
    lines = dict(line.split("=", 1) for line in run("--rotate").splitlines())
    assert lines["VAPID_PREVIOUS_KEY"] == private
    assert lines["VAPID_PRIVATE_KEY"] != private
    assert lines["VAPID_SUBJECT"] == "mailto:ops@hub.example"


@pytest.mark.django_db
def test_it_counts_browsers_that_still_move_over_and_refuses_another_rotation(settings: Settings, alice: User) -> None:
    current, previous = generate(), generate()
    keys = {"VAPID_PRIVATE_KEY": current, "VAPID_PREVIOUS_KEY": previous}
    settings.NOTIFICATIONS_HUB = {**keys, "VAPID_SUBJECT": "mailto:ops@hub.example"}
    browser_with(previous, alice)
    shown = run()
    assert VapidKey(previous).public in shown
    assert previous not in shown
    assert "browsers      1" in shown
    with pytest.raises(CommandError, match="in progress"):
        run("--rotate")
