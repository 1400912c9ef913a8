"""Members of rooms, their invitations, and how far they have read."""

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

MAX_OPEN_ROOMS = 50
MAX_INVITATIONS = 20
"""The most that a page lists, newest first, because strangers may create any number."""


def membership_of(person: User, slug: str) -> Membership:
    """Return the membership. Raise `PermissionDenied` if there is none; a missing room looks like a closed one."""
    membership = Membership.objects.select_related("room", "person").filter(room__slug=slug, person=person).first()
    if membership is None:
        raise PermissionDenied
    return membership


def memberships_of(person: User) -> QuerySet[Membership]:
    """Return the person's memberships, each with `unread`: the number of newer messages by others."""
    news = Message.objects.filter(room=OuterRef("room"), pk__gt=OuterRef("read_through")).exclude(author=person)
    count = news.order_by().values("room").annotate(count=Count("pk")).values("count")
    mine = Membership.objects.filter(person=person).select_related("room")
    return mine.annotate(unread=Coalesce(Subquery(count), 0)).order_by("room__name", "room_id")


def open_to(person: User) -> QuerySet[Room]:
    """Return the newest open rooms that the person is not in, at most `MAX_OPEN_ROOMS`."""
    return Room.objects.filter(is_open=True).exclude(members=person).order_by("-pk")[:MAX_OPEN_ROOMS]


def invitations_of(person: User) -> QuerySet[Invitation]:
    return Invitation.objects.filter(person=person).select_related("room__owner")[:MAX_INVITATIONS]


def invite(room: Room, owner: User, person: User) -> bool:
    """Invite a person and return True, or False for a member. Only the first invitation to a room notifies them."""
    if room.members.filter(pk=person.pk).exists():
        return False
    with transaction.atomic():
        Invitation.objects.get_or_create(room=room, person=person)
        notify.send(
            owner,
            recipient=person,
            verb="invited you to",
            target=room,
            kind="chat.invitation",
            url=reverse("chat:rooms"),
            dedupe_key=f"chat.invitation:{room.pk}",
        )
    return True


def accept(room: Room, person: User) -> None:
    """Make the invited person a member. Raise `PermissionDenied` if they were not invited."""
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


def ask(slug: str, person: User) -> None:
    """Ask the members of a closed room to let the person in. Do nothing for a missing room, which looks like one."""
    room = Room.objects.filter(slug=slug, is_open=False).first()
    if room is None or room.members.filter(pk=person.pk).exists():
        return
    members = room.members.all()
    notify.send(person, recipient=members, verb="asks to join", target=room, kind="chat.request")


def admit(room: Room, person: User, *, by: User) -> None:
    join(room, person)
    notify.send(by, recipient=person, verb="approved", target=room, kind="chat.answer", url=room.get_absolute_url())


def turn_away(room: Room, person: User, *, by: User, why: str) -> None:
    notify.send(by, recipient=person, verb="declined", target=room, kind="chat.answer", description=why or None)


def leave(room: Room, person: User) -> None:
    """End a membership, if there is one, also when the owner removes the person."""
    with transaction.atomic():
        Membership.objects.filter(room=room, person=person).delete()


def read(membership: Membership, through: int) -> None:
    """Mark messages up to `through` as read in all tabs, along with the notifications of mentions in them."""
    room, person = membership.room, membership.person
    with transaction.atomic():
        behind = Membership.objects.filter(pk=membership.pk, read_through__lt=through)
        if behind.update(read_through=through):
            publish(own_topic(person), "room.read", {"room": room.topic, "through": through})
            _read_mentions(person, room, through)


def _read_mentions(person: User, room: Room, through: int) -> None:
    mentions = Notification.objects.filter(recipient=person, kind="chat.mention", unread=True)
    of_room = mentions.filter(target_object_id=str(room.pk)).values_list("pk", "action_object_object_id")
    read = [pk for pk, message in of_room if int(message or 0) <= through]
    Notification.objects.filter(pk__in=read).mark_all_as_read()


def own_topic(person: User) -> str:
    """Return the topic by which a person's tabs learn of actions in their other tabs."""
    return f"chat.{person.pk}"


def watch_memberships() -> None:
    """Revoke the stream when a membership is deleted: by the person, the owner or the admin, or with the room."""
    post_delete.connect(_ended, sender=Membership, dispatch_uid="showcase.membership_ended")


def _ended(instance: Membership, **kwargs: Any) -> None:
    for topic in (instance.room.topic, instance.room.presence_topic):
        revoke(instance.person, topic)
    publish(instance.room.topic, "member.left", face_of(instance.person))
