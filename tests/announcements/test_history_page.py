"""The audit trail in the admin: the page of an announcement, and the list that nobody can change."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import audit
from notifications_hub.announcements.audit import AnnouncementStep, Step
from notifications_hub.announcements.models import Announcement
from tests.announcements.support import ADD, ClientFor, Grant, change, filled_in, history, translated

if TYPE_CHECKING:
    from django.test import Client

STEPS = "/admin/notifications_hub/announcementstep/"

both_databases = pytest.mark.both_databases(short="postgresql")
pytestmark = pytest.mark.django_db


@both_databases
def test_it_shows_each_step_with_what_changed(writer: Client) -> None:
    writer.post(ADD, filled_in())
    announcement = Announcement.objects.get()
    writer.post(change(announcement), filled_in(title="Closed <all> day", ends_at_0="2099-01-01", ends_at_1="12:00"))
    writer.post(
        change(announcement),
        filled_in(title="Closed <all> day", ends_at_0="2099-01-01", ends_at_1="12:00", **translated("闭馆")),
    )
    page = writer.get(history(announcement)).content.decode()
    assert page.count('data-state="edited"') == 2
    assert "title: Closed on Sunday → Closed &lt;all&gt; day" in page
    assert "title (zh-hans): — → 闭馆" in page
    assert all(words in page for words in ("written", "announced", "bob", "admin"))


@both_databases
def test_a_long_history_has_pages(writer: Client) -> None:
    announcement = broadcast(title="Hello")
    for number in range(120):
        audit.record(announcement, Step.EDITED, reason=f"number {number}.")
    audit.record(broadcast(title="Other"), Step.EDITED, reason="of another one")
    seen, page, pages = 0, history(announcement), 0
    while page:
        text = writer.get(page).content.decode()
        assert "of another one" not in text
        seen, pages = seen + text.count('class="hub-state"'), pages + 1
        older = text.partition('href="?before=')[2].partition('"')[0]
        page = f"{history(announcement)}?before={older}" if older else ""
    assert (seen, pages) == (122, 3)


@both_databases
def test_an_index_finds_the_steps_of_one_announcement(alice: User) -> None:
    announcement = Announcement.objects.create(title="Hello")
    AnnouncementStep.objects.bulk_create(
        [
            AnnouncementStep(announcement_key=str(key), title="x", step="edited", source="code")
            for key in range(9000, 12000)
        ]
    )
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    with CaptureQueriesContext(connection) as caught:
        list(audit.steps_of(announcement)[:50])
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as sql:
        sql.execute(f"{explain} {caught[0]['sql']}")
        plan = "\n".join(str(line[-1]) for line in sql.fetchall())
    assert "hub_step_announcement" in plan
    assert not any(word in plan for word in ("Seq Scan", "Sort", "TEMP B-TREE")), plan


def test_not_even_a_superuser_changes_or_deletes_a_step(client_for: ClientFor, admin: User) -> None:
    broadcast(title="Hello")
    client, step = client_for(admin), AnnouncementStep.objects.first()
    assert step is not None
    page = client.get(f"{STEPS}{step.pk}/change/").content.decode()
    assert 'name="_save"' not in page
    assert client.post(f"{STEPS}{step.pk}/change/", {"title": "x"}).status_code == HTTPStatus.FORBIDDEN
    assert client.post(f"{STEPS}{step.pk}/delete/", {"post": "yes"}).status_code == HTTPStatus.FORBIDDEN
    assert client.post(f"{STEPS}add/", {"title": "x"}).status_code == HTTPStatus.FORBIDDEN
    client.post(STEPS, {"action": "delete_selected", "_selected_action": [step.pk], "post": "yes"})
    assert AnnouncementStep.objects.filter(title="Hello").count() == 2


def test_the_list_has_the_steps_of_what_is_gone(client_for: ClientFor, staff: Grant, alice: User) -> None:
    broadcast(title="Hello", by=alice)
    Announcement.objects.get().delete()
    alice.delete()
    viewer = client_for(staff("view_announcementstep"))
    page = viewer.get(STEPS).content.decode()
    assert all(f'data-state="{step}"' in page for step in ("written", "announced", "deleted"))
    assert "alice" in page
    shown = viewer.get(f"{STEPS}?step=deleted").context["cl"].result_list
    assert [step.step for step in shown] == ["deleted"]
