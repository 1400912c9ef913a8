"""Put announcements that need it before a second person."""

from __future__ import annotations

from notifications_hub.announcements import audit
from notifications_hub.announcements.approval.approvers import approvers, tell
from notifications_hub.announcements.approval.rule import needs_approval
from notifications_hub.announcements.models import Announcement
from notifications_hub.users import Person


def submit(announcement: Announcement, *, by: Person | None, is_changed: bool = True) -> None:
    """Let a stored announcement wait for approval if it needs one, in the caller's transaction.

    An approval holds until its words, people or times change, or it becomes a draft. A draft waits for nothing.
    """
    is_settled = announcement.approved_at and not is_changed and not announcement.is_draft
    if announcement.announced_at or is_settled:
        return
    was_waiting = announcement.awaits_approval
    awaits = not announcement.is_draft and needs_approval(announcement)
    if awaits != was_waiting or announcement.approved_at:
        _decide(announcement, awaits=awaits)
    if awaits and (is_changed or not was_waiting):
        _ask(announcement, by)


def admit(announcement: Announcement) -> bool:
    """Return whether an announcement that is due may go out. If not, it waits for approval from now on.

    Its audience may have grown since it was planned, and the setting may have changed.
    """
    if announcement.approved_at or not needs_approval(announcement):
        return True
    _decide(announcement, awaits=True)
    _ask(announcement, announcement.last_editor or announcement.by)
    return False


def _decide(announcement: Announcement, *, awaits: bool) -> None:
    announcement.awaits_approval = awaits
    announcement.approved_by, announcement.approved_at = None, None
    announcement.save(update_fields=["awaits_approval", "approved_by", "approved_at"])


def _ask(announcement: Announcement, by: Person | None) -> None:
    audit.record(announcement, audit.Step.SUBMITTED, by=by)
    wrote = [announcement.by_id, announcement.last_editor_id]
    tell(approvers([pk for pk in wrote if pk is not None]), announcement, audit.Step.SUBMITTED, by=by)
