"""The claim of an action: one person at a time may run an action of a key, and nobody once one is done.

A claim is a row in a short transaction of its own. If its process is killed, the claim ends by itself, and the action
can be tried again. On PostgreSQL the row stays locked while the action runs, so a slow one is not begun twice. On
SQLite the second of two could not record its result, and is rolled back.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError

from notifications_hub.actions.models import ActionResult
from notifications_hub.database import transaction
from notifications_hub.system_actors import MAX_NAME
from notifications_hub.users import Person
from notifications_hub.web.text import storable

LEASE = timedelta(seconds=60)


class LostClaim(Exception):
    """Raised if somebody else has claimed the action meanwhile, because this run took too long."""


@dataclass(frozen=True, slots=True)
class Claim:
    pk: int
    token: uuid.UUID


def claim(key: str, kind: str, action: str, person: Person, word: str) -> Claim | None:
    """Claim the key for this action, or return None if it is claimed or done."""
    name = storable(str(person), MAX_NAME)
    values = {"kind": kind, "action": action, "person_id": person.pk, "person_name": name, "word": word}
    now, token = datetime.now(UTC), uuid.uuid4()
    values |= {"claim": token, "claimed_until": now + LEASE}
    with transaction.atomic():
        pk = _insert(key, values)
        return None if pk is None and (pk := _take_over(key, now, values)) is None else Claim(pk, token)


def _insert(key: str, values: dict[str, Any]) -> int | None:
    try:
        with transaction.atomic():
            return ActionResult.objects.create(key=key, **values).pk
    except IntegrityError:
        return None


def _take_over(key: str, now: datetime, values: dict[str, Any]) -> int | None:
    """Take a claim that has ended. One that is locked is still running, however long ago it began."""
    ended = ActionResult.objects.filter(key=key, at=None, claimed_until__lte=now)
    pk: int | None = ended.select_for_update(skip_locked=True).values_list("pk", flat=True).first()
    return pk if pk is not None and ended.filter(pk=pk).update(**values) else None


def hold(held: Claim) -> None:
    """Lock the claim until the end of the transaction, where the database can. Raise `LostClaim`."""
    if _rows(held).select_for_update().first() is None:
        raise LostClaim


def settle(held: Claim, text: str) -> ActionResult:
    """Record the result in the transaction of the action. Raise `LostClaim`."""
    if not _rows(held).update(text=text, at=datetime.now(UTC)):
        raise LostClaim
    return ActionResult.objects.get(pk=held.pk)


def give_back(held: Claim) -> None:
    """End the claim of an action that failed, so that anybody can try again at once."""
    _rows(held).update(claimed_until=datetime.now(UTC))


def _rows(held: Claim) -> Any:
    return ActionResult.objects.filter(pk=held.pk, claim=held.token, at=None)
