"""Examples of requests and answers, built from the schemas, so that none can fall behind its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = Mapping[str, Any]

MISSING = "…"
"""Stands for a text without an example. A test finds it: give its field `examples`."""
_BY_FORMAT = {
    "date-time": "2026-11-20T12:00:00Z",
    "uuid": "0b0e8a5c-6a3c-4c6f-9d3f-2f6f5f4f9a10",
}
_PARAMETERS = {
    "address_id": "3",
    "item_id": "12",
    "name": "approve",
    "object": "12.9:rJ7h0mPzKp7bV2",
    "subscription_id": "5",
    "token_id": "9f1c2ab34d5e6f70",
}
"""Examples of parameters that have none of their own. A test finds one that is missing."""
_BY_TYPE: Mapping[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "null": None}
_PROBLEMS = {
    400: "ids: Input should be a valid list",
    401: "Sign in first.",
    403: "The CSRF token is missing or wrong.",
    404: "Not found.",
    409: "Somebody is doing this right now.",
    413: "The request is too large.",
    415: "Send JSON, with the header “Content-Type: application/json”.",
    422: "Please answer: Why not?",
    429: "Too many requests. Try again in 30 seconds.",
    500: "That didn't work. Please try again.",
}


def problem_example(status: int, shape: Shape, schemas: Shape) -> Any:
    """Return the example of an error. Its words are those of the status."""
    return {**example_of(shape, schemas), "detail": _PROBLEMS[status]}


def parameter_example(parameter: Shape, schemas: Shape) -> Any:
    """Return the example of a parameter of a route."""
    found = example_of(parameter["schema"], schemas)
    return _PARAMETERS.get(parameter["name"], found) if found == MISSING else found


def example_of(shape: Shape, schemas: Shape) -> Any:
    """Return an example of a schema: its own, or else one built of its parts."""
    if "$ref" in shape and "examples" not in shape:
        return example_of(schemas[shape["$ref"].rpartition("/")[2]], schemas)
    given = [*shape.get("examples", ()), *([shape["const"]] if "const" in shape else ())]
    if not given and shape.get("default") is not None:
        given = [shape["default"]]
    if given := given or shape.get("enum", []):
        return given[0]
    if choices := shape.get("anyOf") or shape.get("allOf"):
        return example_of(choices[0], schemas)
    return _built(shape, schemas)


def _built(shape: Shape, schemas: Shape) -> Any:
    kind = shape.get("type", "string")
    if kind == "object":
        return {name: example_of(field, schemas) for name, field in _shown(shape, schemas)}
    if kind == "array":
        return [example_of(shape["items"], schemas)]
    if kind == "string":
        return _BY_FORMAT.get(shape.get("format", ""), MISSING)
    return _BY_TYPE[kind]


def _shown(shape: Shape, schemas: Shape) -> list[tuple[str, Shape]]:
    """Return the fields that the example has. An optional one that may be null is only in some answers."""
    required = shape.get("required", ())
    fields = shape.get("properties", {}).items()
    null = {"type": "null"}
    return [(name, field) for name, field in fields if name in required or null not in field.get("anyOf", ())]
