"""The routes for services that notify people. They take a service token, and no session."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_variables
from ninja import Header, Router, Schema
from ninja.errors import AuthenticationError, HttpError
from ninja.responses import Status
from ninja.security import HttpBearer
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, JsonValue, StringConstraints

from notifications_hub.conf import hub_settings
from notifications_hub.inbox.responses import too_many
from notifications_hub.inbox.schemas import Problem
from notifications_hub.ingest.models import LONGEST_KEY, ServiceToken
from notifications_hub.ingest.sending import (
    MOST,
    CannotIngest,
    KeyUsedOtherwise,
    OutOfScope,
    Results,
    Wanted,
    once,
    send_all,
)
from notifications_hub.ingest.tokens import check_token
from notifications_hub.web.throttle import check_rate


class ServiceAuth(HttpBearer):
    """A service token in `Authorization: Bearer`. Cookies are ignored, so no CSRF token is needed."""

    @sensitive_variables()
    def __call__(self, request: HttpRequest) -> Any:
        # Not the base's, whose variables an error report would show.
        scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
        found = self.authenticate(request, text) if scheme.lower() == self.openapi_scheme else None
        if found is None:
            raise AuthenticationError(message="Send a valid service token as `Authorization: Bearer`.")
        return found

    @sensitive_variables()
    def authenticate(self, request: HttpRequest, token: str) -> ServiceToken | None:
        return check_token(token)


router = Router(tags=["services"], auth=ServiceAuth())

_EXAMPLE: dict[str, JsonValue] = {
    "recipients": ["bob", "alice"],
    "kind": "invoice.paid",
    "verb": "was paid",
    "url": "/invoices/12/",
    "dedupe_key": "invoice-12",
    "data": {"number": 12},
}


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment is out of range in UTC") from None


Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_KEY)]


class NotificationWanted(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    recipients: list[Name] = Field(min_length=1, max_length=MOST, description="User names or primary keys.")
    verb: str = Field(max_length=255)
    kind: str = Field("default", description="A kind that the token may send.")
    actor: str = Field("", max_length=255, description="The name of who did it; empty: the name of the token.")
    description: str | None = None
    url: str = Field("", description="A path of this site.")
    level: Literal["success", "info", "warning", "error"] = "info"
    dedupe_key: str | None = Field(None, max_length=200, description="A person gets one notification with this key.")
    group_key: str | None = Field(
        None, max_length=200, description="Unread ones of the kind with this key are shown as one."
    )
    timestamp: Moment | None = Field(None, description="When it happened; left out: now.")
    data: dict[str, JsonValue] = Field({}, description="The sender's own data, which the kind's words may use.")


class BatchWanted(Schema):
    model_config = ConfigDict(extra="forbid")

    notifications: list[NotificationWanted] = Field(min_length=1, max_length=MOST)


class Sent(Schema):
    ids: list[str] = Field(description="The notifications made. A repeated `dedupe_key` makes none.", examples=[["12"]])
    unknown: list[str] = Field(
        description="Names that stand for nobody whom the token may notify.", examples=[["carol"]]
    )
    inactive: list[str] = Field(description="Names of deactivated people, who are not notified.", examples=[[]])


class BatchSent(Schema):
    results: list[Sent] = Field(description="In the order of the batch.")


_PROBLEMS = {(400, 401, 403, 409, 429): Problem}
IdempotencyKey = Annotated[Key | None, Header(alias="Idempotency-Key")]


@router.post("", response={201: Sent, **_PROBLEMS}, url_name="notify", summary="Notify people")
def notify_people(
    request: HttpRequest, wanted: NotificationWanted, idempotency_key: IdempotencyKey = None
) -> Status[dict[str, Any]] | HttpResponse:
    """Notify people as `notify.send()` does. With an `Idempotency-Key`, a repeated request sends nothing again."""
    return _answer(request, idempotency_key, [wanted], lambda results: results[0])


@router.post(
    "batch/", response={201: BatchSent, **_PROBLEMS}, url_name="notify_batch", summary="Send many notifications"
)
def notify_batch(
    request: HttpRequest, wanted: BatchWanted, idempotency_key: IdempotencyKey = None
) -> Status[dict[str, Any]] | HttpResponse:
    """Send up to 1,000 notifications in one transaction: all of them, or none if one is invalid."""
    return _answer(request, idempotency_key, wanted.notifications, lambda results: {"results": results})


def _answer(
    request: HttpRequest,
    key: str | None,
    wanted: Sequence[NotificationWanted],
    shape: Callable[[list[dict[str, Any]]], dict[str, Any]],
) -> Status[dict[str, Any]] | HttpResponse:
    token: ServiceToken = request.auth  # type: ignore[attr-defined]
    if seconds := check_rate(f"service:{token.pk}", hub_settings.service_rate):
        return too_many(seconds)
    asked = [Wanted(**one.dict()) for one in wanted]

    def send() -> Results:
        return send_all(token, asked)

    try:
        results = once(token, key, _fingerprint(request, wanted), send) if key else send()
        return Status(201, shape([_with_names(one, result) for one, result in zip(asked, results, strict=True)]))
    except KeyUsedOtherwise as error:
        raise HttpError(409, str(error)) from None
    except OutOfScope as error:
        raise HttpError(403, str(error)) from None
    except CannotIngest as error:
        raise HttpError(400, str(error)) from None


def _with_names(one: Wanted, result: Mapping[str, Any]) -> dict[str, Any]:
    named = {state: [one.recipients[place] for place in result[state]] for state in ("unknown", "inactive")}
    return {"ids": result["ids"], **named}


def _fingerprint(request: HttpRequest, wanted: Sequence[NotificationWanted]) -> str:
    """Return a hash of what the request asks for, whatever the spacing and order of its JSON."""
    asked = [one.model_dump(mode="json") for one in wanted]
    return sha256(json.dumps([request.path, asked], sort_keys=True).encode()).hexdigest()
