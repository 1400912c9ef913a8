from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from notifications_hub import broadcast
from notifications_hub.delivery import preferences
from notifications_hub.delivery.models import Preference
from notifications_hub.kinds import DeliveryMethod, Kind, all_kinds, get_kind, kinds_in_order
from notifications_hub.notification import Notification
from notifications_hub.preference_links import preferences_of
from notifications_hub.transports.web_push import vapid
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from tests.inbox.support import NEVER, ClientFor, queries_of, send_one, shown_kinds

if TYPE_CHECKING:
    from accounts.models import User

both_databases = pytest.mark.both_databases(short="postgresql")

INBOX = "/notifications/"
MARK = "/notifications/mark/"
PREFERENCES = "/notifications/preferences/"
FORGET = "/notifications/preferences/forget-device/"


def shown(response: Any) -> list[str]:
    return [entry.id for entry in response.context["items"]]


@both_databases
def test_the_inbox_lists_notifications(alice: User, bob: User, client_for: ClientFor) -> None:
    row = send_one(alice, bob, kind="comment.reply", url="/posts/9/", description="I <b>agree</b>.")
    response = client_for(alice).get(INBOX)
    [entry] = response.context["items"]

    assert (entry.id, entry.url, entry.icon, entry.actor) == (row.item_id, "/posts/9/", "reply", "Bob")
    assert (entry.at, entry.unread, entry.archived) == (row.timestamp, True, False)
    assert entry.body == "I <b>agree</b>."
    assert "I <b>agree</b>." not in response.content.decode()
    assert response.context["unread"] == 1


def test_an_announcement_is_shown_with_its_marks_and_without_scripts(alice: User, client_for: ClientFor) -> None:
    broadcast(title="Maintenance", body="**Save** <script>alert(1)</script> [this](javascript:alert(1))")
    response = client_for(alice).get(INBOX)
    [entry] = response.context["items"]

    assert "<strong>Save</strong>" in entry.body_html
    assert "<strong>Save</strong>" in response.content.decode()
    assert "<script>alert" not in response.content.decode()
    assert 'href="javascript' not in response.content.decode()


def test_a_link_leads_to_the_row_of_a_kind_also_by_way_of_the_sign_in(alice: User) -> None:
    client = Client()
    to_sign_in = client.get(preferences_of("comment.reply"))
    answer = client.post(
        to_sign_in.headers["Location"], {"username": "alice", "password": "three-red-lamps"}, follow=True
    )
    assert answer.redirect_chain[-1] == (f"{PREFERENCES}#kind-comment.reply", 302)
    assert 'id="kind-comment.reply"' in answer.content.decode()


@pytest.mark.parametrize("kind", ["", "no.such", "<script>", "\x00"])
def test_a_link_to_no_kind_leads_to_the_preferences(alice: User, client_for: ClientFor, kind: str) -> None:
    assert client_for(alice).get(PREFERENCES, {"kind": kind}).status_code == 200


def test_the_way_of_a_notification_leads_to_its_kind(alice: User, bob: User, client_for: ClientFor) -> None:
    row = send_one(alice, bob, kind="comment.reply")
    page = client_for(alice).get(f"/notifications/{row.item_id}/why/")
    assert f'href="{preferences_of("comment.reply")}"' in page.content.decode()


@both_databases
def test_the_tabs_show_all_the_unread_and_the_archived(alice: User, bob: User, client_for: ClientFor) -> None:
    unread, read, archived = (send_one(alice, bob) for _ in range(3))
    read.mark_as_read()
    Notification.objects.filter(pk=archived.pk).archive()
    client = client_for(alice)

    assert shown(client.get(INBOX)) == [read.item_id, unread.item_id]
    assert shown(client.get(INBOX, {"show": "unread"})) == [unread.item_id]
    assert shown(client.get(INBOX, {"show": "archived"})) == [archived.item_id]
    assert client.get(INBOX, {"show": "anything"}).context["show"] == "all"


def test_older_notifications_are_one_link_away(alice: User, bob: User, client_for: ClientFor) -> None:
    rows = [send_one(alice, bob).item_id for _ in range(25)][::-1]
    client = client_for(alice)
    first = client.get(INBOX)
    second = client.get(f"{INBOX}{first.context['older']}")

    assert 'rel="next"' in first.content.decode()
    assert shown(first) + shown(second) == rows
    assert second.context["older"] == ""


@both_databases
def test_an_invalid_page_mark_is_rejected(alice: User, client_for: ClientFor) -> None:
    assert client_for(alice).get(INBOX, {"before": "yesterday"}).status_code == 400


@pytest.mark.parametrize("path", [INBOX, MARK, PREFERENCES, FORGET])
def test_a_signed_out_visitor_is_asked_to_sign_in(client: Client, db: None, path: str) -> None:
    response = client.post(path) if path in (MARK, FORGET) else client.get(path)

    assert response.status_code == 302
    assert response["Location"].startswith(reverse("login"))


@pytest.mark.parametrize("path", [MARK, PREFERENCES, FORGET])
def test_a_form_without_the_csrf_token_is_refused(alice: User, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    assert client.post(path, {"action": "read", "all": "1"}).status_code == 403
    assert not Preference.objects.exists()


@pytest.mark.parametrize("path", [INBOX, PREFERENCES])
def test_no_cache_may_keep_a_page(alice: User, client_for: ClientFor, path: str) -> None:
    directives = client_for(alice).get(path)["Cache-Control"].split(", ")

    assert {"no-store", "private"} <= set(directives)


@both_databases
def test_the_inbox_takes_as_many_queries_for_twenty_as_for_one(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    send_one(alice, bob)
    broadcast(title="Maintenance")
    client.get(INBOX)
    one = queries_of(lambda: client.get(INBOX))
    for _ in range(10):
        send_one(alice, bob)
        broadcast(title="Maintenance")
    client.get(INBOX)

    assert queries_of(lambda: client.get(INBOX)) == one


def test_without_javascript_one_is_read_and_the_rest_at_once(alice: User, bob: User) -> None:
    rows = [send_one(alice, bob) for _ in range(3)]
    broadcast(title="Maintenance")
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    token = str(client.get(INBOX).context["csrf_token"])
    one = client.post(MARK, {"action": "read", "ids": rows[0].item_id, "csrfmiddlewaretoken": token}, follow=True)
    rest = client.post(MARK, {"action": "read", "all": "1", "csrfmiddlewaretoken": token}, follow=True)

    [(onward, status)] = one.redirect_chain
    assert (onward.partition("?")[0], status) == (INBOX, 302)
    assert one.context["unread"] == 3
    assert rest.context["unread"] == 0


@both_databases
def test_several_are_archived_and_moved_back(alice: User, bob: User, client_for: ClientFor) -> None:
    rows = [send_one(alice, bob).item_id for _ in range(3)]
    client = client_for(alice)
    client.post(MARK, {"action": "archive", "ids": rows[:2]})
    assert shown(client.get(INBOX)) == rows[2:]
    client.post(MARK, {"action": "unarchive", "ids": rows[:1]})

    assert shown(client.get(INBOX)) == [rows[2], rows[0]]


@pytest.mark.parametrize("action", ["delete", "", "READ", "__class__"])
def test_an_unknown_action_is_rejected(alice: User, bob: User, client_for: ClientFor, action: str) -> None:
    send_one(alice, bob)

    assert client_for(alice).post(MARK, {"action": action, "all": "1"}).status_code == 400


@pytest.mark.parametrize("onward", ["/posts/9/", "/notifications/?show=unread&before=1.2"])
def test_a_mark_redirects_to_next(alice: User, client_for: ClientFor, onward: str) -> None:
    assert client_for(alice).post(MARK, {"action": "read", "next": onward})["Location"] == onward


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/\tx", "evil"]
)
def test_a_mark_never_redirects_to_another_site(alice: User, client_for: ClientFor, onward: str) -> None:
    assert client_for(alice).post(MARK, {"action": "read", "next": onward})["Location"] == INBOX


# Preferences


def checked(response: Any) -> set[str]:
    return {
        f"{row.name}:{method.name}"
        for row in response.context["table"].rows
        for method in row.methods
        if method.checked
    }


def test_every_kind_has_a_row_with_its_defaults(alice: User, client_for: ClientFor) -> None:
    response = client_for(alice).get(PREFERENCES)
    rows = response.context["table"].rows

    assert {row.name for row in rows} == {kind.name for kind in all_kinds() if kind.in_preferences}
    assert all([method.name for method in row.methods] == ["live", "flash", "web_push"] for row in rows)
    assert {"comment.reply:live", "comment.reply:flash", "comment.reply:web_push"} <= checked(response)


def test_saved_preferences_are_shown_and_followed(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    wanted = checked(client.get(PREFERENCES)) - {"comment.reply:live", "comment.reply:flash"}
    response = client.post(PREFERENCES, shown_kinds() | dict.fromkeys(wanted, "on"), follow=True)

    assert response.redirect_chain == [(PREFERENCES, 302)]
    assert checked(response) == wanted
    assert [str(message) for message in get_messages(response.wsgi_request)] == ["Your preferences are saved."]
    row = send_one(alice, bob, kind="comment.reply")
    assert (row.toast, row.flash) == (False, False)


@both_databases
def test_only_changed_preferences_are_stored(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    client.post(PREFERENCES, shown_kinds() | dict.fromkeys(checked(client.get(PREFERENCES)) - {"default:flash"}, "on"))

    assert list(Preference.objects.values_list("person", "kind")) == [(alice.pk, "default")]


@both_databases
def test_everything_may_be_switched_off_and_on_again(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    everything = checked(client.get(PREFERENCES))

    assert checked(client.post(PREFERENCES, shown_kinds() | {}, follow=True)) == set()
    assert checked(client.post(PREFERENCES, shown_kinds() | dict.fromkeys(everything, "on"), follow=True)) == everything


def test_a_delivery_method_that_the_form_does_not_offer_is_kept(alice: User, client_for: ClientFor) -> None:
    preferences.choose_methods(alice, "default", {DeliveryMethod.EMAIL, DeliveryMethod.LIVE})
    client_for(alice).post(PREFERENCES, shown_kinds() | {"default:flash": "on"})

    assert preferences.methods_of([alice.pk], get_kind("default")) == {
        alice.pk: {DeliveryMethod.EMAIL, DeliveryMethod.FLASH}
    }


def test_unknown_choices_are_ignored(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    wanted = dict.fromkeys(checked(client.get(PREFERENCES)), "on")
    client.post(
        PREFERENCES,
        shown_kinds() | {**wanted, "no.such.kind:live": "on", "default:pigeon": "on", "default:email": "on"},
    )

    assert not Preference.objects.exists()


def test_charlies_preferences_are_his_own(alice: User, charlie: User, client_for: ClientFor) -> None:
    client_for(alice).post(PREFERENCES, shown_kinds() | {})

    assert checked(client_for(charlie).get(PREFERENCES)) != set()


def test_the_page_takes_as_many_queries_for_many_kinds_as_for_few(
    alice: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(alice)
    client.get(PREFERENCES)
    few = queries_of(lambda: client.get(PREFERENCES))
    many: list[Kind] = kinds_in_order() * 5
    monkeypatch.setattr("notifications_hub.inbox.preference_table.kinds_in_order", lambda: many)

    assert queries_of(lambda: client.get(PREFERENCES)) == few


def test_push_is_offered_where_the_site_has_a_key(alice: User, client_for: ClientFor, settings: Any) -> None:
    hub = settings.NOTIFICATIONS_HUB
    client = client_for(alice)
    settings.NOTIFICATIONS_HUB = {**hub, "VAPID_PRIVATE_KEY": ""}
    without = client.get(PREFERENCES).context
    settings.NOTIFICATIONS_HUB = {**hub, "VAPID_PRIVATE_KEY": vapid.generate()}
    context = client.get(PREFERENCES).context

    assert (without["push_available"], context["push_available"]) == (False, True)
    push = context["push"]
    assert (push.api, push.key_url, push.sw_url) == ("/api/v1/", "/api/v1/push/key/", "/sw.js")
    assert push.renew_url == "/api/v1/push/renew/"
    assert context["csrf"]


def test_a_browser_is_forgotten_without_javascript(alice: User, client_for: ClientFor) -> None:
    browser = PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x", name="Firefox")
    client = client_for(alice)
    [device] = client.get(PREFERENCES).context["devices"]

    assert (device.id, device.label) == (str(browser.pk), "Firefox")
    page = client.post(FORGET, {"id": device.id}, follow=True)
    assert page.redirect_chain == [(PREFERENCES, 302)]
    assert "push notifications to that browser any more" in page.content.decode()
    assert not PushSubscription.objects.exists()


@both_databases
@pytest.mark.parametrize("pk", [NEVER, "", "x", "1 OR 1"])
def test_removing_a_missing_browser_is_not_an_error(alice: User, client_for: ClientFor, pk: str) -> None:
    assert client_for(alice).post(FORGET, {"id": pk})["Location"] == PREFERENCES


@both_databases
def test_another_persons_browser_stays(alice: User, charlie: User, client_for: ClientFor) -> None:
    browser = PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x")

    assert client_for(charlie).post(FORGET, {"id": browser.pk})["Location"] == PREFERENCES
    assert PushSubscription.objects.filter(pk=browser.pk).exists()
