"""The people who may approve, and the notifications that approval sends."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, PermissionsMixin
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from notifications.signals import notify

from notifications_hub import audiences
from notifications_hub.announcements import audit
from notifications_hub.announcements.models import Announcement
from notifications_hub.database.primary import from_primary
from notifications_hub.own_kinds import AnnouncementApproval
from notifications_hub.users import Person

PERMISSION = "notifications_hub.broadcast"
MOST = 50
"""The most people who are asked to approve one announcement."""


def approvers(without: Collection[Any]) -> list[Any]:
    """Return active people who may approve, except those with these keys.

    Superusers are asked if nobody was given the permission. No index has them, so a large site gives it to a few.
    """
    if not issubclass(get_user_model(), PermissionsMixin):
        return []
    people = _people().exclude(pk__in=without)
    return list(people.filter(pk__in=_holders())[:MOST]) or list(people.filter(is_superuser=True)[:MOST])


def tell(
    people: Collection[Any], announcement: Announcement, step: audit.Step, *, by: Person | None, why: str = ""
) -> None:
    """Notify people of a step, in the caller's transaction. `by` is the person who took it; None for code."""
    if people:
        notify.send(
            by,
            recipient=list(people),
            verb=step.value,
            target=announcement,
            description=why or None,
            url=page_of(announcement),
            kind=AnnouncementApproval.name,
        )


def writers(announcement: Announcement, *, without: Person | None) -> list[Any]:
    """Return its author and its last editor, except one person."""
    people = {person.pk: person for person in (announcement.by, announcement.last_editor) if person is not None}
    return [person for pk, person in people.items() if without is None or pk != without.pk]


def page_of(announcement: Announcement) -> str:
    """Return the path of its approval page; empty if the site has no admin."""
    try:
        return reverse("admin:notifications_hub_announcement_approval", args=[announcement.pk])
    except NoReverseMatch:
        return ""


def _holders() -> set[Any]:
    """Return keys of people with the permission. Each query begins at the permission, so few rows are read."""
    app, _dot, codename = PERMISSION.partition(".")
    rights = from_primary(Permission.objects.filter(content_type__app_label=app, codename=codename))
    pks = list(rights.values_list("pk", flat=True))
    own = _people().filter(user_permissions__in=pks).values_list("pk", flat=True)
    by_group = _people().filter(groups__permissions__in=pks).values_list("pk", flat=True)
    return {*own[: 10 * MOST], *by_group[: 10 * MOST]}


def _people() -> QuerySet[Any]:
    return audiences.members(audiences.EVERYONE).order_by()
