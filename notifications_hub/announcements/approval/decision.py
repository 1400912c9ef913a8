"""Approve an announcement or send it back. Of two people who decide at once, the first one does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum, auto
from hashlib import sha256
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from notifications_hub.announcements import audit
from notifications_hub.announcements.announce import announce_if_due
from notifications_hub.announcements.approval.approvers import tell, writers
from notifications_hub.announcements.models import Announcement
from notifications_hub.database import transaction
from notifications_hub.users import Person

_NOT_CONTENT = frozenset(
    {"awaits_approval", "approved_by", "approved_at", "announced_at", "withdrawn_at", "seq", "created", "submission"}
)


class Outcome(Enum):
    """The result of a decision."""

    DONE = auto()
    OWN = auto()
    """The person wrote it or edited it last, so somebody else decides."""
    CHANGED = auto()
    """It has changed since the person looked at it."""
    DECIDED = auto()
    """Somebody else has decided meanwhile, or its author has taken it back."""
    OVER = auto()
    """Its end has passed, or it was withdrawn."""
    INVALID = auto()
    """A correction does not fit any more, for example because its end has passed."""


def version_of(announcement: Announcement) -> str:
    """Return a digest of everything that people see of it. An approval counts for the version that was looked at."""
    fields = [field for field in announcement._meta.concrete_fields if field.name not in _NOT_CONTENT]
    content = {field.name: field.value_from_object(announcement) for field in fields}
    return digest(content, _translations(announcement))


def digest(*content: Mapping[str, Any]) -> str:
    text = json.dumps(content, cls=DjangoJSONEncoder, sort_keys=True, default=str)
    return sha256(text.encode(errors="replace")).hexdigest()[:32]


def is_own(announcement: Announcement, person: Person) -> bool:
    """Return whether the person wrote it or edited it last."""
    return person.pk in (announcement.by_id, announcement.last_editor_id)


def approve(announcement: Announcement, *, by: Person, version: str) -> Outcome:
    """Approve the version that the person looked at. It is announced at once if its start has come."""
    with transaction.atomic():
        current = lock(announcement)
        refusal = _refusal(current)
        if refusal is None and is_own(current, by):
            refusal = Outcome.OWN
        if refusal is None and version_of(current) != version:
            refusal = Outcome.CHANGED
        if refusal is not None:
            return refusal
        current.awaits_approval, current.approved_by, current.approved_at = False, by, timezone.now()
        current.save(update_fields=["awaits_approval", "approved_by", "approved_at"])
        audit.record(current, audit.Step.APPROVED, by=by)
        announce_if_due(current, by=by)
        tell(writers(current, without=by), current, audit.Step.APPROVED, by=by)
    return Outcome.DONE


def send_back(announcement: Announcement, *, by: Person, reason: str) -> Outcome:
    """Make it a draft again, and tell its author and its last editor why."""
    with transaction.atomic():
        current = lock(announcement)
        refusal = _refusal(current)
        if refusal is not None:
            return refusal
        current.awaits_approval, current.is_draft = False, True
        current.save(update_fields=["awaits_approval", "is_draft"])
        audit.record(current, audit.Step.SENT_BACK, by=by, reason=reason)
        tell(writers(current, without=by), current, audit.Step.SENT_BACK, by=by, why=reason)
    return Outcome.DONE


def lock(announcement: Announcement) -> Announcement:
    return Announcement.objects.select_for_update(of=("self",)).get(pk=announcement.pk)


def _refusal(current: Announcement) -> Outcome | None:
    if current.is_over:
        return Outcome.OVER
    return None if current.awaits_approval and not current.is_draft else Outcome.DECIDED


def _translations(announcement: Announcement) -> dict[str, list[str]]:
    return {row.language: [row.title, row.body] for row in announcement.translations.all()}
