"""The OpenAPI document is valid, complete, and says what the API does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from notifications_hub import urls
from notifications_hub.inbox.api import api
from notifications_hub.inbox.openapi_examples import MISSING
from notifications_hub.models import Notification
from tests.inbox.support import API, ClientFor, send_one

if TYPE_CHECKING:
    from accounts.models import User

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "http.md"


@pytest.fixture(scope="module")
def document() -> Any:
    assert urls.urlpatterns, "it adds the routes of other parts"
    return json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def bodies(operation: Any) -> Iterator[tuple[str, Any]]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield "request", content
    for status, answer in operation["responses"].items():
        for content in answer.get("content", {}).values():
            yield status, content


def test_it_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert document["servers"] == [{"url": "/", "description": "This site"}]


def test_every_operation_says_what_it_does_and_takes(document: Any) -> None:
    ids = set()
    for method, path, operation in operations(document):
        for part in ("summary", "description", "operationId", "tags"):
            assert operation[part], (method, path, part)
        ids.add(operation["operationId"])
        statuses = operation["responses"].keys()
        assert "429" in statuses, (method, path)
        assert operation["responses"]["429"]["headers"]["Retry-After"]["schema"]["type"] == "integer"
        assert "requestBody" not in operation or {"400", "413", "415"} <= statuses, (method, path)
        assert not operation["security"] or {} in operation["security"] or "401" in statuses, (method, path)
    assert len(ids) == len([*operations(document)])


def test_every_example_is_of_its_schema_and_whole(document: Any) -> None:
    for method, path, operation in operations(document):
        for parameter in operation["parameters"]:
            assert parameter.get("example") != MISSING, (method, path, parameter["name"])
            if parameter["required"]:
                _check(parameter["schema"], parameter["example"], document)
        for where, content in bodies(operation):
            assert MISSING not in json.dumps(content["example"], ensure_ascii=False), (method, path, where)
            _check(content["schema"], content["example"], document)


def _check(shape: Any, example: object, document: Any) -> None:
    OAS31Validator({**shape, "components": document["components"]}).validate(example)


def test_every_error_is_a_problem(document: Any) -> None:
    for method, path, operation in operations(document):
        for where, content in bodies(operation):
            if where.isdigit() and int(where) >= 400:
                name = content["schema"]["$ref"].rpartition("/")[2]
                assert "detail" in document["components"]["schemas"][name]["required"], (method, path, where)


def test_it_names_what_a_request_needs(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "sessionid")
    assert (schemes["csrfToken"]["in"], schemes["csrfToken"]["name"]) == ("header", "X-Csrftoken")
    assert (schemes["serviceToken"]["type"], schemes["serviceToken"]["scheme"]) == ("http", "bearer")
    paths = document["paths"]
    assert paths["/api/v1/notifications/"]["get"]["security"] == [{"session": []}]
    assert paths["/api/v1/notifications/read/"]["post"]["security"] == [{"session": [], "csrfToken": []}]
    assert paths["/api/v1/banners/"]["get"]["security"] == [{"session": []}, {}]
    assert paths["/api/v1/push/renew/"]["post"]["security"] == []
    assert paths["/api/v1/notify/"]["post"]["security"] == [{"serviceToken": []}]


def test_the_reference_lists_the_same_routes(document: Any) -> None:
    listed = re.findall(r"^\| ([A-Z]+) \| `(/[^`]*)` \|", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    found = [(method, path.removeprefix("/api/v1")) for method, path, _operation in operations(document)]
    assert sorted(listed) == sorted(found)


pytestmark = pytest.mark.django_db


def test_counts_are_sent_again_only_when_they_change(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    path = f"{API}notifications/count/"
    send_one(alice, bob)
    first = client.get(path)
    same = client.get(path, headers={"If-None-Match": first["ETag"]})
    Notification.objects.filter(recipient=alice).mark_all_as_read()
    changed = client.get(path, headers={"If-None-Match": first["ETag"]})

    assert [one.status_code for one in (first, same, changed)] == [200, 304, 200]
    assert same.content == b""
    assert changed.json()["unread"] == 0
    for answer in (first, same, changed):
        assert "private" in answer["Cache-Control"]
        assert "no-cache" in answer["Cache-Control"]
        assert "Cookie" in answer["Vary"]
        assert answer["ETag"].startswith('"')


def test_a_body_of_another_type_is_refused(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        answer = client.post(f"{API}notifications/read/", '{"all": true}', content_type=kind)
        assert answer.status_code == 415
        assert "application/json" in answer.json()["detail"]
    assert (
        client.post(f"{API}notifications/read/", '{"all": true}', "application/json; charset=utf-8").status_code == 200
    )
    assert Client().post(f"{API}notifications/read/", "x", "text/plain").status_code in (401, 415)


def test_a_page_that_no_page_named_is_refused(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    for path in ("notifications/", "following/"):
        for bad in ("x", "-1", "1 OR 1=1", "9" * 40, "１"):
            answer = client.get(f"{API}{path}", {"before": bad})
            assert (answer.status_code, "`before` must be" in answer.json()["detail"]) == (400, True), (path, bad)
    assert client.get("/notifications/following/", {"before": "x"}).status_code == 400
