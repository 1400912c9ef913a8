"""Row triggers on a database that does not support them."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from notifications_hub.checks import check_row_trigger_names
from notifications_hub.streams import Event
from tests.rows.board.models import Note, Thread

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("action", ["install", "remove"])
def test_triggers_are_refused_with_an_alternative(action: str) -> None:
    with pytest.raises(CommandError, match=r"need PostgreSQL, and this site uses SQLite.+publish\(\)"):
        call_command("hub_row_triggers", action, "board.Note")


def test_djangos_changes_are_published_without_triggers(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": ["board.Note"]}
    Note.objects.create(thread=Thread.objects.create(), body="Green")
    assert Event.objects.filter(kind="note.created").count() == 2


def test_a_setting_that_names_another_model_is_a_check_error(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": ["board.Note", "board.Thread"]}
    [error] = check_row_trigger_names(None)
    assert (error.id, "board.thread is not a live model" in error.msg) == ("notifications_hub.E009", True)
