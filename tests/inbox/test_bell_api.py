"""The route for pages that no template of the site rendered."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from tests.inbox.support import ClientFor

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
BELL = "/api/v1/bell/"


def test_it_says_what_the_template_tag_writes(alice: User, client_for: ClientFor) -> None:
    answer = client_for(alice).get(BELL).json()
    assert (answer["live"], answer["unread"], answer["unseen"], answer["scope"]) == ("/live/", 0, 0, None)
    assert (answer["inbox_url"], answer["preferences_url"]) == ("/notifications/", "/notifications/preferences/")
    assert str(alice.pk) != answer["person"]
    assert "html" not in answer


def test_its_markup_is_in_the_language_asked_for(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    chinese, unknown = (client.get(BELL, {"html": "true", "lang": lang}).json()["html"] for lang in ("zh-CN", "tlh"))
    assert "<notification-bell" in chinese
    assert "全部标为已读" in chinese
    assert "Mark all as read" in unknown


def test_its_token_makes_a_change_succeed(alice: User) -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    client.force_login(alice)
    token = client.get(BELL).json()["csrf"]

    def mark(**headers: str) -> int:
        path, json = "/api/v1/notifications/read/", "application/json"
        return client.post(path, {"all": True}, content_type=json, headers=headers).status_code

    assert mark() == 403
    assert mark(**{"X-CSRFToken": token}) == 200


def test_it_is_refused_to_strangers() -> None:
    assert Client(headers={"host": "localhost"}).get(BELL).status_code == 401
