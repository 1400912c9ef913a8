"""The OpenAPI 3.1 document. It adds to django-ninja's what every route has: security, errors and examples.

See https://spec.openapis.org/oas/v3.1.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.client import responses as phrases
from typing import Any

from django.conf import settings

from notifications_hub.inbox.openapi_examples import example_of, parameter_example, problem_example

Document = dict[str, Any]

SERVERS = [{"url": "/", "description": "This site"}]
_SAFE = ("get", "head", "options")
_SESSION, _CSRF, _SERVICE = "session", "csrfToken", "serviceToken"
_RETRY_AFTER = {
    "description": "Seconds to wait. A request after that is not refused for this reason.",
    "schema": {"type": "integer", "minimum": 1},
    "example": 30,
}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def complete(document: Document) -> Document:
    """Complete django-ninja's document in place, and return it."""
    schemas = document["components"]["schemas"]
    for shape in schemas.values():
        if "example" in shape:
            shape["examples"] = [shape.pop("example")]
    document["components"]["securitySchemes"] = _security_schemes()
    for method, operation in _operations(document):
        operation["security"] = _security(operation, method)
        for parameter in operation["parameters"]:
            _with_example(parameter, schemas)
        _add_errors(operation)
        _add_etag(operation)
        _add_examples(operation, schemas)
    return document


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for methods in document["paths"].values():
        yield from methods.items()


def _security_schemes() -> Document:
    header = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-").title()
    return {
        _SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "Django's session, of a person who has signed in to this site.",
        },
        _CSRF: {
            "type": "apiKey",
            "in": "header",
            "name": header,
            "description": f"The value of the cookie `{settings.CSRF_COOKIE_NAME}`. Every change needs it too.",
        },
        _SERVICE: {
            "type": "http",
            "scheme": "bearer",
            "description": "A token for a service, which an admin issues.",
        },
    }


def _security(operation: Mapping[str, Any], method: str) -> list[Document]:
    """Return what a request needs. An empty object stands for a request without anything."""
    named = {name for one in operation.get("security", ()) for name in one}
    session: Document = {_SESSION: []} if method in _SAFE else {_SESSION: [], _CSRF: []}
    by_class: Mapping[str, list[Document]] = {
        "SignedInSession": [session],
        "AnyVisitor": [session, {}],
        "ServiceAuth": [{_SERVICE: []}],
    }
    return [one for name in sorted(named) for one in by_class[name]]


def _with_example(parameter: Document, schemas: Mapping[str, Any]) -> None:
    # A parameter's `examples` are an object in OpenAPI, and an array in its JSON Schema.
    parameter.pop("examples", None)
    if parameter["required"] or parameter["schema"].get("examples"):
        parameter["example"] = parameter_example(parameter, schemas)


def _add_errors(operation: Document) -> None:
    """Add the errors that any request with a body can have."""
    answers = operation["responses"]
    if "requestBody" in operation:
        for status in (400, 413, 415):
            answers.setdefault(status, _problem(status))
    if 429 in answers:
        answers[429]["headers"] = {"Retry-After": _RETRY_AFTER}
    operation["responses"] = {str(status): answers[status] for status in sorted(answers)}


def _add_etag(operation: Document) -> None:
    """Document the headers of an answer that can be 304."""
    if "304" not in operation["responses"]:
        return
    etag = {"schema": {"type": "string"}, "example": '"3-1-0"'}
    for status in ("200", "304"):
        operation["responses"][status]["headers"] = {"ETag": etag}
    given = {"in": "header", "name": "If-None-Match", "required": False, **etag}
    operation["parameters"].append(given | {"description": "The `ETag` of an earlier answer."})


def _problem(status: int) -> Document:
    return {"description": phrases[status], "content": {"application/json": {"schema": _PROBLEM}}}


def _add_examples(operation: Document, schemas: Mapping[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["example"] = example_of(content["schema"], schemas)
    for status, answer in operation["responses"].items():
        for content in answer.get("content", {}).values():
            number, shape = int(status), content["schema"]
            is_error = number >= 400
            content["example"] = problem_example(number, shape, schemas) if is_error else example_of(shape, schemas)
