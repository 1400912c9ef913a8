"""The route that runs an action of a notification."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router, Schema
from ninja.responses import Status
from pydantic import ConfigDict, Field

from notifications_hub.actions.running import ActionProblem, AlreadyDone, run_action
from notifications_hub.actions.statuses import status_of
from notifications_hub.inbox import queries
from notifications_hub.inbox.schemas import ActionOutcome, Problem
from notifications_hub.inbox.visitor import person_of

router = Router(tags=["inbox"])


class Word(Schema):
    model_config = ConfigDict(extra="forbid")

    word: str = Field("", max_length=100_000, description="Only for an action that `asks`.", examples=["Too late."])


class Ran(Schema):
    result: ActionOutcome


class Taken(Problem):
    result: ActionOutcome | None = Field(description="Who did what; null while somebody's click is running.")


@router.post(
    "{item_id}/actions/{name}/",
    response={200: Ran, 409: Taken, (400, 401, 403, 404, 422, 429, 500): Problem},
    url_name="act",
    summary="Run an action",
)
def run_notification_action(request: HttpRequest, item_id: str, name: str, given: Word) -> Status[dict[str, Any]]:
    """Run an action of the notification. It runs once, also for everyone else who has a notification of the same thing.

    403: the person may not do it. 422: the word is missing or too long. 500: it failed, nothing changed, try again.
    """
    person = person_of(request)
    row = queries.find(person, item_id)
    if row is None:
        raise Http404
    try:
        outcome = run_action(row, name, person, given.word)
    except ActionProblem as problem:
        return Status(status_of(problem), _as_json(problem))
    return Status(200, {"result": outcome.as_json()})


def _as_json(problem: ActionProblem) -> dict[str, Any]:
    if isinstance(problem, AlreadyDone):
        return {"detail": str(problem), "result": problem.outcome.as_json()}
    return {"detail": str(problem), **({"result": None} if status_of(problem) == 409 else {})}
