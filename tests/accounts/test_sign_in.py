from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User

ClientFor = Callable[[User], Client]


def test_signing_in_leads_to_the_requested_page(client: Client, alice: User) -> None:
    refused = client.get("/accounts/profile/")
    assert refused.headers["Location"] == "/accounts/login/?next=/accounts/profile/"

    form = {"username": "alice", "password": "three-red-lamps", "next": "/accounts/profile/"}
    answer = client.post("/accounts/login/", form)

    assert answer.headers["Location"] == "/accounts/profile/"
    assert get_user(client) == alice


def test_a_wrong_password_shows_an_error_and_signs_nobody_in(client: Client, alice: User) -> None:
    page = client.post("/accounts/login/", {"username": "alice", "password": "wrong"})

    assert page.status_code == 200
    assert "Please enter a correct username and password" in page.content.decode()
    assert not get_user(client).is_authenticated


def test_signing_out_requires_a_post(client_for: ClientFor, alice: User) -> None:
    client = client_for(alice)

    assert client.get("/accounts/logout/").status_code == 405
    answer = client.post("/accounts/logout/")

    assert answer.headers["Location"] == "/"
    assert not get_user(client).is_authenticated


def test_debug_mode_offers_a_sign_in_button_per_demo_user(client: Client, alice: User, settings: Settings) -> None:
    settings.DEBUG = True
    page = client.get("/accounts/login/").content.decode()

    assert 'name="username" value="alice"' in page
    assert 'name="username" value="bob"' not in page


def test_no_demo_password_is_offered_without_debug(
    client: Client, alice: User, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.DEBUG = False
    with django_assert_num_queries(0):
        page = client.get("/accounts/login/", secure=True).content.decode()

    assert 'value="demo"' not in page
    assert "alice" not in page


@pytest.mark.parametrize("where", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_signing_in_never_redirects_to_another_site(client: Client, alice: User, where: str) -> None:
    answer = client.post("/accounts/login/", {"username": "alice", "password": "three-red-lamps", "next": where})

    assert answer.headers["Location"] == "/"
