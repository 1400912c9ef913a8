"""The notification model: one row says that one person is notified of one thing.

It subclasses django-notifications' abstract model, so the fields, methods and querysets of its documentation work.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any, cast

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from notifications.base.models import AbstractNotification

from notifications_hub.actions.results import with_result
from notifications_hub.extension import extension_of, keep, payload_of
from notifications_hub.following.followed import Followed
from notifications_hub.following.reasons import sentence_of
from notifications_hub.grouping.group import NotificationGroup
from notifications_hub.grouping.words import group_json, in_group
from notifications_hub.kinds import NotificationLike, kind_of
from notifications_hub.message import Item, Message, list_to_confirm, time_to_live, to_confirm
from notifications_hub.notification_queryset import UNCONFIRMED, InboxManager, InboxQuerySet, emit_items, item_id
from notifications_hub.rendering import Rendered, render
from notifications_hub.system_actors import actor_label, system_actor

__all__ = ["InboxQuerySet", "Notification", "emit_items"]


class ActorKey(GenericForeignKey):
    """The relation to an actor's row. In place of a row it returns a `SystemActor`, or None for the site itself."""

    def contribute_to_class(self, cls: type[models.Model], name: str, **kwargs: Any) -> None:  # type: ignore[override]
        # The arguments are those of GenericForeignKey, which its stub leaves out.
        super().contribute_to_class(cls, name, **kwargs)
        # Django 6.1 has a descriptor beside the field. Before, the field is its own.
        setattr(cls, name, _ActorAttribute(getattr(cls, name)))


class _ActorAttribute:
    """The attribute of a relation to an actor. The class's own is the relation, which Django's prefetching asks."""

    def __init__(self, relation: Any) -> None:
        self._relation = relation

    def __get__(self, instance: Any, cls: type[models.Model] | None = None) -> Any:
        if instance is None:
            return self._relation
        if instance.actor_content_type_id is None and instance.actor_object_id:
            return system_actor(instance.actor_object_id, instance.actor_name)
        return self._relation.__get__(instance, cls)

    def __set__(self, instance: Any, value: Any) -> None:
        self._relation.__set__(instance, value)


class Notification(AbstractNotification):
    """One person's notification of one event. `delivered_at` is when the first delivery method reached the person."""

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
    dedupe_key = models.CharField(_("dedupe key"), max_length=200, null=True, blank=True)  # noqa: DJ001 -- NULLs are distinct, "" is not
    actor_name = models.CharField(_("actor"), max_length=255, blank=True)
    target_name = models.CharField(_("target"), max_length=255, blank=True)
    action_object_name = models.CharField(_("action object"), max_length=255, blank=True)
    announcement = models.ForeignKey(
        "notifications_hub.Announcement",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    # The value of the host's `scope_by`, as text. Empty: it belongs to every scope. NULL: there are no scopes.
    scope = models.CharField(max_length=100, null=True, editable=False)  # noqa: DJ001 -- as the line above says
    # The code of the reason that it was sent to this person, and the thing that they may unfollow, as `Followed` writes
    # it. NULL for most, whose rows and statements then carry nothing for them.
    reason = models.CharField(_("reason"), max_length=50, null=True, blank=True, editable=False)  # noqa: DJ001 -- as the lines above say
    followed = models.CharField(max_length=220, null=True, editable=False)  # noqa: DJ001 -- as above
    # What this and other notifications let people decide together. Empty: the person alone. NULL: nothing.
    action_key = models.CharField(max_length=200, null=True, editable=False)  # noqa: DJ001 -- as the line above says
    # Unread ones of one person that share it are shown as one: see `grouping`. NULL for most, as above.
    group_key = models.CharField(max_length=200, null=True, editable=False)  # noqa: DJ001 -- as above
    toast = models.BooleanField(default=True)
    flash = models.BooleanField(default=True)
    flash_claim = models.UUIDField(null=True, blank=True, editable=False)
    flash_claimed_until = models.DateTimeField(null=True, blank=True)
    # The start of the time that open pages have to show it. `timestamp` is set by the caller, whose transaction may be
    # long.
    committed_at = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    delivered_by = models.CharField(_("delivered by"), max_length=20, blank=True)
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    saved_at = models.DateTimeField(_("saved"), null=True, blank=True)
    # Until then it is archived too, so that no list, count or flash has it.
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    # It stays on top until the person confirms it, which also reads it.
    must_acknowledge = models.BooleanField(_("must be confirmed"), default=False, db_default=False)
    acknowledged_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    # When the person first opened its link. Only announcements and pushes report it.
    clicked_at = models.DateTimeField(_("clicked"), null=True, blank=True)

    # Redefined without the package's single-column indexes: no measured query used them. Meta has the useful ones.
    unread = models.BooleanField(_("unread"), default=True)
    public = models.BooleanField(_("public"), default=True)
    deleted = models.BooleanField(_("deleted"), default=False)
    emailed = models.BooleanField(_("emailed"), default=False)
    timestamp = models.DateTimeField(_("timestamp"), default=timezone.now)
    data = models.JSONField(_("data"), null=True, blank=True, encoder=DjangoJSONEncoder)
    actor_content_type = models.ForeignKey(
        ContentType, on_delete=models.CASCADE, related_name="+", db_index=False, null=True, blank=True
    )
    actor_object_id = models.CharField(max_length=255, blank=True)
    actor = ActorKey("actor_content_type", "actor_object_id")
    target_content_type = models.ForeignKey(
        ContentType, on_delete=models.CASCADE, related_name="+", db_index=False, null=True, blank=True
    )
    action_object_content_type = models.ForeignKey(
        ContentType, on_delete=models.CASCADE, related_name="+", db_index=False, null=True, blank=True
    )

    unfollowed = False
    """True if the person follows the thing no more. Inboxes set it, for all rows of a page by one query."""

    avatar = ""
    """The address of the actor's picture, if there is one. See `load_avatars`."""

    group: NotificationGroup | None = None
    """Its group, if it is unread and not alone there. Inboxes set it, for all rows of a page by one query."""

    objects = InboxManager()  # type: ignore[assignment, misc]

    class Meta(AbstractNotification.Meta):
        abstract = False
        swappable = "NOTIFICATIONS_NOTIFICATION_MODEL"
        app_label = "notifications_hub"
        base_manager_name = "objects"
        ordering = ("-timestamp", "-id")
        # A page finds a person's rows of the running announcements by (announcement, recipient). The indexes of lists,
        # counts and flashes serve the other rows, so that no page reads rows of ended announcements again and again.
        #
        # Each of these begins with a column that its question wants to be NULL and also sorts by. No other index has
        # that order. In a plain order, PostgreSQL may choose the index of another question and read a whole inbox.
        indexes = [
            models.Index(fields=["recipient", "-timestamp", "-id"], name="hub_inbox"),
            models.Index(
                fields=["recipient", "archived_at", "-timestamp", "-id"],
                condition=models.Q(deleted=False, announcement=None),
                name="hub_inbox_listed",
            ),
            models.Index(
                fields=["recipient", "announcement", "archived_at", "-timestamp", "-id"],
                condition=models.Q(unread=True, deleted=False),
                name="hub_inbox_unread",
            ),
            models.Index(
                fields=["recipient", "announcement", "archived_at", "seen_at"],
                condition=models.Q(unread=True, deleted=False, seen_at=None),
                name="hub_inbox_unseen",
            ),
            models.Index(
                fields=["recipient", "announcement", "-timestamp", "-id"],
                condition=models.Q(deleted=False, archived_at__isnull=False, snoozed_until=None),
                name="hub_archive_listed",
            ),
            # These have no rows of people who save and snooze nothing.
            models.Index(
                fields=["recipient", "announcement", "-timestamp", "-id"],
                condition=models.Q(deleted=False, saved_at__isnull=False),
                name="hub_saved_listed",
            ),
            models.Index(
                fields=["recipient", "announcement", "-timestamp", "-id"],
                condition=models.Q(deleted=False, snoozed_until__isnull=False),
                name="hub_snoozed_listed",
            ),
            # Workers wake what is due, and a page what is due of its person.
            models.Index(
                fields=["snoozed_until", "id"], condition=models.Q(snoozed_until__isnull=False), name="hub_snoozed_due"
            ),
            models.Index(
                fields=["recipient", "snoozed_until"],
                condition=models.Q(snoozed_until__isnull=False),
                name="hub_snoozed_of_person",
            ),
            models.Index(
                fields=["recipient", "flash", "archived_at", "-id"],
                condition=models.Q(delivered_at=None, unread=True, deleted=False, announcement=None),
                name="hub_undelivered",
            ),
            # The same for one scope. They have no rows on a site without scopes.
            models.Index(
                fields=["recipient", "scope", "announcement", "archived_at", "-timestamp", "-id"],
                condition=models.Q(deleted=False, scope__isnull=False),
                name="hub_scope_listed",
            ),
            models.Index(
                fields=["recipient", "scope", "archived_at", "announcement", "-timestamp", "-id"],
                condition=models.Q(unread=True, deleted=False, scope__isnull=False),
                name="hub_scope_unread",
            ),
            models.Index(
                fields=["recipient", "scope", "archived_at", "announcement", "seen_at"],
                condition=models.Q(unread=True, deleted=False, seen_at=None, scope__isnull=False),
                name="hub_scope_unseen",
            ),
            # Undo finds what one mark changed by its time. Rows that nobody marked so are not in these.
            models.Index(fields=["recipient", "read_at"], condition=models.Q(read_at__isnull=False), name="hub_read"),
            models.Index(
                fields=["recipient", "archived_at"], condition=models.Q(archived_at__isnull=False), name="hub_archived"
            ),
            models.Index(
                fields=["recipient", "saved_at"], condition=models.Q(saved_at__isnull=False), name="hub_saved"
            ),
            # The newest of a group stands for all in lists. Without groups it has no rows.
            models.Index(
                fields=["recipient", "group_key", "-timestamp", "-id"],
                condition=models.Q(unread=True, deleted=False, archived_at=None, group_key__isnull=False),
                name="hub_grouped",
            ),
            # The result of an action goes to everyone who has a notification of the same thing.
            models.Index(fields=["action_key", "id"], condition=models.Q(action_key__gt=""), name="hub_action_key"),
            # What a person has yet to confirm, and for the admin what of a kind is unconfirmed. They have no rows on a
            # site that asks for no confirmation.
            models.Index(
                fields=["recipient", "acknowledged_at", "announcement", "-timestamp", "-id"],
                condition=UNCONFIRMED & models.Q(deleted=False),
                name="hub_unconfirmed",
            ),
            models.Index(
                fields=["kind", "acknowledged_at", "-timestamp", "-id"],
                condition=UNCONFIRMED & models.Q(deleted=False, announcement=None),
                name="hub_unconfirmed_of_kind",
            ),
            # The admin counts who has read an announcement.
            models.Index(
                fields=["announcement"],
                condition=models.Q(unread=False, announcement__isnull=False),
                name="hub_announcement_read",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["recipient", "dedupe_key"], name="hub_notification_dedupe"),
            # In this order, it also finds all rows of an announcement. With an index for these alone, the planner may
            # read all of them to find one person's.
            models.UniqueConstraint(
                fields=["announcement", "recipient"],
                condition=models.Q(announcement__isnull=False),
                name="hub_notification_announcement",
            ),
        ]
        permissions = [("view_recipient_content", _("Can view the content of notifications"))]
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")

    def __str__(self) -> str:
        # Django's admin shows this on pages that do not check the permission to view the content.
        return f"{self.kind} {self.item_id}"

    def mark_as_read(self) -> None:
        """Mark as read. The stored row decides, even if this instance is stale."""
        self._row().mark_all_as_read()
        self.refresh_from_db(fields=["unread", "read_at"])

    def mark_as_unread(self) -> None:
        self._row().mark_all_as_unread()
        self.refresh_from_db(fields=["unread", "read_at"])

    @property
    def awaits_confirmation(self) -> bool:
        """Return whether the person must confirm it, and has not yet."""
        return self.must_acknowledge and self.acknowledged_at is None

    @property
    def item_id(self) -> str:
        return item_id(self.pk, self.announcement_id)

    @property
    def thread(self) -> str:
        """Return a key that all notifications about the same target share; empty without a target."""
        return f"{self.target_content_type_id}.{self.target_object_id}" if self.target_object_id else ""

    def message(self) -> Message:
        """Return the message, rendered in the active language."""
        message = self.message_without_result()
        has_actions = self.announcement is None and (self.action_key is not None or message.buttons)
        return with_result(message, self) if has_actions else message

    def message_without_result(self) -> Message:
        """Return the message for what shows its words alone. It needs no query for the result of an action."""
        if self.announcement is not None:
            return self.announcement.message()
        message = message_of(self.kind, self.as_kinds_read_it(), item_id=self.item_id, tag=f"n{self.pk}")
        message = replace(message, avatar=self.avatar) if self.avatar else message
        message = because(in_group(message, self.group_key), self.reason, None if self.unfollowed else self.followed)
        message = replace(message, thread=self.thread) if self.thread else message
        return to_confirm(message, list_to_confirm()) if self.must_acknowledge else message

    def as_kinds_read_it(self) -> NotificationLike:
        """Return this row as kinds read it: with `data`, and with the host's columns, even if it was stored without."""
        row, extension = self, extension_of(self)
        is_extended = extension is None or extension.pk is not None
        if self.data is None or not is_extended:
            row = copy(self)
            row.data = self.data or {}
            if extension is not None:
                keep(row, extension)
        return cast("NotificationLike", row)

    def item(self) -> Item:
        return Item(
            message=self.message(),
            at=self.timestamp,
            actor=actor_label(self),
            target=self.target_name,
            data=self.data or {},
            unread=self.unread,
            seen=self.seen_at is not None,
            archived=self.archived_at is not None,
            delivered=self.delivered_at is not None,
            toast=self.toast,
            translations=None if self.announcement is None else self.announcement.translations_json(),
            extension=None if self.announcement_id else payload_of(extension_of(self)),
            scope=self.scope,
            acknowledged_at=self.acknowledged_at,
            saved=self.saved_at is not None,
            snoozed_until=self.snoozed_until,
            group=group_json(self),
        )

    def _row(self) -> InboxQuerySet:
        return type(self).objects.filter(pk=self.pk)

    def actor_object_url(self) -> str:
        return super().actor_object_url() if self.actor_content_type_id else ""

    def target_object_url(self) -> str:
        return super().target_object_url() if self.target_content_type_id else ""

    def action_object_url(self) -> str:
        return super().action_object_url() if self.action_object_content_type_id else ""


def message_of(kind: str, row: NotificationLike, *, item_id: str, tag: str) -> Message:
    """Return a row's message in the active language. Use `tag` if the kind gives none."""
    return message_from(render(kind_of(kind), row), kind, item_id=item_id, tag=tag)


def message_from(rendered: Rendered, kind: str, *, item_id: str, tag: str) -> Message:
    """Return the message with these parts, in the active language. Use `tag` if the kind gives none."""
    return Message(
        id=item_id,
        kind=kind,
        title=rendered.title,
        body=rendered.body,
        url=rendered.url,
        level=rendered.level,
        icon=rendered.icon,
        tag=f"{kind}:{rendered.tag}" if rendered.tag else tag,
        urgency=rendered.urgency,
        ttl=time_to_live(rendered.ttl),
        privacy=rendered.privacy,
        actions=rendered.actions,
        language=translation.get_language() or settings.LANGUAGE_CODE,
    )


def because(message: Message, reason: str | None, followed: str | None) -> Message:
    """Return the message with the reason that it is sent, in the active language."""
    if not reason:
        return message
    reference = Followed.parse(followed).reference if followed else ""
    return replace(message, reason=reason, because=sentence_of(reason), followed=reference)
