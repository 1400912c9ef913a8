"""Who is in which room, and how far they have read."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.db.models.signals import post_delete
from django.urls import reverse
from notifications.signals import notify

from accounts.models import User
from notifications_hub import Notification, publish, revoke
from showcase.chat.faces import face_of
from showcase.chat.models import Invitation, Membership, Message, Room

MOST_OPEN = 50
MOST_INVITATIONS = 20
"""The newest that a page lists: strangers who open rooms must not make it endless."""


def membership_of(person: User, slug: str) -> Membership:
    """Raises `PermissionDenied`, also for a room that is not there: from outside the two look alike."""
    membership = Membership.objects.select_related("room", "person").filter(room__slug=slug, person=person).first()
    if membership is None:
        raise PermissionDenied
    return membership


def memberships_of(person: User) -> QuerySet[Membership]:
    """Each with `unread`: how many messages others have written since."""
    news = Message.objects.filter(room=OuterRef("room"), pk__gt=OuterRef("read_through")).exclude(author=person)
    count = news.order_by().values("room").annotate(count=Count("pk")).values("count")
    mine = Membership.objects.filter(person=person).select_related("room")
    return mine.annotate(unread=Coalesce(Subquery(count), 0)).order_by("room__name", "room_id")


def open_to(person: User) -> QuerySet[Room]:
    """Return the newest rooms that a person may join. Anyone opens rooms, so a page lists only so many."""
    return Room.objects.filter(is_open=True).exclude(members=person).order_by("-pk")[:MOST_OPEN]


def invitations_of(person: User) -> QuerySet[Invitation]:
    return Invitation.objects.filter(person=person).select_related("room__keeper")[:MOST_INVITATIONS]


def invite(room: Room, keeper: User, person: User) -> bool:
    """Return whether they can accept now; False for a member. They are notified of the first invitation to a room."""
    if room.members.filter(pk=person.pk).exists():
        return False
    with transaction.atomic():
        Invitation.objects.get_or_create(room=room, person=person)
        notify.send(
            keeper,
            recipient=person,
            verb="invited you to",
            target=room,
            kind="chat.invitation",
            url=reverse("chat:rooms"),
            dedupe_key=f"chat.invitation:{room.pk}",
        )
    return True


def accept(room: Room, person: User) -> None:
    """Raise `PermissionDenied` without an invitation."""
    with transaction.atomic():
        if not Invitation.objects.select_for_update().filter(room=room, person=person).exists():
            raise PermissionDenied
        join(room, person)


def decline(room: Room, person: User) -> None:
    Invitation.objects.filter(room=room, person=person).delete()


def join(room: Room, person: User) -> None:
    with transaction.atomic():
        Invitation.objects.filter(room=room, person=person).delete()
        _, is_new = Membership.objects.get_or_create(room=room, person=person)
        if is_new:
            publish(room.topic, "member.joined", face_of(person))


def leave(room: Room, person: User) -> None:
    """Also for somebody whom the keeper removes. Whoever was not in it is not in it now either."""
    with transaction.atomic():
        Membership.objects.filter(room=room, person=person).delete()


def read(membership: Membership, through: int) -> None:
    """Has read everything up to this message, in all tabs; what told of a mention in it is read with it."""
    room, person = membership.room, membership.person
    with transaction.atomic():
        behind = Membership.objects.filter(pk=membership.pk, read_through__lt=through)
        if behind.update(read_through=through):
            publish(own_topic(person), "room.read", {"room": room.topic, "through": through})
            _read_mentions(person, room, through)


def _read_mentions(person: User, room: Room, through: int) -> None:
    mentions = Notification.objects.filter(recipient=person, kind="chat.mention", unread=True)
    delivered = mentions.filter(target_object_id=str(room.pk)).values_list("pk", "action_object_object_id")
    read = [pk for pk, message in delivered if int(message or 0) <= through]
    Notification.objects.filter(pk__in=read).mark_all_as_read()


def own_topic(person: User) -> str:
    """Where somebody's tabs hear what they did in another."""
    return f"chat.{person.pk}"


def watch_memberships() -> None:
    """However a membership ends (by its person, its keeper, the admin, with its room), so does the stream it gave."""
    post_delete.connect(_ended, sender=Membership, dispatch_uid="showcase.membership_ended")


def _ended(instance: Membership, **kwargs: Any) -> None:
    revoke(instance.person, instance.room.topic)
    publish(instance.room.topic, "member.left", face_of(instance.person))
