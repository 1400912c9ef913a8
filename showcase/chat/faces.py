"""People and messages as pages get them, by events and as history alike."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from accounts.people import hue_of
from notifications_hub import timestamp
from showcase.chat.mentions import names_in
from showcase.chat.models import Message


def face_of(person: User) -> dict[str, Any]:
    """`hue` is the colour of the disc with their initial."""
    return {"person": person.pk, "name": str(person), "hue": hue_of(person)}


def as_json(message: Message) -> dict[str, Any]:
    return {
        "id": message.pk,
        **face_of(message.author),
        "body": message.body,
        "mentions": sorted(names_in(message.body)),
        "at": timestamp(message.created),
        "client_id": message.client_id,
    }
