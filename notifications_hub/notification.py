"""One row: this person is told this. And every way it changes, each with the event that tells open pages.

Subclasses django-notifications' abstract model, so its fields, methods and querysets work as its documentation says;
what the package does by plain updates is done here in one transaction with an event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from notifications.base.models import AbstractNotification, NotificationQuerySet

from notifications_hub import streams
from notifications_hub.kinds import Road, kind_of
from notifications_hub.message import Item, Message, language_of
from notifications_hub.streams import NewEvent, inbox_topic

IDS_IN_AN_EVENT = 500


class InboxQuerySet(NotificationQuerySet["Notification"]):
    """Changes are conditional: what is already so does not change and makes no event."""

    def visible(self) -> Self:
        return self.filter(deleted=False)

    def unread(self, include_deleted: bool = False) -> Self:
        return self.filter(unread=True) if include_deleted else self.visible().filter(unread=True)

    def read(self, include_deleted: bool = False) -> Self:
        return self.filter(unread=False) if include_deleted else self.visible().filter(unread=False)

    def deleted(self) -> Self:
        return self.filter(deleted=True)

    def active(self) -> Self:
        return self.visible()

    def mark_all_as_read(self, recipient: models.Model | None = None) -> int:
        now = _now()
        # What is read has been seen: pages take it so, and unread again it must not count as new.
        seen_at = Coalesce("seen_at", models.Value(now))
        return self._of(recipient).unread()._change("notification.read", unread=False, read_at=now, seen_at=seen_at)

    def mark_all_as_unread(self, recipient: models.Model | None = None) -> int:
        return self._of(recipient).read()._change("notification.unread", unread=True, read_at=None)

    def mark_all_as_seen(self) -> int:
        return self.visible().filter(seen_at=None)._change("notification.seen", seen_at=_now())

    def archive(self) -> int:
        return self.visible().filter(archived_at=None)._change("notification.archived", archived_at=_now())

    def unarchive(self) -> int:
        return self.visible().exclude(archived_at=None)._restore(archived_at=None)

    def mark_all_as_deleted(self, recipient: models.Model | None = None) -> int:
        return self._of(recipient).visible()._change("notification.deleted", deleted=True)

    def mark_all_as_active(self, recipient: models.Model | None = None) -> int:
        return self._of(recipient).deleted()._restore(deleted=False)

    def mark_as_told(self, road: Road) -> list[int]:
        """Records the road that reached the person first. Gives the ids that no road had told before."""
        untold = self.filter(told_at=None)
        return untold._changed("notification.told", told_at=_now(), told_by=road.value)

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            emit_ids("notification.deleted", self.order_by("pk").values_list(*_OWNED))
            return super().delete()

    def _of(self, recipient: models.Model | None) -> Self:
        return self.filter(recipient=recipient) if recipient is not None else self

    def _change(self, event: str, **values: Any) -> int:
        return len(self._changed(event, **values))

    def _changed(self, event: str, **values: Any) -> list[int]:
        with transaction.atomic():
            owned = list(self._locked().values_list(*_OWNED))
            ids = [pk for pk, _, _ in owned]
            self._update(ids, **values)
            emit_ids(event, owned)
            return ids

    def _restore(self, **values: Any) -> int:
        """Back from where pages do not show it, so they need all of it again."""
        with transaction.atomic():
            ids = list(self._locked().values_list("pk", flat=True))
            self._update(ids, **values)
            emit_items("notification.updated", _whole(ids))
            return len(ids)

    def _locked(self) -> Self:
        # In ascending id, so that two of these meet in order; the second then finds nothing left to change.
        return self.order_by("pk").select_for_update(no_key=True, of=("self",))

    def _update(self, ids: Sequence[int], **values: Any) -> None:
        for first in range(0, len(ids), IDS_IN_AN_EVENT):
            self.model._default_manager.filter(pk__in=ids[first : first + IDS_IN_AN_EVENT]).update(**values)


_OWNED = ("pk", "recipient_id", "announcement_id")
Owned = tuple[int, Any, int | None]


class Notification(AbstractNotification):
    """`told_at`: a road reached the person; `seen_at`: they opened the bell on it; `read_at`: they read it."""

    id = models.BigAutoField(primary_key=True)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notifications",
        verbose_name=_("recipient"),
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=100, default="default")
    url = models.CharField(_("link"), max_length=2000, blank=True)
    dedupe_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 -- NULLs are distinct, "" is not
    actor_name = models.CharField(_("actor"), max_length=255, blank=True)
    target_name = models.CharField(_("target"), max_length=255, blank=True)
    announcement = models.ForeignKey(
        "notifications_hub.Announcement", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    toast = models.BooleanField(default=True)
    flash = models.BooleanField(default=True)
    flash_claim = models.UUIDField(null=True, blank=True, editable=False)
    flash_claimed_until = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(_("told"), null=True, blank=True)
    told_by = models.CharField(_("told by"), max_length=20, blank=True)
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)

    # The package's single-column indexes served no query that was measured; Meta has the ones that do.
    unread = models.BooleanField(_("unread"), default=True)
    public = models.BooleanField(_("public"), default=True)
    deleted = models.BooleanField(_("deleted"), default=False)
    emailed = models.BooleanField(_("emailed"), default=False)
    timestamp = models.DateTimeField(_("timestamp"), default=timezone.now)
    data = models.JSONField(_("data"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    actor_content_type = models.ForeignKey(
        ContentType, on_delete=models.CASCADE, related_name="+", db_index=False, null=True, blank=True
    )
    actor_object_id = models.CharField(max_length=255, blank=True)
    target_content_type = models.ForeignKey(
        ContentType, on_delete=models.CASCADE, related_name="+", db_index=False, null=True, blank=True
    )
    action_object_content_type = models.ForeignKey(
        ContentType, on_delete=models.CASCADE, related_name="+", db_index=False, null=True, blank=True
    )

    objects: ClassVar[InboxQuerySet] = InboxQuerySet.as_manager()  # type: ignore[assignment]

    class Meta(AbstractNotification.Meta):
        abstract = False
        swappable = "NOTIFICATIONS_NOTIFICATION_MODEL"
        app_label = "notifications_hub"
        ordering = ("-timestamp", "-id")
        indexes = [
            models.Index(fields=["recipient", "-timestamp", "-id"], name="hub_inbox"),
            models.Index(
                fields=["recipient", "-timestamp", "-id"],
                condition=models.Q(unread=True, deleted=False),
                name="hub_inbox_unread",
            ),
            models.Index(
                fields=["recipient", "id"],
                condition=models.Q(told_at=None, unread=True, deleted=False, flash=True),
                name="hub_inbox_untold",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["recipient", "dedupe_key"], name="hub_notification_dedupe"),
            models.UniqueConstraint(fields=["recipient", "announcement"], name="hub_notification_announcement"),
        ]
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")

    def __str__(self) -> str:
        return self.message().title

    def mark_as_read(self) -> None:
        """Also where the caller's instance is stale: the row decides."""
        self._row().mark_all_as_read()
        self.refresh_from_db(fields=["unread", "read_at"])

    def mark_as_unread(self) -> None:
        self._row().mark_all_as_unread()
        self.refresh_from_db(fields=["unread", "read_at"])

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            emit_ids("notification.deleted", [(self.pk, self.recipient_id, self.announcement_id)])
            return super().delete(*args, **kwargs)

    @property
    def item_id(self) -> str:
        return item_id(self.pk, self.announcement_id)

    def message(self) -> Message:
        """Rendered now, in the language that is active."""
        if self.announcement_id:
            return self.announcement.message()
        kind = kind_of(self.kind)
        return Message(
            id=self.item_id,
            kind=self.kind,
            title=kind.title(self),
            body=kind.body(self),
            url=self.url,
            level=self.level,
            icon=kind.icon,
            tag=f"n{self.pk}",
            urgency=kind.urgency,
            language=translation.get_language() or settings.LANGUAGE_CODE,
        )

    def item(self) -> Item:
        return Item(
            message=self.message(),
            at=self.timestamp,
            actor=self.actor_name,
            target=self.target_name,
            data=self.data,
            unread=self.unread,
            seen=self.seen_at is not None,
            archived=self.archived_at is not None,
            told=self.told_at is not None,
            toast=self.toast,
            translations=self.announcement.translations_json() if self.announcement_id else None,
        )

    def _row(self) -> InboxQuerySet:
        return type(self).objects.filter(pk=self.pk)

    def actor_object_url(self) -> str:
        return super().actor_object_url() if self.actor_content_type_id else ""

    def target_object_url(self) -> str:
        return super().target_object_url() if self.target_content_type_id else ""

    def action_object_url(self) -> str:
        return super().action_object_url() if self.action_object_content_type_id else ""


def item_id(pk: int, announcement_pk: int | None) -> str:
    """An announcement has its id before a row of it is made for a person, and keeps it after."""
    return str(pk) if announcement_pk is None else f"a{announcement_pk}"


def emit_items(event: str, notifications: Iterable[Notification]) -> None:
    """Logs one event a notification, with all of it, in its person's language."""
    streams.append_many(
        NewEvent(inbox_topic(row.recipient_id), event, item.as_json()) for row, item in _rendered(notifications)
    )


def emit_ids(event: str, owned: Iterable[Owned]) -> None:
    """Logs which ids changed: exactly those, so that a page can apply it to what it knows."""
    ids: dict[Any, list[str]] = defaultdict(list)
    for pk, person, announcement in owned:
        ids[person].append(item_id(pk, announcement))
    streams.append_many(
        NewEvent(inbox_topic(person), event, {"ids": theirs[first : first + IDS_IN_AN_EVENT]})
        for person, theirs in ids.items()
        for first in range(0, len(theirs), IDS_IN_AN_EVENT)
    )


def _rendered(notifications: Iterable[Notification]) -> Iterator[tuple[Notification, Item]]:
    for row in notifications:
        with translation.override(language_of(row.recipient)):
            yield row, row.item()


def _whole(ids: Sequence[int]) -> InboxQuerySet:
    return (
        Notification.objects.filter(pk__in=ids)
        .select_related("recipient", "announcement")
        .prefetch_related("announcement__translations")
        .order_by("pk")
    )


def _now() -> datetime:
    return datetime.now(UTC)
