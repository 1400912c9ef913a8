"""A person who is erased is named in no result, and in no event of anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model

from notifications_hub.actions.models import ActionResult
from notifications_hub.actions.running import AlreadyDone, run_action
from notifications_hub.notification import Notification
from notifications_hub.personal_data.erase import erase
from notifications_hub.streams.models import Event
from tests.actions.support import ask, runs

if TYPE_CHECKING:
    from accounts.models import User

MARKER = "Zaphod-7q"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def test_an_erased_person_is_named_nowhere_and_the_action_runs_no_second_time(bob: User, charlie: User) -> None:
    zaphod = get_user_model().objects.create_user(MARKER, first_name=MARKER)
    rows = ask([zaphod, bob], charlie)
    run_action(rows[0], "decline", zaphod, f"words of {MARKER}")
    assert MARKER in str(list(Event.objects.filter(topic=f"inbox.{bob.pk}").values_list("data")))

    assert erase(zaphod)["action_results"] == 1
    assert MARKER not in str(list(Event.objects.values_list("data")))
    assert MARKER not in str(list(ActionResult.objects.values()))
    row = Notification.objects.get(pk=rows[1].pk)
    assert row.item().as_json()["result"]["text"] == "No, says somebody"
    with pytest.raises(AlreadyDone):
        run_action(row, "approve", bob)
    assert runs() == ["declined 0"]
