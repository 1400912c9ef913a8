from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from notifications.signals import notify

from accounts.middleware import PersonalLocaleMiddleware
from accounts.models import User
from accounts.people import language_of
from notifications_hub import Notification
from notifications_hub.message import localized_for

ClientFor = Callable[[User], Client]


def _speaks_chinese(person: User) -> User:
    person.language, person.time_zone = "zh-hans", "Asia/Shanghai"
    person.save()
    return person


def test_a_page_is_in_the_readers_language_rather_than_the_browsers(client_for: ClientFor, bob: User) -> None:
    page = client_for(_speaks_chinese(bob)).get("/", headers={"Accept-Language": "en"})

    assert page.headers["Content-Language"] == "zh-hans"
    assert '<html lang="zh-hans"' in page.content.decode()
    assert "最新帖子" in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("asked", "given"), [("zh-CN", "zh-hans"), ("en-GB", "en"), ("fr", "en")])
def test_an_anonymous_visitor_gets_the_browsers_language(client: Client, asked: str, given: str) -> None:
    page = client.get("/", headers={"Accept-Language": asked})

    assert page.headers["Content-Language"] == given
    assert f'<html lang="{given}"' in page.content.decode()


def test_the_readers_time_zone_does_not_leak_to_the_next_reader(bob: User) -> None:
    offsets = []

    def view(request: HttpRequest) -> HttpResponse:
        offsets.append(_offset())
        return HttpResponse()

    middleware = PersonalLocaleMiddleware(view)
    for person in (_speaks_chinese(bob), AnonymousUser()):
        request = RequestFactory().get("/")
        request.user = person
        middleware(request)

    assert offsets == [timedelta(hours=8), timedelta(0)]
    assert translation.get_language() == "en"


def test_an_unknown_time_zone_or_language_falls_back(client_for: ClientFor, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Mars/Olympus", language="tlh")
    page = client_for(alice).get("/")

    assert page.status_code == 200
    assert page.headers["Content-Language"] == "en"


CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9", "Accept": "text/html,*/*;q=0.8"}


def test_a_person_who_never_chose_a_language_keeps_the_browsers_after_signing_in(
    client_for: ClientFor, bob: User
) -> None:
    notify.send(bob, recipient=bob, kind="chat.mention", verb="mentioned you in")
    client = client_for(bob)
    page = client.get("/", headers=CHINESE)
    answer = client.get("/api/v1/notifications/", headers={"Accept-Language": "zh-CN"})

    assert page.headers["Content-Language"] == "zh-hans"
    assert "提到" in answer.json()["results"][0]["title"]


def test_a_push_is_in_the_language_last_seen_in_the_browser(client_for: ClientFor, bob: User) -> None:
    client_for(bob).get("/", headers=CHINESE)
    bob.refresh_from_db()
    notify.send(bob, recipient=bob, kind="chat.mention", verb="mentioned you in")
    with localized_for(bob):
        message = Notification.objects.get(recipient=bob).message()

    assert bob.language == ""
    assert message.language == "zh-hans"
    assert "提到" in message.title


def test_the_language_of_the_browser_is_written_only_when_it_changes(client_for: ClientFor, bob: User) -> None:
    client = client_for(bob)
    with CaptureQueriesContext(connection) as first:
        client.get("/nowhere/", headers=CHINESE)
    with CaptureQueriesContext(connection) as second:
        client.get("/nowhere/", headers=CHINESE)
        client.get("/api/v1/notifications/count/", headers={"Accept-Language": "en"})

    assert any("browser_language" in query["sql"] for query in first if query["sql"].startswith("UPDATE"))
    assert not any("UPDATE" in query["sql"] for query in second)


def test_a_person_who_chose_a_language_is_never_asked_for_the_browsers(client_for: ClientFor, bob: User) -> None:
    client_for(_speaks_chinese(bob)).get("/", headers={"Accept-Language": "en", "Accept": "text/html"})

    bob.refresh_from_db()
    assert (bob.browser_language, language_of(bob)) == ("", "zh-hans")


@pytest.fixture
def bobs_async_client(bob: User) -> AsyncClient:
    client = AsyncClient()
    client.force_login(_speaks_chinese(bob))
    return client


@pytest.mark.django_db(transaction=True)
async def test_a_page_is_in_the_readers_language_under_asgi(bobs_async_client: AsyncClient) -> None:
    page = await bobs_async_client.get("/")

    assert page.headers["Content-Language"] == "zh-hans"
    assert "最新帖子" in page.content.decode()


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_the_language_of_the_browser_is_remembered_too(bob: User) -> None:
    client = AsyncClient()
    await client.aforce_login(bob)
    page = await client.get("/", headers=CHINESE)

    await bob.arefresh_from_db()
    assert (page.headers["Content-Language"], bob.browser_language) == ("zh-hans", "zh-hans")


async def test_an_async_view_runs_in_the_readers_time_zone() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(_offset()))

    async def auser() -> User:
        return User(language="zh-hans", time_zone="Asia/Shanghai")

    request = RequestFactory().get("/")
    request.auser = auser
    answer = await PersonalLocaleMiddleware(view)(request)  # type: ignore[misc]

    assert answer.content.decode() == "8:00:00"
    assert answer.headers["Content-Language"] == "zh-hans"


def _offset() -> timedelta | None:
    return timezone.localtime(datetime.fromisoformat("2026-11-20T12:00:00+00:00")).utcoffset()


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/posts/", "/accounts/profile/", "/accounts/password/", "/showcase/connections/", "/showcase/chat/"),
        *("/notifications/", "/notifications/preferences/", "/nowhere/", "/admin/"),
    ],
)
def test_pages_of_signed_in_people_are_never_cached(client_for: ClientFor, alice: User, path: str) -> None:
    kept = client_for(alice).get(path, follow=True).headers["Cache-Control"]

    assert {"private", "no-store"} <= {part.strip() for part in kept.split(",")}


def test_anonymous_pages_and_responses_with_their_own_cache_control_may_be_cached(
    client_for: ClientFor, alice: User
) -> None:
    assert "Cache-Control" not in Client().get("/").headers
    assert client_for(alice).get("/sw.js").headers["Cache-Control"] == "no-cache"


@pytest.mark.django_db(transaction=True)
async def test_pages_of_signed_in_people_are_never_cached_under_asgi(bobs_async_client: AsyncClient) -> None:
    assert "no-store" in (await bobs_async_client.get("/")).headers["Cache-Control"]
