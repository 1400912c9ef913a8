"""The delivery method `flash`, through whole requests."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib import messages
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template import RequestContext, Template, engines
from django.template.response import SimpleTemplateResponse
from django.test import AsyncClient, Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone, translation
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast, flash, flash_claim
from notifications_hub.announcements.announce import withdraw
from notifications_hub.announcements.models import AnnouncementTranslation
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.delivery import acknowledgement, arming, preferences
from notifications_hub.delivery.models import Delivery, FlashRest
from notifications_hub.flash_claim import CLAIM
from notifications_hub.inbox_summary import summary_of
from notifications_hub.kinds import DeliveryMethod, Kind, NotificationLike
from notifications_hub.notification import Notification
from notifications_hub.ops import retention
from notifications_hub.streams import Event, Stream
from notifications_hub.streams.cursor import Position
from tests.support.deliveries import BY_MEMORY
from tests.support.log import notified_ids
from tests.support.together import together

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.urls(__name__)]

ClientFor = Callable[[User], Client]


class LanguageInTitle(Kind):
    name = "tests.flashed"

    def title(self, notification: NotificationLike) -> str:
        return f"{notification.verb} ({translation.get_language()})"


# The pages of this site


def rendered(request: HttpRequest, template: str) -> str:
    return Template(template).render(RequestContext(request))


LIST = "{% for message in messages %}<li class='{{ message.tags }}'>{{ message }}</li>{% endfor %}"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(rendered(request, f"{{% if messages %}}{LIST}{{% endif %}}"))


def greeting(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Saved.")
    return HttpResponse(rendered(request, LIST))


def redirect_after_greeting(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Saved.")
    return HttpResponseRedirect("/page/")


def redirect(request: HttpRequest) -> HttpResponse:
    rendered(request, LIST)
    return HttpResponseRedirect("/page/")


def as_json(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"messages": [str(message) for message in messages.get_messages(request)]})


def without_list(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>Nothing iterates here.</p>")


def counting(request: HttpRequest) -> HttpResponse:
    return HttpResponse(rendered(request, "{{ messages|length }}"))


def broken(request: HttpRequest) -> HttpResponse:
    rendered(request, LIST)
    raise ZeroDivisionError


def forbidden(request: HttpRequest) -> HttpResponse:
    return HttpResponse(rendered(request, LIST), status=403)


def late(request: HttpRequest) -> SimpleTemplateResponse:
    template = engines["django"].from_string(LIST)
    return SimpleTemplateResponse(template, {"messages": messages.get_messages(request)})


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield "<ul>"
        yield rendered(request, LIST)
        yield "</ul>"

    return StreamingHttpResponse(parts())


def streamed_json(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse((rendered(request, LIST) for _ in range(1)), content_type="application/json")


async def streamed_async(request: HttpRequest) -> StreamingHttpResponse:
    await request.auser()

    async def parts() -> AsyncIterator[str]:
        yield await sync_to_async(rendered)(request, LIST)

    return StreamingHttpResponse(parts())


async def on_the_event_loop(request: HttpRequest) -> HttpResponse:
    await request.auser()
    return HttpResponse(rendered(request, LIST))


urlpatterns = [
    path("", include("notifications_hub.urls")),
    path("page/", page),
    path("greeting/", greeting),
    path("redirect-after-greeting/", redirect_after_greeting),
    path("redirect/", redirect),
    path("json/", as_json),
    path("without-list/", without_list),
    path("counting/", counting),
    path("broken/", broken),
    path("forbidden/", forbidden),
    path("late/", late),
    path("on-the-event-loop/", on_the_event_loop),
    path("streamed/", streamed),
    path("streamed-json/", streamed_json),
    path("streamed-async/", streamed_async),
]


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": BY_MEMORY}


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give everyone an open page."""
    monkeypatch.setattr(flash_claim, "is_connected", lambda pk: True)


def send(actor: User, *people: User, verb: str = "replied", **given: Any) -> Notification:
    answers: Any = notify.send(actor, recipient=people, verb=verb, **{"kind": "tests.flashed", **given})
    row: Notification = answers[0][1][0]
    return row


def shown(client: Client, url: str = "/page/", **headers: str) -> list[str]:
    """Return the messages on a page, as text."""
    content = client.get(url, headers=headers or None).content.decode()
    return [html.unescape(re.sub(r"<[^>]*>", "", item)) for item in re.findall(r"<li.*?</li>", content)]


# Shown exactly once


def test_an_undelivered_notification_is_shown_once(alice: User, bob: User, client_for: ClientFor) -> None:
    send(bob, alice)
    client = client_for(alice)
    assert (shown(client), shown(client)) == (["replied (en)"], [])


def test_showing_it_marks_it_delivered_and_cancels_other_deliveries(
    alice: User, bob: User, client_for: ClientFor
) -> None:
    row = send(bob, alice)
    shown(client_for(alice))
    row.refresh_from_db()
    assert row.delivered_by == "flash"
    assert row.delivered_at is not None
    assert row.unread
    assert Delivery.objects.get().reason_parameters == {"method": "flash"}
    assert notified_ids(alice, "notification.delivered") == [[str(row.pk)]]


@pytest.mark.both_databases(short="sqlite")
def test_ordinary_messages_are_untouched(alice: User, bob: User, client_for: ClientFor) -> None:
    send(bob, alice)
    client = client_for(alice)
    assert shown(client, "/greeting/") == ["Saved.", "replied (en)"]
    client.get("/redirect-after-greeting/")
    assert (shown(client), shown(client)) == (["Saved."], [])


def test_charlie_sees_none_of_the_notifications_of_alice(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    send(bob, alice)
    assert shown(client_for(charlie)) == []
    assert Notification.objects.get().delivered_at is None


@pytest.mark.both_databases(short="sqlite")
def test_an_anonymous_visitor_sees_ordinary_messages_only(alice: User, bob: User) -> None:
    send(bob, alice)
    broadcast(title="Closed on Friday")
    assert shown(Client(), "/greeting/") == ["Saved."]


@pytest.mark.both_databases(short="sqlite")
def test_iterating_twice_on_a_page_gives_the_same_messages(alice: User, bob: User) -> None:
    send(bob, alice)
    request = RequestFactory().get("/")
    request.user, request.session = alice, {}  # type: ignore[assignment]
    storage = flash.Storage(request)
    assert [str(message) for message in storage] == [str(message) for message in storage] == ["replied (en)"]
    assert len(storage) == 1


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("url", ["/late/", "/page/"])
def test_a_template_response_shows_it_too(alice: User, bob: User, client_for: ClientFor, url: str) -> None:
    send(bob, alice)
    client = client_for(alice)
    assert (shown(client, url), shown(client, url)) == (["replied (en)"], [])


# Responses that consume nothing


@pytest.mark.parametrize("url", ["/redirect/", "/json/", "/without-list/", "/counting/", "/forbidden/"])
def test_a_response_that_is_not_a_page_consumes_nothing(
    alice: User, bob: User, client_for: ClientFor, url: str
) -> None:
    send(bob, alice)
    client = client_for(alice)
    client.get(url)
    assert Notification.objects.get().delivered_at is None
    assert shown(client) == ["replied (en)"]


def test_an_error_page_releases_it(alice: User, bob: User, client_for: ClientFor) -> None:
    send(bob, alice)
    client = client_for(alice)
    client.raise_request_exception = False
    assert client.get("/broken/").status_code == 500
    assert shown(client) == ["replied (en)"]


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("method", ["post", "head", "put"])
def test_only_a_get_request_consumes(alice: User, bob: User, client_for: ClientFor, method: str) -> None:
    send(bob, alice)
    client = client_for(alice)
    getattr(client, method)("/page/")
    assert shown(client) == ["replied (en)"]


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"X-Purpose": "preview"},
        {"Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Dest": "empty", "HX-Request": "true"},
        {"Sec-Fetch-Dest": "empty", "HX-Boosted": "true", "HX-Preloaded": "true"},
        {"Sec-Fetch-Dest": "empty", "HX-Boosted": "true", "Hub-Navigation": "false"},
        {"Sec-Fetch-Dest": "empty", "X-Turbo-Request-Id": "9", "X-Sec-Purpose": "prefetch"},
        {"Sec-Fetch-Dest": "empty", "X-Turbo-Request-Id": "9", "Turbo-Frame": "part"},
    ],
    ids=str,
)
def test_a_request_for_no_visible_page_consumes_nothing(
    alice: User, bob: User, client_for: ClientFor, headers: dict[str, str]
) -> None:
    send(bob, alice)
    client = client_for(alice)
    assert shown(client, **headers) == []
    assert shown(client, **{"Sec-Fetch-Dest": "document"}) == ["replied (en)"]


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    "headers", [{"HX-Boosted": "true"}, {"X-Turbo-Request-Id": "9"}, {"Hub-Navigation": "true"}], ids=str
)
def test_a_script_that_replaces_the_page_shows_it(
    alice: User, bob: User, client_for: ClientFor, headers: dict[str, str]
) -> None:
    send(bob, alice)
    client = client_for(alice)
    assert shown(client, **{"Sec-Fetch-Dest": "empty", **headers}) == ["replied (en)"]
    assert shown(client) == []


# Streamed pages


def test_a_streamed_page_shows_it_once(alice: User, bob: User, client_for: ClientFor) -> None:
    row = send(bob, alice)
    client = client_for(alice)
    content = b"".join(client.get("/streamed/").streaming_content)  # type: ignore[attr-defined]
    assert b"replied (en)" in content
    row.refresh_from_db()
    assert row.delivered_by == "flash"


@pytest.mark.django_db(transaction=True)
def test_a_page_streamed_on_the_event_loop_shows_it_once(alice: User, bob: User) -> None:
    row = send(bob, alice)
    client = AsyncClient()
    client.force_login(alice)

    async def read() -> bytes:
        response: Any = await client.get("/streamed-async/")
        return b"".join([part async for part in response.streaming_content])

    assert b"replied (en)" in async_to_sync(read)()
    row.refresh_from_db()
    assert row.delivered_by == "flash"


def test_an_interrupted_stream_shows_it_again_when_its_claim_expires(
    alice: User, bob: User, client_for: ClientFor
) -> None:
    send(bob, alice)
    client = client_for(alice)
    response: Any = client.get("/streamed/")
    content = iter(response.streaming_content)
    assert b"replied (en)" in next(content) + next(content)
    assert shown(client) == []
    with time_machine.travel(datetime.now(UTC) + CLAIM + timedelta(seconds=1)):
        assert shown(client) == ["replied (en)"]


@pytest.mark.both_databases(short="sqlite")
def test_a_file_response_keeps_its_file_for_the_server_to_send(alice: User) -> None:
    request = RequestFactory().get("/file/")
    request.user, request.session = alice, SessionStore()
    with Path(__file__).open("rb") as content:
        response: Any = MessageMiddleware(lambda _request: FileResponse(content))(request)
        assert response.file_to_stream is content
        response.close()


@pytest.mark.both_databases(short="sqlite")
def test_a_stream_that_is_not_a_page_consumes_nothing(alice: User, bob: User, client_for: ClientFor) -> None:
    send(bob, alice)
    client = client_for(alice)
    assert b"replied" in b"".join(client.get("/streamed-json/").streaming_content)  # type: ignore[attr-defined]
    assert shown(client) == ["replied (en)"]


# Counting, and async views


def test_counting_claims_nothing(alice: User, bob: User, client_for: ClientFor) -> None:
    send(bob, alice)
    client = client_for(alice)
    assert [client.get("/counting/").content for _ in range(2)] == [b"1", b"1"]
    assert Notification.objects.get().flash_claim is None


def test_the_count_includes_one_message_for_the_rest(alice: User, bob: User, client_for: ClientFor) -> None:
    for _ in range(9):
        send(bob, alice)
    assert client_for(alice).get("/counting/").content == b"4"


def test_an_async_view_leaves_it_for_the_next_page(alice: User, bob: User, client_for: ClientFor) -> None:
    send(bob, alice)
    client = client_for(alice)
    assert client.get("/on-the-event-loop/").status_code == 200
    assert shown(client) == ["replied (en)"]


def test_iterating_on_an_event_loop_makes_no_query(alice: User, bob: User) -> None:
    send(bob, alice)
    request = RequestFactory().get("/")
    request.user, request.session = alice, {}  # type: ignore[assignment]

    async def walk() -> list[str]:
        return [str(message) for message in flash.Storage(request)]

    assert asyncio.run(walk()) == []


# Not flashed


def no_longer_unread(row: Notification) -> None:
    row.mark_as_read()


def archived(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).archive()


def deleted(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).mark_all_as_deleted()


def delivered_live(row: Notification) -> None:
    arming.mark_delivered([row.pk], DeliveryMethod.LIVE)


@pytest.mark.parametrize("happen", [no_longer_unread, archived, deleted, delivered_live])
def test_a_settled_notification_is_not_flashed(
    alice: User, bob: User, client_for: ClientFor, happen: Callable[[Notification], None]
) -> None:
    happen(send(bob, alice))
    client = client_for(alice)
    assert client.get("/counting/").content == b"0"
    assert shown(client) == []


def test_people_who_turned_flash_off_get_no_flash(alice: User, bob: User, client_for: ClientFor) -> None:
    preferences.choose_methods(alice, "tests.flashed", [DeliveryMethod.LIVE])
    send(bob, alice)
    assert shown(client_for(alice)) == []


@pytest.mark.usefixtures("connected")
def test_an_open_page_delays_the_flash_until_its_time_to_acknowledge_is_over(
    alice: User, bob: User, client_for: ClientFor, settings: Settings
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ACK_WINDOW": 10}
    now = datetime.now(UTC)
    for verb, ago in (("old", 11), ("new", 5)):
        with time_machine.travel(now - timedelta(seconds=ago)):
            send(bob, alice, verb=verb)
    client = client_for(alice)
    assert client.get("/counting/").content == b"1"
    assert shown(client) == ["old (en)"]
    with time_machine.travel(now + timedelta(seconds=6)):
        assert shown(client) == ["new (en)"]


@pytest.mark.usefixtures("connected")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("prompt", [0.0, 60.0], ids=["long", "short"])
def test_an_open_page_has_its_time_to_acknowledge_counted_from_the_commit(
    alice: User, bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, prompt: float
) -> None:
    seen = ["replied (en)"] if prompt else []
    monkeypatch.setattr(arming, "PROMPT_SECONDS", prompt)
    with transaction.atomic(), time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        send(bob, alice)
    client = client_for(alice)
    assert client.get("/counting/").content == str(len(seen)).encode()
    assert shown(client) == seen
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=11)):
        assert len(shown(client)) == 1 - len(seen)


@pytest.mark.usefixtures("connected")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("prompt", [0.0, 60.0], ids=["long", "short"])
def test_an_open_page_has_its_time_counted_from_the_commit_of_an_announcement(
    alice: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, prompt: float
) -> None:
    seen = ["Closed on Friday"] if prompt else []
    monkeypatch.setattr(arming, "PROMPT_SECONDS", prompt)
    with transaction.atomic(), time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        broadcast(title="Closed on Friday")
    assert shown(client_for(alice)) == seen


@pytest.mark.usefixtures("connected")
def test_a_backdated_notification_still_waits_for_the_open_page(alice: User, bob: User, client_for: ClientFor) -> None:
    send(bob, alice, timestamp=datetime.now(UTC) - timedelta(days=1))
    assert shown(client_for(alice)) == []


# Many notifications, and concurrent pages


def test_the_newest_three_are_shown_and_the_others_counted(alice: User, bob: User, client_for: ClientFor) -> None:
    start = datetime.now(UTC) - timedelta(minutes=1)
    for number in range(5):
        send(bob, alice, verb=f"reply {number}", timestamp=start + timedelta(seconds=number))
    client = client_for(alice)
    assert shown(client) == ["reply 4 (en)", "reply 3 (en)", "reply 2 (en)", "and 2 more notifications"]
    assert shown(client) == []
    assert Notification.objects.filter(delivered_by="flash").count() == 5


def test_the_others_are_one_click_away(alice: User, bob: User, client_for: ClientFor) -> None:
    for _ in range(4):
        send(bob, alice)
    assert b'<a href="/notifications/">and 1 more notification</a>' in client_for(alice).get("/page/").content


def many(person: User, count: int) -> None:
    Notification.objects.bulk_create(
        Notification(recipient=person, verb="replied", kind="tests.flashed") for _ in range(count)
    )


def test_a_page_claims_a_hundred_of_a_thousand_and_mentions_the_rest_once(
    alice: User, bob: User, client_for: ClientFor
) -> None:
    many(alice, 1000)
    client = client_for(alice)
    with CaptureQueriesContext(connection) as queries:
        assert shown(client) == ["replied (en)"] * 3 + ["and over 97 more in your inbox"]
    assert len(queries) <= 25
    assert Notification.objects.filter(delivered_by="flash").count() == 100
    assert shown(client) == []
    send(bob, alice, verb="later")
    assert shown(client) == ["later (en)"]


def test_a_page_that_is_not_shown_leaves_the_rest_for_the_next(alice: User, client_for: ClientFor) -> None:
    many(alice, 150)
    client = client_for(alice)
    client.get("/redirect/")
    assert not FlashRest.objects.exists()
    assert shown(client)[-1] == "and over 97 more in your inbox"
    assert FlashRest.objects.get().before == Notification.objects.order_by("-pk")[99].pk


def test_a_page_of_an_earlier_claim_does_not_bring_the_rest_back(alice: User) -> None:
    many(alice, 150)
    earlier = flash_claim.claim_waiting(alice, summary_of(alice))
    many(alice, 150)
    later = flash_claim.claim_waiting(alice, summary_of(alice))
    flash_claim.confirm(later)
    flash_claim.confirm(earlier)
    assert FlashRest.objects.get().before == min(later.ids)


def test_a_page_with_nothing_to_flash_makes_few_queries(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    with CaptureQueriesContext(connection) as plain:
        client.get("/without-list/")
    with CaptureQueriesContext(connection) as listing:
        client.get("/page/")
    assert len(listing) - len(plain) == 1


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_load_at_once_show_it_once(alice: User, bob: User, client_for: ClientFor) -> None:
    tabs = [client_for(alice), client_for(alice)]
    for number in range(10):
        send(bob, alice, verb=f"reply {number}")
        both = together([partial(shown, tab) for tab in tabs])
        assert sorted(both) == [[], [f"reply {number} (en)"]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_a_page_does_not_wait_for_a_row_that_is_being_delivered(alice: User, bob: User, client_for: ClientFor) -> None:
    row = send(bob, alice)
    tab = client_for(alice)
    with transaction.atomic():
        arming.mark_delivered([row.pk], DeliveryMethod.LIVE)
        [on_the_page] = together([partial(shown, tab)])
    assert on_the_page == []


# Claims that are never confirmed, or too late


def test_an_unconfirmed_claim_expires_and_it_is_shown_again(
    alice: User, bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(bob, alice)
    client = client_for(alice)
    with monkeypatch.context() as killed:
        killed.setattr(flash_claim, "confirm", lambda claim: None)
        shown(client)
    assert shown(client) == []
    with time_machine.travel(datetime.now(UTC) + CLAIM + timedelta(seconds=1)):
        assert shown(client) == ["replied (en)"]
        assert shown(client) == []


def test_an_expired_claim_cannot_settle_a_later_one(alice: User, bob: User) -> None:
    row = send(bob, alice)
    late = flash_claim.claim_waiting(alice, summary_of(alice))
    with time_machine.travel(datetime.now(UTC) + CLAIM + timedelta(seconds=1)):
        current = flash_claim.claim_waiting(alice, summary_of(alice))
        flash_claim.release(late)
        flash_claim.confirm(late)
        row.refresh_from_db()
        assert (row.flash_claim, row.delivered_at) == (current.token, None)
        flash_claim.confirm(current)
    row.refresh_from_db()
    assert row.delivered_by == "flash"


# Announcements


def number_all() -> None:
    """Number the events as after a commit, for tests without one."""
    for seq, event in enumerate(Event.objects.filter(topic="everyone").order_by("id"), start=1):
        Event.objects.filter(pk=event.pk).update(seq=seq)
    Stream.objects.get_or_create(topic="everyone", defaults={"epoch": "00000000"})


def test_an_announcement_is_flashed_once(alice: User, client_for: ClientFor) -> None:
    broadcast(title="Closed on Friday")
    client = client_for(alice)
    assert client.get("/counting/").content == b"1"
    assert not Notification.objects.exists()
    assert (shown(client), shown(client)) == (["Closed on Friday"], [])


def test_an_announcement_that_an_open_page_showed_is_not_flashed(alice: User, bob: User, client_for: ClientFor) -> None:
    broadcast(title="Closed on Friday")
    number_all()
    acknowledgement.acknowledge(alice.pk, {"everyone": Position("00000000", 0, 1)})
    client = client_for(alice)
    assert client.get("/counting/").content == b"0"
    assert shown(client) == []
    assert shown(client_for(bob)) == ["Closed on Friday"]


def test_an_announcement_that_a_page_showed_after_the_row_was_made_is_not_flashed(
    alice: User, bob: User, client_for: ClientFor
) -> None:
    broadcast(title="Closed on Friday")
    number_all()
    make_rows(alice)
    acknowledgement.acknowledge(alice.pk, {"everyone": Position("00000000", 0, 1)})
    client = client_for(alice)
    assert client.get("/counting/").content == b"0"
    assert shown(client) == []
    assert shown(client_for(bob)) == ["Closed on Friday"]


def test_an_announcement_without_a_toast_is_flashed_whatever_an_open_page_acknowledged(
    alice: User, client_for: ClientFor
) -> None:
    broadcast(title="Closed on Friday", methods={"flash"})
    number_all()
    make_rows(alice)
    acknowledgement.acknowledge(alice.pk, {"everyone": Position("00000000", 0, 1)})
    assert shown(client_for(alice)) == ["Closed on Friday"]


def test_an_announcement_that_an_open_page_showed_is_not_flashed_when_its_event_is_pruned(
    alice: User, bob: User, client_for: ClientFor
) -> None:
    broadcast(title="Closed on Fridays", ends_at=timezone.now() + timedelta(days=1000))
    number_all()
    Stream.objects.filter(topic="everyone").update(top=1)
    acknowledgement.acknowledge(alice.pk, {"everyone": Position("00000000", 0, 1)})
    retention.prune(timezone.now() + timedelta(seconds=1))
    assert not Event.objects.filter(topic="everyone").exists()
    assert shown(client_for(alice)) == []
    assert shown(client_for(bob)) == ["Closed on Fridays"]


def test_an_announcement_for_staff_is_flashed_to_staff(alice: User, admin: User, client_for: ClientFor) -> None:
    broadcast(title="Backup tonight", audience="staff")
    assert (shown(client_for(alice)), shown(client_for(admin))) == ([], ["Backup tonight"])


@pytest.mark.parametrize("has_row", [True, False])
def test_a_withdrawn_announcement_is_not_flashed(alice: User, client_for: ClientFor, has_row: bool) -> None:
    announcement = broadcast(title="Closed on Friday")
    if has_row:
        make_rows(alice)
    withdraw(announcement)
    client = client_for(alice)
    assert client.get("/counting/").content == b"0"
    assert shown(client) == []


def test_an_expired_announcement_is_not_flashed(alice: User, client_for: ClientFor) -> None:
    broadcast(title="Closed on Friday", ends_at=timezone.now() + timedelta(minutes=5))
    make_rows(alice)
    client = client_for(alice)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6)):
        assert shown(client) == []


def test_people_who_turned_announcements_off_get_no_flash(alice: User, client_for: ClientFor) -> None:
    preferences.choose_methods(alice, "announcement", [DeliveryMethod.LIVE])
    broadcast(title="Closed on Friday")
    client = client_for(alice)
    assert client.get("/counting/").content == b"0"
    assert shown(client) == []


# Text


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("url", ["", "/posts/9/?a=1&b='\""])
def test_titles_and_links_are_escaped(alice: User, bob: User, client_for: ClientFor, url: str) -> None:
    send(bob, alice, verb="<img src=x onerror=alert(1)>", url=url)
    content = client_for(alice).get("/page/").content.decode()
    assert "<img" not in content
    assert "&lt;img src=x onerror=alert(1)&gt;" in content
    assert ("<a href" in content) is bool(url)


@pytest.mark.both_databases(short="sqlite")
def test_a_message_leads_to_its_link(alice: User, bob: User, client_for: ClientFor) -> None:
    send(bob, alice, url="/posts/9/", level="warning")
    content = client_for(alice).get("/page/").content.decode()
    assert content == "<li class='notification warning'><a href=\"/posts/9/\">replied (en)</a></li>"


@pytest.mark.both_databases(short="sqlite")
def test_messages_are_in_the_language_of_the_reader(alice: User, bob: User, client_for: ClientFor) -> None:
    User.objects.filter(pk=alice.pk).update(language="zh-hans")
    announcement = broadcast(title="Closed on Friday")
    AnnouncementTranslation.objects.create(announcement=announcement, language="zh-hans", title="周五关闭")
    send(bob, alice)
    assert sorted(shown(client_for(alice))) == ["replied (zh-hans)", "周五关闭"]
