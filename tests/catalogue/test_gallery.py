"""The gallery: who sees it, that every state is rendered in every language, and that it asks the database nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notifications_hub.catalogue.gallery_states import elements

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django import Settings

    from accounts.models import User

PAGE = "/notifications/gallery/"


@pytest.mark.django_db
def test_staff_see_it_and_with_debug_everyone(
    client_for: Callable[[User], Client], alice: User, admin: User, client: Client, settings: Settings
) -> None:
    assert client.get(PAGE).status_code == 302
    assert client_for(alice).get(PAGE).status_code == 403
    assert client_for(admin).get(PAGE).status_code == 200
    settings.DEBUG = True
    assert client.get(PAGE).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_state_is_there_in_both_schemes_with_ids_of_its_own(
    client: Client, settings: Settings, language: str
) -> None:
    settings.DEBUG = True
    html = client.get(PAGE, {"language": language}).content.decode()

    states = Counter(re.findall(r'data-state="([a-z-]+-[a-z-]+)"', html))
    expected = {f"{element.name}-{state.name}" for element in elements() for state in element.states}
    assert {name: states[name] for name in expected} == dict.fromkeys(expected, 2)
    ids = Counter(re.findall(r'\sid="([^"]+)"', html))
    assert {name for name, number in ids.items() if number > 1} == set()
    assert "<script" not in "".join(re.findall(r"<gallery-state.+?</gallery-state>", html, re.DOTALL))


@pytest.mark.django_db
def test_one_element_in_one_scheme_is_chosen_by_the_query(client: Client, settings: Settings) -> None:
    settings.DEBUG = True
    html = client.get(PAGE, {"kind": "toast", "scheme": "dark"}).content.decode()
    assert set(re.findall(r'data-state="([a-z]+)-[a-z-]+"', html)) == {"toast"}
    assert 'data-scheme="light"' not in html
    assert client.get(PAGE, {"kind": "no-such"}).status_code == 404


@pytest.mark.django_db
def test_it_asks_the_database_nothing(client: Client, settings: Settings) -> None:
    settings.DEBUG = True
    client.get(PAGE)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(PAGE)
    assert [query["sql"] for query in queries if "notifications_hub" in query["sql"]] == []


def test_an_element_is_rendered_or_drawn_and_its_values_are_json() -> None:
    for element in elements():
        assert element.template or element.draws, element.name
        if element.draws:
            json.dumps([state.values() for state in element.states])
