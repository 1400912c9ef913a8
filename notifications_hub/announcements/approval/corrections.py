"""Corrections of running announcements: proposed by one person, approved by another, and then on every open page."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field
from django.utils import timezone
from django.utils.translation import get_language_info

from notifications_hub.announcements import audit
from notifications_hub.announcements.announce import publish_edit
from notifications_hub.announcements.approval.approvers import approvers, tell
from notifications_hub.announcements.approval.decision import Outcome, digest, lock, version_of
from notifications_hub.announcements.approval.models import Correction
from notifications_hub.announcements.approval.rule import needs_approval
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.users import Person

Words = Mapping[str, Mapping[str, str]]
"""Title and body by language."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a correction: a column or language, its label, the present value, and the proposed one."""

    name: str
    label: str
    old: str
    new: str


def needs_correction(edited: Announcement) -> bool:
    """Return whether an edit of a running announcement waits for a second person: as one of it would when new."""
    if hub_settings.announcement_approval_above is None or edited.announced_at is None:
        return False
    if edited.approved_at is not None:
        return True
    try:
        # With a savepoint, a query of the host's that fails does not fail the caller's transaction.
        with transaction.atomic():
            return needs_approval(edited)
    except Exception:  # noqa: BLE001 -- a host's audience may raise anything; it may then be large
        return True


def propose(announcement: Announcement, columns: Mapping[str, Any], translations: Words, *, by: Person) -> None:
    """Keep an edit until a second person approves it, in the caller's transaction. It replaces an earlier proposal."""
    drop(announcement)
    # A form has the new values on its instance.
    current = Announcement.objects.get(pk=announcement.pk)
    Correction.objects.create(announcement=current, by=by, columns=dict(columns), translations=dict(translations))
    if (correction := correction_of(current)) is not None:
        audit.record(current, audit.Step.CORRECTION_PROPOSED, by=by, changes=_recorded(current, correction))
        tell(approvers([by.pk]), current, audit.Step.CORRECTION_PROPOSED, by=by)


def drop(announcement: Announcement) -> None:
    """Forget a proposal, because an edit that needs no approval replaces it."""
    Correction.objects.filter(announcement=announcement).delete()


def correction_of(announcement: Announcement) -> Correction | None:
    return Correction.objects.filter(announcement=announcement).select_related("by").first()


def corrected(announcement: Announcement, correction: Correction) -> Announcement:
    """Return the announcement as the correction would make it. The translations stay with the correction."""
    edited = copy.copy(announcement)
    for field in _fields(correction):
        setattr(edited, field.attname, field.to_python(correction.columns[field.name]))
    return edited


def changes_of(announcement: Announcement, correction: Correction) -> list[Change]:
    """Return the values that the correction changes."""
    return list(_changes(announcement, correction))


def correction_version(announcement: Announcement, correction: Correction) -> str:
    """Return a digest of the announcement and the correction, for an approval of what was looked at."""
    proposal = {"pk": correction.pk, "columns": correction.columns, "translations": correction.translations}
    return digest({"announcement": version_of(announcement)}, proposal)


def approve_correction(announcement: Announcement, *, by: Person, version: str) -> Outcome:
    """Apply the correction that the person looked at, on open pages too."""
    with transaction.atomic():
        current = lock(announcement)
        correction = correction_of(current)
        refusal = _refusal(current, correction)
        if refusal is not None or correction is None:
            return refusal or Outcome.DECIDED
        if correction.by_id == by.pk:
            return Outcome.OWN
        if correction_version(current, correction) != version:
            return Outcome.CHANGED
        edited = corrected(current, correction)
        try:
            edited.full_clean()
        except ValidationError:
            return Outcome.INVALID
        if edited.is_over:
            return Outcome.INVALID
        _apply(edited, current, correction, by)
    return Outcome.DONE


def refuse_correction(announcement: Announcement, *, by: Person, reason: str) -> Outcome:
    """Drop the correction, and tell the person who proposed it why."""
    with transaction.atomic():
        current = lock(announcement)
        correction = correction_of(current)
        if correction is None:
            return Outcome.DECIDED
        correction.delete()
        audit.record(current, audit.Step.CORRECTION_REFUSED, by=by, reason=reason)
        if correction.by is not None and correction.by_id != by.pk:
            tell([correction.by], current, audit.Step.CORRECTION_REFUSED, by=by, why=reason)
    return Outcome.DONE


def _refusal(current: Announcement, correction: Correction | None) -> Outcome | None:
    if current.is_over:
        return Outcome.OVER
    return Outcome.DECIDED if correction is None else None


def _apply(edited: Announcement, current: Announcement, correction: Correction, by: Person) -> None:
    changes = _recorded(current, correction)
    edited.last_editor, edited.approved_by, edited.approved_at = correction.by, by, timezone.now()
    edited.save()
    rows = edited.translations.all()
    rows.exclude(language__in=correction.translations).delete()
    for language, words in correction.translations.items():
        AnnouncementTranslation.objects.update_or_create(words, announcement=edited, language=language)
    proposed_by = correction.by
    correction.delete()
    name = proposed_by.get_username() if proposed_by else ""
    audit.record(edited, audit.Step.EDITED, by=by, proposed_by=name, changes=changes)
    publish_edit(edited)
    if proposed_by is not None:
        tell([proposed_by], edited, audit.Step.EDITED, by=by)


def _changes(announcement: Announcement, correction: Correction) -> Iterator[Change]:
    edited = corrected(announcement, correction)
    for field in _fields(correction):
        old, new = (field.value_from_object(one) for one in (announcement, edited))
        if old != new:
            yield Change(field.name, str(field.verbose_name), _in_words(announcement, field), _in_words(edited, field))
    now = {row.language: f"{row.title}\n{row.body}".strip() for row in announcement.translations.all()}
    then = {code: f"{words['title']}\n{words['body']}".strip() for code, words in correction.translations.items()}
    for language in sorted(now.keys() | then.keys()):
        if now.get(language) != then.get(language):
            yield Change(language, _language_name(language), now.get(language, ""), then.get(language, ""))


def _language_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_local"])
    except KeyError:  # a language of the site's own
        return code


def _recorded(announcement: Announcement, correction: Correction) -> dict[str, list[str]]:
    return {change.name: [change.old, change.new] for change in _changes(announcement, correction)}


def _fields(correction: Correction) -> list[Field[Any, Any]]:
    return [field for field in Announcement._meta.concrete_fields if field.name in correction.columns]


def _in_words(announcement: Announcement, field: Field[Any, Any]) -> str:
    shown = getattr(announcement, f"get_{field.name}_display", None)
    return str(shown() if shown else field.value_from_object(announcement))
