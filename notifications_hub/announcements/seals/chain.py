"""The chain of seals. A chore appends to it what was committed, so that no announcement waits for another.

Each seal's digest covers the one before. Whoever changes, removes or moves a step has to make all later digests anew,
and cannot sign the last one without the site's secret key. What was cut off at the end is missed only by those who kept
the newest seal elsewhere, so each turn logs it.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC
from hashlib import sha256

from django.db.models import QuerySet

from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.seals.models import StepSeal, look, sign
from notifications_hub.database import transaction
from notifications_hub.streams.sweeper import every_second

BATCH = 250
"""The most seals of one transaction."""
ERASABLE = "proposed_by"
"""The name among the details of a step that an erasure empties, as it does `person_name`."""

log = logging.getLogger(__name__)


@every_second
def seal_in_turn() -> None:
    """Seal what this process has recorded, and now and then what others have. Between these it asks nothing."""
    if look.is_due():
        seal_steps()


def seal_steps() -> None:
    """Seal the steps that were committed."""
    if not _waiting().exists():
        return
    while (sealed := _seal_some()) == BATCH:
        pass
    if sealed and (newest := newest_seal()) is not None:
        log.info("The audit trail of announcements is sealed up to %s:%s", newest.number, newest.digest)


def newest_seal() -> StepSeal | None:
    return StepSeal.objects.filter(number__isnull=False).order_by("-number").first()


def digest_of(previous: str, number: int, step: AnnouncementStep | None, names: str) -> str:
    """Return the digest of a step at a place of the chain. A step that is gone has none of its own."""
    return _sha256(previous, str(number), "" if step is None else _content_of(step), names)


def names_of(step: AnnouncementStep) -> str:
    """Return a digest in two halves, of the two names that an erasure may empty."""
    names = (step.person_name, str(step.details.get(ERASABLE, "")))
    return "".join(_sha256(str(step.pk), name)[:32] for name in names)


def _waiting() -> QuerySet[StepSeal]:
    return StepSeal.objects.filter(number=None)


def _seal_some() -> int:
    with transaction.atomic():
        # In this order each process locks the first one that waits, so one at a time seals.
        waiting = list(_waiting().order_by("pk").select_for_update(no_key=True)[:BATCH])
        steps = AnnouncementStep.objects.in_bulk([seal.step_key for seal in waiting])
        newest = newest_seal()
        number, digest = (newest.number or 0, newest.digest) if newest else (0, "")
        for seal in waiting:
            # A step that SQL added gets the seal of none, which does not match it.
            step, number = steps.get(seal.step_key) if seal.is_of_the_hub else None, number + 1
            seal.number, seal.names = number, "" if step is None else names_of(step)
            seal.digest = digest = digest_of(digest, number, step, seal.names)
            seal.signature = sign(digest)
            seal.save(update_fields=["number", "names", "digest", "signature"])
    return len(waiting)


def _content_of(step: AnnouncementStep) -> str:
    """Return everything of a step that stays for ever, as text that is the same on every database."""
    details = {name: value for name, value in step.details.items() if name != ERASABLE}
    words = [step.pk, step.announcement_key, step.title, step.step, step.source, step.person_key]
    return json.dumps([*words, step.at.astimezone(UTC).isoformat(), details], sort_keys=True)


def _sha256(*parts: str) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()
