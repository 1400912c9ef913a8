"""The hub's public addresses on a site with Django's `LoginRequiredMiddleware`."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import Settings

from tests.inbox.test_safe_methods import ADDRESSES

# This file also asks /readyz, which writes to the cache. In one transaction the requests' writes would make that wait.
pytestmark = pytest.mark.django_db(transaction=True)

REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
AFTER = "django.contrib.auth.middleware.AuthenticationMiddleware"
PUBLIC = {
    "/api/v1/push/act/",
    "/healthz",
    "/live/poll/",
    "/live/sse/",
    "/live/ws/",
    "/manifest.webmanifest",
    "/metrics",
    "/notifications/banners/",
    "/notifications/email-reports/",
    "/notifications/unsubscribe/x/",
    "/readyz",
    "/sw.js",
}
ALL = sorted({re.sub("<[^>]*>", "x", path) for path in ADDRESSES} | PUBLIC)


def answers() -> dict[tuple[str, str], tuple[int, str]]:
    client = Client()
    return {(method, path): _answer(client, method, path) for path in ALL for method in ("get", "post")}


def _answer(client: Client, method: str, path: str) -> tuple[int, str]:
    response = getattr(client, method)(path)
    return response.status_code, response.headers.get("Location", "").partition("?")[0]


def test_no_address_answers_a_visitor_otherwise(settings: Settings) -> None:
    without = answers()
    position = settings.MIDDLEWARE.index(AFTER) + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:position], REQUIRED, *settings.MIDDLEWARE[position:]]
    found = answers()
    # A page that needs a sign-in may ask for it before it refuses the method.
    changed = {asked: code for asked, (code, _where) in without.items() if found[asked] != without[asked]}
    assert set(changed.values()) == {405}
    assert not {path for _method, path in changed} & PUBLIC
