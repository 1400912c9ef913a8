"""The page about the HTTP API: for staff, whole, and without a script of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

from notifications_hub.inbox.api_docs import schemas_of, type_in_words

if TYPE_CHECKING:
    from accounts.models import User

ADDRESS = "/api/v1/docs/"
SCHEMA = "/api/v1/openapi.json"

pytestmark = pytest.mark.django_db


def test_staff_read_every_route_and_schema(admin: User, client_for: Callable[[User], Client]) -> None:
    client = client_for(admin)
    page = client.get(ADDRESS).content.decode()
    schema = client.get(SCHEMA).json()

    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            assert f"<code>{method.upper()} {path}</code>" in page
            assert route["summary"] in page.replace("&#x27;", "'")
    assert "in the header <code>X-CSRFToken</code>." in page
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert "schema-NotificationPage" in links
    assert links <= set(re.findall(r'id="([^"]+)"', page))


def test_other_people_are_refused_and_strangers_are_asked_to_sign_in(
    alice: User, client: Client, client_for: Callable[[User], Client], settings: Settings
) -> None:
    assert client_for(alice).get(ADDRESS).status_code == 403
    answer = client.get(ADDRESS)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={ADDRESS}")
    assert client.get(SCHEMA).status_code == 200

    settings.DEBUG = True
    assert client_for(alice).get(ADDRESS).status_code == client.get(ADDRESS).status_code == 200


def test_it_loads_nothing_from_elsewhere_and_writes_no_script(client: Client, settings: Settings) -> None:
    settings.DEBUG = True
    answer = client.get(ADDRESS)
    page = answer.content.decode()

    assert "no-store" in answer["Cache-Control"]
    assert "https://" not in page
    assert "<style" not in page
    assert " style=" not in page
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({"type": "array", "items": {"$ref": "#/components/schemas/InboxItem"}}, "list of InboxItem"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"enum": ["info", "error"], "type": "string"}, '"info", "error"'),
        ({"const": True}, "true"),
        ({"type": "string", "format": "uuid"}, "string (uuid)"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of integer"),
        ({"type": "object", "additionalProperties": True}, "object of any JSON"),
        ({}, "any JSON"),
    ],
)
def test_a_type_is_put_in_words(shape: dict[str, object], words: str) -> None:
    assert type_in_words(shape) == words


def test_a_description_is_text_in_which_only_backticks_mean_something() -> None:
    shape = {"description": "Send `<b>` & <i>.", "properties": {"one": {"type": "string"}}}
    [schema] = schemas_of({"components": {"schemas": {"Item": shape}}})

    assert schema.description == "Send <code>&lt;b&gt;</code> &amp; &lt;i&gt;."
