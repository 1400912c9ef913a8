"""What is said of triggers on a database that cannot have them."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from notifications_hub.checks import check_row_trigger_names
from notifications_hub.streams import Event
from tests.rows.board.models import Note, Thread

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("action", ["install", "remove"])
def test_they_are_refused_with_what_to_do_instead(action: str) -> None:
    with pytest.raises(CommandError, match=r"need PostgreSQL, and this site is on SQLite.+publish\(\)"):
        call_command("hub_row_triggers", action, "board.Note")


def test_what_django_changes_is_told_all_the_same(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": ["board.Note"]}
    Note.objects.create(thread=Thread.objects.create(), body="Green")
    assert Event.objects.filter(kind="note.created").count() == 2


def test_a_name_that_is_no_live_models_is_found_at_start_up(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"ROW_TRIGGERS": ["board.Note", "board.Thread"]}
    [error] = check_row_trigger_names(None)
    assert (error.id, "board.thread is not a live model" in error.msg) == ("notifications_hub.E009", True)
