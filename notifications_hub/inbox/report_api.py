"""The route of the API that tells how a person was notified, as the page "How we notified you" does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router, Schema
from pydantic import Field

from notifications_hub.inbox import queries
from notifications_hub.inbox.delivery_report import DeliveryReport
from notifications_hub.inbox.schemas import Problem
from notifications_hub.inbox.visitor import person_of

router = Router(tags=["inbox"])


class ReportStep(Schema):
    at: datetime = Field(description="When it happened, or is due.")
    text: str = Field(description="What happened, in words.", examples=["You saw it on an open page."])


class ReportShown(Schema):
    steps: list[ReportStep] = Field(description="The oldest first.")
    not_pushed: str = Field(
        description="Why no push was planned; empty if one was, or if the reason is unknown.", examples=[""]
    )
    under_way: bool = Field(description="Whether something is still to be sent.", examples=[False])


@router.get(
    "{item_id}/why/",
    response={200: ReportShown, (401, 404, 429): Problem},
    url_name="why",
    summary="Get how a notification was delivered",
)
def get_delivery_report(request: HttpRequest, item_id: str) -> dict[str, Any]:
    """Return how the person was notified, or why not, in their language."""
    row = queries.find(person_of(request), item_id)
    if row is None:
        raise Http404
    report = DeliveryReport.of(row)
    return {
        "steps": [{"at": step.at, "text": step.words} for step in report.steps],
        "not_pushed": report.not_pushed,
        "under_way": report.under_way,
    }
