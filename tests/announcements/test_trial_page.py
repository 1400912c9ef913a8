"""A test of an announcement, which its writer sends to themselves."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from accounts.models import User
from notifications_hub import audiences, broadcast
from notifications_hub.announcements import audit
from notifications_hub.announcements.models import Announcement
from notifications_hub.delivery.preferences import choose_methods
from tests.announcements.support import LIST, ClientFor, Grant, change, filled_in, kinds_on, trail, translated

if TYPE_CHECKING:
    from django.test import Client

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]

TEST = f"{LIST}test/"


def words_of(answer: Any) -> str:
    assert answer.status_code == HTTPStatus.OK
    return " ".join(answer.content.decode().split())


def test_a_test_goes_to_its_writer_alone(writer: Client, bob: User, charlie: User) -> None:
    answer = writer.post(TEST, filled_in(audience="staff", urgency="critical", **translated("周日闭馆", "搬书架")))

    sent = Announcement.objects.get()
    assert (sent.title, sent.body, sent.urgency) == ("[Test] Closed on Sunday", "We move the **shelves**.", "critical")
    assert [row.title for row in sent.translations.all()] == ["[测试] 周日闭馆"]
    assert (sent.is_test, sent.awaits_approval, sent.by) == (True, False, bob)
    assert list(audiences.members(sent.audience)) == [bob]
    assert sent.ends_at - timezone.now() <= timedelta(hours=1)
    assert kinds_on(sent.audience) == ["announcement.created"]
    assert "A test was sent to you alone." in words_of(answer)
    assert trail() == [("announced", "bob", "admin"), ("test_sent", "bob", "admin")]


def test_a_test_of_a_saved_one_stands_in_its_history(writer: Client) -> None:
    announcement = broadcast(title="Hello")
    writer.post(f"{LIST}{announcement.pk}/test/", filled_in())
    assert audit.steps_of(announcement)[0].step == "test_sent"


def test_its_result_says_how_it_reaches_the_writer(writer: Client, bob: User) -> None:
    choose_methods(bob, "announcement", ["live", "web_push"])
    words = words_of(writer.post(TEST, filled_in()))

    assert "Open page: on each page of this site that you have open" in words
    assert "Next page: switched off in your preferences" in words
    assert "Web Push: you haven&#x27;t turned on push notifications in any browser" in words
    assert "Next page" not in words_of(writer.post(TEST, filled_in(methods=["web_push"])))


def test_a_form_with_errors_sends_no_test(writer: Client) -> None:
    words = words_of(writer.post(TEST, filled_in(title="", url="https://elsewhere.example/", **translated(""))))

    assert "No test was sent." in words
    assert "Title: This field is required." in words
    words = words_of(writer.post(TEST, filled_in(**translated(""))))
    assert "Title: This field is required." in words
    assert not Announcement.objects.exists()


def test_the_audience_and_the_times_do_not_matter(writer: Client) -> None:
    answer = writer.post(TEST, filled_in(audience="chosen", people="nobody", ends_at_0="2001-01-01", ends_at_1="12:00"))

    assert "A test was sent" in words_of(answer)


def test_a_test_changes_nothing_of_what_is_written(writer: Client) -> None:
    planned = broadcast(title="Planned", starts_at=timezone.now() + timedelta(days=1))
    planned.translations.create(language="zh-hans", title="计划")
    form = filled_in(title="Changed", **translated("改"))
    form |= {"translations-INITIAL_FORMS": "1", "translations-0-id": str(planned.translations.get().pk)}
    answer = writer.post(f"{LIST}{planned.pk}/test/?piece", form)

    assert words_of(answer).startswith("<p>A test was sent")
    planned.refresh_from_db()
    assert (planned.title, planned.translations.get().title) == ("Planned", "计划")
    sent = Announcement.objects.get(is_test=True)
    assert (sent.title, sent.translations.get().title) == ("[Test] Changed", "[测试] 改")
    assert f"{LIST}{planned.pk}/test/" in writer.get(change(planned)).content.decode()


def test_the_list_shows_tests_only_on_request(writer: Client) -> None:
    broadcast(title="Real one")
    writer.post(TEST, filled_in())

    def listed(**query: str) -> list[str]:
        return [one.title for one in writer.get(LIST, query).context["cl"].result_list]

    assert listed() == ["Real one"]
    assert listed(tests="only") == ["[Test] Closed on Sunday"]


def test_a_long_title_is_cut_to_fit(writer: Client) -> None:
    writer.post(TEST, filled_in(title="x" * 120))

    assert len(Announcement.objects.get().title) == 120


def test_staff_without_the_permission_may_not_send_one(client_for: ClientFor, staff: Grant, writer: Client) -> None:
    assert writer.get(TEST).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert writer.post(f"{LIST}987654/test/").status_code == HTTPStatus.NOT_FOUND
    assert client_for(staff()).post(TEST, filled_in()).status_code == HTTPStatus.FORBIDDEN
    assert not Announcement.objects.exists()
