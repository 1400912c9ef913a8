"""Save the admin's form: as a draft, an announcement, an edit, or a correction that waits for approval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from notifications_hub.announcements import announce, audit
from notifications_hub.announcements.approval import corrections
from notifications_hub.announcements.approval.submission import submit
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.conf import hub_settings
from notifications_hub.kinds import Urgency
from notifications_hub.users import Person


class NoDraftAnyMore(Exception):
    """Raised when a form of a draft arrives after the draft was announced or sent for approval."""

    def __init__(self, announcement: Announcement) -> None:
        super().__init__(announcement)
        self.announcement = announcement


def finish(
    announcement: Announcement, changes: Mapping[str, Any], *, by: Person, is_new: bool, was_draft: bool
) -> None:
    """Record, submit and announce what was saved, in the transaction that saves."""
    is_changed = is_new or bool(changes)
    is_moved = not is_new and was_draft != announcement.is_draft
    moved = {"is_draft": [was_draft, announcement.is_draft]} if is_moved else {}
    if is_new:
        audit.record(announcement, audit.Step.WRITTEN, by=by)
    elif changes:
        Announcement.objects.filter(pk=announcement.pk).update(last_editor=by)
        announcement.last_editor_id = by.pk
        audit.record(announcement, audit.Step.EDITED, by=by, changes={**changes, **moved})
        corrections.drop(announcement)
        announce.publish_edit(announcement)
    submit(announcement, by=by, is_changed=is_changed)
    announce.announce_if_due(announcement, by=by)
    # Whoever sends a draft is in another step, unless it is only planned now.
    if moved and not changes and announcement.state in (AnnouncementState.DRAFT, AnnouncementState.PLANNED):
        audit.record(announcement, audit.Step.EDITED, by=by, changes=moved)


def propose(form: Any, formsets: Iterable[Any], *, by: Person) -> None:
    """Keep the form's edit of a running announcement for a second person."""
    columns = {name: form.cleaned_data[name] for name in changed_columns(form)}
    words = {
        one.cleaned_data["language"]: {name: one.cleaned_data[name] for name in ("title", "body")}
        for formset in formsets
        for one in formset.forms
        if one.cleaned_data and one not in formset.deleted_forms
    }
    corrections.propose(form.instance, columns, words, by=by)


def changes_of(form: Any, formsets: Iterable[Any]) -> dict[str, list[Any]]:
    """Return the old and new value of each changed column, and of the words in each language."""
    columns = {name: [form.initial.get(name), form.cleaned_data.get(name)] for name in changed_columns(form)}
    if form.audience_before != form.instance.audience:
        # Also a list of people that has changed: each list is an audience of its own.
        columns["audience"] = [form.audience_before, form.instance.audience]
    return {**columns, **dict(_changed_words(formsets))}


def changed_columns(form: Any) -> list[str]:
    columns = {field.name for field in Announcement._meta.concrete_fields}
    return [name for name in form.changed_data if name in columns]


def _changed_words(formsets: Iterable[Any]) -> Iterator[tuple[str, list[Any]]]:
    for formset in formsets:
        for one in formset.forms:
            if one.cleaned_data and (one.has_changed() or one in formset.deleted_forms):
                language = one.cleaned_data["language"]
                for name in ("title", "body"):
                    new = "" if one in formset.deleted_forms else one.cleaned_data.get(name)
                    yield f"{name} ({language})", [one.initial.get(name, ""), new]


def words_for(announcement: Announcement) -> str:
    """Return what the admin says after saving one that is not announced."""
    words = {
        AnnouncementState.DRAFT: _("“%(title)s” is saved as a draft. Nobody has got it yet."),
        AnnouncementState.AWAITING: _("“%(title)s” waits for a second person, who was asked to approve it."),
    }
    planned = _("“%(title)s” is planned and will be announced at its start time.")
    return words.get(announcement.state, planned) % {"title": announcement}


def words_of_critical(announcement: Announcement) -> str:
    """Return what the urgency does, to say after the announcement was saved; empty if it is not critical."""
    if announcement.urgency != Urgency.CRITICAL or announcement.is_draft:
        return ""
    return " " + _(
        "It is critical: it reaches people by each of its methods, whatever they prefer, also in their quiet hours."
    )


def notes_for(announcement: Announcement | None) -> dict[str, Any]:
    """Return what the form's page says of approval: the rule, an open correction, and why a draft came back."""
    sent_back = None
    if announcement is not None and announcement.is_draft:
        steps = audit.steps_of(announcement).filter(step__in=(audit.Step.SENT_BACK, audit.Step.SUBMITTED))
        newest = steps.first()
        sent_back = newest if newest is not None and newest.step == audit.Step.SENT_BACK else None
    return {
        "approval_above": hub_settings.announcement_approval_above,
        "sent_back": sent_back,
        "correction": corrections.correction_of(announcement) if announcement is not None else None,
        "waits_for_approval": announcement is not None and announcement.state == AnnouncementState.AWAITING,
        "edit_needs_approval": announcement is not None and corrections.needs_correction(announcement),
    }
