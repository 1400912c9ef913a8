"""Links of announcements to other sites: asked for twice, named wherever they are shown, and safe to follow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from notifications_hub import Banner, broadcast
from notifications_hub.announcements.models import Announcement
from notifications_hub.flash import django_message
from notifications_hub.transports.web_push.payload import encode
from tests.announcements.support import ADD, ClientFor, change, filled_in, log_of

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db

THERE = "https://other.example/sale?a=b#c"
AGREED = {"url": THERE, "other_site": ["other.example"]}
"""Fields that a browser sends once the box is ticked."""
SAFE = 'rel="noopener noreferrer"'


def opening(announcement: Announcement) -> str:
    return reverse("notifications_hub:open", args=[announcement.item_id])


def test_the_form_asks_once_and_names_the_site(writer: Client) -> None:
    first = writer.post(ADD, filled_in(url=THERE))
    page = first.content.decode()
    assert "This link leads to another site, other.example." in page
    assert 'type="checkbox" name="other_site" value="other.example"' in page
    assert not Announcement.objects.exists()

    assert writer.post(ADD, filled_in(**AGREED)).status_code == 302
    assert Announcement.objects.get().url == THERE


def test_a_form_without_such_a_link_asks_nothing(writer: Client) -> None:
    assert 'type="checkbox" name="other_site"' not in writer.get(ADD).content.decode()
    assert writer.post(ADD, filled_in(url="/posts/9/")).status_code == 302


def test_consent_is_to_one_site_alone(writer: Client) -> None:
    answer = writer.post(ADD, filled_in(**{**AGREED, "url": "https://evil.example/"}))
    assert "another site, evil.example" in answer.content.decode()
    assert not Announcement.objects.exists()


def test_a_change_that_keeps_the_site_is_not_asked_again(writer: Client) -> None:
    announcement = broadcast(title="Sale", url=THERE, other_site=True)
    page = writer.get(change(announcement)).content.decode()
    assert 'name="other_site" value="other.example" id="id_other_site_0" checked' in page
    assert writer.post(change(announcement), filled_in(title="Sales", **AGREED)).status_code == 302
    elsewhere = filled_in(title="Sales", **{**AGREED, "url": "https://evil.example/"})
    assert writer.post(change(announcement), elsewhere).status_code == 200
    announcement.refresh_from_db()
    assert (announcement.title, announcement.url) == ("Sales", THERE)


def test_an_address_of_this_site_becomes_a_path(settings: Settings, writer: Client) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "SITE_URL": "https://hub.example"}
    assert writer.post(ADD, filled_in(url="https://hub.example/posts/9/")).status_code == 302
    assert Announcement.objects.get().url == "/posts/9/"


def test_the_command_needs_a_word_too() -> None:
    with pytest.raises(Exception, match="--other-site"):
        call_command("hub_announce", "Sale", url=THERE)
    call_command("hub_announce", "Sale", url=THERE, other_site=True)
    assert Announcement.objects.get().url == THERE


def test_clients_get_a_page_of_this_site_and_the_other_one_apart(alice: User, client_for: ClientFor) -> None:
    announcement = broadcast(title="Sale", url=THERE, other_site=True)
    own = opening(announcement)
    [(_kind, item)] = log_of("everyone")
    [listed] = client_for(alice).get("/api/v1/notifications/").json()["results"]
    for shape in (item, listed):
        assert (shape["url"], shape["leads_to"]) == (own, THERE)
    payload = json.loads(encode(announcement.message(), site="https://hub.example/"))
    assert payload["url"] == own
    assert payload["notification"]["navigate"] == f"https://hub.example{own}"
    assert "other.example" not in json.dumps(payload)
    assert client_for(alice).get(own).headers["Location"] == announcement.own_page()


def test_other_announcements_lead_where_they_did() -> None:
    plain, path = broadcast(title="Plain").item().as_json(), broadcast(title="Path", url="/posts/9/").item().as_json()
    assert (plain["url"], path["url"][-6:]) == ("", "/open/")
    assert "leads_to" not in plain | path
    long = broadcast(title="Long", body="words " * 200)
    assert long.target() == long.own_page()


def test_pages_say_where_it_leads_and_keep_their_address(alice: User, client_for: ClientFor) -> None:
    announcement = broadcast(title="Sale", url=THERE, other_site=True)
    client = client_for(alice)
    for path in ("/notifications/", f"/notifications/{announcement.item_id}/why/", announcement.own_page()):
        page = client.get(path).content.decode()
        link = page[page.index(f'href="{THERE}"') :]
        assert SAFE in link[: link.index(">")]
        assert "other.example" in link[link.index(">") : link.index("</a>")]
    message = django_message(announcement.message())
    assert message.message == (
        f'<a href="{THERE}" target="_blank" {SAFE} data-records="{opening(announcement)}">'
        "Sale <small>(leads to other.example)</small></a>"
    )


def test_a_banner_says_where_it_leads_to_visitors_too(client: Client) -> None:
    broadcast(title="Sale", url=THERE, other_site=True, banner=Banner(is_public=True))
    page = client.get("/").content.decode()
    link = page[page.index(f'href="{THERE}"') :]
    assert SAFE in link[: link.index(">")]
    assert "leads to other.example" in link[: link.index("</a>")]


HOSTILE = ["javascript:alert(1)", "//evil.example/", "https:evil.example", "http://evil.example/", "data:text/html,x"]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_link_changed_behind_the_checks_leads_nowhere(alice: User, client_for: ClientFor, url: str) -> None:
    announcement = broadcast(title="Sale")
    Announcement.objects.update(url=url)
    announcement.refresh_from_db()
    item = announcement.item().as_json()
    assert item["url"] == ""
    assert "leads_to" not in item
    client = client_for(alice)
    for path in ("/notifications/", f"/notifications/{announcement.item_id}/why/", announcement.own_page()):
        page = client.get(path)
        assert page.status_code == 200
        assert url not in page.content.decode()


def test_the_preview_names_the_other_site(writer: Client) -> None:
    page = writer.post("/admin/notifications_hub/announcement/preview/?piece", filled_in(url=THERE)).content.decode()
    assert f"Links to another site: <code>{THERE}</code>" in " ".join(page.split())
