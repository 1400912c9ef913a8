"""An announcement's own page: the whole text for its audience, kind words once it is over, nothing for others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import announce
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation
from notifications_hub.audience_lists import AudienceListMember
from notifications_hub.models import Notification
from tests.announcements.support import ClientFor

if TYPE_CHECKING:
    from django.test import Client

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]

BUTTON = 'value="read">Mark as read</button>'


def page_of(announcement: Announcement) -> str:
    return f"/notifications/announcements/{announcement.pk}/"


def test_a_member_reads_the_whole_text(alice: User, client_for: ClientFor) -> None:
    text = "Some **bold** words <script>alert(1)</script>. " * 40 + "[Help](https://help.example/)"
    announcement = broadcast(title="Sale & more", body=text, url="/posts/9/")
    answer = client_for(alice).get(page_of(announcement))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.count("<strong>bold</strong>") == 40
    assert "<script>alert(1)" not in page
    assert "Sale &amp; more" in page
    assert '<a href="https://help.example/" rel="noopener noreferrer">Help</a>' in page
    assert 'href="/posts/9/"' in page
    assert answer.headers["Cache-Control"] == "no-store, private"


def test_it_is_in_the_readers_language(alice: User, client_for: ClientFor) -> None:
    announcement = broadcast(title="Closed", body="All day")
    AnnouncementTranslation.objects.create(announcement=announcement, language="zh-hans", title="闭馆", body="全天")
    page = client_for(alice).get(page_of(announcement), headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "闭馆" in page
    assert "全天" in page


def test_looking_changes_nothing_and_a_button_marks_it_as_read(alice: User, client_for: ClientFor) -> None:
    announcement, client = broadcast(title="Closed"), client_for(alice)
    assert BUTTON in client.get(page_of(announcement)).content.decode()
    assert not Notification.objects.filter(unread=False).exists()
    form = {"action": "read", "ids": announcement.item_id, "next": page_of(announcement)}
    answer = client.post("/notifications/mark/", form, follow=True)
    assert answer.redirect_chain[-1][0] == page_of(announcement)
    assert BUTTON not in answer.content.decode()
    assert not Notification.objects.get().unread


def test_others_find_nothing(alice: User, bob: User, client_for: ClientFor, client: Client) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    staff = broadcast(title="For staff", audience="staff")
    later = broadcast(title="Later", starts_at=datetime.now(UTC) + timedelta(days=1))
    assert client_for(User.objects.get(pk=bob.pk)).get(page_of(staff)).status_code == 200
    asking = client_for(alice)
    for path in (page_of(staff), page_of(later), "/notifications/announcements/999999999999/"):
        answer = asking.get(path)
        assert answer.status_code == 404
        assert "For staff" not in answer.content.decode()
    answer = client.get(page_of(staff))
    assert (answer.status_code, "/login/" in answer.headers["Location"]) == (302, True)


@pytest.mark.parametrize("how", ["withdrawn", "ended"])
def test_one_that_is_over_has_kind_words_and_none_of_its_own(alice: User, client_for: ClientFor, how: str) -> None:
    announcement = broadcast(title="Sale", body="Half the price")
    if how == "withdrawn":
        announce.withdraw(announcement)
    else:
        Announcement.objects.update(ends_at=datetime.now(UTC) - timedelta(seconds=1))
    answer = client_for(alice).get(page_of(announcement))
    page = answer.content.decode()
    assert answer.status_code == 410
    assert {"withdrawn": "This announcement was withdrawn", "ended": "This announcement has ended"}[how] in page
    assert "Sale" not in page
    assert "Half the price" not in page


def test_people_chosen_by_hand_learn_that_it_has_ended(alice: User, bob: User, client_for: ClientFor) -> None:
    announcement = broadcast(title="Sale", audience=[alice])
    over = datetime.now(UTC) - timedelta(seconds=1)
    Announcement.objects.update(ends_at=over)
    AudienceListMember.objects.update(until=over)
    answer = client_for(alice).get(page_of(announcement))
    assert (answer.status_code, "This announcement has ended" in answer.content.decode()) == (410, True)
    assert client_for(bob).get(page_of(announcement)).status_code == 404
