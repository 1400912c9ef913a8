"""Connection tokens over HTTP, for a client that signs in with a session and then connects without its cookie."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError
from ninja.responses import Status
from pydantic import ConfigDict, Field

from notifications_hub.inbox.schemas import Problem
from notifications_hub.inbox.visitor import person_of
from notifications_hub.live.connection_token import DEFAULT_SECONDS, connection_token
from notifications_hub.live.revocation import LONGEST_TOKEN, revoke
from notifications_hub.live.topics import INBOX, MAX_TOPICS

router = Router(tags=["connection tokens"])


class TokenWanted(Schema):
    model_config = ConfigDict(extra="forbid")

    topics: list[str] = Field([INBOX], min_length=1, max_length=MAX_TOPICS, description="The token opens no others.")
    seconds: float = Field(DEFAULT_SECONDS, gt=0, le=LONGEST_TOKEN, description="At most as long as the session lasts.")


class TokenIssued(Schema):
    token: str = Field(
        description="Secret. Send it as `Authorization: Bearer`.", examples=["hub_WzcsInRhIl0:1tOaRk:Ub8"]
    )
    id: str = Field(description="Revokes the token.", examples=["9f1c2ab34d5e6f70"])
    topics: list[str] = Field(examples=[["inbox"]])
    expires: datetime


@router.post(
    "",
    response={201: TokenIssued, (400, 401, 403, 429): Problem},
    url_name="connection_tokens",
    summary="Issue a connection token",
)
def issue_connection_token(request: HttpRequest, wanted: TokenWanted) -> Status[dict[str, Any]]:
    """Issue a token for this person and these topics. It ends with this session, and with a changed password."""
    try:
        token = connection_token(person_of(request), wanted.topics, seconds=wanted.seconds, session=request.session)
    except ValueError as error:
        raise HttpError(400, str(error)) from None
    return Status(201, {"token": token.text, "id": token.id, "topics": token.topics, "expires": token.expires})


@router.delete(
    "{token_id}/",
    response={204: None, (401, 403, 429): Problem},
    url_name="connection_token",
    summary="Revoke a connection token",
)
def revoke_connection_token(request: HttpRequest, token_id: str) -> Status[None]:
    """End the token's connections within two seconds, for good. Another person's token stays valid."""
    revoke(person_of(request), token=token_id)
    return Status(204, None)
