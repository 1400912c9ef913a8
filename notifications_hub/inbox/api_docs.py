"""The page about the HTTP API, made from its OpenAPI schema on the server.

django-ninja's own page loads Swagger UI from a foreign host, and its inline script is blocked by any strict policy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from notifications_hub.web.developer_pages import ask_to_sign_in

Shape = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter of a route, or a field of a schema."""

    name: str
    type: str
    optional: bool
    description: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    phrase: str
    schema: str
    """The name of a schema, or empty for an answer without a body."""


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Field, ...]
    body: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    name: str
    description: str
    fields: tuple[Field, ...]
    example: str


class ApiPage(DocsBase):
    """The page for developers of a site. It is for staff, and for everyone while `DEBUG` is on."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        if refusal := ask_to_sign_in(request):
            return refusal
        schema = api.get_openapi_schema()
        context = {
            "about": _description(schema["info"]),
            "openapi_url": self.get_openapi_url(api, kwargs),
            "sections": sections_of(schema),
            "schemas": [*schemas_of(schema)],
        }
        response = TemplateResponse(request, "notifications_hub/api.html", context)
        return response.render()


def sections_of(schema: Shape) -> dict[str, list[Route]]:
    """Return the routes by tag, in the order of their declaration."""
    sections: dict[str, list[Route]] = {}
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            sections.setdefault(route["tags"][0], []).append(_route(method, path, route))
    return sections


def schemas_of(schema: Shape) -> Iterator[Schema]:
    """Yield the schemas that have fields, by name."""
    for name, shape in sorted(schema["components"]["schemas"].items()):
        if fields := tuple(_fields(shape)):
            examples = shape.get("examples")
            example = json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else ""
            yield Schema(name, _description(shape), fields, example)


def _route(method: str, path: str, route: Shape) -> Route:
    given = [(one, type_in_words(one["schema"])) for one in route["parameters"]]
    answers = [(status, one["description"], _schema_of(one)) for status, one in route["responses"].items()]
    return Route(
        method=method.upper(),
        path=path,
        summary=route["summary"],
        description=_description(route),
        parameters=tuple(
            Field(one["name"], kind, not one["required"], one.get("description", "")) for one, kind in given
        ),
        body=_schema_of(route.get("requestBody", {})),
        answers=tuple(Answer(*one) for one in answers),
    )


def _description(shape: Shape) -> str:
    """Return a description as HTML. What stands between backticks is code."""
    parts = str(shape.get("description", "")).split("`")
    marked = [format_html("<code>{}</code>", part) if number % 2 else part for number, part in enumerate(parts)]
    return format_html_join("", "{}", ((part,) for part in marked))


def _schema_of(content: Shape) -> str:
    """Return the name of the schema of a request or an answer; empty if it has no body."""
    kinds = content.get("content", {})
    return type_in_words(next(iter(kinds.values()))["schema"]) if kinds else ""


def _fields(shape: Shape) -> Iterator[Field]:
    required = shape.get("required", ())
    for name, field in shape.get("properties", {}).items():
        yield Field(name, type_in_words(field), name not in required, _description(field))


def type_in_words(shape: Shape) -> str:
    """Return a type as developers read it: `list of InboxItem`, `string or null`."""
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2]
    if "anyOf" in shape:
        return " or ".join(map(type_in_words, shape["anyOf"]))
    if choices := shape.get("enum") or ([shape["const"]] if "const" in shape else []):
        return ", ".join(json.dumps(choice) for choice in choices)
    if shape.get("type") == "array":
        return f"list of {type_in_words(shape['items'])}"
    if others := shape.get("additionalProperties"):
        return f"object of {type_in_words({} if others is True else others)}"
    return " ".join(filter(None, [shape.get("type", "any JSON"), f"({shape['format']})" if "format" in shape else ""]))
