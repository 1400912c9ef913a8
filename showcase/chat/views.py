"""The chat's two pages: the list of rooms, and a room. Both work without JavaScript."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.people import time_zone_of
from notifications_hub import live_url, start_cursor
from showcase.chat import history, presence, rooms
from showcase.chat.faces import face_of
from showcase.chat.forms import MemberForm, MessageForm, RoomForm
from showcase.chat.mentions import names_in
from showcase.chat.models import MAX_BODY, Membership, Message, Room
from showcase.chat.visitor import membership_of, number, person_of, private

MAX_ROOMS = 12
"""The most rooms that one page subscribes to, because each connection checks the rule of every topic."""


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the page shows it. One that `continues` the one above has no name of its own."""

    message: Message
    continues: bool
    mentions_me: bool
    begins_day: bool
    is_first_unread: bool


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@private
def rooms_page(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = RoomForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with transaction.atomic():
            return redirect(form.create_for(person))
    context = {
        "memberships": rooms.memberships_of(person),
        "invitations": rooms.invitations_of(person),
        "open_rooms": rooms.open_to(person),
        "form": form,
    }
    return render(request, "showcase/chat/rooms.html", context)


@require_safe
@login_required
@private
def room_page(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        membership = membership_of(request, slug)
    except PermissionDenied:
        return _not_a_member(request, slug)
    return show(request, membership)


def _not_a_member(request: HttpRequest, slug: str) -> HttpResponse:
    room = Room.objects.filter(slug=slug, is_open=True).first()
    return render(request, "showcase/chat/not_a_member.html", {"room": room, "slug": slug}, status=403)


def show(
    request: HttpRequest, membership: Membership, form: MessageForm | None = None, status: int = 200
) -> HttpResponse:
    """Render a room for a member. `form` holds a message that could not be sent."""
    room, person = membership.room, membership.person
    topics = topics_of(membership)
    # The cursor comes before the rows: a message written between the two arrives twice rather than never.
    cursor = start_cursor(person, topics)
    page = history.page(room, before_of(request))
    context = {
        "room": room,
        "membership": membership,
        "me": face_of(person),
        "live": live_url(person),
        "max_body": MAX_BODY,
        "memberships": rooms.memberships_of(person)[:MAX_ROOMS],
        "members": room.memberships.select_related("person"),
        "here": presence.people_in(room),
        "page": page,
        "lines": _lines(page.messages, membership),
        "form": form or MessageForm(initial={"client_id": secrets.token_hex(16)}),
        "member_form": MemberForm(),
        "topics": topics,
        "cursor": cursor,
        "csrf": get_token(request),
        "time_zone": time_zone_of(person),
    }
    return render(request, "showcase/chat/room.html", context, status=status)


def topics_of(membership: Membership) -> list[str]:
    """Return the topics of a room's page: the room, who is there, the person's other tabs, and their other rooms."""
    room, person = membership.room, membership.person
    others = [one.room.topic for one in rooms.memberships_of(person)[:MAX_ROOMS]]
    return list(dict.fromkeys([room.topic, room.presence_topic, rooms.own_topic(person), *others]))


def before_of(request: HttpRequest) -> int | None:
    """Return the message id that the requested history page ends before, or None. Raise `BadRequest` if invalid."""
    return number(request.GET["before"]) if "before" in request.GET else None


def _lines(written: Sequence[Message], membership: Membership) -> Iterator[Line]:
    name = membership.person.get_username().lower()
    last: Message | None = None
    seen_unread = membership.read_through == 0
    for message in written:
        begins_day = last is None or _day_of(last) != _day_of(message)
        continues = not begins_day and _continues(last, message)
        is_unread = message.pk > membership.read_through and message.author_id != membership.person_id
        mentions_me = name in names_in(message.body)
        yield Line(message, continues, mentions_me, begins_day, is_unread and not seen_unread)
        seen_unread = seen_unread or is_unread
        last = message


def _day_of(message: Message) -> date:
    """Return the day of the message in the reader's time zone."""
    return timezone.localtime(message.created).date()


def _continues(last: Message | None, message: Message) -> bool:
    return (
        last is not None
        and last.author_id == message.author_id
        and message.created - last.created < history.GROUPING_TIME
    )
