"""Banners: who sees them where, dismissal by people and by visitors, and what they cost."""

from __future__ import annotations

import json
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext, override_script_prefix
from django.utils import timezone

from notifications_hub import Banner, broadcast
from notifications_hub.announcements import announce
from notifications_hub.announcements.banners import current
from notifications_hub.announcements.banners.dismissal import COOKIE, dismiss
from notifications_hub.announcements.banners.models import BannerDismissal
from notifications_hub.announcements.banners.page import banners_html
from notifications_hub.announcements.banners.rules import is_shown_on
from notifications_hub.announcements.models import Announcement
from notifications_hub.audiences import PUBLIC_BANNERS
from notifications_hub.database import transaction
from notifications_hub.models import Notification
from notifications_hub.streams import inbox_topic
from tests.announcements.support import ADD, ClientFor, change, filled_in, kinds_on, log_of
from tests.support.processes import ROOT

if TYPE_CHECKING:
    from accounts.models import User

both_databases = pytest.mark.both_databases(short="sqlite")
pytestmark = pytest.mark.django_db

PUBLIC = Banner(is_public=True)
PAGE, CURRENT, DISMISS = "/accounts/login/", "/notifications/banners/", "/notifications/banners/dismiss/"
INBOX = "/notifications/"
CASES = json.loads((ROOT / "tests/payloads/banner_paths.json").read_text())


def banner(title: str = "Water off", rules: Banner | None = None, **changes: Any) -> Announcement:
    return broadcast(title=title, banner=rules or Banner(), **changes)


def shown(client: Client, path: str) -> list[str]:
    """Return the ids of the banners on a page, as the server renders them."""
    page = client.get(path).content.decode()
    return [piece.split('"')[0] for piece in page.split('class="nh-banner" data-id="')[1:] if not piece.startswith('"')]


def listed(client: Client) -> tuple[list[str], list[str]]:
    """Return the ids that the page's script is answered: those to show, and those dismissed."""
    answer = client.get(CURRENT).json()
    return [item["id"] for item in answer["banners"]], answer["dismissed"]


# Where


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{'+'.join(case['paths'])}-on-{case['path']}")
def test_paths_choose_the_pages(case: dict[str, Any]) -> None:
    assert is_shown_on(case["paths"], case["path"]) is case["shown"]


def test_a_page_has_the_banners_of_its_path(client_for: ClientFor, alice: User) -> None:
    everywhere = banner()
    banner(rules=Banner(paths=["/shop/"]))
    here = banner(rules=Banner(paths=["/shop/", "/notif*/"]))

    assert shown(client_for(alice), INBOX) == [here.item_id, everywhere.item_id]


def test_a_path_begins_after_the_prefix_of_the_site(client_for: ClientFor, alice: User) -> None:
    here = banner(rules=Banner(paths=[INBOX]))

    with override_script_prefix("/hub/"):
        page = client_for(alice).get(INBOX, SCRIPT_NAME="/hub").content.decode()
    assert f'data-id="{here.item_id}"' in page
    assert 'base="/hub/"' in page


@pytest.mark.parametrize(
    "line", ["shop/", "https://example.com/", "//example.com/", "/a b/", "/a?b=c", "/a#b", "/\\", "/*a*b*c*d*e"]
)
def test_a_line_that_is_no_path_is_named(line: str) -> None:
    with pytest.raises(ValidationError) as refused:
        banner(rules=Banner(paths=["/shop/", line]))
    [message] = refused.value.message_dict["banner_paths"]
    assert message == f"“{line}” is not a path of this site. Write one path per line, like /shop/ or /news/*."


def test_too_many_paths_are_refused() -> None:
    with pytest.raises(ValidationError, match="Write at most 20 paths"):
        banner(rules=Banner(paths=[f"/{number}/" for number in range(21)]))


def test_one_text_is_no_list_of_paths() -> None:
    with pytest.raises(TypeError, match=r"like \['/shop/'\]"):
        banner(rules=Banner(paths="/shop/"))


# For whom


@both_databases
def test_people_see_the_banners_of_their_audiences(client_for: ClientFor, alice: User, admin: User) -> None:
    for_all, for_staff = banner(), banner(audience="staff")

    assert shown(client_for(alice), INBOX) == [for_all.item_id]
    assert shown(client_for(admin), INBOX) == [for_staff.item_id, for_all.item_id]
    assert listed(client_for(alice)) == ([for_all.item_id], [])
    assert listed(client_for(admin)) == ([for_staff.item_id, for_all.item_id], [])


@both_databases
def test_visitors_see_only_public_banners(client: Client) -> None:
    banner()
    public = banner(rules=PUBLIC)

    assert shown(client, PAGE) == [public.item_id]
    assert listed(client) == ([public.item_id], [])


def test_a_public_banner_is_for_everyone() -> None:
    with pytest.raises(ValidationError) as refused:
        banner(rules=PUBLIC, audience="staff")
    assert "Choose the audience “Everyone”" in refused.value.message_dict["is_banner_public"][0]


def test_one_that_is_planned_withdrawn_ended_or_a_test_is_not_shown(client_for: ClientFor, alice: User) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    banner("Planned", starts_at=tomorrow)
    announce.withdraw(banner("Withdrawn"))
    Announcement.objects.filter(pk=banner("Ended").pk).update(ends_at=timezone.now())
    Announcement.objects.filter(pk=banner("Test").pk).update(is_test=True)
    broadcast(title="No banner")

    assert shown(client_for(alice), INBOX) == []
    assert listed(client_for(alice)) == ([], [])


def test_words_are_escaped_and_in_the_language_of_the_reader(client_for: ClientFor, alice: User) -> None:
    one = banner("<b>Off</b>", body="**From** 8", url="/status/")
    one.translations.create(language="zh-hans", title="停水", body="八点起")

    page = client_for(alice).get(INBOX).content.decode()
    assert "&lt;b&gt;Off&lt;/b&gt;" in page
    assert "From 8" in page
    assert f'href="/notifications/{one.item_id}/open/"' in page
    chinese = client_for(alice).get(INBOX, headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "停水" in chinese


def test_visitors_are_led_straight_to_its_link(client: Client) -> None:
    banner(rules=PUBLIC, url="/accounts/signup/")
    assert 'href="/accounts/signup/"' in client.get(PAGE).content.decode()
    assert [item["url"] for item in client.get(CURRENT).json()["banners"]] == ["/accounts/signup/"]
    assert [item["url"] for _kind, item in log_of(PUBLIC_BANNERS)] == ["/accounts/signup/"]


def test_a_link_to_another_site_says_where_it_leads(client: Client) -> None:
    banner(rules=PUBLIC, url="https://status.example.com/", other_site=True)
    page = client.get(PAGE).content.decode()
    assert 'href="https://status.example.com/" target="_blank" rel="noopener noreferrer"' in page
    assert "leads to status.example.com" in page


# Live


def test_visitors_hear_of_public_banners_alone() -> None:
    banner()
    assert kinds_on(PUBLIC_BANNERS) == []
    public = banner(rules=Banner(is_public=True, paths=["/shop/"]))
    [(kind, item)] = log_of(PUBLIC_BANNERS)
    assert (kind, item["id"]) == ("announcement.created", public.item_id)
    assert item["banner"] == {"paths": ["/shop/"], "dismissable": True}


@both_databases
@pytest.mark.django_db(transaction=True)
def test_an_edit_that_makes_it_private_takes_it_from_visitors() -> None:
    public = banner(rules=PUBLIC)
    Announcement.objects.filter(pk=public.pk).update(is_banner_public=False)
    announce.publish_edit(public)
    assert kinds_on(PUBLIC_BANNERS)[-1] == "announcement.withdrawn"
    announce.publish_edit(public)
    assert kinds_on(PUBLIC_BANNERS).count("announcement.withdrawn") == 1


def test_a_withdrawal_reaches_visitors() -> None:
    announce.withdraw(banner(rules=PUBLIC))
    assert kinds_on(PUBLIC_BANNERS)[-1] == "announcement.withdrawn"


def test_visitors_may_listen_to_public_banners_and_to_no_audience(client: Client) -> None:
    banner(rules=PUBLIC)
    heard = client.get("/live/poll/", {"topic": PUBLIC_BANNERS, "wait": "0"})
    assert heard.status_code == HTTPStatus.OK
    assert client.get("/live/poll/", {"topic": "everyone", "wait": "0"}).status_code == HTTPStatus.UNAUTHORIZED


# Nobody is notified twice


@both_databases
def test_a_banner_is_in_the_inbox_and_is_not_flashed(client_for: ClientFor, alice: User) -> None:
    with_banner, without = banner("With"), broadcast(title="Without")
    Announcement.objects.update(announced_at=timezone.now() - timedelta(minutes=1))

    page = client_for(alice).get(INBOX)
    assert [str(message) for message in page.context["messages"]] == ["Without"]
    flash = dict(Notification.objects.filter(recipient=alice).values_list("announcement", "flash"))
    assert flash == {with_banner.pk: False, without.pk: True}


# Dismissal by people


@both_databases
@pytest.mark.django_db(transaction=True)
def test_a_person_dismisses_a_banner_once_and_on_all_pages(client_for: ClientFor, alice: User, bob: User) -> None:
    one = banner()
    client = client_for(alice)
    for _ in range(2):
        answer = client.post(DISMISS, {"id": one.item_id, "next": INBOX})
        assert (answer.status_code, answer.headers["Location"]) == (HTTPStatus.FOUND, INBOX)

    assert BannerDismissal.objects.get().person == alice
    assert log_of(inbox_topic(alice.pk)) == [("announcement.dismissed", {"ids": [one.item_id]})]
    assert (shown(client, INBOX), listed(client)) == ([], ([], [one.item_id]))
    assert shown(client_for(bob), INBOX) == [one.item_id]


def test_an_edit_does_not_bring_it_back(client_for: ClientFor, alice: User) -> None:
    one = banner()
    assert dismiss(alice, one.pk)
    Announcement.objects.filter(pk=one.pk).update(title="Water is back")
    announce.publish_edit(one)
    assert shown(client_for(alice), INBOX) == []


def test_one_that_people_may_not_dismiss_any_more_comes_back(client_for: ClientFor, alice: User) -> None:
    one = banner()
    assert dismiss(alice, one.pk)
    Announcement.objects.filter(pk=one.pk).update(is_banner_dismissable=False)
    announce.publish_edit(one)
    assert shown(client_for(alice), INBOX) == [one.item_id]


def test_what_is_no_banner_of_the_person_is_not_dismissed(client_for: ClientFor, alice: User) -> None:
    lasting = banner(rules=Banner(is_dismissable=False))
    withdrawn = banner()
    announce.withdraw(withdrawn)
    others = [banner(audience="staff"), lasting, withdrawn, broadcast(title="None")]
    for key in [*(one.item_id for one in others), "a999999", "a" + "9" * 30, "<x>", ""]:
        answer = client_for(alice).post(DISMISS, {"id": key}, headers={"Accept": "application/json"})
        assert answer.status_code == HTTPStatus.NO_CONTENT
    assert not BannerDismissal.objects.exists()
    assert shown(client_for(alice), INBOX) == [lasting.item_id]
    assert 'name="id" value="a' not in client_for(alice).get(INBOX).content.decode()


def test_another_site_dismisses_nothing_for_a_person(alice: User) -> None:
    one = banner()
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(DISMISS, {"id": one.item_id}).status_code == HTTPStatus.FORBIDDEN
    assert not BannerDismissal.objects.exists()


def test_the_redirect_stays_on_this_site(client_for: ClientFor, alice: User) -> None:
    for strange in ("https://example.com/", "//example.com/", "javascript:alert(1)", ""):
        answer = client_for(alice).post(DISMISS, {"id": banner().item_id, "next": strange})
        assert answer.headers["Location"] == "/"


def test_banners_are_answered_only_to_the_methods_they_have(client: Client) -> None:
    assert client.get(DISMISS).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert client.post(CURRENT).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert "no-store" in client.get(CURRENT).headers["Cache-Control"]


# Dismissal by visitors


def test_a_visitor_dismisses_a_banner_by_a_cookie_that_ends_with_it() -> None:
    client = Client(enforce_csrf_checks=True)
    one, other = banner(rules=PUBLIC, ends_at=timezone.now() + timedelta(days=2)), banner(rules=PUBLIC)
    answer = client.post(DISMISS, {"id": one.item_id, "next": PAGE}, headers={"Origin": "http://testserver"})

    assert answer.headers["Location"] == PAGE
    cookie = answer.cookies[COOKIE]
    assert cookie.value == str(one.pk)
    assert timedelta(days=1).total_seconds() < cookie["max-age"] <= timedelta(days=2).total_seconds()
    assert (cookie["samesite"], cookie["httponly"]) == ("Lax", "")
    assert (shown(client, PAGE), listed(client)) == ([other.item_id], ([other.item_id], [one.item_id]))
    assert not BannerDismissal.objects.exists()


def test_a_cookie_keeps_only_current_banners_and_stays_small(client: Client) -> None:
    old, new, lasting = (
        banner(rules=PUBLIC),
        banner(rules=PUBLIC),
        banner(rules=Banner(is_public=True, is_dismissable=False)),
    )
    client.cookies[COOKIE] = ".".join([str(old.pk), "x", "7" * 400, *map(str, range(10_000, 11_000))])
    announce.withdraw(old)
    client.post(DISMISS, {"id": lasting.item_id})
    assert client.cookies[COOKIE].value.startswith(f"{old.pk}.x")
    client.post(DISMISS, {"id": new.item_id})
    assert client.cookies[COOKIE].value == str(new.pk)
    assert shown(client, PAGE) == [lasting.item_id]


def test_another_site_dismisses_nothing_for_a_visitor(client: Client) -> None:
    one = banner(rules=PUBLIC)
    for origin in ("https://example.com", "null"):
        answer = client.post(DISMISS, {"id": one.item_id}, headers={"Origin": origin})
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert COOKIE not in client.cookies


# What it costs


@both_databases
def test_a_page_without_banners_asks_nothing_and_one_with_some_asks_once(client_for: ClientFor, alice: User) -> None:
    client = client_for(alice)
    assert _statements(client) == []
    banner(rules=Banner(paths=["/shop/"]))
    assert _statements(client) == []
    for audience in ("everyone", "staff", "everyone"):
        banner(audience=audience)
    [statement] = _statements(client)
    assert "bannerdismissal" in statement


def test_banners_of_everyone_that_stay_ask_nothing(client_for: ClientFor, alice: User) -> None:
    banner(rules=Banner(is_dismissable=False))
    assert _statements(client_for(alice)) == []


def _statements(client: Client) -> list[str]:
    """Return what the banners of a page ask in a process that knows the current ones."""
    request = RequestFactory().get(INBOX)
    request.session = client.session
    request.user = get_user(request)
    # As after a commit.
    current.forget()
    connection.run_on_commit.clear()
    current.kept()
    with CaptureQueriesContext(connection) as asked:
        banners_html(request)
    return [query["sql"] for query in asked.captured_queries]


def test_a_process_asks_again_after_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds, statements in ((60, 1), (0, 2)):
        monkeypatch.setattr(current, "SECONDS", seconds)
        current.forget()
        with CaptureQueriesContext(connection) as asked:
            assert [current.kept(), current.kept()] == [[], []]
        assert len(asked) == statements


@pytest.mark.django_db(transaction=True)
def test_a_banner_that_is_rolled_back_is_never_shown_to_others(client_for: ClientFor, alice: User) -> None:
    client = client_for(alice)
    assert shown(client, INBOX) == []
    with transaction.atomic():
        one = banner()
        assert [kept.pk for kept in current.kept()] == [one.pk]
        transaction.get_connection().set_rollback(True)
    assert current.kept() == []


# In the admin


def test_the_form_makes_a_banner(writer: Client, client: Client) -> None:
    fields = {"is_banner": "on", "banner_paths": "/accounts/\n\n /shop/ ", "is_banner_public": "on"}
    writer.post(ADD, filled_in(**fields, is_banner_dismissable="on"))

    made = Announcement.objects.get()
    assert (made.is_banner, made.is_banner_dismissable, made.is_banner_public) == (True, True, True)
    assert shown(client, PAGE) == [made.item_id]
    assert "also for visitors" in writer.get("/admin/notifications_hub/announcement/").content.decode()


def test_the_form_names_a_wrong_path(writer: Client) -> None:
    answer = writer.post(ADD, filled_in(is_banner="on", banner_paths="/shop/\nshop"))
    assert "“shop” is not a path" in answer.content.decode()
    assert not Announcement.objects.exists()


def test_an_edit_in_the_form_makes_a_running_announcement_a_banner(writer: Client, alice: User) -> None:
    plain = broadcast(title="Closed on Sunday", body="We move the **shelves**.")
    writer.post(change(plain), filled_in(is_banner="on", is_banner_dismissable="on"))
    kind, item = log_of("everyone")[-1]
    assert (kind, item["banner"]) == ("announcement.updated", {"paths": [], "dismissable": True})


def test_the_preview_shows_the_banner(writer: Client) -> None:
    preview = "/admin/notifications_hub/announcement/preview/?piece"
    page = writer.post(preview, filled_in(is_banner="on", is_banner_dismissable="on")).content.decode()
    assert "nh-banner-title" in page
    assert "<form" not in page
    assert "nh-banner-title" not in writer.post(preview, filled_in()).content.decode()
