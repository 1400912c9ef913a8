"""The layout that all pages of the site share, and the error pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.contrib import messages
from django.contrib.messages import constants
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.test import Client
from django.urls import include, path

from accounts.models import User

ClientFor = Callable[[User], Client]


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


def every_level(request: HttpRequest) -> HttpResponse:
    for level, name in constants.DEFAULT_TAGS.items():
        messages.add_message(request, level, f"<i>{name}</i>")
    return render(request, "base.html")


urlpatterns = [path("broken/", broken), path("levels/", every_level), path("", include("config.urls"))]


class Inline(HTMLParser):
    """A parser that collects inline scripts, styles and handlers, which the strict policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]


PAGES = (
    *("/", "/accounts/login/", "/accounts/signup/", "/accounts/profile/", "/accounts/password/", "/notifications/"),
    *("/showcase/chat/", "/showcase/connections/", "/notifications/following/"),
)


@pytest.mark.parametrize("url", PAGES)
def test_no_page_violates_the_content_security_policy(client_for: ClientFor, alice: User, url: str) -> None:
    answer = client_for(alice).get(url, follow=True)
    policy = answer.headers["Content-Security-Policy"]
    inline = Inline()
    inline.feed(answer.content.decode())

    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert {allowed[name] for name in ("default-src", "script-src", "connect-src", "style-src")} == {"'self'"}
    assert {allowed[name] for name in ("object-src", "base-uri", "frame-ancestors")} == {"'none'"}
    assert "unsafe" not in policy
    assert inline.found == []


def test_only_signed_in_people_see_the_bell_and_the_menu(client_for: ClientFor, alice: User, client: Client) -> None:
    mine, strangers = client_for(alice).get("/").content.decode(), client.get("/").content.decode()

    assert "<notification-bell" in mine
    assert 'action="/accounts/logout/"' in mine
    assert "<notification-bell" not in strangers
    assert 'href="/accounts/login/"' in strangers


def test_only_staff_see_the_admin_link(client_for: ClientFor, alice: User, admin: User) -> None:
    assert 'href="/admin/"' in client_for(admin).get("/").content.decode()
    assert 'href="/admin/"' not in client_for(alice).get("/").content.decode()


@pytest.mark.urls("tests.showcase.test_frame")
def test_each_message_level_has_its_own_style_and_is_escaped(client: Client, db: None) -> None:
    page = client.get("/levels/").content.decode()

    assert set(re.findall(r'class="message is-(\w+)"', page)) == {"info", "success", "warning", "error"}
    assert "&lt;i&gt;error&lt;/i&gt;" in page


def test_a_missing_page_uses_the_sites_layout(client: Client, db: None) -> None:
    page = client.get("/nowhere/", headers={"Accept-Language": "zh-CN"})

    assert page.status_code == 404
    assert "找不到此页面" in page.content.decode()


@pytest.mark.urls("tests.showcase.test_frame")
def test_the_error_page_does_not_depend_on_the_layout(db: None) -> None:
    page = Client(raise_request_exception=False).get("/broken/")

    assert page.status_code == 500
    assert "Something went wrong" in page.content.decode()
    assert "csrf" not in page.content.decode()


def test_a_form_without_a_csrf_token_gets_a_helpful_page(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    page = client.post("/accounts/profile/", {"first_name": "Mallory"})

    assert page.status_code == 403
    assert "Nothing was changed." in page.content.decode()
    alice.refresh_from_db()
    assert alice.first_name == "Alice"


@pytest.mark.parametrize("url", ["/", "/accounts/login/"])
def test_pages_answer_head_requests(client: Client, db: None, url: str) -> None:
    assert client.head(url).status_code == 200
