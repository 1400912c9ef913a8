from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user
from django.test import Client

from accounts.models import User
from accounts.people import language_of

ClientFor = Callable[[User], Client]

FORM = {"username": "dora", "email": "", "password1": "three-green-lamps", "password2": "three-green-lamps"}

pytestmark = pytest.mark.django_db


def test_signing_up_signs_the_person_in_and_welcomes_them(client: Client) -> None:
    page = client.post("/accounts/signup/", FORM, follow=True)

    assert page.redirect_chain == [("/", 302)]
    assert get_user(client) == User.objects.get(username="dora")
    assert "Welcome, dora!" in page.content.decode()


def test_a_new_person_goes_on_in_the_language_of_the_form_without_having_chosen_one(client: Client) -> None:
    page = client.post("/accounts/signup/", FORM, headers={"Accept-Language": "zh-CN"}, follow=True)

    dora = User.objects.get(username="dora")
    assert page.headers["Content-Language"] == "zh-hans"
    assert (dora.language, language_of(dora)) == ("", "zh-hans")


@pytest.mark.parametrize(("chosen", "kept"), [("zh-hans", "zh-hans"), ("tlh", ""), ("zh-hans-and-on-and-on", "")])
def test_signing_up_saves_the_language_that_the_visitor_chose(client: Client, chosen: str, kept: str) -> None:
    client.cookies["django_language"] = chosen
    client.post("/accounts/signup/", FORM)

    assert User.objects.get(username="dora").language == kept


@pytest.mark.parametrize(
    ("sent", "kept"), [("Asia/Shanghai", "Asia/Shanghai"), ("", "UTC"), ("Mars/Olympus", "UTC"), ("../etc", "UTC")]
)
def test_signing_up_saves_the_browsers_time_zone_if_it_is_known(client: Client, sent: str, kept: str) -> None:
    client.post("/accounts/signup/", {**FORM, "time_zone": sent})

    assert User.objects.get(username="dora").time_zone == kept


def test_a_taken_username_is_rejected_regardless_of_case(client: Client, alice: User) -> None:
    page = client.post("/accounts/signup/", {**FORM, "username": "ALICE"})

    assert "A user with that username already exists." in page.content.decode()
    assert list(User.objects.all()) == [alice]


def test_signing_up_never_redirects_to_another_site(client: Client) -> None:
    answer = client.post("/accounts/signup/", {**FORM, "next": "https://elsewhere.example/"})

    assert answer.headers["Location"] == "/"


def test_a_signed_in_person_is_redirected_from_the_form(client_for: ClientFor, alice: User) -> None:
    answer = client_for(alice).get("/accounts/signup/?next=/accounts/profile/")

    assert answer.headers["Location"] == "/accounts/profile/"


def test_signing_up_grants_no_rights(client: Client) -> None:
    client.post("/accounts/signup/", {**FORM, "is_staff": "on", "is_superuser": "on"})

    dora = User.objects.get(username="dora")
    assert not dora.is_staff
    assert not dora.is_superuser
