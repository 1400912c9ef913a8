from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User

ClientFor = Callable[[User], Client]


@pytest.mark.django_db
def test_an_anonymous_choice_is_kept_in_a_cookie(client: Client) -> None:
    answer = client.post("/accounts/language/", {"language": "zh-hans", "next": "/accounts/login/"})

    assert answer.headers["Location"] == "/accounts/login/"
    assert client.get("/").headers["Content-Language"] == "zh-hans"


def test_a_signed_in_choice_applies_in_every_browser(client_for: ClientFor, alice: User) -> None:
    client_for(alice).post("/accounts/language/", {"language": "zh-hans", "next": "/"})

    assert client_for(alice).get("/").headers["Content-Language"] == "zh-hans"


@pytest.mark.parametrize("language", ["tlh", "", "zh-hans'--"])
def test_an_unsupported_language_changes_nothing(client_for: ClientFor, alice: User, language: str) -> None:
    client_for(alice).post("/accounts/language/", {"language": language, "next": "/"})

    alice.refresh_from_db()
    assert alice.language == ""


def test_a_link_cannot_change_the_language(client_for: ClientFor, alice: User) -> None:
    assert client_for(alice).get("/accounts/language/?language=zh-hans").status_code == 405


def test_one_persons_choice_does_not_affect_another(client_for: ClientFor, alice: User, charlie: User) -> None:
    client_for(alice).post("/accounts/language/", {"language": "zh-hans", "next": "/"})

    charlie.refresh_from_db()
    assert charlie.language == ""
