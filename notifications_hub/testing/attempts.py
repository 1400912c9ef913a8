"""Calls of `notify.send()` and `broadcast()`, noted to explain why somebody was not notified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_save

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.database import transaction
from notifications_hub.notification import Notification
from notifications_hub.notify import attempted
from notifications_hub.notify_arguments import Draft
from notifications_hub.publishing import published_ephemerally
from notifications_hub.testing.captured_rows import CapturedEvent


class Attempt:
    """Work in a transaction that may still be rolled back."""

    def __init__(self) -> None:
        self._database: BaseDatabaseWrapper = transaction.get_connection()
        self._has_committed = False
        transaction.on_commit(self._commit)

    def _commit(self) -> None:
        self._has_committed = True

    @property
    def is_rolled_back(self) -> bool:
        """Return whether a transaction or a savepoint around it was rolled back."""
        # Django drops the callbacks of a savepoint that rolls back, and keeps the others until the commit.
        is_waiting = any(entry[1] == self._commit for entry in self._database.run_on_commit)
        return not self._has_committed and not is_waiting


class NotifyAttempt(Attempt):
    """A call of `notify.send()`: the active people it was for, and the rows that it made."""

    def __init__(self, draft: Draft, people: Sequence[Any], made: Sequence[Notification]) -> None:
        super().__init__()
        self.draft = draft
        self.people = people
        self.made = {row.recipient_id: row.pk for row in made}

    def reason_for(self, person: Any) -> str:
        """Return why this person has no notification of this call, or an empty text if the call has no such person."""
        if all(person.pk != one.pk for one in self.people):
            return ""
        if person.pk not in self.made:
            return self._left_out(person)
        if self.is_rolled_back:
            return "its transaction was rolled back"
        is_stored = Notification.objects.filter(pk=self.made[person.pk]).exists()
        return "" if is_stored else "the notification was deleted"

    def _left_out(self, person: Any) -> str:
        key, most = self.draft.dedupe_key, self.draft.kind.per_minute
        if key is not None and Notification.objects.filter(recipient=person, dedupe_key=key).exists():
            return f"{person} already had one with dedupe_key={key!r}"
        if most is not None:
            return f"the kind allows {most} a minute from one actor to one person"
        return "its transaction was rolled back"


class AnnouncementAttempt(Attempt):
    """A call of `broadcast()`, or another new announcement."""

    def __init__(self, announcement: Announcement) -> None:
        super().__init__()
        self.announcement = announcement

    def reason(self) -> str:
        """Return why no inbox shows it, or an empty text if inboxes do."""
        if self.is_rolled_back:
            return "was rolled back"
        stored = Announcement.objects.filter(pk=self.announcement.pk).first()
        if stored is None:
            return "was deleted"
        return "" if stored.state is AnnouncementState.RUNNING else f"is {stored.state.value}, so no inbox shows it"


@dataclass(slots=True)
class AttemptLog:
    """The attempts since the last `clear`, in all threads of this process, and the events that are not logged."""

    notifications: list[NotifyAttempt] = field(default_factory=list)
    announcements: list[AnnouncementAttempt] = field(default_factory=list)
    ephemeral: list[CapturedEvent] = field(default_factory=list)

    def start(self) -> None:
        attempted.connect(self._notified, weak=False, dispatch_uid=id(self))
        post_save.connect(self._announced, sender=Announcement, weak=False, dispatch_uid=id(self))
        published_ephemerally.connect(self._published, weak=False, dispatch_uid=id(self))

    def stop(self) -> None:
        attempted.disconnect(dispatch_uid=id(self))
        post_save.disconnect(sender=Announcement, dispatch_uid=id(self))
        published_ephemerally.disconnect(dispatch_uid=id(self))

    def clear(self) -> None:
        for noted in (self.notifications, self.announcements, self.ephemeral):
            noted.clear()

    def _notified(self, draft: Draft, people: Sequence[Any], made: Sequence[Notification], **kwargs: object) -> None:
        self.notifications.append(NotifyAttempt(draft, people, made))

    def _announced(self, instance: Announcement, *, created: bool, **kwargs: object) -> None:
        if created:
            self.announcements.append(AnnouncementAttempt(instance))

    def _published(self, topic: str, kind: str, data: Any, **kwargs: object) -> None:
        self.ephemeral.append(CapturedEvent(topic=topic, kind=kind, data=data, ephemeral=True))
